"""Communities: rows that are more alike to each other than to the rest.

Groups at a threshold grow together along a single chain. Communities do not: they are what
maximises the modularity of the whole graph,

    Q = sum over communities c of ( w_c / m - resolution * (s_c / 2 m) ** 2 ),

with w_c the weight of the edges within c, s_c the weights at its rows' ends added up, and m the
weight of all edges (M. E. J. Newman and M. Girvan, "Finding and evaluating community structure in
networks", 2004; J. Reichardt and S. Bornholdt, "Statistical mechanics of community detection",
2006).
They are looked for with the Leiden algorithm, which gives connected ones (V. A. Traag, L. Waltman
and N. J. van Eck, "From Louvain to Leiden: guaranteeing well-connected communities", 2019).
"""

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookgraph.errors import MissingExtraError, UsageError
from lookgraph.graph.edges import Edges, adjacency
from lookgraph.types import Integers, Vector

_SEED = 1
_ROUNDS = 2
"""Three more take twice the time, and gain less than 0.001 of the modularity."""

_LEAST = 0.01
"""The weight of the least edge, where that of the best one is 1."""


def communities(count: int, edges: Edges, *, resolution: float = 1.0) -> Integers:
    """The community of each row, numbered from 0 in the order of their lowest rows, shape (n,).

    The same on every run, and in whatever order the edges come. Each community hangs together, and
    a row without edges is alone.

    Args:
        count: how many rows.
        edges: between them; the scores may be of any metric.
        resolution: over 0; the higher, the smaller are the communities.

    Raises:
        MissingExtraError: graspologic-native is not installed.
        UsageError: the resolution is none.
    """
    if not (np.isfinite(resolution) and resolution > 0):
        raise UsageError(f"The resolution is {resolution}, but must be a number over 0.")
    leiden = _leiden()
    if not len(edges):
        return np.arange(count)
    # In the order of pairs, so that neither rounding nor ties depend on how the edges came.
    around = adjacency(count, edges)
    _, community_of = leiden(
        around.starts,
        around.numbers,
        weights(around.scores),
        count,
        resolution=resolution,
        iterations=_ROUNDS,
        seed=_SEED,
    )
    labels = np.fromiter((community_of[row] for row in range(count)), np.int64, count)
    _, first, of_each = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[of_each])


def weights(scores: Vector) -> NDArray[np.float64]:
    """How much edges with these scores count: from 0.01 for the least of them to 1 for the best.

    What counts is how far a score is over the least. Cosines of near pictures are all about 0.9,
    and would weigh the same by themselves; and distances with a minus are no weights at all.
    """
    least, best = float(scores.min()), float(scores.max())
    if best == least:
        return np.ones(len(scores))
    return _LEAST + (1 - _LEAST) * (scores.astype(np.float64) - least) / (best - least)


def modularity(count: int, edges: Edges, labels: Integers, *, resolution: float = 1.0) -> float:
    """How good a division is, at most 1; nan where there are no edges.

    Args:
        count: how many rows.
        edges: between them.
        labels: the community of each row, from 0 on, shape (n,).
        resolution: as for `communities`.
    """
    if not len(edges):
        return float("nan")
    weight = weights(edges.scores)
    whole = weight.sum()
    within = weight[labels[edges.first] == labels[edges.second]].sum()
    at_ends = np.bincount(edges.first, weight, count) + np.bincount(edges.second, weight, count)
    of_each = np.bincount(labels, at_ends)
    return float(within / whole - resolution * ((of_each / (2 * whole)) ** 2).sum())


def _leiden() -> Any:
    """The function of graspologic-native. It takes the arrays of a sparse matrix, not SciPy's."""
    try:
        return import_module("graspologic_native").leiden_csr
    except ImportError:
        raise MissingExtraError("Finding communities", "communities") from None
