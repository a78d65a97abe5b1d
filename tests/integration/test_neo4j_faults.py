"""What people are told when something is wrong with a real server, and how soon."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lookgraph.errors import (
    LibraryNotFoundError,
    LookgraphError,
    ServerError,
    UsageError,
)
from tests.conftest import needs_module, started

if TYPE_CHECKING:
    from tests.neo4j_server.database import Neo4jDatabase

needs_module("neo4j")

from lookgraph.stores.neo4j.client import connection as connections  # noqa: E402
from lookgraph.stores.neo4j.client.address import parse  # noqa: E402
from lookgraph.stores.neo4j.client.connection import Connection  # noqa: E402
from tests.neo4j_server import Neo4jServer  # noqa: E402

SOON = 5.0
"""Seconds within which whoever waits is told, where nothing has to be waited for."""


@contextmanager
def connected(address: str, password: str | None) -> Iterator[Connection]:
    connection = Connection(parse(address), password)
    try:
        yield connection
    finally:
        connection.close()


def refusal(address: str, password: str | None, query: str = "RETURN 1") -> LookgraphError:
    """The error that a question meets."""
    with connected(address, password) as connection, pytest.raises(LookgraphError) as caught:
        connection.read(query)
    return caught.value


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("scheme", ["neo4j", "bolt"])
def test_nothing_listens_there(scheme: str) -> None:
    with no_longer_than(SOON):
        error = refusal(f"{scheme}://neo4j@127.0.0.1:{unused_port()}/neo4j", "secret")
    assert isinstance(error, ServerError)
    assert "No Neo4j server answers at" in str(error)
    assert "refused" in str(error)
    assert "secret" not in str(error)


def test_there_is_no_such_host() -> None:
    with no_longer_than(SOON):
        error = refusal("neo4j://neo4j@no-such-host.invalid/neo4j", "secret")
    assert isinstance(error, ServerError)
    assert "no-such-host.invalid" in str(error)


def test_what_listens_there_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_CONNECTING", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, no_longer_than(SOON):
        error = refusal(f"neo4j://neo4j@127.0.0.1:{silent.getsockname()[1]}/neo4j", "secret")
    assert isinstance(error, ServerError)
    assert "is this its Bolt port?" in str(error)


@pytest.mark.parametrize(
    ("user", "password"), [("neo4j", "wrong"), ("nobody", "wrong"), ("neo4j", None)]
)
def test_the_password_is_wrong(
    neo4j_database: "Neo4jDatabase", user: str, password: str | None
) -> None:
    address = neo4j_database.address.replace("neo4j@", f"{user}@")
    with no_longer_than(SOON):
        error = refusal(address, password)
    assert isinstance(error, ServerError)
    assert f"does not know {user} with this password" in str(error)
    assert "LOOKGRAPH_NEO4J_PASSWORD" in str(error)
    assert "wrong" not in str(error).replace("wrong password", "")


def test_there_is_no_such_database(neo4j_database: "Neo4jDatabase") -> None:
    address = neo4j_database.address.removesuffix("/neo4j") + "/pictures"
    with no_longer_than(SOON):
        error = refusal(address, neo4j_database.password)
    assert isinstance(error, LibraryNotFoundError)
    assert "no database 'pictures'" in str(error)


@pytest.mark.parametrize("scheme", ["neo4j+s", "bolt+s", "bolt+ssc"])
def test_the_server_does_not_encrypt(neo4j_database: "Neo4jDatabase", scheme: str) -> None:
    address = neo4j_database.address.replace("neo4j://", f"{scheme}://")
    with no_longer_than(SOON):
        error = refusal(address, neo4j_database.password)
    assert isinstance(error, ServerError)
    assert "no encrypted connection" in str(error)


def test_a_question_that_takes_too_long_is_stopped(neo4j_database: "Neo4jDatabase") -> None:
    endless = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b RETURN sum(a * b)"
    with no_longer_than(4 * SOON):  # the server looks every two seconds
        error = refusal(f"{neo4j_database.address}?timeout=1", neo4j_database.password, endless)
    assert isinstance(error, ServerError)
    assert "?timeout=SECONDS" in str(error)


def test_a_question_that_is_none_is_the_users_mistake(neo4j_database: "Neo4jDatabase") -> None:
    error = refusal(neo4j_database.address, neo4j_database.password, "MATCH (a RETURN a")
    assert isinstance(error, UsageError)


def test_a_reading_transaction_cannot_write(neo4j_database: "Neo4jDatabase") -> None:
    error = refusal(neo4j_database.address, neo4j_database.password, "CREATE (:Image)")
    assert isinstance(error, UsageError)
    assert neo4j_database.run("MATCH (n:Image) RETURN count(n) AS n")[0]["n"] == 0


def test_who_waits_while_the_server_restarts_gets_an_answer(
    neo4j_database: "Neo4jDatabase",
) -> None:
    with connected(neo4j_database.address, neo4j_database.password) as connection:
        connection.read("RETURN 1")
        neo4j_database.server.kill()
        starting = threading.Thread(target=neo4j_database.server.start)
        starting.start()
        try:
            (answer,) = connection.read("RETURN 42 AS answer")
        finally:
            starting.join()
        assert answer["answer"] == 42


@pytest.mark.slow
def test_a_server_that_hangs_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_CONNECTING", 1.0)
    monkeypatch.setattr(connections, "_RETRYING", 5.0)
    often = {
        "server.bolt.connection_keep_alive": "1s",
        "server.bolt.connection_keep_alive_probes": "2",
    }
    with (
        started(Neo4jServer(gds=False, heap="512m", conf=often)) as server,
        connected(server.address, server.password) as connection,
    ):
        connection.read("RETURN 1")
        assert server.pid
        os.kill(server.pid, signal.SIGSTOP)
        try:
            with no_longer_than(60), pytest.raises(ServerError):
                connection.read("RETURN 1")
        finally:
            os.kill(server.pid, signal.SIGCONT)


@pytest.mark.slow
def test_a_database_that_can_only_be_read(tmp_path: Path) -> None:
    with started(Neo4jServer(tmp_path / "server", gds=False, heap="512m")):
        pass  # its first start makes the database
    conf = {"server.databases.read_only": "neo4j"}
    with (
        started(Neo4jServer(tmp_path / "server", gds=False, heap="512m", conf=conf)) as server,
        connected(server.address, server.password) as connection,
        pytest.raises(ServerError, match="read only"),
    ):
        connection.write(lambda transaction: transaction.run("CREATE (:Image)").consume())
