"""Edges between rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.types import Integers, Vector

Numbers = NDArray[np.int32]
"""Numbers of rows: a library has fewer than two thousand million."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Undirected edges, at most one for each pair of rows.

    Attributes:
        first: the lower number of each pair, shape (m,).
        second: the higher one.
        scores: how alike they are: the exact score, rounded to float32.
    """

    first: Numbers
    second: Numbers
    scores: Vector

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which: slice | Integers | NDArray[np.bool_]) -> "Edges":
        """Some of them."""
        return Edges(self.first[which], self.second[which], self.scores[which])

    def over(self, threshold: float) -> "Edges":
        """Those with at least a score."""
        return self[at_least(self.scores, threshold)]

    def ordered(self) -> "Edges":
        """The same by their pairs; of equal ones, the earlier first."""
        keys = self.first.astype(np.uint64) << np.uint64(32) | self.second.astype(np.uint64)
        return self[np.argsort(keys, kind="stable")]

    def best_first(self) -> "Edges":
        """The same by their scores; of those that tie, by their pairs. No two are equal in this."""
        keys = _falling(self.scores).astype(np.uint64) << np.uint64(32) | self.first.astype(
            np.uint64
        )
        return self[_ordered(keys, self.second)]


def at_least(scores: Vector, threshold: float) -> NDArray[np.bool_]:
    """Which scores, as they are stored, reach a threshold as it is given."""
    return np.asarray(scores.astype(np.float64) >= threshold)


def no_edges() -> Edges:
    """None."""
    return Edges(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))


def joined(parts: Sequence[Edges]) -> Edges:
    """Those of all parts, one after another."""
    if not parts:
        return no_edges()
    return Edges(
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.second for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class Adjacency:
    """Edges as they are walked: the neighbours of each row, the nearest first.

    Attributes:
        starts: where the neighbours of each row begin, shape (n + 1,).
        numbers: the neighbours of the first row, of the second and so on, shape (2 m,).
        scores: of each.
    """

    starts: Integers
    numbers: Numbers
    scores: Vector

    def of(self, row: int) -> tuple[Numbers, Vector]:
        """The neighbours of a row, and their scores."""
        part = slice(int(self.starts[row]), int(self.starts[row + 1]))
        return self.numbers[part], self.scores[part]

    def places_of(self, rows: Numbers | Integers) -> tuple[Integers, Integers]:
        """Where the neighbours of some rows are in the arrays, and whose each one is."""
        begins = self.starts[rows]
        lengths = self.starts[rows + 1] - begins
        places = np.repeat(begins - np.cumsum(lengths) + lengths, lengths)
        return places + np.arange(len(places)), np.repeat(rows.astype(np.int64), lengths)


def adjacency(count: int, edges: Edges) -> Adjacency:
    """The neighbours of each of so many rows. Those that tie are in order of their numbers."""
    sources = np.concatenate([edges.first, edges.second])
    targets = np.concatenate([edges.second, edges.first])
    scores = np.concatenate([edges.scores, edges.scores])
    keys = sources.astype(np.uint64) << np.uint64(32) | _falling(scores).astype(np.uint64)
    order = _ordered(keys, targets)
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(sources, minlength=count), out=starts[1:])
    return Adjacency(starts, targets[order], scores[order])


def _ordered(keys: NDArray[np.uint64], then: Numbers) -> Integers:
    """The order by keys, and, of those that tie, by something else.

    A row and a score are one key of 64 bits, which takes a fifth of the time that ``np.lexsort``
    takes for both. Only what ties is sorted again.
    """
    order = np.argsort(keys)
    ordered = keys[order]
    ties = np.zeros(len(keys) + 1, np.bool_)
    ties[1:-1] = ordered[1:] == ordered[:-1]
    tied = np.flatnonzero(ties[1:] | ties[:-1])
    some = order[tied]
    order[tied] = some[np.lexsort((then[some], ordered[tied]))]
    return order


def _falling(scores: Vector) -> NDArray[np.uint32]:
    """Whole numbers that are in order as the scores are (IEEE 754), the highest score first."""
    bits = (scores + np.float32(0)).view(np.uint32)  # no minus before a zero
    return np.where(bits >> 31, bits, ~bits & np.uint32(0x7FFFFFFF))
