"""Search by codes where that is worth it, and by all rows where it is not."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lookgraph.index import batches, exact
from lookgraph.index.by_codes import CodeSearch, Shortlist, nearest_among
from lookgraph.index.coded import Allowed, RowSource, Sealed
from lookgraph.index.comparisons import check_all
from lookgraph.types import Matrix, Metric, Neighbour, Vector

_FEW = 1000
"""So few rows are compared exactly: codes would save nothing."""

_SHARE = 0.25
"""Where more of the rows than this would be compared one by one, all are compared in one go."""

_FAR = 100
"""A query for L2 that is so many times as far from the rows' middle as their centroids are is
compared exactly: the distances of its codes would differ by less than float32 tells apart."""


def nearest(
    rows: RowSource,
    sealed: Sealed | None,
    queries: Matrix,
    k: int,
    metric: Metric,
    allowed: Allowed | None,
    recall: float,
) -> list[list[Neighbour]]:
    """The k rows nearest to each query, with their exact scores; as `shortlists`."""
    found = shortlists(rows, sealed, queries, k, metric, allowed, recall)
    return [one.nearest for one in found]


def shortlists(
    rows: RowSource,
    sealed: Sealed | None,
    queries: Matrix,
    k: int,
    metric: Metric,
    allowed: Allowed | None,
    recall: float,
    at_least: int = 0,
) -> list[Shortlist]:
    """The k rows nearest to each query, with their exact scores, and others that may be near.

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
        at_least: so many rows are named for each query, if there are so many. Of those that are
            not among the k, the scores are given where they are known.

    Raises:
        UsageError: as `lookgraph.index.exact.nearest`.
    """
    for query in queries[:1]:
        exact.check(rows.mapped, query, k)
    check_all(metric, queries)
    named = max(k, at_least)
    if allowed is not None and allowed.count <= _FEW:
        return _whole(nearest_among(rows, allowed.numbers, queries, named, metric))
    effort = sealed.effort(recall) if sealed else None
    if sealed is None or effort is None or effort.looks * k > _SHARE * len(rows.mapped):
        return _whole(_by_rows(rows, queries, named, metric, allowed))
    looks = max(effort.looks * k, at_least)
    by_codes = CodeSearch(rows, sealed, effort.probes, looks, k, metric, allowed)
    far = _is_far(sealed, queries, metric)
    if not far.any():
        return by_codes.shortlists(queries)
    near = iter(by_codes.shortlists(queries[~far]))
    others = iter(_whole(_by_rows(rows, queries[far], named, metric, allowed)))
    return [next(others if is_far else near) for is_far in far]


def _whole(found: Sequence[list[Neighbour]]) -> list[Shortlist]:
    return [Shortlist(its, np.empty(0, np.int64)) for its in found]


def _by_rows(
    rows: RowSource, queries: Matrix, k: int, metric: Metric, allowed: Allowed | None
) -> list[list[Neighbour]]:
    hidden = None if allowed is None else allowed.others
    return batches.nearest_many(rows.mapped, queries, k, metric, hidden)


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
    if allowed is None:
        return exact.over(rows.mapped, query, score, metric)
    if allowed.count > _FEW:
        return exact.over(rows.mapped, query, score, metric, allowed.others)
    numbers = allowed.numbers
    found = exact.over(rows.take(numbers), query, score, metric)
    return [Neighbour(int(numbers[one.row]), one.score) for one in found]


def _is_far(sealed: Sealed, queries: Matrix, metric: Metric) -> NDArray[np.bool_]:
    if metric is not Metric.L2:
        return np.zeros(len(queries), np.bool_)
    moved = queries.astype(np.float64) - sealed.codebook.projection.origin
    return np.asarray(np.linalg.norm(moved, axis=1) > _FAR * sealed.codebook.reach)
