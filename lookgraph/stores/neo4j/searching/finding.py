"""What is near a query, by the way that was chosen, or by another where that does not suffice."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from lookgraph.config import RECALL
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.records import Read, StoredSpace
from lookgraph.stores.neo4j.searching.filters import Condition
from lookgraph.stores.neo4j.searching.looking import Listed, Look
from lookgraph.stores.neo4j.searching.streaming import nearest_streamed
from lookgraph.stores.neo4j.searching.ways import Way, candidates_for, exact_way, list_query
from lookgraph.types import Array, Integers, Matrix, Metric, Neighbour, Vector

_SHARE = 0.25
"""Where an index would name more of the pictures than this, all are compared."""

_FAR = 2.0**20
"""Queries for L2 with larger numbers are compared here: their squares would overflow float32."""

_FILTERED = 4
"""So many times more are asked of an index where not all that it names may answer."""


class Near(NamedTuple):
    """What was found near a query.

    Attributes:
        nearest: the best, with their exact scores, best first.
        more: the rows of others, nearest first as far as the server can tell.
        known: embeddings that were read, by their rows, each of shape (d,).
        by_index: whether it was an index that named them.
    """

    nearest: list[Neighbour]
    more: Integers
    known: dict[int, Array]
    by_index: bool = False


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds pictures of a space.

    Attributes:
        connection: to the database.
        stored: the space.
        way: how they are found.
        condition: what holds of those that may answer.
        pictures: how many there are, more or less; only for an index.
        recall: the share of the best that is enough; likewise.
    """

    connection: Connection
    stored: StoredSpace
    way: Way
    condition: Condition = field(default_factory=Condition)
    pictures: int = 0
    recall: float = RECALL

    def find(self, read: Read, query: Vector, k: int, at_least: int = 0) -> Near:
        """The k nearest, and others that may be near.

        Args:
            read: asks the server.
            query: shape (d,).
            k: how many; so many come wherever so many may answer.
            at_least: so many are named wherever there are so many.
        """
        look = self.look(read, query)
        found = self._by_index(look, k, max(k, at_least)) if self.way.index else None
        return found or self._by_all(look, k, max(k, at_least))

    def streams(self, queries: Matrix) -> bool:
        """Whether queries are compared here, since the server cannot do it."""
        is_far = self.stored.space.metric is Metric.L2 and np.abs(queries).max(initial=0) > _FAR
        return self.way.near is None or bool(is_far)

    def look(self, read: Read, query: Vector) -> Look:
        """A look at what is near a query."""
        return Look(read, self.connection.address.names, self.stored, query)

    def _by_index(self, look: Look, k: int, named: int) -> Near | None:
        """None where the index does not suffice."""
        candidates = max(candidates_for(k, self.recall), named + named // 4)
        candidates *= _FILTERED if self.condition.text else 1
        if candidates > _SHARE * self.pictures or self.streams(look.query):
            return None
        listed = self._listed(look, self.way, candidates, candidates)
        known: dict[int, Array] = {}
        if len(listed.rows) < named or (best := look.best(listed, k, known)) is None:
            return None
        return Near(best, _others(listed, best), known, by_index=True)

    def _by_all(self, look: Look, k: int, named: int) -> Near:
        way = self.way
        if way.index:
            way = exact_way(self.connection.server, self.stored)
        if replace(self, way=way).streams(look.query):
            queries = look.query[np.newaxis]
            (streamed,) = nearest_streamed(
                self.connection, self.stored, self.condition, queries, named
            )
            return Near(streamed, np.empty(0, np.int64), {})
        many = 2 * named + 100
        known: dict[int, Array] = {}
        while True:
            listed = self._listed(look, way, many)
            if (best := look.best(listed, k, known)) is not None:
                return Near(best, _others(listed, best), known)
            many *= 4

    def _listed(self, look: Look, way: Way, many: int, candidates: int = 0) -> Listed:
        names = self.connection.address.names
        found = look.read(
            list_query(way, names, self.stored, self.condition.text),
            query=look.towards,
            many=many,
            index=way.index,
            candidates=candidates,
            **self.condition.values,
        )
        return Listed(
            np.array([row for row, _ in found], np.int64),
            np.array([near for _, near in found], np.float64),
            is_all=not candidates and len(found) < many,
        )


def _others(listed: Listed, best: Sequence[Neighbour]) -> Integers:
    rows = listed.rows
    return rows[~np.isin(rows, [one.row for one in best])]
