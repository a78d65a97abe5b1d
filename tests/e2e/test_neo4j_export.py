"""``lookgraph export neo4j://…`` as a command."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lookgraph.stores.base import GraphWanted
from lookgraph.stores.local import LocalStore
from tests.e2e.commands import Done, lookgraph
from tests.integration.indexed import add, forget, picture, space

if TYPE_CHECKING:
    from tests.neo4j_server.database import Neo4jDatabase


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """Fifty pictures without a graph."""
    store = LocalStore(tmp_path / ".lookgraph")
    add(store, space(), range(50))
    return store


def export(store: LocalStore, database: "Neo4jDatabase", *options: str, code: int = 0) -> Done:
    return lookgraph(
        "export", database.address, "--library", store.folder, *options, code=code,
        env={"LOOKGRAPH_NEO4J_PASSWORD": database.password},
    )  # fmt: skip


def test_an_export_says_what_it_did_and_what_is_missing(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    done = export(store, neo4j_database)
    assert done.out == b""
    assert "Wrote 50 pictures and 0 relations, removed 0 pictures and 0 relations in " in done.err
    assert f"s: {neo4j_database.address}\n" in done.err
    assert f"{space().name} has no graph" in done.err
    assert "lookgraph graph build" in done.err
    assert neo4j_database.password not in done.err
    found = neo4j_database.run("MATCH (n:Image) RETURN count(n) AS count")
    assert found[0]["count"] == 50


def test_a_later_export_writes_what_has_changed(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    export(store, neo4j_database)
    with store.write() as writer:
        writer.renew_graph(space(), GraphWanted(3), lambda _: None)
    forget(store, [7])
    told = export(store, neo4j_database, "--json").json
    with store.graph(space()) as view:
        edges, live = view.graph.edges(), view.live()
        count = int(np.count_nonzero(live[edges.first] & live[edges.second]))
    assert {name: told[name] for name in told if name != "seconds"} == {
        "pictures": 0, "pictures_removed": 1, "relations": count, "relations_removed": 0,
        "verdicts": 0, "pictures_a_second": None, "without_graph": [],
    }  # fmt: skip
    assert 0 < told["seconds"] < 60
    found = neo4j_database.run("MATCH (n:Image) RETURN n.id AS id")
    assert {one["id"] for one in found} == {picture(n).id for n in range(50) if n != 7}


def test_a_mirror_is_read_as_a_library(store: LocalStore, neo4j_database: "Neo4jDatabase") -> None:
    export(store, neo4j_database)
    password = {"LOOKGRAPH_NEO4J_PASSWORD": neo4j_database.password}
    told = lookgraph("status", "--library", neo4j_database.address, "--json", env=password).json
    assert told["pictures"] == 50


def test_what_is_refused(store: LocalStore, neo4j_database: "Neo4jDatabase") -> None:
    assert "--model is for files" in export(store, neo4j_database, "--model", "x", code=2).err
    password = {"LOOKGRAPH_NEO4J_PASSWORD": neo4j_database.password}
    done = lookgraph(
        "export", "neo4j://neo4j:secret@127.0.0.1/x", "--library", store.folder, code=2
    )
    assert "secret" not in done.err
    done = lookgraph("export", neo4j_database.address, "--library", store.folder, code=1,
                     env={"LOOKGRAPH_NEO4J_PASSWORD": "wrong"})  # fmt: skip
    assert "LOOKGRAPH_NEO4J_PASSWORD" in done.err
    export(store, neo4j_database)
    there = neo4j_database.address
    done = lookgraph("export", there, "--library", there, code=2, env=password)
    assert "cannot be copied into itself" in done.err
    other = LocalStore(store.folder.parent / "other" / ".lookgraph")
    add(other, space(), range(3))
    assert "?label=Photo" in export(other, neo4j_database, code=2).err


def test_what_is_in_a_database_goes_into_another(
    store: LocalStore, neo4j_database: "Neo4jDatabase"
) -> None:
    export(store, neo4j_database)
    there, other = neo4j_database.address, f"{neo4j_database.address}?label=Photo"
    password = {"LOOKGRAPH_NEO4J_PASSWORD": neo4j_database.password}
    done = lookgraph("export", other, "--library", there, env=password)
    assert "Wrote 50 pictures" in done.err
    for place in (there, other):
        told = lookgraph("status", "--library", place, "--json", env=password).json
        assert (told["pictures"], told["files"]) == (50, 50)
