"""A graph that was read from a server, and is looked at here."""

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lookgraph.errors import LibraryDamagedError
from lookgraph.graph.graph import Graph
from lookgraph.graph.scores import exact_scores
from lookgraph.graph.verdicts import Verdicts
from lookgraph.stores.base import Match
from lookgraph.stores.judged import as_rows
from lookgraph.types import Array, Integers, Metric, Rows, Verdict

_AT_ONCE = 1024
"""Embeddings in one question."""

_TRIES = 3
"""A graph is read so often again if somebody has written meanwhile; then it is taken as it is."""


@dataclass(frozen=True)
class Members:
    """Pictures of a graph, by both of their names.

    Attributes:
        ids: of the pictures.
        numbers: their rows in the library, rising, shape (n,).
    """

    ids: tuple[str, ...]
    numbers: Integers

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each is, by its id."""
        return {id_: place for place, id_ in enumerate(self.ids)}

    def take(self, places: Integers) -> "Members":
        """Those at some places, which rise."""
        return Members(tuple(self.ids[place] for place in places.tolist()), self.numbers[places])


class GraphSource(Protocol):
    """Where a graph was read from, and more can be."""

    @property
    def place(self) -> str:
        """Where that is, for people."""
        ...

    def read_rows(self, members: Members, into: Rows) -> NDArray[np.bool_]:
        """Read embeddings, float16, shape (n, d), into zeros; which are there, shape (n,)."""
        ...

    def told(self, members: Members) -> Sequence[Match]:
        """What the pictures are, in their order, with 0 for a score."""
        ...

    def verdicts(self) -> Sequence[Verdict]:
        """All that was said of pairs of pictures."""
        ...


@dataclass(frozen=True)
class HeldGraph:
    """A graph that was read, between places in the order in which its pictures were stored.

    Attributes:
        source: that it was read from.
        metric: how its pictures are compared.
        dimension: of their embeddings.
        members: its pictures.
        is_live: which had a file and an embedding then, shape (n,).
        graph: itself.
    """

    source: GraphSource
    metric: Metric
    dimension: int
    members: Members
    is_live: NDArray[np.bool_]
    graph: Graph

    @cached_property
    def rows(self) -> Rows:
        """The embeddings, float16, shape (n, d), read when they are first asked for."""
        return self.take(np.arange(len(self.members.ids)))

    def take(self, places: Integers) -> Rows:
        """Some of the embeddings, shape (len(places), d).

        Raises:
            LibraryDamagedError: one that a live picture had is not there.
        """
        if "rows" in self.__dict__:
            return self.rows[places]
        wanted, back = np.unique(places, return_inverse=True)
        found = np.zeros((len(wanted), self.dimension), np.float16)
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            is_there = self.source.read_rows(
                self.members.take(part), found[start : start + _AT_ONCE]
            )
            if (self.is_live[part] & ~is_there).any():
                raise LibraryDamagedError(
                    f"{self.source.place} has pictures in its graph whose embeddings are gone or "
                    "damaged. Run `lookgraph doctor --repair`, then `lookgraph index`."
                )
        return found[back]


@dataclass(frozen=True)
class HeldGraphView:
    """See `lookgraph.stores.base.GraphView`."""

    held: HeldGraph

    @property
    def graph(self) -> Graph:
        """Itself, between numbers of rows."""
        return self.held.graph

    @property
    def rows(self) -> Rows:
        """The embeddings, read when they are first asked for."""
        return self.held.rows

    def live(self) -> NDArray[np.bool_]:
        """Which rows of the graph are of pictures that still have files, shape (rows,)."""
        return self.held.is_live.copy()

    def verdicts(self) -> Verdicts:
        """What was said of pairs of rows that are live."""
        said, row_of = self.held.source.verdicts(), self.row_of
        ids = {id_ for its in said for id_ in (its.first, its.second)}
        rows = ((id_, row_of(id_)) for id_ in ids)
        return as_rows(said, {id_: row for id_, row in rows if row is not None})

    def row_of(self, id_: str) -> int | None:
        """The row of a picture that has a file; None if it is not in the graph."""
        place = self.held.members.places.get(id_)
        return place if place is not None and self.held.is_live[place] else None

    def matches(self, rows: Integers, scores: Array) -> tuple[Match, ...]:
        """What some rows are, each with a score."""
        wanted, back = np.unique(rows, return_inverse=True)
        told = self.held.source.told(self.held.members.take(wanted))
        pairs = zip(back.tolist(), scores.tolist(), strict=True)
        return tuple(replace(told[place], score=score) for place, score in pairs)

    def scores_to(self, row: int, others: Integers) -> Array:
        """The exact scores of a row with others, shape (len(others),)."""
        wide = self.held.take(np.array([row, *others.tolist()])).astype(np.float64)
        return exact_scores(self.held.metric, np.broadcast_to(wide[0], wide[1:].shape), wide[1:])


class HeldGraphs:
    """The graphs of one library that were read, each until somebody writes."""

    def __init__(self, generation: Callable[[], int]) -> None:
        """Nothing is read yet.

        Args:
            generation: another number after each change of the library.
        """
        self._generation = generation
        self._held: dict[str, tuple[int, Hashable, HeldGraph | None]] = {}
        self._lock = threading.Lock()

    def open(
        self, name: str, made_as: Hashable, read: Callable[[], HeldGraph | None]
    ) -> HeldGraph | None:
        """The graph of a space as it is now; None if there is none.

        Args:
            name: the space's.
            made_as: what is known of the graph; one that was read as something else is read anew.
            read: reads it.
        """
        with self._lock:
            generation = self._generation()
            known = self._held.get(name)
            if known and known[:2] == (generation, made_as) and known[2]:
                return known[2]
            held = read()
            for _ in range(_TRIES):
                before, generation = generation, self._generation()
                if before == generation:  # nobody has written meanwhile
                    break
                held = read()
            self._held[name] = generation, made_as, held
            return held
