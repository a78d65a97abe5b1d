"""The maximum spanning forest: of all edges those that decide which rows hang together.

At any threshold, two rows are connected by edges that reach it exactly if they are connected by
such edges of the forest; and the way from one to the other in the forest is the one whose weakest
edge is strongest.
"""

import numpy as np

from lookgraph.graph.edges import Edges, joined
from lookgraph.types import Integers


def maximum_spanning_forest(count: int, edges: Edges) -> Edges:
    """The forest of a graph of so many rows, the best edge first.

    Edges that tie are taken in the order of their pairs, so there is only one forest, and that of a
    part of the edges together with the others has the same forest as all (O. Boruvka's algorithm;
    J. Nesetril, E. Milkova and H. Nesetrilova, "Otakar Boruvka on minimum spanning tree problem",
    2001).

    Args:
        count: how many rows.
        edges: in any order.
    """
    return _grow(count, edges)[0]


def trees(count: int, forest: Edges) -> Integers:
    """The lowest row of the tree that each of so many rows is in, shape (count,)."""
    _, tree_of = _grow(count, forest)
    lowest = np.full(count, count)
    np.minimum.at(lowest, tree_of, np.arange(count))
    return np.asarray(lowest[tree_of])


def _grow(count: int, edges: Edges) -> tuple[Edges, Integers]:
    """The forest, and for each row a number that its tree has alone."""
    left = edges.best_first()
    tree_of = np.arange(count)
    chosen: list[Edges] = []
    while len(left):
        ends = tree_of[left.first], tree_of[left.second]
        apart = ends[0] != ends[1]
        left, ends = left[apart], (ends[0][apart], ends[1][apart])
        if not len(left):
            break
        best = _best_of_each(count, *ends)
        leaders = np.flatnonzero(best < len(left))
        chosen.append(left[np.unique(best[leaders])])
        tree_of = _grown(count, leaders, best[leaders], *ends)[tree_of]
    return joined(chosen).best_first(), tree_of


def _best_of_each(count: int, one: Integers, other: Integers) -> Integers:
    """The first edge that leaves each tree; the number of edges for one that none leaves."""
    backwards = np.arange(len(one))[::-1]
    best = np.full((2, count), len(one))
    best[0, one[::-1]] = backwards  # of those that are written to one place, the last one stays
    best[1, other[::-1]] = backwards
    return np.asarray(best.min(axis=0))


def _grown(
    count: int, leaders: Integers, best: Integers, one: Integers, other: Integers
) -> Integers:
    """The tree that each tree is part of, when each has been joined along its best edge."""
    onto = np.arange(count)
    onto[leaders] = one[best] + other[best] - leaders
    # Two trees may name the same edge, and so each other. Longer rings there are none.
    mutual = (onto[onto] == np.arange(count)) & (onto > np.arange(count))
    onto[mutual] = np.flatnonzero(mutual)
    while not np.array_equal(further := onto[onto], onto):
        onto = further
    return onto
