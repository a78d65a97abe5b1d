"""Pairs that are alike, from rows in memory, against a matrix in float64."""

import numpy as np
import pytest

from lookgraph.errors import GraphTooLargeError
from lookgraph.graph.edges import no_edges
from lookgraph.graph.graph import graph_of
from lookgraph.graph.neighbours import Neighbours
from lookgraph.stores import alike as module
from lookgraph.stores.alike import alike
from lookgraph.types import Array, Integers

COUNT, THRESHOLD = 90, 0.8


@pytest.fixture(scope="module")
def rows() -> Array:
    generator = np.random.default_rng(3)
    centres = generator.standard_normal((15, 6))
    found = centres[np.arange(COUNT) % 15] + 0.4 * generator.standard_normal((COUNT, 6))
    return np.asarray((found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16))


@pytest.fixture(scope="module")
def cosines(rows: Array) -> Array:
    wide = rows.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide @ wide.T)


def nearest(cosines: Array) -> Neighbours:
    order = np.argsort(-np.where(np.eye(COUNT, dtype=np.bool_), -2, cosines), axis=1)[:, :20]
    scores = np.take_along_axis(cosines, order, axis=1)
    return Neighbours(order.astype(np.int32), scores.astype(np.float32))


def names(rows: Integers) -> list[str]:
    return [f"picture {row}" for row in rows.tolist()]


@pytest.mark.parametrize("at_once", [1, 2048])
@pytest.mark.parametrize("with_graph", [False, True])
def test_all_pairs_of_live_rows_over_the_threshold(
    rows: Array,
    cosines: Array,
    with_graph: bool,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_ROWS", at_once)
    linkage = graph_of(nearest(cosines), no_edges()).linkage if with_graph else None
    live = np.setdiff1d(np.arange(COUNT), [4, 19, 33])
    shares: list[float] = []
    found = alike(rows, live, linkage, THRESHOLD, names, shares.append)
    told = {
        (found.ids[one], found.ids[other]): score
        for one, other, score in zip(
            found.edges.first.tolist(),
            found.edges.second.tolist(),
            found.edges.scores.tolist(),
            strict=True,
        )
    }
    right = {
        (f"picture {i}", f"picture {j}"): cosines[i, j]
        for i in live.tolist()
        for j in live.tolist()
        if i < j and cosines[i, j] >= THRESHOLD
    }
    assert len(right) > 100
    assert told.keys() == right.keys()
    assert [told[pair] for pair in right] == pytest.approx(list(right.values()), abs=1e-6)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


@pytest.mark.parametrize("live", [[], [5]])
def test_where_there_are_no_two_rows_nothing_is_alike(rows: Array, live: list[int]) -> None:
    found = alike(rows, np.array(live, np.int64), None, -1, names, lambda _: None)
    assert (found.ids, len(found.edges)) == ((), 0)


def test_more_pairs_than_are_duplicates_are_refused_in_all_parts_together(
    rows: Array, cosines: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS", 1)
    linkage = graph_of(nearest(cosines), no_edges()).linkage
    its = np.arange(COUNT)
    count = len(alike(rows, its, linkage, THRESHOLD, names, lambda _: None).edges)
    monkeypatch.setattr(module, "_MOST", count)
    alike(rows, its, linkage, THRESHOLD, names, lambda _: None)
    monkeypatch.setattr(module, "_MOST", count - 1)
    with pytest.raises(GraphTooLargeError, match=f"{count - 1:,} pairs reach 0.8"):
        alike(rows, its, linkage, THRESHOLD, names, lambda _: None)
