"""Questions to a Neo4j server: with time limits, tried again where that helps."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    Driver,
    GraphDatabase,
    ManagedTransaction,
    NotificationMinimumSeverity,
    Query,
    Record,
    Result,
    Session,
    unit_of_work,
)
from neo4j.exceptions import ServiceUnavailable

from lookgraph.errors import ServerError
from lookgraph.stores.neo4j.client.address import Address
from lookgraph.stores.neo4j.client.faults import server_errors
from lookgraph.stores.neo4j.client.server import Server

_T = TypeVar("_T")

# It tells of every new try on stderr otherwise, where nobody has set up logging.
logging.getLogger("neo4j").addHandler(logging.NullHandler())

_CONNECTING = 10.0
_RETRYING = 60.0
"""Seconds: a server that is restarted answers again within them."""

_FIRST_DELAY, _GROWTH = 0.5, 1.2
"""A delay that doubles, as the driver has it, lets a server wait that is back after ten seconds."""


class Connection:
    """A connection to one database; for several threads. Nothing is sent before the first question.

    Values travel as parameters, always; what is put into Cypher are the checked names of
    `lookgraph.stores.neo4j.names` and nothing else. Embeddings are given as
    `lookgraph.stores.neo4j.client.numbers.Numbers`, other numbers as NumPy arrays: the driver
    writes a list out, number by number, for a log that nobody keeps, which takes three quarters
    of the time of sending embeddings.
    """

    def __init__(self, address: Address, password: str | None) -> None:
        """Nothing is asked yet.

        Args:
            address: of the database.
            password: None for a server that wants none.
        """
        self.address = address
        self._password = password
        self._lock = threading.Lock()
        self._driver: Driver | None = None

    def driver(self) -> Driver:
        """The driver, made once, when the server has answered."""
        with self._lock:
            if self._driver is None:
                self._driver = self._answering()
            return self._driver

    def _answering(self) -> Driver:
        """A driver whose server answers: now, and not after a minute of trying again."""
        made = self._made(self.address.uri)
        try:
            made.verify_connectivity()
        except ServiceUnavailable as error:
            made.close()
            if not self.address.is_routed:
                raise
            # Asking for the way to a database, the driver does not say why it found none.
            with self._made(self.address.direct) as direct:
                direct.verify_connectivity()
            raise ServerError(
                f"{self.address.uri} answers, but does not say which server has the database. Ask "
                "that one alone, with bolt:// instead of neo4j://."
            ) from error
        except BaseException:
            made.close()
            raise
        return made

    def _made(self, uri: str) -> Driver:
        user = self.address.user
        return GraphDatabase.driver(
            uri,
            auth=None if self._password is None else (user, self._password),
            connection_timeout=_CONNECTING,
            connection_acquisition_timeout=_CONNECTING,
            max_transaction_retry_time=_RETRYING,
            initial_retry_delay=_FIRST_DELAY,
            retry_delay_multiplier=_GROWTH,
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            telemetry_disabled=True,
            user_agent="lookgraph",
        )

    def close(self) -> None:
        """Hang up; the next question connects again."""
        with self._lock:
            if self._driver is not None:
                self._driver.close()
                self._driver = None

    @contextmanager
    def session(self, *, reads: bool = False) -> Iterator[Session]:
        """A session whose errors are ours.

        Args:
            reads: nothing can be changed in it.
        """
        with server_errors(self.address):
            driver = self.driver()
            with driver.session(
                database=self.address.database,
                bookmark_manager=self._bookmarks,
                default_access_mode=READ_ACCESS if reads else WRITE_ACCESS,
            ) as session:
                yield session

    def read(self, query: str, /, **values: Any) -> list[Record]:
        """The answer to a question, tried again where the server says that this helps."""
        return self.read_in(lambda transaction: list(transaction.run(query, values)))

    def read_in(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        """Ask several questions in one transaction, which may be tried again."""
        with self.session(reads=True) as session:
            return session.execute_read(self._limited(work))

    @contextmanager
    def stream(self, query: str, /, **values: Any) -> Iterator[Result]:
        """A long answer, as it comes; not tried again."""
        with self.session(reads=True) as session:
            yield session.run(Query(query, timeout=self.address.timeout), values)

    def write(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        """Change something in one transaction.

        It is tried again where the server says that this helps, also if it may have been
        committed: ``work`` must see whether it was (`lookgraph.stores.neo4j.client.lock`).
        """
        with self.session() as session:
            return session.execute_write(self._limited(work))

    def run(self, query: str, /, **values: Any) -> list[Record]:
        """A statement with a transaction of its own: of the schema, or ``CALL … IN TRANSACTIONS``.

        It is not tried again, so it must be one that can be repeated.
        """
        with self.session() as session:
            return list(session.run(Query(query, timeout=self.address.timeout), values))

    @cached_property
    def server(self) -> Server:
        """What the server is and can, asked once."""
        return Server(self.read)

    @cached_property
    def _bookmarks(self) -> Any:
        """So that what was written is read, also from another server of the cluster."""
        return GraphDatabase.bookmark_manager()

    def _limited(
        self, work: Callable[[ManagedTransaction], _T]
    ) -> Callable[[ManagedTransaction], _T]:
        return unit_of_work(timeout=self.address.timeout)(work)
