"""Search by codes, made exact by a second look at the rows that they name."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lookgraph.config import usable_cores
from lookgraph.index import batches, codes, exact
from lookgraph.index.codes import Bits, Codebook, Segment
from lookgraph.index.comparisons import comparison
from lookgraph.types import Array, Integers, Matrix, Metric, Neighbour, Rows, Vector

_FEW = 1000
"""So few rows are compared exactly: codes would save nothing."""

_SHARE = 0.25
"""Where more of the rows than this would be compared one by one, all are compared in one go."""

_WIDENING = 0.75
"""Where a share s of all rows may answer, so many times more lists are looked into: s ** -0.75.

On a million rows with 4,096 lists, s ** -0.5 keeps the recall (0.998 at a share of 0.01), if what
may answer is chosen by chance. It mostly is not, but lies together somewhere; at a power of 1, as
many rows that may answer would be looked at as without a selection, for twice the time."""

_FAR = 100
"""A query for L2 that is so many times as far from the rows' middle as their centroids are is
compared exactly: the distances of its codes would differ by less than float32 tells apart."""

_ROWS_AT_ONCE = 8192
"""Rows that lie here and there are read in parts of so many."""


class RowSource(Protocol):
    """The rows of a space."""

    @property
    def mapped(self) -> Rows:
        """All of them, shape (n, d), in memory as they are touched."""
        ...

    def take(self, numbers: Integers) -> Rows:
        """Those with these numbers, read; shape (len(numbers), d)."""
        ...


@dataclass(frozen=True)
class Allowed:
    """Which rows may answer, of all: shape (n,)."""

    mask: NDArray[np.bool_]

    @cached_property
    def count(self) -> int:
        """How many."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def numbers(self) -> Integers:
        """Those that may."""
        return np.flatnonzero(self.mask)

    @cached_property
    def others(self) -> Integers:
        """Those that may not."""
        return np.flatnonzero(~self.mask)

    @cached_property
    def bits(self) -> Bits:
        """As `lookgraph.index.codes.candidates` takes them."""
        return np.packbits(self.mask, bitorder="little")


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to look, and what was found of the ten nearest when it was measured.

    Attributes:
        probes: how many lists are looked into.
        looks: how many rows are compared exactly for each neighbour that is wanted.
        recall: the share of the true ten nearest that it finds at least, 0 to 1, with a confidence
            of 95 %.
    """

    probes: int
    looks: int
    recall: float


@dataclass(frozen=True)
class Sealed:
    """Rows whose codes can be searched.

    Attributes:
        codebook: what all segments are encoded with.
        segments: the codes.
        covered: rows from this number on are in no segment.
        dropped: rows below it that are in none either, in order.
        efforts: the cheapest first, each finding more than the one before.
    """

    codebook: Codebook
    segments: tuple[Segment, ...]
    covered: int
    dropped: Integers
    efforts: tuple[Effort, ...]

    def effort(self, recall: float) -> Effort | None:
        """The cheapest that finds this share; None if only exact search does."""
        if recall >= 1:
            return None  # what found all of a sample may miss something else
        return next((effort for effort in self.efforts if effort.recall >= recall), None)


def nearest(
    rows: RowSource,
    sealed: Sealed | None,
    queries: Matrix,
    k: int,
    metric: Metric,
    allowed: Allowed | None,
    recall: float,
) -> list[list[Neighbour]]:
    """The k rows nearest to each query, with their exact scores.

    What is in segments is found by its code and compared exactly then; what is in none is
    compared in any case. So a row may be missed, but no score is wrong.

    Args:
        rows: all of them.
        sealed: their codes, if there are any.
        queries: shape (q, d), as `lookgraph.index.exact.nearest` takes each.
        k: how many, at least 1.
        metric: how rows and queries are compared.
        allowed: which rows may answer; None for all. All k come wherever so many may.
        recall: the share of the true answers that should be found; 1 for all.

    Raises:
        UsageError: as `lookgraph.index.exact.nearest`.
    """
    for query in queries:
        exact.check(rows.mapped, query, k)
        comparison(metric, query)
    if allowed is not None and allowed.count <= _FEW:
        return _among(rows, allowed.numbers, queries, k, metric)
    effort = sealed.effort(recall) if sealed else None
    if sealed is None or effort is None or effort.looks * k > _SHARE * len(rows.mapped):
        return _by_rows(rows, queries, k, metric, allowed)
    far = _is_far(sealed, queries, metric)
    if not far.any():
        return _by_codes(rows, sealed, effort, queries, k, metric, allowed)
    near = iter(_by_codes(rows, sealed, effort, queries[~far], k, metric, allowed))
    others = iter(_by_rows(rows, queries[far], k, metric, allowed))
    return [next(others if is_far else near) for is_far in far]


def _by_rows(
    rows: RowSource, queries: Matrix, k: int, metric: Metric, allowed: Allowed | None
) -> list[list[Neighbour]]:
    hidden = None if allowed is None else allowed.others
    return batches.nearest_many(rows.mapped, queries, k, metric, hidden)


def _by_codes(
    rows: RowSource,
    sealed: Sealed,
    effort: Effort,
    queries: Matrix,
    k: int,
    metric: Metric,
    allowed: Allowed | None,
) -> list[list[Neighbour]]:
    if not len(queries):
        return []
    loose = _loose(rows, sealed, queries, k, metric, allowed)
    found = _candidates(sealed, effort, queries, k, metric, allowed)

    def settle(i: int) -> list[Neighbour]:
        numbers = np.sort(found[i][found[i] >= 0])
        return _best(_compared(rows, numbers, queries[i], k, metric) + loose[i], k)

    if len(queries) == 1:
        return [settle(0)]
    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(settle, range(len(queries))))


def over(
    rows: RowSource, query: Vector, score: float, metric: Metric, allowed: Allowed | None
) -> list[Neighbour]:
    """All rows with at least a score, best first. They are compared exactly: none is missed.

    Args:
        rows: all of them.
        query: shape (d,).
        score: the least; for L2, minus the greatest distance.
        metric: how rows and query are compared.
        allowed: which rows may answer; None for all.
    """
    if allowed is not None and allowed.count <= _FEW:
        taken = rows.take(allowed.numbers)
        return _renumbered(exact.over(taken, query, score, metric), allowed.numbers)
    return exact.over(
        rows.mapped, query, score, metric, None if allowed is None else allowed.others
    )


def _is_far(sealed: Sealed, queries: Matrix, metric: Metric) -> NDArray[np.bool_]:
    if metric is not Metric.L2:
        return np.zeros(len(queries), np.bool_)
    moved = queries.astype(np.float64) - sealed.codebook.projection.origin
    return np.asarray(np.linalg.norm(moved, axis=1) > _FAR * sealed.codebook.reach)


def _loose(
    rows: RowSource,
    sealed: Sealed,
    queries: Matrix,
    k: int,
    metric: Metric,
    allowed: Allowed | None,
) -> list[list[Neighbour]]:
    """The nearest of the rows that are in no segment."""
    dropped, hidden = sealed.dropped, None
    if allowed is not None:
        dropped = dropped[allowed.mask[dropped]]
        hidden = np.flatnonzero(~allowed.mask[sealed.covered :])
    returned = _among(rows, dropped, queries, k, metric)
    newest = batches.nearest_many(rows.mapped[sealed.covered :], queries, k, metric, hidden)
    return [
        one + [Neighbour(sealed.covered + new.row, new.score) for new in more]
        for one, more in zip(returned, newest, strict=True)
    ]


def _candidates(
    sealed: Sealed,
    effort: Effort,
    queries: Matrix,
    k: int,
    metric: Metric,
    allowed: Allowed | None,
) -> Integers:
    """What the codes say, shape (q, n), -1 where there is no more.

    The fewer rows may answer, the further from the query the nearest of them lie, and the more
    lists are looked into: see `_WIDENING`.
    """
    if metric is not Metric.L2:
        # A direction is all that counts, and it cannot overflow.
        queries = queries / np.linalg.norm(queries.astype(np.float64), axis=1, keepdims=True)
    lists = sealed.codebook.lists
    coded = sum(map(len, sealed.segments))
    may_answer = coded if allowed is None else allowed.count
    if not coded:
        return np.empty((len(queries), 0), np.int64)
    share = min(1.0, may_answer / coded)
    probes = min(lists, int(np.ceil(effort.probes / max(share, 1e-9) ** _WIDENING)))
    wanted = min(effort.looks * k, may_answer)
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


def _among(
    rows: RowSource, numbers: Integers, queries: Matrix, k: int, metric: Metric
) -> list[list[Neighbour]]:
    """The nearest of the rows with these numbers, which are in order."""
    best: list[list[Neighbour]] = [[] for _ in queries]
    for start in range(0, len(numbers), _ROWS_AT_ONCE):
        part = numbers[start : start + _ROWS_AT_ONCE]
        found = batches.nearest_many(rows.take(part), queries, k, metric)
        best = [
            _best(one + _renumbered(more, part), k) for one, more in zip(best, found, strict=True)
        ]
    return best


def _compared(
    rows: RowSource, numbers: Integers, query: Vector, k: int, metric: Metric
) -> list[Neighbour]:
    return _renumbered(exact.nearest(rows.take(numbers), query, k, metric), numbers)


def _renumbered(found: Sequence[Neighbour], numbers: Array) -> list[Neighbour]:
    return [Neighbour(int(numbers[one.row]), one.score) for one in found]


def _best(found: Sequence[Neighbour], k: int) -> list[Neighbour]:
    return sorted(found, key=lambda one: (-one.score, one.row))[:k]
