"""Libraries copied between a folder, Neo4j and Milvus: all of it, once, and checked."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from lookgraph.errors import LibraryDamagedError, LibraryNotFoundError, UsageError
from lookgraph.exchange.copying import CHECKING, WRITING, Copied, copy_library
from lookgraph.stores.base import GraphWanted, Store
from lookgraph.stores.local import LocalStore
from lookgraph.types import Patterns, SkipKind, Verdict, VerdictKind
from tests.conftest import needs_module
from tests.contract.graph_contract import ALL, add, edges, edges_in, link, same
from tests.contract.graph_contract import SPACE as GRAPH_SPACE
from tests.contract.store_contract import (
    BYTES,
    OTHER,
    QUERY,
    SPACE,
    commit,
    entry,
    forget,
    known,
    left_out,
    nearest,
    picture,
)
from tests.milvus_server import new_name
from tests.neo4j_server.database import Neo4jDatabase
from tests.pictures import unit

needs_module("pymilvus")
needs_module("neo4j")

from lookgraph.stores import milvus, neo4j  # noqa: E402

Make = Callable[[str], Store]


@pytest.fixture
def make(
    tmp_path: Path,
    milvus_server: str,
    neo4j_database: Neo4jDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Make]:
    """Makes a store by what keeps it."""
    monkeypatch.setenv("LOOKGRAPH_NEO4J_PASSWORD", neo4j_database.password)
    stores: list[Store] = []

    def make_(kind: str) -> Store:
        if kind == "milvus":
            stores.append(milvus.open_store(f"{milvus_server}/{new_name()}", None))
        elif kind == "neo4j":
            stores.append(neo4j.open_store(neo4j_database.address, None))
        else:
            stores.append(LocalStore(tmp_path / str(len(stores)) / ".lookgraph"))
        return stores[-1]

    yield make_
    for store in stores:
        store.close()


def fill(store: Store, root: Path) -> None:
    """A library with all that one can have."""
    with store.write() as writer:
        writer.remember(root, Patterns(("*.jpg",), ("old/*",)))
        writer.add_space(SPACE, "a network of mine")
    entries = [entry(path, "x") for path in ("a", BYTES, "c/d")]
    commit(store, [*entries, entry("y", "y"), entry("z", "z"), left_out("bad.jpg")])
    commit(store, [left_out("new", SkipKind.NEEDS_EXTRA), entry("gone", "xy")])
    commit(store, [entry("y", "y")], OTHER, y=unit(1, 1))
    forget(store, "gone")
    add(store, ALL)
    link(store, GraphWanted(4, 0.9))
    first, second = sorted(picture(name).id for name in ("x", "y"))
    with store.write() as writer:
        writer.judge(Verdict(first, second, VerdictKind.SAME, "2026-01-02T03:04:05Z"))


def copied(source: Store, target: Store, *, exactly: bool = False) -> Copied:
    return copy_library(source, target, lambda *_: None, exactly=exactly)


def told(store: Store) -> list[object]:
    """All that a library tells."""
    return [
        store.patterns,
        store.root,
        [(space, store.network(space), known(store, space)) for space in store.spaces()],
        list(store.skipped()),
        store.verdicts(),
        [
            [(one.picture, one.entries, one.embedding.tolist()) for one in store.embedded(space)]
            for space in store.spaces()
        ],
        nearest(store, SPACE, QUERY, 9),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("local", "milvus"),
        ("milvus", "local"),
        ("milvus", "neo4j"),
        ("neo4j", "milvus"),
        ("neo4j", "local"),
    ],
)
def test_all_of_a_library_is_copied_once(make: Make, tmp_path: Path, one: str, other: str) -> None:
    source, target = make(one), make(other)
    fill(source, tmp_path)
    done = copied(source, target)
    assert (done.pictures, done.there, done.other, done.verdicts) == (3 + 1 + len(ALL), 0, 0, 1)
    assert done.graphs == (GRAPH_SPACE.name,)
    assert told(target) == told(source)
    with target.graph(GRAPH_SPACE) as view:
        same(edges_in(view), edges(GraphWanted(4, 0.9)))
    again = copied(source, target)
    assert (again.pictures, again.there, again.files, again.verdicts) == (0, done.pictures, 0, 0)


def test_what_broke_off_goes_on_where_it_was(make: Make, tmp_path: Path) -> None:
    source, target = make("local"), make("milvus")
    fill(source, tmp_path)

    def stop(what: str, done: int, total: int) -> None:
        if what == WRITING and total == len(ALL):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_library(source, target, stop, exactly=False)
    done = copied(source, target)
    assert done.pictures + done.there == 4 + len(ALL)
    assert done.there > 3
    assert told(target) == told(source)


def test_only_an_exact_copy_drops_what_the_source_has_not(make: Make, tmp_path: Path) -> None:
    source, target = make("local"), make("milvus")
    fill(source, tmp_path)
    copied(source, target)
    commit(target, [entry("own", "xy")])
    forget(source, "y")
    copied(source, target)
    assert {"own", "y"} <= set(known(target))
    copied(source, target, exactly=True)
    assert known(target) == known(source)
    assert nearest(target, SPACE, QUERY, 9) == nearest(source, SPACE, QUERY, 9)


def test_the_later_verdict_counts_unless_the_copy_is_exact(make: Make, tmp_path: Path) -> None:
    source, target = make("local"), make("milvus")
    fill(source, tmp_path)
    first, second = sorted(picture(name).id for name in ("x", "y"))
    later = Verdict(first, second, VerdictKind.DIFFERENT, "2026-02-02T03:04:05Z")
    with target.write() as writer:
        writer.judge(later)
        writer.judge(Verdict("0" * 64, "f" * 64, VerdictKind.SAME, "2026-02-02T03:04:05Z"))
    copied(source, target)
    assert later in target.verdicts()
    copied(source, target, exactly=True)
    assert target.verdicts() == source.verdicts()


def test_embeddings_that_are_there_are_kept_and_told_of(make: Make) -> None:
    source, target = make("local"), make("milvus")
    commit(source, [entry("a", "x"), entry("b", "y")])
    commit(target, [entry("a", "x")], x=unit(0, 0, 1))
    done = copied(source, target)
    assert (done.pictures, done.there, done.other) == (1, 1, 1)
    embedding = target.embedding(SPACE, picture("x").id)
    assert embedding is not None
    assert np.array_equal(embedding, unit(0, 0, 1))


def test_what_is_lost_on_the_way_is_noticed(make: Make, tmp_path: Path) -> None:
    source, target = make("local"), make("milvus")
    fill(source, tmp_path)

    def meddle(what: str, done: int, total: int) -> None:
        if what == WRITING and done == total == 3:
            assert isinstance(target, milvus.MilvusStore)
            lost = target.names.one_of("id", [picture("z").id])
            target.connection.delete(target.names.vectors(SPACE), lost)

    with pytest.raises(LibraryDamagedError, match="lacks 1 of 3 pictures"):
        copy_library(source, target, meddle, exactly=False)


def test_progress_is_told_of_writing_and_of_checking(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookgraph.exchange.copying._AT_ONCE", 2)
    source, target = make("local"), make("local")
    fill(source, tmp_path)
    seen: list[tuple[str, int, int]] = []
    copy_library(source, target, lambda *its: seen.append(its), exactly=False)
    assert (WRITING, 2, 3) in seen
    assert (WRITING, len(ALL), len(ALL)) in seen
    assert (CHECKING, len(ALL), len(ALL)) in seen


def test_a_library_is_not_copied_into_itself_nor_from_nowhere(make: Make, tmp_path: Path) -> None:
    source = make("local")
    with pytest.raises(LibraryNotFoundError):
        copied(source, make("milvus"))
    fill(source, tmp_path)
    with pytest.raises(UsageError, match="cannot be copied into itself"):
        copied(source, source)
