"""Pictures put into Neo4j in plain Cypher, as a library has them, for tests of what reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from neo4j import ManagedTransaction

from lookgraph.stores.keys import key_of, shown
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.records import StoredSpace
from lookgraph.stores.neo4j.schema import await_vector_index, make_library, make_vector_index
from lookgraph.types import Array, IndexKind, Metric, Picture, Space

_AT_ONCE = 500


def stored_space(metric: Metric, dimension: int, index: IndexKind = IndexKind.AUTO) -> StoredSpace:
    space = Space("filled", "e" * 64, 1, metric, dimension)
    return StoredSpace(space, 1, "embeddings", "SIMILAR_TO", "graph_norm", index)


def fill(
    connection: Connection,
    stored: StoredSpace,
    pictures: Sequence[tuple[Picture, Sequence[str]]],
    rows: Array,
) -> None:
    """Put pictures into an empty database, each with the paths of its files and an embedding.

    The row of a picture is its place.
    """
    make_library(connection)
    names = connection.address.names
    for start in range(0, len(pictures), _AT_ONCE):
        part = range(start, min(start + _AT_ONCE, len(pictures)))
        told = [_told(*pictures[i], i, rows[i]) for i in part]
        _write(
            connection,
            f"UNWIND $told AS told CREATE (n:`{names.label}`:`{names.own()}`) SET n = told.known"
            " WITH n, told CALL db.create.setNodeVectorProperty(n, $property, told.numbers)"
            " WITH n, told UNWIND told.keys AS key"
            f" CREATE (:`{names.own('File')}` {{key: key, size: 1, mtime_ns: 1}})"
            "-[:LOOKGRAPH_SHOWS]->(n)",
            told=told,
            property=stored.property,
        )


def _told(picture: Picture, paths: Sequence[str], row: int, numbers: Array) -> dict[str, object]:
    first, *others = map(shown, paths)
    known = {
        "id": picture.id,
        "path": first,
        "copies": others,
        "format": picture.format,
        "width": picture.width,
        "height": picture.height,
        "taken": picture.taken,
        "row": row,
    }
    return {
        "known": known,
        "keys": [key_of(path) for path in paths],
        "numbers": numbers.astype(np.float32),
    }


def index(connection: Connection, stored: StoredSpace) -> StoredSpace:
    """Make the index of vectors and wait for it; the space that is to be searched by it."""
    space = stored.space
    assert make_vector_index(connection, stored.property, space.dimension, space.metric)
    await_vector_index(connection, stored.property, lambda _: None)
    return replace(stored, index=IndexKind.HNSW)


def relate(
    connection: Connection, stored: StoredSpace, pairs: Mapping[tuple[int, int], float]
) -> None:
    """Make relations between rows, as Lookgraph does."""
    own = connection.address.names.own()
    _write(
        connection,
        f"UNWIND $pairs AS pair MATCH (a:`{own}` {{row: pair[0]}}), (b:`{own}` {{row: pair[1]}})"
        f" CREATE (a)-[:`{stored.relation}` {{score: pair[2], made: true}}]->(b)",
        pairs=[[one, other, score] for (one, other), score in pairs.items()],
    )


def keep_norms(connection: Connection, stored: StoredSpace, norms: Array) -> None:
    own = connection.address.names.own()
    _write(
        connection,
        f"UNWIND range(0, size($norms) - 1) AS row MATCH (n:`{own}` {{row: row}})"
        f" SET n.`{stored.norm}` = $norms[row]",
        norms=norms.astype(np.float64),
    )


def _write(connection: Connection, query: str, **values: Any) -> None:
    def work(transaction: ManagedTransaction) -> None:
        transaction.run(query, values).consume()

    connection.write(work)
