"""Groups keep to what people have said of pairs."""

from itertools import combinations

import networkx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.graph.edges import Edges, adjacency
from lookgraph.graph.verdicts import NO_VERDICTS, Verdicts, members, respecting
from lookgraph.types import Integers
from tests.unit.graph.drawn import graphs

Pairs = list[tuple[int, int]]


def verdicts(same: Pairs, different: Pairs) -> Verdicts:
    return Verdicts(
        np.array(same, np.int32).reshape(-1, 2), np.array(different, np.int32).reshape(-1, 2)
    )


def components(count: int, edges: Edges, threshold: float) -> Integers:
    graph: networkx.Graph[int] = networkx.Graph()
    graph.add_nodes_from(range(count))
    kept = edges.over(threshold)
    graph.add_edges_from(zip(kept.first.tolist(), kept.second.tolist(), strict=True))
    labels = np.empty(count, np.int64)
    for label, rows in enumerate(networkx.connected_components(graph)):
        labels[list(rows)] = label
    return labels


def put_together(count: int, edges: Edges, threshold: float, said: Verdicts) -> set[frozenset[int]]:
    """Groups by the letter: all of the same, then edge by edge, the best first."""
    groups = [{row} for row in range(count)]
    apart = {frozenset(pair) for pair in said.different.tolist()}
    best = edges.over(threshold).best_first()
    pairs = [*said.same.tolist(), *np.stack([best.first, best.second], axis=1).tolist()]
    for one, other in pairs:
        (here,) = (group for group in groups if one in group)
        (there,) = (group for group in groups if other in group)
        if here is there or any(frozenset((a, b)) in apart for a in here for b in there):
            continue
        groups.remove(there)
        here |= there
    return {frozenset(group) for group in groups}


def as_sets(labels: Integers) -> set[frozenset[int]]:
    return {frozenset(rows.tolist()) for rows in members(labels, 1)}


@given(st.data(), graphs())
def test_groups_are_put_together_from_the_same_and_then_along_the_best_edges(
    data: st.DataObject, drawn: tuple[int, Edges]
) -> None:
    count, edges = drawn
    every = list(combinations(range(count), 2))
    some = st.lists(st.sampled_from(every), max_size=4, unique=True) if every else st.just([])
    same = data.draw(some)
    classes = components(count, _edges(same), 0)
    different = [pair for pair in data.draw(some) if classes[pair[0]] != classes[pair[1]]]
    said = verdicts(same, different)
    threshold = data.draw(st.sampled_from([0.0, 0.5, 0.8]))
    labels = components(count, edges, threshold)
    found = respecting(labels, adjacency(count, edges), threshold, said)
    assert as_sets(found) == put_together(count, edges, threshold, said)


def _edges(pairs: Pairs) -> Edges:
    ends = np.array(pairs, np.int32).reshape(-1, 2)
    return Edges(ends[:, 0], ends[:, 1], np.ones(len(ends), np.float32))


@given(graphs())
def test_where_nothing_was_said_groups_stay(drawn: tuple[int, Edges]) -> None:
    count, edges = drawn
    labels = components(count, edges, 0.5)
    found = respecting(labels, adjacency(count, edges), 0.5, NO_VERDICTS)
    assert as_sets(found) == as_sets(labels)


def test_a_detour_around_what_is_different_is_found() -> None:
    """The way of the forest is shut at both ends, and another edge leads around."""
    edges = Edges(
        np.array([0, 1, 0], np.int32), np.array([1, 2, 2], np.int32),
        np.array([0.9, 0.8, 0.7], np.float32),
    )  # fmt: skip
    said = verdicts([], [(0, 1), (1, 2)])
    found = respecting(np.zeros(3, np.int64), adjacency(3, edges), 0.5, said)
    assert as_sets(found) == {frozenset({0, 2}), frozenset({1})}


def test_members_come_the_largest_group_first() -> None:
    found = members(np.array([3, 1, 3, 2, 3, 1]), 2)
    assert [group.tolist() for group in found] == [[0, 2, 4], [1, 5]]
