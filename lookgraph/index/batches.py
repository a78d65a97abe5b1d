"""Exact search for many queries at once: one pass over the rows, one matrix product a block."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.index import exact
from lookgraph.index.comparisons import Comparison, comparison, rough_scores
from lookgraph.index.widening import UNDO, widen
from lookgraph.types import Integers, Matrix, Metric, Neighbour, Rows, Vector

_TOGETHER = 1024
"""Queries for one pass: their scores for a block of rows of 1,280 take 2 MB."""

_FAR = 2.0**20
"""Queries for L2 with larger numbers are searched one by one: their squares could overflow."""

_KEPT = 4_000_000
"""Rows that may be among the best of some query are remembered, with 20 bytes each. Where there
are more, because so many rows are alike, each query is searched for by itself."""


def nearest_many(
    rows: Rows, queries: Matrix, k: int, metric: Metric, hidden: Integers | None = None
) -> list[list[Neighbour]]:
    """As `lookgraph.index.exact.nearest` for each query, shape (q, d), with the same answers.

    The hidden rows are in order.
    """
    if len(queries) == 1 or _is_far(queries, metric):
        return [exact.nearest(rows, query, k, metric, hidden) for query in queries]
    together = max(1, min(_TOGETHER, _KEPT // max(1, k)))
    return [
        found
        for start in range(0, len(queries), together)
        for found in _nearest(rows, queries[start : start + together], k, metric, hidden)
    ]


def _is_far(queries: Matrix, metric: Metric) -> bool:
    return metric is Metric.L2 and bool(np.abs(queries).max(initial=0) > _FAR)


def _nearest(
    rows: Rows, queries: Matrix, k: int, metric: Metric, hidden: Integers | None
) -> list[list[Neighbour]]:
    for query in queries:
        exact.check(rows, query, k)
    compared = [comparison(metric, query) for query in queries]
    found = _candidates(rows, queries, k, metric, hidden)
    best = [_settled(rows, compared[i], k, one) for i, one in enumerate(found)]
    return [
        exact.nearest(rows, queries[i], k, metric, hidden) if one is None else one
        for i, one in enumerate(best)
    ]


def _settled(
    rows: Rows, compare: Comparison, k: int, candidates: Integers | None
) -> list[Neighbour] | None:
    """The best of those that may be among them; None if there are too many, or damaged ones.

    A damaged row can look near, and may have taken another's place.
    """
    if candidates is None:
        return None
    scores = exact.score_exactly(rows, compare, candidates)
    return exact.best_first(candidates, scores)[:k] if np.isfinite(scores).all() else None


def _candidates(
    rows: Rows, queries: Matrix, k: int, metric: Metric, hidden: Integers | None
) -> Sequence[Integers | None]:
    """For each query the rows that may be among its k best; None where those are too many."""
    size = exact.block_size(rows)
    buffer = np.empty((min(size, len(rows)), rows.shape[1]), np.float32)
    score = rough_scores(metric, queries)
    best = _Best.none(len(queries), min(k, max(1, len(rows))))
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        part = buffer[: len(block)]
        widen(block, part)
        np.multiply(part, UNDO, out=part)
        scores, slack = score(part)
        low, high = scores - slack, scores + slack
        if hidden is not None:
            here = hidden[slice(*np.searchsorted(hidden, (start, start + len(block))))] - start
            low[:, here] = high[:, here] = -np.inf
        best.see(start, low, high)
        if best.count > _KEPT:
            best.forget()
            if best.count > _KEPT:
                return [None] * len(queries)
    best.forget()
    return best.rows()


@dataclass(slots=True)
class _Best:
    """What was seen of the rows so far.

    Attributes:
        low: the k highest of the scores that rows have at least, shape (q, k), in no order.
        least: the least of each query's, shape (q,): what is surely below it is not among the best.
        queries: whose best each of the rows may be among, in parts.
        numbers: the rows.
        high: the score that each has at most.
        count: how many they are.
    """

    low: Matrix
    least: Vector
    queries: list[Integers]
    numbers: list[Integers]
    high: list[Vector]
    count: int

    @staticmethod
    def none(queries: int, k: int) -> "_Best":
        """Before the first row. Hidden rows are below the least."""
        low = np.full((queries, k), np.finfo(np.float32).min, np.float32)
        return _Best(low, low[:, 0].copy(), [], [], [], 0)

    def see(self, start: int, low: Matrix, high: Matrix) -> None:
        """Take in a block of rows, from this number on; the scores are of shape (q, n)."""
        near: NDArray[np.bool_] = high >= self.least[:, np.newaxis]
        queries, at = np.nonzero(near)
        if not len(queries):
            return
        self.queries.append(queries)
        self.numbers.append(at + start)
        self.high.append(high[queries, at])
        self.count += len(queries)
        concerned = np.unique(queries)
        k = self.low.shape[1]
        both = np.concatenate([self.low[concerned], low[concerned]], axis=1)
        kept = np.partition(both, both.shape[1] - k, axis=1)[:, both.shape[1] - k :]
        self.low[concerned] = kept
        self.least[concerned] = kept.min(axis=1)

    def forget(self) -> None:
        """Drop what has turned out to be below the least."""
        if not self.count:
            return
        queries = np.concatenate(self.queries)
        high = np.concatenate(self.high)
        near = high >= self.least[queries]
        self.numbers = [np.concatenate(self.numbers)[near]]
        self.queries, self.high = [queries[near]], [high[near]]
        self.count = len(self.queries[0])

    def rows(self) -> list[Integers]:
        """The rows of each query, in order."""
        if not self.count:
            return [np.empty(0, np.int64) for _ in self.least]
        queries, numbers = np.concatenate(self.queries), np.concatenate(self.numbers)
        order = np.lexsort((numbers, queries))
        ends = np.searchsorted(queries[order], np.arange(1, len(self.least)))
        return np.split(numbers[order], ends)
