"""Putting what was found in order anew, through the graph."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lookgraph.index.coded import RowSource
from lookgraph.ranking.propagation import NEIGHBOURS, Propagation, speaking
from lookgraph.stores.graphs import StoredGraph
from lookgraph.types import Neighbour, Vector


class Ranked(NamedTuple):
    """Rows that were found, best first, and what each was ranked by."""

    neighbours: list[Neighbour]
    rank_scores: list[float]


def is_able(held: StoredGraph) -> bool:
    """Whether a graph can rank: for cosines, and where neighbours are known."""
    return len(held.norms) > 0 and held.graph.neighbours.numbers.shape[1] > 0


def ranked(
    rows: RowSource,
    held: StoredGraph,
    query: Vector,
    found: Sequence[Neighbour],
    k: int,
    itself: int | None,
) -> Ranked:
    """The best of what was found for a query; of those that tie, the higher score first.

    Args:
        rows: all of them.
        held: the graph.
        query: shape (d,).
        found: the shortlist, best first.
        k: how many are wanted.
        itself: the row that is the query, where it is one; it stays first.
    """
    if not found:
        return Ranked([], [])
    propagation = Propagation(rows, speaking(held.graph.neighbours), held.norms)
    nearest = [one for one in found if one.row != itself][:NEIGHBOURS]
    numbers = np.array([one.row for one in found])
    scores = propagation.scores(query, nearest, numbers, itself).tolist()
    order = sorted(
        range(len(found)),
        key=lambda i: (found[i].row != itself, -scores[i], -found[i].score, found[i].row),
    )[:k]
    return Ranked([found[i] for i in order], [scores[i] for i in order])
