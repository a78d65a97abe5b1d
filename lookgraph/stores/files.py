"""What a library's database knows of files, and of the pictures in them."""

import os
import sqlite3
from collections.abc import Iterator
from itertools import groupby

from lookgraph.stores.records import PICTURE_COLUMNS, StoredSpace, as_entry
from lookgraph.types import Entry, KnownFile, SkipKind, Stamp

_PAGE = 5000
LAST = b"\xff" * 256
"""Comes after every path: a name has at most 255 bytes."""

_ENTRIES = (
    f"SELECT path, size, mtime_ns, skip, reason, {PICTURE_COLUMNS}"
    " FROM files LEFT JOIN pictures USING (picture)"
)


def known_files(
    database: sqlite3.Connection, stored: StoredSpace | None, first: bytes, end: bytes
) -> list[KnownFile]:
    """A page of the files from one path up to another, in the order of their paths' bytes."""
    found = database.execute(
        "SELECT path, size, mtime_ns, skip, EXISTS (SELECT 1 FROM embeddings"
        " WHERE embeddings.picture = files.picture AND space = ?)"
        " FROM files WHERE path >= ? AND path < ? ORDER BY path LIMIT ?",
        (stored.number if stored else None, first, end, _PAGE),
    )
    return [
        KnownFile(
            os.fsdecode(path),
            Stamp(size, mtime_ns),
            bool(is_embedded) if skip is None else not SkipKind(skip).passing,
        )
        for path, size, mtime_ns, skip, is_embedded in found
    ]


def entries(
    database: sqlite3.Connection, under: bytes, after: bytes, most: int
) -> tuple[Entry, ...]:
    """So many files that hold a picture, below a path and behind one, in their paths' order."""
    first = max(under + b"/" if under else b"", after + b"\0" if after else b"")
    found = database.execute(
        f"{_ENTRIES} WHERE path >= ? AND path < ? AND skip IS NULL ORDER BY path LIMIT ?",
        (first, under + b"0" if under else LAST, most),
    )
    return tuple(map(as_entry, found))


def file_at(database: sqlite3.Connection, path: str) -> Entry | None:
    """The file at a relative path."""
    found = database.execute(f"{_ENTRIES} WHERE path = ?", (os.fsencode(path),)).fetchone()
    return as_entry(found) if found else None


def files_of(database: sqlite3.Connection, id_: str) -> tuple[Entry, ...]:
    """The files that hold a picture, in alphabetical order."""
    found = database.execute(f"{_ENTRIES} WHERE id = ? ORDER BY path", (bytes.fromhex(id_),))
    return tuple(map(as_entry, found))


def copies(database: sqlite3.Connection) -> Iterator[tuple[Entry, ...]]:
    """The files of each picture that several hold, in alphabetical order."""
    found = map(as_entry, database.execute(f"{_ENTRIES} WHERE files > 1 ORDER BY id, path"))
    for _, its in groupby(found, key=lambda entry: entry.picture):
        yield tuple(its)


def skipped(database: sqlite3.Connection) -> Iterator[Entry]:
    """The files that were left out for a reason that concerns people, by path."""
    return map(as_entry, database.execute(f"{_ENTRIES} WHERE skip <> 'no-picture' ORDER BY path"))


def ids(database: sqlite3.Connection, prefix: str) -> list[str]:
    """The ids of pictures with files that begin so, in order; at most two."""
    low = bytes.fromhex(prefix.ljust(64, "0"))
    high = bytes.fromhex(prefix.ljust(64, "f"))
    found = database.execute(
        "SELECT id FROM pictures WHERE id BETWEEN ? AND ? AND files > 0 ORDER BY id LIMIT 2",
        (low, high),
    )
    return [id_.hex() for (id_,) in found]
