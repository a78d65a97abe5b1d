"""Embedding on a cluster that somebody else has started, of one machine: this one."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT, needs_module
from tests.e2e.commands import SAME_BITS, fill, lookgraph, spread, until
from tests.integration.ray_runs import below, bits, kill

pytestmark = pytest.mark.slow

TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4}
"""What a cluster asks for, as is usual since Ray 2.60."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster with a cache of its own, so that the network must be sent."""
    needs_module("ray")
    needs_module("grpc")
    ports = [_free(), _free(), _free()]
    # Its sockets' paths may have some hundred characters only, which pytest's folders take.
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    environment = {
        **os.environ,
        "LOOKGRAPH_CACHE": str(folder / "cache"),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "120",  # on a busy machine
        **TOKEN,
    }
    command: list[str | Path] = [
        Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=2",
        f"--port={ports[0]}", f"--ray-client-server-port={ports[1]}", "--include-dashboard=false",
        f"--runtime-env-agent-port={ports[2]}",
        "--disable-usage-stats", f"--temp-dir={folder}", "--object-store-memory=300000000",
    ]  # fmt: skip
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=said, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: _listens(ports[1]) or process.poll() is not None, within=90)
        assert process.poll() is None, (folder / "said").read_text()
        yield f"ray://127.0.0.1:{ports[1]}"
    finally:
        # It waits for its processes, which all watch each other; none of them has anything to keep.
        for pid in [process.pid, *below(process.pid)]:
            kill(pid)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_a_cluster_gives_the_same_bits(cluster: str, photographs: Path, tmp_path: Path) -> None:
    folder = fill(tmp_path / "folder", spread(photographs, 40))
    (folder / "cut.jpg").write_bytes(next(folder.rglob("*.jpg")).read_bytes()[:5000])
    own = Path(shutil.copytree(folder, tmp_path / "own"))
    lookgraph("index", folder, *SAME_BITS, code=3)
    # Two processes of the cluster start for the client alone, before any worker does.
    done = lookgraph(
        "index", own, "--on", cluster, *SAME_BITS, "--json", code=3, env=TOKEN, within=240
    )
    assert (done.json["embedded"], done.json["skipped"]) == (40, 1)
    assert bits(own) == bits(folder)
