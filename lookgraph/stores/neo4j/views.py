"""What a reader sees of a space's graph: the relations that are there, whoever has made them."""

import threading
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lookgraph.errors import LibraryDamagedError
from lookgraph.graph.edges import Edges, adjacency, no_edges
from lookgraph.graph.forest import maximum_spanning_forest
from lookgraph.graph.graph import Graph
from lookgraph.graph.groups import linkage
from lookgraph.graph.paths import rooted
from lookgraph.graph.scores import exact_scores
from lookgraph.graph.verdicts import Verdicts
from lookgraph.stores.base import GraphWanted, Match
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.embeddings import as_row
from lookgraph.stores.neo4j.graphing import edges_of
from lookgraph.stores.neo4j.judged import verdict_rows
from lookgraph.stores.neo4j.nearest import nearest_in
from lookgraph.stores.neo4j.records import StoredSpace, match_map, match_of
from lookgraph.stores.neo4j.relations import read_relations
from lookgraph.types import Array, Integers, Rows

_AT_ONCE = 1024
"""Embeddings in one question."""

_TRIES = 3
"""A graph is read so often again if somebody has written meanwhile; then it is taken as it is."""


@dataclass(frozen=True)
class HeldGraph:
    """A graph that was read, between places in the order in which its pictures were stored.

    Attributes:
        connection: that it was read by.
        stored: its space.
        ids: of its pictures.
        numbers: their rows in the library, rising.
        is_live: which had a file and an embedding then.
        graph: itself.
    """

    connection: Connection
    stored: StoredSpace
    ids: tuple[str, ...]
    numbers: Integers
    is_live: NDArray[np.bool_]
    graph: Graph

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each picture is, by its id."""
        return {id_: place for place, id_ in enumerate(self.ids)}

    @cached_property
    def rows(self) -> Rows:
        """The embeddings, float16, shape (n, d), read when they are first asked for."""
        return self.take(np.arange(len(self.ids)))

    def take(self, places: Integers) -> Rows:
        """Some of the embeddings, shape (len(places), d).

        Raises:
            LibraryDamagedError: one that a live picture had is not there.
        """
        if "rows" in self.__dict__:
            return self.rows[places]
        wanted, back = np.unique(places, return_inverse=True)
        found = np.zeros((len(wanted), self.stored.space.dimension), np.float16)
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            self._read(part, found[start : start + _AT_ONCE])
        return found[back]

    def _read(self, places: Integers, into: Rows) -> None:
        names, numbers = self.connection.address.names, self.numbers[places]
        answer = self.connection.read(
            f"MATCH (n:`{names.own()}`) WHERE n.row IN $rows"
            f" RETURN n.row AS row, n.`{self.stored.property}` AS embedding",
            rows=numbers,
        )
        is_there = np.zeros(len(places), np.bool_)
        for row, embedding in answer:
            place = int(np.searchsorted(numbers, row))
            is_there[place] = as_row(embedding, into[place], self.stored.space.metric)
        if (self.is_live[places] & ~is_there).any():
            raise LibraryDamagedError(
                f"{self.connection.address} has pictures in its graph whose embeddings are gone or "
                "damaged. Run `lookgraph doctor --repair`, then `lookgraph index`."
            )


@dataclass(frozen=True)
class Neo4jGraphView:
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
        held = self.held
        said = verdict_rows(held.connection.read, held.connection.address.names, held.stored)
        return Verdicts(*(self._live_pairs(pairs) for pairs in (said.same, said.different)))

    def _live_pairs(self, pairs: Array) -> Array:
        numbers = self.held.numbers
        if not len(numbers):
            return pairs[:0]
        places = np.minimum(np.searchsorted(numbers, pairs), len(numbers) - 1)
        known = (numbers[places] == pairs) & self.held.is_live[places]
        return np.asarray(places[known.all(axis=1)], np.int32)

    def row_of(self, id_: str) -> int | None:
        """The row of a picture that has a file; None if it is not in the graph."""
        place = self.held.places.get(id_)
        return place if place is not None and self.held.is_live[place] else None

    def matches(self, rows: Integers, scores: Array) -> tuple[Match, ...]:
        """What some rows are, each with a score."""
        connection, names = self.held.connection, self.held.connection.address.names
        answer = connection.read(
            f"MATCH (n:`{names.own()}`) WHERE n.row IN $rows"
            f" RETURN n.row AS row, {match_map(names, 'n')} AS told",
            rows=self.held.numbers[np.unique(rows)],
        )
        told = {record["row"]: record["told"] for record in answer}
        pairs = zip(self.held.numbers[rows].tolist(), scores.tolist(), strict=True)
        return tuple(match_of(told[row], score) for row, score in pairs)

    def scores_to(self, row: int, others: Integers) -> Array:
        """The exact scores of a row with others, shape (len(others),)."""
        wide = self.held.take(np.array([row, *others.tolist()])).astype(np.float64)
        metric = self.held.stored.space.metric
        return exact_scores(metric, np.broadcast_to(wide[0], wide[1:].shape), wide[1:])


class GraphCache:
    """The graphs of one library that were read, each until somebody writes."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is read yet."""
        self._connection = connection
        self._held: dict[str, tuple[int, HeldGraph | None]] = {}
        self._lock = threading.Lock()

    def open(self, stored: StoredSpace) -> HeldGraph | None:
        """The graph of a space as it is now; None if there is none."""
        with self._lock:
            return self._opened(stored)

    def _opened(self, stored: StoredSpace) -> HeldGraph | None:
        name, generation = stored.space.name, self._generation()
        known = self._held.get(name)
        if known and known[0] == generation and known[1] and known[1].stored == stored:
            return known[1]
        held = read_graph(self._connection, stored)
        for _ in range(_TRIES):
            before, generation = generation, self._generation()
            if before == generation:  # nobody has written meanwhile
                break
            held = read_graph(self._connection, stored)
        self._held[name] = generation, held
        return held

    def _generation(self) -> int:
        library = self._connection.address.names.own("Library")
        (found,) = self._connection.read(
            f"MATCH (l:`{library}` {{name: 'library'}}) RETURN l.generation AS generation"
        )
        return int(found["generation"])


def read_graph(connection: Connection, stored: StoredSpace) -> HeldGraph | None:
    """Read the relations of a space; None if it has no graph."""
    names = connection.address.names
    relations = read_relations(connection, stored.relation).relations.upward()
    if stored.graph is None and not len(relations):
        return None
    related = np.unique(np.concatenate([relations.first, relations.second]))
    answer = connection.read(
        f"MATCH (n:`{names.own()}`) WHERE n.row IS NOT NULL"
        f" RETURN n.row AS row, n.`{names.id}` AS id, n.`{stored.norm}` IS NOT NULL AS inside,"
        f" n:`{names.label}` AND n.`{stored.property}` IS NOT NULL AS live ORDER BY row"
    )
    all_ = np.array([record["row"] for record in answer], np.int64)
    inside = np.array([record["inside"] for record in answer], np.bool_) | np.isin(all_, related)
    some = [answer[place] for place in np.flatnonzero(inside)]
    numbers = all_[inside]
    edges = edges_of(relations, numbers)
    return HeldGraph(
        connection,
        stored,
        tuple(str(record["id"]) for record in some),
        numbers,
        np.array([record["live"] for record in some], np.bool_),
        graph_between(len(numbers), edges, stored.graph or GraphWanted()),
    )


def graph_between(count: int, edges: Edges, wanted: GraphWanted) -> Graph:
    """A graph by its edges alone.

    Args:
        count: of rows.
        edges: between them.
        wanted: what it was made as.
    """
    around, forest = adjacency(count, edges), maximum_spanning_forest(count, edges)
    return Graph(
        nearest_in(around, wanted.neighbours),
        no_edges() if wanted.threshold is None else edges.over(wanted.threshold),
        around,
        linkage(count, forest),
        rooted(count, forest),
    )
