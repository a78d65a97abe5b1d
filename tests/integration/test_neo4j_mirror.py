"""A mirror of a local library in a real database: what is in it, and that it stays in step."""

import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.errors import LibraryLockedError, ServerError, UsageError
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.local import LocalStore
from lookgraph.types import (
    Entry,
    Metric,
    Patterns,
    Skip,
    SkipKind,
    Space,
    Stamp,
    Vector,
    Verdict,
    VerdictKind,
)
from tests.conftest import PROJECT, needs_module, started
from tests.integration.indexed import DIMENSION, embeddings, picture, space
from tests.neo4j_server import Neo4jServer

if TYPE_CHECKING:
    from lookgraph.stores.neo4j.client.connection import Connection
    from lookgraph.stores.neo4j.mirror.export import Report
    from tests.neo4j_server.database import Neo4jDatabase

needs_module("neo4j")

STATEMENT_1 = """
MATCH (a:Image)
WITH a, gds.similarity.cosine(a.embeddings, $query_embeddings) AS similarity
ORDER BY similarity DESC
LIMIT $top_k
RETURN a.id AS image_id, a.embeddings AS embeddings, a.path as image_path, similarity;
"""

STATEMENT_2 = """
MATCH (n1:Image), (n2:Image)
WHERE id(n1) < id(n2)  // To avoid duplicate pairs and self-comparisons
WITH n1, n2, gds.similarity.cosine(n1.embeddings, n2.embeddings) AS similarity
WHERE similarity > 0.8
CREATE (n1)-[:SIMILAR_TO {score: similarity}]->(n2);
"""

STATEMENT_3 = """
MATCH (a:Image)-[r:SIMILAR_TO]->(b:Image)
WITH a, b, gds.similarity.cosine(a.embeddings, $query_embeddings) AS similarity, r
ORDER BY similarity DESC
LIMIT $top_k
RETURN a.id AS image_id, a.embeddings AS embeddings, a.path as image_path, similarity, r;
"""
"""As the recipe was published."""

SPACE = space()
OTHER = Space("other.net", "b" * 64, 1, Metric.L2, 5)


def ignore(*_: object) -> None:
    """No progress is shown."""


def connected(database: "Neo4jDatabase", asked: str = "") -> "Connection":
    from lookgraph.stores.neo4j.client.address import parse
    from lookgraph.stores.neo4j.client.connection import Connection

    return Connection(parse(database.address + asked), database.password)


def exported(
    store: LocalStore, database: "Neo4jDatabase", asked: str = "", progress: Any = ignore
) -> "Report":
    from lookgraph.stores.neo4j.mirror.export import export

    connection = connected(database, asked)
    try:
        return export(store, connection, progress)
    finally:
        connection.close()


def embedding(number: int, which: Space) -> Vector:
    if which == SPACE:
        return np.asarray(embeddings(Metric.COSINE)[number])
    return np.random.default_rng(number).random(which.dimension, np.float32) + np.float32(1)


def add(store: LocalStore, numbers: range | list[int], which: Space = SPACE) -> None:
    entries = [Entry(f"a/{n}.jpg", Stamp(n, 2**40 + n), picture(n)) for n in numbers]
    with store.write() as writer:
        writer.commit(which, entries, {picture(n).id: embedding(n, which) for n in numbers})


def build(store: LocalStore, wanted: GraphWanted | None, which: Space = SPACE) -> None:
    with store.write() as writer:
        writer.renew_graph(which, wanted, ignore)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """60 pictures, four of which lie twice, one file that is damaged, and a graph."""
    store = LocalStore(tmp_path / "library")
    with store.write() as writer:
        writer.remember(tmp_path / "Bilder", Patterns(("*.jpg",), ("thumbs",)))
    add(store, range(60))
    copies = [Entry(f"B/Kopie {n}.jpg", Stamp(n, 1), picture(n)) for n in range(4)]
    bad = Entry("bad\udcff.jpg", Stamp(1, 1), skip=Skip(SkipKind.DAMAGED, "cut off"))
    odd = Entry("a/0\udcff.jpg", Stamp(1, 1), picture(0))
    with store.write() as writer:
        writer.commit(SPACE, [*copies, bad, odd], {})
        first, second = sorted([picture(3).id, picture(4).id])
        writer.judge(Verdict(first, second, VerdictKind.SAME, "2026"))
        nobody = "f" * 64
        writer.judge(Verdict(picture(5).id, nobody, VerdictKind.DIFFERENT, "2025"))
    build(store, GraphWanted(5, 0.9))
    return store


# What is there


@dataclass
class There:
    """All that a database holds of a library, as a plain driver reads it."""

    pictures: dict[str, dict[str, Any]]
    files: dict[str, tuple[Any, ...]]
    relations: dict[tuple[str, frozenset[str]], float]
    verdicts: dict[tuple[str, str], tuple[str, str]]
    spaces: list[dict[str, Any]]
    library: dict[str, Any]
    bare: list[str]


def there(database: "Neo4jDatabase", label: str = "Image") -> There:
    own = f"Lookgraph{label}"
    pictures = {
        one["n"]["id"]: dict(one["n"]) for one in database.run(f"MATCH (n:{label}:{own}) RETURN n")
    }
    count = database.run(f"MATCH (n:{own}) RETURN count(n) AS count")[0]["count"]
    others = database.run(f"MATCH (n:{own}) WHERE NOT n:{label} RETURN n.id AS id ORDER BY id")
    bare = [one["id"] for one in others]
    assert len(pictures) + len(bare) == count, "two nodes have one id"
    files = database.run(
        f"MATCH (f:{own}File) OPTIONAL MATCH (f)-[r:LOOKGRAPH_SHOWS]->(n:{own})"
        " RETURN f.key AS key, f.size, f.mtime_ns, f.skip, f.reason, n.id"
    )
    assert len({one["key"] for one in files}) == len(files), "a file is there twice"
    relations = {}
    for first, second, type_, score in database.run(
        f"MATCH (a:{own})-[r {{made: true}}]->(b:{own}) RETURN a.id, b.id, type(r), r.score"
    ):
        pair = (type_, frozenset((first, second)))
        assert pair not in relations, "two relations between one pair"
        relations[pair] = score
    verdicts = database.run(
        f"MATCH (a:{own})-[r:SAME_AS|DIFFERENT_FROM]->(b:{own}) RETURN a.id, b.id, type(r), r.said"
    )
    said = {(first, second): (type_, when) for first, second, type_, when in verdicts}
    assert len(said) == len(verdicts)
    spaces = [dict(one["s"]) for one in database.run(
        f"MATCH (s:{own}Space) RETURN s ORDER BY s.number")]  # fmt: skip
    (library,) = database.run(f"MATCH (l:{own}Library) RETURN l")
    return There(
        pictures, {key: tuple(its) for key, *its in files}, relations, said, spaces,
        dict(library["l"]), bare,
    )  # fmt: skip


def assert_equal(one: There, other: There) -> None:
    """The same, but for the numbers of rows and of the library's changes."""
    for its in (one, other):
        assert len({node["row"] for node in its.pictures.values()}) == len(its.pictures)
        for node in its.pictures.values():
            node.pop("row")
        for found in its.spaces:
            found.pop("graph_generation", None)
        for name in ("generation", "step", "writer", "holder", "rows", "mirror_state"):
            its.library.pop(name, None)
    assert one.pictures == other.pictures
    assert one.files == other.files
    assert one.relations == other.relations
    assert one.verdicts == other.verdicts
    assert one.spaces == other.spaces
    assert one.library == other.library
    assert one.bare == other.bare


def assert_mirrors(store: LocalStore, database: "Neo4jDatabase", label: str = "Image") -> None:
    """What is there is what a first export into another label writes."""
    fresh = "Fresh"
    exported(store, database, f"?label={fresh}")
    try:
        assert_equal(there(database, label), there(database, fresh))
    finally:
        remove(database, fresh)


def remove(database: "Neo4jDatabase", label: str) -> None:
    """Remove a mirror with its indexes of vectors."""
    for what in ("", "File", "Space", "Library", "Lock"):
        database.run(f"MATCH (n:Lookgraph{label}{what}) DETACH DELETE n")
    for name, labels in database.run("SHOW VECTOR INDEXES YIELD name, labelsOrTypes"):
        if labels == [label]:
            database.run(f"DROP INDEX `{name}`")


def local_edges(store: LocalStore, which: Space) -> dict[frozenset[str], float]:
    """The graph's edges by the pictures' ids, as the library has it."""
    with store.graph(which) as view:
        edges, live = view.graph.edges(), view.live()
        ids = {
            row: view.matches(np.array([row]), np.zeros(1))[0].picture.id
            for row in np.flatnonzero(live).tolist()
        }
    return {
        frozenset((ids[one], ids[other])): score
        for one, other, score in zip(
            edges.first.tolist(), edges.second.tolist(), edges.scores.tolist(), strict=True
        )
        if live[one] and live[other]
    }


def test_a_mirror_holds_all_that_the_library_holds(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    report = exported(store, neo4j_database)
    found = there(neo4j_database)
    assert found.pictures.keys() == {picture(n).id for n in range(60)}
    with store.graph(SPACE) as view:
        norms = view.held.norms.tolist()
    for n in range(60):
        node, its = found.pictures[picture(n).id], picture(n)
        paths = sorted(path.encode(errors="surrogateescape") for path in store.paths(its.id))
        told = [path.decode(errors="replace") for path in paths]
        assert [node["path"], *node["copies"]] == told
        assert (node["format"], node["width"], node["height"]) == ("JPEG", its.width, its.height)
        assert node.get("taken") == its.taken
        assert node["embeddings"] == embeddings(Metric.COSINE)[n].tolist()
        assert (node["row"], node["graph_norm"]) == (n, norms[n])
    wanted = {("SIMILAR_TO", pair): score for pair, score in local_edges(store, SPACE).items()}
    assert found.relations == wanted
    assert len(wanted) > 100
    entries = [
        *store.skipped(),
        *(entry for n in range(60) for entry in store.files(picture(n).id)),
    ]
    assert found.files == {
        entry.path.encode(errors="surrogateescape").decode("latin-1"): (
            entry.stamp.size, entry.stamp.mtime_ns,
            str(entry.skip.kind) if entry.skip else None, entry.skip and entry.skip.reason,
            entry.picture and entry.picture.id,
        )
        for entry in entries
    }  # fmt: skip
    assert len(found.files) == 66
    assert set(found.verdicts.values()) == {("SAME_AS", "2026"), ("DIFFERENT_FROM", "2025")}
    assert found.bare == ["f" * 64]
    (kept,) = found.spaces
    assert (kept["name"], kept["property"], kept["dimension"]) == (
        SPACE.name, "embeddings", DIMENSION,
    )  # fmt: skip
    assert (kept["graph_neighbours"], kept["graph_threshold"]) == (5, 0.9)
    assert found.library["root"] == str(store.root)
    assert (found.library["include"], found.library["exclude"]) == (["*.jpg"], ["thumbs"])
    assert found.library["rows"] == 60
    assert (report.done.pictures, report.done.relations) == (60, len(wanted))
    assert report.done.verdicts == 2
    indexes = neo4j_database.run(
        "SHOW VECTOR INDEXES YIELD state, populationPercent, labelsOrTypes, properties"
    )
    assert [list(one) for one in indexes] == [["ONLINE", 100.0, ["Image"], ["embeddings"]]]


def test_the_statements_of_the_recipe_run_unchanged(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    exported(store, neo4j_database)
    rows = embeddings(Metric.COSINE)[:60].astype(np.float64)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    query = embeddings(Metric.COSINE)[100].astype(np.float64)
    scores = unit @ (query / np.linalg.norm(query))
    asked = {"query_embeddings": query.tolist(), "top_k": 7}
    found = neo4j_database.run(STATEMENT_1, **asked)
    best = np.sort(scores)[::-1][:7]
    np.testing.assert_allclose([one["similarity"] for one in found], best, atol=1e-6)
    number = {picture(n).id: n for n in range(60)}
    for one in found:
        n = number[one["image_id"]]
        assert one["similarity"] == pytest.approx(scores[n], abs=1e-6)
        assert one["embeddings"] == rows[n].tolist()
        assert one["image_path"] in {f"a/{n}.jpg", f"B/Kopie {n}.jpg"}
    edges = local_edges(store, SPACE)
    found = neo4j_database.run(STATEMENT_3, **asked)
    all_of = neo4j_database.run("MATCH (a:Image)-[:SIMILAR_TO]->() RETURN a.id AS id")
    best = np.sort([scores[number[one["id"]]] for one in all_of])[::-1][:7]
    np.testing.assert_allclose([one["similarity"] for one in found], best, atol=1e-6)
    for one in found:
        assert one["similarity"] == pytest.approx(scores[number[one["image_id"]]], abs=1e-6)
        of = [score for pair, score in edges.items() if one["image_id"] in pair]
        assert one["r"]["score"] in of
    neo4j_database.run(STATEMENT_2)
    products = unit @ unit.T
    wanted = {
        frozenset((picture(i).id, picture(j).id)): products[i, j]
        for i in range(60) for j in range(i) if products[i, j] > 0.8
    }  # fmt: skip
    theirs = {
        frozenset((first, second)): score
        for first, second, score in neo4j_database.run(
            "MATCH (a)-[r:SIMILAR_TO]->(b) WHERE r.made IS NULL RETURN a.id, b.id, r.score"
        )
    }
    assert theirs.keys() == wanted.keys()
    assert all(theirs[pair] == pytest.approx(wanted[pair], abs=1e-6) for pair in wanted)
    build(store, GraphWanted(2))
    exported(store, neo4j_database)
    left = neo4j_database.run("MATCH ()-[r:SIMILAR_TO]->() WHERE r.made IS NULL RETURN r")
    assert len(left) == len(theirs)


def generation(database: "Neo4jDatabase") -> int:
    found = database.run("MATCH (l:LookgraphImageLibrary) RETURN l.generation AS generation")
    return int(found[0]["generation"])


def nothing(report: "Report") -> bool:
    done = report.done
    return not any(
        (done.pictures, done.removed, done.relations, done.relations_removed, done.verdicts)
    )


def test_what_has_not_changed_is_neither_read_nor_written(
    store: LocalStore, neo4j_database: "Neo4jDatabase", monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(store, neo4j_database)
    before = generation(neo4j_database)
    exported(store, neo4j_database, "?label=Photo")  # which has the same relations
    monkeypatch.setattr("lookgraph.stores.neo4j.mirror.export.read_mirrored", None)
    assert nothing(exported(store, neo4j_database))
    assert generation(neo4j_database) == before


def test_a_library_that_has_forgotten_its_mirror_reads_it(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    exported(store, neo4j_database)
    shutil.rmtree(store.folder / "mirrors")
    assert nothing(exported(store, neo4j_database))
    add(store, [70])
    (file,) = (store.folder / "mirrors").iterdir()
    file.write_bytes(file.read_bytes()[:500])
    report = exported(store, neo4j_database)
    assert (report.done.pictures, report.done.removed) == (1, 0)
    assert_mirrors(store, neo4j_database)


def test_little_is_written_for_little_that_changed(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    exported(store, neo4j_database)
    with store.write() as writer:
        writer.forget(["a/10.jpg"])
        writer.commit(SPACE, [Entry("new/11.jpg", Stamp(1, 1), picture(11))], {})
    build(store, None)
    report = exported(store, neo4j_database)
    assert (report.done.pictures, report.done.removed) == (1, 1)
    assert report.done.relations < 10
    assert report.done.relations_removed < 30
    assert_mirrors(store, neo4j_database)


def test_what_somebody_else_has_changed_is_mended(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    exported(store, neo4j_database)
    neo4j_database.run(
        "MATCH (n:LookgraphImage) WHERE n.row < 3 SET n.embeddings = [1.0, 2.0], n.width = 7"
        " WITH n LIMIT 1 DETACH DELETE n"
    )
    neo4j_database.run("MATCH (n:LookgraphImage) WHERE n.row = 9 REMOVE n.embeddings, n.graph_norm")
    assert exported(store, neo4j_database).done.pictures > 0
    assert_mirrors(store, neo4j_database)


def test_an_index_of_vectors_that_somebody_has_dropped_is_made_again(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    exported(store, neo4j_database)
    shown = "SHOW VECTOR INDEXES YIELD name, state"
    (before,) = neo4j_database.run(shown)
    neo4j_database.run(f"DROP INDEX `{before['name']}`")
    assert nothing(exported(store, neo4j_database))
    assert neo4j_database.run(shown) == [before]
    assert before["state"] == "ONLINE"


def test_an_emptied_database_is_filled_again(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    exported(store, neo4j_database)
    neo4j_database.run("MATCH (n) DETACH DELETE n")
    assert exported(store, neo4j_database).done.pictures == 60
    assert_mirrors(store, neo4j_database)
    neo4j_database.run("MATCH (n:LookgraphImage) WHERE n.row > 20 DETACH DELETE n")
    exported(store, neo4j_database)
    assert_mirrors(store, neo4j_database)


def test_a_library_without_a_graph_has_no_relations(
    tmp_path: Path, neo4j_database: "Neo4jDatabase"
) -> None:
    store = LocalStore(tmp_path / "library")
    add(store, range(5))
    report = exported(store, neo4j_database)
    assert report.without_graph == ((SPACE.name, None),)
    found = there(neo4j_database)
    assert (len(found.pictures), found.relations) == (5, {})
    assert "graph_norm" not in found.pictures[picture(0).id]


def test_an_empty_library_has_an_empty_mirror(
    tmp_path: Path, neo4j_database: "Neo4jDatabase"
) -> None:
    store = LocalStore(tmp_path / "library")
    with store.write() as writer:
        writer.remember(tmp_path, Patterns())
    exported(store, neo4j_database)
    assert there(neo4j_database).pictures == {}
    add(store, range(3))
    exported(store, neo4j_database)
    assert len(there(neo4j_database).pictures) == 3


# What is somebody else's


def test_what_is_not_lookgraphs_stays(store: LocalStore, neo4j_database: "Neo4jDatabase") -> None:
    neo4j_database.run(
        "CREATE (:Image {path: 'theirs', embeddings: [1.0]})-[:SIMILAR_TO {score: 0.5}]->(:Image)"
    )
    exported(store, neo4j_database)
    neo4j_database.run(
        "MATCH (a:LookgraphImage {id: $a}), (b:LookgraphImage {id: $b})"
        " CREATE (:Product {name: 'coat'})-[:SHOWN_BY]->(a), (a)-[:SIMILAR_TO {score: 2.0}]->(b)"
        " SET b.liked = true",
        a=picture(20).id, b=picture(21).id,
    )  # fmt: skip
    with store.write() as writer:
        writer.forget(["a/20.jpg", "a/22.jpg"])
        writer.commit(SPACE, [Entry("other/21.jpg", Stamp(1, 1), picture(21))], {})
    build(store, GraphWanted(2))
    exported(store, neo4j_database)
    theirs = neo4j_database.run(
        "MATCH (p:Product)-[:SHOWN_BY]->(a)-[r:SIMILAR_TO]->(b)"
        " RETURN labels(a) AS labels, properties(a) AS told, r.score AS score, b.liked AS liked"
    )
    assert [dict(one) for one in theirs] == [
        {"labels": ["LookgraphImage"], "told": {"id": picture(20).id}, "score": 2.0, "liked": True}
    ]
    assert (
        len(neo4j_database.run("MATCH (:Image {path: 'theirs'})-[:SIMILAR_TO]->(n) RETURN n")) == 1
    )
    add(store, [20])
    exported(store, neo4j_database)
    again = neo4j_database.run("MATCH (:Product)-[:SHOWN_BY]->(a:Image) RETURN a.path AS path")
    assert [one["path"] for one in again] == ["a/20.jpg"]


def test_what_somebody_else_says_of_two_pictures_stays(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    exported(store, neo4j_database)
    first, second = sorted([picture(3).id, picture(4).id])
    theirs = "(:Image {id: $a})-[r:SAME_AS {since: 1999}]->(:Image {id: $b})"
    neo4j_database.run(
        "MATCH (a:Image {id: $a}), (b:Image {id: $b}) CREATE (a)-[:SAME_AS {since: 1999}]->(b)",
        a=first, b=second,
    )  # fmt: skip
    with store.write() as writer:
        writer.withdraw(first, second)
    exported(store, neo4j_database)  # reads what is there, for there is a relation more
    assert len(neo4j_database.run(f"MATCH {theirs} RETURN r", a=first, b=second)) == 1
    said = "MATCH (:Image {id: $a})-[r]->(:Image {id: $b}) WHERE r.said IS NOT NULL RETURN r"
    assert neo4j_database.run(said, a=first, b=second) == []


def test_a_library_of_its_own_is_not_written_over(
    store: LocalStore, tmp_path: Path, neo4j_database: "Neo4jDatabase"
) -> None:
    exported(store, neo4j_database)
    other = LocalStore(tmp_path / "another")
    add(other, range(3))
    with pytest.raises(UsageError, match=r"another library.*label=Photo"):
        exported(other, neo4j_database)
    assert len(there(neo4j_database).pictures) == 60
    neo4j_database.run("MATCH (l:LookgraphImageLibrary) REMOVE l.mirror_of, l.mirror_state")
    with pytest.raises(UsageError, match=r"library of its own.*label=Photo"):
        exported(store, neo4j_database)
    exported(other, neo4j_database, "?label=Photo&path=file&embeddings=numbers")
    found = neo4j_database.run("MATCH (p:Photo) RETURN p.file AS file, p.numbers AS numbers")
    assert {one["file"]: one["numbers"] for one in found} == {
        f"a/{n}.jpg": embeddings(Metric.COSINE)[n].tolist() for n in range(3)
    }


def test_a_moved_library_keeps_its_mirror_and_a_copy_is_told_apart(
    store: LocalStore, neo4j_database: "Neo4jDatabase", tmp_path: Path
) -> None:
    exported(store, neo4j_database)
    moved = LocalStore(store.folder.rename(tmp_path / "moved"))
    add(moved, [61])
    exported(moved, neo4j_database)
    copy = LocalStore(Path(shutil.copytree(moved.folder, tmp_path / "copy")))
    add(copy, [62])
    assert exported(copy, neo4j_database).done.pictures == 1
    add(moved, [63])
    with pytest.raises(UsageError, match="a copy of this library's folder"):
        exported(moved, neo4j_database)
    (file,) = (moved.folder / "mirrors").iterdir()
    file.unlink()
    report = exported(moved, neo4j_database)
    assert (report.done.pictures, report.done.removed) == (1, 1)


def test_two_exports_at_once(store: LocalStore, neo4j_database: "Neo4jDatabase") -> None:
    told: list[str] = []

    def meanwhile(*_: object) -> None:
        if not told:
            with pytest.raises(LibraryLockedError) as caught:
                exported(store, neo4j_database)
            told.append(str(caught.value))

    exported(store, neo4j_database, progress=meanwhile)
    assert "is being written to by process" in told[0]
    assert_mirrors(store, neo4j_database)


def test_an_export_that_has_come_first_is_not_undone(
    store: LocalStore, neo4j_database: "Neo4jDatabase", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same folder, between what this one has found out and its turn."""
    from lookgraph.stores.neo4j.client.lock import writers_turn

    used = "lookgraph.stores.neo4j.mirror.export.writers_turn"
    exported(store, neo4j_database)
    add(store, [80])

    def another_first(connection: "Connection") -> Any:
        monkeypatch.setattr(used, writers_turn)
        add(store, [81])
        assert exported(store, neo4j_database).done.pictures == 2
        return writers_turn(connection)

    monkeypatch.setattr(used, another_first)
    assert nothing(exported(store, neo4j_database))
    assert_mirrors(store, neo4j_database)


# Many changes


class Changing:
    """Makes random changes of a library."""

    def __init__(self, store: LocalStore, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)
        self.paths: dict[str, int] = {}

    def some(self, most: int) -> list[str]:
        return self.random.sample(sorted(self.paths), min(len(self.paths), most))

    def change(self) -> None:
        """Make one of them."""
        ways = {
            self.new: 20, self.delete: 15, self.rename: 15, self.alter: 15, self.judge: 8,
            self.withdraw: 4, self.graph: 6, self.other_space: 6, self.drop: 2, self.compact: 3,
            self.skip: 4, self.forget_mirror: 2,
        }  # fmt: skip
        (way,) = self.random.choices(list(ways), list(ways.values()))
        way()

    def commit(self, listed: dict[str, int], which: Space = SPACE) -> None:
        entries = [
            Entry(path, Stamp(self.random.randrange(99), 1), picture(number))
            for path, number in listed.items()
        ]
        vectors = {picture(n).id: embedding(n, which) for n in listed.values()}
        with self.store.write() as writer:
            writer.commit(which, entries, vectors)
        self.paths |= listed

    def new(self) -> None:
        self.commit({f"n/{n}.jpg": n for n in self.random.sample(range(150), 5)})

    def delete(self) -> None:
        gone = self.some(3)
        with self.store.write() as writer:
            writer.forget(gone)
        for path in gone:
            del self.paths[path]

    def rename(self) -> None:
        for path in self.some(2):
            number = self.paths.pop(path)
            with self.store.write() as writer:
                writer.forget([path])
            self.commit({f"r/{self.random.randrange(10**6)}.jpg": number})

    def alter(self) -> None:
        self.commit({path: self.random.randrange(150) for path in self.some(2)})

    def judge(self) -> None:
        first, second = sorted(picture(n).id for n in self.random.sample(range(150), 2))
        kind = self.random.choice(list(VerdictKind))
        with self.store.write() as writer:
            writer.judge(Verdict(first, second, kind, str(self.random.random())))

    def withdraw(self) -> None:
        for verdict in self.store.verdicts()[:2]:
            with self.store.write() as writer:
                writer.withdraw(verdict.first, verdict.second)

    def graph(self) -> None:
        for which in self.store.spaces():
            threshold = self.random.choice([None, 0.8, 0.95]) if which == SPACE else None
            build(self.store, GraphWanted(self.random.randrange(1, 6), threshold), which)

    def other_space(self) -> None:
        self.commit({path: self.paths[path] for path in self.some(6)}, OTHER)

    def drop(self) -> None:
        spaces = self.store.spaces()
        if len(spaces) > 1:
            with self.store.write() as writer:
                writer.remove_space(self.random.choice(spaces))

    def compact(self) -> None:
        for which in self.store.spaces():
            with self.store.write() as writer:
                writer.compact(which)

    def skip(self) -> None:
        entries = [
            Entry(path, Stamp(1, 1), skip=Skip(SkipKind.DAMAGED, f"it was {self.random.random()}"))
            for path in (*self.some(1), "always.jpg")
        ]
        with self.store.write() as writer:
            writer.commit(SPACE, entries, {})
        for entry in entries:
            self.paths.pop(entry.path, None)

    def forget_mirror(self) -> None:
        shutil.rmtree(self.store.folder / "mirrors", ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_after_many_changes_a_mirror_is_what_a_new_one_is(
    tmp_path: Path, neo4j_database: "Neo4jDatabase", seed: int
) -> None:
    store = LocalStore(tmp_path / "library")
    changing = Changing(store, seed)
    with store.write() as writer:
        writer.remember(tmp_path, Patterns())
    changing.new()
    changing.graph()
    for step in range(100):
        changing.change()
        if step % 10 == 9:
            for which in store.spaces():
                build(store, None, which)  # as `lookgraph index` does at its end
        if step % 4 == 3:
            exported(store, neo4j_database)
        if step % 25 == 24:
            exported(store, neo4j_database)
            assert_mirrors(store, neo4j_database)


# When something dies


class Dying:
    """Progress that does something at one moment."""

    def __init__(self, what: str, time: int, act: Any) -> None:
        self.what, self.left, self.act = what, time, act

    def __call__(self, what: str, done: int, total: int) -> None:
        if what == self.what:
            self.left -= 1
            if self.left == 0:
                self.act()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several transactions, however small the library is."""
    from lookgraph.stores.neo4j import relations
    from lookgraph.stores.neo4j.mirror import exporter

    monkeypatch.setattr(exporter, "_PICTURES_AT_ONCE", 7)
    monkeypatch.setattr(exporter, "_FEW", 0)
    monkeypatch.setattr(relations, "_AT_ONCE", 30)


@pytest.mark.slow
@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(
    ("moment", "returns"),
    [(("pictures", 1), True), (("relations", 2), True), (("pictures", 6), False)],
)
def test_a_server_that_is_killed_in_the_middle(
    store: LocalStore, neo4j_database: "Neo4jDatabase", moment: tuple[str, int], returns: bool
) -> None:
    """If it is there again soon, the export goes on; else the next one does."""
    from lookgraph.stores.neo4j.client import connection

    server = neo4j_database.server

    def start() -> None:
        time.sleep(1)
        server.start()

    starting = threading.Thread(target=start)

    def kill() -> None:
        server.kill()
        if returns:
            starting.start()

    with pytest.MonkeyPatch.context() as patch:
        if returns:
            exported(store, neo4j_database, progress=Dying(*moment, kill))
            starting.join()
        else:
            patch.setattr(connection, "_RETRYING", 1.0)
            with pytest.raises(ServerError):
                exported(store, neo4j_database, progress=Dying(*moment, kill))
            server.start()
    exported(store, neo4j_database)
    assert_mirrors(store, neo4j_database)


DYING_EXPORT = """
import os, signal, sys
from pathlib import Path
from lookgraph.stores.local import LocalStore
from lookgraph.stores.neo4j import relations
from lookgraph.stores.neo4j.client import lock
from lookgraph.stores.neo4j.client.address import parse
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.mirror import export, exporter

folder, address, password, moment, when = sys.argv[1:]
exporter._PICTURES_AT_ONCE, exporter._FEW, relations._AT_ONCE = 7, int(when), 30
left = int(moment)

def dying(apply):
    def one(self, work):
        global left
        apply(self, work)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return one

lock.Turn.apply = dying(lock.Turn.apply)
if moment == "-1":  # between what is remembered and what the server is told
    def remember(*of, then=export.remember):
        then(*of)
        os.kill(os.getpid(), signal.SIGKILL)
    export.remember = remember
export.export(LocalStore(Path(folder)), Connection(parse(address), password), lambda *_: None)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "few"), [(1, 0), (2, 0), (5, 0), (12, 0), (14, 0), (16, 0), (-1, 0), (-1, 10**6)]
)
def test_an_export_that_is_killed_in_the_middle(
    store: LocalStore, neo4j_database: "Neo4jDatabase", moment: int, few: int
) -> None:
    for changed in range(2):  # a first one, and a later one
        if changed:
            exported(store, neo4j_database)
            add(store, range(65, 90))
            with store.write() as writer:
                writer.forget([f"a/{n}.jpg" for n in range(5, 20)])
            build(store, GraphWanted(3))
        done = subprocess.run(
            [sys.executable, "-c", DYING_EXPORT, str(store.folder), neo4j_database.address,
             neo4j_database.password, str(moment), str(few)],
            cwd=PROJECT, check=False, capture_output=True,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        exported(store, neo4j_database)
        assert_mirrors(store, neo4j_database)


@pytest.fixture
def small_server() -> Iterator[Neo4jServer]:
    with started(
        Neo4jServer(gds=False, conf={"db.memory.transaction.max": "2m"}, heap="1g")
    ) as server:
        yield server


@pytest.mark.slow
def test_a_server_with_little_memory_gets_smaller_batches(
    tmp_path: Path, small_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lookgraph.stores.neo4j.client import lock
    from lookgraph.stores.neo4j.client.faults import TooLargeError
    from tests.neo4j_server.database import emptied

    wide = Space("wide", "c" * 64, 1, Metric.COSINE, 2048)
    rows = np.random.default_rng(0).random((900, 2048), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    pictures = [picture(n) for n in range(len(rows))]
    entries = [Entry(f"{n}.jpg", Stamp(1, 1), its) for n, its in enumerate(pictures)]
    store = LocalStore(tmp_path / "library")
    with store.write() as writer:
        writer.commit(wide, entries, dict(zip([its.id for its in pictures], rows, strict=True)))
        writer.renew_graph(wide, GraphWanted(20), ignore)
    applied = []
    apply = lock.Turn.apply

    def counting(turn: Any, work: Any) -> None:
        try:
            apply(turn, work)
        except TooLargeError:
            applied.append(False)
            raise
        applied.append(True)

    monkeypatch.setattr(lock.Turn, "apply", counting)
    with emptied(small_server) as database:
        began = time.monotonic()
        exported(store, database)
        assert time.monotonic() - began < 60, "the driver has tried the same again"
        assert 0 < applied.count(False) < 20
        assert there(database).relations == {
            ("SIMILAR_TO", pair): score for pair, score in local_edges(store, wide).items()
        }
        assert len(there(database).pictures) == len(rows)


# Relations by themselves

pairs = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([0.25, 0.5, 1.0])).filter(
        lambda one: one[0] != one[1]
    ),
    max_size=12,
)


@given(pairs, st.dictionaries(st.tuples(st.integers(0, 5), st.integers(6, 9)), st.just(0.5)), pairs)
def test_differences_lead_from_one_to_the_other(
    before: list[tuple[int, int, float]],
    both: dict[tuple[int, int], float],
    after: list[tuple[int, int, float]],
) -> None:
    from lookgraph.stores.neo4j.relations import Relations, differences

    def relations(listed: list[tuple[int, int, float]]) -> Relations:
        array = np.array(listed, np.float64).reshape(-1, 3)
        return Relations(array[:, 0].astype(int), array[:, 1].astype(int), array[:, 2])

    shared = [(*pair, score) for pair, score in both.items()]
    wanted = {frozenset(one[:2]): one[2] for one in [*after, *shared]}
    listed = [(min(pair), max(pair), score) for pair, score in wanted.items()]
    changed = differences(relations([*before, *shared]), relations(listed))
    gone = {frozenset(one) for one in zip(*(ends.tolist() for ends in (
        changed.gone.first, changed.gone.second)), strict=True)}  # fmt: skip
    left = [one for one in [*before, *shared] if frozenset(one[:2]) not in gone]
    fresh = list(zip(changed.fresh.first.tolist(), changed.fresh.second.tolist(),
                     changed.fresh.scores.tolist(), strict=True))  # fmt: skip
    made = [(frozenset(one[:2]), one[2]) for one in [*left, *fresh]]
    assert sorted(made, key=str) == sorted(wanted.items(), key=str)
    assert not gone & {frozenset(one[:2]) for one in shared if one[:2] not in both}
    kept = {frozenset(one[:2]) for one in shared}
    if not before:
        assert not gone & kept  # what is right stays
