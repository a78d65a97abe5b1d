"""Reading the embeddings of a space, as the rows that `lookgraph.graph` and others take."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from lookgraph.errors import LibraryDamagedError
from lookgraph.stores.base import Embedded
from lookgraph.stores.linking import Embeddings
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import (
    SHOWS,
    StoredSpace,
    entry_map,
    entry_of,
    picture_map,
    picture_of,
)
from lookgraph.types import LARGEST, Metric, Rows, Vector

_PAGE = 1024
"""Pictures in one question: 19 MB of 2,048 numbers on their way."""


def read_embeddings(connection: Connection, stored: StoredSpace) -> Embeddings:
    """Those of all pictures that have a file or are in the graph."""
    names = connection.address.names
    (count,) = connection.read(
        f"MATCH (n:`{names.own()}`) WHERE n.row >= 0 AND {_asked(names, stored)} RETURN count(n)"
    )[0]
    rows = np.zeros((count, stored.space.dimension), np.float16)
    ids: list[str] = []
    numbers: list[int] = []
    flags: list[tuple[bool, bool, bool]] = []
    for id_, row, is_live, is_inside, embedding in _pages(connection, stored):
        if len(ids) == len(rows):  # somebody writes meanwhile
            rows = np.concatenate([rows, np.zeros((_PAGE, rows.shape[1]), np.float16)])
        is_sound = as_row(embedding, rows[len(ids)], stored.space.metric)
        ids.append(id_)
        numbers.append(row)
        flags.append((is_sound, is_live, is_inside))
    sound, live, inside = np.array(flags, np.bool_).reshape(-1, 3).T
    return Embeddings(
        tuple(ids), np.array(numbers, np.int64), rows[: len(ids)], sound, live, inside
    )


def _pages(connection: Connection, stored: StoredSpace) -> Iterator[list[Any]]:
    names = connection.address.names
    start = 0
    while True:
        page = connection.read(
            f"MATCH (n:`{names.own()}`) WHERE n.row >= $start AND {_asked(names, stored)}"
            " WITH n ORDER BY n.row LIMIT $most"
            f" RETURN n.`{names.id}`, n.row, n:`{names.label}`, n.`{stored.norm}` IS NOT NULL,"
            f" n.`{stored.property}`",
            start=start,
            most=_PAGE,
        )
        yield from (record.values() for record in page)
        if len(page) < _PAGE:
            return
        start = page[-1].values()[1] + 1


def _asked(names: Names, stored: StoredSpace) -> str:
    inside = f"n.`{stored.norm}` IS NOT NULL"
    return f"({inside} OR (n:`{names.label}` AND n.`{stored.property}` IS NOT NULL))"


def as_row(told: Any, row: Rows, metric: Metric) -> bool:
    """Put an embedding that was read into a row, shape (d,); whether it can be compared.

    Args:
        told: a list of numbers, or whatever somebody has put in its place.
        row: where it goes; it stays zero if it cannot be compared.
        metric: how it is to be compared.
    """
    if not isinstance(told, list) or len(told) != len(row):
        return False
    try:
        numbers = np.array(told, np.float64)
    except (TypeError, ValueError):
        return False
    largest = np.abs(numbers).max(initial=0)
    if not largest <= LARGEST or (metric is Metric.COSINE and not largest):  # false for NaN too
        return False
    row[:] = numbers
    return True


def read_embedding(connection: Connection, stored: StoredSpace, id_: str) -> Vector | None:
    """The embedding of a picture that has a file, shape (d,); None if it has none.

    Raises:
        LibraryDamagedError: what is there is no embedding.
    """
    names = connection.address.names
    found = connection.read(
        f"MATCH (n:`{names.label}`:`{names.own()}` {{`{names.id}`: $id}})"
        f" RETURN n.`{stored.property}` AS embedding",
        id=id_,
    )
    if not found or found[0]["embedding"] is None:
        return None
    row = np.zeros(stored.space.dimension, np.float16)
    if not as_row(found[0]["embedding"], row, stored.space.metric):
        raise LibraryDamagedError(
            f"The embedding of the picture {id_} in {connection.address} is damaged. "
            "Run `lookgraph doctor --repair`."
        )
    return row.astype(np.float32)


def embedded_pictures(connection: Connection, stored: StoredSpace) -> Iterator[Embedded]:
    """Every picture that has a file and a sound embedding, as they were stored."""
    names = connection.address.names
    start = 0
    while True:
        page = connection.read(
            f"MATCH (n:`{names.label}`:`{names.own()}`) WHERE n.row >= $start"
            f" AND n.`{stored.property}` IS NOT NULL WITH n ORDER BY n.row LIMIT $most"
            f" RETURN n.row AS row, {picture_map(names, 'n')} AS picture,"
            f" [(f:`{names.own('File')}`)-[:{SHOWS}]->(n) | {entry_map(names, 'f', 'n')}] AS files,"
            f" n.`{stored.property}` AS embedding ORDER BY row",
            start=start,
            most=_PAGE,
        )
        for told in page:
            row = np.zeros(stored.space.dimension, np.float16)
            if as_row(told["embedding"], row, stored.space.metric):
                files = sorted(told["files"], key=lambda its: str(its["key"]))
                yield Embedded(
                    picture_of(told["picture"]),
                    tuple(entry_of(its) for its in files),
                    row.astype(np.float32),
                )
        if len(page) < _PAGE:
            return
        start = page[-1]["row"] + 1
