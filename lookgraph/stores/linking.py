"""From all embeddings of a space to the edges between them, and to a graph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.graph.edges import Edges, adjacency, no_edges
from lookgraph.graph.following import Change, Finder, followed
from lookgraph.graph.forest import maximum_spanning_forest
from lookgraph.graph.graph import Graph, united
from lookgraph.graph.groups import linkage
from lookgraph.graph.neighbours import Neighbours, edges_between
from lookgraph.graph.paths import rooted
from lookgraph.index import batches
from lookgraph.ranking.propagation import NEIGHBOURS, norms
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.nearest import nearest_in
from lookgraph.stores.thresholds import pairs_over
from lookgraph.types import Integers, Matrix, Metric, Neighbour, Rows, Vector


@dataclass(frozen=True, slots=True)
class Embeddings:
    """What some pictures hold of a space, in the order in which they were stored.

    Attributes:
        ids: of the pictures.
        numbers: their rows in the library, rising, shape (n,).
        rows: the embeddings, float16, shape (n, d); zero where there is no sound one.
        sound: which can be compared, shape (n,).
        live: which pictures have a file, shape (n,).
        inside: which are in the graph, shape (n,).
    """

    ids: tuple[str, ...]
    numbers: Integers
    rows: Rows
    sound: NDArray[np.bool_]
    live: NDArray[np.bool_]
    inside: NDArray[np.bool_]


def no_embeddings(dimension: int) -> Embeddings:
    """None, of so many numbers."""
    none = np.empty(0, np.bool_)
    rows = np.empty((0, dimension), np.float16)
    return Embeddings((), np.empty(0, np.int64), rows, none, none, none)


@dataclass(frozen=True, slots=True)
class EdgeFinder:
    """Finds the edges of a graph."""

    held: Embeddings
    metric: Metric
    wanted: GraphWanted
    progress: Callable[[float], None]

    def found(self, known: Edges | None) -> Edges:
        """All of them, in the order of their pairs.

        Args:
            known: those of the pictures that are in the graph; None to begin from nothing.

        Raises:
            GraphTooLargeError: more pairs reach the threshold than are wanted.
        """
        held, wanted = self.held, self.wanted
        usable = held.sound & held.live
        old = held.inside if known is not None else np.zeros(len(usable), np.bool_)
        change = Change.between(old, usable)
        before, near = no_edges(), None
        if known is not None:
            if wanted.threshold is not None:
                before = known.over(wanted.threshold)
            near = nearest_in(adjacency(len(usable), known), wanted.neighbours)
        over = pairs_over(held.rows, self.metric, wanted, change, before, self.progress)
        neighbours = self._neighbours(change, near, usable)
        return united(edges_between(neighbours, mutual=wanted.mutual), over).ordered()

    def _neighbours(
        self, change: Change, known: Neighbours | None, usable: NDArray[np.bool_]
    ) -> Neighbours:
        begun = 0.5 if self.wanted.threshold is not None else 0.0
        hidden = None if usable.all() else np.flatnonzero(~usable)

        def search(queries: Matrix, k: int) -> Sequence[Sequence[Neighbour]]:
            return batches.nearest_many(self.held.rows, queries, k, self.metric, hidden)

        return followed(
            known,
            change,
            self.wanted.neighbours,
            Finder(self.held.rows, self.metric, search),
            lambda done: self.progress(begun + (1 - begun) * done),
        )


def norms_of(held: Embeddings, edges: Edges, metric: Metric) -> Vector:
    """What ranking keeps of each picture, shape (n,); 0 where the metric is not the cosine.

    Args:
        held: the pictures.
        edges: between their places.
        metric: how they are compared.
    """
    usable = held.sound & held.live
    found = np.zeros(len(usable), np.float32)
    if metric is Metric.COSINE:
        near = nearest_in(adjacency(len(usable), edges), NEIGHBOURS)
        found[usable] = norms(held.rows, near, np.flatnonzero(usable))
    return found


def graph_between(count: int, edges: Edges, wanted: GraphWanted) -> Graph:
    """A graph by its edges alone.

    Args:
        count: of rows.
        edges: between them.
        wanted: what it was made as.
    """
    around, forest = adjacency(count, edges), maximum_spanning_forest(count, edges)
    return Graph(
        nearest_in(around, wanted.neighbours),
        no_edges() if wanted.threshold is None else edges.over(wanted.threshold),
        around,
        linkage(count, forest),
        rooted(count, forest),
    )
