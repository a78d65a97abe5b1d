"""The real service in a process of its own, and questions to it over HTTP."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.commands import COMMAND

_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Running:
    """A service that answers."""

    process: "subprocess.Popen[str]"
    url: str

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.get(path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.request(method, path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.post(path, **options)

    def wait(self) -> int:
        return self.process.wait(_PATIENCE_SECONDS)


@contextmanager
def serving(
    library: Path, *options: str, env: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """A service of a library; it ends when it is told to, with what is expected then."""
    process = subprocess.Popen(
        [COMMAND, "serve", "--library", library, "--port", "0", *options],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"at (http://\S+)/v1", said)
        assert found, said + process.stderr.read()
        running = Running(process, found[1])
        until_ready(running)
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        code = process.wait(_PATIENCE_SECONDS)
        assert process.stderr is not None
        rest = process.stderr.read()
        process.stderr.close()
    assert code in (0, -signal.SIGTERM), rest
    assert "Traceback" not in rest, rest


def until_ready(running: Running) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            if running.get("/v1/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the service does not answer")
