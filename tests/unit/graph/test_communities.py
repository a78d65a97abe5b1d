"""Communities against NetworkX: its modularity, its Louvain, its components."""

import os
import subprocess
import sys

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.errors import MissingExtraError, UsageError
from lookgraph.graph.communities import communities, modularity, weights
from lookgraph.graph.edges import Edges, no_edges
from lookgraph.types import Integers
from tests.conftest import needs_module
from tests.unit.graph.drawn import as_networkx, graphs

needs_module("graspologic_native")


def weighted(count: int, edges: Edges) -> networkx.Graph:
    ends = zip(edges.first.tolist(), edges.second.tolist(), strict=True)
    graph = as_networkx(count, no_edges())
    graph.add_weighted_edges_from(
        (*pair, weight) for pair, weight in zip(ends, weights(edges.scores).tolist(), strict=True)
    )
    return graph


def parts(labels: Integers) -> list[set[int]]:
    return [set(np.flatnonzero(labels == label).tolist()) for label in range(labels.max() + 1)]


def planted(sizes: list[int], inside: float, between: float, seed: int) -> tuple[Edges, Integers]:
    """Rows in communities, with edges drawn at two rates, and rows and edges in any order."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    first, second = np.triu_indices(len(truth), 1)
    alike = truth[first] == truth[second]
    drawn = rng.random(len(first)) < np.where(alike, inside, between)
    scores = rng.uniform(0.7, 0.95, len(first)) + 0.04 * alike
    order = rng.permutation(np.flatnonzero(drawn))
    edges = Edges(first.astype(np.int32), second.astype(np.int32), scores.astype(np.float32))
    return edges[order], truth


@pytest.mark.parametrize("seed", range(5))
def test_planted_communities_are_found(seed: int) -> None:
    edges, truth = planted([20, 25, 40, 40, 60], inside=0.5, between=0.01, seed=seed)
    labels = communities(len(truth), edges)
    assert sorted(map(sorted, parts(labels))) == sorted(map(sorted, parts(truth)))
    assert [min(part) for part in parts(labels)] == sorted(min(part) for part in parts(labels))


def test_planted_communities_by_scores_alone() -> None:
    """Every pair has an edge, so that only the scores tell which are alike."""
    edges, truth = planted([20, 30, 50], inside=1, between=1, seed=1)
    scores = edges.scores + 0.3 * (truth[edges.first] == truth[edges.second])
    for moved in (scores, scores * 20 - 40):
        labels = communities(len(truth), Edges(edges.first, edges.second, moved.astype(np.float32)))
        assert sorted(map(sorted, parts(labels))) == sorted(map(sorted, parts(truth)))


@given(graphs(), st.sampled_from([0.1, 1.0, 3.0]))
def test_each_community_hangs_together(drawn: tuple[int, Edges], resolution: float) -> None:
    count, edges = drawn
    labels = communities(count, edges, resolution=resolution)
    assert labels.shape == (count,)
    graph = as_networkx(count, edges)
    assert all(networkx.is_connected(graph.subgraph(part)) for part in parts(labels))
    assert [min(part) for part in parts(labels)] == sorted(min(part) for part in parts(labels))


@given(graphs(), st.randoms(use_true_random=False), st.sampled_from([0.5, 1.0]))
def test_modularity_is_what_networkx_has(
    drawn: tuple[int, Edges], random: object, resolution: float
) -> None:
    count, edges = drawn
    if not len(edges):
        assert np.isnan(modularity(count, edges, np.zeros(count, np.int64)))
        return
    rng = np.random.default_rng(random.randint(0, 99))  # type: ignore[attr-defined]
    labels = np.unique(rng.integers(0, 4, count), return_inverse=True)[1]
    wanted = networkx.community.modularity(
        weighted(count, edges), parts(labels), resolution=resolution
    )
    assert modularity(count, edges, labels, resolution=resolution) == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(4))
def test_as_good_as_the_louvain_of_networkx(seed: int) -> None:
    edges, truth = planted([30] * 12, inside=0.2, between=0.02, seed=seed)
    graph = weighted(len(truth), edges)
    louvain = networkx.community.louvain_communities(graph, seed=1)
    best = networkx.community.modularity(graph, louvain)
    labels = communities(len(truth), edges)
    assert modularity(len(truth), edges, labels) >= 0.99 * best


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_edges_does_not_count(drawn: tuple[int, Edges], random: object) -> None:
    count, edges = drawn
    rng = np.random.default_rng(random.randint(0, 99))  # type: ignore[attr-defined]
    shuffled = edges[rng.permutation(len(edges))]
    assert np.array_equal(communities(count, edges), communities(count, shuffled))


CODE = """
import numpy as np
from lookgraph.graph.communities import communities
from tests.unit.graph.test_communities import planted
edges, truth = planted([30] * 12, inside=0.1, between=0.03, seed=1)
edges = edges[np.random.default_rng({0}).permutation(len(edges))]
print(communities(len(truth), edges).tolist())
"""


def test_another_process_finds_the_same() -> None:
    answers = {
        subprocess.run(
            [sys.executable, "-c", CODE.format(seed)],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(answers) == 1
    assert len(answers.pop()) > 360


def test_a_higher_resolution_gives_smaller_communities() -> None:
    edges, truth = planted([30] * 12, inside=0.2, between=0.02, seed=1)
    counts = [communities(len(truth), edges, resolution=r).max() + 1 for r in (0.05, 1.0, 5.0)]
    assert counts[0] < counts[1] < counts[2]


def test_rows_without_edges_are_alone() -> None:
    assert communities(0, no_edges()).tolist() == []
    assert communities(3, no_edges()).tolist() == [0, 1, 2]
    edges = Edges(np.array([1], np.int32), np.array([3], np.int32), np.array([0.5], np.float32))
    assert communities(5, edges).tolist() == [0, 1, 2, 1, 3]


def test_weights_are_over_nothing_and_keep_the_order() -> None:
    assert weights(np.array([-30, -20, -10], np.float32)).tolist() == [0.01, 0.505, 1]
    assert weights(np.array([0.9, 0.9], np.float32)).tolist() == [1, 1]


@pytest.mark.parametrize("resolution", [0, -1, np.nan, np.inf])
def test_a_resolution_that_is_none(resolution: float) -> None:
    with pytest.raises(UsageError, match="must be a number over 0"):
        communities(3, no_edges(), resolution=resolution)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graspologic_native", None)
    with pytest.raises(MissingExtraError, match=r"lookgraph\[communities\]"):
        communities(3, no_edges())
