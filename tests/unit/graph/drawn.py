"""Graphs and rows that hypothesis draws."""

import networkx
import numpy as np
from hypothesis import strategies as st

from lookgraph.graph.edges import Edges

LEVELS = np.linspace(-1, 1, 9, dtype=np.float32)
"""So few scores that most of them tie."""


@st.composite
def graphs(draw: st.DrawFn, largest: int = 40) -> tuple[int, Edges]:
    """How many rows, and edges between some of them, in any order. Many rows have none."""
    count = draw(st.integers(1, largest))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    pairs = np.array([(i, j) for j in range(count) for i in range(j)], np.int32).reshape(-1, 2)
    share = draw(st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]))
    chosen = rng.permutation(pairs)[: round(share * len(pairs))]
    scores = rng.choice(LEVELS, len(chosen))
    if draw(st.booleans()):
        scores = rng.uniform(-1, 1, len(chosen)).astype(np.float32)
    return count, Edges(chosen[:, 0], chosen[:, 1], scores)


def as_networkx(count: int, edges: Edges, threshold: float = -2.0) -> networkx.Graph:
    """The same graph, without the edges below a threshold."""
    graph = networkx.Graph()
    graph.add_nodes_from(range(count))
    triples = zip(edges.first.tolist(), edges.second.tolist(), edges.scores.tolist(), strict=True)
    graph.add_weighted_edges_from(edge for edge in triples if edge[2] >= threshold)
    return graph
