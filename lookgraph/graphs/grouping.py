"""Which pictures hang together."""

from collections.abc import Sequence

import numpy as np

from lookgraph.graph.communities import communities
from lookgraph.graph.edges import Adjacency, Edges, at_least
from lookgraph.graph.verdicts import members, respecting
from lookgraph.graphs.results import Group, GroupStart
from lookgraph.graphs.seen import Seen
from lookgraph.types import Array


def components(seen: Seen, threshold: float, smallest: int) -> list[Array]:
    """The rows of each group at a threshold, as people have said that they are; the largest first.

    Only rows of pictures that are still there are in them.
    """
    graph, verdicts = seen.graph, seen.view.verdicts()
    if len(verdicts):
        labels = respecting(graph.linkage.labels(threshold), graph.around, threshold, verdicts)
        return _live(seen, members(labels, smallest), smallest)
    return _live(seen, graph.linkage.groups(threshold, smallest), smallest)


def found_communities(
    seen: Seen, threshold: float, resolution: float, smallest: int
) -> list[Array]:
    """As `components`, but of communities: where edges are denser than elsewhere."""
    graph, verdicts = seen.graph, seen.view.verdicts()
    count = len(graph.around.starts) - 1
    labels = communities(count, kept_edges(seen, threshold), resolution=resolution)
    if len(verdicts):
        labels = respecting(labels, graph.around, threshold, verdicts)
    return _live(seen, members(labels, smallest), smallest)


def kept_edges(seen: Seen, threshold: float) -> Edges:
    """The edges over a threshold between pictures that are still there."""
    edges, live = seen.graph.edges().over(threshold), seen.live()
    return edges[live[edges.first] & live[edges.second]]


def _live(seen: Seen, groups: Sequence[Array], smallest: int) -> list[Array]:
    live = seen.live()
    kept = (rows[live[rows]] for rows in groups)
    return [rows for rows in kept if len(rows) >= smallest]


def as_groups(seen: Seen, groups: Sequence[Array], threshold: float) -> tuple[Group, ...]:
    """Groups for people, each with its most central picture first."""
    strength = strengths(seen.graph.around, threshold)
    return tuple(_group(seen, rows, strength) for rows in groups)


def as_starts(
    seen: Seen, groups: Sequence[Array], threshold: float, most: int
) -> tuple[GroupStart, ...]:
    """As `as_groups`, but of each group only so many pictures; the others are only counted."""
    strength = strengths(seen.graph.around, threshold)
    found = []
    for rows in groups:
        listed, scores = _in_order(seen, rows, strength)
        hits = seen.hits(listed[:most], scores[:most])
        found.append(GroupStart(hits, len(rows), float(scores[-1])))
    return tuple(found)


def _group(seen: Seen, rows: Array, strength: Array) -> Group:
    return Group(seen.hits(*_in_order(seen, rows, strength)))


def _in_order(seen: Seen, rows: Array, strength: Array) -> tuple[Array, Array]:
    """The rows of a group as they are listed, and their scores."""
    central = most_central(rows, strength)
    others = rows[rows != central]
    scores = seen.view.scores_to(central, others)
    order = np.lexsort((others, -scores))
    listed = np.concatenate([[central], others[order]])
    its_own = seen.view.scores_to(central, listed[:1])
    return listed, np.concatenate([its_own, scores[order]])


def most_central(rows: Array, strength: Array) -> int:
    """The row that is most alike to its neighbours; of several, the first."""
    return int(rows[np.argmax(strength[rows])])


def strengths(around: Adjacency, threshold: float) -> Array:
    """How much each row is alike to its neighbours over a threshold, in all; shape (n,).

    What a score is over the threshold counts, and each neighbour as much as the least, so that
    more of them count for more where scores are negative too.
    """
    over = at_least(around.scores, threshold)
    counted = np.where(over, around.scores.astype(np.float64) - threshold + 1, 0)
    sums = np.concatenate([[0.0], np.cumsum(counted)])
    return np.asarray(sums[around.starts[1:]] - sums[around.starts[:-1]])
