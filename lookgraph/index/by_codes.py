"""Candidates by their codes, and a second look at their rows."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lookgraph.config import usable_cores
from lookgraph.index import batches, codes, exact
from lookgraph.index.coded import Allowed, RowSource, Sealed
from lookgraph.types import Array, Integers, Matrix, Metric, Neighbour, Rows

_WIDENING = 0.75
"""Where a share s of all rows may answer, so many times more lists are looked into: s ** -0.75.

On a million rows with 4,096 lists, s ** -0.5 keeps the recall (0.998 at a share of 0.01), if what
may answer is chosen by chance. It mostly is not, but lies together somewhere; at a power of 1, as
many rows that may answer would be looked at as without a selection, for twice the time."""

_MANY = 16
"""Queries are searched so many by so many. Where there are more, their rows are looked at where
they are mapped: to read each by itself takes four times as long, but keeps the process small."""

_ROWS_AT_ONCE = 8192
"""Rows that lie here and there are read in parts of so many."""


class Shortlist(NamedTuple):
    """What may answer a query.

    Attributes:
        nearest: the best, with their exact scores, best first.
        more: the numbers of others that were looked at, in order.
    """

    nearest: list[Neighbour]
    more: Integers


@dataclass(frozen=True, slots=True)
class CodeSearch:
    """A search to be done for some queries.

    Attributes:
        rows: all of them.
        sealed: their codes.
        probes: how many lists are looked into.
        looks: how many rows are compared exactly.
        k: how many neighbours are wanted.
        metric: how rows and queries are compared.
        allowed: which rows may answer; None for all.
    """

    rows: RowSource
    sealed: Sealed
    probes: int
    looks: int
    k: int
    metric: Metric
    allowed: Allowed | None

    def shortlists(self, queries: Matrix) -> list[Shortlist]:
        """As `lookgraph.index.approximate.shortlists`, for queries that were checked."""
        loose = self._loose(queries)
        if len(queries) <= _MANY:
            return self._found(queries, loose, self.rows.take)
        parts = [slice(start, start + _MANY) for start in range(0, len(queries), _MANY)]

        def find(part: slice) -> list[Shortlist]:
            return self._found(queries[part], loose[part], self.rows.mapped.__getitem__)

        # Threads of ours, as FAISS' wait for each other spinning, on cores that the second look
        # could use.
        with ThreadPoolExecutor(usable_cores()) as pool:
            return [one for found in pool.map(find, parts) for one in found]

    def _found(
        self,
        queries: Matrix,
        loose: Sequence[list[Neighbour]],
        look: Callable[[Integers], Rows],
    ) -> list[Shortlist]:
        found = []
        for query, numbers, others in zip(queries, self._candidates(queries), loose, strict=True):
            likely = np.sort(numbers[numbers >= 0])
            near = exact.nearest(look(likely), query, self.k, self.metric)
            best = _best(_renumbered(near, likely) + others, self.k)
            looked = np.concatenate([likely, np.array([one.row for one in others], np.int64)])
            found.append(Shortlist(best, np.setdiff1d(looked, [one.row for one in best])))
        return found

    def _loose(self, queries: Matrix) -> list[list[Neighbour]]:
        """The nearest of the rows that are in no segment."""
        covered, dropped, newest = self.sealed.covered, self.sealed.dropped, self.rows.mapped
        newest, hidden = newest[covered:], None
        if self.allowed is not None:
            dropped = dropped[self.allowed.mask[dropped]]
            hidden = np.flatnonzero(~self.allowed.mask[covered:])
        if not len(dropped) and not len(newest):
            return [[] for _ in queries]
        returned = nearest_among(self.rows, dropped, queries, self.k, self.metric)
        added = batches.nearest_many(newest, queries, self.k, self.metric, hidden)
        return [
            one + [Neighbour(covered + new.row, new.score) for new in more]
            for one, more in zip(returned, added, strict=True)
        ]

    def _candidates(self, queries: Matrix) -> Integers:
        """What the codes say, shape (q, n), -1 where there is no more.

        The fewer rows may answer, the further from the query the nearest of them lie, and the more
        lists are looked into: see `_WIDENING`.
        """
        sealed, allowed = self.sealed, self.allowed
        if self.metric is not Metric.L2:
            # A direction is all that counts, and it cannot overflow.
            lengths = np.linalg.norm(queries.astype(np.float64), axis=1, keepdims=True)
            queries = queries / lengths
        lists = sealed.codebook.lists
        coded = sum(map(len, sealed.segments))
        may_answer = coded if allowed is None else allowed.count
        if not coded:
            return np.empty((len(queries), 0), np.int64)
        share = min(1.0, may_answer / coded)
        probes = min(lists, int(np.ceil(self.probes / max(share, 1e-9) ** _WIDENING)))
        wanted = min(self.looks, may_answer)
        bits = None if allowed is None else allowed.bits
        found = np.full((len(queries), wanted), -1)
        lacking = np.arange(len(queries))
        while len(lacking):
            found[lacking] = codes.candidates(
                sealed.codebook,
                sealed.segments,
                queries[lacking].astype(np.float32),
                wanted,
                probes,
                bits,
            )
            if probes == lists:
                break
            lacking = lacking[(found[lacking] < 0).any(axis=1)]
            probes = min(lists, probes * 4)
        return found


def nearest_among(
    rows: RowSource, numbers: Integers, queries: Matrix, k: int, metric: Metric
) -> list[list[Neighbour]]:
    """The nearest of the rows with these numbers, which are in order, and read."""
    best: list[list[Neighbour]] = [[] for _ in queries]
    for start in range(0, len(numbers), _ROWS_AT_ONCE):
        part = numbers[start : start + _ROWS_AT_ONCE]
        found = batches.nearest_many(rows.take(part), queries, k, metric)
        best = [
            _best(one + _renumbered(more, part), k) for one, more in zip(best, found, strict=True)
        ]
    return best


def _renumbered(found: Sequence[Neighbour], numbers: Array) -> list[Neighbour]:
    return [Neighbour(int(numbers[one.row]), one.score) for one in found]


def _best(found: Sequence[Neighbour], k: int) -> list[Neighbour]:
    return sorted(found, key=lambda one: (-one.score, one.row))[:k]
