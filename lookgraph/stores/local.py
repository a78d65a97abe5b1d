"""The store in a folder: a SQLite database and a file of rows for each space."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np

from lookgraph.config import LIBRARY_FOLDER, RECALL
from lookgraph.errors import (
    GraphNotFoundError,
    LibraryDamagedError,
    LibraryFormatError,
    LibraryNotFoundError,
    MissingExtraError,
)
from lookgraph.index import approximate
from lookgraph.index.coded import Sealed
from lookgraph.stores import files
from lookgraph.stores.alike import alike
from lookgraph.stores.base import Alike, Answer, Check, Embedded, GraphStatus, Status
from lookgraph.stores.contents import MIRRORS_FOLDER, Contents, library_id, read_contents
from lookgraph.stores.database import DATABASE, storage_errors
from lookgraph.stores.graphs import (
    GRAPH_FOLDER,
    Graphs,
    StoredGraph,
    graph_fault,
    graph_status,
)
from lookgraph.stores.local_writer import LocalWriter, writing
from lookgraph.stores.ranked import SPEAKING
from lookgraph.stores.ranked_views import is_able, ranked_matches, wanted_for
from lookgraph.stores.readers import Reader, Readers
from lookgraph.stores.records import (
    PICTURE_COLUMNS,
    as_picture,
    find_space,
    hidden_rows,
    live_rows,
    read_graph_wanted,
    read_network,
    read_patterns,
    read_root,
    read_verdicts,
    stored_spaces,
)
from lookgraph.stores.rows import (
    MappedRows,
    RowFile,
    check_rows,
    is_whole,
    read_rows,
    surviving_rows,
)
from lookgraph.stores.sealed import INDEX_FOLDER, Indexes, index_fault
from lookgraph.stores.sealing import check_kind
from lookgraph.stores.signatures import SIGNATURES
from lookgraph.stores.statuses import status_of
from lookgraph.stores.thumbnails import THUMBNAILS
from lookgraph.stores.views import LocalGraphView, View, stored_space
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

_OWN_FILES = (
    DATABASE,
    "rows",
    INDEX_FOLDER,
    GRAPH_FOLDER,
    SIGNATURES,
    MIRRORS_FOLDER,
    THUMBNAILS,
    "writer.",
)


def has_other_files(folder: Path) -> bool:
    """Whether something that is none of a library's files is in a folder."""
    return folder.is_dir() and any(
        not file.name.startswith(_OWN_FILES) for file in folder.iterdir()
    )


def _network(database: sqlite3.Connection, space: Space) -> str | None:
    stored = find_space(database, space)
    return read_network(database, stored.number) if stored else None


class LocalStore:
    """A library in a folder of its own. Making one of these reads and writes nothing.

    Every call of a reader opens a connection of its own and sees one consistent state, so a
    store can be used from several threads.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database = str(folder / DATABASE)
        self._readers = Readers(folder)
        self._own = threading.local()
        self._indexes = Indexes(folder)
        self._graphs = Graphs(folder)

    def close(self) -> None:
        """As `lookgraph.stores.base.Store.close`."""
        self._readers.close()

    def check_index(self, space: Space, kind: IndexKind) -> None:
        """As `lookgraph.stores.base.Store.check_index`: what only a server has."""
        check_kind(kind)

    def exists(self) -> bool:
        """Whether there is a library in the folder."""
        return os.path.isfile(self._database)  # noqa: PTH113 - asked before every reading

    @contextmanager
    def write(self) -> Iterator[LocalWriter]:
        """As `lookgraph.stores.base.Store.write`; makes the library where there is none."""
        with ExitStack() as stack:
            with storage_errors(self.folder):
                writer = stack.enter_context(writing(self.folder))
            # Who closes a database last also empties its log: that is to be the writer.
            stack.callback(self._readers.close)
            yield writer

    @property
    def place(self) -> str:
        """As `lookgraph.stores.base.Store.place`: its folder."""
        return str(self.folder)

    @property
    def cache(self) -> Path:
        """As `lookgraph.stores.base.Store.cache`: its folder too."""
        return self.folder

    @property
    def root(self) -> Path:
        """The folder that the paths are relative to."""
        with self._read() as reader:
            root = reader.once("root", lambda: read_root(reader.database, self.folder))
        if root is None:
            raise self._not_found()
        return root

    @property
    def patterns(self) -> Patterns:
        """Which of its files belong to the library."""
        with self._reading() as database:
            return read_patterns(database)

    def spaces(self) -> tuple[Space, ...]:
        """In the order in which they were made."""
        with self._read() as reader:
            return reader.once(
                "spaces", lambda: tuple(stored.space for stored in stored_spaces(reader.database))
            )

    def network(self, space: Space) -> str | None:
        """As `lookgraph.stores.base.Store.network`."""
        with self._read() as reader:
            return reader.once(("network", space), lambda: _network(reader.database, space))

    def known_files(self, space: Space, under: str = "") -> Iterator[KnownFile]:
        """As `lookgraph.stores.base.Store.known_files`; none where there is no library yet."""
        first = os.fsencode(under) + b"/" if under else b""
        end = os.fsencode(under) + b"0" if under else files.LAST  # "0" is next after "/"
        while self.exists() and (page := self._known_page(space, first, end)):
            yield from page
            first = os.fsencode(page[-1].path) + b"\0"  # the least that comes after it

    def _known_page(self, space: Space, first: bytes, end: bytes) -> list[KnownFile]:
        with self._reading() as database:
            return files.known_files(database, find_space(database, space), first, end)

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
        """As `lookgraph.stores.base.Store.search`: by the space's index, where it has one."""
        with self._snapshot(space) as view:
            sealed, fault = None, None
            if recall < 1:
                sealed, fault = self._sealed(view)
            held, graph_fault = self._ranking_graph(view, ranking)
            allowed = view.allowed(among)
            # Ranking looks at a thousand rows, where they are mapped: so all are looked at there.
            # To read them one by one would let go of the interpreter's lock as often.
            rows = MappedRows(np.asarray(view.rows.mapped)) if held else view.rows
            found = approximate.shortlists(
                rows, sealed, queries, max(k, SPEAKING) if held else k, space.metric,
                allowed, recall, wanted_for(view, k, asked) if held else 0,
            )  # fmt: skip
            by = IndexKind.EXACT
            if sealed and sealed.effort(recall):
                by = IndexKind.IVF
            if held is None:
                matches = view.matches([one.nearest for one in found])
            else:
                matches = ranked_matches(view, rows, held, queries, found, k, asked, allowed)
            is_ranked = held is not None
            return [Answer(its, by, fault, is_ranked, graph_fault) for its in matches]

    def _ranking_graph(self, view: View, ranking: Ranking) -> tuple[StoredGraph | None, str | None]:
        """The graph to rank through, and what is wrong if there is one that cannot be used.

        Raises:
            GraphNotFoundError: it is asked for, and there is none.
        """
        if ranking is Ranking.COSINE:
            return None, None
        try:
            held = self._graphs.open(view.stored)
        except (FileNotFoundError, LibraryDamagedError, LibraryFormatError) as error:
            return None, str(error)
        if held and is_able(held) and len(held.usable) <= view.stored.row_count:
            return held, None
        if ranking is Ranking.GRAPH:
            raise GraphNotFoundError(view.stored.space.name)
        return None, None

    def search_over(
        self, space: Space, query: Vector, score: float, among: Selection = EVERYTHING
    ) -> Answer:
        """As `lookgraph.stores.base.Store.search_over`."""
        with self._snapshot(space) as view:
            allowed = view.allowed(among)
            found = approximate.over(view.rows, query, score, space.metric, allowed)
            (matches,) = view.matches([found])
            return Answer(matches, IndexKind.EXACT)

    def _sealed(self, view: View) -> tuple[Sealed | None, str | None]:
        """The index that a view's rows have, and what is wrong if it cannot be used."""
        for _ in range(2):
            try:
                return self._indexes.open(view.stored), None
            except FileNotFoundError:
                continue  # a writer may have put another in its place: then there is a new manifest
            except (LibraryDamagedError, MissingExtraError) as error:
                return None, str(error)
        return None, f"files of the index of {view.stored.space.name} are missing"

    @contextmanager
    def graph(self, space: Space) -> Iterator[LocalGraphView]:
        """As `lookgraph.stores.base.Store.graph`."""
        for _ in range(2):
            with self._snapshot(space) as view:
                try:
                    held = self._graphs.open(view.stored)
                except FileNotFoundError:
                    continue  # as in `_sealed`
                if held is None:
                    break
                if len(held.usable) <= view.stored.row_count:
                    yield LocalGraphView(view, held)
                    return
                # It is newer than the view of the database: the next view has its rows.
        raise GraphNotFoundError(space.name)

    def graph_status(self, space: Space) -> GraphStatus | None:
        """What the graph of a space is; None if there is none."""
        with self._reading() as database:
            stored = stored_space(database, space)
            hidden = hidden_rows(database, stored.number)
            return graph_status(self.folder, stored, hidden, read_graph_wanted(database, space))

    def alike(self, space: Space, threshold: float, progress: Callable[[float], None]) -> Alike:
        """As `lookgraph.stores.base.Store.alike`; see `lookgraph.stores.alike`."""
        with self._snapshot(space) as view:
            held = None
            if space.metric is Metric.COSINE:
                with suppress(FileNotFoundError, LibraryDamagedError, LibraryFormatError):
                    held = self._graphs.open(view.stored)
            if held and (not is_able(held) or len(held.usable) != view.stored.row_count):
                held = None  # it has no neighbours, or the newest rows are not in it
            live = live_rows(view.database, view.stored.number, view.stored.row_count)
            linkage = held.graph.linkage if held else None
            return alike(
                view.rows.mapped, np.flatnonzero(live), linkage, threshold, view.ids, progress
            )

    def entries(self, under: str = "", after: str = "", most: int = 100) -> tuple[Entry, ...]:
        """As `lookgraph.stores.base.Store.entries`; none where there is no library yet."""
        if not self.exists():
            return ()
        with self._reading() as database:
            return files.entries(database, os.fsencode(under), os.fsencode(after), most)

    def entry(self, path: str) -> Entry | None:
        """The file at a relative path."""
        with self._reading() as database:
            return files.file_at(database, path)

    def embedding(self, space: Space, id_: str) -> Vector | None:
        """The embedding of a picture, shape (d,)."""
        with self._snapshot(space) as view:
            row = view.row_of(id_)
            return None if row is None else view.rows.take(np.array([row]))[0].astype(np.float32)

    def ids(self, prefix: str) -> list[str]:
        """The ids of pictures with files that begin so, in order; at most two."""
        with self._reading() as database:
            return files.ids(database, prefix)

    def paths(self, id_: str) -> tuple[str, ...]:
        """The paths of the files that hold a picture, in alphabetical order."""
        return tuple(entry.path for entry in self.files(id_))

    def files(self, id_: str) -> tuple[Entry, ...]:
        """The files that hold a picture, in alphabetical order."""
        with self._reading() as database:
            return files.files_of(database, id_)

    def copies(self) -> Iterator[tuple[Entry, ...]]:
        """The files of each picture that several hold, in alphabetical order."""
        with self._reading() as database:
            yield from files.copies(database)

    def verdicts(self) -> tuple[Verdict, ...]:
        """All that was said of pairs of pictures, in the order of their ids."""
        with self._reading() as database:
            return read_verdicts(database)

    def skipped(self) -> Iterator[Entry]:
        """The files that were left out for a reason that concerns people, by path."""
        with self._reading() as database:
            yield from files.skipped(database)

    def embedded(self, space: Space) -> Iterator[Embedded]:
        """Every picture that has a file and an embedding, as they were stored."""
        with self._snapshot(space) as view:
            found = view.database.execute(
                f"SELECT row, {PICTURE_COLUMNS}"
                " FROM embeddings JOIN pictures USING (picture)"
                " WHERE space = ? AND files > 0 ORDER BY row",
                (view.stored.number,),
            )
            for row, *columns in found:
                picture = as_picture(columns)
                embedding = view.rows.mapped[row].astype(np.float32)
                yield Embedded(picture, files.files_of(view.database, picture.id), embedding)

    def contents(self) -> Contents:
        """All that it holds, in one state, for who keeps a copy of it elsewhere."""
        missing = ""
        while True:
            with self._reading() as database:
                try:
                    return read_contents(database, self.folder, self._graphs)
                except FileNotFoundError as error:  # as in `_snapshot`
                    file = str(error.filename or error)
                    if file == missing:
                        raise LibraryDamagedError(
                            f"{file} is missing. Run `lookgraph doctor --repair`."
                        ) from None
                    missing = file

    def identity(self) -> str:
        """The library's own id, which it keeps wherever its folder goes."""
        if not self.exists():
            raise self._not_found()
        with storage_errors(self.folder):
            return library_id(self.folder)

    def damaged(self, space: Space) -> list[str]:
        """The ids of the pictures whose stored embedding does not match its checksum."""
        missing: Path | None = None
        while True:
            with self._reading() as database:
                stored = stored_space(database, space)
                file = stored.file(self.folder)
                try:
                    rows = surviving_rows(file, stored.row_count, space.dimension)
                except FileNotFoundError:
                    if file != missing:  # as in `_snapshot`
                        missing = file
                        continue
                    rows = read_rows(file, 0, space.dimension)
                found = database.execute(
                    "SELECT row, id, checksum FROM embeddings JOIN pictures USING (picture)"
                    " WHERE space = ? ORDER BY row",
                    (stored.number,),
                )
                return [
                    id_.hex() for row, id_, checksum in found if not is_whole(rows, row, checksum)
                ]

    def graph_fault(self, space: Space) -> str | None:
        """What is wrong with a space's graph; None if nothing is, or there is none."""
        with self._reading() as database:
            return graph_fault(self.folder, stored_space(database, space))

    def index_fault(self, space: Space) -> str | None:
        """What is wrong with a space's index; None if nothing is, or there is none."""
        with self._reading() as database:
            return index_fault(self.folder, stored_space(database, space))

    def fault(self) -> str | None:
        """What is wrong with the database itself; None if nothing is."""
        with self._reading() as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                return str(found)
            (miscounted,) = database.execute(
                "SELECT count(*) FROM pictures WHERE files <>"
                " (SELECT count(*) FROM files WHERE files.picture = pictures.picture)"
            ).fetchone()
            return f"{miscounted} pictures are miscounted" if miscounted else None

    def checks(self) -> Iterator[Check]:
        """As `lookgraph.stores.base.Store.checks`: the database, and what is wrong beside it."""
        if not self.exists():
            return
        if fault := self.fault():
            yield Check("database", False, fault, "Put it back from a backup, or index again.")
        else:
            yield Check("database", True, "whole, and its counts agree")
        for space in self.spaces():
            if fault := self.index_fault(space):
                yield Check("index", False, f"{space.name}: {fault}", "Run `lookgraph index`.")
            if fault := self.graph_fault(space):
                yield Check("graph", False, f"{space.name}: {fault}", "Run `lookgraph index`.")

    def status(self) -> Status:
        """What it holds."""
        with self._reading() as database:
            return status_of(database, self.folder)

    def _not_found(self) -> LibraryNotFoundError:
        folder = self.folder.parent if self.folder.name == LIBRARY_FOLDER else self.folder
        return LibraryNotFoundError(
            f"There is no library in {folder}. Make one: lookgraph index FOLDER"
        )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._read() as reader:
            yield reader.database

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What this thread reads until the end of the block is of one state, and read faster.

        It is not for a block that waits or writes: as long as it lasts, the log cannot be emptied.
        """
        with self._read() as reader:
            self._own.reader = reader
            try:
                yield
            finally:
                del self._own.reader

    @contextmanager
    def _read(self) -> Iterator[Reader]:
        held = getattr(self._own, "reader", None)
        if held is not None:
            yield held
            return
        if not self.exists():
            raise self._not_found()
        with storage_errors(self.folder), self._readers.reading() as reader:
            yield reader

    @contextmanager
    def _snapshot(self, space: Space) -> Iterator[View]:
        """A view of the database together with the rows that it names."""
        missing: Path | None = None
        while True:
            with self._read() as reader:
                stored = reader.once(("space", space), lambda: stored_space(reader.database, space))
                file = stored.file(self.folder)
                try:
                    number = check_rows(file, stored.row_count, space.dimension)
                    rows = reader.once(
                        ("rows", stored, number),
                        lambda: RowFile(file, stored.row_count, space.dimension),  # noqa: B023
                    )
                except FileNotFoundError:
                    # A writer may have put another file in its place since the view was taken:
                    # then the next view names that one.
                    if file != missing:
                        missing = file
                        continue
                    raise LibraryDamagedError(
                        f"{file} is missing. Run `lookgraph doctor --repair`."
                    ) from None
                yield View(reader, stored, rows)
                return
