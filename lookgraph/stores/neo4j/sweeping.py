"""Removing what nothing needs any more, and nothing that is somebody else's."""

from collections.abc import Sequence

from neo4j import ManagedTransaction

from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.client.lock import Turn
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import StoredSpace
from lookgraph.stores.neo4j.spaces import until_none

_AT_ONCE = 10_000


def sweep(turn: Turn, names: Names, spaces: Sequence[StoredSpace]) -> None:
    """Drop the pictures that have no file, and no embedding in any of these spaces, which are all.

    What is related to something else, by a verdict or by somebody's relation, stays as a node with
    an id.
    """
    own = names.own()
    unused = " AND ".join(
        [f"NOT n:`{names.label}`", *(f"n.`{its.property}` IS NULL" for its in spaces)]
    )
    relations = "|".join(f"`{its.relation}`" for its in spaces)
    if relations:
        until_none(
            turn,
            f"MATCH (n:`{own}`)-[r:{relations} {{made: true}}]-(:`{own}`) WHERE {unused}"
            f" WITH DISTINCT r LIMIT {_AT_ONCE} DELETE r RETURN count(r) AS done",
        )
    until_none(
        turn,
        f"MATCH (n:`{own}`) WHERE {unused} AND NOT EXISTS {{ (n)--() }}"
        f" WITH n LIMIT {_AT_ONCE} DELETE n RETURN count(n) AS done",
    )
    told = [names.format, names.width, names.height, names.taken, "row"]
    told += [its.norm for its in spaces]
    dropped = ", ".join(f"n.`{name}`" for name in told)
    until_none(
        turn,
        f"MATCH (n:`{own}`) WHERE {unused} AND n.row IS NOT NULL"
        f" WITH n LIMIT {_AT_ONCE} REMOVE {dropped} RETURN count(n) AS done",
    )


def damaged_ids(connection: Connection, stored: StoredSpace) -> list[str]:
    """The ids of pictures with an embedding that cannot be one, in the order of storing."""
    names = connection.address.names
    found = connection.read(
        f"MATCH (n:`{names.own()}`) WHERE n.`{stored.property}` IS NOT NULL AND"
        f" {unsound('n.`' + stored.property + '`')}"
        f" RETURN n.`{names.id}` AS id ORDER BY n.row",
        dimension=stored.space.dimension,
    )
    return [str(record["id"]) for record in found]


def unsound(value: str) -> str:
    """Whether a property is no embedding of ``$dimension`` numbers, as a condition in Cypher.

    Args:
        value: the property, in Cypher.
    """
    is_list = f"valueType({value}) STARTS WITH 'LIST<FLOAT NOT NULL>'"
    return (
        f"CASE WHEN NOT {is_list} THEN true WHEN size({value}) <> $dimension THEN true"
        f" ELSE any(x IN {value} WHERE isNaN(x) OR abs(x) > 65504)"
        f" OR all(x IN {value} WHERE x = 0) END"
    )


def drop_embeddings(
    transaction: ManagedTransaction, names: Names, stored: StoredSpace, ids: Sequence[str]
) -> None:
    """Remove the embeddings of some pictures; their marks of the graph stay until it follows."""
    transaction.run(
        f"UNWIND $ids AS id MATCH (n:`{names.own()}` {{`{names.id}`: id}})"
        f" REMOVE n.`{stored.property}`",
        ids=list(ids),
    ).consume()
