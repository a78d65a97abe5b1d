"""Exact search for many queries at once, with one matrix product for each block of rows."""

from collections.abc import Iterator

import numpy as np

from lookgraph.index import exact
from lookgraph.index.comparisons import comparison, rough_scores
from lookgraph.index.widening import UNDO, widen
from lookgraph.types import Integers, Matrix, Metric, Neighbour, Rows

_SCORES = 16_000_000
"""Scores of rows for queries that are in memory at once: 128 MB."""

_FAR = 2.0**20
"""Queries for L2 with larger numbers are searched one by one: their squares could overflow."""


def nearest_many(
    rows: Rows, queries: Matrix, k: int, metric: Metric, hidden: Integers | None = None
) -> list[list[Neighbour]]:
    """As `lookgraph.index.exact.nearest` for each query, shape (q, d), with the same answers."""
    together = max(1, _SCORES // max(1, len(rows)))
    if together == 1 or len(queries) == 1 or _is_far(queries, metric):
        return [exact.nearest(rows, query, k, metric, hidden) for query in queries]
    return [
        found
        for start in range(0, len(queries), together)
        for found in _nearest(rows, queries[start : start + together], k, metric, hidden)
    ]


def _is_far(queries: Matrix, metric: Metric) -> bool:
    return metric is Metric.L2 and bool(np.abs(queries).max(initial=0) > _FAR)


def _nearest(
    rows: Rows, queries: Matrix, k: int, metric: Metric, hidden: Integers | None
) -> Iterator[list[Neighbour]]:
    for query in queries:
        exact.check(rows, query, k)
    compared = [comparison(metric, query) for query in queries]
    low, high = _bounds(rows, queries, metric)
    for i, compare in enumerate(compared):
        yield exact.settle(rows, compare, k, low[i], high[i], hidden)


def _bounds(rows: Rows, queries: Matrix, metric: Metric) -> tuple[Matrix, Matrix]:
    """Between what each row's score lies for each query, shapes (q, n)."""
    shape = (len(queries), len(rows))
    low, high = np.empty(shape, np.float32), np.empty(shape, np.float32)
    size = exact.block_size(rows)
    buffer = np.empty((size, rows.shape[1]), np.float32)
    score = rough_scores(metric, queries)
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        part, its = buffer[: len(block)], slice(start, start + len(block))
        widen(block, part)
        np.multiply(part, UNDO, out=part)
        scores, slack = score(part)
        low[:, its], high[:, its] = scores - slack, scores + slack
    return low, high
