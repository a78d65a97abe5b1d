"""What a library in Milvus holds, counted."""

from lookgraph.stores.base import GraphStatus, IndexStatus, SpaceStatus, Status
from lookgraph.stores.milvus import expressions
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.embeddings import live
from lookgraph.stores.milvus.indexes import FLAT
from lookgraph.stores.milvus.records import StoredSpace, stored_spaces
from lookgraph.types import IndexKind, SkipKind

INTERRUPTED = "a change of it was interrupted. Run `lookgraph index`"

_NUMBER = 4
"""Bytes of a number in an embedding, as the server keeps it."""

_EDGE = 12
"""Of an edge: the row of its other end, and the score."""


def status_of(connection: Connection, names: Names) -> Status:
    """What a library holds."""

    def count(collection: str, *parts: str) -> int:
        return connection.count(collection, names.ours(*parts))

    spaces = tuple(
        _space_status(connection, names, stored) for stored in stored_spaces(connection, names)
    )
    left_out = count(names.files, expressions.is_not("skip", ""))
    other = count(names.files, expressions.is_("skip", str(SkipKind.NO_PICTURE)))
    return Status(
        pictures=count(names.pictures, expressions.over("files", 0)),
        files=count(names.files, expressions.is_("skip", "")),
        skipped=left_out - other,
        other=other,
        spaces=spaces,
        bytes=sum(its.bytes + (its.graph.bytes if its.graph else 0) for its in spaces),
    )


def _space_status(connection: Connection, names: Names, stored: StoredSpace) -> SpaceStatus:
    rows = connection.count(names.vectors(stored.space), names.ours())
    pictures = connection.count(names.pictures, live(names, stored))
    size = rows * stored.space.dimension * _NUMBER
    kind = kind_of(stored)
    index = IndexStatus(stored.index, kind)
    if kind is not IndexKind.EXACT:
        index = IndexStatus(stored.index, kind, rows=rows, segments=1, bytes=size)
    return SpaceStatus(
        stored.space,
        pictures,
        rows - pictures,
        size,
        index,
        graph_status_of(connection, names, stored),
    )


def kind_of(stored: StoredSpace) -> IndexKind:
    """How a space is searched."""
    if stored.made == FLAT:
        return IndexKind.EXACT
    return IndexKind.IVF if stored.made.startswith("IVF") else IndexKind.HNSW


def graph_status_of(
    connection: Connection, names: Names, stored: StoredSpace
) -> GraphStatus | None:
    """What the graph of a space is; None if there is none."""
    if stored.graph is None:
        return None
    has_other = expressions.has("behind", stored.number)
    behind = connection.count(names.pictures, names.ours(has_other))
    gained = connection.count(names.pictures, expressions.both(live(names, stored), has_other))
    return GraphStatus(
        stored.graph,
        stored.graph_pictures - (behind - gained),
        stored.graph_edges or 0,
        (stored.graph_edges or 0) * _EDGE,
        behind,
        INTERRUPTED if stored.graph_edges is None else None,
    )
