"""Searching a library in Neo4j by the installed command, and questions of one's own."""

import json
import subprocess
from pathlib import Path

import pytest

from lookgraph import Library
from lookgraph.errors import UsageError
from lookgraph.stores.neo4j import Neo4jStore
from tests.e2e.commands import COMMAND, SAME_BITS, lookgraph
from tests.neo4j_server.database import Neo4jDatabase

pytestmark = pytest.mark.slow

_NEAREST = """
MATCH (a:Image)
WITH a, vector.similarity.cosine(a.embeddings, $query) AS near ORDER BY near DESC LIMIT $k
RETURN a.path AS path, near, a
"""


@pytest.fixture
def address(neo4j_database: Neo4jDatabase, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LOOKGRAPH_NEO4J_PASSWORD", neo4j_database.password)
    return neo4j_database.address


@pytest.fixture
def question(tmp_path: Path) -> Path:
    file = tmp_path / "nearest.cypher"
    file.write_text(_NEAREST)
    return file


def test_it_finds_what_a_library_in_a_folder_finds(shelf: Path, address: str) -> None:
    lookgraph("index", shelf, "--library", address, *SAME_BITS)
    pictures = sorted(shelf.rglob("*.jpg"))
    for more in (["-k", "5"], ["--under", pictures[0].parent.name], ["--name", "*[02468].jpg"],
                 ["--min-score", "0.5"]):  # fmt: skip
        local = lookgraph("search", pictures[0], *more, "--json", cwd=shelf).json
        there = lookgraph("search", pictures[0], *more, "--json", "--library", address).json
        assert [hit["path"] for hit in there["hits"]] == [hit["path"] for hit in local["hits"]]
        scores = [hit["score"] for hit in there["hits"]]
        assert scores == pytest.approx([hit["score"] for hit in local["hits"]], abs=1e-12)
        assert there["searched"] == "exact"


def test_how_it_is_searched_is_said_and_kept(shelf: Path, address: str) -> None:
    lookgraph("index", shelf, "--library", address, "--index", "gds")
    picture = min(shelf.rglob("*.jpg"))

    def searched() -> str:
        return str(
            lookgraph("search", picture, "-k1", "--json", "--library", address).json["searched"]
        )

    assert searched() == "gds"
    lookgraph("index", shelf, "--library", address, "--index", "exact")
    assert searched() == "exact"
    for kind in ("hnsw", "gds"):
        said = lookgraph("index", shelf, "--index", kind, code=2).err
        assert f"An index of kind {kind} is for libraries in Neo4j." in said
    with pytest.raises(UsageError, match="for libraries in Neo4j"):
        Library.open(shelf).index(index="hnsw")


def test_a_question_of_ones_own(shelf: Path, address: str, question: Path) -> None:
    lookgraph("index", shelf, "--library", address)
    picture = min(shelf.rglob("*.jpg"))
    there = ("--library", address)
    hits = lookgraph("search", picture, "-k3", "--rank", "cosine", "--json", *there).json["hits"]
    ask = ("search", picture, "-k3", "--cypher", question, *there)
    told = lookgraph(*ask, "--json").json
    assert told["columns"] == ["path", "near", "a"]
    assert [row["path"] for row in told["rows"]] == [hit["path"] for hit in hits]
    near = [2 * row["near"] - 1 for row in told["rows"]]
    assert near == pytest.approx([hit["score"] for hit in hits], abs=1e-6)
    (node, *_) = [row["a"] for row in told["rows"]]
    assert node["labels"] == ["Image", "LookgraphImage"]
    assert len(node["properties"]["embeddings"]) == 1280
    head, first, *_ = lookgraph(*ask).lines
    assert head == b"path\tnear\ta"
    assert first.startswith(hits[0]["path"].encode() + b"\t")
    assert "… 1,280 numbers".encode() in first
    by_stdin = subprocess.run(
        [COMMAND, "search", "--cypher", "-", *there, "--json"],
        input=b"MATCH (a:Image) RETURN count(a) AS pictures, $k AS k",
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(by_stdin.stdout)["rows"] == [{"pictures": 24, "k": 10}]
    library = Library.open(shelf, at=address)
    table = library.query(_NEAREST, str(picture), k=2)
    assert isinstance(library.store, Neo4jStore)
    library.store.connection.close()
    assert [row[0] for row in table.rows] == [hit["path"] for hit in hits[:2]]


def test_a_question_that_cannot_be_asked(
    shelf: Path, address: str, question: Path, tmp_path: Path
) -> None:
    lookgraph("index", shelf, "--library", address)
    picture = min(shelf.rglob("*.jpg"))
    said = lookgraph("search", picture, "--cypher", question, cwd=shelf, code=2).err
    assert "cannot be asked in Cypher: it is in a folder." in said
    there = ("--library", address)
    said = lookgraph("search", "--cypher", question, *there, code=2).err
    assert "query" in said
    written = tmp_path / "write.cypher"
    written.write_text("MATCH (n) DETACH DELETE n")
    said = lookgraph("search", "--cypher", written, *there, code=2).err
    assert "this would change the database" in said
    count = ("search", "--json", *there, "--cypher")
    written.write_text("MATCH (n:Image) RETURN count(n) AS count")
    assert lookgraph(*count, written).json["rows"] == [{"count": 24}]
    written.write_bytes(b"RETURN '\xff'")
    assert "cannot be read" in lookgraph(*count, written, code=2).err
    for option in (["--rank", "graph"], ["--min-score", "1"], ["--exact"], ["--under", "x"]):
        said = lookgraph("search", picture, "--cypher", question, *option, *there, code=2).err
        assert "--cypher" in said
