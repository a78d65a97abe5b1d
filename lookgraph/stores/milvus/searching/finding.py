"""What is nearest to queries: named by the server, and compared here with what was stored.

The server compares in float32, and by an index not everything. What it names is scored again from
the stored numbers, exactly as a local library does it, and is right once nothing that was not named
can be among the best. Pictures that have no file any more keep their embeddings for a while: they
are passed over here, so that a search needs no expression for it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lookgraph.config import RECALL
from lookgraph.index import batches, exact
from lookgraph.stores.milvus import expressions
from lookgraph.stores.milvus.client.connection import MOST, Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.embeddings import VECTOR, Stored
from lookgraph.stores.milvus.indexes import FLAT, search_params
from lookgraph.stores.milvus.matching import with_all_keys
from lookgraph.stores.milvus.records import StoredPicture, StoredSpace, pictures_with
from lookgraph.stores.milvus.searching.conditions import Condition
from lookgraph.stores.milvus.statuses import kind_of
from lookgraph.types import IndexKind, Matrix, Metric, Rows, Vector

_MARGIN = 3
"""So many more than are wanted are asked for: some may tie, and some may have no file."""

_OVER = 100
"""So many are asked for at first, where all over a score are wanted."""

_GROWTH = 8
_UNIT = 2.0**-24
"""The unit roundoff of float32."""

_QUERIES = 32
"""Queries in one question."""


@dataclass(frozen=True, slots=True)
class Near:
    """A picture near a query.

    Attributes:
        stored: its embedding.
        score: by the space's metric, from the stored numbers.
    """

    stored: Stored
    score: float


Found: TypeAlias = list[Near]
"""What was found for a query, best first; of those that tie, in the order of storing."""


@dataclass(frozen=True, slots=True)
class _Named:
    """What the server names for a query.

    Attributes:
        stored: the embeddings.
        beyond: how near what is not named may be, at most; None if all is.
    """

    stored: list[Stored]
    beyond: float | None


class Finder:
    """Finds what is near queries in one space, among what may answer."""

    def __init__(
        self,
        connection: Connection,
        names: Names,
        stored: StoredSpace,
        condition: Condition,
        recall: float = RECALL,
    ) -> None:
        """Nothing is asked yet.

        Args:
            connection: to the server.
            names: of the library.
            stored: the space.
            condition: which pictures may answer.
            recall: the share of the true answers that is enough; 1 for all.
        """
        self._connection = connection
        self._names = names
        self._stored = stored
        self._condition = condition
        self._recall = recall
        self._metric = stored.space.metric
        self._pictures: dict[str, StoredPicture | None] = {}

    @property
    def kind(self) -> IndexKind:
        """How is searched."""
        return IndexKind.EXACT if self._recall >= 1 else kind_of(self._stored)

    def picture(self, id_: str) -> StoredPicture:
        """One that was found, with the keys of all its files."""
        found = self._pictures[id_]
        assert found is not None
        return found

    def nearest(self, queries: Matrix, k: int) -> list[Found]:
        """The k nearest to each query."""

        def is_enough(query: Vector, named: _Named, found: Found) -> bool:
            if named.beyond is None:
                return True
            off = self._slack(query, named.stored)
            return len(found) >= k and self._nearness(found[k - 1].score) > named.beyond + off

        def streamed(some: Matrix) -> list[Found]:
            return self._streamed(some, k)

        found: list[Found] = []
        for start in range(0, len(queries), _QUERIES):
            part = queries[start : start + _QUERIES]
            found += self._found(part, k + _MARGIN, is_enough, streamed)
        return [its[:k] for its in found]

    def over(self, query: Vector, score: float) -> Found:
        """All with at least a score; where there is an index, as far as it finds them."""

        def is_enough(query: Vector, named: _Named, found: Found) -> bool:
            if named.beyond is None:
                return True
            least = self._nearness(min(score, 0.0) if self._metric is Metric.L2 else score)
            return named.beyond < least - self._slack(query, named.stored)

        def streamed(some: Matrix) -> list[Found]:
            return [self._over_streamed(some[0], score)]

        (found,) = self._found(query[np.newaxis], _OVER, is_enough, streamed)
        return [near for near in found if near.score >= score]

    def allowed(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The embeddings of those of some pictures that may answer."""
        found: dict[str, Stored] = {}
        if ids:
            own = expressions.one_of("id", map(self._names.key, ids))
            for part in self._condition.parts:
                where = expressions.both(part, own)
                told = self._connection.query(self._collection, where, VECTOR)
                stored = [Stored(self._names, self._stored.space, its) for its in told]
                found |= {its.id: its for its in self._answering(stored)}
        return found

    @property
    def _collection(self) -> str:
        return self._names.vectors(self._stored.space)

    def _found(
        self,
        queries: Matrix,
        most: int,
        is_enough: Callable[[Vector, _Named, Found], bool],
        streamed: Callable[[Matrix], list[Found]],
    ) -> list[Found]:
        """What is named for each query, and enough of it.

        Args:
            queries: shape (q, d).
            most: how many are asked for at first.
            is_enough: whether what was named for a query, and scored, will do.
            streamed: finds by reading everything.
        """
        found: list[Found] = [[] for _ in queries]
        if not self._condition.parts:
            return found
        lacking = list(range(len(queries)))
        is_all_wanted = self._stored.made != FLAT and self._recall >= 1
        while lacking and most <= MOST and not is_all_wanted:
            left = []
            for place, named in zip(lacking, self._named(queries[lacking], most), strict=True):
                found[place] = self._scored(queries[place], self._answering(named.stored))
                if not is_enough(queries[place], named, found[place]):
                    left.append(place)
            lacking, most = left, min(most * _GROWTH, max(MOST, most + 1))
        if lacking:
            for place, its in zip(lacking, streamed(queries[lacking]), strict=True):
                found[place] = its
        return found

    def _named(self, queries: Matrix, most: int) -> list[_Named]:
        """What the server names for each query, so many at most for each part of the condition."""
        named = [_Named([], None) for _ in queries]
        for part in self._condition.parts:
            params = search_params(self._stored.made, most, self._stored.indexed, self._recall)
            answer = self._connection.search(self._collection, queries, part, most, VECTOR, params)
            for place, its in enumerate(answer):
                stored = [Stored(self._names, self._stored.space, one.entity) for one in its]
                beyond = named[place].beyond
                if len(its) == most:
                    last = -its[-1].raw if self._metric is Metric.L2 else its[-1].raw
                    beyond = last if beyond is None else max(last, beyond)
                named[place] = _Named(named[place].stored + stored, beyond)
        self._look_up(its.id for one in named for its in one.stored)
        return named

    def _answering(self, stored: Sequence[Stored]) -> list[Stored]:
        """Those of pictures that may answer, in the order in which they were stored."""
        self._look_up(its.id for its in stored)
        kept = [its for its in stored if self._pictures[its.id]]
        return sorted(kept, key=lambda its: its.number)

    def _look_up(self, ids: Iterable[str]) -> None:
        """Find out which pictures may answer, and what they are."""
        lacking = [id_ for id_ in dict.fromkeys(ids) if id_ not in self._pictures]
        known = pictures_with(self._connection, self._names, lacking)
        is_file = self._condition.is_file
        for id_ in lacking:
            its, self._pictures[id_] = known.get(id_), None
            if its and its.is_live(self._stored):
                its = with_all_keys(self._connection, self._names, its)
                if is_file is None or any(map(is_file, its.keys)):
                    self._pictures[id_] = its

    def _scored(self, query: Vector, stored: Sequence[Stored]) -> Found:
        """Embeddings in the order of storing, scored exactly; damaged ones are left out."""
        if not stored:
            return []
        rows = np.stack([its.row for its in stored])
        nearest = exact.nearest(rows, query, len(rows), self._metric)
        return [Near(stored[one.row], one.score) for one in nearest]

    def _streamed(self, queries: Matrix, k: int) -> list[Found]:
        best: list[Found] = [[] for _ in queries]
        for stored, rows in self._blocks():
            for place, more in enumerate(batches.nearest_many(rows, queries, k, self._metric)):
                near = [Near(stored[one.row], one.score) for one in more]
                best[place] = _ordered(best[place] + near)[:k]
        return best

    def _over_streamed(self, query: Vector, score: float) -> Found:
        found: Found = []
        for stored, rows in self._blocks():
            over = exact.over(rows, query, score, self._metric)
            found += [Near(stored[one.row], one.score) for one in over]
        return _ordered(found)

    def _blocks(self) -> Iterator[tuple[list[Stored], Rows]]:
        """All that may answer, in blocks in which they are in the order of storing."""
        dimension = self._stored.space.dimension
        for part in self._condition.parts:
            for page in self._connection.pages(self._collection, part, VECTOR, dimension):
                stored = self._answering([Stored(self._names, self._stored.space, told)
                                          for told in page])  # fmt: skip
                if stored:
                    yield stored, np.stack([its.row for its in stored])

    def _nearness(self, score: float) -> float:
        """A score in the server's unit, where more is nearer."""
        return -score * score if self._metric is Metric.L2 else score

    def _slack(self, query: Vector, stored: Sequence[Stored]) -> float:
        """By how much what the server says may be off: it sums products in float32.

        `lookgraph.index.comparisons` has the bound.
        """
        share = 2 * (len(query) + 16) * _UNIT
        if self._metric is Metric.COSINE:
            return share
        asked = float(np.linalg.norm(query))
        longest = max(
            (float(np.linalg.norm(its.row.astype(np.float32))) for its in stored), default=0
        )
        if self._metric is Metric.L2:
            return share * (asked + longest) ** 2
        return share * asked * longest


def _ordered(found: Found) -> Found:
    return sorted(found, key=lambda near: (-near.score, near.stored.number))
