"""Libraries in Neo4j: as the store itself, or as a mirror of a local one."""

from lookgraph.config import neo4j_password
from lookgraph.stores.neo4j.client.address import parse
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.store import Neo4jStore

__all__ = ["Neo4jStore", "open_store"]


def open_store(address: str, password: str | None) -> Neo4jStore:
    """The library in a database. Nothing is asked yet.

    Args:
        address: as `lookgraph.stores.neo4j.client.address.parse` takes it.
        password: of the address' user; None for the one in the environment.

    Raises:
        UsageError: the address is none, or has a password in it.
    """
    return Neo4jStore(Connection(parse(address), password or neo4j_password()))
