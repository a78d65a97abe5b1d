"""Parquet parts in a folder: what has been embedded, and so what need not be done again.

Each part is written aside, synced and renamed, so it is there in full or not at all, and it names
the files that it has. So the parts are their own checkpoint: a run that is killed loses what is in
no part yet, and the next one does the rest. Any store imports them.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lookgraph.aside import written_aside
from lookgraph.errors import ExchangeError, StorageError
from lookgraph.exchange.parquet import read_files, schema_of_parts
from lookgraph.stores.lock import writer_lock
from lookgraph.types import Entry, KnownFile, SkipKind, Space

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 4096
_SECONDS = 5.0
"""A part is written when it has grown to so many rows, or so old: what a kill can lose."""


@contextmanager
def own(folder: Path) -> Iterator[None]:
    """Make a folder for parts, if need be, and be the only one that writes there.

    Raises:
        LibraryLockedError: another process writes there.
        StorageError: it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with writer_lock(folder):
            yield
    except (OSError, sqlite3.Error) as error:
        told = getattr(error, "strerror", None) or error
        raise StorageError(f"{folder} cannot be written to: {told}.") from error


def known_files(folder: Path, space: Space) -> list[KnownFile]:
    """The files that parts have rows of, in the order of their paths' bytes.

    Args:
        folder: of the parts.
        space: that they must be of.

    Raises:
        ExchangeError: a part is not what it should be, or is of another space.
    """
    return [
        KnownFile(entry.path, entry.stamp, not (entry.skip and entry.skip.kind.passing))
        for entry in _entries(folder, space)
    ]


def left_out(folder: Path, space: Space) -> list[Entry]:
    """The files that were left out for a reason that concerns people, by path.

    Args:
        folder: as for `known_files`.
        space: likewise.

    Raises:
        ExchangeError: as `known_files`.
    """
    return [
        entry
        for entry in _entries(folder, space)
        if entry.skip and entry.skip.kind is not SkipKind.NO_PICTURE
    ]


def _entries(folder: Path, space: Space) -> list[Entry]:
    found: dict[str, Entry] = {}
    for part in sorted(folder.glob("*.parquet")):
        its, entries = read_files(part)
        if its != space:
            raise ExchangeError(
                f"{part} has embeddings of {its.name}, not of {space.name}: name another folder."
            )
        for entry in entries:
            found[entry.path] = entry
    return sorted(found.values(), key=lambda entry: os.fsencode(entry.path))


class Parts:
    """Writes parts, numbered on from those that are there.

    Args:
        folder: which is `own`.
        space: of the embeddings.
    """

    def __init__(self, folder: Path, space: Space) -> None:
        self._folder = folder
        self._schema = schema_of_parts(space)
        self._batches: list[pa.RecordBatch] = []
        self._since = 0.0
        self._next = 1 + max(map(_number, folder.glob("*.parquet")), default=0)

    def add(self, batch: "pa.RecordBatch") -> None:
        """Add rows. They may wait a while until their part is written.

        Raises:
            StorageError: it cannot be written.
        """
        if not self._batches:
            self._since = time.monotonic()
        self._batches.append(batch)
        rows = sum(one.num_rows for one in self._batches)
        if rows >= _ROWS or time.monotonic() - self._since >= _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits.

        Raises:
            StorageError: it cannot be written.
        """
        from pyarrow import parquet

        if not self._batches:
            return
        with written_aside(self._folder / f"part-{self._next:06}.parquet") as aside:
            with parquet.ParquetWriter(aside, self._schema, compression="zstd") as writer:
                for batch in self._batches:
                    writer.write_batch(batch.cast(self._schema))
            with aside.open("rb") as written:
                os.fsync(written.fileno())
        self._next += 1
        self._batches = []


def _number(part: Path) -> int:
    digits = part.stem.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0
