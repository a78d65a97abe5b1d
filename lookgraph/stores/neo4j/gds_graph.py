"""The graph of a space from the neighbours that Graph Data Science finds."""

from collections.abc import Callable

import numpy as np

from lookgraph.errors import UsageError
from lookgraph.graph.edges import Edges
from lookgraph.graph.scores import exact_scores
from lookgraph.index.widening import as_float32
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.linking import Embeddings
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.client.lock import writers_turn
from lookgraph.stores.neo4j.embeddings import read_embeddings
from lookgraph.stores.neo4j.gds import nearest
from lookgraph.stores.neo4j.graphing import Grapher
from lookgraph.stores.neo4j.mirror.reading import look
from lookgraph.stores.neo4j.records import find_space
from lookgraph.stores.neo4j.relations import read_relations
from lookgraph.types import Array, Space

_AT_ONCE = 2000


def build_graph(
    connection: Connection,
    space: Space,
    k: int | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> None:
    """Make the graph of a space anew, with neighbours by ``gds.knn``.

    The server's scores are rounded. So the cosines are computed here, from the stored numbers, and
    what is written is what Lookgraph would have written for these pairs.

    Args:
        connection: to the library.
        space: whose embeddings are compared.
        k: how many neighbours of each picture; None for as many as the graph has, or 20.
        progress: is told which share is done, from 0 to 1.

    Raises:
        ServerError: Graph Data Science is missing or too old, or its memory is too small.
        UsageError: the library has no such space, or one that does not compare by the cosine.
        LibraryLockedError: another process is writing.
    """
    stored = find_space(connection.read, connection.address.names, space)
    if stored is None:
        raise UsageError(f"{connection.address} has no embeddings of {space.name}.")
    kept = stored.graph.neighbours if stored.graph else 0
    wanted = GraphWanted(neighbours=k if k is not None else kept or GraphWanted().neighbours)
    if look(connection).mirror_of is not None:
        raise UsageError(
            f"The library in {connection.address} is a mirror, and its graph is that of the local "
            "library: lookgraph graph build there, then lookgraph export."
        )
    with writers_turn(connection) as turn:
        progress(0.0)
        found = nearest(connection, stored, wanted.neighbours)
        progress(0.5)
        held = read_embeddings(connection, stored)
        edges = _edges(held, found.first, found.second, space)
        there = read_relations(connection, stored.relation)
        Grapher(connection, turn, stored, progress).write(held, there, edges, wanted)
        progress(1.0)


def _edges(held: Embeddings, first: Array, second: Array, space: Space) -> Edges:
    """Pairs of rows as edges between places in what was read, each pair once, in order."""
    lower, higher = np.minimum(first, second), np.maximum(first, second)
    pairs = np.unique(np.stack([lower, higher], axis=1), axis=0)
    one, other = np.searchsorted(held.numbers, pairs.T)
    is_sound = held.sound[one] & held.sound[other]
    one, other = one[is_sound], other[is_sound]
    parts = (slice(start, start + _AT_ONCE) for start in range(0, len(one), _AT_ONCE))
    scores = [
        exact_scores(
            space.metric, as_float32(held.rows[one[part]]), as_float32(held.rows[other[part]])
        )
        for part in parts
    ]
    return Edges(
        one.astype(np.int32),
        other.astype(np.int32),
        np.concatenate([np.empty(0), *scores]).astype(np.float32),
    )
