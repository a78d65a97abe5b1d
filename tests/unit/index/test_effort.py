"""What is promised of the true neighbours is what queries find that nobody measured with."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from lookgraph.index import codes, effort, exact
from lookgraph.index.coded import Effort
from lookgraph.index.codes import Codebook, Segment
from lookgraph.index.projection import principal
from lookgraph.types import Array, Integers, Metric, Rows
from tests.conftest import needs_module

needs_module("faiss")

COUNT = 2000

every_metric = pytest.mark.parametrize("metric", Metric)


@dataclass(frozen=True)
class Held:
    mapped: Rows

    def take(self, numbers: Integers) -> Rows:
        return self.mapped[numbers]


def embeddings(metric: Metric, count: int = COUNT, seed: int = 0) -> Rows:
    """Groups on eight directions of 40, with what is negative made zero."""
    fixed, rng = np.random.default_rng(7), np.random.default_rng(seed)
    centres, mixed = fixed.standard_normal((40, 8)), fixed.standard_normal((8, 40))
    groups = centres[rng.integers(0, len(centres), count)]
    rows = np.maximum((groups + 0.5 * rng.standard_normal((count, 8))) @ mixed, 0)
    if metric is Metric.COSINE:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16)


def sealed(metric: Metric, rows: Rows, coded: Array) -> tuple[Codebook, Segment]:
    wide = rows[coded].astype(np.float32)
    projection = principal(wide, metric)
    codebook = codes.train(
        projection, projection.of_rows(wide), codes.lists_for(len(coded)), seed=0
    )
    return codebook, codes.encode(codebook, [(coded, wide)])


def measured(metric: Metric) -> tuple[Rows, Codebook, Segment, tuple[Effort, ...]]:
    rows = embeddings(metric)
    codebook, segment = sealed(metric, rows, np.arange(COUNT))
    return rows, codebook, segment, effort.measure(Held(rows), codebook, segment, metric, 0)


@every_metric
def test_each_effort_finds_more_than_the_one_before_and_the_last_nearly_all(
    metric: Metric,
) -> None:
    _, codebook, _, efforts = measured(metric)
    for less, more in itertools.pairwise(efforts):
        assert less.recall < more.recall
        assert more.probes > less.probes or more.looks > less.looks
    assert efforts[0].recall > 0
    assert 0.995 <= efforts[-1].recall <= 1
    assert all(1 <= one.probes <= codebook.lists for one in efforts)
    assert {one.looks for one in efforts} <= {1, 2, 4, 6, 8, 12, 16, 24, 32}


@every_metric
def test_queries_that_were_not_measured_with_find_what_is_promised(metric: Metric) -> None:
    rows, codebook, segment, efforts = measured(metric)
    queries = embeddings(metric, 200, seed=1).astype(np.float32)
    truth = [{one.row for one in exact.nearest(rows, query, 10, metric)} for query in queries]
    for one in efforts:
        near = codes.candidates(codebook, [segment], queries, one.looks * 10, one.probes, None)
        shares = [
            len(true & set(found.tolist())) / 10 for true, found in zip(truth, near, strict=True)
        ]
        # Less by chance alone: not by three of the mean's standard errors.
        assert np.mean(shares) >= one.recall - 3 * np.std(shares) / len(shares) ** 0.5
        # And the promise is no smaller than it must be.
        assert np.mean(shares) <= one.recall + 0.2


@every_metric
def test_a_row_is_no_answer_to_itself(metric: Metric) -> None:
    """Of rows at random, few lists hold few neighbours, but always the row that asks."""
    rows = np.random.default_rng(3).standard_normal((400, 30))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    codebook, segment = sealed(metric, rows, np.arange(400))
    queries = rows.astype(np.float32)
    truth = [
        {one.row for one in exact.nearest(rows, query, 10, metric, np.array([number]))}
        for number, query in enumerate(queries)
    ]
    for one in effort.measure(Held(rows), codebook, segment, metric, 0):
        near = codes.candidates(codebook, [segment], queries, 400, one.probes, None)
        others = [
            [row for row in found.tolist() if row not in (-1, number)][: one.looks * 10]
            for number, found in enumerate(near)
        ]
        shares = [len(true & set(found)) / 10 for true, found in zip(truth, others, strict=True)]
        # All 400 were measured with, so that it is this to the last bit.
        below = 1.645 * np.std(shares) / 20
        assert one.recall == pytest.approx(np.mean(shares) - below, abs=1e-9)


@every_metric
@pytest.mark.parametrize("count", [0, 1, 9, 10])
def test_too_few_rows_promise_nothing(count: int, metric: Metric) -> None:
    rows = embeddings(metric, 100)
    codebook, _ = sealed(metric, rows, np.arange(100))
    wide = rows[:count].astype(np.float32)
    segment = codes.encode(codebook, [(np.arange(count), wide)])
    assert effort.measure(Held(rows[:count]), codebook, segment, metric, 0) == ()


@every_metric
def test_eleven_rows_are_enough(metric: Metric) -> None:
    rows = embeddings(metric, 11)
    codebook, segment = sealed(metric, rows, np.arange(11))
    efforts = effort.measure(Held(rows), codebook, segment, metric, 0)
    assert efforts[-1].recall == 1  # all rows are looked at


@every_metric
def test_rows_that_are_in_no_segment_do_not_count(metric: Metric) -> None:
    """Neither as queries nor as neighbours, though they are damaged or nearer than all others."""
    rows = embeddings(metric)
    rows[1::2] = rows[::2]
    rows[1] = np.nan
    codebook, segment = sealed(metric, rows, np.arange(0, COUNT, 2))
    assert len(segment) == COUNT // 2
    efforts = effort.measure(Held(rows), codebook, segment, metric, 0)
    assert efforts[-1].recall >= 0.995


@every_metric
def test_rows_that_are_all_the_same_find_each_other(metric: Metric) -> None:
    rows = np.repeat(embeddings(metric, 1), 300, axis=0)
    codebook, segment = sealed(metric, rows, np.arange(300))
    efforts = effort.measure(Held(rows), codebook, segment, metric, 0)
    assert [one.recall for one in efforts] == [1.0]


@pytest.mark.parametrize("metric", Metric)
def test_a_row_of_zeros_does_not_stop_it(metric: Metric) -> None:
    """What a disk that lost a block has: there is no direction to ask with."""
    rows = embeddings(metric, 300)
    rows[[4, 200]] = 0
    codebook, segment = sealed(metric, rows, np.arange(300))
    efforts = effort.measure(Held(rows), codebook, segment, metric, 0)
    assert efforts[-1].recall >= 0.99
