"""One writer at a time, and the second is told who the first is.

The lock is SQLite's own on an empty database, so that it works wherever SQLite does and the
kernel frees it when its holder dies, however that happens. A file beside it says who holds it.
"""

import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from lookgraph.errors import LibraryLockedError


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of the library in this folder.

    Raises:
        LibraryLockedError: somebody else holds it.
        OSError, sqlite3.Error: the folder cannot be written to.
    """
    holder = folder / "writer.json"
    with closing(
        sqlite3.connect(folder / "writer.lock", timeout=0, isolation_level=None)
    ) as database:
        try:
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise LibraryLockedError(
                f"{folder} is being written to by {_who(holder)}. "
                "Wait until it is done, or stop it, and try again."
            ) from None
        holder.write_text(
            json.dumps(
                {
                    "process": os.getpid(),
                    "host": socket.gethostname(),
                    "since": datetime.now().astimezone().isoformat(timespec="seconds"),
                }
            )
        )
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)


def _who(holder: Path) -> str:
    try:
        told = json.loads(holder.read_text())
        return f"process {told['process']} on {told['host']} since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"  # it has the lock, and has not said so yet
