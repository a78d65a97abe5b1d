"""What is around a row, against NetworkX."""

import networkx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.graph.edges import Edges, adjacency
from lookgraph.graph.walking import around_row
from tests.unit.graph.drawn import as_networkx, graphs


@given(st.data(), graphs())
def test_rows_are_as_many_edges_away_as_the_shortest_way_has(
    data: st.DataObject, drawn: tuple[int, Edges]
) -> None:
    count, edges = drawn
    row = data.draw(st.integers(0, count - 1))
    depth, least = data.draw(st.integers(1, 4)), data.draw(st.sampled_from([-1.0, 0.0, 0.5]))
    among = np.random.default_rng(data.draw(st.integers(0, 99))).random(count) < 0.9
    graph = as_networkx(count, edges, least)
    graph.remove_nodes_from([other for other in range(count) if not among[other] and other != row])
    wanted = networkx.single_source_shortest_path_length(graph, row, cutoff=depth)
    rows, depths = around_row(adjacency(count, edges), row, depth, count, least, among)
    assert dict(zip(rows.tolist(), depths.tolist(), strict=True)) == wanted
    assert rows[0] == row
    assert (np.diff(depths) >= 0).all()


@given(st.data(), graphs())
def test_of_too_many_the_furthest_with_the_worst_edges_are_left_out(
    data: st.DataObject, drawn: tuple[int, Edges]
) -> None:
    count, edges = drawn
    row, most = data.draw(st.integers(0, count - 1)), data.draw(st.integers(1, 10))
    around, among = adjacency(count, edges), np.ones(count, np.bool_)
    rows, depths = around_row(around, row, 3, most, -1.0, among)
    every, all_depths = around_row(around, row, 3, count, -1.0, among)
    assert len(rows) == min(most, len(every))
    # The nearer ones are the same; of the last step, those with the best edges from nearer ones.
    last = depths.max()
    assert set(rows[depths < last].tolist()) == set(every[all_depths < last].tolist())
    nearer = np.isin(np.arange(count), rows[depths < last])

    def best(other: int) -> float:
        numbers, scores = around.of(other)
        return float(scores[nearer[numbers]].max(initial=-2))

    if last > 0:
        taken = [best(other) for other in rows[depths == last].tolist()]
        left = set(every[all_depths == last].tolist()) - set(rows.tolist())
        assert min(taken) >= max(map(best, left), default=-2)
