"""The most alike of ten thousand pictures in Neo4j: by the published recipe's statement, and ours.

The embeddings are like those of photographs (`benchmarks.embeddings`), turned into a space of 2,048
numbers, which leaves all cosines as they are. Both ask the same real server. The truth is NumPy's,
in float64.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from neo4j import Driver, GraphDatabase

from benchmarks.embeddings import extended, of_crops
from benchmarks.large import CROPS
from benchmarks.large_library import id_of
from benchmarks.measure import Figure, lookgraph, median
from lookgraph.models.registry import find_model
from lookgraph.stores.base import Store
from lookgraph.stores.neo4j import open_store
from lookgraph.types import Array, Entry, IndexKind, Matrix, Patterns, Picture, Stamp
from tests.neo4j_server import Neo4jServer

COUNT = 10_000
SPACE = find_model("resnet50").space()
_K = 10
_ASKED = 300
_SLOW = 12
"""Queries that are asked of what takes a second for each."""

_AT_ONCE = 500

_RECIPE = """
MATCH (a:Image)
WITH a, gds.similarity.cosine(a.embeddings, $query_embeddings) AS similarity
ORDER BY similarity DESC
LIMIT $top_k
RETURN a.id AS image_id, a.embeddings AS embeddings, a.path as image_path, similarity
"""
"""The first statement of the published recipe, as it is."""


def figures(folder: Path, work: Path, kept: Path) -> Iterator[Figure]:
    """Measure all.

    Args:
        folder: of photographs.
        work: a folder for what is needed on the way.
        kept: the file for `benchmarks.embeddings.of_crops`.
    """
    blocks = extended(of_crops(folder, CROPS, kept), COUNT + _ASKED, seed=4)
    drawn = _turned(np.concatenate(list(blocks)))
    rows, queries = drawn[:COUNT], drawn[COUNT:]
    with Neo4jServer(work / "neo4j", heap="2g") as server:
        store = open_store(server.address, server.password)
        _put(store, rows)
        yield from _searched(server, store, rows, queries)
        os.environ["LOOKGRAPH_NEO4J_PASSWORD"] = server.password
        search = lookgraph("search", id_of(7), "-k", str(_K), "--library", server.address, "--json")
        whole = median(search)
        yield Figure(
            "the command, from start to end", 1e3 * whole.wall, "ms", None, False,
            {"processor, ms": 1e3 * whole.cpu, "MB": whole.peak_mb},
        )  # fmt: skip


def _turned(embeddings: Matrix) -> Matrix:
    """The same, in a space of more numbers: the cosines stay."""
    generator = np.random.default_rng(0)
    drawn = generator.standard_normal((SPACE.dimension, embeddings.shape[1]))
    directions, _ = np.linalg.qr(drawn)
    turned = (embeddings @ directions.T).astype(np.float16)
    return np.asarray(turned.astype(np.float32))


def _put(store: Store, rows: Matrix) -> None:
    with store.write() as writer:
        writer.remember(Path("/photographs"), Patterns())
        writer.add_space(SPACE, None)
        for start in range(0, len(rows), _AT_ONCE):
            part = range(start, min(start + _AT_ONCE, len(rows)))
            pictures = {number: Picture(id_of(number), "JPEG", 400, 533) for number in part}
            entries = [
                Entry(f"{number % 100:02d}/{number:05d}.jpg", Stamp(1, 1), its)
                for number, its in pictures.items()
            ]
            given = {its.id: rows[number] for number, its in pictures.items()}
            writer.commit(SPACE, entries, given)
        writer.renew_index(SPACE, IndexKind.HNSW, lambda _: None)


def _searched(server: Neo4jServer, store: Store, rows: Matrix, queries: Matrix) -> Iterator[Figure]:
    best = _truth(rows, queries)

    def ours(query: Matrix, recall: float = 0.99) -> list[str]:
        (answer,) = store.search(SPACE, query[np.newaxis], _K, recall=recall)
        assert answer.by is (IndexKind.EXACT if recall == 1 else IndexKind.HNSW)
        return [match.picture.id for match in answer.matches]

    with GraphDatabase.driver(server.uri, auth=(server.user, server.password)) as driver:
        recipe, its_recall = _asked(lambda query: _recipe(driver, query), queries[:_SLOW], best)
    exact, all_of_them = _asked(lambda query: ours(query, recall=1), queries[:_SLOW], best)
    index, recall = _asked(ours, queries, best)
    p50, p95 = _quantiles(index)
    slow50, slow95 = _quantiles(recipe)
    detail = {
        "ours, p50 ms": p50,
        "p95": p95,
        "the recipe's, p50 ms": slow50,
        "its p95": slow95,
        "its recall": its_recall,
    }
    name = f"top {_K} of {COUNT:,} x {SPACE.dimension:,} in Neo4j: times as fast as the recipe"
    yield Figure(name, slow50 / p50, "", 10, True, detail)
    yield Figure("its recall", recall, "", 0.99, True)
    p50, p95 = _quantiles(exact)
    detail = {"p95": p95, "recall": all_of_them, "times the recipe's speed": slow50 / p50}
    yield Figure("by comparing everything, p50", p50, "ms", None, False, detail)


def _recipe(driver: Driver, query: Matrix) -> list[str]:
    found = driver.execute_query(_RECIPE, query_embeddings=query.tolist(), top_k=_K)
    return [record["image_id"] for record in found.records]


def _truth(rows: Matrix, queries: Matrix) -> list[set[str]]:
    wide, asked = rows.astype(np.float64), queries.astype(np.float64)
    near = asked @ (wide / np.linalg.norm(wide, axis=1, keepdims=True)).T
    return [{id_of(row) for row in its} for its in np.argsort(-near, axis=1)[:, :_K].tolist()]


def _asked(
    ask: Callable[[Matrix], list[str]], queries: Matrix, best: list[set[str]]
) -> tuple[list[float], float]:
    """Seconds of each query, after one that does not count; and the share of the truth found."""
    ask(queries[0])
    spent, shares = [], []
    for query, right in zip(queries, best, strict=False):
        began = time.perf_counter()
        found = ask(query)
        spent.append(time.perf_counter() - began)
        shares.append(len(right & set(found)) / _K)
    return spent, float(np.mean(shares))


def _quantiles(seconds: list[float]) -> Array:
    """The median and the 95th percentile, in milliseconds."""
    return np.asarray(1e3 * np.quantile(seconds, (0.5, 0.95)))
