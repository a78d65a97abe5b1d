"""Hubs, loners and bridges, against NetworkX and against counting by hand."""

from collections import Counter

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.graph.edges import Edges, adjacency, no_edges
from lookgraph.graph.forest import maximum_spanning_forest
from lookgraph.graph.neighbours import Neighbours
from lookgraph.graph.paths import RootedForest, rooted
from lookgraph.graph.standing import bridges, hubs, loners
from tests.unit.graph.drawn import LEVELS, as_networkx, graphs


def hung_up(count: int, edges: Edges) -> RootedForest:
    return rooted(count, maximum_spanning_forest(count, edges))


@given(
    graphs(),
    st.sampled_from([*LEVELS.tolist(), -1.5, 0.1, 1.5]),
    st.integers(1, 4),
)
def test_bridges_are_those_of_networkx(
    drawn: tuple[int, Edges], threshold: float, smallest: int
) -> None:
    count, edges = drawn
    graph = as_networkx(count, edges, threshold)
    wanted = {}
    for one, other in networkx.bridges(graph):
        without = graph.copy()
        without.remove_edge(one, other)
        pair = (min(one, other), max(one, other))
        sides = tuple(len(networkx.node_connected_component(without, end)) for end in pair)
        if min(sides) >= smallest:
            wanted[pair] = (*sides, graph.edges[pair]["weight"])
    found = bridges(hung_up(count, edges), edges, threshold, smallest)
    pairs = list(zip(found.edges.first.tolist(), found.edges.second.tolist(), strict=True))
    told = zip(*found.sides.T.tolist(), found.edges.scores.tolist(), strict=True)
    assert dict(zip(pairs, told, strict=True)) == wanted
    assert pairs == sorted(wanted, key=lambda pair: (-min(wanted[pair][:2]), pair))


@pytest.mark.parametrize("count", [2, 3, 3000])
def test_every_edge_of_a_chain_is_a_bridge(count: int) -> None:
    ends = np.arange(count, dtype=np.int32)
    edges = Edges(ends[:-1], ends[1:], np.linspace(0.9, 0.1, count - 1, dtype=np.float32))
    found = bridges(hung_up(count, edges), edges, 0.0, smallest=1)
    assert len(found.edges) == count - 1
    assert (found.sides.sum(axis=1) == count).all()
    assert found.sides[:, 0].tolist() == (found.edges.first + 1).tolist()


def test_two_rings_and_what_ties_them() -> None:
    """A ring has no bridge; the tie of two is one, until another ties them too."""
    ring = np.arange(5, dtype=np.int32)
    first, second = np.sort([ring, np.roll(ring, -1)], axis=0)
    first, second = (
        np.concatenate([first, first + 5, [4]]),
        np.concatenate([second, second + 5, [7]]),
    )
    edges = Edges(first.astype(np.int32), second.astype(np.int32), np.full(11, 0.5, np.float32))
    found = bridges(hung_up(10, edges), edges, 0.5)
    assert (found.edges.first.tolist(), found.edges.second.tolist()) == ([4], [7])
    assert found.sides.tolist() == [[5, 5]]
    more = Edges(
        np.append(edges.first, np.int32(0)),
        np.append(edges.second, np.int32(9)),
        np.append(edges.scores, np.float32(0.4)),
    )
    assert len(bridges(hung_up(10, more), more, 0.4).edges) == 0
    assert len(bridges(hung_up(10, more), more, 0.45).edges) == 1
    assert len(bridges(hung_up(10, edges), edges, 0.5, smallest=6).edges) == 0


@given(st.integers(0, 30), st.integers(0, 4), st.integers(0, 40), st.integers(0, 2**32))
def test_hubs_are_named_by_most(count: int, k: int, most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = rng.integers(-1, max(1, count // 2), (count, k)).astype(np.int32)
    among = rng.random(count) < 0.8
    found = hubs(Neighbours(numbers, np.zeros((count, k), np.float32)), among, most)
    named = Counter(numbers[among].reshape(-1).tolist())
    wanted = [(-times, row) for row, times in named.items() if row >= 0 and among[row]]
    assert (
        list(zip((-found.counts).tolist(), found.rows.tolist(), strict=True))
        == (sorted(wanted)[:most])
    )


@given(graphs(), st.integers(0, 50), st.integers(0, 2**32))
def test_loners_are_least_alike(drawn: tuple[int, Edges], most: int, seed: int) -> None:
    count, edges = drawn
    among = np.random.default_rng(seed).random(count) < 0.8
    found = loners(adjacency(count, edges), among, most)
    graph = as_networkx(count, edges)
    wanted = [
        (max((edge["weight"] for edge in graph.adj[row].values()), default=-np.inf), row)
        for row in np.flatnonzero(among).tolist()
    ]
    told = zip(found.scores.tolist(), found.rows.tolist(), strict=True)
    assert list(told) == sorted(wanted)[:most]


def test_no_rows_and_no_edges() -> None:
    for count in (0, 3):
        among = np.ones(count, np.bool_)
        none = Neighbours(np.empty((count, 0), np.int32), np.empty((count, 0), np.float32))
        assert hubs(none, among, 5).rows.tolist() == []
        assert loners(adjacency(count, no_edges()), among, 5).rows.tolist() == list(range(count))
        assert len(bridges(hung_up(count, no_edges()), no_edges(), 0.5).edges) == 0
