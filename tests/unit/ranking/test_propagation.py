"""Ranking through the graph, against its formula with whole matrices in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.graph.neighbours import Neighbours, nearest_of
from lookgraph.graph.verdicts import NO_VERDICTS, Verdicts
from lookgraph.index import batches, exact
from lookgraph.ranking.judged import judged
from lookgraph.ranking.propagation import Propagation, norms
from lookgraph.types import Array, Integers, Matrix, Metric, Rows, Vector
from tests.unit.ranking.test_judged import ROWS, drawn_verdicts, same_and_different


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


def formula(
    rows: Rows,
    neighbours: Neighbours,
    query: Vector,
    nearest: list[int],
    itself: int | None,
    verdicts: Verdicts = NO_VERDICTS,
) -> Array:
    """The rank score of every row, as it is written in the module."""
    wide, asks = rows.astype(np.float64), query / np.linalg.norm(query)

    def together(start: Array, row: int | None, others: dict[int, float]) -> Array:
        """A row, or a sum in place of it, with others by their weights, as people have said."""
        same, different = (
            (set[int](), set[int]())
            if row is None
            else same_and_different(verdicts, row, len(rows))
        )
        heard = {j: w for j, w in others.items() if j not in different} | dict.fromkeys(same, 1.0)
        whole = start.copy()
        for other, weight in heard.items():
            if other not in (row, itself):
                whole += weight * wide[other]
        return whole

    near = wide @ asks
    expanded = together(asks, itself, {j: max(0.0, near[j]) ** 3 for j in nearest})
    expanded /= np.linalg.norm(expanded)
    found = np.empty(len(rows))
    for row in range(len(rows)):
        pairs = zip(neighbours.numbers[row].tolist(), neighbours.scores[row].tolist(), strict=True)
        whole = together(wide[row], row, {j: max(0.0, s) ** 3 for j, s in pairs if j >= 0})
        found[row] = whole @ expanded / np.linalg.norm(whole)
    return found


@given(st.data())
def test_the_scores_are_those_of_the_formula(data: st.DataObject) -> None:
    check(data, NO_VERDICTS, data.draw(st.integers(2, 40)))


@given(st.data(), drawn_verdicts(ROWS))
def test_they_are_with_what_people_have_said(data: st.DataObject, verdicts: Verdicts) -> None:
    check(data, verdicts, ROWS)


@given(st.data(), drawn_verdicts(ROWS))
def test_rows_that_are_not_in_the_graph_are_heard_as_said(
    data: st.DataObject, verdicts: Verdicts
) -> None:
    check(data, verdicts, ROWS, in_graph=ROWS - 4)


def check(data: st.DataObject, verdicts: Verdicts, count: int, in_graph: int | None = None) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    k = data.draw(st.integers(1, 6))
    rows = drawn_rows(rng, count, 12)
    known = neighbours_of(rows[:in_graph], k)
    itself = data.draw(st.none() | st.integers(0, count - 1))
    query = rng.standard_normal(12).astype(np.float32) * 7
    if itself is not None:
        query = rows[itself].astype(np.float32)
    asked = exact.nearest(rows, query, k + 1, Metric.COSINE)
    nearest = [one for one in asked if one.row != itself][:k]
    told = nearest
    if itself is not None and data.draw(st.booleans()):
        told = [one for one in asked if one.row == itself] + nearest
    candidates = rng.permutation(count)[: data.draw(st.integers(1, count))]
    ranking = Propagation(Held(rows), known, norms(rows[:in_graph], known), judged(verdicts))
    found = ranking.scores(query, told, candidates, itself)
    every = Neighbours(
        np.pad(known.numbers, ((0, count - len(known.numbers)), (0, 0)), constant_values=-1),
        np.pad(known.scores, ((0, count - len(known.scores)), (0, 0)), constant_values=-np.inf),
    )
    wanted = formula(rows, every, query, [one.row for one in nearest], itself, verdicts)
    assert found == pytest.approx(wanted[candidates], abs=2e-3)
