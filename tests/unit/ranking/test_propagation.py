"""Ranking through the graph, against the formula of FACTS.md with whole matrices in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.graph.neighbours import Neighbours, nearest_of
from lookgraph.index import batches, exact
from lookgraph.ranking.propagation import Propagation, norms
from lookgraph.types import Array, Integers, Matrix, Metric, Rows, Vector


class Held:
    """Rows in memory, as `lookgraph.index.coded.RowSource`."""

    def __init__(self, rows: Rows) -> None:
        self.mapped = rows

    def take(self, numbers: Integers) -> Rows:
        return self.mapped[numbers]


def drawn_rows(rng: np.random.Generator, count: int, dimension: int) -> Rows:
    rows = rng.standard_normal((3, dimension))[rng.integers(3, size=count)]
    rows = rows + rng.standard_normal((count, dimension))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16)


def neighbours_of(rows: Rows, k: int) -> Neighbours:
    def search(queries: Matrix, many: int) -> object:
        return batches.nearest_many(rows, queries, many, Metric.COSINE)

    return nearest_of(rows, np.arange(len(rows)), k, search, lambda _: None)  # type: ignore[arg-type]


def formula(rows: Rows, neighbours: Neighbours, query: Vector, k: int, itself: int | None) -> Array:
    """The rank score of every row, as it is written in FACTS.md."""
    wide, asks = rows.astype(np.float64), query / np.linalg.norm(query)
    nearest = [one for one in exact.nearest(rows, query, k + 1, Metric.COSINE) if one.row != itself]
    expanded = asks + sum(max(0, one.score) ** 3 * wide[one.row] for one in nearest[:k])
    scores = wide @ (expanded / np.linalg.norm(expanded))
    found = np.empty(len(rows))
    for row in range(len(rows)):
        whole, score = wide[row].copy(), scores[row]
        for other, its in zip(neighbours.numbers[row], neighbours.scores[row], strict=True):
            if other >= 0 and other != itself:
                weight = max(0.0, float(its)) ** 3
                whole += weight * wide[other]
                score += weight * scores[other]
        found[row] = score / np.linalg.norm(whole)
    return found


@given(st.data())
def test_the_scores_are_those_of_the_formula(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    count, k = data.draw(st.integers(2, 40)), data.draw(st.integers(1, 6))
    rows = drawn_rows(rng, count, 12)
    neighbours = neighbours_of(rows, k)
    itself = data.draw(st.none() | st.integers(0, count - 1))
    query = rng.standard_normal(12).astype(np.float32) * 7
    if itself is not None:
        query = rows[itself].astype(np.float32)
    asked = exact.nearest(rows, query, k + 1, Metric.COSINE)
    nearest = [one for one in asked if one.row != itself][:k]
    if itself is not None and data.draw(st.booleans()):
        nearest = [one for one in asked if one.row == itself] + nearest
    candidates = rng.permutation(count)[: data.draw(st.integers(1, count))]
    ranking = Propagation(Held(rows), neighbours, norms(rows, neighbours))
    found = ranking.scores(query, nearest, candidates, itself)
    wanted = formula(rows, neighbours, query, k, itself)
    assert found == pytest.approx(wanted[candidates], abs=2e-3)
