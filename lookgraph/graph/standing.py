"""How rows and edges stand in the graph: hubs, loners and bridges."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.graph.edges import Adjacency, Edges, Numbers, at_least
from lookgraph.graph.neighbours import Neighbours
from lookgraph.graph.paths import RootedForest
from lookgraph.types import Integers, Vector


@dataclass(frozen=True, slots=True)
class Hubs:
    """Rows that are everyone's neighbour.

    Attributes:
        rows: those named by most first, shape (m,).
        counts: how many rows have each among their nearest.
    """

    rows: Numbers
    counts: Integers


@dataclass(frozen=True, slots=True)
class Loners:
    """Rows that are like no other.

    Attributes:
        rows: the least alike first, shape (m,).
        scores: of each one's best edge; minus infinity where it has none.
    """

    rows: Numbers
    scores: Vector


@dataclass(frozen=True, slots=True)
class Bridges:
    """Edges whose loss splits a group.

    Attributes:
        edges: those that split off most rows first; of those that split off as many, by pairs.
        sides: how many rows are left on the side of each one's first end, and of its second,
            shape (m, 2).
    """

    edges: Edges
    sides: Integers


def hubs(neighbours: Neighbours, among: NDArray[np.bool_], most: int) -> Hubs:
    """The rows that are most often among the nearest of others.

    How often is called N_k (M. Radovanovic, A. Nanopoulos and M. Ivanovic, "Hubs in space: popular
    nearest neighbors in high-dimensional data", 2010). Its mean is k; where it is many times that,
    a row is near to everything rather than like anything.

    Args:
        neighbours: of all rows.
        among: which rows count, and may be named, shape (n,).
        most: so many are named at most; none that is nobody's neighbour.
    """
    named = neighbours.numbers[among].reshape(-1)
    counts = np.where(among, np.bincount(named[named >= 0], minlength=len(among)), 0)
    rows = np.argsort(-counts, kind="stable")[:most]
    rows = rows[counts[rows] > 0]
    return Hubs(rows.astype(np.int32), counts[rows])


def loners(around: Adjacency, among: NDArray[np.bool_], most: int) -> Loners:
    """The rows whose best edge is worst.

    Args:
        around: the neighbours of each row.
        among: which rows may be named, shape (n,).
        most: so many are named at most.
    """
    best = np.full(len(among), -np.inf, np.float32)
    has_any = np.diff(around.starts) > 0
    best[has_any] = around.scores[around.starts[:-1][has_any]]
    rows = np.flatnonzero(among)
    rows = rows[np.argsort(best[rows], kind="stable")[:most]]
    return Loners(rows.astype(np.int32), best[rows])


def bridges(forest: RootedForest, edges: Edges, threshold: float, smallest: int = 2) -> Bridges:
    """The edges without which fewer rows would hang together at a threshold.

    Every bridge is an edge of the forest. One is a bridge if no other edge leads out of what hangs
    below it, which shows in the lowest and the highest number that an edge leads to, where rows are
    numbered so that what hangs below one has the numbers that follow (R. E. Tarjan, "A note on
    finding the bridges of a graph", 1974). It takes time in proportion to the rows and the edges.

    Args:
        forest: the maximum spanning forest of all edges.
        edges: all of them, in any order.
        threshold: edges of a lower score do not count.
        smallest: only bridges that leave so many rows on either side, at least 1.
    """
    tree = _cut(forest, threshold)
    over = edges.over(threshold)
    first, second = tree.numbers[over.first], tree.numbers[over.second]
    in_forest = (tree.parents[over.first] == over.second) | (
        tree.parents[over.second] == over.first
    )
    lowest, highest = tree.numbers.copy(), tree.numbers.copy()
    for here, there in ((over.first, second), (over.second, first)):
        np.minimum.at(lowest, here[~in_forest], there[~in_forest])
        np.maximum.at(highest, here[~in_forest], there[~in_forest])
    lowest, highest = _reached(tree, lowest, highest)
    is_shut = (lowest >= tree.numbers) & (highest < tree.numbers + tree.sizes)
    below = np.where(tree.parents[over.first] == over.second, over.first, over.second)
    hanging = tree.sizes[below]
    rest = tree.sizes[tree.roots[below]] - hanging
    kept = in_forest & is_shut[below] & (np.minimum(hanging, rest) >= smallest)
    sides = np.where((below == over.first)[:, None], _pairs(hanging, rest), _pairs(rest, hanging))
    found, sides = over[kept], sides[kept]
    order = np.lexsort((found.second, found.first, -sides.min(axis=1)))
    return Bridges(found[order], sides[order])


@dataclass(frozen=True, slots=True)
class _Tree:
    """A forest whose rows are numbered so that what hangs below one has the numbers that follow.

    Attributes:
        parents: of each row; a root's is itself.
        downward: all rows, each behind its parent.
        numbers: of each row.
        sizes: how many rows hang below each, itself counted.
        roots: the root that each hangs from.
    """

    parents: Numbers
    downward: Integers
    numbers: Integers
    sizes: Integers
    roots: Integers


def _cut(forest: RootedForest, threshold: float) -> _Tree:
    """The forest without its edges below a threshold."""
    count = len(forest.parents)
    everyone = np.arange(count, dtype=np.int32)
    parents = np.where(at_least(forest.scores, threshold), forest.parents, everyone)
    downward = np.argsort(forest.depths, kind="stable")
    above, order = parents.tolist(), downward.tolist()
    sizes = [1] * count
    for row in reversed(order):
        if above[row] != row:
            sizes[above[row]] += sizes[row]
    numbers, roots, free, next_root = [0] * count, list(range(count)), [0] * count, 0
    for row in order:
        parent = above[row]
        if parent == row:
            numbers[row], next_root = next_root, next_root + sizes[row]
        else:
            numbers[row], roots[row] = free[parent], roots[parent]
            free[parent] += sizes[row]
        free[row] = numbers[row] + 1
    found = (np.array(values, np.int64) for values in (numbers, sizes, roots))
    return _Tree(parents, downward, *found)


def _reached(tree: _Tree, lowest: Integers, highest: Integers) -> tuple[Integers, Integers]:
    """Of what hangs below each row, the lowest and the highest number that it is tied to."""
    low, high = lowest.tolist(), highest.tolist()
    above = tree.parents.tolist()
    for row in reversed(tree.downward.tolist()):
        parent = above[row]
        low[parent] = min(low[parent], low[row])
        high[parent] = max(high[parent], high[row])
    return np.array(low, np.int64), np.array(high, np.int64)


def _pairs(one: Integers, other: Integers) -> Integers:
    return np.stack([one, other], axis=1)
