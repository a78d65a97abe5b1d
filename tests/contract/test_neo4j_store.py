"""The store in a Neo4j database: the contract, and what only a server can suffer."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookgraph.errors import LibraryLockedError, StorageError, UsageError
from lookgraph.stores.base import Check, GraphWanted
from lookgraph.types import (
    IndexKind,
    Metric,
    Patterns,
    Space,
    Vector,
    Verdict,
    VerdictKind,
)
from tests.conftest import needs_module
from tests.contract.graph_contract import ALL, GraphContract, add, edges, edges_in, link, path, same
from tests.contract.graph_contract import SPACE as GRAPH_SPACE
from tests.contract.store_contract import (
    BYTES,
    NAMES,
    OTHER,
    PROJECT,
    QUERY,
    SPACE,
    VECTORS,
    StoreContract,
    commit,
    entry,
    forget,
    known,
    left_out,
    names_of,
    nearest,
    picture,
    stored,
)
from tests.pictures import unit

needs_module("neo4j")

from neo4j import ManagedTransaction  # noqa: E402

from lookgraph.stores.neo4j import Neo4jStore, files, graphing, open_store  # noqa: E402
from lookgraph.stores.neo4j.client.connection import Connection  # noqa: E402
from tests.neo4j_server.database import Neo4jDatabase  # noqa: E402

Open = Callable[[str], Neo4jStore]


@pytest.fixture
def opened(neo4j_database: Neo4jDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens a library in the database, by what stands behind its address."""
    monkeypatch.setenv("LOOKGRAPH_NEO4J_PASSWORD", neo4j_database.password)
    stores: list[Neo4jStore] = []

    def open_(asked: str = "") -> Neo4jStore:
        stores.append(open_store(neo4j_database.address + asked, None))
        return stores[-1]

    yield open_
    for store in stores:
        store.connection.close()


@pytest.fixture
def store(opened: Open) -> Neo4jStore:
    return opened("")


@pytest.fixture
def elsewhere(neo4j_database: Neo4jDatabase) -> str:
    return (
        "from lookgraph.stores.neo4j import open_store\n"
        f"store = open_store({neo4j_database.address!r}, None)"
    )


class TestNeo4jStore(StoreContract):
    """The contract as it is."""


class TestGraphOfNeo4jStore(GraphContract):
    """What it does with graphs."""


def test_many_files_are_read_in_small_pages(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PAGE", 3)
    TestNeo4jStore().test_files_are_known_however_many_there_are(store)


def filled(store: Neo4jStore) -> None:
    commit(store, [entry(name, name) for name in NAMES])


# What is in the database


def test_pictures_are_as_the_recipe_has_them(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    commit(store, [entry("a", "xy"), entry(BYTES, "xy"), entry("ä", "y"), left_out("bad")])
    commit(store, [entry("gone", "z")])
    forget(store, "gone")
    found = neo4j_database.run("MATCH (n:Image) RETURN properties(n) AS told ORDER BY n.path")
    told = [record["told"] for record in found]
    assert [its["id"] for its in told] == [picture("xy").id, picture("y").id]
    assert [its["path"] for its in told] == ["a", "ä"]
    assert [its["copies"] for its in told] == [["f�/�.jpg"], []]
    assert [its["row"] for its in told] == [0, 1]
    assert told[0]["embeddings"] == stored(VECTORS["xy"]).tolist()
    assert (told[0]["format"], told[0]["width"], told[0]["height"]) == ("JPEG", 102, 50)
    (asked,) = neo4j_database.run(
        "MATCH (a:Image) WITH a, gds.similarity.cosine(a.embeddings, $query) AS similarity"
        " ORDER BY similarity DESC LIMIT 1 RETURN a.id AS id, similarity",
        query=[0.0, 2.0, 0.0],
    )
    assert (asked["id"], asked["similarity"]) == (picture("y").id, pytest.approx(1))


def test_relations_are_one_a_pair_with_the_raw_cosine(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    add(store, ALL)
    link(store, GraphWanted(3))
    with store.graph(GRAPH_SPACE) as view:
        right = edges_in(view)
    found = neo4j_database.run(
        "MATCH (a:Image)-[r:SIMILAR_TO]->(b:Image)"
        " RETURN a.row AS a, b.row AS b, r.score AS score, keys(r) AS keys"
    )
    assert {tuple(sorted(its["keys"])) for its in found} == {("made", "score")}
    assert all(its["a"] < its["b"] for its in found)
    # The rows are in the order of the numbers of the pictures.
    assert {frozenset((its["a"], its["b"])): its["score"] for its in found} == right
    assert len(found) == len(right)
    assert min(right.values()) > 0


def test_further_spaces_have_names_of_their_own(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    spaces = [
        SPACE,
        OTHER,
        replace(SPACE, metric=Metric.L2),
        replace(SPACE, model="clip-ViT.b/32 ä"),
    ]
    for space in spaces:
        vector = unit(1, 1) if space is OTHER else unit(1, 2, 3)
        commit(store, [entry("a", "x")], space, x=vector)
        with store.write() as writer:
            writer.renew_graph(space, GraphWanted(1), lambda _: None)
    found = neo4j_database.run(
        "MATCH (s:LookgraphImageSpace) RETURN s.property AS p, s.relation AS r, s.norm AS n"
        " ORDER BY s.number"
    )
    assert [tuple(record) for record in found] == [
        ("embeddings", "SIMILAR_TO", "graph_norm"),
        ("embeddings_grid", "SIMILAR_TO_GRID", "graph_norm_grid"),
        ("embeddings_grid_2", "SIMILAR_TO_GRID_2", "graph_norm_grid_2"),
        (
            "embeddings_clip_ViT_b_32_ä",
            "SIMILAR_TO_CLIP_VIT_B_32_Ä",
            "graph_norm_clip_ViT_b_32_ä",
        ),
    ]
    with store.write() as writer:
        writer.remove_space(SPACE)
    (keys,) = neo4j_database.run("MATCH (n:Image) RETURN keys(n) AS keys")[0]
    assert sorted(key for key in keys if "embeddings" in key or "norm" in key) == sorted(
        name for record in found[1:] for name in (record["p"], record["n"])
    )


@pytest.mark.parametrize("dimension", [1, 4096, 4097, 25088])
def test_embeddings_of_any_length_are_kept(store: Neo4jStore, dimension: int) -> None:
    space = replace(SPACE, dimension=dimension, metric=Metric.L2)
    vectors = np.random.default_rng(2).standard_normal((2, dimension)).astype(np.float32)
    commit(store, [entry("a", "x"), entry("b", "y")], space, x=vectors[0], y=vectors[1])
    embedding = store.embedding(space, picture("y").id)
    assert embedding is not None
    assert np.array_equal(embedding, stored(vectors[1]))
    assert names_of(nearest(store, space, vectors[1], 9)) == ["y", "x"]
    assert store.damaged(space) == []


# Beside others


def counted(database: Neo4jDatabase) -> list[object]:
    """All that is somebody else's."""
    nodes = database.run(
        "MATCH (n) WHERE n.mine IS NOT NULL"
        " RETURN n.mine AS mine, labels(n) AS labels, properties(n) AS told ORDER BY mine"
    )
    relations = database.run(
        "MATCH (a)-[r {mine: true}]->(b) RETURN type(r) AS type, properties(r) AS told,"
        " coalesce(a.mine, a.id) AS a, coalesce(b.mine, b.id) AS b ORDER BY type, a, b"
    )
    indexes = database.run(
        "SHOW INDEXES YIELD name, type, labelsOrTypes, properties WHERE name STARTS WITH 'mine'"
        " RETURN * ORDER BY name"
    )
    constraints = database.run(
        "SHOW CONSTRAINTS YIELD name, type, labelsOrTypes, properties"
        " WHERE name STARTS WITH 'mine' RETURN * ORDER BY name"
    )
    return [[dict(its) for its in found] for found in (nodes, relations, indexes, constraints)]


def test_nothing_of_others_is_changed_or_deleted(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    run = neo4j_database.run
    run("CREATE CONSTRAINT mine FOR (n:Product) REQUIRE n.mine IS UNIQUE")
    run("CREATE INDEX mine_too FOR (n:Image) ON (n.mine)")
    run(
        "CREATE (a:Image {mine: 1, embeddings: [1.0, 2.0, 3.0], path: 'p'}), (b:Image {mine: 2}),"
        " (c:Product {mine: 3}), (f:File {mine: 4}), (l:Library {mine: 5}),"
        " (a)-[:SIMILAR_TO {mine: true, score: 0.9}]->(b), (a)-[:SAME_AS {mine: true}]->(b),"
        " (c)-[:SHOWN {mine: true}]->(a), (f)-[:LOOKGRAPH_SHOWS {mine: true}]->(a)"
    )
    filled(store)
    run(
        "MATCH (c:Product), (n:LookgraphImage {path: $path}) CREATE (c)-[:SHOWN {mine: true}]->(n)",
        path="x",
    )
    run(
        "MATCH (n:LookgraphImage {path: 'x'}), (m:LookgraphImage {path: 'near x'})"
        " CREATE (m)-[:SIMILAR_TO {mine: true, score: 0.5}]->(n)"
    )
    before = counted(neo4j_database)
    assert [len(its) for its in before if isinstance(its, list)] == [5, 6, 2, 1]
    first, second = sorted((picture("x").id, picture("y").id))
    verdict = Verdict(first, second, VerdictKind.SAME, "2026-01-02T03:04:05Z")
    with store.write() as writer:
        writer.remember(Path("/pictures"), Patterns(("*",), ()))
        writer.judge(verdict)
        writer.renew_index(SPACE, IndexKind.HNSW, lambda _: None)
        writer.renew_graph(SPACE, GraphWanted(3), lambda _: None)
        assert counted(neo4j_database) == before
        writer.withdraw(first, second)
        writer.forget(["x", "y", "z"])
        writer.renew_graph(SPACE, None, lambda _: None)
        writer.compact(SPACE)
        assert counted(neo4j_database) == before
        writer.renew_graph(SPACE, GraphWanted(2, 0.5), lambda _: None)
        writer.forget(NAMES)
        writer.compact(SPACE)
        writer.remove_space(SPACE)
    assert counted(neo4j_database) == before
    # Of ours the bare nodes are left that somebody's relations need.
    left = run("MATCH (n:LookgraphImage) RETURN labels(n) AS labels, properties(n) AS told")
    assert sorted(its["told"]["id"] for its in left) == sorted(
        picture(name).id for name in ("x", "near x")
    )
    assert all(its["labels"] == ["LookgraphImage"] for its in left)
    assert all(its["told"].keys() == {"id"} for its in left)
    assert run("MATCH (n:LookgraphImageFile) RETURN n") == []
    assert run("SHOW INDEXES YIELD type WHERE type = 'VECTOR' RETURN *") == []
    # What comes back is the same node.
    commit(store, [entry("again", "x")])
    (found,) = run("MATCH (:Product)-[:SHOWN]->(n:Image:LookgraphImage) RETURN n.path AS path")
    assert found["path"] == "again"


def test_two_libraries_in_one_database_do_not_see_each_other(opened: Open) -> None:
    one, other = opened(""), opened("?label=Photo")
    filled(one)
    commit(other, [entry("a", "x"), entry("b", "y")])
    for store in (one, other):
        link(store, GraphWanted(1), SPACE)
    assert known(other) == ["a", "b"]
    assert sorted(known(one)) == sorted(NAMES)
    assert names_of(nearest(other, SPACE, QUERY, 9)) == ["y", "x"]
    forget(other, "a", "b")
    with other.write() as writer:
        writer.compact(SPACE)
        writer.remove_space(SPACE)
        with one.write() as second:  # each has a lock of its own
            second.forget(["z"])
    assert len(nearest(one, SPACE, QUERY, 9)) == len(NAMES) - 1
    with one.graph(SPACE) as view:
        assert len(view.graph.edges()) > 2
    assert one.status().spaces[0].pictures == len(NAMES) - 1


def test_everything_may_be_called_otherwise(opened: Open, neo4j_database: Neo4jDatabase) -> None:
    store = opened("?label=Bild&path=дорога&embeddings=числа&relation=ÄHNLICH&id=编号&score=مقدار")
    filled(store)
    link(store, GraphWanted(2), SPACE)
    with store.write() as writer:
        writer.renew_index(SPACE, IndexKind.HNSW, lambda _: None)
    assert names_of(nearest(store, SPACE, unit(1, 0, 0), 1)) == ["x"]
    assert store.entry("xy") == entry("xy", "xy")
    (found,) = neo4j_database.run(
        "MATCH (n:Bild {дорога: 'x'})-[r:ÄHNLICH]-(m:Bild {дорога: 'near x'})"
        " RETURN n.编号 AS id, n.числа AS numbers, r.مقدار AS score"
    )
    assert found["id"] == picture("x").id
    assert found["numbers"] == [1, 0, 0]
    assert found["score"] == pytest.approx(9 / 82**0.5, abs=1e-3)
    forget(store, *NAMES)
    with store.write() as writer:
        writer.compact(SPACE)
    assert neo4j_database.run("MATCH (n:LookgraphBild) RETURN n") == []


def test_a_constraint_of_somebody_elses_in_the_way_is_told(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    neo4j_database.run("CREATE CONSTRAINT mine FOR (n:Image) REQUIRE n.format IS UNIQUE")
    commit(store, [entry("a", "x")])
    with pytest.raises(StorageError, match=r"\?label=Photo"):
        commit(store, [entry("b", "y"), entry("c", "z")])
    assert known(store) == ["a"]
    neo4j_database.run("DROP CONSTRAINT mine")
    commit(store, [entry("b", "y"), entry("c", "z")])
    assert known(store) == ["a", "b", "c"]


def test_somebody_elses_pictures_with_one_id_are_in_the_way(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    neo4j_database.run("CREATE (:Image {id: 'one'}), (:Image {id: 'one'})")
    with pytest.raises(StorageError, match=r"\?label=Photo"), store.write():
        pass
    assert not store.exists()


def test_an_index_of_another_dimension_is_in_the_way(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    neo4j_database.run(
        "CREATE VECTOR INDEX mine FOR (n:Image) ON (n.embeddings)"
        " OPTIONS {indexConfig: {`vector.dimensions`: 7, `vector.similarity_function`: 'cosine'}}"
    )
    filled(store)
    with store.write() as writer, pytest.raises(StorageError, match="DROP INDEX `mine`"):
        writer.renew_index(SPACE, IndexKind.HNSW, lambda _: None)
    assert sorted(names_of(nearest(store, SPACE, QUERY, 9))) == sorted(NAMES)
    (wrong,) = (check for check in store.checks() if check.ok is False)
    assert wrong.name == "index"
    assert "of 7 numbers" in wrong.found
    assert "DROP INDEX `mine`" in wrong.advice


def test_a_mirror_is_not_written_to(store: Neo4jStore, neo4j_database: Neo4jDatabase) -> None:
    filled(store)
    neo4j_database.run("MATCH (l:LookgraphImageLibrary) SET l.mirror_of = '/pictures'")
    with pytest.raises(UsageError, match=r"mirror of the library /pictures.*export"), store.write():
        pass
    assert sorted(names_of(nearest(store, SPACE, QUERY, 9))) == sorted(NAMES)
    assert Check("kept as", None, "a mirror of /pictures") in list(store.checks())


# Indexes


@pytest.mark.parametrize(
    ("kind", "space"),
    [
        (IndexKind.IVF, SPACE),
        (IndexKind.HNSW, replace(SPACE, metric=Metric.INNER_PRODUCT)),
        (IndexKind.HNSW, replace(SPACE, dimension=4097)),
        (IndexKind.GDS, replace(SPACE, metric=Metric.L2)),
    ],
)
def test_what_the_server_cannot_search_by_is_refused(
    store: Neo4jStore, kind: IndexKind, space: Space
) -> None:
    vector = np.ones(space.dimension, np.float32)
    commit(store, [entry("a", "x")], space, x=vector)
    with store.write() as writer, pytest.raises(UsageError, match="exact"):
        writer.renew_index(space, kind, lambda _: None)
    assert store.status().spaces[0].index.wanted is IndexKind.AUTO


def test_an_index_is_made_and_waited_for(store: Neo4jStore, neo4j_database: Neo4jDatabase) -> None:
    filled(store)
    with store.write() as writer:
        writer.renew_index(SPACE, None, lambda _: None)
        assert store.status().spaces[0].index.kind is IndexKind.EXACT  # of so few
        writer.renew_index(SPACE, IndexKind.HNSW, lambda _: None)
        (index,) = neo4j_database.run(
            "SHOW INDEXES YIELD type, state, labelsOrTypes, properties, options"
            " WHERE type = 'VECTOR' RETURN *"
        )
        assert (index["state"], index["labelsOrTypes"]) == ("ONLINE", ["Image"])
        assert index["options"]["indexConfig"]["vector.dimensions"] == 3
        assert index["options"]["indexConfig"]["vector.similarity_function"] == "COSINE"
        writer.renew_index(SPACE, None, lambda _: None)  # what was asked for is kept
    status = store.status().spaces[0].index
    assert (status.wanted, status.kind, status.fault) == (IndexKind.HNSW, IndexKind.HNSW, None)
    with store.write() as writer:
        writer.remove_space(SPACE)
    assert neo4j_database.run("SHOW INDEXES YIELD type WHERE type = 'VECTOR' RETURN *") == []


# Graphs


def test_a_graph_that_nothing_has_changed_in_is_not_made_again(
    store: Neo4jStore, neo4j_database: Neo4jDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, ALL)
    link(store, GraphWanted(3))
    query = "MATCH ()-[r:SIMILAR_TO]->() RETURN elementId(r) AS id ORDER BY id"
    before = neo4j_database.run(query)
    assert link(store) == []
    # What somebody takes away is put back, and what is there stays.
    neo4j_database.run("MATCH ()-[r:SIMILAR_TO]->() WITH r ORDER BY r.score LIMIT 5 DELETE r")
    assert len(neo4j_database.run(query)) == len(before) - 5
    assert link(store)[-1] == 1
    with store.graph(GRAPH_SPACE) as view:
        same(edges_in(view), edges(GraphWanted(3)))
    after = neo4j_database.run(query)
    assert len({its["id"] for its in before} & {its["id"] for its in after}) == len(before) - 5


@pytest.mark.parametrize("wanted", [GraphWanted(3, 0.9), GraphWanted(4, mutual=True)])
def test_a_graph_whose_change_was_interrupted_is_made_whole(
    store: Neo4jStore,
    neo4j_database: Neo4jDatabase,
    monkeypatch: pytest.MonkeyPatch,
    wanted: GraphWanted,
) -> None:
    add(store, ALL)
    link(store, wanted)
    gone = (5, 15, 25)  # all near to one another: what is near to these needs other neighbours
    with store.write() as writer:
        writer.forget([path(number) for number in gone])
    with monkeypatch.context() as patch:
        patch.setattr(graphing, "create_relations", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            link(store)
    (check,) = (check for check in store.checks() if check.ok is False)
    assert check.name == "graph"
    # By its number of relations alone, it could not be told.
    neo4j_database.run(
        "MATCH ()-[r:SIMILAR_TO]->() WITH count(r) AS edges"
        " MATCH (s:LookgraphImageSpace) SET s.graph_edges = edges"
    )
    link(store)
    with store.graph(GRAPH_SPACE) as view:
        same(edges_in(view), edges(wanted, [number for number in ALL if number not in gone]))


def test_relations_of_others_count_and_the_best_of_a_pair(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    add(store, ALL)
    relate = (
        "MATCH (a:Image {row: $a}), (b:Image {row: $b}) CREATE (a)-[:SIMILAR_TO {score: $s}]->(b)"
    )
    for a, b, score in ((0, 1, 0.25), (1, 0, 0.75), (2, 1, 0.5), (3, 3, 1.0), (4, 5, "high")):
        neo4j_database.run(relate, a=a, b=b, s=score)
    with store.graph(GRAPH_SPACE) as view:
        assert edges_in(view) == {frozenset((0, 1)): 0.75, frozenset((1, 2)): 0.5}
    link(store, GraphWanted(3))
    right = edges(GraphWanted(3))
    right[frozenset((0, 1))] = max(0.75, right.get(frozenset((0, 1)), 0))
    right[frozenset((1, 2))] = max(0.5, right.get(frozenset((1, 2)), 0))
    with store.graph(GRAPH_SPACE) as view:
        same(edges_in(view), right)
    assert any(check.name == "relations" for check in store.checks())
    with store.write() as writer:
        writer.remove_space(GRAPH_SPACE)
    (left,) = neo4j_database.run("MATCH ()-[r:SIMILAR_TO]->() RETURN count(r) AS count")
    assert left["count"] == 5


# What others break


@pytest.mark.parametrize(
    "change",
    [
        "SET n.embeddings = [1.0, 2.0]",
        "SET n.embeddings = [0.0, 0.0, 0.0]",
        "SET n.embeddings = [0.0, 0.0 / 0.0, 1.0]",
        "SET n.embeddings = [0.0, 1e6, 1.0]",
        "SET n.embeddings = 'none'",
    ],
)
def test_what_can_be_no_embedding_is_found_and_dropped(
    store: Neo4jStore, neo4j_database: Neo4jDatabase, change: str
) -> None:
    filled(store)
    assert store.damaged(SPACE) == []
    neo4j_database.run(f"MATCH (n:Image {{path: 'y'}}) {change}")
    assert store.damaged(SPACE) == [picture("y").id]
    with store.write() as writer:
        assert writer.compact(SPACE) == 1
        assert writer.find(SPACE, picture("y").id) is None
    assert store.damaged(SPACE) == []
    assert "y" not in names_of(nearest(store, SPACE, unit(0, 1, 0), 9))
    assert [its.path for its in store.known_files(SPACE) if not its.settled] == ["y"]
    commit(store, [entry("y", "y")])
    assert names_of(nearest(store, SPACE, unit(0, 1, 0), 1)) == ["y"]


def test_a_picture_without_an_embedding_is_not_found_until_it_has_one(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    filled(store)
    link(store, GraphWanted(2), SPACE)
    neo4j_database.run("MATCH (n:Image {path: 'y'}) REMOVE n.embeddings")
    assert len(nearest(store, SPACE, unit(0, 1, 0), 9)) == len(NAMES) - 1
    assert store.embedding(SPACE, picture("y").id) is None
    assert [its.path for its in store.known_files(SPACE) if not its.settled] == ["y"]
    assert any("1 pictures have none" in check.found for check in store.checks())
    with store.graph(SPACE) as view:
        assert view.row_of(picture("y").id) is None
    commit(store, [entry("y", "y")])
    assert names_of(nearest(store, SPACE, unit(0, 1, 0), 1)) == ["y"]


def test_the_checks_tell_what_somebody_has_changed(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    def wrong() -> list[Check]:
        return [check for check in store.checks() if check.ok is False]

    filled(store)
    assert wrong() == []
    neo4j_database.run("CREATE (:Image {id: 'mine'})")
    neo4j_database.run("MATCH (n:Image {path: 'x'}) REMOVE n:Image")
    neo4j_database.run("MATCH (:Image {path: 'y'})<-[r:LOOKGRAPH_SHOWS]-() DELETE r")
    neo4j_database.run("DROP CONSTRAINT lookgraph_LookgraphImage_id")
    constraints, pictures = wrong()
    assert constraints.found == "none on LookgraphImage.id"
    assert pictures.found == (
        "1 pictures have no file; 1 pictures with files have lost the label Image; "
        "1 files have no picture"
    )
    assert all(check.advice for check in (constraints, pictures))
    assert Check("other pictures", None, "1 :Image are not Lookgraph's") in list(store.checks())


# Killed


def test_what_is_tried_again_after_it_was_committed_is_made_once(
    store: Neo4jStore, neo4j_database: Neo4jDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the driver does when a connection breaks before the server's answer has come."""
    write = Connection.write

    def twice(connection: Connection, work: Callable[[ManagedTransaction], object]) -> None:
        write(connection, work)
        write(connection, work)

    monkeypatch.setattr(Connection, "write", twice)
    filled(store)
    link(store, GraphWanted(2), SPACE)
    forget(store, "x")
    assert sorted(known(store)) == sorted(set(NAMES) - {"x"})
    rows = neo4j_database.run("MATCH (n:LookgraphImage) RETURN n.row AS row ORDER BY row")
    assert [its["row"] for its in rows] == list(range(len(NAMES)))
    assert not any(check.name == "relations" for check in store.checks())


@pytest.mark.slow
def test_a_server_that_is_killed_loses_and_doubles_nothing(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    server, count = neo4j_database.server, 600
    vectors = np.random.default_rng(3).standard_normal((count, 3)).astype(np.float32)
    begun, errors = threading.Event(), list[BaseException]()

    def write() -> None:
        try:
            with store.write() as writer:
                for number in range(0, count, 5):
                    some = range(number, number + 5)
                    its: dict[str, Vector] = {picture(str(one)).id: vectors[one] for one in some}
                    writer.commit(SPACE, [entry(f"{one}", str(one)) for one in some], its)
                    if number >= 50:
                        begun.set()
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            errors.append(error)
        finally:
            begun.set()

    thread = threading.Thread(target=write)
    thread.start()
    for _ in range(2):
        begun.wait()
        server.kill()
        server.start()
        begun.clear()
    thread.join()
    assert errors == []
    assert sorted(known(store), key=int) == [str(one) for one in range(count)]
    status = store.status()
    assert (status.pictures, status.files) == (count, count)
    found = neo4j_database.run(
        "MATCH (f:LookgraphImageFile)-[:LOOKGRAPH_SHOWS]->(n:Image)"
        " RETURN n.path AS path, n.row AS row, count(f) AS files, f.key AS key"
    )
    assert all((its["path"], its["files"]) == (its["key"], 1) for its in found)
    assert sorted(its["row"] for its in found) == list(range(count))
    assert [its.picture.id for its in store.embedded(SPACE)] == [
        picture(str(one)).id for one in range(count)
    ]
    assert [check for check in store.checks() if check.ok is False] == []


def test_a_writer_whose_lock_another_has_taken_writes_nothing_more(
    store: Neo4jStore, neo4j_database: Neo4jDatabase
) -> None:
    filled(store)
    with store.write() as writer:
        for (id_,) in neo4j_database.run(
            "SHOW TRANSACTIONS YIELD transactionId, metaData"
            " WHERE metaData.lookgraph IS NOT NULL RETURN transactionId"
        ):
            neo4j_database.run("TERMINATE TRANSACTIONS $id", id=id_)
        with store.write() as other:
            other.forget(["x"])
            with pytest.raises(LibraryLockedError, match="another process"):
                writer.forget(["y"])
            other.forget(["z"])
    assert sorted(known(store)) == sorted(set(NAMES) - {"x", "z"})


def test_a_writer_that_is_killed_leaves_whole_commits(store: Neo4jStore, elsewhere: str) -> None:
    code = (
        f"{elsewhere}\n"
        "import os, signal\n"
        "from tests.contract.store_contract import *\n"
        "from lookgraph.stores.neo4j.pictures import PictureWriter\n"
        "with store.write() as writer:\n"
        "    writer.commit(SPACE, [entry('a', 'x')], {picture('x').id: VECTORS['x']})\n"
        "    PictureWriter._name = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    writer.commit(SPACE, [entry('b', 'y'), entry('a', 'z')],"
        " {picture(n).id: VECTORS[n] for n in 'yz'})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)
    assert done.returncode == -9
    assert known(store) == ["a"]
    assert names_of(nearest(store, SPACE, QUERY, 9)) == ["x"]
    commit(store, [entry("b", "y")])
    assert sorted(names_of(nearest(store, SPACE, QUERY, 9))) == ["x", "y"]
    assert [check for check in store.checks() if check.ok is False] == []
