"""Searching in Neo4j: which way, and what is made of what the server finds.

However a picture is found, its score is computed here, in float64 from the stored numbers, as the
local store does it. By an index, a picture may be missed; no score is wrong.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from neo4j import ManagedTransaction

from lookgraph.config import RECALL
from lookgraph.errors import GraphNotFoundError, LookgraphError
from lookgraph.index import exact
from lookgraph.index.comparisons import check_all
from lookgraph.stores.base import Answer, Match
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.records import Read, StoredSpace, match_map, match_of, reading
from lookgraph.stores.neo4j.schema import vector_index
from lookgraph.stores.neo4j.searching.filters import Condition, condition_of
from lookgraph.stores.neo4j.searching.finding import Finder
from lookgraph.stores.neo4j.searching.ranked import has_relations, ranked
from lookgraph.stores.neo4j.searching.streaming import nearest_streamed, over_streamed
from lookgraph.stores.neo4j.searching.ways import (
    Way,
    exact_way,
    gds_way,
    index_way,
    over_condition,
)
from lookgraph.types import (
    EVERYTHING,
    IndexKind,
    Matrix,
    Metric,
    Neighbour,
    Ranking,
    Selection,
    Vector,
)

INDEXED = 1000
"""With so many pictures or fewer, everything is compared unless an index was asked for: a tenth of
a second with 2,048 numbers each."""

_FEW = 2
"""More queries than these are compared here, if they are compared with everything: to read all
embeddings takes the server three times as long as to compare them once."""


_LACKING = "there is none; run `lookgraph index --index hnsw`"


@dataclass(frozen=True, slots=True)
class _Online:
    """An index that can be asked, and how many pictures there were when that was found out."""

    way: Way
    pictures: int


class Searches:
    """Searches in one database; for several threads."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is asked yet."""
        self._connection = connection
        self._names = connection.address.names
        self._lock = threading.Lock()
        self._online: dict[str, _Online] = {}

    def search(
        self,
        stored: StoredSpace,
        queries: Matrix,
        k: int,
        among: Selection = EVERYTHING,
        recall: float = RECALL,
        ranking: Ranking = Ranking.COSINE,
        asked: Sequence[str | None] = (),
    ) -> list[Answer]:
        """As `lookgraph.stores.base.Store.search`, in a space that is there."""
        if not len(queries):
            return []
        exact.check(np.empty((0, stored.space.dimension), np.float16), queries[0], k)
        check_all(stored.space.metric, queries)
        condition = condition_of(among, self._names, self._connection.read)
        is_ranked = self._is_ranked(stored, ranking)
        ids = list(asked) or [None] * len(queries)
        try:
            return self._answers(stored, queries, k, condition, recall, is_ranked, ids)
        except LookgraphError:
            with self._lock:
                was_online = self._online.pop(stored.property, None)
            if was_online is None or self._index(stored)[0] is not None:
                raise
            # Somebody has dropped the index.
            return self._answers(stored, queries, k, condition, recall, is_ranked, ids)

    def search_over(
        self, stored: StoredSpace, query: Vector, score: float, among: Selection = EVERYTHING
    ) -> Answer:
        """As `lookgraph.stores.base.Store.search_over`, in a space that is there."""
        exact.check(np.empty((0, stored.space.dimension), np.float16), query, 1)
        check_all(stored.space.metric, query[np.newaxis])
        condition = condition_of(among, self._names, self._connection.read)
        finder = Finder(self._connection, stored, exact_way(self._connection.server, stored))
        if not finder.streams(query[np.newaxis]):
            look = finder.look(self._connection.read, query)
            condition = over_condition(finder.way, stored.space, condition, look.towards, score)
        found = over_streamed(self._connection, stored, condition, query, score)
        return Answer(self._matches(self._connection.read, found), IndexKind.EXACT)

    def _answers(
        self,
        stored: StoredSpace,
        queries: Matrix,
        k: int,
        condition: Condition,
        recall: float,
        is_ranked: bool,
        asked: Sequence[str | None],
    ) -> list[Answer]:
        online, fault = self._chosen(stored, recall, condition)
        finder = Finder(self._connection, stored, online.way, condition, online.pictures, recall)
        many = online.way.index is None and len(queries) > _FEW
        if not is_ranked and (many or finder.streams(queries)):
            found = nearest_streamed(self._connection, stored, condition, queries, k)
            read = self._connection.read
            return [Answer(self._matches(read, its), IndexKind.EXACT, fault) for its in found]

        def ask(transaction: ManagedTransaction, query: Vector, id_: str | None) -> Answer:
            read = reading(transaction)
            if is_ranked:
                return self._ranked(finder, read, query, k, id_, fault)
            near = finder.find(read, query, k)
            by = _by(online.way, near.by_index)
            return Answer(self._matches(read, near.nearest), by, fault)

        return [
            self._connection.read_in(partial(ask, query=query, id_=id_))
            for query, id_ in zip(queries, asked, strict=True)
        ]

    def _ranked(
        self,
        finder: Finder,
        read: Read,
        query: Vector,
        k: int,
        asked: str | None,
        fault: str | None,
    ) -> Answer:
        best, by_index = ranked(finder, read, query, k, asked)
        rank_scores = {one.neighbour.row: one.rank_score for one in best}
        matches = self._matches(read, [one.neighbour for one in best], rank_scores)
        return Answer(matches, _by(finder.way, by_index), fault, is_ranked=True)

    def _is_ranked(self, stored: StoredSpace, ranking: Ranking) -> bool:
        """Whether it is ranked through the relations.

        Raises:
            GraphNotFoundError: it should be, and there are none.
        """
        if ranking is Ranking.COSINE:
            return False
        if stored.space.metric is Metric.COSINE:
            has_graph = stored.graph is not None and stored.graph.neighbours > 0
            if has_graph or has_relations(self._connection.read, stored):
                return True
        if ranking is Ranking.GRAPH:
            raise GraphNotFoundError(stored.space.name)
        return False

    def _chosen(
        self, stored: StoredSpace, recall: float, condition: Condition
    ) -> tuple[_Online, str | None]:
        """How it is searched, and why not by what was asked for."""
        server, kind = self._connection.server, stored.index
        everything = _Online(exact_way(server, stored), 0)
        if kind is IndexKind.GDS and stored.space.metric is Metric.COSINE:
            if server.gds is None:
                return everything, "Graph Data Science is not installed on the server"
            return _Online(gds_way(stored), 0), None
        is_few = condition.most is not None and condition.most <= INDEXED
        if recall >= 1 or is_few or kind not in (IndexKind.AUTO, IndexKind.HNSW):
            return everything, None
        with self._lock:
            online = self._online.get(stored.property)
        if online is None:
            online, fault = self._index(stored)
            if online is None:
                return everything, fault
        if kind is IndexKind.AUTO and online.pictures <= INDEXED:
            return everything, None
        with self._lock:
            self._online[stored.property] = online
        return online, None

    def _index(self, stored: StoredSpace) -> tuple[_Online | None, str | None]:
        """The index that a space can be searched by, or why it cannot."""
        found = vector_index(self._connection, stored.property)
        if found is None:
            return None, _LACKING if stored.index is IndexKind.HNSW else None
        if not found.is_online:
            share = f", {found.share:.0%} of it is there" if found.state == "POPULATING" else ""
            return None, f"{found.name} is {found.state.lower()}{share}"
        if not found.takes(stored.space.dimension, stored.space.metric):
            told = f"of {found.dimension} numbers compared by {found.similarity}"
            return None, f"{found.name} is {told}, which these are not"
        (count,) = self._connection.read(
            f"MATCH (n:`{self._names.label}`) RETURN count(n) AS count"
        )
        way = index_way(self._connection.server, stored, found.name)
        return _Online(way, int(count["count"])), None

    def _matches(
        self,
        read: Read,
        found: Sequence[Neighbour],
        rank_scores: Mapping[int, float] | None = None,
    ) -> tuple[Match, ...]:
        """What was found; pictures that have lost their files meanwhile are left out."""
        told = {
            one["row"]: one["told"]
            for one in read(
                f"MATCH (n:`{self._names.own()}`) WHERE n.row IN $rows AND n:`{self._names.label}`"
                f" RETURN n.row AS row, {match_map(self._names, 'n')} AS told",
                rows=np.array([one.row for one in found], np.int64),
            )
        }
        ranks = rank_scores or {}
        return tuple(
            match_of(told[one.row], one.score, ranks.get(one.row))
            for one in found
            if one.row in told and told[one.row]["files"]
        )


def _by(way: Way, by_index: bool) -> IndexKind:
    return IndexKind.EXACT if way.index and not by_index else way.kind
