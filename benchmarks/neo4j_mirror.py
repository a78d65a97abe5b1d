"""A mirror in Neo4j: loaded, related and kept in step, beside what the published recipe does.

The embeddings are those of crops of photographs (`benchmarks.embeddings`), led into a space of
2,048 numbers by a layer of random weights. Both write to the same real server.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from neo4j import GraphDatabase

from benchmarks.embeddings import of_crops
from benchmarks.large import CROPS
from benchmarks.large_library import id_of, path_of
from benchmarks.measure import Figure, lookgraph, middle, run
from lookgraph.graph.edges import Edges
from lookgraph.graph.pairs import Wanted, pairs
from lookgraph.models.embedder import normalise
from lookgraph.models.registry import find_model
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.local import LocalStore
from lookgraph.stores.neo4j.client.address import parse
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.mirror.export import Report, export
from lookgraph.stores.neo4j.mirror.exporter import RELATIONS
from lookgraph.types import Entry, Matrix, Metric, Patterns, Picture, Rows, Stamp
from tests.neo4j_server import Neo4jServer
from tests.neo4j_server.database import Neo4jDatabase, emptied

SPACE = find_model("resnet50").space()
COUNT, PAIRED, CHANGED = 10_000, 2_000, 100
_TIMES = 3
_THRESHOLD = 0.8
_BIAS = np.float32(0.87)
_NEIGHBOURS = 20
_RELATE = """
MATCH (n1:Image), (n2:Image)
WHERE id(n1) < id(n2)  // To avoid duplicate pairs and self-comparisons
WITH n1, n2, gds.similarity.cosine(n1.embeddings, n2.embeddings) AS similarity
WHERE similarity > 0.8
CREATE (n1)-[:SIMILAR_TO {score: similarity}]->(n2);
"""
"""The second statement of the published recipe, as it is."""


def figures(folder: Path, work: Path, kept: Path) -> Iterator[Figure]:
    """Measure all.

    Args:
        folder: of photographs.
        work: a folder for what is needed on the way.
        kept: the file for `benchmarks.embeddings.of_crops`.
    """
    crops = of_crops(folder, CROPS, kept).embeddings
    chosen = np.linspace(0, len(crops) - 1, COUNT + 2 * CHANGED).round().astype(np.int64)
    rows = _led(crops[np.random.default_rng(1).permutation(chosen)])
    with Neo4jServer(work / "neo4j", heap="2g") as server:
        yield from _against_the_recipe(server, work / "paired", rows[:PAIRED], rows)
        yield from _in_step(server, work / "library", rows)


def _led(embeddings: Matrix) -> Matrix:
    """Others of more numbers, none below zero, as a ReLU leaves them; of float16 precision.

    As many pairs reach 0.8 as of the pictures that the recipe was measured with: one in 23.
    """
    weights = np.random.default_rng(0).standard_normal(
        (embeddings.shape[1], SPACE.dimension), np.float32
    )
    led = normalise(np.maximum(embeddings @ weights + _BIAS, 0)).astype(np.float16)
    return np.asarray(led.astype(np.float32))


def _against_the_recipe(
    server: Neo4jServer, folder: Path, rows: Matrix, others: Matrix
) -> Iterator[Figure]:
    with emptied(server) as database:
        theirs = _load_as_the_recipe(database, rows)
        began = time.perf_counter()
        database.run(_RELATE)
        recipe = time.perf_counter() - began
        wanted = _relations(database)
    runs = [_ours(server, folder / str(time_), rows) for time_ in range(_TIMES)]
    built, ours = middle([one.built for one in runs]), middle([one.whole for one in runs])
    bare, found = middle([one.pairs for one in runs]), runs[-1].relations
    detail = {"recipe, s": recipe, "ours, s": ours, "building, s": built}
    yield Figure(
        f"{PAIRED:,}: pairs over {_THRESHOLD} as relations, times as fast", recipe / ours, "", 30,
        True, detail,
    )  # fmt: skip
    # A score of both is the same up to the rounding of the one to float32.
    strange = [
        pair
        for pair in wanted.keys() | found.keys()
        if abs(wanted.get(pair, _THRESHOLD) - found.get(pair, _THRESHOLD)) > 1e-6
    ]
    told = {"relations": float(len(wanted)), "ours": float(len(found))}
    yield Figure("relations that are others", float(len(strange)), "", 0, False, told)
    detail = {"pairs, s": bare, "with groups, paths and files, s": built}
    yield Figure("the pairs in memory, times as fast", recipe / bare, "", 1000, True, detail)
    with emptied(server):
        store = _library(folder / "loaded", others[:COUNT])
        done = _exported(server, store).done
    rate = done.pictures / done.writing
    detail = {"images a second": rate, "recipe": theirs}
    yield Figure(f"loading {COUNT:,}, times as fast", rate / theirs, "", 10, True, detail)


@dataclass(frozen=True, slots=True)
class _Ours:
    """What was measured once.

    Attributes:
        pairs: seconds to find them, in memory.
        built: seconds until the library has its graph.
        whole: seconds until the database has it too.
        relations: that it has.
    """

    pairs: float
    built: float
    whole: float
    relations: dict[frozenset[str], float]


def _ours(server: Neo4jServer, folder: Path, rows: Matrix) -> _Ours:
    bare = _seconds_of_pairs(rows.astype(np.float16))
    store = _library(folder, rows)
    with emptied(server) as database:
        _exported(server, store)  # the pictures are there when the recipe's statement begins, too
        began = time.perf_counter()
        _build(store, GraphWanted(0, _THRESHOLD))
        built = time.perf_counter() - began
        _exported(server, store)
        whole = time.perf_counter() - began
        return _Ours(bare, built, whole, _relations(database))


def _load_as_the_recipe(database: Neo4jDatabase, rows: Matrix) -> float:
    """One node a transaction, with the driver as it comes; gives images a second."""
    began = time.perf_counter()
    with (
        GraphDatabase.driver(database.uri, auth=(database.user, database.password)) as driver,
        driver.session() as session,
    ):
        for number, row in enumerate(rows):
            session.run(
                "CREATE (:Image {id: $id, path: $path, embeddings: $embeddings})",
                id=id_of(number), path=path_of(number), embeddings=row.tolist(),
            ).consume()  # fmt: skip
    return len(rows) / (time.perf_counter() - began)


def _relations(database: Neo4jDatabase) -> dict[frozenset[str], float]:
    found = database.run(
        "MATCH (a:Image)-[r:SIMILAR_TO]->(b:Image)"
        " RETURN a.id AS first, collect(b.id) AS others, collect(r.score) AS scores"
    )
    return {
        frozenset((one["first"], other)): score
        for one in found
        for other, score in zip(one["others"], one["scores"], strict=True)
    }


def _seconds_of_pairs(rows: Rows) -> float:
    numbers, none = np.arange(len(rows)), np.empty(0, np.int64)
    wanted, spent = Wanted(Metric.COSINE, _THRESHOLD, 10**9), []
    for _ in range(3):
        began = time.perf_counter()
        assert isinstance(pairs(rows, numbers, none, wanted, lambda _: None), Edges)
        spent.append(time.perf_counter() - began)
    return min(spent)


def _library(folder: Path, rows: Matrix) -> LocalStore:
    store = LocalStore(folder)
    with store.write() as writer:
        writer.remember(Path("/photographs"), Patterns())
    _add(store, range(len(rows)), rows)
    return store


def _add(store: LocalStore, numbers: Sequence[int], rows: Matrix) -> None:
    entries = [
        Entry(path_of(number), Stamp(1, 1), Picture(id_of(number), "JPEG", 400, 533))
        for number in numbers
    ]
    given = {id_of(number): row for number, row in zip(numbers, rows, strict=True)}
    with store.write() as writer:
        writer.commit(SPACE, entries, given)


def _build(store: LocalStore, wanted: GraphWanted | None) -> None:
    with store.write() as writer:
        writer.renew_graph(SPACE, wanted, lambda _: None)


class _Clock:
    """When relations were told of, and how many there were."""

    def __init__(self) -> None:
        self.told: list[tuple[float, int]] = []

    def __call__(self, what: str, done: int, _total: int) -> None:
        if what == RELATIONS:
            self.told.append((time.perf_counter(), done))

    def rate(self) -> float:
        """How many a second, from the end of the first transaction to that of the last."""
        (began, first), (ended, last) = self.told[0], self.told[-1]
        return (last - first) / (ended - began)


def _exported(server: Neo4jServer, store: LocalStore, clock: _Clock | None = None) -> Report:
    connection = Connection(parse(server.address), server.password)
    try:
        return export(store, connection, clock or _Clock())
    finally:
        connection.close()


def _in_step(server: Neo4jServer, folder: Path, rows: Matrix) -> Iterator[Figure]:
    store = _library(folder, rows[:COUNT])
    _build(store, GraphWanted(_NEIGHBOURS))
    os.environ["LOOKGRAPH_NEO4J_PASSWORD"] = server.password
    command = lookgraph("export", server.address + "?label=Photo", "--library", folder)
    with emptied(server):
        clock = _Clock()
        whole = _exported(server, store, clock)
        detail = {"relations": float(whole.done.relations)}
        yield Figure("relations a second", clock.rate(), "", 30_000, True, detail)
        process = run(command)
        reports = []
        for time_ in range(_TIMES):
            _change(store, rows, time_)
            reports.append(_exported(server, store))
        spent, changed = [report.seconds for report in reports], reports[-1]
        detail = {
            "whole, s": whole.seconds,
            "changes, s": middle(spent),
            "the first time, s": spent[0],
            "pictures": float(changed.done.pictures),
            "relations": float(changed.done.relations),
        }
        # The first time, the server has to plan statements that a first export does not have.
        yield Figure(
            f"{COUNT:,}: in step after {CHANGED} changes, of the whole",
            100 * middle(spent) / whole.seconds, "%", 3, False, detail,
        )  # fmt: skip
        run(command)
        _change(store, rows, _TIMES)
        later = run(command)
        none = run(command)
        detail = {
            "whole, s": process.wall,
            "changes, s": later.wall,
            "no change, s": none.wall,
            "MB": process.peak_mb,
        }
        yield Figure(
            "as commands, from start to end", 100 * later.wall / process.wall, "%", None, False,
            detail,
        )  # fmt: skip


def _change(store: LocalStore, rows: Matrix, time_: int) -> None:
    """Forty go, forty come, and twenty are renamed."""
    first = time_ * CHANGED
    renamed = range(first + 40, first + 60)
    with store.write() as writer:
        writer.forget(path_of(number) for number in range(first, first + 60))
        entries = [
            Entry(f"renamed/{number}.jpg", Stamp(1, 1), Picture(id_of(number), "JPEG", 400, 533))
            for number in renamed
        ]
        writer.commit(SPACE, entries, {})
    start = COUNT + 40 * time_
    _add(store, range(start, start + 40), rows[start : start + 40])
    _build(store, None)
