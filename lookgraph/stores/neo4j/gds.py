"""Neighbours and communities by Graph Data Science, on a server that has it.

What it works on is a graph in the server's memory, made for one question and dropped after it.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from lookgraph.errors import ServerError, UsageError
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.records import StoredSpace, find_space
from lookgraph.types import Array, Integers, Metric, Space

_LEAST = (2, 4)
"""``gds.leiden`` and ``gds.graph.project`` in queries are released from this version on."""

_SEED = 1
_ROUNDS = 100
_LEAST_WEIGHT = 0.01
"""That of the weakest relation, where the strongest has 1, as in `lookgraph.graph.communities`."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of pictures and others that are near them.

    Attributes:
        first: the row whose neighbour the other is, shape (m,).
        second: the neighbour's row, likewise.
        scores: the cosine as the server has it, to six digits.
    """

    first: Integers
    second: Integers
    scores: Array


def check_gds(connection: Connection) -> None:
    """Be sure that the server has Graph Data Science, and that it is new enough.

    Raises:
        ServerError: it has not, or an old one.
    """
    if (fault := gds_fault(connection.server.gds)) is not None:
        raise ServerError(
            f"The server at {connection.address.uri} has {fault}, or leave out --with gds: "
            "Lookgraph does the same by itself."
        )


def gds_fault(version: str | None) -> str | None:
    """What is wrong with a server's Graph Data Science, and what to do; None if nothing is.

    Args:
        version: as the server tells it; None if it has none.
    """
    if version is None:
        return "no Graph Data Science. Install the plugin (compose.yaml names it)"
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < _LEAST:
        return f"Graph Data Science {version}, but 2.4 or newer is needed. Renew the plugin"
    return None


def nearest(connection: Connection, stored: StoredSpace, k: int) -> Pairs:
    """The nearest neighbours of each picture that has a file, found by ``gds.knn``.

    It is NN-Descent (W. Dong, M. Charikar and K. Li, "Efficient k-nearest neighbor graph
    construction for generic similarity measures", 2011), which finds nearly all of them. With one
    thread and a seed, the same on every run.

    Args:
        connection: to the library.
        stored: the space whose embeddings are compared.
        k: how many neighbours of each.

    Raises:
        ServerError: Graph Data Science is missing or too old, or its memory is too small.
        UsageError: the space does not compare by the cosine, or k is 0.
    """
    check_gds(connection)
    if stored.space.metric is not Metric.COSINE:
        raise UsageError(
            f"gds.knn finds neighbours by the cosine, and {stored.space.name} compares by "
            f"{stored.space.metric}. Leave out --with gds."
        )
    if k < 1:
        raise UsageError("gds.knn needs at least 1 neighbour of each picture.")
    names = connection.address.names
    projection = (
        f"MATCH (n:`{names.label}`:`{names.own()}`) WHERE size(n.`{stored.property}`) = $dimension"
        " RETURN gds.graph.project($graph, n, null, {sourceNodeProperties:"
        f" {{embeddings: n.`{stored.property}`}}, targetNodeProperties: null}}) AS graph"
    )
    with _projected(connection, projection, dimension=stored.space.dimension) as graph:
        if graph is None:
            return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        found = connection.read(
            "CALL gds.knn.stream($graph, {nodeProperties: {embeddings: 'COSINE'}, topK: $k,"
            " sampleRate: 1.0, deltaThreshold: 0.0, maxIterations: $rounds, randomSeed: $seed,"
            " concurrency: 1}) YIELD node1, node2, similarity"
            " RETURN gds.util.asNode(node1).row AS row,"
            " collect([gds.util.asNode(node2).row, similarity]) AS near",
            graph=graph,
            k=k,
            rounds=_ROUNDS,
            seed=_SEED,
        )
    near = [(one["row"], *other) for one in found for other in one["near"]]
    first, second, similarity = zip(*near, strict=True) if near else ((), (), ())
    scores = 2 * np.array(similarity, np.float64) - 1
    return Pairs(np.array(first, np.int64), np.array(second, np.int64), scores)


def communities(
    connection: Connection, space: Space, threshold: float | None, resolution: float
) -> list[list[str]]:
    """Pictures that are denser among each other than elsewhere, found by ``gds.leiden``.

    It goes by the relations that Lookgraph made, weighted as `lookgraph.graph.communities` does.

    Args:
        connection: to the library.
        space: whose relations count.
        threshold: the least score of a relation that counts; None for all.
        resolution: the higher, the smaller are communities.

    Returns:
        the ids of the pictures in each, of two at least, the largest first.

    Raises:
        ServerError: Graph Data Science is missing or too old, or its memory is too small.
        UsageError: the resolution is none.
    """
    if not 0 < resolution < np.inf:
        raise UsageError(f"The resolution is {resolution}, but must be over 0.")
    check_gds(connection)
    names = connection.address.names
    stored = find_space(connection.read, names, space)
    if stored is None:
        return []
    score = f"r.`{names.score}`"
    picture = f":`{names.label}`:`{names.own()}`"
    relations = (
        f"MATCH (a{picture})-[r:`{stored.relation}` {{made: true}}]->(b{picture})"
        f" WHERE $threshold IS NULL OR {score} >= $threshold"
    )
    ((least, best, count),) = connection.read(
        f"{relations} RETURN min({score}), max({score}), count(r)", threshold=threshold
    )
    if not count:
        return []
    weight = f"{_LEAST_WEIGHT} + {1 - _LEAST_WEIGHT} * ({score} - $least) / ($best - $least)"
    projection = (
        f"{relations} RETURN gds.graph.project($graph, a, b, {{relationshipProperties: {{weight:"
        f" CASE WHEN $best = $least THEN 1.0 ELSE {weight} END}}}},"
        " {undirectedRelationshipTypes: ['*']}) AS graph"
    )
    with _projected(connection, projection, threshold=threshold, least=least, best=best) as graph:
        found = connection.read(
            "CALL gds.leiden.stream($graph, {relationshipWeightProperty: 'weight', gamma: $gamma,"
            " randomSeed: $seed, concurrency: 1, maxLevels: 100}) YIELD nodeId, communityId"
            " WITH communityId, gds.util.asNode(nodeId) AS n ORDER BY n.row"
            f" WITH communityId, collect(n.`{names.id}`) AS ids, min(n.row) AS first"
            " WHERE size(ids) > 1 RETURN ids ORDER BY size(ids) DESC, first",
            graph=graph,
            gamma=resolution,
            seed=_SEED,
        )
    return [list(one["ids"]) for one in found]


@contextmanager
def _projected(connection: Connection, projection: str, **values: object) -> Iterator[str | None]:
    """A graph in the server's memory, until the end of the block; None if nothing is in it."""
    name = f"lookgraph-{secrets.token_hex(8)}"
    try:
        ((made,),) = connection.read(projection, graph=name, **values)
        yield name if made else None
    finally:
        # Where the server is gone, so is what it had in memory; what went wrong before counts more.
        with suppress(ServerError):
            connection.read(
                "CALL gds.graph.drop($graph, false) YIELD graphName RETURN graphName", graph=name
            )
