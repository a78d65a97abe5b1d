"""Exact search: every row is looked at. The oracle that every other index is measured against."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from lookgraph.config import usable_cores
from lookgraph.errors import UsageError
from lookgraph.types import Array, Integers, Matrix, Neighbour, Rows, Vector

_BLOCK = 256
"""Rows at a time: 1.3 MB as float32 at 1,280 numbers, which stays in a core's cache."""

_SLACK = 5e-4
"""More than the first pass can be off by: it takes stored rows for unit vectors, and rounding to
float16 changes a length by at most 2**-11 (4.9e-4 of it)."""


def nearest(rows: Rows, query: Vector, k: int, hidden: Integers | None = None) -> list[Neighbour]:
    """The k rows with the highest cosine to a query.

    Every row is scored in float32; those that could be among the best k are scored again in
    float64, so that the scores are those of the stored numbers and rows with the same numbers
    tie. Of rows that tie, the one with the lower number comes first.

    Args:
        rows: shape (n, d), float16, each of unit length up to rounding; may be a memory map. One
            that is damaged so that it has no direction is passed over.
        query: shape (d,), not zero.
        k: how many, at least 1.
        hidden: numbers of rows to pass over.

    Returns:
        min(k, rows that are not hidden) neighbours, best first.

    Raises:
        UsageError: if k is below 1 or the query is of another dimension, zero or not finite.
    """
    unit = _unit(rows, query, k)
    scores = np.empty(len(rows), np.float32)
    _score_all(rows, unit.astype(np.float32), scores)
    scores[np.abs(scores) > 2] = -np.inf  # no cosine: the row is damaged
    if hidden is not None:
        scores[hidden] = -np.inf
    candidates = _candidates(scores, k)
    exact = _score_exactly(rows, unit, candidates)
    candidates, exact = candidates[np.isfinite(exact)], exact[np.isfinite(exact)]
    order = np.lexsort((candidates, -exact))[:k]
    return [Neighbour(int(candidates[i]), float(exact[i])) for i in order]


def _unit(rows: Rows, query: Vector, k: int) -> Array:
    if k < 1:
        raise UsageError(f"k is {k}, but must be at least 1.")
    if query.shape != rows.shape[1:]:
        raise UsageError(f"The query has shape {query.shape}, the rows have {rows.shape[1:]}.")
    length = np.linalg.norm(query.astype(np.float64))
    if not np.isfinite(length) or length == 0:
        raise UsageError("The query is zero or not finite: it has no direction to compare with.")
    return np.asarray(query.astype(np.float64) / length)


def _score_all(rows: Rows, query: Vector, scores: Vector) -> None:
    """Fill ``scores`` with ``rows @ query``, in blocks on all cores."""
    scaled = query * _SCALE

    def score(blocks: Iterator[int]) -> None:
        buffer = np.empty((_BLOCK, rows.shape[1]), np.float32)
        for start in blocks:
            block = rows[start : start + _BLOCK]
            part = buffer[: len(block)]
            _widen(block, part)
            # Not BLAS: it would start threads of its own on the cores that are busy already.
            np.einsum("ij,j->i", part, scaled, out=scores[start : start + _BLOCK])

    starts = range(0, len(rows), _BLOCK)
    workers = min(usable_cores(), len(starts))
    if workers <= 1:
        score(iter(starts))
        return
    with ThreadPoolExecutor(workers) as pool:
        # Each worker takes every workers-th block. NumPy lets go of the interpreter's lock.
        list(pool.map(score, [iter(starts[i::workers]) for i in range(workers)]))


_SCALE = np.float32(2.0**112)
_SIGN_AND_VALUE = np.array(0x8FFFE000, np.uint32).view(np.int32)


def _widen(block: Rows, out: Matrix) -> None:
    """Fill ``out`` with finite float16 numbers times 2**-112, exactly.

    NumPy's own conversion goes number by number; this one is three passes over the block, and
    four to ten times as fast. The bits of a float16 are moved to where float32 has them
    (IEEE 754, binary16 and binary32), subnormal numbers included; as the exponents' biases are
    15 and 127, the result is too small by 2**(127 - 15).
    """
    bits = out.view(np.int32)
    np.copyto(bits, block.view(np.int16))  # the sign fills the upper half
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, _SIGN_AND_VALUE, out=bits)


def _candidates(scores: Vector, k: int) -> Integers:
    """The rows that may be among the k best, once the slack of the first pass is allowed for."""
    shown = int(np.count_nonzero(scores > -np.inf))
    if shown == 0:
        return np.empty(0, np.int64)
    k = min(k, shown)
    kth = np.partition(scores, len(scores) - k)[len(scores) - k]
    return np.flatnonzero(scores >= max(kth - 2 * _SLACK, np.finfo(np.float32).min))


def _score_exactly(rows: Rows, unit: Array, candidates: Integers) -> Array:
    """The cosines of some rows in float64, each summed in the same order whatever its place."""
    exact = np.empty(len(candidates), np.float64)
    for start in range(0, len(candidates), _BLOCK):
        block = rows[candidates[start : start + _BLOCK]].astype(np.float64)
        # einsum, unlike BLAS, sums every row alike, so equal rows get equal scores.
        lengths = np.sqrt(np.einsum("ij,ij->i", block, block))
        with np.errstate(divide="ignore", invalid="ignore"):  # a damaged row has no direction
            exact[start : start + _BLOCK] = np.einsum("ij,j->i", block, unit) / lengths
    return np.clip(exact, -1.0, 1.0)
