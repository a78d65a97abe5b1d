"""A Milvus server for tests: Milvus Lite's own, or another one that LOOKGRAPH_TEST_MILVUS names."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

_SECONDS = 60

_numbers = count(1)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server, without a collection, until the end of the block.

    Args:
        folder: for Milvus Lite's files.
    """
    if named := os.environ.get("LOOKGRAPH_TEST_MILVUS"):
        yield named.rstrip("/")
        return
    port = free_port()
    command = [
        str(Path(sys.executable).parent / "milvus-lite"),
        "server", "--data-dir", str(folder), "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    with (folder.parent / "milvus.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _await(port, server)
        yield f"milvus://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def new_name() -> str:
    """A name for collections that nobody has."""
    return f"test_{os.getpid()}_{next(_numbers)}"


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server has ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server does not answer")
