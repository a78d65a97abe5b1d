"""One writer at a time, also from several machines, and nothing written twice.

The lock is a write lock of the server's own, which a transaction holds that is never committed: it
goes when its holder dies, however that happens. Who holds it stands in the library's node, with a
token. Each change begins by finding that token there, and by counting its step: a change that is
tried again because the answer to it was lost finds its step there, and has been made.
"""

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import contextmanager, suppress
from datetime import datetime

from neo4j import ManagedTransaction, Session

from lookgraph.errors import LibraryLockedError, ServerError
from lookgraph.stores.neo4j.client.connection import Connection

_WAIT_SECONDS = 2.0


class Turn:
    """A writer's turn: what it writes goes through `apply`."""

    def __init__(self, connection: Connection, token: str) -> None:
        """Use `writers_turn`."""
        self._connection = connection
        self._token = token
        self._step = 0

    def apply(self, work: Callable[[ManagedTransaction], None]) -> None:
        """Make one change, all of it or nothing, and once.

        Raises:
            LibraryLockedError: another process has taken over: this one lost the server for long.
        """
        self._step += 1
        self._connection.write(lambda transaction: self._once(transaction, work, self._step))

    def _once(
        self, transaction: ManagedTransaction, work: Callable[[ManagedTransaction], None], step: int
    ) -> None:
        library = self._connection.address.names.own("Library")
        found = transaction.run(
            f"MATCH (l:`{library}` {{name: 'library'}})"
            " SET l.generation = l.generation + 1"  # takes the lock on it before anything is read
            " WITH l, l.step AS before SET l.step = $step RETURN l.writer AS writer, before",
            step=step,
        ).single(strict=True)
        if found["writer"] != self._token:
            raise LibraryLockedError(
                f"{self._connection.address}: another process has begun to write, since this one "
                "had lost the server. Run the command again: it goes on where it was."
            )
        if found["before"] != step:
            work(transaction)


@contextmanager
def writers_turn(connection: Connection) -> Iterator[Turn]:
    """Hold the lock of the library that is there.

    Raises:
        LibraryLockedError: somebody else holds it; says who.
    """
    token = secrets.token_hex(8)
    with ThreadPoolExecutor(1) as waiting, connection.session() as session:
        taken = waiting.submit(_take, connection, session, token)
        _wait_for(connection, taken, token)
        try:
            _sign(connection, token)
            yield Turn(connection, token)
        finally:
            # Where the server is gone, so is the lock.
            with suppress(ServerError):
                session.close()


def _take(connection: Connection, session: Session, token: str) -> None:
    lock = connection.address.names.own("Lock")
    transaction = session.begin_transaction(metadata={"lookgraph": token})
    transaction.run(f"MATCH (l:`{lock}` {{name: 'lock'}}) SET l.token = $token", token=token)
    transaction.run("RETURN 1").consume()  # the first answer has come then


def _wait_for(connection: Connection, taken: "Future[None]", token: str) -> None:
    try:
        taken.result(_WAIT_SECONDS)
    except TookTooLong:
        _give_up(connection, token)
        taken.exception()
        raise LibraryLockedError(
            f"{connection.address} is being written to by {_who(connection)}. "
            "Wait until it is done, or stop it, and try again."
        ) from None


def _give_up(connection: Connection, token: str) -> None:
    found = connection.read(
        "SHOW TRANSACTIONS YIELD transactionId, metaData WHERE metaData.lookgraph = $token"
        " RETURN transactionId AS id",
        token=token,
    )
    for one in found:
        connection.run("TERMINATE TRANSACTIONS $id", id=one["id"])


def _sign(connection: Connection, token: str) -> None:
    library = connection.address.names.own("Library")
    connection.write(
        lambda transaction: transaction.run(
            f"MATCH (l:`{library}` {{name: 'library'}})"
            " SET l.writer = $token, l.step = 0, l.holder = $holder",
            token=token,
            holder=f"process {os.getpid()} on {socket.gethostname()} since "
            f"{datetime.now().astimezone().isoformat(timespec='seconds')}",
        ).consume()
    )


def _who(connection: Connection) -> str:
    library = connection.address.names.own("Library")
    found = connection.read(f"MATCH (l:`{library}` {{name: 'library'}}) RETURN l.holder AS holder")
    return str(found[0]["holder"] or "another process") if found else "another process"
