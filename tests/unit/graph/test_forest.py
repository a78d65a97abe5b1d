"""The forest, the groups at every threshold and the ways, against NetworkX."""

from itertools import pairwise

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.graph.edges import Edges, adjacency, joined, no_edges
from lookgraph.graph.forest import maximum_spanning_forest
from lookgraph.graph.groups import linkage
from lookgraph.graph.paths import Path, fewest_steps, rooted
from tests.unit.graph.drawn import LEVELS, as_networkx, graphs


def triples(edges: Edges) -> list[tuple[int, int, float]]:
    return list(
        zip(edges.first.tolist(), edges.second.tolist(), edges.scores.tolist(), strict=True)
    )


@given(graphs())
def test_the_forest_is_as_heavy_as_networkx_has_it(drawn: tuple[int, Edges]) -> None:
    count, edges = drawn
    forest = maximum_spanning_forest(count, edges)
    wanted = networkx.maximum_spanning_edges(as_networkx(count, edges), data=True)
    assert sorted(forest.scores.tolist()) == sorted(edge["weight"] for *_, edge in wanted)
    assert networkx.is_forest(as_networkx(count, forest))
    assert set(triples(forest)) <= set(triples(edges))
    assert triples(forest) == sorted(triples(forest), key=lambda edge: (-edge[2], *edge[:2]))


@given(graphs(), st.randoms())
def test_the_forest_depends_on_no_order_and_grows_by_parts(
    drawn: tuple[int, Edges], random: object
) -> None:
    count, edges = drawn
    whole = triples(maximum_spanning_forest(count, edges))
    half = len(edges) // 2
    of_half = maximum_spanning_forest(count, edges[:half])
    assert triples(maximum_spanning_forest(count, joined([of_half, edges[half:]]))) == whole
    assert triples(maximum_spanning_forest(count, edges[np.arange(len(edges))[::-1]])) == whole


@given(graphs(), st.sampled_from([*LEVELS.tolist(), -1.5, 0.1, 1.5]))
def test_groups_are_the_components_over_the_threshold(
    drawn: tuple[int, Edges], threshold: float
) -> None:
    count, edges = drawn
    links = linkage(count, maximum_spanning_forest(count, edges))
    components = [
        sorted(component)
        for component in networkx.connected_components(as_networkx(count, edges, threshold))
    ]
    found = [group.tolist() for group in links.groups(threshold, smallest=1)]
    assert found == sorted(components, key=lambda group: (-len(group), group[0]))
    assert [len(group) >= 2 for group in found].count(True) == len(links.groups(threshold))
    labels = links.labels(threshold)
    by_first = sorted(components, key=lambda group: group[0])
    assert all((labels[group] == number).all() for number, group in enumerate(by_first))


@given(graphs())
def test_the_busiest_threshold_has_the_most_groups(drawn: tuple[int, Edges]) -> None:
    count, edges = drawn
    links = linkage(count, maximum_spanning_forest(count, edges))
    counts = {score: len(links.groups(score)) for score in edges.scores.tolist()}
    if not counts:
        assert links.busiest() is None
        return
    most = max(counts.values())
    assert links.busiest() == max(score for score, found in counts.items() if found == most)


@given(graphs(), st.data())
def test_the_path_has_the_strongest_weakest_edge(
    drawn: tuple[int, Edges], data: st.DataObject
) -> None:
    count, edges = drawn
    source, target = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, count - 1))
    forest = maximum_spanning_forest(count, edges)
    path = rooted(count, forest).path(source, target)
    graph = as_networkx(count, edges)
    if not networkx.has_path(graph, source, target):
        assert path is None
        return
    assert path is not None
    check(path, source, target, graph)
    levels = sorted({*edges.scores.tolist()}, reverse=True)
    strongest = next(
        (
            level
            for level in levels
            if networkx.has_path(as_networkx(count, edges, level), source, target)
        ),
        None,
    )
    assert path.weakest == (np.inf if source == target else strongest)


@given(graphs(), st.data())
def test_no_path_over_a_threshold_has_fewer_steps(
    drawn: tuple[int, Edges], data: st.DataObject
) -> None:
    count, edges = drawn
    source, target = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, count - 1))
    least = data.draw(st.sampled_from([-1.0, -0.25, 0.5]))
    graph = as_networkx(count, edges, least)
    path = fewest_steps(adjacency(count, edges), source, target, least)
    if not networkx.has_path(graph, source, target):
        assert path is None
        return
    assert path is not None
    check(path, source, target, graph)
    assert len(path.scores) == networkx.shortest_path_length(graph, source, target)


def check(path: Path, source: int, target: int, graph: networkx.Graph) -> None:
    """It leads from one to the other along edges that there are."""
    assert (path.rows[0], path.rows[-1]) == (source, target)
    assert [graph.edges[step]["weight"] for step in pairwise(path.rows)] == list(path.scores)


@given(graphs())
def test_neighbours_are_the_nearest_first(drawn: tuple[int, Edges]) -> None:
    count, edges = drawn
    around, graph = adjacency(count, edges), as_networkx(count, edges)
    for row in range(count):
        numbers, scores = around.of(row)
        wanted = sorted((-edge["weight"], other) for other, edge in graph.adj[row].items())
        assert list(zip((-scores).tolist(), numbers.tolist(), strict=True)) == wanted


def test_no_rows_and_no_edges() -> None:
    assert len(maximum_spanning_forest(0, no_edges())) == 0
    assert linkage(0, no_edges()).groups(0.5, smallest=1) == []
    assert [group.tolist() for group in linkage(3, no_edges()).groups(0.5, 1)] == [[0], [1], [2]]


def test_a_threshold_between_float32_and_float64() -> None:
    """0.8 as float32 is a little more than 0.8, so it reaches it; 0.7 is a little less."""
    for score, reached in ((0.8, 1), (0.7, 0)):
        ends = np.arange(2, dtype=np.int32)
        edges = Edges(ends[:1], ends[1:], np.array([score], np.float32))
        assert len(linkage(2, edges).groups(score)) == reached
        assert len(edges.over(score)) == reached


@pytest.mark.parametrize("count", [2, 3, 1000])
def test_a_chain_of_any_length(count: int) -> None:
    ends = np.arange(count, dtype=np.int32)
    edges = Edges(ends[:-1], ends[1:], np.linspace(0.9, 0.1, count - 1, dtype=np.float32))
    path = rooted(count, maximum_spanning_forest(count, edges)).path(count - 1, 0)
    assert path is not None
    assert path.rows == tuple(range(count))[::-1]
    assert path.scores == tuple(edges.scores.tolist()[::-1])
