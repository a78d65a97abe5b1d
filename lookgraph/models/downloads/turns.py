"""One process at a time fetches a file, and the next one waits for it."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lookgraph.errors import StorageError

_SECONDS_BETWEEN_LOOKS = 0.2


@contextmanager
def turn(lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock, as soon as nobody else does.

    It is SQLite's own on an empty database, as that of a library's writer: it works wherever
    SQLite does, and the kernel frees it when its holder dies.

    Args:
        lock: its file, which stays.
        waiting: called now and then as long as somebody else holds it.

    Raises:
        StorageError: the folder cannot be written to.
    """
    try:
        database = sqlite3.connect(lock, timeout=0, isolation_level=None)
    except sqlite3.Error as error:
        raise _failed(lock, error) from error
    with closing(database):
        while not _hold(database, lock):
            waiting()
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        yield


def _hold(database: sqlite3.Connection, lock: Path) -> bool:
    try:
        database.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise _failed(lock, error) from error
        return False
    return True


def _failed(lock: Path, error: sqlite3.Error) -> StorageError:
    return StorageError(
        f"{lock} cannot be written: {error}. Set LOOKGRAPH_CACHE to a folder that can be."
    )
