"""Precision and average precision against lists worked by hand and a count one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.errors import UsageError
from lookgraph.evaluation.measures import average_precision, precision_at

LISTS = st.lists(st.booleans(), min_size=1, max_size=60).filter(any)


def places(text: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """``"x-x"``: the first and the third place are relevant."""
    return np.array([mark == "x" for mark in text])


def slow_average_precision(relevant: list[bool]) -> float:
    """As the definition says it, place by place."""
    found, precisions = 0, []
    for place, is_relevant in enumerate(relevant, start=1):
        if is_relevant:
            found += 1
            precisions.append(found / place)
    return sum(precisions) / len(precisions)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x", 1),
        ("-x", 1 / 2),
        ("x-x", (1 + 2 / 3) / 2),
        ("--x-x", (1 / 3 + 2 / 5) / 2),
        ("x--x-----x", (1 + 2 / 4 + 3 / 10) / 3),
        ("xxx-------", 1),
        ("---------x", 1 / 10),
    ],
)
def test_average_precision_worked_by_hand(text: str, wanted: float) -> None:
    assert average_precision(places(text)) == pytest.approx(wanted, abs=1e-15)


@pytest.mark.parametrize(
    ("k", "text", "wanted"),
    [(1, "x-", 1), (1, "-x", 0), (3, "x-xx", 2 / 3), (10, "x-x", 2 / 10), (10, "x" * 12, 1)],
)
def test_precision_worked_by_hand(k: int, text: str, wanted: float) -> None:
    assert precision_at(k, places(text)) == pytest.approx(wanted, abs=1e-15)


@given(LISTS)
def test_average_precision_counted_one_by_one(relevant: list[bool]) -> None:
    found = average_precision(np.array(relevant))
    assert found == pytest.approx(slow_average_precision(relevant), abs=1e-13)
    assert 0 < found <= 1
    first = sum(relevant) == len(list(itertools.takewhile(bool, relevant)))
    assert (found == 1) == first


@given(LISTS, st.integers(0, 58))
def test_what_is_relevant_counts_more_one_place_earlier(relevant: list[bool], at: int) -> None:
    at %= max(1, len(relevant) - 1)
    if relevant[at : at + 2] == [False, True]:
        better = [*relevant[:at], True, False, *relevant[at + 2 :]]
        assert average_precision(np.array(better)) > average_precision(np.array(relevant))


@given(st.lists(st.lists(st.booleans(), min_size=9, max_size=9).filter(any), min_size=1))
def test_lists_together_are_measured_as_each_alone(lists: list[list[bool]]) -> None:
    together = np.array(lists)
    for k in (1, 4, 10):
        alone = [precision_at(k, np.array(relevant)) for relevant in lists]
        assert precision_at(k, together).tolist() == alone
    assert average_precision(together) == pytest.approx(
        [slow_average_precision(relevant) for relevant in lists], abs=1e-13
    )


def test_a_list_with_nothing_relevant_has_no_average_precision() -> None:
    with pytest.raises(UsageError, match="nothing relevant"):
        average_precision(np.array([[True, False], [False, False]]))


def test_k_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="k is 0"):
        precision_at(0, np.array([True]))
