"""A Neo4j server of one's own: in a folder of its own, on a free port of the loopback address."""

import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.neo4j_server import jars, processes
from tests.neo4j_server.errors import ServerError
from tests.neo4j_server.launching import Launching, launch

HOST = "127.0.0.1"
_PROJECT = Path(__file__).parents[2]
# Below the ports that the system gives to outgoing connections: one of those could take the
# port while the server is down.
_PORTS = range(12_000, 32_000)
_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05
_LOG_LINES = 30


class Neo4jServer:
    """A server in a folder, which keeps its port, its password and its data between starts.

    The folder's files ``port``, ``password`` and ``pid`` tell where it is; any other object or
    process that opens the folder finds the same server.

    Args:
        folder: Where it works. Without it, a temporary one, which `close` removes.
        gds: With Graph Data Science.
        heap: Java's ``-Xmx``.
        conf: Further lines of ``neo4j.conf``, or others in place of ours, by their names.
        password: Of a new server; a random one by default.
        cache: Where jars are kept, `jars.default_cache` by default.
        dies_with_parent: It ends when this process does, even if that is killed.
    """

    user = "neo4j"
    host = HOST

    def __init__(
        self,
        folder: Path | None = None,
        *,
        gds: bool = True,
        heap: str = "1g",
        conf: Mapping[str, str] | None = None,
        password: str | None = None,
        cache: Path | None = None,
        dies_with_parent: bool = True,
    ) -> None:
        self._temporary = folder is None
        self.folder = (folder or Path(tempfile.mkdtemp(prefix="lookgraph-neo4j-"))).resolve()
        self.gds = gds
        self._launching = Launching(gds, heap, dict(conf or {}), cache)
        self._given_password = password
        self._dies_with_parent = dies_with_parent
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Neo4jServer":
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """Its port, from its first start on."""
        return int(self._told("port"))

    @property
    def password(self) -> str:
        """Its password, from its first start on."""
        return self._told("password")

    @property
    def uri(self) -> str:
        """The driver's address of it."""
        return f"bolt://{HOST}:{self.port}"

    @property
    def address(self) -> str:
        """Lookgraph's address of its one database."""
        return f"neo4j://{self.user}@{HOST}:{self.port}/neo4j"

    @property
    def pid(self) -> int | None:
        """The number of its process, if it runs."""
        file = self.folder / "pid"
        if not file.exists():
            return None
        pid = int(file.read_text())
        return pid if processes.is_server(pid, self.folder) else None

    @property
    def log(self) -> str:
        """The last lines that it wrote."""
        file = self.folder / "console.log"
        lines = file.read_text(errors="replace").splitlines() if file.exists() else []
        return "\n".join(lines[-_LOG_LINES:])

    def start(self) -> "Neo4jServer":
        """Start it, if it does not run, and wait until it answers a query.

        Raises:
            NeedsError: Java or Maven is missing.
            ServerError: It ended, or did not answer in time.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with jars.locked(self.folder / "lock"):
            try:
                if self.pid is None:
                    self._launch()
                self._wait()
            except BaseException:
                self.kill()
                raise
        return self

    def kill(self) -> None:
        """End it as a loss of power would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Shut it down; what is not running is left as it is."""
        self._end(signal.SIGTERM)

    def restart(self) -> "Neo4jServer":
        """Shut it down and start it, with the same data on the same port."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """Shut it down, and remove its folder if that is a temporary one."""
        if self._temporary:
            self.kill()  # nobody will read what it would still write
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self.stop()

    def _told(self, name: str) -> str:
        file = self.folder / name
        if not file.exists():
            raise ServerError(f"There is no server in {self.folder} yet: start it first")
        return file.read_text()

    def _launch(self) -> None:
        self._let_go()
        self._keep("port", str(_free_port()))
        self._keep("password", self._given_password or secrets.token_urlsafe(16))
        if self._dies_with_parent:
            self._watch()
        self._process = launch(self.folder, HOST, self.port, self._launching)
        # For a moment after it was started, a process has no arguments to know it by.
        while self._process.poll() is None:
            if processes.is_server(self._process.pid, self.folder):
                break
            time.sleep(0.001)
        (self.folder / "pid").write_text(str(self._process.pid))

    def _keep(self, name: str, text: str) -> None:
        """Write what is to stay the same, the first time."""
        file = self.folder / name
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(text)

    def _watch(self) -> None:
        self._watcher = subprocess.Popen(
            [sys.executable, "-m", "tests.neo4j_server.watcher", str(self.folder)]
            + ["--remove"] * self._temporary,
            cwd=_PROJECT, stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def _wait(self) -> None:
        from neo4j.exceptions import AuthError

        from tests.neo4j_server.answering import answers

        until = time.monotonic() + _START_SECONDS
        try:
            while not answers(HOST, self.port, self.password):
                if self.pid is None:
                    raise ServerError(f"Neo4j ended while it started. Its log:\n{self.log}")
                if time.monotonic() > until:
                    raise ServerError(
                        f"Neo4j did not answer within {_START_SECONDS:.0f} s. Its log:\n{self.log}"
                    )
                time.sleep(_POLL_SECONDS)
        except AuthError as error:
            raise ServerError(
                f"The server in {self.folder} has another password than its file says"
            ) from error

    def _end(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is not None:
            processes.end(pid, self.folder, number)
            if not processes.wait_for_end(pid, self.folder, _STOP_SECONDS):
                processes.end(pid, self.folder, signal.SIGKILL)
                processes.wait_for_end(pid, self.folder, _STOP_SECONDS)
        (self.folder / "pid").unlink(missing_ok=True)
        self._let_go()

    def _let_go(self) -> None:
        """Of a server that has ended, whoever ended it, or that hardly began."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._watcher is not None:
            self._watcher.communicate(b"ended")
            self._watcher = None


def _free_port() -> int:
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port
