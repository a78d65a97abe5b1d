"""Searches of a local library that are put in order through its graph."""

from collections.abc import Sequence
from dataclasses import replace

from lookgraph.index.by_codes import Shortlist
from lookgraph.index.coded import Allowed, RowSource
from lookgraph.ranking.judged import Judged, judged
from lookgraph.stores.base import Match
from lookgraph.stores.graphs import StoredGraph
from lookgraph.stores.ranked import Asked, ranked, wanted
from lookgraph.stores.views import View
from lookgraph.types import Matrix


def is_able(held: StoredGraph) -> bool:
    """Whether a graph can rank: for cosines, and where neighbours are known."""
    return len(held.norms) > 0 and held.graph.neighbours.numbers.shape[1] > 0


def wanted_for(view: View, k: int, asked: Sequence[str | None]) -> int:
    """How many rows to search for, so that k are left of them for each query.

    Args:
        view: the library.
        k: how many are wanted.
        asked: as `lookgraph.stores.base.Store.search` has them.
    """
    known = _judged(view)
    rows = [view.row_of(id_) for id_ in asked if id_ is not None] if known else []
    return wanted(k, [known[row] for row in rows if row is not None and row in known])


def ranked_matches(
    view: View,
    rows: RowSource,
    held: StoredGraph,
    queries: Matrix,
    found: Sequence[Shortlist],
    k: int,
    asked: Sequence[str | None],
    allowed: Allowed | None = None,
) -> list[tuple[Match, ...]]:
    """The best of what was found for each query, through the graph.

    Args:
        view: the library.
        rows: its embeddings.
        held: the graph.
        queries: shape (q, d).
        found: the shortlist of each, as `ranked` takes it.
        k: how many are wanted for each.
        asked: as `lookgraph.stores.base.Store.search` has them.
        allowed: which rows may answer; None for all.
    """
    known = _judged(view)
    own = [None if id_ is None else view.row_of(id_) for id_ in asked or [None] * len(queries)]
    best = [
        ranked(rows, held.graph.neighbours, held.norms, its, k, Asked(query, row, allowed, known))
        for query, its, row in zip(queries, found, own, strict=True)
    ]
    return [
        tuple(
            replace(match, rank_score=score)
            for match, score in zip(matches, one.rank_scores, strict=True)
        )
        for matches, one in zip(view.matches([one.neighbours for one in best]), best, strict=True)
    ]


def _judged(view: View) -> Judged:
    """What people have said of the rows; read again only after the database has changed."""
    return view.reader.once(("judged", view.stored.number), lambda: judged(view.verdicts()))
