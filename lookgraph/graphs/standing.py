"""Hubs, bridges and loners, for people."""

import numpy as np

from lookgraph.graph import standing
from lookgraph.graphs.results import Bridge, Hub
from lookgraph.graphs.seen import Seen
from lookgraph.types import Hit


def hubs(seen: Seen, most: int) -> tuple[Hub, ...]:
    """The pictures that are among the nearest of most others."""
    found = standing.hubs(seen.graph.neighbours, seen.live(), most)
    rows = found.rows.astype(np.int64)
    hits = seen.hits(rows, seen.best_scores(rows))
    return tuple(Hub(hit, times) for hit, times in zip(hits, found.counts.tolist(), strict=True))


def loners(seen: Seen, most: int) -> tuple[Hit, ...]:
    """The pictures whose best edge is worst."""
    found = standing.loners(seen.graph.around, seen.live(), most)
    rows = found.rows.astype(np.int64)
    return seen.hits(rows, seen.best_scores(rows))


def bridges(seen: Seen, threshold: float, smallest: int, most: int) -> tuple[Bridge, ...]:
    """The edges over a threshold whose loss splits a group, those that split off most first."""
    found = standing.bridges(seen.graph.forest, seen.graph.edges(), threshold, smallest)
    live = seen.live()
    kept = np.flatnonzero(live[found.edges.first] & live[found.edges.second])[:most]
    edges, sides = found.edges[kept], found.sides[kept]
    rows = np.stack([edges.first, edges.second], axis=1).reshape(-1).astype(np.int64)
    scores = np.repeat(edges.scores, 2)
    hits = seen.hits(rows, scores)
    return tuple(
        Bridge(first, second, (one, other))
        for first, second, (one, other) in zip(hits[::2], hits[1::2], sides.tolist(), strict=True)
    )
