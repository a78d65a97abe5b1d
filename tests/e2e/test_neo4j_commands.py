"""What is said by the commands that read a recipe's database and that write groups back."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.e2e.commands import Done, lookgraph
from tests.pictures import drawn, save

if TYPE_CHECKING:
    from tests.neo4j_server.database import Neo4jDatabase

COUNT = 8


def run(database: "Neo4jDatabase", *arguments: str | Path, code: int = 0) -> Done:
    return lookgraph(*arguments, code=code, env={"LOOKGRAPH_NEO4J_PASSWORD": database.password})


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for seed in range(COUNT):
        save(drawn(seed), tmp_path / "pictures" / f"{seed}.png")
    return tmp_path / "pictures"


def fill(database: "Neo4jDatabase", count: int = COUNT, dimension: int = 2048) -> None:
    embeddings = np.random.default_rng(0).random((count, dimension))
    for number, embedding in enumerate(embeddings.tolist()):
        database.run(
            "CREATE (:Image {path: $path, embeddings: $embedding})",
            path=f"images/{number}.png", embedding=embedding,
        )  # fmt: skip


@pytest.mark.slow
def test_import_says_what_it_read_and_what_it_left_out(
    neo4j_database: "Neo4jDatabase", pictures: Path
) -> None:
    fill(neo4j_database, COUNT + 1)
    neo4j_database.run("CREATE (:Image {path: 'bell\\u0007.png'})")
    done = run(neo4j_database, "import", neo4j_database.address, pictures, code=3)
    assert done.err.splitlines() == [
        "Read 8 files with embeddings of resnet50. That they are resnet50's was not checked: "
        "lookgraph models fetch resnet50 brings what that needs.",
        "Paths were followed from their ends: 8 paths without 'images'.",
        "2 left out:",
        f"  images/8.png: there is no such file in {pictures}",
        f"  bell\\x07.png: there is no such file in {pictures}",
    ]
    assert "8 pictures" in run(neo4j_database, "index", pictures).err
    assert "8 unchanged" in run(neo4j_database, "index", pictures).err
    found = run(neo4j_database, "search", pictures / "3.png", "--json", "-k", "3").json
    assert found["hits"][0]["path"] == "3.png"


@pytest.mark.slow
def test_import_into_another_place_and_by_another_network(
    neo4j_database: "Neo4jDatabase", pictures: Path
) -> None:
    fill(neo4j_database, dimension=1280)
    refused = run(neo4j_database, "import", neo4j_database.address, pictures, code=2)
    assert "1,280 numbers" in refused.err
    assert "efficientnet-lite0" in refused.err
    other = ("--model", "efficientnet-lite0", "--library", pictures.parent / "library")
    refused = run(neo4j_database, "import", neo4j_database.address, pictures, *other, code=1)
    assert "are not those of efficientnet-lite0" in refused.err
    told = run(
        neo4j_database, "import", neo4j_database.address, pictures, *other, "--unchecked"
    ).err
    assert "8 files with embeddings of efficientnet-lite0" in told
    assert not (pictures / ".lookgraph").exists()
    assert "8 pictures" in run(neo4j_database, "index", pictures, *other[2:]).err


def test_writing_groups_and_gds_need_a_database(shelf: Path, tmp_path: Path) -> None:
    own = shutil.copytree(shelf, tmp_path / "shelf")
    lookgraph("graph", "build", "--library", own)
    for command in (
        ("groups", "--write"),
        ("groups", "--communities", "--with", "gds"),
        ("graph", "build", "--with", "gds"),
    ):
        told = lookgraph(*command, "--library", own, code=2).err
        assert "needs a library or a mirror in Neo4j" in told
    told = lookgraph("groups", "--with", "gds", "--library", own, code=2).err
    assert "add --communities" in told
    told = lookgraph("graph", "build", "--with", "gds", "--threshold", "0.5", code=2).err
    assert "only -k" in told


@pytest.mark.slow
def test_groups_by_either_engine_are_written_to_a_store_and_a_mirror(
    neo4j_database: "Neo4jDatabase", shelf: Path, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(shelf, tmp_path / "shelf"))
    lookgraph("graph", "build", "--neighbours", "4", "--library", own)
    mirror = f"{neo4j_database.address}?label=Copy"
    run(neo4j_database, "export", mirror, "--library", own)
    here = lookgraph("groups", "--threshold", "0.5", "--json", "--library", own).json
    there = run(
        neo4j_database, "groups", "--threshold", "0.5", "--write", "--json", "--library", mirror
    )
    assert "Wrote group of" in there.err
    paths = [[hit["path"] for hit in group["pictures"]] for group in here["groups"]]
    assert paths
    assert [[h["path"] for h in group["pictures"]] for group in there.json["groups"]] == paths
    written = neo4j_database.run("MATCH (n:Copy) WHERE n.group IS NOT NULL RETURN n.path, n.group")
    assert dict(written) == {path: number for number, its in enumerate(paths) for path in its}
    told = run(neo4j_database, "graph", "build", "--with", "gds", "--library", mirror, code=2).err
    assert "is a mirror" in told
    by_gds = run(
        neo4j_database, "groups", "--communities", "--with", "gds", "--write", "--json",
        "--library", mirror,
    ).json  # fmt: skip
    assert by_gds["communities"] is True
    paths = [[hit["path"] for hit in group["pictures"]] for group in by_gds["groups"]]
    written = neo4j_database.run(
        "MATCH (n:Copy) WHERE n.community IS NOT NULL RETURN n.path, n.community"
    )
    assert dict(written) == {path: number for number, its in enumerate(paths) for path in its}
    assert [len(its) for its in paths] == sorted(map(len, paths), reverse=True)
    assert sum(map(len, paths)) + by_gds["others"] == 24
