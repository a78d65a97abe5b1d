"""Connections to a library's database, and what its failures mean."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lookgraph.errors import LibraryDamagedError, StorageError
from lookgraph.stores import schema

DATABASE = "library.db"

_WAIT_SECONDS = 30


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn what the operating system and SQLite say of a library into errors of ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _meaning(folder, error) from error
    except OSError as error:
        raise StorageError(
            f"{error.filename or folder}: {error.strerror or error}. {_SAFE} "
            f"{_ADVICE.get(error.errno or 0, 'Check the disk')}, and run the command again."
        ) from error


_SAFE = "What was committed is safe."
_MAKE_ROOM = "Make room on the disk"
_MAKE_WRITABLE = "Make the folder writable, or keep the library elsewhere with --library DIR"
_ADVICE = {
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
    errno.EFBIG: _MAKE_ROOM,
    errno.EACCES: _MAKE_WRITABLE,
    errno.EPERM: _MAKE_WRITABLE,
    errno.EROFS: _MAKE_WRITABLE,
}


def _meaning(folder: Path, error: sqlite3.Error) -> Exception:
    text = str(error)
    if "malformed" in text or "not a database" in text:
        return LibraryDamagedError(
            f"The database of {folder} is damaged ({text}). Put {folder / DATABASE} back from a "
            f"backup, or remove {folder} and index again."
        )
    advice = {
        "database or disk is full": _MAKE_ROOM,
        "attempt to write a readonly database": _MAKE_WRITABLE,
        "unable to open database file": _MAKE_WRITABLE,
    }.get(text, _MAKE_ROOM if _is_full(folder) else "Check the disk")
    return StorageError(f"{folder}: {text}. {_SAFE} {advice}, and run the command again.")


def _is_full(folder: Path) -> bool:
    """Whether there is no room for the file of 32 kB that SQLite puts beside a database.

    Where it finds none, SQLite speaks of an I/O error.
    """
    try:
        return shutil.disk_usage(folder).free < 1 << 15
    except OSError:
        return False


def make_database(folder: Path) -> None:
    """Make the database, if there is none; only the holder of the lock may.

    It is made aside and renamed: readers find none or a whole one. (SQLite itself gives up at
    once when several connections put a new database into WAL mode.)
    """
    file, aside = folder / DATABASE, folder / f"{DATABASE}.new"
    if file.exists():
        return
    for name in (DATABASE, aside.name):
        # Of a crash, or of a database that somebody removed.
        for suffix in ("", "-wal", "-shm", "-journal"):
            (folder / (name + suffix)).unlink(missing_ok=True)
    with closing(sqlite3.connect(aside, isolation_level=None)) as database:
        schema.migrate(database)
        # Last, so that nothing is in a log, which would not be renamed.
        database.execute("PRAGMA journal_mode = WAL")
    aside.replace(file)


def connect_writer(folder: Path) -> sqlite3.Connection:
    """Open the database for writing, brought up to date where it has to be."""
    file = folder / DATABASE
    database = sqlite3.connect(
        file, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        schema.version_of(database)  # what is not ours is left as it is
        database.execute("PRAGMA journal_mode = WAL")
        # In WAL mode FULL makes each commit last through a loss of power, not only a crash.
        database.execute("PRAGMA synchronous = FULL")
        # A migration may copy a table that others refer to.
        schema.migrate(database)
        database.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        database.close()
        raise
    return database


def connect_reader(folder: Path) -> tuple[sqlite3.Connection, bool]:
    """Open the database for reading; where it is of an older version, it is brought up to date.

    Returns:
        the connection, and whether it will see what others commit later.
    """
    database, is_live = _connect_reader(folder / DATABASE)
    try:
        if schema.version_of(database) == len(schema.MIGRATIONS):
            return database, is_live
    except BaseException:
        database.close()
        raise
    database.close()
    connect_writer(folder).close()
    return connect_reader(folder)


def _connect_reader(file: Path) -> tuple[sqlite3.Connection, bool]:
    try:
        return _connect_read_only(file, "mode=ro"), True
    except sqlite3.OperationalError:
        # Readers of a WAL database write to a small file beside it. Where they may not or there
        # is no room, and no log waits to be read, the database can be taken as it lies there.
        log = file.with_name(file.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        if os.access(file.parent, os.W_OK) and not _is_full(file.parent):
            raise
        return _connect_read_only(file, "immutable=1"), False


def _connect_read_only(file: Path, mode: str) -> sqlite3.Connection:
    database = sqlite3.connect(
        f"{file.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=_WAIT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        database.execute("SELECT count(*) FROM sqlite_master")
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All of what is written inside, or, after any exception, nothing of it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
