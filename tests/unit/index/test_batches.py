"""Exact search for many queries at once gives what it gives for each alone, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookgraph.errors import UsageError
from lookgraph.index import batches, exact
from lookgraph.types import Array, Integers, Matrix, Metric, Neighbour, Rows

DIRECTED = (Metric.COSINE, Metric.INNER_PRODUCT)


def one_by_one(
    rows: Rows, queries: Matrix, k: int, metric: Metric, hidden: Integers | None = None
) -> list[list[Neighbour]]:
    return [exact.nearest(rows, query, k, metric, hidden) for query in queries]


def random_rows(count: int, dimension: int, metric: Metric, seed: int = 0) -> Rows:
    rows = np.random.default_rng(seed).standard_normal((count, dimension))
    if metric is Metric.COSINE:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16)


def directed(rows: Array) -> Array:
    """The same rows, but a one in those that have no direction."""
    rows = rows.copy()
    rows[~rows.any(axis=1), 0] = 1
    return rows


@pytest.mark.parametrize("metric", Metric)
@given(data=st.data())
@settings(max_examples=150)
def test_few_distinct_rows_many_times(metric: Metric, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    dimension = data.draw(st.sampled_from([1, 2, 7, 33, 400]))
    size = data.draw(st.sampled_from([1e-4, 1.0, 900.0, 3e4]))
    distinct = directed(rng.integers(-2, 3, (data.draw(st.integers(1, 6)), dimension)) * size)
    if metric is Metric.COSINE:
        distinct = distinct / np.linalg.norm(distinct, axis=1, keepdims=True)
    count = data.draw(st.integers(1, 50))
    rows = distinct.astype(np.float16)[rng.integers(0, len(distinct), count)]
    for row in data.draw(st.sets(st.integers(0, count - 1), max_size=3)):
        damage = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
        rows[row, rng.integers(dimension)] = damage
    scale = data.draw(st.sampled_from([1e-20, 1.0, 50.0, 1e5, 1e6, 1e30]))
    queries = directed(rng.integers(-2, 3, (data.draw(st.integers(2, 5)), dimension))) * scale
    if data.draw(st.booleans()):
        own = rows[rng.integers(count)].astype(np.float64)
        queries[0] = directed(np.where(np.isfinite(own), own, 1)[np.newaxis])[0]
    asked = queries.astype(np.float32)
    hidden = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1)))), np.int64)
    k = data.draw(st.integers(1, 60))
    for left_out in (None, hidden):
        together = batches.nearest_many(rows, asked, k, metric, left_out)
        assert together == one_by_one(rows, asked, k, metric, left_out)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("dimension", [8, 33, 512, 4096])
def test_in_several_blocks(dimension: int, metric: Metric) -> None:
    """There are 160 rows of 4,096 in a block."""
    count = 500 if dimension == 4096 else 3000
    rows = random_rows(count, dimension, metric)
    rows[-7:] = rows[3]
    queries = random_rows(7, dimension, metric, seed=1).astype(np.float32)
    queries[0] = rows[3]
    together = batches.nearest_many(rows, queries, 20, metric)
    assert together == one_by_one(rows, queries, 20, metric)
    if metric is not Metric.INNER_PRODUCT:
        first = [found.row for found in together[0]]
        assert first[:8] == [3, *range(count - 7, count)]


@pytest.mark.parametrize("metric", Metric)
def test_rows_a_rounding_apart_far_from_the_origin(metric: Metric) -> None:
    """Where |x|**2 - 2 x q + |q|**2 loses all its digits."""
    rng = np.random.default_rng(5)
    centre = rng.standard_normal(64) * 300
    rows = (centre + rng.standard_normal((2000, 64)) * 0.3).astype(np.float16)
    if metric is Metric.COSINE:
        rows = (rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)).astype(
            np.float16
        )
    queries = (centre + rng.standard_normal((5, 64)) * 0.3).astype(np.float32)
    together = batches.nearest_many(rows, queries, 30, metric)
    assert together == one_by_one(rows, queries, 30, metric)


@pytest.mark.parametrize(("constant", "value"), [("_TOGETHER", 3), ("_KEPT", 70), ("_KEPT", 5)])
def test_more_queries_or_candidates_than_are_taken_at_once(
    constant: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, constant, value)
    rows = random_rows(1000, 1280, Metric.L2)
    queries = random_rows(10, 1280, Metric.L2, seed=2).astype(np.float32)
    assert batches.nearest_many(rows, queries, 4, Metric.L2) == one_by_one(
        rows, queries, 4, Metric.L2
    )


@pytest.mark.parametrize("metric", Metric)
def test_no_rows_no_queries_and_everything_hidden(metric: Metric) -> None:
    rows = random_rows(30, 8, metric)
    queries = random_rows(4, 8, metric, seed=3).astype(np.float32)
    assert batches.nearest_many(rows[:0], queries, 3, metric) == [[], [], [], []]
    assert batches.nearest_many(rows, queries[:0], 3, metric) == []
    assert batches.nearest_many(rows, queries, 3, metric, np.arange(30)) == [[], [], [], []]


@pytest.mark.parametrize("metric", Metric)
def test_one_bad_query_among_good_ones_is_refused(metric: Metric) -> None:
    rows = random_rows(30, 8, metric)
    queries = random_rows(4, 8, metric, seed=3).astype(np.float32)
    queries[2, 1] = np.nan
    with pytest.raises(UsageError, match="not finite"):
        batches.nearest_many(rows, queries, 3, metric)
    with pytest.raises(UsageError, match="shape"):
        batches.nearest_many(rows, queries[:, :5], 3, metric)
    with pytest.raises(UsageError, match="k is 0"):
        batches.nearest_many(rows, np.ones((2, 8), np.float32), 0, metric)
    queries[2] = 0
    if metric in DIRECTED:
        with pytest.raises(UsageError, match="zero"):
            batches.nearest_many(rows, queries, 3, metric)
    else:
        assert batches.nearest_many(rows, queries, 3, metric) == one_by_one(
            rows, queries, 3, metric
        )
