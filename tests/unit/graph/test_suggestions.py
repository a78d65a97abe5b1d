"""Suggested thresholds, against the groups at many thresholds and the adjusted Rand index."""

import time
from collections import Counter
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.graph.edges import Edges, Numbers
from lookgraph.graph.forest import maximum_spanning_forest
from lookgraph.graph.groups import Linkage, linkage
from lookgraph.graph.suggestions import Suggestion, suggest
from lookgraph.types import Integers
from tests.unit.graph.drawn import graphs


def adjusted_rand(one: Integers, other: Integers) -> float:
    """From the table of the two, as Hubert and Arabie have it."""
    pairs = [
        sum(comb(size, 2) for size in Counter(labels).values())
        for labels in (zip(one.tolist(), other.tolist(), strict=True), one.tolist(), other.tolist())
    ]
    both, a, b = pairs
    expected = a * b / comb(len(one), 2)
    return (both - expected) / ((a + b) / 2 - expected)


def drawn_linkage(seed: int, count: int = 300) -> Linkage:
    """Rows in groups of groups of groups, with noise."""
    rng = np.random.default_rng(seed)
    links = rng.uniform(0.1, 0.2, count)
    for size, score in ((30, 0.4), (6, 0.7), (2, 0.95)):
        links[np.arange(count) % size != 0] = score
    links += rng.uniform(0, 0.05, count)
    links[0] = -np.inf
    return Linkage(rng.permutation(count).astype(np.int32), links.astype(np.float32))


def check(links: Linkage, suggestion: Suggestion) -> None:
    """All that is told of one."""
    low, high = suggestion.low, suggestion.high
    sizes = np.bincount(links.labels(suggestion.threshold))
    assert suggestion.groups == (sizes >= 2).sum()
    assert suggestion.grouped == sizes[sizes >= 2].sum() >= 10
    assert suggestion.largest == sizes.max() <= len(links.order) / 2
    assert low + (high - low) / 4.001 <= suggestion.threshold <= high - (high - low) / 4.001
    lowest = links.labels(np.nextafter(low, high))
    ends = adjusted_rand(lowest, links.labels(high))
    assert suggestion.agreement == pytest.approx(ends)
    assert ends >= 0.9
    at_threshold = links.labels(suggestion.threshold)
    for other in np.linspace(low, high, 9)[1:]:
        assert adjusted_rand(at_threshold, links.labels(other)) >= 0.9
    # It goes on until the groups have changed by more, or one has over half of all rows.
    beyond = links.labels(low)
    assert (
        adjusted_rand(beyond, links.labels(high)) < 0.9
        or np.bincount(beyond).max() > len(links.order) / 2
        or low == links.links[np.isfinite(links.links)].min()
    )


@pytest.mark.parametrize("seed", range(5))
def test_planted_scales_are_found(seed: int) -> None:
    links = drawn_linkage(seed)
    found = suggest(links, most=3)
    assert [(one.groups, one.grouped, one.largest) for one in found] == [
        (150, 300, 2), (50, 300, 6), (10, 300, 30),
    ]  # fmt: skip
    for one, (low, high) in zip(found, [(0.75, 0.95), (0.45, 0.7), (0.22, 0.4)], strict=True):
        assert one.low == pytest.approx(low, abs=0.03)
        assert one.high == pytest.approx(high, abs=0.03)
        check(links, one)
    assert [one.threshold for one in found] == [0.9, 0.6, 0.3]


@given(st.integers(0, 2**32), st.integers(20, 200), st.sampled_from([5, 40, 1000]))
def test_what_is_told_is_so(seed: int, count: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(count, 1)
    places = rng.normal(size=(count, 2)) + 8 * rng.integers(0, 4, (count, 2))
    scores = -np.linalg.norm(places[first] - places[second], axis=1)
    scores = (np.round(scores / 30 * levels) / levels).astype(np.float32)
    edges = Edges(first.astype(np.int32), second.astype(np.int32), scores)
    links = linkage(count, maximum_spanning_forest(count, edges))
    found = suggest(links, most=9)
    assert [one.threshold for one in found] == sorted(
        (one.threshold for one in found), reverse=True
    )
    for one in found:
        check(links, one)
        assert one.steadiness >= 2
        assert one.changing == pytest.approx(moving(links, one))
    for one, other in pairwise(found):
        assert adjusted_rand(links.labels(one.high), links.labels(other.high)) <= 0.5


def moving(links: Linkage, one: Suggestion) -> float:
    """The share of rows that leave their group for a larger one, link by link."""
    scores = sorted({s for s in links.links.tolist() if one.low < s < one.high}, reverse=True)
    groups = links.groups(one.high, smallest=1)
    moved = 0
    for score in scores:
        fine = groups
        groups = links.groups(score, smallest=1)
        home = {row: place for place, group in enumerate(groups) for row in group.tolist()}
        parts: dict[int, list[int]] = {}
        for group in fine:
            parts.setdefault(home[int(group[0])], []).append(len(group))
        # Those that tie join one after another: only what two make is sure.
        for place in parts:
            moved += merged_in_turn(links, score, groups[place])
    lowest = links.groups(float(np.nextafter(one.low, one.high)))
    return moved / sum(map(len, lowest))


def merged_in_turn(links: Linkage, score: float, group: Numbers) -> int:
    """Within a group, the later of the links that tie join first."""
    place = np.empty(len(links.order), np.int64)
    place[links.order] = np.arange(len(place))
    run = np.sort(place[group])
    inner = links.links[run[1:]]
    moved, sizes = 0, np.diff(np.concatenate([[0], np.flatnonzero(inner <= score) + 1, [len(run)]]))
    tail = int(sizes[-1])
    for size in sizes[-2::-1].tolist():
        moved += min(size, tail)
        tail += size
    return moved


def test_pairs_that_come_at_an_even_pace_suggest_nothing() -> None:
    """Their number grows by the same share over every range of the same length."""
    links = np.full(2000, -np.inf, np.float32)
    links[1::2] = 1 - 0.1 * np.log(np.arange(1, 1001))
    assert suggest(Linkage(np.arange(2000, dtype=np.int32), links)) == []
    links[401::2] -= 0.1  # now there are 200 pairs for a while
    (found,) = suggest(Linkage(np.arange(2000, dtype=np.int32), links))
    assert (found.groups, found.grouped, found.largest) == (200, 400, 2)


@given(graphs())
def test_any_graph(drawn: tuple[int, Edges]) -> None:
    count, edges = drawn
    links = linkage(count, maximum_spanning_forest(count, edges))
    for one in suggest(links):
        check(links, one)


def test_only_so_many_and_the_steadiest() -> None:
    links = drawn_linkage(1)
    every, two, none = suggest(links), suggest(links, 2), suggest(links, 0)
    assert none == []
    steadiest = sorted(every, key=lambda one: -one.steadiness)[:2]
    assert two == sorted(steadiest, key=lambda one: -one.threshold)


def test_one_group_of_most_rows_is_no_suggestion() -> None:
    """Twenty rows hang together from 0.9 on and the other ten never: there is nothing to say."""
    links = np.full(30, -np.inf, np.float32)
    links[1:20] = 0.9
    links[25] = 0.1
    assert suggest(Linkage(np.arange(30, dtype=np.int32), links)) == []


def test_a_hundred_thousand_rows_take_less_than_a_tenth_of_a_second() -> None:
    rng = np.random.default_rng(1)
    links = rng.beta(8, 2, 100_000).astype(np.float32)
    links[0] = -np.inf
    large = Linkage(np.arange(100_000, dtype=np.int32), links)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        suggest(large)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.2  # twice what is wanted: other work may share the machine
