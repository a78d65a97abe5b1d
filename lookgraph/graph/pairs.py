"""Every pair of rows that is at least so much alike, exactly: the graph over a threshold.

Blocks of rows are multiplied with one another in float32. What may reach the threshold, by the
bounds of `lookgraph.index.comparisons`, is compared again in float64 (`lookgraph.graph.scores`).
That score is rounded once, to float32, and compared with the threshold.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from lookgraph.graph.edges import Edges, joined
from lookgraph.graph.scores import ExactCosines, exact_scores
from lookgraph.index.comparisons import rough_scores
from lookgraph.index.products import dots
from lookgraph.index.widening import as_float32
from lookgraph.types import Array, Integers, Matrix, Metric, Rows, Vector

_BLOCK = 1024
"""Rows in a block: 5 MB of 1,280 numbers. The scores of two blocks take 4 MB."""

_PAIRS = 2048
"""Pairs that are compared exactly at once: 40 MB of 1,280 numbers."""

_DENSE = 1 / 64
"""Where more than this share of two blocks' pairs may be wanted, the next two blocks' pairs are all
compared exactly, at once: a product of matrices takes less time than to bring the rows of each pair
together."""

_OFF = 0.001
"""How far rounding to float16 moves the square of a row's length away from 1, and a little."""

_BINS = 4096
"""The threshold that would fit is told from so many."""


@dataclass(frozen=True, slots=True)
class TooMany:
    """More pairs than were wanted.

    Attributes:
        count: how many reach the threshold; those in float32, which is right but for a few.
        fitting: a higher threshold, that no more than wanted reach; None if there is none.
    """

    count: int
    fitting: float | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pairs are wanted.

    Attributes:
        metric: how rows are compared.
        threshold: the least score; for L2, minus the greatest distance.
        most: more pairs are too many.
    """

    metric: Metric
    threshold: float
    most: int


def pairs(
    rows: Rows,
    fresh: Integers,
    others: Integers,
    wanted: Wanted,
    progress: Callable[[float], None],
) -> Edges | TooMany:
    """All pairs of fresh rows, and of a fresh one with another, that reach the threshold.

    Args:
        rows: shape (n, d), float16; may be a memory map.
        fresh: the numbers of rows, in order. What they hold is finite, and for cosine not all zero.
        others: likewise, of other rows; between these no pairs are looked for.
        wanted: which pairs.
        progress: told the share that is done, 0 to 1.

    Returns:
        the pairs, in their order.
    """
    found: list[Edges] = []
    kept, tally = 0, _Tally.of(rows, np.union1d(fresh, others), wanted)
    least = _Threshold(wanted)
    for near in _near(rows, fresh, others, wanted.metric, least, progress, among_fresh=True):
        tally.add(near.scores)
        if kept > wanted.most:
            continue
        edges = near.edges(rows, wanted.metric)
        found.append(edges.over(wanted.threshold))
        kept += len(found[-1])
        if kept > wanted.most:
            found.clear()
    if kept > wanted.most:
        return tally.too_many(wanted.most)
    return joined(found).ordered()


def as_near(
    rows: Rows, fresh: Integers, others: Integers, metric: Metric, furthest: Vector
) -> Iterator[tuple[Integers, Integers, Vector]]:
    """Pairs of which a fresh row is as near to another as the furthest of that one's neighbours.

    Args:
        rows: as for `pairs`; so are the others.
        fresh: likewise.
        others: likewise.
        metric: how rows are compared.
        furthest: of all rows the score that counts, shape (n,); minus infinity for any.

    Yields:
        other rows, the fresh one of each, and their exact scores, each of shape (m,).
    """
    least = _Furthest(metric, furthest)
    for near in _near(rows, fresh, others, metric, least, lambda _: None, among_fresh=False):
        scores = near.exactly(rows, metric)
        kept = scores >= furthest[near.first]
        yield near.first[kept], near.second[kept], scores[kept]


@dataclass(frozen=True, slots=True)
class _Near:
    """Pairs of two blocks that may be wanted, and their scores in float32.

    The exact ones are there already where the pairs are dense, and otherwise None.
    """

    first: Integers
    second: Integers
    scores: Vector
    exact: Vector | None = None

    def edges(self, rows: Rows, metric: Metric) -> Edges:
        """The same pairs, the lower number of each first, with their exact scores."""
        first, second = np.sort([self.first, self.second], axis=0).astype(np.int32)
        return Edges(first, second, self.exactly(rows, metric))

    def exactly(self, rows: Rows, metric: Metric) -> Vector:
        """Their exact scores, rounded once."""
        if self.exact is not None:
            return self.exact
        scores = np.empty(len(self.first), np.float32)
        for start in range(0, len(scores), _PAIRS):
            part = slice(start, start + _PAIRS)
            one, other = (as_float32(rows[its[part]]) for its in (self.first, self.second))
            scores[part] = exact_scores(metric, one, other)
        return scores


class _Least(Protocol):
    """What a pair must reach, in the unit of `lookgraph.index.comparisons.rough_scores`."""

    def __call__(self, lengths: Array, second: Integers, first: Integers) -> Array:
        """The least scores of pairs, to be broadcast to shape (len(second), len(first)).

        Args:
            lengths: what to divide scores by, of each of the second rows, shape (n,).
            second: numbers of rows.
            first: likewise.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Threshold:
    """The same for all."""

    wanted: Wanted

    def __call__(self, lengths: Array, second: Integers, first: Integers) -> Array:
        least = _as_rough(self.wanted.metric, np.array(self.wanted.threshold))
        return np.asarray((least / lengths)[:, np.newaxis])


@dataclass(frozen=True, slots=True)
class _Furthest:
    """That of each of the first rows."""

    metric: Metric
    furthest: Vector

    def __call__(self, lengths: Array, second: Integers, first: Integers) -> Array:
        least = _as_rough(self.metric, self.furthest[first].astype(np.float64))
        return np.asarray(least[np.newaxis] / lengths[:, np.newaxis])


def _as_rough(metric: Metric, scores: Array) -> Array:
    """Scores in the unit of `rough_scores`, but for the lengths of the queries."""
    return np.asarray(-(scores**2) if metric is Metric.L2 else scores)


def _blocks(numbers: Integers) -> list[Integers]:
    return [numbers[start : start + _BLOCK] for start in range(0, len(numbers), _BLOCK)]


def _near(
    rows: Rows,
    fresh: Integers,
    others: Integers,
    metric: Metric,
    least: _Least,
    progress: Callable[[float], None],
    *,
    among_fresh: bool,
) -> Iterator[_Near]:
    """What may be wanted of the pairs of fresh rows with others and, or not, with each other."""
    blocks, against = _blocks(fresh), _blocks(others)
    all_ = len(blocks) * len(against) + among_fresh * len(blocks) * (len(blocks) + 1) // 2
    done, are_dense = 0, False
    for i, second in enumerate(blocks):
        queries = _Queries(metric, second, _narrow(rows, second))
        for first in [*(blocks[: i + 1] if among_fresh else []), *against]:
            block = queries.block if first is second else _narrow(rows, first)
            bound = least(queries.lengths, second, first).astype(np.float32)
            bound = np.nextafter(bound, np.float32(-np.inf))
            near = queries.compare(first, block, bound, are_dense=are_dense)
            are_dense = queries.are_many(near, first)
            if len(near.first):
                yield near
            done += 1
            progress(done / all_)


class _Queries:
    """A block of fresh rows that others are compared with."""

    def __init__(self, metric: Metric, numbers: Integers, block: Matrix) -> None:
        self._metric = metric
        self._numbers = numbers
        self.block = block
        self.lengths = np.ones(len(block))
        if metric is Metric.INNER_PRODUCT:
            self.lengths = np.sqrt(dots(block, block).astype(np.float64))
        self._exact = ExactCosines(block)

    @cached_property
    def _score(self) -> Callable[[Matrix], tuple[Matrix, Matrix]]:
        return rough_scores(self._metric, self.block)

    def are_many(self, near: _Near, numbers: Integers) -> bool:
        """Whether it pays to compare all pairs of this block and another exactly, at once."""
        are_cosines = self._metric is Metric.COSINE
        return are_cosines and len(near.first) > _DENSE * len(self._numbers) * len(numbers)

    def compare(self, numbers: Integers, block: Matrix, bound: Matrix, *, are_dense: bool) -> _Near:
        """What may reach a bound; of this block's own pairs, those with earlier rows."""
        if not are_dense:
            near = self._roughly(numbers, block, bound)
            if not self.are_many(near, numbers):
                return near
        other = self._exact if numbers is self._numbers else ExactCosines(block)
        j, k, scores = self._exact.at_least(bound, other)
        return _Near(numbers[k], self._numbers[j], scores, scores)

    def _roughly(self, numbers: Integers, block: Matrix, bound: Matrix) -> _Near:
        is_cosine = self._metric is Metric.COSINE
        block = _unit(block) if is_cosine else block
        scores, slack = self._score(block)
        near = scores >= bound - slack if slack.size == 1 else scores + slack >= bound
        if numbers is self._numbers:
            near = np.tril(near, -1)
        # Ten times as fast as to look for both numbers of each place at once.
        j, k = np.divmod(np.flatnonzero(near), len(numbers))
        # For the cosine, the block's rows were taken to be of length 1.
        by = dots(block, block)[k] ** -0.5 if is_cosine else self.lengths[j]
        return _Near(numbers[k], self._numbers[j], _true(self._metric, scores[j, k], by))


def _narrow(rows: Rows, numbers: Integers) -> Matrix:
    """Some rows as float32."""
    start, stop = int(numbers[0]), int(numbers[-1]) + 1
    taken = rows[start:stop] if stop - start == len(numbers) else rows[numbers]
    return as_float32(taken)


def _unit(block: Matrix) -> Matrix:
    """The rows with a length of 1, for which `rough_scores` takes them where it is cosines.

    Those of a space for cosines have that up to rounding; those of another one may have any.
    """
    squares = dots(block, block)
    if np.abs(squares - 1).max() <= _OFF:
        return block
    return np.asarray(block / np.sqrt(squares)[:, np.newaxis])


def _true(metric: Metric, scores: Vector, by: Array) -> Array:
    """Scores of `rough_scores` in the unit that people know."""
    if metric is Metric.L2:
        return np.asarray(-np.sqrt(np.maximum(-scores, 0)))
    return np.asarray(scores * by)


@dataclass(slots=True)
class _Tally:
    """How many pairs have at least each of some scores."""

    least: float
    greatest: float
    counts: Integers

    @staticmethod
    def of(rows: Rows, numbers: Integers, wanted: Wanted) -> "_Tally":
        """Of none yet; from the threshold up to what no pair can be over."""
        greatest = 1.0 if wanted.metric is Metric.COSINE else 0.0
        if wanted.metric is Metric.INNER_PRODUCT:
            blocks = (numbers[start : start + _BLOCK] for start in range(0, len(numbers), _BLOCK))
            greatest = max((float(_squares(rows, block).max()) for block in blocks), default=0.0)
        return _Tally(wanted.threshold, greatest, np.zeros(_BINS, np.int64))

    def add(self, scores: Array) -> None:
        """Count some pairs."""
        width = (self.greatest - self.least) / _BINS or 1.0
        bins = ((scores - self.least) / width).astype(np.int64)
        self.counts += np.bincount(np.clip(bins, 0, _BINS - 1), minlength=_BINS)

    def too_many(self, most: int) -> TooMany:
        """What to say where more were found than so many."""
        from_the_top = np.cumsum(self.counts[::-1])[::-1]
        (few,) = np.nonzero(from_the_top <= most)
        width = (self.greatest - self.least) / _BINS
        fitting = self.least + float(few[0]) * width if len(few) else None
        return TooMany(int(from_the_top[0]), fitting)


def _squares(rows: Rows, numbers: Integers) -> Vector:
    narrow = _narrow(rows, numbers)
    return dots(narrow, narrow)
