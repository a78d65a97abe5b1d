"""The store in Milvus: collections for files, pictures, and the embeddings of each space."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import numpy as np

from lookgraph.config import RECALL
from lookgraph.errors import GraphNotFoundError, LibraryDamagedError
from lookgraph.stores.base import Alike, Answer, Check, Embedded, GraphStatus, Status
from lookgraph.stores.held import HeldGraph, HeldGraphs, HeldGraphView
from lookgraph.stores.linking import no_embeddings
from lookgraph.stores.milvus import files
from lookgraph.stores.milvus.checks import checks
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.client.lock import writers_turn
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.compacting import damaged_ids
from lookgraph.stores.milvus.embeddings import numbered, read_embeddings, stored_with
from lookgraph.stores.milvus.indexes import check_kind
from lookgraph.stores.milvus.library import make_library, read_library, the_library
from lookgraph.stores.milvus.records import (
    StoredPicture,
    StoredSpace,
    find_space,
    pictures_with,
    stored_spaces,
)
from lookgraph.stores.milvus.searching.searches import check_query, search, search_over
from lookgraph.stores.milvus.statuses import graph_status_of, status_of
from lookgraph.stores.milvus.verdicts import read_verdicts
from lookgraph.stores.milvus.views import read_graph
from lookgraph.stores.milvus.writer import MilvusWriter
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

_LATELY_SECONDS = 1.0
"""Searches see so late that somebody else has made a graph or an index, and pictures at once."""

_AT_ONCE = 1024
"""Pictures in one question."""


class MilvusStore:
    """A library in Milvus. Making one of these asks nothing.

    It can be used from several threads. Readers see what has been committed; one call may ask
    several questions, between which somebody may write.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.names = Names(connection.address.collection, connection.address.tenant)
        self._graphs = HeldGraphs(lambda: the_library(connection, self.names).generation)
        self._is_there = False
        self._looked: dict[str, tuple[float, StoredSpace]] = {}

    def close(self) -> None:
        """Hang up; the next question connects again."""
        self.connection.close()

    def check_index(self, space: Space, kind: IndexKind) -> None:
        """As `lookgraph.stores.base.Store.check_index`."""
        check_kind(self.connection.address, kind, is_lite=self.connection.is_lite)

    def exists(self) -> bool:
        """Whether there is a library."""
        if not self._is_there:
            self._is_there = read_library(self.connection, self.names) is not None
        return self._is_there

    @contextmanager
    def write(self) -> Iterator[MilvusWriter]:
        """As `lookgraph.stores.base.Store.write`; makes the library where there is none."""
        make_library(self.connection, self.names)
        with writers_turn(self.connection, self.names) as turn:
            yield MilvusWriter(self.connection, self.names, turn, self._looked.clear)

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
        return cache_for("milvus", self.place)

    @property
    def root(self) -> Path:
        """The folder that the paths are relative to.

        Raises:
            LibraryNotFoundError: there is no library, or its first writer ended before it told.
        """
        found = the_library(self.connection, self.names).folder
        if found is None:
            raise without_folder(self.place)
        return found

    @property
    def patterns(self) -> Patterns:
        """Which of its files belong to the library."""
        return the_library(self.connection, self.names).patterns

    def spaces(self) -> tuple[Space, ...]:
        """In the order in which they were made."""
        self._check()
        return tuple(its.space for its in stored_spaces(self.connection, self.names))

    def network(self, space: Space) -> str | None:
        """As `lookgraph.stores.base.Store.network`."""
        stored = self._stored(space)
        return stored.network if stored else None

    def known_files(self, space: Space, under: str = "") -> Iterator[KnownFile]:
        """As `lookgraph.stores.base.Store.known_files`; none where there is no library yet."""
        if self.exists():
            stored = find_space(self.connection, self.names, space)
            yield from files.known_files(self.connection, self.names, stored, under)

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
        stored = self._lately(space)
        if stored is None:
            for query in queries[:1]:
                check_query(query, k)
            if ranking is Ranking.GRAPH:
                raise GraphNotFoundError(space.name)
            return [Answer((), IndexKind.EXACT)] * len(queries)
        return search(
            self.connection, self.names, stored, queries, k, among, recall, ranking, asked
        )

    def search_over(
        self, space: Space, query: Vector, score: float, among: Selection = EVERYTHING
    ) -> Answer:
        """As `lookgraph.stores.base.Store.search_over`."""
        stored = self._lately(space)
        if stored is None:
            return Answer((), IndexKind.EXACT)
        return search_over(self.connection, self.names, stored, query, score, among)

    @contextmanager
    def graph(self, space: Space) -> Iterator[HeldGraphView]:
        """As `lookgraph.stores.base.Store.graph`."""
        stored = self._stored(space)
        held = self._graph(stored) if stored else None
        if held is None:
            raise GraphNotFoundError(space.name)
        if stored and stored.graph_edges is None:
            raise LibraryDamagedError(
                f"{self.place}: a change of the graph was interrupted. Run `lookgraph index`."
            )
        yield HeldGraphView(held)

    def _graph(self, stored: StoredSpace) -> HeldGraph | None:
        read = partial(read_graph, self.connection, self.names, stored)
        return self._graphs.open(stored.space.name, stored, read)

    def graph_status(self, space: Space) -> GraphStatus | None:
        """What the graph of a space is; None if there is none."""
        stored = self._stored(space)
        return graph_status_of(self.connection, self.names, stored) if stored else None

    def alike(self, space: Space, threshold: float, progress: Callable[[float], None]) -> Alike:
        """As `lookgraph.stores.base.Store.alike`; see `lookgraph.stores.alike`."""
        stored = self._stored(space)
        if stored is None:
            return alike_held(no_embeddings(space.dimension), None, threshold, progress)
        graph, linkage = self._graph(stored), None
        inside = set(graph.members.ids) if graph else set()
        held = read_embeddings(self.connection, self.names, stored, inside)
        has_neighbours = stored.graph is not None and stored.graph.neighbours > 0
        if graph and has_neighbours and space.metric is Metric.COSINE:
            is_same = np.array_equal(graph.members.numbers, held.numbers)
            linkage = graph.graph.linkage if is_same else None
        return alike_held(held, linkage, threshold, progress)

    def entries(self, under: str = "", after: str = "", most: int = 100) -> tuple[Entry, ...]:
        """As `lookgraph.stores.base.Store.entries`; none where there is no library yet."""
        if not self.exists():
            return ()
        return files.entries(self.connection, self.names, under, after, most)

    def entry(self, path: str) -> Entry | None:
        """The file at a relative path."""
        self._check()
        return files.file_at(self.connection, self.names, path)

    def embedding(self, space: Space, id_: str) -> Vector | None:
        """The embedding of a picture, shape (d,)."""
        stored = self._stored(space)
        its = self._picture(id_)
        if stored is None or its is None or not its.is_live(stored):
            return None
        found = stored_with(self.connection, self.names, space, [id_]).get(id_)
        return found.row.astype(np.float32) if found else None

    def at_once(self) -> AbstractContextManager[None]:
        """As `lookgraph.stores.base.Store.at_once`: each question is one of its own."""
        return nullcontext()

    def ids(self, prefix: str) -> list[str]:
        """The ids of pictures with files that begin so, in order; at most two."""
        self._check()
        return files.ids(self.connection, self.names, prefix)

    def paths(self, id_: str) -> tuple[str, ...]:
        """The paths of the files that hold a picture, in alphabetical order."""
        return tuple(entry.path for entry in self.files(id_))

    def files(self, id_: str) -> tuple[Entry, ...]:
        """The files that hold a picture, in alphabetical order."""
        its = self._picture(id_)
        return files.files_of(self.connection, self.names, its) if its else ()

    def copies(self) -> Iterator[tuple[Entry, ...]]:
        """The files of each picture that several hold, in alphabetical order."""
        self._check()
        yield from files.copies(self.connection, self.names)

    def verdicts(self) -> tuple[Verdict, ...]:
        """All that was said of pairs of pictures, in the order of their ids."""
        self._check()
        return read_verdicts(self.connection, self.names)

    def skipped(self) -> Iterator[Entry]:
        """The files that were left out for a reason that concerns people, by path."""
        self._check()
        yield from files.skipped(self.connection, self.names)

    def embedded(self, space: Space) -> Iterator[Embedded]:
        """Every picture that has a file and an embedding, as they were stored."""
        stored = self._stored(space)
        if stored is None:
            return
        ids = [id_ for _, id_ in numbered(self.connection, self.names, space)]
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            pictures = pictures_with(self.connection, self.names, part)
            rows = stored_with(self.connection, self.names, space, part)
            for id_ in part:
                its, row = pictures.get(id_), rows.get(id_)
                if its and row and its.is_live(stored) and row.is_whole:
                    entries = files.files_of(self.connection, self.names, its)
                    yield Embedded(its.picture, entries, row.row.astype(np.float32))

    def damaged(self, space: Space) -> list[str]:
        """The ids of the pictures whose stored embedding does not match its checksum."""
        stored = self._stored(space)
        return damaged_ids(self.connection, self.names, stored) if stored else []

    def checks(self) -> Iterator[Check]:
        """As `lookgraph.stores.base.Store.checks`."""
        yield from checks(self.connection, self.names)

    def status(self) -> Status:
        """What it holds."""
        self._check()
        return status_of(self.connection, self.names)

    def _picture(self, id_: str) -> StoredPicture | None:
        self._check()
        return pictures_with(self.connection, self.names, [id_]).get(id_)

    def _stored(self, space: Space) -> StoredSpace | None:
        self._check()
        return find_space(self.connection, self.names, space)

    def _lately(self, space: Space) -> StoredSpace | None:
        """What a space is, or was a moment ago: whether it has a graph, and how it is searched."""
        looked = self._looked.get(space.name)
        if looked is None or time.monotonic() - looked[0] > _LATELY_SECONDS:
            stored = self._stored(space)
            if stored is None:
                self._looked.pop(space.name, None)
                return None
            looked = time.monotonic(), stored
            self._looked[space.name] = looked
        return looked[1]

    def _check(self) -> None:
        """Be sure that there is a library.

        Raises:
            LibraryNotFoundError: there is none.
        """
        if not self.exists():
            the_library(self.connection, self.names)
