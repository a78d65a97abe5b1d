"""Which rows hang together, at every threshold at once.

The forest's edges are taken best first, and each joins two runs of rows to one. In the end every
group, at whatever threshold, is a run of neighbouring rows: those between two places whose link is
below the threshold. (It is single linkage clustering, of which R. Sibson, "SLINK: an optimally
efficient algorithm for the single-link cluster method", 1973, keeps the same two arrays.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lookgraph.graph.edges import Edges, Numbers, at_least
from lookgraph.types import Integers, Vector


@dataclass(frozen=True, slots=True)
class Linkage:
    """The groups at every threshold.

    Attributes:
        order: all rows, each once, shape (n,).
        links: the score at which each row of the order hangs together with the one before it,
            shape (n,); minus infinity for the first, and where they never do.
    """

    order: Numbers
    links: Vector

    def labels(self, threshold: float) -> Integers:
        """The group of each row, numbered from 0 in the order of their lowest rows, shape (n,)."""
        runs = np.cumsum(~at_least(self.links, threshold)) - 1
        label = np.empty(len(self.order), np.int64)
        label[self.order] = runs
        _, first, of_each = np.unique(label, return_index=True, return_inverse=True)
        return np.asarray(np.argsort(np.argsort(first))[of_each])

    def groups(self, threshold: float, smallest: int = 2) -> list[Numbers]:
        """The rows of each group with at least so many, in order; the largest group first."""
        starts = np.flatnonzero(~at_least(self.links, threshold))
        ends = np.append(starts[1:], len(self.order))
        large = ends - starts >= smallest
        order = np.asarray(self.order)  # slices of a mapped file take ten times as long
        found = [
            np.sort(order[start:end]) for start, end in zip(starts[large], ends[large], strict=True)
        ]
        return sorted(found, key=lambda group: (-len(group), int(group[0])))

    def busiest(self) -> float | None:
        """The threshold with the most groups of two or more rows; None if no rows hang together.

        Above it, fewer rows have found each other; below it, more groups grow together than new
        ones come. Of several such thresholds, the highest.
        """
        links = np.append(self.links, -np.inf)
        # The links in the order in which they close as the threshold falls.
        closing = np.lexsort((np.arange(len(links)), -links))
        place = np.empty(len(links), np.int64)
        place[closing] = np.arange(len(links))
        # A link adds a group if the rows on both sides are alone yet, and takes one if neither is.
        inner = np.arange(1, len(links) - 1)
        alone = (place[inner - 1] > place[inner]).astype(np.int64) + (
            place[inner + 1] > place[inner]
        )
        change = np.zeros(len(links), np.int64)
        change[inner] = alone - 1
        count = np.cumsum(change[closing])
        scores = links[closing]
        is_last = np.append(scores[1:] != scores[:-1], True) & np.isfinite(scores)
        if not is_last.any():
            return None
        best = np.argmax(np.where(is_last, count, -1))
        return float(scores[best])


def linkage(count: int, forest: Edges) -> Linkage:
    """The groups of so many rows.

    Args:
        count: how many rows.
        forest: the maximum spanning forest, the best edge first.
    """
    head = list(range(count))  # of a run's rows that one is asked for, its first
    last = list(range(count))  # of the first row of a run, its last
    following = [-1] * count
    links = np.full(count, -np.inf, np.float32)  # of a row to the one before it

    def first_of(row: int) -> int:
        while head[row] != row:
            head[row] = head[head[row]]
            row = head[row]
        return row

    pairs = zip(forest.first.tolist(), forest.second.tolist(), forest.scores, strict=True)
    for one, other, score in pairs:
        before, after = sorted((first_of(one), first_of(other)))
        following[last[before]] = after
        links[after] = score
        head[after], last[before] = before, last[after]
    numbers = np.fromiter(_in_runs(head, following), np.int32, count)
    return Linkage(numbers, links[numbers])


def _in_runs(head: Sequence[int], following: Sequence[int]) -> Iterator[int]:
    """All rows, run by run."""
    for first, its in enumerate(head):
        row = first if its == first else -1
        while row >= 0:
            yield row
            row = following[row]
