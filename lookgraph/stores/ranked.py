"""Putting what was found in order anew, through the graph, and as people have said."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lookgraph.graph.neighbours import Neighbours
from lookgraph.index.by_codes import Shortlist, nearest_among
from lookgraph.index.coded import Allowed, RowSource
from lookgraph.ranking.judged import Judged, Said
from lookgraph.ranking.propagation import NEIGHBOURS, SHORTLIST, Propagation, speaking
from lookgraph.types import Integers, Metric, Neighbour, Vector

SPEAKING = NEIGHBOURS + 1
"""So many rows are to be found with their scores: the query may be one of them."""

_NOTHING = Said(np.empty(0, np.int64), np.empty(0, np.int64))


class Ranked(NamedTuple):
    """Rows that were found, best first, and what each was ranked by."""

    neighbours: list[Neighbour]
    rank_scores: list[float]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query is answered with.

    Attributes:
        query: shape (d,).
        itself: the row that is the query, where it is one.
        allowed: which rows may answer; None for all.
        judged: what people have said.
    """

    query: Vector
    itself: int | None
    allowed: Allowed | None
    judged: Judged

    @property
    def said(self) -> Said:
        """What they have said of the query."""
        return _NOTHING if self.itself is None else self.judged.get(self.itself, _NOTHING)


def ranked(
    rows: RowSource, near: Neighbours, norms: Vector, found: Shortlist, k: int, asked: Asked
) -> Ranked:
    """The best of what was found for a query; of those that tie, the lower number first.

    What is the same as one that was found is ranked with it. Where the query is a picture of the
    library, it comes first, and then what is the same, whatever their rank scores: only behind
    these do they descend. What is different from it is left out.

    Args:
        rows: all of them.
        near: the nearest of each row of the graph.
        norms: what ranking keeps of each (`lookgraph.ranking.propagation.norms`).
        found: the shortlist: `SPEAKING` or more with their scores, and as many as `wanted` says in
            all.
        k: how many are wanted.
        asked: the query.
    """
    nearest = [one for one in found.nearest if one.row != asked.itself][:NEIGHBOURS]
    numbers = np.concatenate([[one.row for one in found.nearest], found.more]).astype(np.int64)
    if asked.judged:
        numbers = _as_said(numbers, asked)
    if not len(numbers):
        return Ranked([], [])
    propagation = Propagation(rows, speaking(near), norms, asked.judged)
    scores = propagation.scores(asked.query, nearest, numbers, asked.itself)
    keys = (numbers, -scores, ~np.isin(numbers, asked.said.same), numbers != asked.itself)
    order = np.lexsort(keys)
    known = {one.row: one for one in found.nearest}
    best: list[int] = []
    for start in range(0, len(order), k):  # the first are enough, if no row is damaged
        part = order[start : start + k]
        lacking = np.array(sorted(row for row in numbers[part].tolist() if row not in known), int)
        (more,) = nearest_among(rows, lacking, asked.query[np.newaxis], k, Metric.COSINE)
        known.update((one.row, one) for one in more)
        best += [i for i in part.tolist() if numbers[i] in known]
        if len(best) >= k:
            break
    return Ranked([known[numbers[i]] for i in best[:k]], scores[best[:k]].tolist())


def _as_said(numbers: Integers, asked: Asked) -> Integers:
    """What was found without what is different from the query, and with what is the same."""
    kept = numbers[~np.isin(numbers, asked.said.different)]
    said = (asked.judged.get(row) for row in kept.tolist())
    pulled = np.concatenate([asked.said.same, *(its.same for its in said if its)])
    more = np.setdiff1d(pulled, kept)
    if asked.allowed is not None:
        more = more[asked.allowed.mask[more]]
    return np.concatenate([kept, more])


def wanted(k: int, said: Iterable[Said]) -> int:
    """How many rows to search for, so that k are left of them for each query.

    Args:
        k: how many are wanted.
        said: what people have said of the queries.
    """
    return max(SHORTLIST, k + max((len(its.different) for its in said), default=0))
