"""A real Neo4j server, with Graph Data Science, for the tests and for trying."""

from tests.neo4j_server.errors import NeedsError, ServerError
from tests.neo4j_server.server import Neo4jServer

__all__ = ["NeedsError", "Neo4jServer", "ServerError"]
