"""The graph as other tools take it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lookgraph.exchange.graphs import Link, Node
from lookgraph.graph.edges import Edges
from lookgraph.graphs.seen import Seen


class Handed(NamedTuple):
    """The pictures of a graph, and the edges between their places."""

    nodes: Sequence[Node]
    edges: Edges

    def links(self) -> list[Link]:
        """The edges one by one."""
        edges = self.edges
        ends = zip(edges.first.tolist(), edges.second.tolist(), edges.scores.tolist(), strict=True)
        return [Link(*its) for its in ends]


def handed(seen: Seen) -> Handed:
    """All pictures that are still there, and the edges between them, in the order of both."""
    live = seen.live()
    rows = np.flatnonzero(live)
    matches = seen.view.matches(rows, np.zeros(len(rows)))
    nodes = [Node(match.picture, match.paths[0]) for match in matches]
    place = np.full(len(live), -1, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    edges = seen.graph.edges()
    edges = edges[live[edges.first] & live[edges.second]]
    return Handed(nodes, Edges(place[edges.first], place[edges.second], edges.scores))
