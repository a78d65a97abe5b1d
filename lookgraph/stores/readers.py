"""Connections of readers, kept open between calls with what was found out on the way."""

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

from lookgraph.errors import LookgraphError
from lookgraph.stores import schema
from lookgraph.stores.database import DATABASE, connect_reader

_T = TypeVar("_T")
_KEPT = 16


class Reader:
    """One connection, for one thread at a time, inside a read transaction.

    Attributes:
        database: the connection.
    """

    def __init__(self, database: sqlite3.Connection, file: tuple[int, int] | None) -> None:
        self.database = database
        self.file = file
        """What tells the file from others; None if it can serve no second time."""
        self._version: int | None = None
        self._found: dict[Hashable, object] = {}

    def begin(self) -> None:
        """Take a view of the database; what was found out is forgotten if that has changed.

        Raises:
            LibraryFormatError: its tables are not of this version any more.
        """
        self.database.execute("BEGIN")
        (version,) = self.database.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            schema.check(self.database)
            self._version = version
            self._found.clear()

    def once(self, key: Hashable, find: Callable[[], _T]) -> _T:
        """What ``find`` gives, found again only after the database has changed."""
        if key not in self._found:
            while len(self._found) >= _KEPT:
                del self._found[next(iter(self._found))]
            self._found[key] = find()
        return cast("_T", self._found[key])


class Readers:
    """The connections to one library's database that nobody is using."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = str(folder / DATABASE)
        self._idle: list[Reader] = []
        self._owner = os.getpid()
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._idle)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A consistent view of the database, until the end of the block.

        Raises:
            sqlite3.Error: it cannot be read.
        """
        reader = self._begun()
        try:
            yield reader
            reader.database.execute("COMMIT")
        except BaseException:
            reader.database.close()
            raise
        if reader.file is None:
            reader.database.close()
            return
        with self._lock:
            self._idle.append(reader)

    def close(self) -> None:
        """Close those that nobody is using."""
        with self._lock:
            self._disown()
            _close(self._idle)
            self._idle.clear()

    def _begun(self) -> Reader:
        """A reader with a view taken: an idle one, unless there is none that can."""
        while reader := self._take():
            try:
                reader.begin()
            except (sqlite3.Error, LookgraphError):
                reader.database.close()
            else:
                return reader
        reader = self._connect()
        try:
            reader.begin()
        except BaseException:
            reader.database.close()
            raise
        return reader

    def _take(self) -> Reader | None:
        with self._lock:
            self._disown()
            while self._idle:
                reader = self._idle.pop()
                if reader.file == _identity(self._database):
                    return reader
                reader.database.close()  # somebody has put another database in its place
        return None

    def _disown(self) -> None:
        """A connection must not be used, nor closed, in a fork of the process that opened it."""
        if self._owner != os.getpid():
            _inherited.append(self._idle[:])
            self._idle.clear()
            self._owner = os.getpid()

    def _connect(self) -> Reader:
        file = _identity(self._database)
        database, is_live = connect_reader(self._folder)
        return Reader(database, file if is_live else None)


_inherited: list[list[Reader]] = []


def _identity(file: str) -> tuple[int, int]:
    found = os.stat(file)  # noqa: PTH116 - before every reading: a Path takes three times as long
    return found.st_dev, found.st_ino


def _close(readers: list[Reader]) -> None:
    for reader in readers:
        reader.database.close()
