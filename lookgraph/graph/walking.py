"""What is around a row."""

import numpy as np
from numpy.typing import NDArray

from lookgraph.graph.edges import Adjacency, at_least
from lookgraph.types import Integers


def around_row(
    around: Adjacency,
    row: int,
    depth: int,
    most: int,
    least: float,
    among: NDArray[np.bool_],
) -> tuple[Integers, Integers]:
    """The rows that few edges lead to from one, itself first, and how many edges lead to each.

    Where there are more than wanted, of the furthest those with the best edges from nearer ones
    are taken.

    Args:
        around: the neighbours of each row.
        row: where to begin.
        depth: how many edges away, at most.
        most: how many rows, at least 1.
        least: the least score of an edge.
        among: which rows may be walked to, shape (n,).
    """
    known = ~among
    known[row] = True
    rows, depths, edge = [np.array([row])], [np.zeros(1, np.int64)], np.array([row])
    left = most - 1
    for step in range(1, depth + 1):
        places, _ = around.places_of(edge)
        reached, scores = around.numbers[places], around.scores[places]
        new = ~known[reached] & at_least(scores, least)
        reached, scores = reached[new], scores[new]
        order = np.lexsort((reached, -scores))
        _, first = np.unique(reached[order], return_index=True)
        edge = reached[order][np.sort(first)[:left]].astype(np.int64)
        if not len(edge):
            break
        known[edge] = True
        left -= len(edge)
        rows.append(edge)
        depths.append(np.full(len(edge), step))
    return np.concatenate(rows), np.concatenate(depths)
