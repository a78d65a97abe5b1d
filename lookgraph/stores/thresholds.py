"""The pairs over a graph's threshold, as rows come and go; for every store that keeps a graph."""

from collections.abc import Callable

import numpy as np

from lookgraph.errors import GraphTooLargeError
from lookgraph.graph.edges import Edges, no_edges
from lookgraph.graph.following import Change
from lookgraph.graph.graph import united
from lookgraph.graph.pairs import TooMany, Wanted, pairs
from lookgraph.stores.base import GraphWanted
from lookgraph.types import Metric, Rows

_SHARE = 0.5
"""Of the progress, where neighbours are looked for too."""


def pairs_over(
    rows: Rows,
    metric: Metric,
    wanted: GraphWanted,
    change: Change,
    known: Edges,
    progress: Callable[[float], None],
) -> Edges:
    """All pairs over the threshold: those that are known, and those of new rows.

    Args:
        rows: the embeddings, float16, shape (n, d); may be a memory map.
        metric: how they are compared.
        wanted: what the graph is to be made as.
        change: what has become of the rows.
        known: the pairs over it before the change.
        progress: told the share of the whole graph that is done, 0 to 1.

    Raises:
        GraphTooLargeError: more pairs reach the threshold than are wanted.
    """
    if wanted.threshold is None:
        return no_edges()
    kept = known[~(np.isin(known.first, change.gone) | np.isin(known.second, change.gone))]
    share = _SHARE if wanted.neighbours else 1.0
    found = pairs(
        rows,
        change.new,
        change.old,
        Wanted(metric, wanted.threshold, wanted.most - len(kept)),
        lambda done: progress(share * done),
    )
    if isinstance(found, TooMany):
        raise GraphTooLargeError(_too_large(found, wanted, len(kept)))
    return united(kept, found)


def _too_large(found: TooMany, wanted: GraphWanted, kept: int) -> str:
    fits = "No threshold fits: too many pictures are alike."
    if found.fitting is not None:
        fits = f"--threshold {found.fitting:.4f} would fit."
    return (
        f"{found.count + kept:,} pairs reach {wanted.threshold}, and at most {wanted.most:,} are "
        f"wanted (--max-edges). {fits}"
    )
