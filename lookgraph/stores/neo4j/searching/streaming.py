"""Search by reading all embeddings, where the server cannot compare them as is wanted."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from neo4j import Result

from lookgraph.index import batches, exact
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.records import StoredSpace
from lookgraph.stores.neo4j.searching.filters import Condition
from lookgraph.types import Integers, Matrix, Neighbour, Rows, Vector

_AT_ONCE = 1024
"""Embeddings in memory as the driver has them: 130 MB of 4,096 numbers."""


def nearest_streamed(
    connection: Connection, stored: StoredSpace, condition: Condition, queries: Matrix, k: int
) -> list[list[Neighbour]]:
    """The k pictures nearest to each query, as `lookgraph.index.exact.nearest` finds them."""
    metric = stored.space.metric
    best: list[list[Neighbour]] = [[] for _ in queries]
    for numbers, rows in _blocks(connection, stored, condition):
        found = batches.nearest_many(rows, queries, k, metric)
        for place, more in enumerate(found):
            best[place] = _ordered(best[place] + _renumbered(more, numbers))[:k]
    return best


def over_streamed(
    connection: Connection, stored: StoredSpace, condition: Condition, query: Vector, score: float
) -> list[Neighbour]:
    """All pictures with at least a score, as `lookgraph.index.exact.over` finds them."""
    found: list[Neighbour] = []
    for numbers, rows in _blocks(connection, stored, condition):
        found += _renumbered(exact.over(rows, query, score, stored.space.metric), numbers)
    return _ordered(found)


def _blocks(
    connection: Connection, stored: StoredSpace, condition: Condition
) -> Iterator[tuple[Integers, Rows]]:
    """The rows of pictures in order, shape (m,), and their embeddings, shape (m, d)."""
    names = connection.address.names
    with connection.stream(
        f"MATCH (n:`{names.label}`:`{names.own()}`)"
        f" WHERE n.`{stored.property}` IS NOT NULL{condition.text}"
        f" RETURN n.row AS row, n.`{stored.property}` AS numbers",
        **condition.values,
    ) as answer:
        while (block := _block(answer, stored.space.dimension)) is not None:
            yield block


def _block(answer: Result, dimension: int) -> tuple[Integers, Rows] | None:
    numbers: list[int] = []
    rows = np.empty((_AT_ONCE, dimension), np.float16)
    for row, embedding in islice(answer, _AT_ONCE):
        rows[len(numbers)] = embedding
        numbers.append(row)
    if not numbers:
        return None
    order = np.argsort(numbers)
    return np.array(numbers, np.int64)[order], rows[: len(numbers)][order]


def _renumbered(found: list[Neighbour], numbers: Integers) -> list[Neighbour]:
    return [Neighbour(int(numbers[one.row]), one.score) for one in found]


def _ordered(found: list[Neighbour]) -> list[Neighbour]:
    return sorted(found, key=lambda one: (-one.score, one.row))
