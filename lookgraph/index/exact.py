"""Exact search: every row is looked at. The oracle that every other index is measured against."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from lookgraph.config import usable_cores
from lookgraph.errors import UsageError
from lookgraph.index.comparisons import Comparison, comparison
from lookgraph.index.widening import as_float64, widen
from lookgraph.types import Array, Integers, Metric, Neighbour, Rows, Vector

_NUMBERS = 640 * 1024
"""In a block of rows: 2.6 MB as float32. With fewer, Python's own steps show in the time."""

_SHARED = 8
"""From so many blocks on they are shared among threads; to start these takes as long as a few."""


def nearest(
    rows: Rows, query: Vector, k: int, metric: Metric, hidden: Integers | None = None
) -> list[Neighbour]:
    """The k rows nearest to a query.

    Every row is scored in float32; those that could be among the best k are scored again in
    float64, so that the scores are those of the stored numbers and rows with the same numbers
    tie. Of rows that tie, the one with the lower number comes first.

    The score is, for cosine, the cosine; for L2, minus the Euclidean distance (FAISS' IndexFlatL2
    gives the squared one, without the minus); for the inner product, the inner product.

    Args:
        rows: shape (n, d), float16; may be a memory map. For cosine, each is of unit length up to
            rounding; for L2 and the inner product they are as the network gives them. One that is
            damaged, so that it has no score, is passed over: numbers that are infinite or not a
            number, and for cosine none but zeros.
        query: shape (d,), finite, and not zero but for L2.
        k: how many, at least 1.
        metric: how rows and query are compared.
        hidden: numbers of rows to pass over.

    Returns:
        min(k, rows that are neither hidden nor damaged) neighbours, best first.

    Raises:
        UsageError: if k is below 1 or the query is of another dimension, not finite, or zero.
    """
    check(rows, query, k)
    compare = comparison(metric, query)
    low, high = _bounds(rows, compare)
    if hidden is not None:
        low[hidden] = high[hidden] = -np.inf
    candidates, exact = _score_candidates(rows, compare, k, low, high)
    return best_first(candidates, exact)[:k]


def over(
    rows: Rows, query: Vector, score: float, metric: Metric, hidden: Integers | None = None
) -> list[Neighbour]:
    """All rows with at least a score, best first; as `nearest` in everything else.

    Args:
        rows: as for `nearest`; so are the others.
        query: likewise.
        score: the least; for L2, minus the greatest distance.
        metric: likewise.
        hidden: likewise.
    """
    check(rows, query, k=1)
    compare = comparison(metric, query)
    _, high = _bounds(rows, compare)
    if hidden is not None:
        high[hidden] = -np.inf
    # In float64, as the score may lie beyond float32, or between two of its numbers.
    near = high.astype(np.float64) >= compare.as_rough(score)
    candidates = np.flatnonzero(near & (high > -np.inf))
    exact = score_exactly(rows, compare, candidates)
    enough = np.isfinite(exact) & (exact >= score)
    return best_first(candidates[enough], exact[enough])


def check(rows: Rows, query: Vector, k: int) -> None:
    """Refuse what `nearest` refuses, but for a query without a direction."""
    if k < 1:
        raise UsageError(f"k is {k}, but must be at least 1.")
    if query.shape != rows.shape[1:]:
        raise UsageError(f"The query has shape {query.shape}, the rows have {rows.shape[1:]}.")


def best_first(candidates: Integers, exact: Array) -> list[Neighbour]:
    """Rows by their scores, both of shape (n,); of those that tie, the lower number first."""
    order = np.lexsort((candidates, -exact))
    return [Neighbour(int(candidates[i]), float(exact[i])) for i in order]


def _bounds(rows: Rows, compare: Comparison) -> tuple[Vector, Vector]:
    """Between what each row's score lies, found in blocks on all cores. Shapes (n,)."""
    low, high = np.empty(len(rows), np.float32), np.empty(len(rows), np.float32)
    size = block_size(rows)

    def score(starts: Iterator[int]) -> None:
        buffer = np.empty((min(size, len(rows)), rows.shape[1]), np.float32)
        for start in starts:
            block = rows[start : start + size]
            part, its = buffer[: len(block)], slice(start, start + len(block))
            widen(block, part)
            scores, slack = high[its], low[its]
            compare.roughly(part, scores, slack)
            low[its], high[its] = scores - slack, scores + slack

    starts = range(0, len(rows), size)
    if len(starts) < _SHARED or (workers := min(usable_cores(), len(starts))) == 1:
        score(iter(starts))
        return low, high
    with ThreadPoolExecutor(workers) as pool:
        # Each worker takes every workers-th block. NumPy lets go of the interpreter's lock.
        list(pool.map(score, [iter(starts[i::workers]) for i in range(workers)]))
    return low, high


def block_size(rows: Rows) -> int:
    """How many rows make a block."""
    return max(1, _NUMBERS // max(1, int(rows.shape[1])))


def _score_candidates(
    rows: Rows, compare: Comparison, k: int, low: Vector, high: Vector
) -> tuple[Integers, Array]:
    """The rows that may be among the k best, and their exact scores."""
    while True:
        candidates = _candidates(low, high, k)
        exact = score_exactly(rows, compare, candidates)
        damaged = candidates[~np.isfinite(exact)]
        if not len(damaged):
            return candidates, exact
        # A damaged row can look near, and may have taken another's place. So they are hidden, and
        # we look again; for more rows each time, so that the rounds are few.
        low[damaged] = high[damaged] = -np.inf
        k *= 2


def _candidates(low: Vector, high: Vector, k: int) -> Integers:
    """The rows whose score may be as high as the k-th best, which is at least the k-th low one."""
    least = np.float32(np.finfo(np.float32).min)  # hidden rows are below it
    if k < len(low):
        least = max(least, np.partition(low, len(low) - k)[len(low) - k])
    return np.flatnonzero(high >= least)


def score_exactly(rows: Rows, compare: Comparison, candidates: Integers) -> Array:
    """The scores of some rows from their stored numbers, float64, shape (len(candidates),).

    Not finite for rows that are damaged.
    """
    exact = np.empty(len(candidates), np.float64)
    size = block_size(rows)
    for start in range(0, len(candidates), size):
        block = as_float64(rows[candidates[start : start + size]])
        with np.errstate(divide="ignore", invalid="ignore"):  # a damaged row has no score
            exact[start : start + size] = compare.exactly(block)
    return exact
