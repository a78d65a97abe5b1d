"""Answers that take longer than anybody waits for them."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs_module

for needed in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
    needs_module(needed)

import anyio  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402
from starlette.types import ASGIApp, Receive  # noqa: E402

from lookgraph import Library  # noqa: E402
from lookgraph.interfaces.rest.service import make_service  # noqa: E402
from lookgraph.interfaces.rest.settings import Limits, Settings  # noqa: E402
from lookgraph.stores.base import Status  # noqa: E402


class Slow(Library):
    """Tells its status when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.may_tell = threading.Event()
        self.asked = 0
        self.__dict__.update(Library.open(folder).__dict__)

    def status(self) -> Status:
        self.asked += 1
        self.may_tell.wait(20)
        return Status(1, 1, 0, 0, (), 0)


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    return Slow(tmp_path)


@pytest.fixture
def client(slow: Slow) -> Iterator[TestClient]:
    settings = Settings(hosts=(), limits=Limits(at_once=3, seconds=0.2))
    with TestClient(make_service(slow, settings)) as client:
        yield client
        slow.may_tell.set()


SCOPE: dict[str, Any] = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
    "path": "/v1/jobs", "raw_path": b"/v1/jobs", "root_path": "", "query_string": b"",
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
    "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "scheme": "http",
}  # fmt: skip


def answer_to(app: ASGIApp, receive: Receive) -> list[Any]:
    """The messages of the answer to a job that is sent in this way."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask() -> None:
        with anyio.fail_after(10):
            await app(SCOPE, receive, send)

    anyio.run(ask)
    return sent


def test_a_body_that_does_not_arrive_is_told_of(slow: Slow) -> None:
    app = make_service(slow, Settings(hosts=(), limits=Limits(seconds=0.2)))
    begun = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def receive() -> Any:
        message = next(begun, None)
        if message is None:
            await anyio.sleep_forever()
        return message

    sent = answer_to(app, receive)
    assert sent[0]["status"] == 408
    assert b"did not arrive within 0.2 seconds" in sent[1]["body"]


def test_a_body_that_trickles_in_is_cut_off_in_time(slow: Slow) -> None:
    app = make_service(slow, Settings(hosts=(), limits=Limits(seconds=0.3)))
    taken = 0

    async def receive() -> Any:
        nonlocal taken
        await anyio.sleep(0.05)
        taken += 1
        return {"type": "http.request", "body": b" ", "more_body": True}

    sent = answer_to(app, receive)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert not sent[-1].get("more_body")
    assert taken < 60


def test_who_waits_too_long_is_told_so_and_threads_do_not_pile_up(
    slow: Slow, client: TestClient
) -> None:
    late = [client.get("/v1/status") for _ in range(3)]
    assert [answer.status_code for answer in late] == [503, 503, 503]
    assert "takes longer than 0.2 seconds" in late[0].json()["detail"]
    assert late[0].headers["retry-after"] == "5"
    told = [client.get("/v1/status").json()["detail"] for _ in range(5)]
    assert told[-1] == "The library is busy. Ask again soon."
    assert slow.asked == 3
    assert client.get("/v1/health").status_code == 200
    slow.may_tell.set()
    while (answer := client.get("/v1/status")).status_code != 200:
        assert answer.status_code == 503
    assert answer.json()["pictures"] == 1
