"""Searches of a library in Milvus."""

from collections.abc import Sequence

import numpy as np

from lookgraph.errors import GraphNotFoundError
from lookgraph.index import exact
from lookgraph.stores.base import Answer, Match
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.records import StoredSpace
from lookgraph.stores.milvus.searching.conditions import condition_of
from lookgraph.stores.milvus.searching.finding import Finder, Near
from lookgraph.stores.milvus.searching.ranked import Ranker
from lookgraph.stores.milvus.statuses import INTERRUPTED
from lookgraph.stores.milvus.verdicts import read_verdicts
from lookgraph.types import Matrix, Metric, Ranking, Rows, Selection, Vector


def search(
    connection: Connection,
    names: Names,
    stored: StoredSpace,
    queries: Matrix,
    k: int,
    among: Selection,
    recall: float,
    ranking: Ranking,
    asked: Sequence[str | None],
) -> list[Answer]:
    """As `lookgraph.stores.base.Store.search`."""
    for query in queries:
        check_query(query, k)
    is_ranked = _is_ranked(stored, ranking)
    finder = Finder(connection, names, stored, condition_of(connection, names, among), recall)
    fault = _fault(stored) if is_ranked else None
    if is_ranked and fault is None:
        ranker = Ranker(connection, names, stored, read_verdicts(connection, names))
        return [
            Answer(
                tuple(_match(finder, one.near, one.rank_score)
                      for one in ranker.ranked(finder, query, k, id_)),
                finder.kind,
                is_ranked=True,
            )
            for query, id_ in zip(queries, asked or [None] * len(queries), strict=True)
        ]  # fmt: skip
    return [
        Answer(tuple(_match(finder, near) for near in found), finder.kind, graph_fault=fault)
        for found in finder.nearest(queries, k)
    ]


def search_over(
    connection: Connection,
    names: Names,
    stored: StoredSpace,
    query: Vector,
    score: float,
    among: Selection,
) -> Answer:
    """As `lookgraph.stores.base.Store.search_over`."""
    check_query(query, 1)
    finder = Finder(connection, names, stored, condition_of(connection, names, among))
    found = finder.over(query, score)
    return Answer(tuple(_match(finder, near) for near in found), finder.kind)


def check_query(query: Vector, k: int) -> None:
    """Refuse a query that nothing can be compared with, and a k below 1.

    Raises:
        UsageError: as `lookgraph.index.exact.check`.
    """
    none: Rows = query[np.newaxis, :][:0].astype(np.float16)
    exact.check(none, query, k)


def _is_ranked(stored: StoredSpace, ranking: Ranking) -> bool:
    """Whether hits are put in order through the graph.

    Raises:
        GraphNotFoundError: they are to be, and there is none.
    """
    if ranking is Ranking.COSINE:
        return False
    is_able = (
        stored.graph is not None
        and stored.graph.neighbours > 0
        and stored.space.metric is Metric.COSINE
    )
    if ranking is Ranking.GRAPH and not is_able:
        raise GraphNotFoundError(stored.space.name)
    return is_able


def _fault(stored: StoredSpace) -> str | None:
    return INTERRUPTED if stored.graph_edges is None else None


def _match(finder: Finder, near: Near, rank_score: float | None = None) -> Match:
    return finder.picture(near.stored.id).match(near.score, rank_score)
