"""Ways through the graph, and what is around a picture."""

import numpy as np

from lookgraph.graph.edges import at_least
from lookgraph.graph.joining import joining_score
from lookgraph.graph.walking import around_row
from lookgraph.graphs.results import Edge
from lookgraph.graphs.seen import Seen
from lookgraph.types import Array, Hit, Integers


def way(seen: Seen, source: int, target: int) -> tuple[Hit, ...] | None:
    """The pictures on the way whose weakest edge is strongest; None if no edges lead there."""
    found = seen.graph.path(source, target)
    if found is None:
        return None
    its_own = seen.view.scores_to(source, np.array([source]))
    return seen.hits(np.array(found.rows), np.concatenate([its_own, found.scores]))


def threshold_between(seen: Seen, source: int, target: int) -> float | None:
    """The threshold from which on a way would lead from one to the other, that none leads to."""
    linkage = seen.graph.linkage
    trees = np.full(len(linkage.order), -1)
    trees[linkage.order] = np.cumsum(np.isneginf(linkage.links)) - 1
    trees[~seen.live()] = -1
    return joining_score(seen.view.rows, trees, seen.space.metric, source, target)


def neighbourhood(
    seen: Seen, row: int, depth: int, most: int, threshold: float | None
) -> tuple[tuple[Hit, ...], tuple[int, ...], tuple[Edge, ...]]:
    """The pictures around one, how far away they are, and the edges between them."""
    least = -np.inf if threshold is None else threshold
    rows, depths = around_row(seen.graph.around, row, depth, most, least, seen.live())
    scores = seen.view.scores_to(row, rows)
    order = np.lexsort((rows, -scores, depths))
    rows, depths, scores = rows[order], depths[order], scores[order]
    edges = _edges_among(seen, rows, least)
    return seen.hits(rows, scores), tuple(depths.tolist()), edges


def _edges_among(seen: Seen, rows: Integers, least: float) -> tuple[Edge, ...]:
    """The edges between some rows, by their places among them, the strongest first."""
    around = seen.graph.around
    place = np.full(len(around.starts) - 1, -1)
    place[rows] = np.arange(len(rows))
    places, sources = around.places_of(rows)
    first, second = place[sources], place[around.numbers[places]]
    scores: Array = around.scores[places]
    kept = (first < second) & (first >= 0) & at_least(scores, least)
    first, second, scores = first[kept], second[kept], scores[kept]
    order = np.lexsort((second, first, -scores))
    ends = zip(first[order].tolist(), second[order].tolist(), scores[order].tolist(), strict=True)
    return tuple(Edge(*its) for its in ends)
