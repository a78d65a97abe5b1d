"""Whether a server answers queries, and its first password."""

import socket

from neo4j import Driver, GraphDatabase
from neo4j.exceptions import AuthError, ServiceUnavailable, TransientError

USER = "neo4j"
_FIRST_PASSWORD = "neo4j"


def answers(host: str, port: int, password: str) -> bool:
    """Whether queries are answered now. A new server is given its password first.

    Raises:
        AuthError: It has another password.
    """
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    try:
        return _asked(host, port, password)
    except AuthError:
        with connected(host, port, _FIRST_PASSWORD) as driver:
            driver.execute_query(
                "ALTER CURRENT USER SET PASSWORD FROM $first TO $password",
                first=_FIRST_PASSWORD, password=password, database_="system",
            )  # fmt: skip
        return _asked(host, port, password)


def connected(host: str, port: int, password: str) -> Driver:
    """A driver that gives up soon; to be closed."""
    return GraphDatabase.driver(
        f"bolt://{host}:{port}", auth=(USER, password), max_transaction_retry_time=1
    )


def _asked(host: str, port: int, password: str) -> bool:
    try:
        with connected(host, port, password) as driver:
            driver.execute_query("RETURN 1", database_="neo4j")
    except (ServiceUnavailable, TransientError):
        return False
    return True
