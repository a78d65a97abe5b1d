"""What every split keeps, whatever the classes and copies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.errors import UsageError
from lookgraph.evaluation.split import split
from lookgraph.types import Integers


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Integers, Integers, float, int]:
    count = draw(st.integers(1, 60))
    several = st.lists(st.integers(0, 5), min_size=count, max_size=count)
    labels = np.array(draw(several), np.int64) * 7 - 3
    # Mostly copies of the same class, now and then of another.
    copies = st.lists(st.integers(0, draw(st.integers(1, 40))), min_size=count, max_size=count)
    groups = np.array(draw(copies), np.int64)
    if draw(st.booleans()):
        groups = groups * 100 + labels
    return labels, groups, draw(st.sampled_from([0.01, 0.2, 0.5, 0.99])), draw(st.integers(0, 9))


def pure_groups(labels: Integers, groups: Integers) -> dict[int, set[int]]:
    """The groups of each class that are of no other, told one by one."""
    classes: dict[int, set[int]] = {}
    for label, group in zip(labels.tolist(), groups.tolist(), strict=True):
        classes.setdefault(group, set()).add(label)
    found: dict[int, set[int]] = {label: set() for label in set(labels.tolist())}
    for group, of in classes.items():
        if len(of) == 1:
            found[min(of)].add(group)
    return found


@given(labelled())
def test_what_every_split_keeps(given: tuple[Integers, Integers, float, int]) -> None:
    labels, groups, share, seed = given
    pure = pure_groups(labels, groups)
    try:
        asking, database = split(labels, share, seed, groups)
    except UsageError:
        for label, own in pure.items():
            assert not own or len(set(groups[labels == label].tolist())) == 1
        return
    assert sorted([*asking, *database]) == list(range(len(labels)))
    assert not set(groups[asking]) & set(groups[database])
    for label, own in pure.items():
        here = set(groups[labels == label].tolist())
        held = set(groups[asking][labels[asking] == label].tolist())
        assert held <= own
        assert label in labels[database]
        assert len(held) == min(max(1, int(share * len(here) + 0.5)), len(here) - 1, len(own))


def test_one_in_five_of_each_class() -> None:
    labels = np.repeat([0, 1, 2, 3, 4], [100, 10, 2, 1, 13])
    asking, database = split(labels, 0.2, seed=0)
    assert np.bincount(labels[asking], minlength=5).tolist() == [20, 2, 1, 0, 3]
    assert np.bincount(labels[database]).tolist() == [80, 8, 1, 1, 10]


def test_the_same_seed_gives_the_same_split() -> None:
    labels = np.repeat(np.arange(4), 50)
    first, again, other = (split(labels, 0.2, seed)[0].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_every_picture_asks_under_some_seed() -> None:
    labels = np.repeat(np.arange(2), 5)
    asked = {row for seed in range(60) for row in split(labels, 0.2, seed)[0].tolist()}
    assert asked == set(range(10))


def test_copies_in_folders_of_two_classes_do_not_ask() -> None:
    labels = np.array([0, 0, 1, 1])
    for seed in range(20):
        asking, _ = split(labels, 0.9, seed, np.array([5, 6, 5, 7]))
        assert asking.tolist() == [1, 3]


@pytest.mark.parametrize("labels", [[], [1], [1, 2, 3]])
def test_classes_of_one_picture_give_no_query(labels: list[int]) -> None:
    with pytest.raises(UsageError, match="No class has two different pictures"):
        split(np.array(labels, np.int64), 0.2, 0)


def test_copies_of_one_picture_give_no_query() -> None:
    with pytest.raises(UsageError, match="No class has two different pictures"):
        split(np.array([1, 1, 1]), 0.2, 0, np.array([4, 4, 4]))


@pytest.mark.parametrize("share", [0, 1, -0.5, 1.5, float("nan")])
def test_a_share_outside_of_0_and_1_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match=r"between 0 and 1"):
        split(np.array([1, 1]), share, 0)
