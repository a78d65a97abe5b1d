"""The one process that changes a local library."""

import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from lookgraph.errors import (
    GraphTooLargeError,
    LibraryDamagedError,
    LibraryFormatError,
    MissingExtraError,
)
from lookgraph.index.coded import Sealed
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.checking import check_embeddings
from lookgraph.stores.database import connect_writer, make_database, storage_errors, transaction
from lookgraph.stores.graphing import Grapher, remove_graph_leftovers
from lookgraph.stores.lock import writer_lock
from lookgraph.stores.records import (
    PICTURE_COLUMNS,
    StoredSpace,
    as_picture,
    find_space,
    forget_graph_wanted,
    forget_verdict,
    read_graph_wanted,
    read_index_kind,
    stored_spaces,
    write_graph_wanted,
    write_index_kind,
    write_settings,
    write_verdict,
)
from lookgraph.stores.rows import append_rows, copy_rows, is_whole, surviving_rows
from lookgraph.stores.sealed import Indexes
from lookgraph.stores.sealing import Sealer, check_kind, remove_leftovers
from lookgraph.types import Entry, IndexKind, Patterns, Picture, Space, Vector, Verdict


@contextmanager
def writing(folder: Path) -> Iterator["LocalWriter"]:
    """Hold the library's lock and its connections for as long as something is written."""
    (folder / "rows").mkdir(parents=True, exist_ok=True)
    with (
        writer_lock(folder),
        closing(_made(folder)) as database,
        # Worker threads look pictures up here while a commit waits for the disk there.
        closing(connect_writer(folder)) as lookup,
    ):
        writer = LocalWriter(folder, database, lookup)
        writer.remove_leftovers()
        yield writer


def _made(folder: Path) -> sqlite3.Connection:
    make_database(folder)
    return connect_writer(folder)


class LocalWriter:
    """See `lookgraph.stores.base.Writer`. Made by `writing` alone."""

    def __init__(
        self, folder: Path, database: sqlite3.Connection, lookup: sqlite3.Connection
    ) -> None:
        self._folder = folder
        self._database = database
        self._lookup = lookup
        self._looking_up = threading.Lock()

    def remove_leftovers(self) -> None:
        """Delete files of rows that a crash left and that no space names."""
        named = {stored.file(self._folder) for stored in stored_spaces(self._database)}
        for file in (self._folder / "rows").iterdir():
            if file not in named:
                file.unlink()
        self._sweep()

    def _sweep(self) -> None:
        """Delete what no index and no graph names."""
        spaces = stored_spaces(self._database)
        remove_leftovers(self._folder, spaces)
        remove_graph_leftovers(self._folder, spaces)

    def find(self, space: Space, id_: str) -> Picture | None:
        """The picture with this id if it has an embedding in the space. Safe from any thread."""
        with self._looking_up, storage_errors(self._folder):
            stored = find_space(self._lookup, space)
            found = (
                stored
                and self._lookup.execute(
                    f"SELECT {PICTURE_COLUMNS}"
                    " FROM pictures JOIN embeddings USING (picture) WHERE id = ? AND space = ?",
                    (bytes.fromhex(id_), stored.number),
                ).fetchone()
            )
            return as_picture(found) if found else None

    def commit(
        self, space: Space, entries: Sequence[Entry], embeddings: Mapping[str, Vector]
    ) -> None:
        """As `lookgraph.stores.base.Writer.commit`: first the rows, then what names them."""
        with storage_errors(self._folder):
            self._commit(space, entries, embeddings)

    def _commit(
        self, space: Space, entries: Sequence[Entry], embeddings: Mapping[str, Vector]
    ) -> None:
        wanted = {entry.picture.id: entry.picture for entry in entries if entry.picture}
        fresh = {id_: None for id_ in wanted if not self.find(space, id_)}
        # A row of another length would move all that come after it.
        check_embeddings(space, entries, {id_: embeddings.get(id_) for id_ in fresh})
        stored = self._space(space)
        sums = []
        if fresh:
            rows = np.stack([embeddings[id_] for id_ in fresh])
            sums = append_rows(stored.file(self._folder), stored.row_count, rows)
        with transaction(self._database):
            self._name_pictures(wanted.values())
            self._name_rows(stored, fresh, sums)
            self._name_files(entries)

    def _name_pictures(self, pictures: Iterable[Picture]) -> None:
        self._database.executemany(
            "INSERT INTO pictures (id, format, width, height, taken) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET format = excluded.format, width = excluded.width,"
            " height = excluded.height, taken = excluded.taken",
            [
                (bytes.fromhex(picture.id), picture.format, picture.width, picture.height,
                 picture.taken)
                for picture in pictures
            ],
        )  # fmt: skip

    def _name_rows(self, stored: StoredSpace, ids: Collection[str], sums: Sequence[int]) -> None:
        self._database.executemany(
            "INSERT INTO embeddings (space, row, picture, checksum)"
            " SELECT ?, ?, picture, ? FROM pictures WHERE id = ?",
            [
                (stored.number, stored.row_count + i, checksum, bytes.fromhex(id_))
                for i, (id_, checksum) in enumerate(zip(ids, sums, strict=True))
            ],
        )
        self._database.execute(
            "UPDATE spaces SET row_count = row_count + ? WHERE space = ?",
            (len(ids), stored.number),
        )

    def _name_files(self, entries: Sequence[Entry]) -> None:
        self._database.executemany(
            "INSERT INTO files (path, size, mtime_ns, picture, skip, reason)"
            " VALUES (?, ?, ?, (SELECT picture FROM pictures WHERE id = ?), ?, ?)"
            " ON CONFLICT (path) DO UPDATE SET size = excluded.size,"
            " mtime_ns = excluded.mtime_ns, picture = excluded.picture,"
            " skip = excluded.skip, reason = excluded.reason",
            [
                (
                    os.fsencode(entry.path),
                    entry.stamp.size,
                    entry.stamp.mtime_ns,
                    bytes.fromhex(entry.picture.id) if entry.picture else None,
                    str(entry.skip.kind) if entry.skip else None,
                    entry.skip.reason if entry.skip else None,
                )
                for entry in entries
            ],
        )

    def forget(self, paths: Iterable[str]) -> None:
        """As `lookgraph.stores.base.Writer.forget`."""
        with storage_errors(self._folder), transaction(self._database):
            self._database.executemany(
                "DELETE FROM files WHERE path = ?", ((os.fsencode(path),) for path in paths)
            )

    def remember(self, root: Path, patterns: Patterns) -> None:
        """Keep which folder the library is of, and what of it belongs to it."""
        with storage_errors(self._folder), transaction(self._database):
            write_settings(self._database, self._folder, root, patterns)

    def compact(self, space: Space) -> int:
        """As `lookgraph.stores.base.Writer.compact`: a new file of rows is written and named."""
        with storage_errors(self._folder):
            stored = find_space(self._database, space)
            return self._compact(stored) if stored else 0

    def _compact(self, stored: StoredSpace) -> int:
        old = stored.file(self._folder)
        count = stored.row_count if old.exists() else 0
        rows = surviving_rows(old, count, stored.space.dimension)
        named = self._database.execute(
            "SELECT row, picture, checksum FROM embeddings JOIN pictures USING (picture)"
            " WHERE space = ? AND files > 0 ORDER BY row",
            (stored.number,),
        ).fetchall()
        kept = [
            (row, picture, checksum)
            for row, picture, checksum in named
            if is_whole(rows, row, checksum)
        ]
        renewed = replace(stored, generation=stored.generation + 1, row_count=len(kept))
        keep = np.array([row for row, _, _ in kept], np.int64)
        copy_rows(rows, keep, renewed.file(self._folder))
        if count == stored.row_count == len(rows):
            renumbered = np.full(count, -1)
            renumbered[keep] = np.arange(len(keep))
            Sealer(self._folder, self._database, stored, _ignore).carry_over(renewed, renumbered)
            if wanted := read_graph_wanted(self._database, stored.space):
                grapher = Grapher(
                    self._folder, self._database, stored, self._sealed(stored), _ignore
                )
                with suppress(GraphTooLargeError, LibraryFormatError):
                    grapher.carry_over(renewed, renumbered, wanted)
        with transaction(self._database):
            self._rename_rows(renewed, kept)
        old.unlink(missing_ok=True)
        self._sweep()
        return len(named) - len(kept)

    def renew_index(
        self, space: Space, kind: IndexKind | None, progress: Callable[[float], None]
    ) -> None:
        """As `lookgraph.stores.base.Writer.renew_index`.

        Raises:
            UsageError: it is a way in which only a server searches.
        """
        with storage_errors(self._folder):
            if kind is None:
                kind = read_index_kind(self._database)
            else:
                check_kind(kind)
                with transaction(self._database):
                    write_index_kind(self._database, kind)
            if stored := find_space(self._database, space):
                Sealer(self._folder, self._database, stored, progress).renew(kind)
                self._sweep()

    def renew_graph(
        self, space: Space, wanted: GraphWanted | None, progress: Callable[[float], None]
    ) -> None:
        """As `lookgraph.stores.base.Writer.renew_graph`."""
        with storage_errors(self._folder):
            wanted = wanted or read_graph_wanted(self._database, space)
            stored = find_space(self._database, space)
            if wanted is None or stored is None:
                return
            Grapher(self._folder, self._database, stored, self._sealed(stored), progress).renew(
                wanted
            )
            with transaction(self._database):
                write_graph_wanted(self._database, space, wanted)
            self._sweep()

    def judge(self, verdict: Verdict) -> None:
        """As `lookgraph.stores.base.Writer.judge`."""
        with storage_errors(self._folder), transaction(self._database):
            write_verdict(self._database, verdict)

    def withdraw(self, first: str, second: str) -> bool:
        """As `lookgraph.stores.base.Writer.withdraw`."""
        with storage_errors(self._folder), transaction(self._database):
            return forget_verdict(self._database, first, second)

    def _sealed(self, stored: StoredSpace) -> Sealed | None:
        """The space's index; None if there is none that can be used."""
        with suppress(FileNotFoundError, LibraryDamagedError, MissingExtraError):
            return Indexes(self._folder).open(stored)
        return None

    def add_space(self, space: Space, network: str | None) -> None:
        """As `lookgraph.stores.base.Writer.add_space`."""
        with storage_errors(self._folder):
            number = self._space(space).number
            with transaction(self._database):
                self._database.execute(
                    "UPDATE spaces SET network = ? WHERE space = ?", (network, number)
                )

    def remove_space(self, space: Space) -> None:
        """As `lookgraph.stores.base.Writer.remove_space`; then its file of rows goes too."""
        with storage_errors(self._folder):
            stored = find_space(self._database, space)
            if stored is None:
                return
            with transaction(self._database):
                for table in ("embeddings", "spaces"):
                    self._database.execute(f"DELETE FROM {table} WHERE space = ?", (stored.number,))
                forget_graph_wanted(self._database, space)
                self._drop_unused_pictures()
            stored.file(self._folder).unlink(missing_ok=True)
            self._sweep()

    def _rename_rows(self, renewed: StoredSpace, kept: Sequence[tuple[int, int, int]]) -> None:
        number = renewed.number
        self._database.execute("DELETE FROM embeddings WHERE space = ?", (number,))
        self._database.executemany(
            "INSERT INTO embeddings (space, row, picture, checksum) VALUES (?, ?, ?, ?)",
            [(number, i, picture, checksum) for i, (_, picture, checksum) in enumerate(kept)],
        )
        self._database.execute(
            "UPDATE spaces SET generation = ?, row_count = ? WHERE space = ?",
            (renewed.generation, renewed.row_count, number),
        )
        self._drop_unused_pictures()

    def _drop_unused_pictures(self) -> None:
        # What another space still holds of an unused picture goes when that is compacted.
        self._database.execute(
            "DELETE FROM pictures WHERE files = 0"
            " AND NOT EXISTS (SELECT 1 FROM embeddings"
            " WHERE embeddings.picture = pictures.picture)"
        )

    def _space(self, space: Space) -> StoredSpace:
        found = find_space(self._database, space)
        if found is None:
            with transaction(self._database):
                self._database.execute(
                    "INSERT INTO spaces"
                    " (model, fingerprint, preprocessing, metric, dimension, precision)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (space.model, space.fingerprint, space.preprocessing, str(space.metric),
                     space.dimension, str(space.precision)),
                )  # fmt: skip
            found = find_space(self._database, space)
            assert found
        return found


def _ignore(_share: float) -> None:
    """For what takes too short a time to be told of."""
