"""Measured: in how many cells of rows that lie together a query must be looked for."""

import importlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.embeddings import Crops, extended
from benchmarks.scale.plan import Power
from lookgraph.models.embedder import normalise
from lookgraph.types import Integers, Matrix

RECALL = 0.98
SIZES = (16, 64, 256)
ROWS = 390
"""In a cell, so that the number of rows grows with that of cells, as it would."""

_QUERIES, _K, _ROUNDS, _TRAINED = 500, 10, 10, 64


@dataclass(frozen=True, slots=True)
class Routing:
    """What so many cells ask for.

    Attributes:
        cells: how many.
        visits: cells that must be looked into for `RECALL` of the true ten.
        copies: the share of pairs of true neighbours that meet in some cell, if each row lies in
            its 1, 2, 4 or 8 nearest cells.
    """

    cells: int
    visits: int
    copies: dict[int, float]


def synthetic(count: int, seed: int = 0) -> Crops:
    """In place of embeddings of crops, where none are at hand: points about centres."""
    generator = np.random.default_rng(seed)
    photographs = np.sort(np.arange(count) % (count // 60))
    centres = generator.standard_normal((count // 60, 1280), np.float32)
    rows = centres[photographs] + generator.standard_normal((count, 1280), np.float32)
    return Crops(normalise(np.maximum(rows, 0)), photographs)


def routings(crops: Crops) -> list[Routing]:
    """Measure each number of cells, with as many rows as they hold."""
    queries = np.concatenate(list(extended(crops, _QUERIES, seed=2)))
    order = np.random.default_rng(5).permutation(len(crops.embeddings))
    return [_routing(crops.embeddings[order[: cells * ROWS]], queries, cells) for cells in SIZES]


def fitted(routings: list[Routing]) -> Power:
    """A power law through the largest size, as steep as it was steepest between two sizes."""
    last = routings[-1]
    exponent = max(
        float(np.log(more.visits / less.visits) / np.log(more.cells / less.cells))
        for less, more in pairwise(routings)
    )
    return Power(last.visits / last.cells**exponent, exponent)


def _routing(rows: Matrix, queries: Matrix, cells: int) -> Routing:
    centres = _centres(rows, cells)
    nearest = np.argsort(-(rows @ centres.T), axis=1)[:, :8]
    truth = np.argsort(-(queries @ rows.T), axis=1)[:, :_K]
    places = np.argsort(np.argsort(-(queries @ centres.T), axis=1), axis=1)
    wanted = np.take_along_axis(places, nearest[truth, 0], axis=1)
    visits = int(np.quantile(wanted, RECALL, method="inverted_cdf")) + 1
    return Routing(cells, visits, _meeting(rows, nearest))


def _centres(rows: Matrix, cells: int) -> Matrix:
    faiss = importlib.import_module("faiss")
    faiss.omp_set_num_threads(1)
    kmeans = faiss.Kmeans(
        rows.shape[1], cells, niter=_ROUNDS, spherical=True, seed=1,
        max_points_per_centroid=_TRAINED,
    )  # fmt: skip
    kmeans.train(np.ascontiguousarray(rows))
    return np.asarray(kmeans.centroids)


def _meeting(rows: Matrix, nearest: Integers) -> dict[int, float]:
    """Of some rows and their true ten: how many have a cell in common."""
    asking = np.arange(0, len(rows), max(1, len(rows) // 1000))
    scores = rows[asking] @ rows.T
    scores[np.arange(len(asking)), asking] = -np.inf
    truth = np.argpartition(-scores, _K, axis=1)[:, :_K]
    shares = {}
    for copies in (1, 2, 4, 8):
        mine, theirs = nearest[asking, :copies], nearest[truth, :copies]
        common = (mine[:, None, :, None] == theirs[:, :, None, :]).any(axis=(2, 3))
        shares[copies] = float(common.mean())
    return shares
