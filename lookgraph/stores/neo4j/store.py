"""The store in a Neo4j database: nodes for files and pictures, and relations between these."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lookgraph.config import RECALL
from lookgraph.errors import GraphNotFoundError, UsageError
from lookgraph.index import exact
from lookgraph.stores.base import Alike, Answer, Check, Embedded, GraphStatus, Status
from lookgraph.stores.cypher import Table
from lookgraph.stores.held import HeldGraph, HeldGraphs, HeldGraphView
from lookgraph.stores.keys import path_of
from lookgraph.stores.linking import no_embeddings
from lookgraph.stores.neo4j import files, verdicts
from lookgraph.stores.neo4j.checks import checks
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.client.lock import writers_turn
from lookgraph.stores.neo4j.client.server import check_kind
from lookgraph.stores.neo4j.embeddings import embedded_pictures, read_embedding, read_embeddings
from lookgraph.stores.neo4j.records import StoredSpace, find_space, stored_spaces
from lookgraph.stores.neo4j.schema import check_library, has_library, make_library
from lookgraph.stores.neo4j.searching.own_queries import own_query
from lookgraph.stores.neo4j.searching.searches import Searches
from lookgraph.stores.neo4j.standing import graph_status_of, standing
from lookgraph.stores.neo4j.statuses import status_of
from lookgraph.stores.neo4j.sweeping import damaged_ids
from lookgraph.stores.neo4j.views import generation_of, read_graph
from lookgraph.stores.neo4j.writer import Neo4jWriter
from lookgraph.stores.served import alike_held, cache_for, without_folder
from lookgraph.types import (
    EVERYTHING,
    Entry,
    IndexKind,
    KnownFile,
    Matrix,
    Metric,
    Patterns,
    Ranking,
    Selection,
    Space,
    Vector,
    Verdict,
)


class Neo4jStore:
    """A library in a database. Making one of these asks nothing.

    It can be used from several threads. Readers see what has been committed; one call may ask
    several questions, between which somebody may write.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._names = connection.address.names
        self._searches = Searches(connection)
        self._graphs = HeldGraphs(partial(generation_of, connection))
        self._is_there = False

    def close(self) -> None:
        """Hang up; the next question connects again."""
        self.connection.close()

    def check_index(self, space: Space, kind: IndexKind) -> None:
        """As `lookgraph.stores.base.Store.check_index`."""
        check_kind(self.connection.server, space, kind)

    def exists(self) -> bool:
        """Whether there is a library in the database."""
        return has_library(self.connection)

    @contextmanager
    def write(self) -> Iterator[Neo4jWriter]:
        """As `lookgraph.stores.base.Store.write`; makes the library where there is none.

        Raises:
            UsageError: it is a mirror of another library.
        """
        make_library(self.connection)
        if (mirrored := self._fact("mirror_of")) is not None:
            raise UsageError(
                f"{self.place} is a mirror of the library {mirrored}: change that one, and then "
                "`lookgraph export` again."
            )
        with writers_turn(self.connection) as turn:
            yield Neo4jWriter(self.connection, turn)

    @property
    def place(self) -> str:
        """As `lookgraph.stores.base.Store.place`: its address."""
        return str(self.connection.address)

    @property
    def folder(self) -> None:
        """As `lookgraph.stores.base.Store.folder`: it is in none."""

    @property
    def cache(self) -> Path:
        """As `lookgraph.stores.base.Store.cache`: a folder of its own in the user's cache."""
        return cache_for("neo4j", self.place)

    @property
    def root(self) -> Path:
        """The folder that the paths are relative to.

        Raises:
            LibraryNotFoundError: there is no library, or its first writer ended before it told.
        """
        self._check()
        found = self._fact("root")
        if found is None:
            raise without_folder(self.place)
        return Path(path_of(str(found)))

    @property
    def patterns(self) -> Patterns:
        """Which of its files belong to the library."""
        self._check()
        return Patterns(self._globs("include"), self._globs("exclude"))

    def spaces(self) -> tuple[Space, ...]:
        """In the order in which they were made."""
        self._check()
        return tuple(its.space for its in stored_spaces(self.connection.read, self._names))

    def network(self, space: Space) -> str | None:
        """As `lookgraph.stores.base.Store.network`."""
        self._check()
        found = self.connection.read(
            f"MATCH (s:`{self._names.own('Space')}` {{name: $name}}) RETURN s.network AS network",
            name=space.name,
        )
        return found[0]["network"] if found else None

    def known_files(self, space: Space, under: str = "") -> Iterator[KnownFile]:
        """As `lookgraph.stores.base.Store.known_files`; none where there is no library yet."""
        if self.exists():
            stored = find_space(self.connection.read, self._names, space)
            yield from files.known_files(self.connection.read, self._names, stored, under)

    def search(
        self,
        space: Space,
        queries: Matrix,
        k: int,
        among: Selection = EVERYTHING,
        recall: float = RECALL,
        ranking: Ranking = Ranking.COSINE,
        asked: Sequence[str | None] = (),
    ) -> list[Answer]:
        """As `lookgraph.stores.base.Store.search`."""
        stored = self._stored(space)
        if stored is None:
            for query in queries[:1]:
                exact.check(np.empty((0, space.dimension), np.float16), query, k)
            if ranking is Ranking.GRAPH:
                raise GraphNotFoundError(space.name)
            return [Answer((), IndexKind.EXACT)] * len(queries)
        return self._searches.search(stored, queries, k, among, recall, ranking, asked)

    def search_over(
        self, space: Space, query: Vector, score: float, among: Selection = EVERYTHING
    ) -> Answer:
        """As `lookgraph.stores.base.Store.search_over`."""
        stored = self._stored(space)
        if stored is None:
            return Answer((), IndexKind.EXACT)
        return self._searches.search_over(stored, query, score, among)

    def query(self, cypher: str, values: Mapping[str, object]) -> Table:
        """The answer to a question of one's own, which can change nothing."""
        return own_query(self.connection, cypher, values)

    @contextmanager
    def graph(self, space: Space) -> Iterator[HeldGraphView]:
        """As `lookgraph.stores.base.Store.graph`."""
        stored = self._stored(space)
        held = self._graph(stored) if stored else None
        if held is None:
            raise GraphNotFoundError(space.name)
        yield HeldGraphView(held)

    def _graph(self, stored: StoredSpace) -> HeldGraph | None:
        read = partial(read_graph, self.connection, stored)
        return self._graphs.open(stored.space.name, stored, read)

    def graph_status(self, space: Space) -> GraphStatus | None:
        """What the graph of a space is; None if there is none."""
        stored = self._stored(space)
        return graph_status_of(stored, standing(self.connection, stored)) if stored else None

    def alike(self, space: Space, threshold: float, progress: Callable[[float], None]) -> Alike:
        """As `lookgraph.stores.base.Store.alike`; see `lookgraph.stores.alike`."""
        stored = self._stored(space)
        if stored is None:
            return alike_held(no_embeddings(space.dimension), None, threshold, progress)
        held, linkage = read_embeddings(self.connection, stored), None
        has_neighbours = stored.graph is not None and stored.graph.neighbours > 0
        if has_neighbours and space.metric is Metric.COSINE:
            graph = self._graph(stored)
            is_same = graph and np.array_equal(graph.members.numbers, held.numbers)
            if graph and is_same and held.inside.all():
                linkage = graph.graph.linkage
        return alike_held(held, linkage, threshold, progress)

    def entries(self, under: str = "", after: str = "", most: int = 100) -> tuple[Entry, ...]:
        """As `lookgraph.stores.base.Store.entries`; none where there is no library yet."""
        if not self.exists():
            return ()
        return files.entries(self.connection.read, self._names, under, after, most)

    def entry(self, path: str) -> Entry | None:
        """The file at a relative path."""
        self._check()
        return files.file_at(self.connection.read, self._names, path)

    def embedding(self, space: Space, id_: str) -> Vector | None:
        """The embedding of a picture, shape (d,)."""
        stored = self._stored(space)
        return read_embedding(self.connection, stored, id_) if stored else None

    def at_once(self) -> AbstractContextManager[None]:
        """As `lookgraph.stores.base.Store.at_once`: each question is one of its own."""
        return nullcontext()

    def ids(self, prefix: str) -> list[str]:
        """The ids of pictures with files that begin so, in order; at most two."""
        self._check()
        return files.ids(self.connection.read, self._names, prefix)

    def paths(self, id_: str) -> tuple[str, ...]:
        """The paths of the files that hold a picture, in alphabetical order."""
        return tuple(entry.path for entry in self.files(id_))

    def files(self, id_: str) -> tuple[Entry, ...]:
        """The files that hold a picture, in alphabetical order."""
        self._check()
        return files.files_of(self.connection.read, self._names, id_)

    def copies(self) -> Iterator[tuple[Entry, ...]]:
        """The files of each picture that several hold, in alphabetical order."""
        self._check()
        yield from files.copies(self.connection.read, self._names)

    def verdicts(self) -> tuple[Verdict, ...]:
        """All that was said of pairs of pictures, in the order of their ids."""
        self._check()
        return verdicts.read_verdicts(self.connection.read, self._names)

    def skipped(self) -> Iterator[Entry]:
        """The files that were left out for a reason that concerns people, by path."""
        self._check()
        yield from files.skipped(self.connection.read, self._names)

    def embedded(self, space: Space) -> Iterator[Embedded]:
        """Every picture that has a file and an embedding, as they were stored."""
        stored = self._stored(space)
        if stored is not None:
            yield from embedded_pictures(self.connection, stored)

    def damaged(self, space: Space) -> list[str]:
        """The ids of the pictures whose stored embedding can be none.

        That is, it is no list of so many numbers, or one is not finite or none but zero. A server
        keeps no checksums of them.
        """
        stored = self._stored(space)
        return damaged_ids(self.connection, stored) if stored else []

    def checks(self) -> Iterator[Check]:
        """As `lookgraph.stores.base.Store.checks`: the server, and what others may have changed."""
        return checks(self.connection)

    def status(self) -> Status:
        """What it holds."""
        self._check()
        return status_of(self.connection)

    def _stored(self, space: Space) -> StoredSpace | None:
        """What is kept of a space; None if nothing was stored in it."""
        self._check()
        return find_space(self.connection.read, self._names, space)

    def _check(self) -> None:
        """There is a library: once it has been found, it is asked no more."""
        if not self._is_there:
            check_library(self.connection)
            self._is_there = True

    def _globs(self, name: str) -> tuple[str, ...]:
        return tuple(path_of(one) for one in self._fact(name) or ())

    def _fact(self, name: str) -> Any:
        """A property of the library's node."""
        found = self.connection.read(
            f"MATCH (l:`{self._names.own('Library')}` {{name: 'library'}}) RETURN l[$name] AS fact",
            name=name,
        )
        return found[0]["fact"] if found else None
