"""The nearest neighbours of rows of which some are new and some are gone."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.graph.neighbours import Neighbours, Search, nearest_of, with_more
from lookgraph.graph.pairs import as_near
from lookgraph.types import Integers, Metric, Rows, Vector

_Nearer = tuple[Integers, Integers, Vector]
"""Rows, one that is near to each, and their scores."""


@dataclass(frozen=True, slots=True)
class Change:
    """What has become of rows.

    Attributes:
        old: the numbers of those that were there and still are, in order.
        new: those that were not.
        gone: those that are no more.
    """

    old: Integers
    new: Integers
    gone: Integers

    @staticmethod
    def between(before: NDArray[np.bool_], now: NDArray[np.bool_]) -> "Change":
        """What has changed, by which rows counted before and which count now, each shape (n,)."""
        return Change(
            np.flatnonzero(now & before),
            np.flatnonzero(now & ~before),
            np.flatnonzero(before & ~now),
        )


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds neighbours.

    Attributes:
        rows: all of them, shape (n, d), float16; may be a memory map.
        metric: how they are compared.
        search: gives the nearest that are there.
    """

    rows: Rows
    metric: Metric
    search: Search


def followed(
    known: Neighbours | None,
    change: Change,
    k: int,
    finder: Finder,
    progress: Callable[[float], None],
) -> Neighbours:
    """The nearest of each row, looked for anew where they may have changed; shape (n, k).

    Args:
        known: the nearest as they were; None if nothing is known.
        change: what has become of the rows since.
        k: how many for each.
        finder: finds them. Where its search is exact, all are as if they were looked for anew.
        progress: told the share that is done, 0 to 1.
    """
    count = len(finder.rows)
    numbers = np.full((count, k), -1, np.int32)
    scores = np.full((count, k), -np.inf, np.float32)
    if known is None:
        found = nearest_of(finder.rows, change.new, k, finder.search, progress)
        numbers[change.new], scores[change.new] = found.numbers, found.scores
        return Neighbours(numbers, scores)
    numbers[: len(known.numbers)], scores[: len(known.scores)] = known.numbers, known.scores
    numbers[change.gone], scores[change.gone] = -1, -np.inf
    is_gone = np.zeros(count + 1, np.bool_)  # one more, for -1
    is_gone[change.gone] = True
    lost = change.old[is_gone[numbers[change.old]].any(axis=1)]
    # Half of the progress is a guess: which of the two takes longer depends on what has changed.
    found = nearest_of(finder.rows, lost, k, finder.search, lambda done: progress(done / 2))
    numbers[lost], scores[lost] = found.numbers, found.scores
    found = nearest_of(
        finder.rows, change.new, k, finder.search, lambda done: progress((1 + done) / 2)
    )
    numbers[change.new], scores[change.new] = found.numbers, found.scores
    # Whose nearest the new ones have become is told by all products, also where an index finds
    # these: of those of which a row is among the nearest 20, one in ten is not among its nearest
    # 100, and what is missed would add up from change to change.
    others = np.setdiff1d(change.old, lost)
    nearer = as_near(finder.rows, change.new, others, finder.metric, scores[:, -1])
    return with_more(Neighbours(numbers, scores), *_joined(nearer))


def _joined(parts: Iterable[_Nearer]) -> _Nearer:
    none = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    rows, near, scores = zip(none, *parts, strict=True)
    return np.concatenate(rows), np.concatenate(near), np.concatenate(scores)
