"""Thresholds at which the groups are stable: moving the threshold a little hardly changes them.

As the threshold falls, groups only grow together. So of two thresholds, the groups at the higher
one lie within those at the lower, and the adjusted Rand index of the two (L. Hubert and P. Arabie,
"Comparing partitions", 1985) follows from how many pairs of rows are in one group at either:

    (a - e) / ((a + b) / 2 - e),   e = a * b / (n * (n - 1) / 2),   a pairs at the higher, b at the
                                                                    lower threshold.

A plateau is a range of thresholds whose ends agree by 0.9 or more, which D. Steinley, "Properties
of the Hubert-Arabie adjusted Rand index", 2004, calls excellent. The longer one is, the more there
is to it: that is the lifetime of a division (A. L. N. Fred and A. K. Jain, "Combining multiple
clusterings using evidence accumulation", 2005), made tolerant, since among many rows some always
move. Lifetimes are told against what they would be if the pairs multiplied evenly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.graph.groups import Linkage
from lookgraph.types import Integers

_AGREEMENT = 0.9
_APART = 0.5
"""Suggestions that agree by more tell of the same."""

_STEADY = 2.0
_FEWEST = 10
"""Among fewer rows in groups, a plateau may well be chance."""

_Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A threshold, and how stable the groups are around it.

    Attributes:
        threshold: a round number well within the range.
        low: the groups stay nearly the same above it,
        high: and up to it.
        groups: how many groups of two or more rows there are at the threshold.
        grouped: how many rows are in them.
        largest: how many rows are in the largest.
        agreement: the adjusted Rand index of the groups at both ends of the range: at least 0.9.
        changing: how many rows come to another group over the range, each time those of the
            smaller one of two that grow together, as a share of the rows in groups at its low end.
        steadiness: how many times as long the range is as if the groups changed at one pace
            everywhere.
    """

    threshold: float
    low: float
    high: float
    groups: int
    grouped: int
    largest: int
    agreement: float
    changing: float
    steadiness: float


@dataclass(frozen=True, slots=True)
class _History:
    """The groups as the threshold falls: one state from each score of a link down to the next.

    Attributes:
        count: how many rows there are.
        scores: at which each state begins, falling, shape (m,).
        pairs: how many pairs of rows are in one group.
        moved: how many rows have come to another group so far.
        groups: how many groups of two or more there are.
        grouped: how many rows are in them.
        largest: how many rows are in the largest.
    """

    count: int
    scores: _Numbers
    pairs: Integers
    moved: Integers
    groups: Integers
    grouped: Integers
    largest: Integers

    def agreement(self, one: Integers | int, other: int) -> _Numbers:
        """The adjusted Rand index of some states and one."""
        low, high = self.pairs[one].astype(np.float64), float(self.pairs[other])
        fine, coarse = np.minimum(low, high), np.maximum(low, high)
        expected = fine * coarse / (self.count * (self.count - 1) / 2)
        return np.asarray((fine - expected) / ((fine + coarse) / 2 - expected))


@dataclass(frozen=True, slots=True)
class _Plateaus:
    """The longest plateau that begins with each of some states.

    Attributes:
        starts: the first state of each, shape (m,).
        ends: the last state of each.
        lows: the score at which the state after that begins.
        steadiness: as of a suggestion.
    """

    starts: Integers
    ends: Integers
    lows: _Numbers
    steadiness: _Numbers

    def __getitem__(self, which: NDArray[np.bool_]) -> "_Plateaus":
        """Some of them."""
        return _Plateaus(
            self.starts[which], self.ends[which], self.lows[which], self.steadiness[which]
        )


def suggest(linkage: Linkage, most: int = 5) -> list[Suggestion]:
    """The thresholds with the most stable groups, the highest first.

    They are of different scales: the groups at any two of them differ. None is among them at which
    a group has over half of all rows, or fewer than ten rows are in groups.

    Args:
        linkage: the groups at every threshold.
        most: so many are suggested at most, the steadiest.
    """
    history = _history(linkage)
    left = _plateaus(history)
    found: list[Suggestion] = []
    while len(found) < most and len(left.starts):
        best = int(np.argmax(left.steadiness))
        if left.steadiness[best] < _STEADY:
            break
        found.append(_suggestion(history, left, best))
        left = left[history.agreement(left.starts, int(left.starts[best])) <= _APART]
    return sorted(found, key=lambda suggestion: -suggestion.threshold)


def _suggestion(history: _History, plateaus: _Plateaus, which: int) -> Suggestion:
    start, end = int(plateaus.starts[which]), int(plateaus.ends[which])
    low, high = float(plateaus.lows[which]), float(history.scores[start])
    threshold = _round_within(low, high)
    state = int(np.searchsorted(-history.scores, -threshold, "right")) - 1
    return Suggestion(
        threshold,
        low,
        high,
        int(history.groups[state]),
        int(history.grouped[state]),
        int(history.largest[state]),
        float(history.agreement(start, end)),
        float((history.moved[end] - history.moved[start]) / history.grouped[end]),
        float(plateaus.steadiness[which]),
    )


def _round_within(low: float, high: float) -> float:
    """The number of the fewest digits in the middle half of a range."""
    middle, reach = (low + high) / 2, (high - low) / 4
    rounded = (round(middle, digits) for digits in range(-4, 12))
    return next((number + 0.0 for number in rounded if abs(number - middle) <= reach), middle)


def _plateaus(history: _History) -> _Plateaus:
    """Those of all states that may be suggested."""
    none = np.empty(0, np.int64)
    scores, pairs = history.scores, history.pairs.astype(np.float64)
    starts = np.flatnonzero((history.largest <= history.count / 2) & (history.grouped >= _FEWEST))
    after = min(int(starts[-1]) + 1, len(scores) - 1) if len(starts) else 0
    if not len(starts) or after == starts[0]:
        return _Plateaus(none, none, np.empty(0), np.empty(0))
    # So many pairs may be in one group at the other end, by the formula above.
    share = pairs[starts] / (history.count * (history.count - 1) / 2)
    highest = pairs[starts] * (1 - _AGREEMENT / 2) / (_AGREEMENT / 2 + (1 - _AGREEMENT) * share)
    # What is below the last score nobody knows: the state that begins there has no range.
    ends = np.searchsorted(pairs, highest, "right") - 1
    ends = np.minimum(ends, min(int(starts[-1]), len(scores) - 2))
    lows = scores[ends + 1]
    pace = np.log(pairs[after] / pairs[starts[0]]) / (scores[starts[0]] - scores[after])
    steadiness = (scores[starts] - lows) * pace / np.log((1 - _AGREEMENT / 2) / (_AGREEMENT / 2))
    return _Plateaus(starts, ends, lows, steadiness)


def _history(linkage: Linkage) -> _History:
    """All states. Every link joins the runs on both of its sides, the strongest first."""
    before, after = _sides(linkage)
    joining = np.flatnonzero(np.isfinite(linkage.links))
    joining = joining[np.argsort(-linkage.links[joining], kind="stable")]
    scores = linkage.links[joining].astype(np.float64)
    left, right = before[joining], after[joining]
    alone = (left == 1).astype(np.int64) + (right == 1)
    is_last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
    return _History(
        len(linkage.order),
        scores[is_last],
        np.cumsum(left * right)[is_last],
        np.cumsum(np.minimum(left, right))[is_last],
        np.cumsum(alone - 1)[is_last],
        np.cumsum(alone)[is_last],
        np.maximum.accumulate(left + right)[is_last],
    )


def _sides(linkage: Linkage) -> tuple[Integers, Integers]:
    """The lengths of the runs that each link joins: up to the nearest weaker link on either side.

    Of links that tie, the later one joins first.
    """
    links = linkage.links.tolist()
    before, after = list(range(len(links))), [len(links)] * len(links)
    open_: list[int] = []
    for place, link in enumerate(links):
        while open_ and links[open_[-1]] > link:
            after[open_.pop()] = place
        before[place] = open_[-1] if open_ else place
        open_.append(place)
    places = np.arange(len(links))
    return places - np.array(before, np.int64), np.array(after, np.int64) - places
