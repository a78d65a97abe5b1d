"""Groups written back to a real server, and its Graph Data Science, against what is planted."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lookgraph.errors import (
    LibraryLockedError,
    LibraryNotFoundError,
    ServerError,
    UsageError,
)
from lookgraph.stores.base import GraphWanted
from lookgraph.types import Array, Entry, Matrix, Metric, Patterns, Picture, Space, Stamp
from tests.conftest import needs_module, started
from tests.neo4j_server import Neo4jServer

needs_module("neo4j")

from lookgraph.stores.neo4j import schema  # noqa: E402 - these load the driver
from lookgraph.stores.neo4j.client.address import parse  # noqa: E402
from lookgraph.stores.neo4j.client.connection import Connection  # noqa: E402
from lookgraph.stores.neo4j.client.lock import writers_turn  # noqa: E402
from lookgraph.stores.neo4j.gds import communities, gds_fault, nearest  # noqa: E402
from lookgraph.stores.neo4j.gds_graph import build_graph  # noqa: E402
from lookgraph.stores.neo4j.records import find_space  # noqa: E402
from lookgraph.stores.neo4j.writer import Neo4jWriter  # noqa: E402
from lookgraph.stores.neo4j.written_back import WrittenBack, write_groups  # noqa: E402

if TYPE_CHECKING:
    from tests.neo4j_server.database import Neo4jDatabase

COUNT, PLANTED, DIMENSION = 200, 5, 32
SPACE = Space("planted", "a" * 64, 1, Metric.COSINE, DIMENSION)
SIZES = (60, 50, 40, 30, 20)


@lru_cache
def planted() -> tuple[Matrix, Array]:
    """Embeddings about some directions, as they are stored, and which direction each is about."""
    generator = np.random.default_rng(3)
    labels = generator.permutation(np.repeat(np.arange(PLANTED), SIZES))
    found = generator.standard_normal((PLANTED, DIMENSION))[labels]
    found += 0.5 * generator.standard_normal(found.shape)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float16).astype(np.float32), labels


def cosines() -> Array:
    """Of all pairs, in float64; each with itself has none."""
    rows = planted()[0].astype(np.float64)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found = rows @ rows.T
    np.fill_diagonal(found, -np.inf)
    return np.asarray(found)


def id_of(number: int) -> str:
    return f"{number:064x}"


@pytest.fixture
def connection(neo4j_database: "Neo4jDatabase", tmp_path: Path) -> Iterator[Connection]:
    """To a library of the planted pictures, beside other people's nodes."""
    neo4j_database.run(
        "CREATE (:Image {path: 'theirs', embeddings: [1.0, 2.0], group: 7, community: 7})"
        "-[:SIMILAR_TO {score: 0.99}]->(:Image {path: 'theirs, too'})"
    )
    found = Connection(parse(neo4j_database.address), neo4j_database.password)
    schema.make_library(found)
    fill(found, tmp_path, SPACE)
    yield found
    found.close()


def fill(connection: Connection, root: Path, space: Space) -> None:
    entries = [
        Entry(f"{number}.jpg", Stamp(1, 1), Picture(id_of(number), "JPEG", 10, 10))
        for number in range(COUNT)
    ]
    with writers_turn(connection) as turn:
        writer = Neo4jWriter(connection, turn)
        writer.remember(root, Patterns())
        writer.commit(space, entries, {id_of(i): row for i, row in enumerate(planted()[0])})


def forget(connection: Connection, number: int) -> None:
    with writers_turn(connection) as turn:
        Neo4jWriter(connection, turn).forget([f"{number}.jpg"])


def in_memory(database: "Neo4jDatabase") -> list[object]:
    """The graphs that GDS holds."""
    return [one[0] for one in database.run("CALL gds.graph.list() YIELD graphName")]


# Written back


def written(database: "Neo4jDatabase", property_: str = "group") -> dict[str, int]:
    found = database.run(
        f"MATCH (n:LookgraphImage) WHERE n.{property_} IS NOT NULL RETURN n.id, n.{property_}"
    )
    return {str(id_): number for id_, number in found}


def test_the_number_of_its_group_is_written_to_each_picture(
    neo4j_database: "Neo4jDatabase", connection: Connection
) -> None:
    groups = [[id_of(i) for i in part] for part in (range(60), range(60, 100), [150, 151])]
    assert write_groups(connection, "group", groups) == WrittenBack(102, 0, 0)
    wanted = {id_: number for number, ids in enumerate(groups) for id_ in ids}
    assert written(neo4j_database) == wanted
    assert all(type(number) is int for number in written(neo4j_database).values())


def test_only_what_is_another_number_is_written_and_who_is_in_none_loses_it(
    neo4j_database: "Neo4jDatabase", connection: Connection
) -> None:
    write_groups(connection, "group", [[id_of(0), id_of(1)], [id_of(2), id_of(3)]])
    neo4j_database.run("MATCH (n:Image {id: $id}) SET n.group = '1'", id=id_of(3))  # a text
    found = write_groups(connection, "group", [[id_of(0), id_of(2)], [id_of(3)]])
    assert found == WrittenBack(set=2, removed=1, unchanged=1)
    assert written(neo4j_database) == {id_of(0): 0, id_of(2): 0, id_of(3): 1}
    assert write_groups(connection, "group", []) == WrittenBack(0, 3, 0)
    assert written(neo4j_database) == {}


def test_groups_and_communities_are_two_properties_and_others_nodes_keep_theirs(
    neo4j_database: "Neo4jDatabase", connection: Connection
) -> None:
    write_groups(connection, "group", [[id_of(0)]])
    write_groups(connection, "community", [[id_of(1)]])
    assert written(neo4j_database) == {id_of(0): 0}
    assert written(neo4j_database, "community") == {id_of(1): 0}
    (theirs,) = neo4j_database.run("MATCH (n:Image {path: 'theirs'}) RETURN n.group, n.community")
    assert theirs.values() == [7, 7]


def test_nothing_is_written_while_another_process_writes(connection: Connection) -> None:
    other = Connection(connection.address, connection._password)
    with writers_turn(other), pytest.raises(LibraryLockedError):
        write_groups(connection, "group", [[id_of(0)]])
    other.close()


def test_without_a_library_nothing_is_written(neo4j_database: "Neo4jDatabase") -> None:
    found = Connection(parse(neo4j_database.address), neo4j_database.password)
    with pytest.raises(LibraryNotFoundError):
        write_groups(found, "group", [[id_of(0)]])
    found.close()


# gds.knn


def test_knn_finds_nearly_all_true_neighbours_and_their_cosines(
    neo4j_database: "Neo4jDatabase", connection: Connection
) -> None:
    stored = find_space(connection.read, connection.address.names, SPACE)
    assert stored
    found = nearest(connection, stored, 10)
    true = np.argsort(-cosines(), axis=1)[:, :10]
    hits = [
        len(set(found.second[found.first == row].tolist()) & set(true[row].tolist()))
        for row in range(COUNT)
    ]
    assert np.mean(hits) / 10 >= 0.95
    np.testing.assert_allclose(
        found.scores, cosines()[found.first, found.second], rtol=0, atol=1e-6
    )
    assert in_memory(neo4j_database) == []


def relations(database: "Neo4jDatabase") -> dict[tuple[int, int], float]:
    found = database.run(
        "MATCH (a:LookgraphImage)-[r:SIMILAR_TO {made: true}]->(b) RETURN a.row, b.row, r.score"
    )
    told = {(one, other): score for one, other, score in found}
    assert len(told) == len(found), "a pair has two relations"
    return told


def test_a_graph_by_knn_is_the_graph_with_the_raw_cosines(
    neo4j_database: "Neo4jDatabase", connection: Connection
) -> None:
    build_graph(connection, SPACE, 8)
    told = relations(neo4j_database)
    assert all(one < other for one, other in told)
    wanted = cosines()
    for (one, other), score in told.items():
        assert score == np.float32(wanted[one, other])
    true = {
        (min(row, other), max(row, other))
        for row in range(COUNT)
        for other in np.argsort(-wanted[row])[:8].tolist()
    }
    assert len(true & told.keys()) / len(true) >= 0.95
    assert len(told.keys() - true) / len(true) <= 0.05
    (theirs,) = neo4j_database.run("MATCH ({path: 'theirs'})-[r:SIMILAR_TO]->() RETURN r.score")
    assert theirs.values() == [0.99]


def test_a_graph_by_knn_replaces_and_is_followed_like_any_other(
    neo4j_database: "Neo4jDatabase", connection: Connection
) -> None:
    with writers_turn(connection) as turn:
        Neo4jWriter(connection, turn).renew_graph(SPACE, GraphWanted(5), lambda _: None)
    exact = relations(neo4j_database)
    build_graph(connection, SPACE)  # as many neighbours as it has
    by_knn = relations(neo4j_database)
    assert len(exact.keys() & by_knn.keys()) / len(exact) >= 0.95
    stored = find_space(connection.read, connection.address.names, SPACE)
    assert stored
    assert stored.graph == GraphWanted(5)
    forget(connection, 17)
    with writers_turn(connection) as turn:
        Neo4jWriter(connection, turn).renew_graph(SPACE, None, lambda _: None)
    after = relations(neo4j_database)
    assert after
    assert not any(17 in pair for pair in after)


def test_knn_leaves_out_pictures_without_files(
    neo4j_database: "Neo4jDatabase", connection: Connection
) -> None:
    forget(connection, 3)
    build_graph(connection, SPACE, 4)
    assert not any(3 in pair for pair in relations(neo4j_database))
    (norm,) = neo4j_database.run("MATCH (n:LookgraphImage {row: 4}) RETURN n.graph_norm")
    assert norm[0] > 1


@pytest.mark.parametrize(
    ("space", "k", "told"),
    [
        (SPACE, 0, "at least 1"),
        (replace(SPACE, model="other"), 3, "no embeddings of other"),
    ],
)
def test_what_knn_cannot_do_is_a_clear_error(
    connection: Connection, space: Space, k: int, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        build_graph(connection, space, k)


def test_knn_compares_by_the_cosine_alone(connection: Connection, tmp_path: Path) -> None:
    by_distance = replace(SPACE, metric=Metric.L2)
    fill(connection, tmp_path, by_distance)
    with pytest.raises(UsageError, match=r"compares by l2.*Leave out --with gds"):
        build_graph(connection, by_distance, 3)


def test_embeddings_that_cannot_be_compared_have_no_neighbours(
    neo4j_database: "Neo4jDatabase", connection: Connection
) -> None:
    neo4j_database.run("MATCH (n:LookgraphImage {row: 7}) SET n.embeddings = [1.0]")
    neo4j_database.run(
        "MATCH (n:LookgraphImage {row: 8}) SET n.embeddings = $zero", zero=[0.0] * DIMENSION
    )
    neo4j_database.run("MATCH (n:LookgraphImage {row: 9}) REMOVE n.embeddings")
    build_graph(connection, SPACE, 3)
    told = relations(neo4j_database)
    assert {row for pair in told for row in pair} == set(range(COUNT)) - {7, 8, 9}
    assert np.isfinite(list(told.values())).all()


def test_what_went_wrong_leaves_nothing_in_the_servers_memory(
    neo4j_database: "Neo4jDatabase", connection: Connection
) -> None:
    stored = find_space(connection.read, connection.address.names, SPACE)
    assert stored
    with pytest.raises(ServerError):
        nearest(connection, stored, 1 << 40)
    assert in_memory(neo4j_database) == []


# gds.leiden


def test_leiden_finds_the_planted_communities_the_largest_first(
    neo4j_database: "Neo4jDatabase", connection: Connection
) -> None:
    build_graph(connection, SPACE, 10)
    found = communities(connection, SPACE, None, 1.0)
    labels = planted()[1]
    wanted = [
        [id_of(i) for i in np.flatnonzero(labels == label).tolist()] for label in range(PLANTED)
    ]
    assert found == wanted
    assert [len(ids) for ids in found] == list(SIZES)
    assert in_memory(neo4j_database) == []
    write_groups(connection, "community", found)
    assert written(neo4j_database, "community") == {
        id_of(i): label for i, label in enumerate(labels.tolist())
    }


def test_a_threshold_and_the_resolution_make_communities_smaller(connection: Connection) -> None:
    build_graph(connection, SPACE, 10)
    assert len(communities(connection, SPACE, None, 30.0)) > PLANTED
    few = {id_ for ids in communities(connection, SPACE, 0.85, 1.0) for id_ in ids}
    linked = np.flatnonzero((cosines() >= 0.85).any(axis=1))
    assert few <= {id_of(i) for i in linked.tolist()}
    assert 0 < len(few) < COUNT


def test_without_relations_there_are_no_communities(connection: Connection) -> None:
    assert communities(connection, SPACE, None, 1.0) == []
    with pytest.raises(UsageError, match="resolution"):
        communities(connection, SPACE, None, 0.0)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (None, "no Graph Data Science"),
        ("2.3.8", "Graph Data Science 2.3.8, but 2.4 or newer"),
        ("1.8.0-alpha01", "1.8.0-alpha01"),
    ],
)
def test_what_is_missing_or_too_old_is_named(version: str | None, told: str) -> None:
    assert told in str(gds_fault(version))


@pytest.mark.parametrize("version", ["2.4.0", "2.13.9", "2.20.0+1", "2026.01.0"])
def test_what_is_new_enough_is_right(version: str) -> None:
    assert gds_fault(version) is None


@pytest.mark.slow
def test_a_server_without_graph_data_science_says_so() -> None:
    with started(Neo4jServer(gds=False)) as server:
        found = Connection(parse(server.address), server.password)
        schema.make_library(found)
        with pytest.raises(ServerError, match=r"no Graph Data Science.*leave out --with gds"):
            communities(found, SPACE, None, 1.0)
        found.close()
