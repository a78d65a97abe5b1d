"""The graph of a library's rows, and what is found out from it once."""

from dataclasses import dataclass

import numpy as np

from lookgraph.graph.edges import Adjacency, Edges, adjacency, joined
from lookgraph.graph.forest import maximum_spanning_forest
from lookgraph.graph.groups import Linkage, linkage
from lookgraph.graph.neighbours import Neighbours, edges_between
from lookgraph.graph.paths import Path, RootedForest, fewest_steps, rooted


@dataclass(frozen=True, slots=True)
class Graph:
    """The edges of some rows, in the forms that answer questions.

    Attributes:
        neighbours: the nearest of each row.
        over: the pairs over a threshold, where one was asked for.
        around: all edges, of either kind.
        linkage: the groups at every threshold.
        forest: the strongest ways.
    """

    neighbours: Neighbours
    over: Edges
    around: Adjacency
    linkage: Linkage
    forest: RootedForest

    def edges(self) -> Edges:
        """All edges, in the order of their pairs."""
        around = self.around
        sources = np.repeat(
            np.arange(len(around.starts) - 1, dtype=np.int32), np.diff(around.starts)
        )
        kept = sources < around.numbers
        return Edges(sources[kept], around.numbers[kept], around.scores[kept]).ordered()

    def path(self, source: int, target: int) -> Path | None:
        """The way whose weakest edge is strongest; of all such, one with the fewest edges."""
        found = self.forest.path(source, target)
        if found is None or source == target:
            return found
        return fewest_steps(self.around, source, target, found.weakest)


def graph_of(neighbours: Neighbours, over: Edges, *, mutual: bool = False) -> Graph:
    """All that is found out from the nearest neighbours and from the pairs over a threshold.

    Args:
        neighbours: the nearest of each row.
        over: the pairs over a threshold.
        mutual: an edge only between rows of which each is among the nearest of the other.
    """
    count = len(neighbours.numbers)
    edges = united(edges_between(neighbours, mutual=mutual), over)
    forest = maximum_spanning_forest(count, edges)
    return Graph(
        neighbours,
        over,
        adjacency(count, edges),
        linkage(count, forest),
        rooted(count, forest),
    )


def united(one: Edges, other: Edges) -> Edges:
    """The edges of both, each pair once."""
    if not len(one) or not len(other):
        return one if len(one) else other
    both = joined([one, other]).ordered()
    is_new = np.ones(len(both), np.bool_)
    is_new[1:] = (np.diff(both.first) != 0) | (np.diff(both.second) != 0)
    return both[is_new]
