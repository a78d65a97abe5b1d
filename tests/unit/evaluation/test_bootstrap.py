"""Intervals: how often they hold the truth, and what they are where it is known."""

import numpy as np
import pytest

from lookgraph.errors import UsageError
from lookgraph.evaluation.bootstrap import Measure, with_intervals


def test_the_interval_is_that_of_the_normal_law_where_queries_are_many() -> None:
    values = np.random.default_rng(0).uniform(size=(2000, 1))
    (measure,) = with_intervals(values, seed=0)
    error = values.std() / 2000**0.5
    assert measure.mean == pytest.approx(values.mean())
    assert measure.low == pytest.approx(measure.mean - 1.96 * error, abs=0.3 * error)
    assert measure.high == pytest.approx(measure.mean + 1.96 * error, abs=0.3 * error)


@pytest.mark.slow
def test_nineteen_intervals_of_twenty_hold_the_truth() -> None:
    """Of 400 samples of 60 that are 1 with a chance of 0.7; the deviation is 1.1% of them."""
    rng = np.random.default_rng(1)
    samples = (rng.random((60, 400)) < 0.7).astype(np.float64)
    held = [measure.low <= 0.7 <= measure.high for measure in with_intervals(samples, 2)]
    assert 0.91 <= np.mean(held) <= 0.98


def test_columns_are_drawn_together() -> None:
    values = np.random.default_rng(3).random((50, 1))
    one, twice, less = with_intervals(np.hstack([values, 2 * values, 1 - values]), seed=4)
    assert twice.low == pytest.approx(2 * one.low)
    assert twice.high == pytest.approx(2 * one.high)
    assert less.low == pytest.approx(1 - one.high)


def test_what_is_the_same_for_every_query_has_no_width() -> None:
    assert with_intervals(np.full((7, 1), 0.5), seed=0) == [Measure(0.5, 0.5, 0.5)]


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(5).random((30, 2))
    assert with_intervals(values, 1) == with_intervals(values, 1)
    assert with_intervals(values, 1) != with_intervals(values, 2)


def test_no_queries_are_refused() -> None:
    with pytest.raises(UsageError, match="no queries"):
        with_intervals(np.empty((0, 3)), seed=0)
