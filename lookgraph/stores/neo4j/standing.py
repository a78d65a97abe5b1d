"""How a space stands: how many pictures it has, and how far its graph is behind."""

from dataclasses import dataclass

from lookgraph.stores.base import GraphStatus, GraphWanted
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.records import StoredSpace

_BYTES = 34 + 2 * 41
"""Of a relation with two properties on the disk (Neo4j Operations Manual, "Store formats")."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What was counted.

    Attributes:
        pictures: with a file and an embedding.
        unused: embeddings of pictures without a file.
        inside: pictures with a file that are in the graph.
        behind: pictures that were added or removed since the graph was made.
        edges: relations between pictures, whoever made them.
    """

    pictures: int
    unused: int
    inside: int
    behind: int
    edges: int


def standing(connection: Connection, stored: StoredSpace) -> Standing:
    """Count what there is of a space."""
    own, live = connection.address.names.own(), f"n:`{connection.address.names.label}`"
    has, inside = f"n.`{stored.property}` IS NOT NULL", f"n.`{stored.norm}` IS NOT NULL"
    (counted,) = connection.read(
        f"MATCH (n:`{own}`) WITH {live} AS live, {has} AS has, {inside} AS inside,"
        " count(n) AS count"
        " RETURN sum(CASE WHEN live AND has THEN count ELSE 0 END) AS pictures,"
        " sum(CASE WHEN has AND NOT live THEN count ELSE 0 END) AS unused,"
        " sum(CASE WHEN inside AND live AND has THEN count ELSE 0 END) AS inside,"
        " sum(CASE WHEN inside <> (live AND has) THEN count ELSE 0 END) AS behind"
    )
    (related,) = connection.read(
        f"MATCH (:`{own}`)-[r:`{stored.relation}`]->() RETURN count(r) AS edges"
    )
    return Standing(
        pictures=int(counted["pictures"]),
        unused=int(counted["unused"]),
        inside=int(counted["inside"]),
        behind=int(counted["behind"]),
        edges=int(related["edges"]),
    )


def graph_status_of(stored: StoredSpace, counted: Standing) -> GraphStatus | None:
    """What the graph of a space is; None if there is none."""
    if stored.graph is None and not counted.edges:
        return None
    fault = None
    if stored.graph is not None and stored.graph_generation is None:
        fault = "a change of it was interrupted. Run `lookgraph index`"
    return GraphStatus(
        stored.graph or GraphWanted(0),
        counted.inside,
        counted.edges,
        counted.edges * _BYTES,
        counted.behind if stored.graph else 0,
        fault,
    )
