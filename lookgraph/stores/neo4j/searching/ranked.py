"""Putting what was found in order anew, through the relations and as people have said."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lookgraph.ranking.judged import Judged, Said, judged
from lookgraph.ranking.propagation import NEIGHBOURS, SHORTLIST
from lookgraph.stores.neo4j.judged import verdict_rows
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import Read, StoredSpace
from lookgraph.stores.neo4j.searching.filters import Condition
from lookgraph.stores.neo4j.searching.finding import Finder
from lookgraph.stores.neo4j.searching.propagating import Propagation
from lookgraph.types import Array, Integers, Neighbour, Vector

_SPEAKING = NEIGHBOURS + 1
"""So many pictures are to be found with their scores: the query may be one of them."""

_NOTHING = Said(np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class RankedOne:
    """A picture that was found, and what it is ranked by."""

    neighbour: Neighbour
    rank_score: float


def has_relations(read: Read, stored: StoredSpace) -> bool:
    """Whether there is a relation to rank through."""
    (found,) = read(f"MATCH ()-[r:`{stored.relation}`]->() RETURN count(r) AS count")
    return int(found["count"]) > 0


def ranked(
    finder: Finder, read: Read, query: Vector, k: int, asked: str | None
) -> tuple[list[RankedOne], bool]:
    """The best k for a query, as `lookgraph.stores.ranked.ranked` puts them in order.

    Args:
        finder: finds them.
        read: asks the server.
        query: shape (d,).
        k: how many are wanted.
        asked: the id of the picture that the query is, where it is one.

    Returns:
        them, and whether an index named the shortlist.
    """
    names, stored = finder.connection.address.names, finder.stored
    known = judged(verdict_rows(read, names, stored))
    itself = None if asked is None else _row_of(read, names, stored, asked)
    said = _NOTHING if itself is None else known.get(itself, _NOTHING)
    wanted = max(SHORTLIST, k + len(said.different))
    found = finder.find(read, query, max(k, _SPEAKING), wanted)
    rows = np.array([one.row for one in found.nearest], np.int64)
    rows = np.concatenate([rows, found.more])[:wanted]
    if known:
        rows = _as_said(read, names, finder.condition, rows, known, said)
    if not len(rows):
        return [], found.by_index
    nearest = [one for one in found.nearest if one.row != itself][:NEIGHBOURS]
    ranking = Propagation(
        finder.look(read, query), finder.connection.server, known, itself, found.known
    )
    scores = ranking.scores(nearest, rows)
    order = np.lexsort((rows, -scores, ~np.isin(rows, said.same), rows != itself))
    best = _shown(ranking, rows[order], scores[order], found.nearest, k)
    return best, found.by_index


def _row_of(read: Read, names: Names, stored: StoredSpace, id_: str) -> int | None:
    found = read(
        f"MATCH (n:`{names.label}`:`{names.own()}` {{`{names.id}`: $id}})"
        f" WHERE n.`{stored.property}` IS NOT NULL RETURN n.row AS row",
        id=id_,
    )
    return int(found[0]["row"]) if found else None


def _as_said(
    read: Read, names: Names, condition: Condition, rows: Integers, known: Judged, said: Said
) -> Integers:
    """What was found without what is different from the query, and with what is the same."""
    kept = rows[~np.isin(rows, said.different)]
    of_kept = (known.get(row) for row in kept.tolist())
    pulled = np.concatenate([said.same, *(its.same for its in of_kept if its)])
    more = np.setdiff1d(pulled, kept)
    if len(more) and condition.text:
        found = read(
            f"MATCH (n:`{names.own()}`) WHERE n.row IN $pulled{condition.text} RETURN n.row AS row",
            pulled=more,
            **condition.values,
        )
        more = np.array([one["row"] for one in found], np.int64)
    return np.concatenate([kept, more])


def _shown(
    ranking: Propagation, rows: Integers, scores: Array, nearest: Iterable[Neighbour], k: int
) -> list[RankedOne]:
    """The first k, each with its own exact score; what is gone or damaged is left out."""
    known = {one.row: one for one in nearest}
    best: list[RankedOne] = []
    for start in range(0, len(rows), k):  # the first are enough, if none is damaged
        part = rows[start : start + k].tolist()
        lacking = [row for row in part if row not in known]
        known |= {one.row: one for one in ranking.look.scores(ranking.embeddings(lacking))}
        best += [
            RankedOne(known[row], float(score))
            for row, score in zip(part, scores[start : start + k], strict=True)
            if row in known
        ]
        if len(best) >= k:
            break
    return best[:k]
