"""The map: what lies together, that it is the same on every run, and its parts against loops."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookgraph.graph.edges import Adjacency, Edges, adjacency, no_edges
from lookgraph.graph.layout import _Grid, _pulls, _start, layout
from lookgraph.graph.neighbours import Neighbours, edges_between
from lookgraph.types import Integers, Matrix, Rows
from tests.unit.graph.drawn import graphs


def drawn_rows(sizes: list[int], seed: int = 1, noise: float = 0.25) -> tuple[Rows, Integers]:
    """Rows around a middle for each group, and the group of each."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    rows = rng.normal(size=(len(sizes), 32))[group] + noise * rng.normal(size=(len(group), 32))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16), group


def nearest(rows: Rows, k: int, group: Integers | None = None) -> Neighbours:
    """Of each row by the cosine; only within its group, where groups are given."""
    wide = rows.astype(np.float32)
    scores = wide @ wide.T
    np.fill_diagonal(scores, -np.inf)
    if group is not None:
        scores[group[:, None] != group] = -np.inf
    numbers = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(scores, numbers, axis=1)
    return Neighbours(np.where(np.isfinite(found), numbers, -1).astype(np.int32), found)


def around(neighbours: Neighbours) -> Adjacency:
    return adjacency(len(neighbours.numbers), edges_between(neighbours, mutual=False))


def kept(places: Matrix, neighbours: Neighbours, of: int) -> float:
    """The share of each row's ten nearest that are among so many nearest on the map."""
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1)[:, :of]
    return float(np.mean([np.isin(a, b).mean() for a, b in
                          zip(neighbours.numbers[:, :10], near, strict=True)]))  # fmt: skip


def test_groups_lie_apart() -> None:
    rows, group = drawn_rows([50] * 10)
    places = layout(rows, around(nearest(rows, 15)))
    assert places.dtype == np.float32
    assert places.shape == (500, 2)
    middles = np.stack([places[group == one].mean(axis=0) for one in range(10)])
    reach = np.linalg.norm(places - middles[group], axis=1)
    between = np.linalg.norm(middles[:, None] - middles, axis=2)
    np.fill_diagonal(between, np.inf)
    assert reach.max() < between.min() / 2


def test_neighbours_stay_neighbours() -> None:
    """Many more than by the two directions that the places start from."""
    rows, _ = drawn_rows([100] * 8, noise=0.6)
    neighbours = nearest(rows, 15)
    places = layout(rows, around(neighbours))
    assert kept(places, neighbours, 10) > 0.4
    assert kept(places, neighbours, 30) > 0.65
    assert kept(_start(rows).T, neighbours, 10) < 0.15


CODE = """
from tests.unit.graph.test_layout import around, digest, drawn_rows, layout, nearest
rows, group = drawn_rows([50] * 8, noise=0.5)
print(digest(layout(rows, around(nearest(rows, 15, group)))))
"""


def digest(places: Matrix) -> str:
    return hashlib.sha256(places.tobytes()).hexdigest()


@pytest.mark.slow
def test_another_process_makes_the_same_map() -> None:
    answers = {
        subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": threads},
        ).stdout
        for seed, threads in (("1", "1"), ("2", "2"))
    }  # fmt: skip
    assert len(answers) == 1
    assert len(answers.pop()) == 65


def test_small_groups_and_rows_without_edges_are_packed_around() -> None:
    sizes = [600] + [20] * 5 + [2] * 20 + [1] * 40
    rows, group = drawn_rows(sizes)
    places = layout(rows, around(nearest(rows, 10, group)))
    assert np.isfinite(places).all()
    assert places.min() == 0
    assert places.max() == 1
    assert ((places == 0) | (places == 1)).sum() <= 4  # nothing is cut off
    assert np.ptp(places[group == 0], axis=0).min() > 0.4  # the others do not press it together
    middle = places[group == 0].mean(axis=0)
    apart = np.linalg.norm(places - middle, axis=1)
    alone = np.array(sizes)[group] == 1
    radius = np.quantile(apart[group == 0], 0.95)
    assert (apart[alone] > radius).all()
    assert apart.max() < 4 * radius
    assert len(np.unique(places[alone].round(3), axis=0)) == 40


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_equal_rows(count: int) -> None:
    """They part, with edges or without, and nothing is divided by nothing."""
    rows = np.ones((count, 4), np.float16)
    ends = np.arange(count, dtype=np.int32)
    chain = Edges(ends[:-1], ends[1:], np.ones(max(0, count - 1), np.float32))
    for edges in (no_edges(), chain):
        places = layout(rows, adjacency(count, edges))
        assert places.shape == (count, 2)
        assert np.isfinite(places).all()
        assert ((places >= 0) & (places <= 1)).all()
        assert len(np.unique(places, axis=0)) == count


def test_a_row_by_itself_lies_in_the_middle() -> None:
    rows = np.ones((1, 4), np.float16)
    assert layout(rows, adjacency(1, no_edges())).tolist() == [[0.5, 0.5]]


@settings(max_examples=10)
@given(graphs(largest=30), st.integers(1, 5), st.sampled_from([0.0, 1.0, 60000.0]))
def test_any_graph(drawn: tuple[int, Edges], dimension: int, size: float) -> None:
    count, edges = drawn
    rows = np.random.default_rng(count).uniform(-size, size, (count + 2, dimension))
    places = layout(rows.astype(np.float16), adjacency(count, edges))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
    assert ((places >= 0) & (places <= 1)).all()


@pytest.mark.parametrize(
    ("count", "spread", "off"), [(200, 3, 0.03), (1500, 15, 0.05), (300, 60, 0.07), (300, 200, 0.3)]
)
def test_the_push_is_that_of_all_on_all(count: int, spread: float, off: float) -> None:
    """But for what the cells blur; those are larger where the rows are spread very far."""
    places = np.random.default_rng(1).normal(size=(2, count)).astype(np.float32) * spread
    steps = places[:, :, None].astype(np.float64) - places[:, None]
    alike = 1 / (1 + (steps**2).sum(axis=0))
    wanted = (steps * alike**2).sum(axis=2)
    push, whole = _Grid().push(places)
    assert whole == pytest.approx(alike.sum() - count, rel=off / 10)
    assert np.linalg.norm(push - wanted) < off * np.linalg.norm(wanted)
    assert np.abs(push.sum(axis=1)).max() < 1e-3 * np.abs(push).sum()  # what pushes is pushed


@given(graphs(largest=25))
def test_the_pull_is_that_of_the_nearest(drawn: tuple[int, Edges]) -> None:
    count, edges = drawn
    neighbours = adjacency(count, edges)
    weights = np.zeros((count, count))
    for row in range(count):
        numbers = neighbours.of(row)[0][:10]
        weights[row, numbers] += 1 / max(1, len(numbers))
        weights[numbers, row] += 1 / max(1, len(numbers))
    if not weights.any():
        return
    places = np.random.default_rng(1).normal(size=(2, count)).astype(np.float32)
    steps = places[:, :, None] - places[:, None]
    pulled = weights / weights.sum() * steps / (1 + (steps**2).sum(axis=0))
    assert _pulls(neighbours).of(places) == pytest.approx(pulled.sum(axis=2), abs=1e-6)
