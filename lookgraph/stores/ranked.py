"""Putting what was found in order anew, through the graph."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lookgraph.index.coded import RowSource
from lookgraph.ranking.propagation import NEIGHBOURS, Propagation, speaking
from lookgraph.stores.base import Match
from lookgraph.stores.graphs import StoredGraph
from lookgraph.stores.views import View
from lookgraph.types import Matrix, Neighbour, Vector


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


def ranked_matches(
    view: View,
    held: StoredGraph,
    queries: Matrix,
    found: Sequence[Sequence[Neighbour]],
    k: int,
    asked: Sequence[str | None],
) -> list[tuple[Match, ...]]:
    """The best of what was found for each query, through the graph.

    Args:
        view: the library.
        held: the graph.
        queries: shape (q, d).
        found: the shortlist of each, best first.
        k: how many are wanted for each.
        asked: as `lookgraph.stores.base.Store.search` has them.
    """
    rows = [None if id_ is None else view.row_of(id_) for id_ in asked or [None] * len(queries)]
    best = [
        ranked(view.rows, held, query, its, k, row)
        for query, its, row in zip(queries, found, rows, strict=True)
    ]
    return [
        tuple(
            replace(match, rank_score=score)
            for match, score in zip(matches, one.rank_scores, strict=True)
        )
        for matches, one in zip(view.matches([one.neighbours for one in best]), best, strict=True)
    ]
