"""Files of Milvus Lite, which one process at a time has open.

They are folders. In the process that opens one, a server of Milvus Lite runs, which all connections
of the process to the file share; it ends with the last of them, so that another process may come.
"""

import gc
import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from lookgraph.errors import LibraryLockedError, MissingExtraError, StorageError

QUIET = {"grpc.keepalive_permit_without_calls": 0, "grpc.keepalive_time_ms": 300_000}
"""Milvus Lite hangs up on who asks every ten seconds whether it is there, as the driver does."""

_opened: dict[Path, int] = {}
_lock = threading.Lock()
"""How many connections of this process each file has."""


def opened_file(file: Path) -> MilvusClient:
    """A connection to a file, which is made if it is not there.

    Raises:
        LibraryLockedError: another process has it open.
        StorageError: it cannot be opened.
        MissingExtraError: Milvus Lite is not installed: there is none for Windows.
    """
    if importlib.util.find_spec("milvus_lite") is None:
        raise MissingExtraError("A file of Milvus Lite", "milvus")
    with _lock:
        try:
            client = MilvusClient(str(file), grpc_options=QUIET)
        except MilvusException as error:
            if _is_held(file):
                raise LibraryLockedError(
                    f"{file} is open in another process, and Milvus Lite lets in one at a time. "
                    "Wait for it; or let a server have the file, which all can ask: milvus-lite "
                    f"server --data-dir {file} --port 19530, and then milvus://localhost."
                ) from error
            told = "there is no such folder" if not file.parent.is_dir() else str(error)
            raise StorageError(f"{file} cannot be opened: {told}") from error
        _opened[file] = _opened.get(file, 0) + 1
        return client


def let_go(file: Path) -> None:
    """A connection has ended."""
    from milvus_lite.server_manager import server_manager_instance

    with _lock:
        _opened[file] -= 1
        if not _opened[file]:
            server_manager_instance.release_server(str(file))


@contextmanager
def uncollected() -> Iterator[None]:
    """Let Python not look for objects that keep each other alive meanwhile.

    Milvus Lite works in this process and makes a list of each vector and an object of each number.
    A tenth of the time that an import takes goes into looking through them, again and again. What
    nobody needs is freed all the same, but for what has been made in circles; that is afterwards.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _is_held(file: Path) -> bool:
    """Whether somebody holds the lock that Milvus Lite takes."""
    import fcntl

    try:
        with (file / "LOCK").open("rb+") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
