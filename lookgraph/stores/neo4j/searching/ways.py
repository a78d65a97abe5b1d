"""How a server finds what is near a query: in statements, and in the unit that it compares in.

The server tells how near a picture is by (1 + cosine) / 2 or by 1 / (1 + distance ** 2), in float32
(Neo4j Cypher Manual, "Vector functions"). That finds what may be among the best; what is then said
of them is computed here, from the stored numbers.
"""

from dataclasses import dataclass

from lookgraph.config import RECALL
from lookgraph.stores.neo4j.client.server import SIMILARITIES, Server
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import StoredSpace
from lookgraph.stores.neo4j.searching.filters import Condition
from lookgraph.types import Array, IndexKind, Metric, Space

_UNIT = 2.0**-24
"""The unit roundoff of float32."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way of searching a space.

    Attributes:
        kind: what it is called.
        near: how near the node ``n`` is to ``$query``, in Cypher; None if the server cannot tell.
        index: the index of vectors that names candidates; None if all pictures are.
        searches: whether the index is asked by ``SEARCH``.
    """

    kind: IndexKind
    near: str | None
    index: str | None = None
    searches: bool = False


def exact_way(server: Server, stored: StoredSpace) -> Way:
    """Everything is compared, by the server where it has a function for that."""
    similarity = SIMILARITIES.get(stored.space.metric)
    if similarity is None or not server.compares_vectors:
        return Way(IndexKind.EXACT, None)
    near = f"vector.similarity.{similarity}(n.`{stored.property}`, $query)"
    return Way(IndexKind.EXACT, near)


def gds_way(stored: StoredSpace) -> Way:
    """Everything is compared by Graph Data Science, whose cosines are brought to the same unit."""
    return Way(IndexKind.GDS, f"(1 + gds.similarity.cosine(n.`{stored.property}`, $query)) / 2")


def index_way(server: Server, stored: StoredSpace, index: str) -> Way:
    """An index names candidates, which are compared."""
    near = exact_way(server, stored).near
    # The name of an index is somebody else's. `SEARCH` takes none as a parameter.
    searches = server.has_search and index.isascii() and index.isidentifier()
    return Way(IndexKind.HNSW, near or "score", index, searches)


def list_query(way: Way, names: Names, stored: StoredSpace, condition: str) -> str:
    """The rows of pictures and how near they are, nearest first; of those that tie, lower first.

    ``SEARCH`` is as the Cypher Manual 25 has it, and was run on Neo4j 2026.01.4; the procedure is
    for servers before that.

    Its parameters are ``$query``, ``$many`` (rows that come at most), and with an index ``$index``
    and ``$candidates`` (what it names).
    """
    is_ours = f"n:`{names.own()}` AND n:`{names.label}`"
    if way.index is None:
        found = (
            f"MATCH (n:`{names.label}`:`{names.own()}`)"
            f" WHERE n.`{stored.property}` IS NOT NULL{condition} WITH n"
        )
    elif way.searches:
        found = (
            f"CYPHER 25 MATCH (n:`{names.label}`) SEARCH n IN (VECTOR INDEX `{way.index}`"
            f" FOR $query LIMIT $candidates) SCORE AS score WHERE {is_ours}{condition}"
            " WITH n, score"
        )
    else:
        found = (
            "CALL db.index.vector.queryNodes($index, $candidates, $query) YIELD node, score"
            f" WITH node AS n, score WHERE {is_ours}{condition} WITH n, score"
        )
    return (
        f"{found} WITH n.row AS row, {way.near} AS near WHERE near IS NOT NULL"
        " RETURN row, near ORDER BY near DESC, row LIMIT $many"
    )


def over_condition(
    way: Way, space: Space, condition: Condition, query: Array, score: float
) -> Condition:
    """What also holds of all pictures with at least a score, and perhaps of a few others.

    Args:
        way: which can tell how near pictures are.
        space: whose.
        condition: what holds besides.
        query: as the server takes it, shape (d,).
        score: the least.
    """
    least = nearness(space.metric, min(score, 0.0) if space.metric is Metric.L2 else score)
    return Condition(
        f"{condition.text} AND {way.near} >= $least",
        {
            **condition.values,
            "query": query,
            "least": least - slack(space.metric, space.dimension, least),
        },
    )


def nearness(metric: Metric, score: float) -> float:
    """A score in the server's unit."""
    return 1 / (1 + score * score) if metric is Metric.L2 else (1 + score) / 2


def slack(metric: Metric, dimension: int, near: float) -> float:
    """By how much what the server says may be off.

    Sums in float32 are off by less than that (`lookgraph.index.comparisons` says by how much), and
    the query and the result are rounded once each.
    """
    share = 2 * (dimension + 16) * _UNIT
    return share if metric is Metric.COSINE else share * near + _UNIT


def candidates_for(k: int, recall: float) -> int:
    """How many pictures an index is asked for, so that enough of the best k are among them.

    The more it is asked for, the further it looks. Of 10,000 embeddings like those of photographs,
    of 2,048 numbers, it names with 30 more than k all of the best one, 0.999 of the best ten and
    of the best hundred, where it names with k alone 0.98, 0.957 and 0.993.

    Args:
        k: how many are wanted.
        recall: the share of them that is enough.
    """
    return (1 if recall <= RECALL else 2) * (k + 30)
