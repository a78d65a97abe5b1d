"""The threshold at which a way appears, against the bottleneck of all pairs."""

from itertools import pairwise

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.graph import joining
from lookgraph.graph.joining import joining_score
from lookgraph.types import Array, Metric


def scores_of(rows: Array, metric: Metric) -> Array:
    wide = rows.astype(np.float64)
    if metric is Metric.L2:
        return np.asarray(-np.linalg.norm(wide[:, None] - wide[None], axis=2))
    if metric is Metric.COSINE:
        wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide @ wide.T)


@pytest.mark.parametrize("metric", Metric)
@given(st.data())
def test_it_is_the_weakest_edge_of_the_strongest_way(metric: Metric, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    count = data.draw(st.integers(2, 25))
    drawn = rng.standard_normal((count, 8))
    if metric is Metric.COSINE:
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    rows = drawn.astype(np.float16)
    trees = rng.integers(0, data.draw(st.integers(2, count)), count)
    trees[[0, 1]] = 0, 1
    _, trees = np.unique(trees, return_inverse=True)
    trees[2:][rng.random(count - 2) < 0.1] = -1
    scores = scores_of(rows, metric)
    graph: networkx.Graph[int] = networkx.Graph()
    for i in range(count):
        for j in range(i):
            if min(trees[i], trees[j]) >= 0:
                weight = np.inf if trees[i] == trees[j] else scores[i, j]
                graph.add_edge(i, j, weight=weight)
    tree = networkx.maximum_spanning_tree(graph)
    way = networkx.shortest_path(tree, 0, 1)
    weakest = min(tree[one][other]["weight"] for one, other in pairwise(way))
    found = joining_score(rows, trees, metric, 0, 1)
    assert found == pytest.approx(weakest, abs=1e-6)
    assert joining_score(rows, trees, metric, 1, 0) == pytest.approx(weakest, abs=1e-6)


def test_it_gives_up_where_it_would_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float16)
    monkeypatch.setattr(joining, "_MOST_ROWS", 40)
    assert joining_score(rows, np.arange(50), Metric.L2, 0, 1) is None
