"""What a library in Neo4j holds, counted."""

from lookgraph.stores.base import IndexStatus, SpaceStatus, Status
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.records import SHOWS, StoredSpace, stored_spaces
from lookgraph.stores.neo4j.schema import vector_index
from lookgraph.stores.neo4j.standing import Standing, graph_status_of, standing
from lookgraph.types import IndexKind, SkipKind

_BYTES = 4
"""Of a number in an embedding, as the server keeps it."""


def status_of(connection: Connection) -> Status:
    """What a library holds."""
    names = connection.address.names
    spaces = tuple(
        _space_status(connection, stored) for stored in stored_spaces(connection.read, names)
    )
    (pictures,) = connection.read(f"MATCH (n:`{names.label}`:`{names.own()}`) RETURN count(n)")[0]
    (files,) = connection.read(f"MATCH (:`{names.own('File')}`)-[r:{SHOWS}]->() RETURN count(r)")[0]
    (left_out, other) = connection.read(
        f"MATCH (f:`{names.own('File')}`) WHERE f.skip IS NOT NULL RETURN count(f),"
        " sum(CASE WHEN f.skip = $other THEN 1 ELSE 0 END)",
        other=str(SkipKind.NO_PICTURE),
    )[0]
    return Status(
        pictures=pictures,
        files=files,
        skipped=left_out - other,
        other=other,
        spaces=spaces,
        bytes=sum(its.bytes + (its.graph.bytes if its.graph else 0) for its in spaces),
    )


def _space_status(connection: Connection, stored: StoredSpace) -> SpaceStatus:
    counted = standing(connection, stored)
    return SpaceStatus(
        stored.space,
        counted.pictures,
        counted.unused,
        (counted.pictures + counted.unused) * stored.space.dimension * _BYTES,
        _index_status(connection, stored, counted),
        graph_status_of(stored, counted),
    )


def _index_status(connection: Connection, stored: StoredSpace, counted: Standing) -> IndexStatus:
    if stored.index in (IndexKind.EXACT, IndexKind.GDS):
        return IndexStatus(stored.index, stored.index)
    index = vector_index(connection, stored.property)
    if index is None:
        return IndexStatus(stored.index, IndexKind.EXACT)
    fault = None
    if not index.is_online:
        fault = f"{index.name} is {index.state}, with {index.share:.0%} of the pictures in it"
    return IndexStatus(
        stored.index,
        IndexKind.HNSW,
        rows=round(index.share * counted.pictures),
        segments=1,
        bytes=counted.pictures * stored.space.dimension * _BYTES,
        fault=fault,
    )
