"""At which threshold two rows would hang together that no edges of a graph connect."""

from collections.abc import Iterator

import numpy as np

from lookgraph.graph.scores import exact_scores
from lookgraph.index.comparisons import rough_scores
from lookgraph.index.products import dots
from lookgraph.index.widening import as_float32
from lookgraph.types import Array, Integers, Matrix, Metric, Rows

_AT_ONCE = 1024

_HELD = 1 << 26
"""Numbers that are converted once and kept: 0.25 GB."""

_MOST_ROWS = 5_000_000
"""So many rows are looked at. Where every row is a tree by itself, it would take all pairs."""


def joining_score(
    rows: Rows, trees: Integers, metric: Metric, source: int, target: int
) -> float | None:
    """The highest threshold at which edges between all pairs over it lead from one to the other.

    From the smaller of the two trees on, the tree that is nearest joins, until the other one does
    (R. C. Prim, "Shortest connection networks and some generalizations", 1957). The weakest of the
    edges that joined them is the answer.

    Args:
        rows: shape (n, d), float16; may be a memory map.
        trees: which rows hang together, shape (n,); -1 for a row that is in no graph.
        metric: how rows are compared.
        source: a row.
        target: a row of another tree.

    Returns:
        the exact score; None if it would take too long to tell.
    """
    narrow: Array = as_float32(rows[: len(trees)]) if rows.size <= _HELD else rows[: len(trees)]
    sizes = np.bincount(trees[trees >= 0])
    start, end = sorted((int(trees[source]), int(trees[target])), key=lambda tree: sizes[tree])
    outside = trees >= 0
    best, partner = np.full(len(trees), -np.inf), np.full(len(trees), -1)
    weakest, looked, tree = np.inf, 0, start
    while tree != end:
        fresh = np.flatnonzero(trees == tree)
        outside[fresh] = False
        looked += len(trees)
        if looked > _MOST_ROWS:
            return None
        for some, reached in _reached(narrow, fresh, metric):
            nearer = reached > best
            best[nearer], partner[nearer] = reached[nearer], some[nearer]
        others = np.flatnonzero(outside)
        nearest = int(others[np.argmax(best[others])])
        weakest = min(weakest, _exactly(rows, nearest, int(partner[nearest]), metric))
        tree = int(trees[nearest])
    return weakest


def _reached(rows: Array, fresh: Integers, metric: Metric) -> Iterator[tuple[Integers, Array]]:
    """Which of some fresh rows is nearest to each row, and its score; a part of them at a time."""
    for begin in range(0, len(fresh), _AT_ONCE):
        some = fresh[begin : begin + _AT_ONCE]
        queries = _as_float32(rows[some])
        score = rough_scores(metric, queries)
        # Products are told for queries of length 1.
        lengths = np.sqrt(dots(queries, queries)) if metric is Metric.INNER_PRODUCT else 1.0
        reached, which = np.empty(len(rows)), np.empty(len(rows), np.int64)
        for start in range(0, len(rows), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            scores = score(_as_float32(rows[part]))[0].T * lengths
            places = scores.argmax(axis=1)
            reached[part] = scores[np.arange(len(places)), places]
            which[part] = some[places]
        yield which, reached


def _as_float32(block: Array) -> Matrix:
    return as_float32(block) if block.dtype == np.float16 else block


def _exactly(rows: Rows, one: int, other: int, metric: Metric) -> float:
    wide = rows[[one, other]].astype(np.float64)
    return float(np.float32(exact_scores(metric, wide[:1], wide[1:])[0]))
