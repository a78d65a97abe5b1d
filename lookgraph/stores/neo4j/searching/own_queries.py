"""People's own questions in Cypher, which may read and nothing else."""

import math
from collections.abc import Mapping
from typing import Any

from neo4j import ManagedTransaction
from neo4j.graph import Node, Path, Relationship

from lookgraph.stores.cypher import Table, Value
from lookgraph.stores.neo4j.client.connection import Connection


def own_query(connection: Connection, cypher: str, values: Mapping[str, object]) -> Table:
    """As `lookgraph.stores.cypher.AsksCypher.query`.

    The server is told that nothing may be changed, and refuses what would.
    """

    def ask(transaction: ManagedTransaction) -> Table:
        found = transaction.run(cypher, dict(values))
        return Table(
            tuple(found.keys()), tuple(tuple(map(plain, record.values())) for record in found)
        )

    return connection.read_in(ask)


def plain(value: Any) -> Value:
    """A value of the driver's as JSON can say it."""
    if isinstance(value, Node | Relationship | Path):
        return _told(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, list | tuple) and not hasattr(value, "iso_format"):  # also points
        return [plain(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    # Times and durations; and what newer servers have besides.
    return str(value.iso_format() if hasattr(value, "iso_format") else value)


def _told(value: Node | Relationship | Path) -> Value:
    if isinstance(value, Node):
        return {"labels": sorted(value.labels), "properties": _properties(value)}
    if isinstance(value, Relationship):
        first, second = (node.element_id if node else None for node in value.nodes)
        told = {"type": value.type, "from": first, "to": second}
        return {**told, "properties": _properties(value)}
    return {
        "nodes": [plain(node) for node in value.nodes],
        "relations": [plain(relation) for relation in value.relationships],
    }


def _properties(entity: Node | Relationship) -> dict[str, Value]:
    return {key: plain(value) for key, value in sorted(entity.items())}
