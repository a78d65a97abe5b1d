"""Every pair of rows that is at least so much alike, exactly: the graph over a threshold.

Blocks of rows are multiplied with one another in float32. What may reach the threshold, by the
bounds of `lookgraph.index.comparisons`, is compared again in float64. The numbers of a row are
float16, so the products of two rows' numbers add up without any rounding there: the score of a pair
is the same wherever in the matrix it stands. It is rounded once, to float32, and that is compared
with the threshold.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lookgraph.graph.edges import Edges, joined
from lookgraph.index.comparisons import rough_scores
from lookgraph.index.products import dots
from lookgraph.index.widening import as_float32
from lookgraph.types import Array, Integers, Matrix, Metric, Rows, Vector

_BLOCK = 1024
"""Rows in a block: 5 MB of 1,280 numbers. The scores of two blocks take 4 MB."""

_PAIRS = 2048
"""Pairs that are compared exactly at once: 40 MB of 1,280 numbers."""

_DENSE = 1 / 64
"""Where more than this share of two blocks' pairs is wanted, all of them are compared exactly: a
product of matrices takes less time than to bring the rows of each pair together."""

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


def exact_scores(metric: Metric, one: Array, other: Array) -> Array:
    """The score of each of some rows with another, shape (n,), float64.

    Args:
        metric: how they are compared.
        one: the rows, shape (n, d), float32 or float64, of float16's precision.
        other: what each is compared with, likewise.
    """
    if metric is Metric.COSINE:
        squares = _unit_dots(one, one) * _unit_dots(other, other)
        return np.asarray(np.clip(_unit_dots(one, other) / np.sqrt(squares), -1.0, 1.0))
    one, other = one.astype(np.float64), other.astype(np.float64)
    if metric is Metric.L2:
        apart = one - other
        return np.asarray(0.0 - np.sqrt(dots(apart, apart)))
    return dots(one, other)


def _unit_dots(one: Array, other: Array) -> Array:
    """The inner products in float64, in a ninth of the time of converting to it first.

    einsum converts as many numbers at a time as stay in the cache, and adds them in an order that
    depends on where they lie. Of numbers up to about 1 that makes no difference: nothing is
    rounded.
    """
    return np.asarray(np.einsum("nd,nd->n", one, other, dtype=np.float64))


def _cosines(one: Matrix, other: Matrix) -> Matrix:
    """As `exact_scores`, of each row of one block with each of another, rounded once."""
    squares = _unit_dots(one, one)[:, np.newaxis] * _unit_dots(other, other)
    scores = one.astype(np.float64) @ other.astype(np.float64).T
    return np.asarray(np.clip(scores / np.sqrt(squares), -1.0, 1.0).astype(np.float32))


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
    done = 0
    for i, second in enumerate(blocks):
        queries = _narrow(rows, second)
        score = rough_scores(metric, queries)
        lengths = np.ones(len(queries))
        if metric is Metric.INNER_PRODUCT:
            lengths = np.sqrt(dots(queries, queries).astype(np.float64))
        for first in [*(blocks[: i + 1] if among_fresh else []), *against]:
            block = _narrow(rows, first)
            if metric is Metric.COSINE:
                block = _unit(block)
            scores, slack = score(block)
            # In float32 throughout: to compare with float64 would convert all scores.
            bound = np.nextafter(least(lengths, second, first).astype(np.float32), -np.inf)
            near = scores >= bound - slack if slack.size == 1 else scores + slack >= bound
            if first is second:
                near = np.tril(near, -1)
            # Ten times as fast as to look for both numbers of each place at once.
            j, k = np.divmod(np.flatnonzero(near), len(first))
            if len(j):
                # For the cosine, the block's rows were taken to be of length 1.
                by = dots(block, block)[k] ** -0.5 if metric is Metric.COSINE else lengths[j]
                exact = None
                if metric is Metric.COSINE and len(j) > _DENSE * near.size:
                    exact = _cosines(queries, _narrow(rows, first))[j, k]
                yield _Near(first[k], second[j], _true(metric, scores[j, k], by), exact)
            done += 1
            progress(done / all_)


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
