"""The one database of a server, as a test finds it: empty."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from neo4j import Driver, GraphDatabase, Record

from tests.neo4j_server.server import Neo4jServer

_NAME = "neo4j"
_EMPTY = "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS"


@dataclass(frozen=True, slots=True)
class Neo4jDatabase:
    """Where the database is, and a plain driver for looking at it.

    The driver's connections break when the server is killed or restarted; what `run` asks
    afterwards is answered by a new one.
    """

    server: Neo4jServer
    driver: Driver

    @property
    def host(self) -> str:
        return self.server.host

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def user(self) -> str:
        return self.server.user

    @property
    def password(self) -> str:
        return self.server.password

    @property
    def uri(self) -> str:
        """The driver's address, ``bolt://127.0.0.1:PORT``."""
        return self.server.uri

    @property
    def address(self) -> str:
        """Lookgraph's address, ``neo4j://neo4j@127.0.0.1:PORT/neo4j``."""
        return self.server.address

    def run(self, cypher: str, **values: object) -> list[Record]:
        """The records that a statement gives, retried where that helps."""
        return self.driver.execute_query(cypher, values, database_=_NAME).records


@contextmanager
def emptied(server: Neo4jServer) -> Iterator[Neo4jDatabase]:
    """The database without nodes, constraints, indexes, projected graphs and other users."""
    server.start()  # a test may have killed it
    with GraphDatabase.driver(server.uri, auth=(server.user, server.password)) as driver:
        database = Neo4jDatabase(server, driver)
        _empty(database)
        yield database


def _empty(database: Neo4jDatabase) -> None:
    with database.driver.session(database=_NAME) as session:
        session.run(_EMPTY).consume()  # its own transactions, so not a managed one
    for (name,) in database.run("SHOW CONSTRAINTS YIELD name"):
        database.run(f"DROP CONSTRAINT {_quoted(name)}")
    for (name,) in database.run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"):
        database.run(f"DROP INDEX {_quoted(name)}")
    if database.server.gds:
        database.run(
            "CALL gds.graph.list() YIELD graphName CALL gds.graph.drop(graphName) "
            "YIELD graphName AS dropped RETURN count(*)"
        )
    users = database.driver.execute_query("SHOW USERS YIELD user", database_="system").records
    for (name,) in users:
        if name != database.user:
            database.driver.execute_query(f"DROP USER {_quoted(name)}", database_="system")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
