"""Every pair over a threshold, against all pairs compared one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookgraph.graph import pairs as module
from lookgraph.graph.edges import Edges
from lookgraph.graph.pairs import TooMany, Wanted, pairs
from lookgraph.types import Integers, Metric, Rows

MANY = 10**9
NONE = np.empty(0, np.int64)


def naive(
    rows: Rows, fresh: Integers, others: Integers, wanted: Wanted
) -> dict[tuple[int, int], float]:
    """All pairs, one by one, in Python's own exact sums where rounding could tell."""
    wide = rows.astype(np.float64)
    found = {}
    for j in fresh.tolist():
        for i in [*fresh[fresh < j].tolist(), *others.tolist()]:
            score = float(np.float32(exact(wide[i], wide[j], wanted.metric)))
            if score >= wanted.threshold:
                found[min(i, j), max(i, j)] = score
    return found


def exact(one: Integers, other: Integers, metric: Metric) -> float:
    if metric is Metric.L2:
        return -float(np.linalg.norm(one - other))
    product = float(np.sum(one * other))
    if metric is Metric.INNER_PRODUCT:
        return product
    lengths = float(np.sum(one * one)) * float(np.sum(other * other))
    return float(np.clip(product / np.sqrt(lengths), -1, 1))


def found(rows: Rows, fresh: Integers, wanted: Wanted, others: Integers = NONE) -> Edges:
    told: list[float] = []
    edges = pairs(rows, fresh, others, wanted, told.append)
    assert isinstance(edges, Edges)
    assert told == sorted(told)
    return edges


def as_dict(edges: Edges) -> dict[tuple[int, int], float]:
    ends = zip(edges.first.tolist(), edges.second.tolist(), strict=True)
    return dict(zip(ends, edges.scores.tolist(), strict=True))


def random_rows(rng: np.random.Generator, count: int, dimension: int, metric: Metric) -> Rows:
    """Rows in some clusters, with some rows many times."""
    centres = rng.standard_normal((3, dimension))
    rows = centres[rng.integers(3, size=count)] + rng.standard_normal((count, dimension))
    if metric is Metric.COSINE:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    twice = rng.integers(count, size=count // 4)
    rows[rng.integers(count, size=count // 4)] = rows[twice]
    return rows.astype(np.float16)


@pytest.mark.parametrize("metric", Metric)
@given(data=st.data())
@settings(max_examples=60)
def test_the_same_pairs_as_one_by_one(metric: Metric, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    dimension = data.draw(st.sampled_from([2, 8, 33]))
    rows = random_rows(rng, data.draw(st.integers(2, 40)), dimension, metric)
    drawn = rng.choice(data.draw(st.sampled_from([[1], [0, 1, 1, 2, 2]])), len(rows))
    fresh, others = np.flatnonzero(drawn == 1), np.flatnonzero(drawn == 2)
    scores = [
        exact(rows[i].astype(float), rows[j].astype(float), metric)
        for i, j in rng.integers(len(rows), size=(4, 2))
    ]
    threshold = data.draw(st.sampled_from([*scores, *(float(np.float32(s)) for s in scores)]))
    wanted = Wanted(metric, threshold, MANY)
    edges = found(rows, fresh, wanted, others)
    expected = naive(rows, fresh, others, wanted)
    assert as_dict(edges) == pytest.approx(expected, rel=1e-6, abs=1e-7)
    assert list(as_dict(edges)) == sorted(expected)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("block", [7, 64])
def test_in_blocks_and_in_parts(
    block: int, metric: Metric, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    rows = random_rows(rng, 150, 24, metric)
    threshold = {Metric.COSINE: 0.5, Metric.L2: -6.5, Metric.INNER_PRODUCT: 20.0}[metric]
    numbers = np.flatnonzero(rng.random(150) < 0.9)
    wanted = Wanted(metric, threshold, MANY)
    whole = as_dict(found(rows, numbers, wanted))
    monkeypatch.setattr(module, "_BLOCK", block)
    monkeypatch.setattr(module, "_PAIRS", 5)
    assert as_dict(found(rows, numbers, wanted)) == whole
    others, fresh = np.split(rng.permutation(numbers), [100])
    old = as_dict(found(rows, np.sort(others), wanted))
    new = as_dict(found(rows, np.sort(fresh), wanted, np.sort(others)))
    assert old.keys().isdisjoint(new)
    assert old | new == whole
    assert len(whole) > 300


@pytest.mark.parametrize("metric", Metric)
def test_too_many(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 32)
    rows = random_rows(np.random.default_rng(2), 120, 16, metric)
    numbers = np.arange(120)
    threshold = {Metric.COSINE: 0.3, Metric.L2: -7.0, Metric.INNER_PRODUCT: 5.0}[metric]
    whole = found(rows, numbers, Wanted(metric, threshold, MANY))
    most = len(whole) // 3
    told = pairs(rows, numbers, NONE, Wanted(metric, threshold, most), lambda _: None)
    assert isinstance(told, TooMany)
    assert told.count == pytest.approx(len(whole), abs=2)
    assert told.fitting is not None
    fits = found(rows, numbers, Wanted(metric, told.fitting, MANY))
    assert 0.8 * most <= len(fits) <= most
    exactly_so_many = found(rows, numbers, Wanted(metric, threshold, len(whole)))
    assert as_dict(exactly_so_many) == as_dict(whole)


def test_rows_that_are_all_alike_leave_no_threshold_that_fits() -> None:
    rows = np.full((50, 8), 8**-0.5, np.float16)
    told = pairs(rows, np.arange(50), NONE, Wanted(Metric.COSINE, 0.9, 100), lambda _: None)
    assert told == TooMany(50 * 49 // 2, None)


@pytest.mark.parametrize("metric", Metric)
def test_none_one_and_two_rows(metric: Metric) -> None:
    rows = random_rows(np.random.default_rng(0), 4, 8, metric)
    for count in (0, 1, 2):
        edges = found(rows, np.arange(count), Wanted(metric, -100.0, MANY))
        assert len(edges) == max(0, count - 1)


@pytest.mark.parametrize("share", [0.0, 2.0])
def test_dense_pairs_have_the_scores_that_scattered_ones_have(
    monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    rng = np.random.default_rng(5)
    drawn = np.abs(rng.standard_normal((90, 300)))
    rows = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float16)
    monkeypatch.setattr(module, "_DENSE", share)
    monkeypatch.setattr(module, "_BLOCK", 40)
    found = pairs(
        rows, np.arange(90), np.empty(0, np.int64), Wanted(Metric.COSINE, 0.6, 5000), lambda _: None
    )
    assert isinstance(found, Edges)
    wide = rows.astype(np.float64)
    squares = np.einsum("nd,nd->n", wide, wide)
    true = ((wide @ wide.T) / np.sqrt(np.outer(squares, squares))).astype(np.float32)
    first, second = np.nonzero(np.triu(true >= np.float32(0.6), 1))
    assert len(first) > 1000
    assert np.array_equal(found.first, first)
    assert np.array_equal(found.second, second)
    assert np.array_equal(found.scores, true[first, second])
