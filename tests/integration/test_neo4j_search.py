"""Searches in Neo4j: every way and metric against NumPy in float64, and against the local store."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from lookgraph.errors import GraphNotFoundError, LibraryDamagedError, UsageError
from lookgraph.ranking.propagation import norms, speaking
from lookgraph.stores.base import Answer, GraphWanted
from lookgraph.stores.local import LocalStore
from lookgraph.stores.neo4j.client.address import parse
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.records import StoredSpace
from lookgraph.stores.neo4j.searching.own_queries import own_query
from lookgraph.stores.neo4j.searching.searches import Searches
from lookgraph.types import (
    Array,
    Entry,
    IndexKind,
    Metric,
    Picture,
    Ranking,
    Selection,
    Stamp,
    Verdict,
    VerdictKind,
)
from tests.integration.neo4j_filled import fill, index, keep_norms, relate, stored_space
from tests.neo4j_server.database import Neo4jDatabase

pytestmark = pytest.mark.slow

COUNT, DIMENSION = 1200, 24
METRICS = list(Metric)


@pytest.fixture
def connection(neo4j_database: Neo4jDatabase) -> Iterator[Connection]:
    opened = Connection(parse(neo4j_database.address), neo4j_database.password)
    yield opened
    opened.close()


# What is put in


def picture(number: int) -> Picture:
    id_ = hashlib.sha256(str(number).encode()).hexdigest()
    taken = f"20{number % 7 + 18}-0{number % 9 + 1}-11T10:00:00" if number % 5 else None
    return Picture(id_, "JPEG", 100 + 37 * number % 400, 100 + 53 * number % 300, taken)


_NAMES = ("é€.jpg", "a[1].jpg", "A.JPG", "x\udcff.png", "two\nlines.jpg", "𝄞.webp", "b-c.jpg")


def paths(number: int) -> tuple[str, ...]:
    """Of its files, in the order of their bytes: every fourth picture has two."""
    name = _NAMES[number % len(_NAMES)]
    first = f"{'abc'[number % 3]}/{number:05d}{name}"
    return (first, f"z/{number:05d}.jpg") if number % 4 == 0 else (first,)


NUMBERS = {picture(number).id: number for number in range(12_000)}


def drawn(metric: Metric, count: int = COUNT, dimension: int = DIMENSION) -> Array:
    """Rows as they are stored: in groups, with every tenth the same as the one before."""
    generator = np.random.default_rng(5)
    centres = generator.standard_normal((40, dimension))
    rows = centres[generator.integers(0, 40, count)]
    rows = np.maximum(rows + 0.5 * generator.standard_normal(rows.shape), 0) + 0.01
    rows[9::10] = rows[8::10][: len(rows[9::10])]
    if metric is Metric.COSINE:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    else:
        rows *= generator.choice([0.5, 1, 20], size=(count, 1)).repeat(2, axis=0)[:count]
        rows[9::10] = rows[8::10][: len(rows[9::10])]
    return np.asarray(rows.astype(np.float16).astype(np.float32))


def queries(metric: Metric, rows: Array) -> Array:
    """A row itself, one between two, and one from nowhere."""
    generator = np.random.default_rng(6)
    drawn = [rows[18], (rows[3] + rows[40]) / 2, generator.random(rows.shape[1]) * rows.max()]
    return np.asarray(drawn, np.float32)


def put(connection: Connection, metric: Metric, rows: Array) -> StoredSpace:
    stored = stored_space(metric, rows.shape[1], IndexKind.EXACT)
    fill(connection, stored, [(picture(i), paths(i)) for i in range(len(rows))], rows)
    return stored


# What is right


def true_scores(metric: Metric, rows: Array, query: Array) -> Array:
    rows, query = rows.astype(np.float64), query.astype(np.float64)
    if metric is Metric.L2:
        return np.asarray(-np.linalg.norm(rows - query, axis=1))
    products = (rows * query).sum(axis=1)
    if metric is Metric.COSINE:
        products /= np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    return np.asarray(products)


def in_order(scores: Array, among: Sequence[int] | None = None) -> list[int]:
    """The rows from the best on; of those whose numbers are the same, the lower first."""
    rows = np.arange(len(scores)) if among is None else np.array(among, np.int64)
    return rows[np.lexsort((rows, -scores[rows].round(12)))].tolist()  # type: ignore[no-any-return]


def found(answer: Answer) -> list[int]:
    return [NUMBERS[match.picture.id] for match in answer.matches]


def is_right(answer: Answer, scores: Array, k: int, among: Sequence[int] | None = None) -> None:
    right = in_order(scores, among)[:k]
    assert found(answer) == right
    told = [match.score for match in answer.matches]
    assert told == pytest.approx(scores[right].tolist(), abs=1e-12, rel=1e-12)
    for number, match in zip(right, answer.matches, strict=True):
        assert (match.picture, match.paths) == (picture(number), paths(number))


def is_nearly_right(answer: Answer, scores: Array, k: int) -> float:
    """An index may miss some: the share that it has found. What it has is in order and scored."""
    told = found(answer)
    assert len(set(told)) == len(answer.matches) == min(k, len(scores))
    assert told == in_order(scores, told)
    assert [match.score for match in answer.matches] == pytest.approx(
        scores[told].tolist(), abs=1e-12, rel=1e-12
    )
    return len(set(told) & set(in_order(scores)[:k])) / k


class Way(NamedTuple):
    """How it is asked, and how it is searched then."""

    asked: IndexKind
    recall: float
    by: dict[Metric, IndexKind]


_EXACT = dict.fromkeys(Metric, IndexKind.EXACT)
WAYS = {
    "exact": Way(IndexKind.EXACT, 0.99, _EXACT),
    "gds": Way(IndexKind.GDS, 0.99, _EXACT | {Metric.COSINE: IndexKind.GDS}),
    "index": Way(
        IndexKind.HNSW,
        0.999,
        {
            Metric.COSINE: IndexKind.HNSW,
            Metric.L2: IndexKind.HNSW,
            Metric.INNER_PRODUCT: IndexKind.EXACT,
        },
    ),
    "auto": Way(
        IndexKind.AUTO,
        0.99,
        {
            Metric.COSINE: IndexKind.HNSW,
            Metric.L2: IndexKind.HNSW,
            Metric.INNER_PRODUCT: IndexKind.EXACT,
        },
    ),
    "index, all": Way(IndexKind.HNSW, 1, _EXACT),
}


@pytest.mark.parametrize("metric", METRICS)
def test_every_way_finds_what_numpy_finds(connection: Connection, metric: Metric) -> None:
    rows = drawn(metric)
    stored = put(connection, metric, rows)
    if metric is not Metric.INNER_PRODUCT:
        index(connection, stored)
    asked = queries(metric, rows)
    every = [true_scores(metric, rows, query) for query in asked]
    shares = [1.0]
    for name, way in WAYS.items():
        space = replace(stored, index=way.asked)
        searches = Searches(connection)
        for k in (1, 9, 60):
            alone = [
                searches.search(space, query[None], k, recall=way.recall)[0] for query in asked
            ]
            for answer, scores in zip(alone, every, strict=True):
                assert answer.by is way.by[metric], (name, k)
                if answer.by is IndexKind.HNSW:
                    shares.append(is_nearly_right(answer, scores, k))
                else:
                    is_right(answer, scores, k)
                needs = way.asked is IndexKind.HNSW and metric is Metric.INNER_PRODUCT
                assert (answer.fault is not None) is (needs and way.recall < 1), name
            together = searches.search(space, asked, k, recall=way.recall)
            assert [one.matches for one in together] == [one.matches for one in alone]
    assert np.mean(shares) > 0.99
    assert len(shares) == (1 if metric is Metric.INNER_PRODUCT else 19)


@pytest.mark.parametrize("metric", METRICS)
def test_so_many_come_as_are_there(connection: Connection, metric: Metric) -> None:
    rows = drawn(metric, count=30)
    stored = put(connection, metric, rows)
    query = queries(metric, np.concatenate([rows, rows]))[1]
    scores = true_scores(metric, rows, query)
    searches = Searches(connection)
    if metric is not Metric.INNER_PRODUCT:
        index(connection, stored)
    for kind in (IndexKind.EXACT, IndexKind.HNSW, IndexKind.GDS, IndexKind.AUTO):
        for k in (1, 29, 30, 31, 500):
            (answer,) = searches.search(replace(stored, index=kind), query[None], k)
            is_right(answer, scores, k)
    with pytest.raises(UsageError, match="k is 0"):
        searches.search(stored, query[None], 0)
    with pytest.raises(UsageError, match="shape"):
        searches.search(stored, query[None, :3], 1)
    assert searches.search(stored, query[None][:0], 1) == []


def test_of_many_that_tie_the_first_come(connection: Connection) -> None:
    rows = drawn(Metric.COSINE)
    same = np.arange(100, 1200, 7)  # more than an index names, and more than are looked at at once
    rows[same] = rows[100]
    rows[same[::2], 0] = np.nextafter(rows[100, 0].astype(np.float16), np.float16(9))
    stored = put(connection, Metric.COSINE, rows)
    index(connection, stored)
    scores = true_scores(Metric.COSINE, rows, rows[107])
    for k in (1, 3, 50, 90):
        by_all, by_index = (
            Searches(connection).search(replace(stored, index=kind), rows[107][None], k)[0]
            for kind in (IndexKind.EXACT, IndexKind.HNSW)
        )
        is_right(by_all, scores, k)
        is_nearly_right(by_index, scores, k)  # of equal vectors, an index may not reach all


@pytest.mark.parametrize("metric", METRICS)
def test_all_over_a_score_come_and_no_others(connection: Connection, metric: Metric) -> None:
    rows = drawn(metric, count=300)
    stored = put(connection, metric, rows)
    searches = Searches(connection)
    for query in queries(metric, rows):
        scores = true_scores(metric, rows, query)
        for place in (0, 7, 100, 299):
            least = float(np.sort(scores)[::-1][place])
            answer = searches.search_over(stored, query, least - 1e-13 * abs(least))
            is_right(answer, scores, int((scores >= least - 1e-12 * abs(least)).sum()))
        above = searches.search_over(stored, query, float(scores.max()) + 1e-9)
        assert above.matches == ()
        some = Selection(under="a")
        answer = searches.search_over(stored, query, -1e9, some)
        is_right(answer, scores, 300, range(0, 300, 3))


def test_a_distance_that_is_nothing_and_one_beyond_float32(connection: Connection) -> None:
    rows = drawn(Metric.L2, count=40)
    rows[:20] = np.float32(1000) + np.arange(20)[:, None] * np.float32(2**-10 * 1024)
    rows = rows.astype(np.float16).astype(np.float32)
    stored = put(connection, Metric.L2, rows)
    searches = Searches(connection)
    near = rows[3].copy()
    near[0] += 1e-4  # 1 / (1 + d ** 2) is 1 for this in float32
    far = np.full(DIMENSION, 1e30, np.float32)
    for query in (rows[3], near, far):
        (answer,) = searches.search(stored, query[None], 5)
        is_right(answer, true_scores(Metric.L2, rows, query), 5)


# Which pictures may answer

SELECTIONS = [
    Selection(under="a"),
    Selection(under="z"),
    Selection(under="b/../a"),
    Selection(under="a' OR true //"),
    Selection(name="*.jpg"),
    Selection(name="*.JPG"),
    Selection(name="?????é€.jpg"),
    Selection(name="?????é??jpg"),
    Selection(name="?????????.png"),
    Selection(name="?????x?.png"),
    Selection(name="??????.webp"),
    Selection(name="???????.webp"),
    Selection(name="*[é-€].jpg"),
    Selection(name="*[!a-z].jpg"),
    Selection(name="*a[[]1].jpg"),
    Selection(name="*a[1].jpg"),
    Selection(name="*a[1"),
    Selection(name="*two\nlines*"),
    Selection(name="a/*"),
    Selection(name="[ac]/0*"),
    Selection(name="*/*[0-4]x\udcff.png"),
    Selection(name="z/*", under="z"),
    Selection(name="*.jpg", under="a"),
    Selection(name="?????.jpg", under="a"),
    Selection(name=".*|.*\\E'\"`$"),
    Selection(name="' OR true //"),
    Selection(taken_from="2020"),
    Selection(taken_to="2021-03"),
    Selection(taken_from="2019-02", taken_to="2021-05-11"),
    Selection(min_side=250),
    Selection(min_side=10_000),
    Selection(ids=frozenset(picture(i).id for i in range(0, 400, 13)) | {"f" * 64, "' OR true"}),
    Selection(ids=frozenset()),
    Selection(under="c", name="*.jpg", taken_from="2019", min_side=120),
]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    """The same pictures and embeddings in a library in a folder, with a graph."""
    store = LocalStore(tmp_path_factory.mktemp("local") / "library")
    rows = drawn(Metric.COSINE)
    entries = [
        Entry(path, Stamp(1, 1), picture(number))
        for number in range(COUNT)
        for path in paths(number)
    ]
    space = stored_space(Metric.COSINE, DIMENSION).space
    with store.write() as writer:
        vectors = {picture(number).id: row for number, row in enumerate(rows)}
        writer.commit(space, entries, vectors)
        writer.renew_graph(space, GraphWanted(20), lambda _: None)
    return store


def test_the_same_pictures_may_answer_as_in_a_local_library(
    connection: Connection, local: LocalStore
) -> None:
    rows = drawn(Metric.COSINE)
    stored = put(connection, Metric.COSINE, rows)
    indexed = index(connection, stored)
    searches = Searches(connection)
    asked = queries(Metric.COSINE, rows)[1:2]
    sizes = {}
    for among in SELECTIONS:
        hexadecimal = among.ids and frozenset(id_ for id_ in among.ids if " " not in id_)
        told = replace(among, ids=hexadecimal) if among.ids else among
        for k in (10, 2000):
            (right,) = local.search(stored.space, asked, k, told, recall=1)
            for space in (stored, indexed):
                (answer,) = searches.search(space, asked, k, among)
                assert found(answer) == found(right), among
                scores = [match.score for match in answer.matches]
                right_scores = [match.score for match in right.matches]
                assert scores == pytest.approx(right_scores, abs=1e-12)
            sizes[among] = len(right.matches)
    assert sum(0 < size < COUNT for size in sizes.values()) > 20  # they do select


# Ranking


def graph_of(
    connection: Connection, local: LocalStore, stored: StoredSpace, with_norms: bool = True
) -> None:
    """The relations of the local library's graph, and its norms."""
    with local.graph(stored.space) as view:
        edges = view.graph.edges()
        pairs = zip(edges.first.tolist(), edges.second.tolist(), edges.scores.tolist(), strict=True)
        relate(connection, stored, {(one, other): score for one, other, score in pairs})
        if with_norms:
            kept = norms(view.rows, speaking(view.graph.neighbours))
            keep_norms(connection, stored, kept)


def same_ranking(answer: Answer, right: Answer) -> None:
    assert answer.is_ranked
    told = {NUMBERS[match.picture.id]: match for match in answer.matches}
    scores = [match.rank_score for match in answer.matches]
    assert scores == pytest.approx([match.rank_score for match in right.matches], abs=1e-4)
    # Which of two pictures with the same numbers comes first is a matter of float32.
    ranks = {NUMBERS[match.picture.id]: match.rank_score for match in right.matches}
    common = [number for number in told if number in ranks]
    assert len(common) >= len(ranks) - 1
    for number in common:
        assert told[number].rank_score == pytest.approx(ranks[number], abs=1e-4)
        assert told[number].score == pytest.approx(
            {NUMBERS[its.picture.id]: its.score for its in right.matches}[number], abs=1e-12
        )


@pytest.mark.parametrize("with_norms", [True, False])
def test_the_relations_rank_as_the_local_graph_does(
    connection: Connection, local: LocalStore, with_norms: bool
) -> None:
    rows = drawn(Metric.COSINE)
    stored = put(connection, Metric.COSINE, rows)
    graph_of(connection, local, stored, with_norms)
    searches = Searches(connection)
    asked = queries(Metric.COSINE, rows)
    ids = [picture(18).id, None, None]
    for k in (1, 10, 150):
        for among in (Selection(), Selection(under="a"), Selection(name="*.jpg")):
            right = local.search(stored.space, asked, k, among, 1, Ranking.GRAPH, ids)
            told = searches.search(stored, asked, k, among, 1, Ranking.GRAPH, ids)
            for one, other in zip(told, right, strict=True):
                same_ranking(one, other)
            assert found(told[0])[:1] == (
                [18] if among in (Selection(), Selection(under="a")) else found(right[0])[:1]
            )


def test_what_people_have_said_holds_as_in_a_local_library(
    connection: Connection, tmp_path: Path
) -> None:
    rows = drawn(Metric.COSINE, count=300)
    stored = put(connection, Metric.COSINE, rows)
    local = LocalStore(tmp_path / "library")
    said = [(18, 250, "same"), (250, 77, "same"), (18, 3, "different"), (40, 41, "same")]
    said += [(5, 290, "different"), (60, 61, "same"), (61, 8, "different")]
    with local.write() as writer:
        files = [Entry(path, Stamp(1, 1), picture(i)) for i in range(300) for path in paths(i)]
        writer.commit(stored.space, files, {picture(i).id: row for i, row in enumerate(rows)})
        writer.renew_graph(stored.space, GraphWanted(20), lambda _: None)
        for one, other, kind in said:
            first, second = sorted((picture(one).id, picture(other).id))
            writer.judge(Verdict(first, second, VerdictKind(kind), "2026-11-21T00:00:00Z"))
    graph_of(connection, local, stored)
    own = connection.address.names.own()
    for one, other, kind in said:
        relation = {"same": "SAME_AS", "different": "DIFFERENT_FROM"}[kind]
        connection.run(
            f"MATCH (a:`{own}` {{row: $one}}), (b:`{own}` {{row: $other}})"
            f" CREATE (a)-[:{relation} {{said: 'then'}}]->(b)",
            one=one,
            other=other,
        )
    searches = Searches(connection)
    for row in (18, 250, 5, 61, 100):
        for among in (Selection(), Selection(under="b")):
            asked = [picture(row).id]
            query = rows[row][None]
            (right,) = local.search(stored.space, query, 300, among, 1, Ranking.GRAPH, asked)
            (told,) = searches.search(stored, query, 300, among, 1, Ranking.GRAPH, asked)
            same_ranking(told, right)
            assert set(found(told)) == set(found(right))
    (told,) = searches.search(
        stored, rows[18][None], 9, ranking=Ranking.GRAPH, asked=[picture(18).id]
    )
    assert found(told)[0] == 18
    assert set(found(told)[1:3]) == {250, 77}


def test_relations_of_other_people_speak_too_once_a_pair(connection: Connection) -> None:
    rows = drawn(Metric.COSINE, count=120)[np.arange(120)]
    stored = put(connection, Metric.COSINE, rows)
    unit = rows.astype(np.float64) / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    related = {(7, 30): 0.9, (7, 31): 0.4, (32, 7): 0.8, (60, 61): 0.7}
    relate(connection, stored, related)
    own = connection.address.names.own()
    connection.run(
        f"MATCH (a:`{own}` {{row: 30}}), (b:`{own}` {{row: 7}}) "
        "CREATE (a)-[:SIMILAR_TO {score: 0.95}]->(b), (a)-[:SIMILAR_TO]->(b),"
        " (b)-[:SIMILAR_TO {score: 'much'}]->(a), (b)-[:SIMILAR_TO {score: 0.2}]->(b)"
    )
    query = rows[9].astype(np.float64) / np.linalg.norm(rows[9].astype(np.float64))
    near = unit @ query
    own_nearest = in_order(near)[:10]
    expanded = query + sum(near[j] ** 3 * unit[j] for j in own_nearest)
    expanded /= np.linalg.norm(expanded)
    spoken = {7: {30: 0.95, 31: 0.4, 32: 0.8}, 30: {7: 0.95}, 31: {7: 0.4}, 32: {7: 0.8}}
    spoken |= {60: {61: 0.7}, 61: {60: 0.7}}
    right = {}
    for row in range(120):
        whole = unit[row] + sum(
            (score**3 * unit[other] for other, score in spoken.get(row, {}).items()),
            np.zeros(DIMENSION),
        )
        right[row] = float(expanded @ whole / np.linalg.norm(whole))
    (answer,) = Searches(connection).search(
        stored, rows[9][None], 120, recall=1, ranking=Ranking.AUTO
    )
    told = {NUMBERS[match.picture.id]: match.rank_score for match in answer.matches}
    assert set(told) == set(range(120))
    assert [told[row] for row in range(120)] == pytest.approx(list(right.values()), abs=1e-4)


def test_without_relations_nothing_is_ranked(connection: Connection) -> None:
    rows = drawn(Metric.L2, count=30)
    for metric in (Metric.COSINE, Metric.L2):
        stored = stored_space(metric, DIMENSION)
        if metric is Metric.COSINE:
            stored = put(connection, metric, rows)
        else:
            relate(connection, stored, {(1, 2): 0.5})
        searches = Searches(connection)
        (answer,) = searches.search(stored, rows[:1], 5, ranking=Ranking.AUTO)
        assert not answer.is_ranked
        with pytest.raises(GraphNotFoundError, match="lookgraph graph build"):
            searches.search(stored, rows[:1], 5, ranking=Ranking.GRAPH)


# Indexes that cannot be used


def test_an_index_that_is_gone_or_of_something_else_is_named_and_done_without(
    connection: Connection,
) -> None:
    rows = drawn(Metric.COSINE)
    stored = put(connection, Metric.COSINE, rows)
    auto, wanted = (replace(stored, index=kind) for kind in (IndexKind.AUTO, IndexKind.HNSW))
    searches = Searches(connection)
    scores = true_scores(Metric.COSINE, rows, rows[7])

    def fault_of(space: StoredSpace) -> str | None:
        (answer,) = searches.search(space, rows[7:8], 10)
        assert answer.by is IndexKind.EXACT
        is_right(answer, scores, 10)
        return answer.fault

    assert fault_of(auto) is None
    assert "lookgraph index --index hnsw" in (fault_of(wanted) or "")
    index(connection, stored)
    (answer,) = searches.search(wanted, rows[7:8], 10)
    assert (answer.by, answer.fault) == (IndexKind.HNSW, None)
    (name,) = connection.read("SHOW INDEXES YIELD name, type WHERE type = 'VECTOR' RETURN name")[0]
    connection.run(f"DROP INDEX `{name}`")
    assert "there is none" in (fault_of(wanted) or "")  # it was online when it was last seen
    connection.run(
        "CREATE VECTOR INDEX `of``somebody` FOR (n:Image) ON (n.embeddings) OPTIONS {indexConfig:"
        f" {{`vector.dimensions`: {DIMENSION}, `vector.similarity_function`: 'euclidean'}}}}"
    )
    connection.run("CALL db.awaitIndexes(60)")
    assert "compared by euclidean" in (fault_of(auto) or "")
    connection.run("DROP INDEX `of``somebody`")
    connection.run(
        "CREATE VECTOR INDEX `of``somebody` FOR (n:Image) ON (n.embeddings) OPTIONS {indexConfig:"
        f" {{`vector.dimensions`: {DIMENSION}, `vector.similarity_function`: 'cosine'}}}}"
    )
    connection.run("CALL db.awaitIndexes(60)")
    (answer,) = searches.search(auto, rows[7:8], 10)
    assert answer.by is IndexKind.HNSW
    assert is_nearly_right(answer, scores, 10) > 0.9


def test_what_is_none_of_the_librarys_pictures_is_not_found(connection: Connection) -> None:
    """Other people's nodes have the label and the property too, and are in the index."""
    rows = drawn(Metric.COSINE)
    stored = put(connection, Metric.COSINE, rows)
    connection.run(
        "UNWIND range(1, 45) AS i CREATE (n:Image {path: 'theirs'})"
        " WITH n CALL db.create.setNodeVectorProperty(n, 'embeddings', $numbers)",
        numbers=rows[7],
    )
    own = connection.address.names.own()
    connection.run(f"MATCH (n:`{own}` {{row: 8}}) REMOVE n:Image")  # forgotten
    index(connection, stored)
    scores = true_scores(Metric.COSINE, rows, rows[7])
    left = [row for row in range(COUNT) if row != 8]
    for kind in (IndexKind.EXACT, IndexKind.HNSW, IndexKind.GDS):
        (answer,) = Searches(connection).search(replace(stored, index=kind), rows[7:8], 10)
        is_right(answer, scores, 10, left)


@pytest.mark.parametrize("changed", [[1.0, 2.0], "no numbers"])
def test_an_embedding_that_somebody_has_changed_is_named(
    connection: Connection, changed: object
) -> None:
    rows = drawn(Metric.COSINE)
    stored = replace(put(connection, Metric.COSINE, rows), index=IndexKind.EXACT)
    connection.run(
        f"MATCH (n:`{connection.address.names.own()}` {{row: 8}}) SET n.embeddings = $changed",
        changed=changed,
    )
    with pytest.raises(LibraryDamagedError, match="doctor --repair"):
        Searches(connection).search(stored, rows[7:8], 10)


def test_the_index_finds_nearly_all_among_ten_thousand(connection: Connection) -> None:
    """Embeddings as networks give them: on a few directions of many, and none below zero."""
    generator = np.random.default_rng(8)
    directions = generator.standard_normal((200, 256)) / 16
    things = generator.standard_normal((600, 200))
    chosen = generator.integers(0, 600, 10_100)
    views = things[chosen] + 0.7 * generator.standard_normal((10_100, 200))
    rows = np.maximum(views @ directions, 0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows.astype(np.float16).astype(np.float32)
    rows, asked = rows[:10_000], rows[10_000:]
    stored = index(connection, put(connection, Metric.COSINE, rows))
    answers = Searches(connection).search(stored, asked, 10)
    assert {answer.by for answer in answers} == {IndexKind.HNSW}
    shares = [
        is_nearly_right(answer, true_scores(Metric.COSINE, rows, query), 10)
        for answer, query in zip(answers, asked, strict=True)
    ]
    assert np.mean(shares) >= 0.99


# Questions of one's own


def test_a_question_of_ones_own_reads_and_nothing_else(connection: Connection) -> None:
    rows = drawn(Metric.COSINE, count=12)
    stored = put(connection, Metric.COSINE, rows)
    relate(connection, stored, {(0, 1): 0.75})
    told = own_query(
        connection,
        "MATCH (a:Image)-[r:SIMILAR_TO]->(b) RETURN a.row AS row, $query[0] AS first, $k AS k, r,"
        " a {.path, .row} AS some, date('2026-11-21') AS day, [1, null, true] AS list",
        {"query": rows[3].astype(np.float64), "k": 4},
    )
    assert told.columns == ("row", "first", "k", "r", "some", "day", "list")
    ((row, first, k, relation, some, day, listed),) = told.rows
    assert (row, first, k, day, listed) == (0, float(rows[3][0]), 4, "2026-11-21", [1, None, True])
    assert some == {"path": "a/00000é€.jpg", "row": 0}
    assert isinstance(relation, dict)
    assert relation["properties"] == {"made": True, "score": 0.75}
    assert relation["type"] == "SIMILAR_TO"
    ((node, path),) = own_query(
        connection, "MATCH p = (n:Image {row: 1})<--(:LookgraphImage) RETURN n, p LIMIT 1", {}
    ).rows
    assert isinstance(node, dict)
    assert isinstance(path, dict)
    assert node["labels"] == ["Image", "LookgraphImage"]
    assert node["properties"]["embeddings"] == pytest.approx(rows[1].tolist())
    assert len(path["nodes"]) == 2
    for query in (
        "CREATE (:Mine)",
        "MATCH (n) DETACH DELETE n",
        "MATCH (n:Image) SET n.row = 0",
        "MATCH (n:Image) CALL (n) { DELETE n } IN TRANSACTIONS",
        "CALL db.create.setNodeVectorProperty(null, 'x', [1.0])",
        "DROP INDEX lookgraph_Image_row",
        "MATCH (n) RETURN n.row; MATCH (n) DELETE n",
        "RETURN $nothing",
        "what looks like this?",
    ):
        with pytest.raises(UsageError):
            own_query(connection, query, {})
    assert connection.read("MATCH (n:Image) RETURN count(n) AS count")[0]["count"] == 12
