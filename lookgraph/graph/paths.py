"""The way from one row to another whose weakest edge is strongest."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lookgraph.graph.edges import Adjacency, Edges, Numbers, adjacency, at_least
from lookgraph.graph.forest import trees
from lookgraph.types import Vector


@dataclass(frozen=True, slots=True)
class Path:
    """A way.

    Attributes:
        rows: the rows on it, from the one asked for to the other, shape (n,).
        scores: of each edge of it, shape (n - 1,).
    """

    rows: tuple[int, ...]
    scores: tuple[float, ...]

    @property
    def weakest(self) -> float:
        """The score of its weakest edge; infinite where there is none."""
        return min(self.scores, default=float("inf"))


@dataclass(frozen=True, slots=True)
class RootedForest:
    """A forest in which every row knows the way to its tree's root.

    Attributes:
        parents: the next row on it, shape (n,); a root's is itself.
        scores: of the edge to the parent; infinite for a root.
        depths: how many edges there are to the root.
    """

    parents: Numbers
    scores: Vector
    depths: Numbers

    def path(self, source: int, target: int) -> Path | None:
        """The only way from one to the other; None where there is none."""
        up, down = _Way(source), _Way(target)
        while up.row != down.row:
            deeper = down if self.depths[down.row] > self.depths[up.row] else up
            if self.parents[deeper.row] == deeper.row:
                return None
            deeper.go(int(self.parents[deeper.row]), float(self.scores[deeper.row]))
        return up.meeting(down)


class _Way:
    """A way that is being walked."""

    def __init__(self, row: int) -> None:
        self.row = row
        self._rows: list[int] = [row]
        self._scores: list[float] = []

    def go(self, row: int, score: float) -> None:
        """One step further."""
        self.row = row
        self._rows.append(row)
        self._scores.append(score)

    def meeting(self, other: "_Way") -> Path:
        """This one, and then the other one backwards."""
        rows = (*self._rows, *other._rows[-2::-1])
        return Path(rows, (*self._scores, *other._scores[::-1]))


def rooted(count: int, forest: Edges) -> RootedForest:
    """Hang each tree up by its lowest row.

    Args:
        count: how many rows.
        forest: edges without rings.
    """
    around = adjacency(count, forest)
    parents = np.full(count, -1, np.int32)
    scores, depths = np.full(count, np.inf, np.float32), np.zeros(count, np.int32)
    roots = np.unique(trees(count, forest)).astype(np.int32)
    parents[roots], edge, depth = roots, roots, 0
    while len(edge):  # all trees at once, a step away from their roots each time
        depth += 1
        places, sources = around.places_of(edge)
        new = parents[around.numbers[places]] < 0
        edge, sources = around.numbers[places[new]], sources[new]
        parents[edge], scores[edge], depths[edge] = sources, around.scores[places[new]], depth
    return RootedForest(parents, scores, depths)


def fewest_steps(around: Adjacency, source: int, target: int, least: float) -> Path | None:
    """A way along edges of at least a score, with as few of them as can be.

    Args:
        around: the neighbours of each row.
        source: where it begins.
        target: where it ends.
        least: the least score.
    """
    count = len(around.starts) - 1
    sides = _Side(count, source), _Side(count, target)
    while not (met := sides[0].met(sides[1])).size:
        smaller = min(sides, key=lambda side: len(side.edge))
        if not smaller.spread(around, least):
            return None
    row = int(met.min())
    rows = [*sides[0].back_from(row)[::-1], *sides[1].back_from(row)[1:]]
    scores = [_score(around, one, other) for one, other in pairwise(rows)]
    return Path(tuple(rows), tuple(scores))


class _Side:
    """What was reached from one end."""

    def __init__(self, count: int, row: int) -> None:
        self.came_from = np.full(count, -1, np.int32)
        self.came_from[row] = row
        self.edge = np.array([row], np.int32)

    def met(self, other: "_Side") -> Numbers:
        """The rows of the edge that the other end has reached too."""
        both = [side.edge[against.came_from[side.edge] >= 0]
                for side, against in ((self, other), (other, self))]  # fmt: skip
        return np.concatenate(both)

    def spread(self, around: Adjacency, least: float) -> bool:
        """One step further from all of the edge; whether there was any."""
        places, sources = around.places_of(self.edge)
        reached = around.numbers[places]
        new = at_least(around.scores[places], least) & (self.came_from[reached] < 0)
        reached, sources = reached[new][::-1], sources[new][::-1]
        self.came_from[reached] = sources  # the last one stays: the first, as they run backwards
        self.edge = np.unique(reached)
        return len(self.edge) > 0

    def back_from(self, row: int) -> list[int]:
        """The rows from one to this end."""
        rows = [row]
        while (before := int(self.came_from[rows[-1]])) != rows[-1]:
            rows.append(before)
        return rows


def _score(around: Adjacency, one: int, other: int) -> float:
    numbers, scores = around.of(one)
    return float(scores[np.flatnonzero(numbers == other)[0]])
