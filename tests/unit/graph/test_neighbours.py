"""The nearest of each row, and the edges between them, against sorting all pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.graph.neighbours import Neighbours, edges_between, nearest_of
from lookgraph.index import batches
from lookgraph.types import Array, Metric


def wanted(rows: Array, numbers: Array, k: int) -> tuple[list[list[int]], Array]:
    """By sorting the cosines of all pairs; of those that tie, the lower number first."""
    wide = rows.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    scores = wide @ wide.T
    nearest = []
    for row in numbers.tolist():
        others = [other for other in numbers.tolist() if other != row]
        nearest.append(sorted(others, key=lambda other: (-round(scores[row, other], 9), other))[:k])
    return nearest, scores


@given(st.data())
def test_nearest_of_each_row(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    count, k = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 8))
    drawn = rng.standard_normal((count, 6))
    rows = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float16)
    rows[rng.integers(count, size=count // 3)] = rows[0]  # copies
    numbers = np.flatnonzero(rng.random(count) < data.draw(st.sampled_from([0.6, 1.0])))
    hidden = np.setdiff1d(np.arange(count), numbers)
    shares: list[float] = []
    found = nearest_of(
        rows,
        numbers,
        k,
        lambda queries, many: batches.nearest_many(rows, queries, many, Metric.COSINE, hidden),
        shares.append,
    )
    nearest, scores = wanted(rows, numbers, k)
    assert [[one for one in its if one >= 0] for its in found.numbers.tolist()] == nearest
    for row, its, told in zip(numbers, found.numbers, found.scores, strict=True):
        assert told[its >= 0] == pytest.approx(scores[row, its[its >= 0]], abs=1e-3)
        assert (told[its < 0] == -np.inf).all()
    assert shares == sorted(shares)
    assert not shares or shares[-1] == 1


@given(st.data())
def test_edges_of_either_or_of_both(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    count, k = data.draw(st.integers(2, 25)), data.draw(st.integers(1, 5))
    between = rng.random((count, count)).astype(np.float32)
    between = np.maximum(between, between.T)
    numbers = np.full((count, k), -1, np.int32)
    scores = np.full((count, k), -np.inf, np.float32)
    for row in range(count):
        others = rng.permutation(np.setdiff1d(np.arange(count), [row]))[: rng.integers(0, k + 1)]
        numbers[row, : len(others)], scores[row, : len(others)] = others, between[row, others]
    directed = {(row, int(other)) for row in range(count) for other in numbers[row] if other >= 0}
    either = {(min(pair), max(pair)) for pair in directed}
    both = {(i, j) for i, j in either if {(i, j), (j, i)} <= directed}
    for mutual, pairs in ((False, either), (True, both)):
        edges = edges_between(Neighbours(numbers, scores), mutual=mutual)
        ends = list(zip(edges.first.tolist(), edges.second.tolist(), strict=True))
        assert sorted(ends) == sorted(pairs)
        assert edges.scores.tolist() == [between[pair] for pair in ends]


def test_no_rows() -> None:
    none = Neighbours(np.empty((0, 3), np.int32), np.empty((0, 3), np.float32))
    assert len(edges_between(none, mutual=False)) == 0
