"""What people have said of pairs of rows, and groups that keep to it."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from lookgraph.graph.edges import Adjacency, Numbers, at_least
from lookgraph.types import Integers


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Pairs that people have looked at.

    Attributes:
        same: pairs that show the same, shape (n, 2), the lower number first.
        different: pairs that do not, likewise. No chain of the same leads from one to the other.
    """

    same: Numbers
    different: Numbers

    def __len__(self) -> int:
        return len(self.same) + len(self.different)


_Named = TypeVar("_Named", bound=Hashable)


def classes(same: Iterable[tuple[_Named, _Named]]) -> dict[_Named, list[_Named]]:
    """All that is the same as each that is in a pair, itself too: what is the same shares a list.

    What is the same as the same is the same.
    """
    found: dict[_Named, list[_Named]] = {}
    for one, other in same:
        less, more = sorted((found.setdefault(name, [name]) for name in (one, other)), key=len)
        if less is not more:
            more += less
            found.update(dict.fromkeys(less, more))
    return found


NO_VERDICTS = Verdicts(np.empty((0, 2), np.int32), np.empty((0, 2), np.int32))


def respecting(
    labels: Integers, around: Adjacency, threshold: float, verdicts: Verdicts
) -> Integers:
    """Groups with what is the same in one of them, and what is different in two.

    Groups that hold the same are joined. One that then holds what is different falls apart: it is
    put together anew, first from what is the same and then along the best edges, but for those
    that would bring together what is different.

    Args:
        labels: the group of each row, shape (n,).
        around: the neighbours of each row.
        threshold: the least score of an edge that may join.
        verdicts: what people have said.

    Returns:
        the group of each row, shape (n,), numbered anew.
    """
    joined = _Sets()
    for one, other in labels[verdicts.same].tolist():
        joined.join(joined.of(one), joined.of(other))
    labels = np.array(labels)
    # All rows of groups that are joined, at once: what is not joined to another stays.
    onto = np.arange(int(labels.max(initial=-1)) + 1)
    for label in joined.known():
        onto[label] = joined.of(label)
    labels = onto[labels]
    ends = labels[verdicts.different]
    free = len(onto)
    for label in np.unique(ends[ends[:, 0] == ends[:, 1], 0]).tolist():
        rows = np.flatnonzero(labels == label)
        apart = _put_together(rows, around, threshold, verdicts)
        labels[rows] = apart + free
        free += len(rows)
    return labels


def _put_together(
    rows: Integers, around: Adjacency, threshold: float, verdicts: Verdicts
) -> Integers:
    """Numbers for the groups of some rows, along the best edges that do not join the different."""
    sets = _Sets()
    for one, other in verdicts.same.tolist():
        sets.join(sets.of(one), sets.of(other))
    for one, other in verdicts.different.tolist():
        sets.keep_apart(sets.of(one), sets.of(other))
    for one, other in _best_first(rows, around, threshold):
        sets.join(sets.of(one), sets.of(other))
    _, apart = np.unique([sets.of(row) for row in rows.tolist()], return_inverse=True)
    return np.asarray(apart)


def _best_first(rows: Integers, around: Adjacency, threshold: float) -> list[list[int]]:
    """The edges among some rows, as `lookgraph.graph.edges.Edges.best_first` has them."""
    inside = np.zeros(len(around.starts) - 1, np.bool_)
    inside[rows] = True
    places, sources = around.places_of(rows)
    targets, scores = around.numbers[places], around.scores[places]
    kept = at_least(scores, threshold) & (sources < targets) & inside[targets]
    sources, targets, scores = sources[kept], targets[kept], scores[kept]
    order = np.lexsort((targets, sources, -scores))
    pairs: list[list[int]] = np.stack([sources[order], targets[order]], axis=1).tolist()
    return pairs


class _Sets:
    """Disjoint sets of numbers, of which some must not be joined."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}
        self._apart: defaultdict[int, set[int]] = defaultdict(set)

    def known(self) -> list[int]:
        """All numbers that were asked for."""
        return list(self._parent)

    def of(self, number: int) -> int:
        """The number that stands for the set that one is in."""
        parent = self._parent
        parent.setdefault(number, number)
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    def keep_apart(self, one: int, other: int) -> None:
        """Two sets, by the numbers that stand for them, are never to be joined."""
        self._apart[one].add(other)
        self._apart[other].add(one)

    def join(self, one: int, other: int) -> None:
        """Make one of two sets, unless they are to be kept apart."""
        if one == other or other in self._apart[one]:
            return
        kept, gone = sorted((one, other))
        self._parent[gone] = kept
        for enemy in self._apart.pop(gone, ()):
            self._apart[enemy].discard(gone)
            self.keep_apart(kept, enemy)


def members(labels: Integers, smallest: int) -> list[Integers]:
    """The rows of each group with at least so many, in order; the largest group first."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    found = [group for group in np.split(order, starts[1:]) if len(group) >= smallest]
    return sorted(found, key=lambda group: (-len(group), int(group[0])))
