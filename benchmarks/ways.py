"""Ways to rank through the graph, with whole matrices: each a function of unit vectors."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np

from lookgraph.ranking.propagation import NEIGHBOURS
from lookgraph.types import Array, Integers, Matrix

_POWER = 3

NOW, COSINE = "propagation, as it is", "cosine"


class Material(NamedTuple):
    """Unit vectors: the database, shape (n, d), and queries, shape (q, d)."""

    rows: Matrix
    queries: Matrix

    def within(self) -> Matrix:
        """The cosines among the database, shape (n, n); minus infinity for a row with itself."""
        scores = self.rows @ self.rows.T
        np.fill_diagonal(scores, -np.inf)
        return np.asarray(scores)

    def asked(self) -> Matrix:
        """The cosines of the queries with the database, shape (q, n)."""
        return np.asarray(self.queries @ self.rows.T)


class Graph(NamedTuple):
    """How much each row speaks for another: within the database, and for the queries."""

    within: Matrix
    asked: Matrix


Way: TypeAlias = Callable[[Material], Matrix]
"""From the material to rank scores, shape (q, n); higher is better."""


def graph(
    of: Material, k: int, power: float, *, mutual: bool = False, query_k: int | None = None
) -> Graph:
    """The weights of the k nearest of each, max(score, 0) ** power.

    Args:
        of: the material.
        k: how many.
        power: of the score.
        mutual: only of those that have the row among their own k nearest too. Of a query it is
            counted whether it would be.
        query_k: how many for a query; None for as many as for a row.
    """
    within, asked = of.within(), of.asked()
    least = np.sort(within, axis=1)[:, -k]
    near = within >= least[:, None]
    places = np.argsort(np.argsort(-asked, axis=1), axis=1)
    asked_near = places < (k if query_k is None else query_k)
    if mutual:
        near, asked_near = near & near.T, asked_near & (asked >= least)
    return Graph(
        np.where(near, np.maximum(within, 0) ** power, 0).astype(np.float32),
        np.where(asked_near, np.maximum(asked, 0) ** power, 0).astype(np.float32),
    )


def spread(
    of: Material,
    k: int = NEIGHBOURS,
    power: float = _POWER,
    steps: int = 1,
    mutual: bool = False,
    query_k: int | None = None,
    own: float = 1,
) -> Material:
    """Everything together with its neighbours, so many times: score propagation as matrices.

    Args:
        of: the material.
        k: as for `graph`.
        power: likewise.
        steps: how many times.
        mutual: as for `graph`.
        query_k: likewise.
        own: how much a query itself counts beside its neighbours.
    """
    weights = graph(of, k, power, mutual=mutual, query_k=query_k)
    rows, queries = of
    for _ in range(steps):
        more = own * queries + weights.asked @ rows
        rows, queries = unit(rows + weights.within @ rows), unit(more)
    return Material(rows, queries)


def propagated(of: Material, **how: float) -> Matrix:
    """Score propagation; see `spread`."""
    return spread(of, **how).asked()  # type: ignore[arg-type]


def csls(of: Material, k: int = 10, share: float = 1.0) -> Matrix:
    """Cross-domain similarity local scaling: less the mean score of k nearest, high for hubs.

    A. Conneau et al., "Word translation without parallel data", 2018.
    """
    return np.asarray(2 * of.asked() - share * _mean_of_best(of.within(), k))


def nicdm(of: Material, k: int = 10) -> Matrix:
    """Distances over the mean distance to the k nearest.

    H. Jegou et al., "Accurate image search using the contextual dissimilarity measure", 2010, after
    L. Zelnik-Manor and P. Perona, "Self-tuning spectral clustering", 2004.
    """
    return np.asarray(-(1 - of.asked()) / np.sqrt(1 - _mean_of_best(of.within(), k) + 1e-6))


def mutual_proximity(of: Material) -> Matrix:
    """How surely each is nearer to the other than the rest, by normal distributions.

    D. Schnitzer et al., "Local and global scaling reduce hubs in space", 2012.
    """
    within, asked = of.within(), of.asked()
    np.fill_diagonal(within, np.nan)
    from_rows = (asked - np.nanmean(within, axis=1)) / np.nanstd(within, axis=1)
    mean, deviation = asked.mean(axis=1, keepdims=True), asked.std(axis=1, keepdims=True)
    return np.asarray(_log_normal(from_rows) + _log_normal((asked - mean) / deviation))


def diffused(of: Material, k: int, alpha: float = 0.99, mutual: bool = True) -> Matrix:
    """All steps at once, from the query's k nearest.

    D. Zhou et al., "Ranking on data manifolds", 2003; A. Iscen et al., "Efficient diffusion on
    region manifolds", 2017.
    """
    weights = graph(of, k, _POWER, mutual=mutual)
    both = np.maximum(weights.within, weights.within.T).astype(np.float64)
    degrees = 1 / np.sqrt(np.maximum(both.sum(axis=1), 1e-9))
    system = np.eye(len(both)) - alpha * degrees[:, None] * both * degrees
    begun = graph(of, k, _POWER).asked
    return np.asarray(np.linalg.solve(system, begun.T).T + 1e-6 * of.asked())


def reciprocal(of: Material, k: int = 20, few: int = 6, share: float = 0.3) -> Matrix:
    """The Jaccard distance of k-reciprocal neighbours, and the Euclidean one by its share.

    Z. Zhong et al., "Re-ranking person re-identification with k-reciprocal encoding", 2017, where
    the three numbers are k1, k2 and lambda.
    """
    within, asked = of.within(), of.asked()
    np.fill_diagonal(within, 1)
    order, best = np.argsort(-within, axis=1), np.argsort(-asked, axis=1)
    halves, least = _reciprocal(order, k // 2), np.sort(within, axis=1)[:, -(k + 1)]
    codes = np.stack(
        [_encoded(*one, halves) for one in zip(within, _reciprocal(order, k), strict=True)]
    )
    smooth = np.stack([codes[its[:few]].mean(axis=0) for its in order])
    common = np.empty(asked.shape)
    for i, (scores, its) in enumerate(zip(asked, best, strict=True)):
        near = its[:k][scores[its[:k]] >= least[its[:k]]]
        own = (_encoded(scores, near, halves) + codes[its[: few - 1]].sum(axis=0)) / few
        common[i] = np.minimum(own, smooth).sum(axis=1)
    distances = (1 - asked) / (1 - asked).max(axis=1, keepdims=True)
    return np.asarray(-(1 - share) * (1 - common / (2 - common)) - share * distances)


def _encoded(scores: Array, its: Integers, halves: Sequence[Integers]) -> Array:
    """What the k-reciprocal neighbours of one are, and those of which most of theirs are."""
    every = set(its.tolist())
    for other in its.tolist():
        if len(np.intersect1d(halves[other], its)) > 2 / 3 * len(halves[other]):
            every.update(halves[other].tolist())
    numbers, found = np.array(sorted(every), np.int64), np.zeros(len(scores), np.float32)
    found[numbers] = np.exp(2 * scores[numbers] - 2)
    return found / max(1e-9, float(found.sum()))


def _reciprocal(order: Integers, k: int) -> list[Integers]:
    """The k nearest of each that have it among their own, itself too."""
    near = np.zeros(order.shape, np.bool_)
    np.put_along_axis(near, order[:, : k + 1], True, axis=1)
    return [np.flatnonzero(its) for its in near & near.T]


def _mean_of_best(within: Matrix, k: int) -> Array:
    return np.asarray(np.partition(within, -k, axis=1)[:, -k:].mean(axis=1))


def _log_normal(values: Array) -> Array:
    """The logarithm of the normal distribution's cumulative function, by its logistic likeness."""
    return np.asarray(-np.logaddexp(0, -(1.5976 * values + 0.07056 * values**3)))


def unit(rows: Array) -> Matrix:
    """Rows of length 1, float32."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


WAYS: Mapping[str, Way] = {
    COSINE: Material.asked,
    NOW: propagated,
    "only the query expanded": lambda of: spread(of).queries @ of.rows.T,
    "only the rows expanded": partial(propagated, query_k=0),
    "query's k = 20": partial(propagated, query_k=20),
    "query's k = 20, itself twice": partial(propagated, query_k=20, own=2),
    **{f"k = {k}": partial(propagated, k=k) for k in (5, 20, 50)},
    **{f"power {power}": partial(propagated, power=power) for power in (1, 2, 5, 8)},
    "k = 20, power 5": partial(propagated, k=20, power=5),
    "mutual": partial(propagated, mutual=True),
    "mutual, k = 20": partial(propagated, mutual=True, k=20),
    "mutual, k = 50": partial(propagated, mutual=True, k=50),
    "two steps": partial(propagated, steps=2),
    "three steps": partial(propagated, steps=3),
    "two steps, k = 5": partial(propagated, steps=2, k=5),
    "two steps, mutual, k = 20": partial(propagated, steps=2, mutual=True, k=20),
    "diffusion, k = 10": partial(diffused, k=10),
    "diffusion, k = 50": partial(diffused, k=50),
    "diffusion, k = 20, alpha 0.9": partial(diffused, k=20, alpha=0.9),
    "k-reciprocal Jaccard": reciprocal,
    "CSLS": csls,
    "NICDM": nicdm,
    "mutual proximity": mutual_proximity,
    "propagation, CSLS": lambda of: csls(spread(of)),
    "propagation, CSLS by half": lambda of: csls(spread(of), share=0.5),
    "propagation, NICDM": lambda of: nicdm(spread(of)),
    "propagation, mutual proximity": lambda of: mutual_proximity(spread(of)),
}
"""What is tried, by name."""
