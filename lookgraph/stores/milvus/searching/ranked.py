"""Putting what was found in order anew, through the graph and as people have said.

What that takes is gathered: the pictures that were found, those that are said to be the same, and
those that speak for all of these, a few hundred. Among them it is done as in a local library.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lookgraph.graph.neighbours import Neighbours
from lookgraph.index.by_codes import Shortlist
from lookgraph.index.coded import Allowed
from lookgraph.ranking.judged import Said, judged
from lookgraph.ranking.propagation import NEIGHBOURS
from lookgraph.stores.judged import as_rows
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.embeddings import Stored, stored_with
from lookgraph.stores.milvus.graphing import Linked, linked_with
from lookgraph.stores.milvus.records import StoredSpace, pictures_with
from lookgraph.stores.milvus.searching.finding import Finder, Found, Near
from lookgraph.stores.ranked import SPEAKING, Asked, ranked, wanted
from lookgraph.types import Integers, Neighbour, Rows, Vector, Verdict


@dataclass(frozen=True, slots=True)
class RankedOne:
    """A picture that was found, and what it is ranked by."""

    near: Near
    rank_score: float


@dataclass(frozen=True, slots=True)
class _Gathered:
    """The embeddings that ranking looks at (`lookgraph.index.coded.RowSource`)."""

    mapped: Rows

    def take(self, numbers: Integers) -> Rows:
        """Those with these numbers."""
        return np.asarray(self.mapped[numbers])


class Ranker:
    """Ranks what a finder finds."""

    def __init__(
        self, connection: Connection, names: Names, stored: StoredSpace, verdicts: Sequence[Verdict]
    ) -> None:
        """Nothing is asked yet.

        Args:
            connection: to the server.
            names: of the library.
            stored: the space, which has a graph.
            verdicts: all that was said.
        """
        self._connection = connection
        self._names = names
        self._stored = stored
        self._verdicts = verdicts
        self._ids = sorted({id_ for its in verdicts for id_ in (its.first, its.second)})
        numbers = {id_: number for number, id_ in enumerate(self._ids)}
        self._numbers = numbers
        self._judged = judged(as_rows(verdicts, numbers)) if verdicts else {}

    def ranked(self, finder: Finder, query: Vector, k: int, asked: str | None) -> list[RankedOne]:
        """The best k for a query, as `lookgraph.stores.ranked.ranked` puts them in order.

        Args:
            finder: finds the shortlist.
            query: shape (d,).
            k: how many are wanted.
            asked: the id of the picture that the query is, where it is one.
        """
        most = wanted(k, [] if asked is None else self._said([asked]))
        (found,) = finder.nearest(query[np.newaxis], max(most, SPEAKING))
        if not found:
            return []
        itself = self._live([] if asked is None else [asked])
        every = {near.stored.id: near.stored for near in found} | itself
        same = {self._ids[n] for its in self._said(every) for n in its.same.tolist()}
        others = self._live(sorted(same - every.keys()))
        pulled = finder.allowed(sorted(others))
        every |= others
        linked = linked_with(self._connection, self._names, self._stored, every)
        lacking = {id_ for its in linked.values() for id_ in its.near} - every.keys()
        speaking = stored_with(self._connection, self._names, self._stored.space, sorted(lacking))
        lively = every.keys() | self._live(sorted(lacking & self._numbers.keys())).keys()
        gathered = sorted((every | speaking).values(), key=lambda its: its.number)
        place_of = {its.id: place for place, its in enumerate(gathered)}
        may = np.zeros(len(gathered), np.bool_)
        may[[place_of[id_] for id_ in (*(near.stored.id for near in found), *pulled)]] = True
        best = ranked(
            _Gathered(np.stack([its.row for its in gathered])),
            _speakers(linked, place_of),
            np.array([_norm(linked.get(its.id)) for its in gathered], np.float32),
            _shortlist(found, place_of, max(k, SPEAKING)),
            k,
            Asked(
                query,
                None if asked is None else place_of.get(asked),
                Allowed(may),
                judged(as_rows(self._verdicts, {id_: place_of[id_] for id_ in lively})),
            ),
        )
        return [
            RankedOne(Near(gathered[one.row], one.score), rank_score)
            for one, rank_score in zip(best.neighbours, best.rank_scores, strict=True)
        ]

    def _said(self, ids: Iterable[str]) -> list[Said]:
        """What people have said of pictures, by places in `_ids`."""
        numbers = (self._numbers[id_] for id_ in ids if id_ in self._numbers)
        return [self._judged[number] for number in numbers]

    def _live(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The embeddings of those of some pictures that have a file."""
        if not ids:
            return {}
        known = pictures_with(self._connection, self._names, ids)
        live = [id_ for id_, its in known.items() if its.is_live(self._stored)]
        return stored_with(self._connection, self._names, self._stored.space, live)


def _speakers(linked: Mapping[str, Linked], place_of: Mapping[str, int]) -> Neighbours:
    """Who speaks for each of the pictures that were gathered."""
    numbers = np.full((len(place_of), NEIGHBOURS), -1, np.int32)
    scores = np.full(numbers.shape, -np.inf, np.float32)
    for id_, its in linked.items():
        told = [(place_of[one], score) for one, score in zip(its.near, its.near_scores, strict=True)
                if one in place_of]  # fmt: skip
        for column, (place, score) in enumerate(told[:NEIGHBOURS]):
            numbers[place_of[id_], column], scores[place_of[id_], column] = place, score
    return Neighbours(numbers, scores)


def _norm(linked: Linked | None) -> float:
    """The length of a picture with those that speak for it; nobody speaks for a new one."""
    return linked.norm if linked else 1.0


def _shortlist(found: Found, place_of: Mapping[str, int], scored: int) -> Shortlist:
    nearest = [Neighbour(place_of[near.stored.id], near.score) for near in found[:scored]]
    more = sorted(place_of[near.stored.id] for near in found[scored:])
    return Shortlist(nearest, np.array(more, np.int64))
