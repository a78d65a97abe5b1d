"""Every picture of a database, ranked for every query."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lookgraph.errors import UsageError
from lookgraph.types import Integers, Matrix, Metric

_SCORES = 1 << 22
"""At a time: 32 MB as float64."""

_ROWS = 1024
"""Of the database at a time, as float64."""


def rankings(queries: Matrix, database: Matrix, metric: Metric) -> Iterator[tuple[slice, Integers]]:
    """The whole database in order for each query, nearest first, by scores in float64.

    Args:
        queries: shape (q, d).
        database: shape (n, d). Of equal scores, the lower number comes first.
        metric: how they are compared.

    Yields:
        Some queries, as a slice, and the numbers of the database in order, shape (some, n).

    Raises:
        UsageError: if a number is not finite, or for cosine a row is zero.
    """
    size = max(1, _SCORES // max(1, len(database)))
    for start in range(0, len(queries), size):
        some = _prepared(queries[start : start + size], metric)
        scores = np.empty((len(some), len(database)))
        for first in range(0, len(database), _ROWS):
            rows = _prepared(database[first : first + _ROWS], metric)
            scores[:, first : first + _ROWS] = _scores(some, rows, metric)
        yield slice(start, start + len(some)), np.argsort(-scores, axis=1, kind="stable")


def _prepared(embeddings: Matrix, metric: Metric) -> NDArray[np.float64]:
    rows = embeddings.astype(np.float64)
    if not np.isfinite(rows).all():
        raise UsageError("An embedding is not finite: index the pictures again.")
    if metric is not Metric.COSINE:
        return rows
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        raise UsageError("An embedding is zero, so it has no cosine: index the pictures again.")
    return np.asarray(rows / lengths)


def _scores(
    queries: NDArray[np.float64], rows: NDArray[np.float64], metric: Metric
) -> NDArray[np.float64]:
    """What orders the rows as the metric does, shape (queries, rows); higher is closer."""
    products = queries @ rows.T
    if metric is Metric.L2:
        # Half of |q|**2 - |x - q|**2. Float64 has digits enough for what cancels.
        products -= (rows * rows).sum(axis=1) / 2
    return np.asarray(products)
