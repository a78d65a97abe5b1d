"""The store in Milvus: the contract, and what only it can suffer."""

import fnmatch
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from lookgraph.errors import (
    LibraryDamagedError,
    LibraryLockedError,
    ServerError,
    StorageError,
    UsageError,
)
from lookgraph.stores.base import GraphWanted
from lookgraph.types import IndexKind, Matrix, Selection, Vector, Verdict, VerdictKind
from tests.conftest import needs_module
from tests.contract.graph_contract import ALL, GraphContract, add, edges, edges_in, link, same
from tests.contract.graph_contract import SPACE as GRAPH_SPACE
from tests.contract.store_contract import (
    BYTES,
    NAMES,
    OTHER,
    PROJECT,
    QUERY,
    SPACE,
    StoreContract,
    commit,
    entry,
    forget,
    known,
    left_out,
    names_of,
    nearest,
    picture,
)
from tests.milvus_server import free_port, new_name
from tests.pictures import unit

needs_module("pymilvus")

from lookgraph.stores.milvus import MilvusStore, graphing, indexes, open_store, records  # noqa: E402
from lookgraph.stores.milvus.client import connection, lock  # noqa: E402
from lookgraph.stores.milvus.searching import conditions, finding  # noqa: E402
from tests.integration import milvus_dying  # noqa: E402

Open = Callable[[str], MilvusStore]


@pytest.fixture
def address(milvus_server: str) -> str:
    """Of a library that is not there yet."""
    return f"{milvus_server}/{new_name()}"


@pytest.fixture
def opened(address: str) -> Iterator[Open]:
    """Opens a library at the address, by what stands behind it."""
    stores: list[MilvusStore] = []

    def open_(asked: str = "") -> MilvusStore:
        stores.append(open_store(address + asked, None))
        return stores[-1]

    yield open_
    for collection in stores[0].connection.collections():
        if collection.startswith(stores[0].names.collection):
            stores[0].connection.drop(collection)
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Open) -> MilvusStore:
    return opened("")


@pytest.fixture
def elsewhere(address: str) -> str:
    return f"from lookgraph.stores.milvus import open_store\nstore = open_store({address!r}, None)"


class TestMilvusStore(StoreContract):
    """The contract as it is."""


class TestGraphOfMilvusStore(GraphContract):
    """What it does with graphs."""


def filled(store: MilvusStore) -> None:
    commit(store, [entry(name, name) for name in NAMES])


# What is said to the server

CHARACTERS = [chr(code) for code in range(1, 256)]
SAYINGS = [
    '"',
    "\\",
    '\\"',
    '" or path != "',
    "a%b",
    "a_b",
    "{x}",
    "'",
    "]",
    "\\n",
    "a\nb",
    "x\\",
]


def test_a_path_with_any_bytes_is_found_and_nothing_else(store: MilvusStore) -> None:
    paths = [os.fsdecode(one.encode("latin-1")) for one in CHARACTERS if one != "/"]
    paths += [f"dir/{saying}" for saying in SAYINGS] + SAYINGS
    entries = [entry(path, NAMES[i % len(NAMES)], i) for i, path in enumerate(dict.fromkeys(paths))]
    commit(store, entries)
    assert {file.path for file in store.known_files(SPACE)} == set(paths)
    for its in entries:
        assert store.entry(its.path) == its
    assert known(store, under="dir") == sorted(f"dir/{saying}" for saying in SAYINGS)
    forget(store, *(f"dir/{saying}" for saying in SAYINGS))
    assert {file.path for file in store.known_files(SPACE)} == set(paths) - {
        f"dir/{saying}" for saying in SAYINGS
    }


@pytest.mark.parametrize(
    "glob", ["*", "?", "[!a]*", "a%b", "a_b", 'x"*', "é*", "[]x]", "a[", "*\\*"]
)
def test_a_name_is_matched_as_everywhere_else(store: MilvusStore, glob: str) -> None:
    names = ["a%b", "a_b", "axb", 'x"y', "élan", "]", "x", "a[", "\\", "a\\b", "deep/a_b", BYTES]
    vectors: dict[str, Vector] = {str(i): unit(1, 2, 3) for i in range(len(names))}
    commit(store, [entry(name, str(i)) for i, name in enumerate(names)], SPACE, **vectors)
    (answer,) = store.search(SPACE, QUERY[np.newaxis], 99, Selection(name=glob))
    found = sorted(match.paths[0] for match in answer.matches)
    match = re.compile(fnmatch.translate(glob)).match
    assert found == sorted(name for name in names if match(name.rpartition("/")[2]))


# Many


def many(store: MilvusStore, count: int) -> Matrix:
    """Pictures in folders of two, of random embeddings, which are returned."""
    vectors = np.random.default_rng(3).standard_normal((count, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    entries = [entry(f"{'ab'[i % 2]}/{i}", str(i)) for i in range(count)]
    commit(store, entries, **{str(i): vectors[i] for i in range(count)})
    return vectors


def right(vectors: Matrix, k: int, which: range) -> list[str]:
    """The paths of the nearest, from the stored numbers."""
    kept = vectors.astype(np.float16).astype(np.float64)
    cosines = kept @ QUERY / np.linalg.norm(kept, axis=1) / np.linalg.norm(QUERY)
    order = sorted(which, key=lambda i: (-cosines[i], i))[:k]
    return [f"{'ab'[i % 2]}/{i}" for i in order]


def test_more_than_come_at_once_are_found_by_reading_on(
    store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (connection, finding):
        monkeypatch.setattr(module, "MOST", 16)
    monkeypatch.setattr(conditions, "_FEW", 5)
    monkeypatch.setattr(conditions, "_IDS", 7)
    monkeypatch.setattr(records, "_CHUNK", 9)
    vectors = many(store, 60)
    assert [match.paths[0] for match in nearest(store, SPACE, QUERY, 3)] == right(
        vectors, 3, range(60)
    )
    assert [match.paths[0] for match in nearest(store, SPACE, QUERY, 50)] == right(
        vectors, 50, range(60)
    )
    (answer,) = store.search(SPACE, QUERY[np.newaxis], 20, Selection(under="b"))
    assert [match.paths[0] for match in answer.matches] == right(vectors, 20, range(1, 60, 2))
    ids = frozenset(picture(str(i)).id for i in range(0, 60, 3))
    (answer,) = store.search(SPACE, QUERY[np.newaxis], 15, Selection(ids=ids))
    assert [match.paths[0] for match in answer.matches] == right(vectors, 15, range(0, 60, 3))
    over = store.search_over(SPACE, QUERY, -1).matches
    assert [match.paths[0] for match in over] == right(vectors, 60, range(60))
    assert len(known(store)) == 60


def test_pictures_that_have_no_file_are_passed_over(store: MilvusStore) -> None:
    vectors = many(store, 60)
    gone = right(vectors, 40, range(60))
    forget(store, *gone)
    left = [path for path in right(vectors, 60, range(60)) if path not in gone]
    assert [match.paths[0] for match in nearest(store, SPACE, QUERY, 4)] == left[:4]
    over = store.search_over(SPACE, QUERY, -1).matches
    assert [match.paths[0] for match in over] == left


def test_a_picture_may_have_more_copies_than_an_array_holds(
    store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "PATHS", 3)
    paths = [f"{i % 2}/{i}" for i in range(9)]
    commit(store, [entry(path, "x") for path in paths])
    commit(store, [entry("other", "x"), entry("y", "y")])
    wanted = tuple(sorted([*paths, "other"]))
    assert store.paths(picture("x").id) == wanted
    (match,) = nearest(store, SPACE, unit(1, 0, 0), 1)
    assert match.paths == wanted
    (answer,) = store.search(SPACE, QUERY[np.newaxis], 9, Selection(under="1"))
    assert names_of(answer.matches) == ["x"]
    forget(store, *wanted[:8])
    assert store.paths(picture("x").id) == wanted[8:]
    commit(store, [entry(path, "y") for path in wanted[8:]])
    assert names_of(nearest(store, SPACE, QUERY, 9)) == ["y"]
    assert store.status().files == 3


def test_a_picture_may_have_more_edges_than_an_array_holds(
    store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphing, "ARRAY", 4)
    add(store, ALL)
    link(store, GraphWanted(12))
    with store.graph(GRAPH_SPACE) as view:
        same(edges_in(view), edges(GraphWanted(12)))
    link(store, GraphWanted(2))
    with store.graph(GRAPH_SPACE) as view:
        same(edges_in(view), edges(GraphWanted(2)))


# Indexes


@pytest.mark.parametrize("kind", [IndexKind.IVF, IndexKind.HNSW])
def test_an_index_names_what_is_scored_exactly(store: MilvusStore, kind: IndexKind) -> None:
    vectors = many(store, 300)
    with store.write() as writer:
        writer.renew_index(SPACE, kind, lambda _: None)
    wanted = right(vectors, 10, range(300))
    (answer,) = store.search(SPACE, QUERY[np.newaxis], 10)
    assert answer.by is kind
    found = [match.paths[0] for match in answer.matches]
    assert len(set(found) & set(wanted)) >= 8
    (answer,) = store.search(SPACE, QUERY[np.newaxis], 10, recall=1)
    assert answer.by is IndexKind.EXACT
    assert [match.paths[0] for match in answer.matches] == wanted
    (status,) = store.status().spaces
    assert (status.index.wanted, status.index.kind, status.index.rows) == (kind, kind, 300)
    with store.write() as writer:
        writer.renew_index(SPACE, IndexKind.EXACT, lambda _: None)
        writer.renew_index(SPACE, None, lambda _: None)
    assert store.search(SPACE, QUERY[np.newaxis], 10)[0].by is IndexKind.EXACT
    commit(store, [entry("new", "new")], new=QUERY)
    assert nearest(store, SPACE, QUERY, 1)[0].paths == ("new",)


def test_a_large_library_gets_an_index_by_itself(
    store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "INDEXED", 50)
    many(store, 60)
    with store.write() as writer:
        writer.renew_index(SPACE, None, lambda _: None)
    (answer,) = store.search(SPACE, QUERY[np.newaxis], 3)
    assert answer.by is (IndexKind.IVF if store.connection.is_lite else IndexKind.HNSW)
    assert store.status().spaces[0].index.wanted is IndexKind.AUTO


def test_a_way_of_searching_that_there_is_not_is_refused(opened: Open) -> None:
    with pytest.raises(UsageError, match="a way of Neo4j's"):
        opened("").check_index(SPACE, IndexKind.GDS)
    other = opened("?index=DISKANN")
    if other.connection.is_lite:
        with pytest.raises(UsageError, match="Milvus Lite has no DISKANN"):
            other.check_index(SPACE, IndexKind.HNSW)


# What only a server has: run with LOOKGRAPH_TEST_MILVUS


@pytest.mark.milvus_server
@pytest.mark.parametrize("made", ["HNSW_SQ", "IVF_RABITQ", "DISKANN"])
def test_a_server_makes_the_index_that_the_address_names(opened: Open, made: str) -> None:
    store = opened(f"?index={made}")
    vectors = many(store, 2000)
    with store.write() as writer:
        writer.renew_index(SPACE, IndexKind.HNSW, lambda _: None)
    (answer,) = store.search(SPACE, QUERY[np.newaxis], 10)
    found = [match.paths[0] for match in answer.matches]
    assert len(set(found) & set(right(vectors, 10, range(2000)))) >= 8
    told = [its.found for its in store.checks() if its.name == "space"]
    assert told == [f"{SPACE.name}: 2,000 in {store.names.vectors(SPACE)}, searched by {made}"]


@pytest.mark.milvus_server
@pytest.mark.parametrize("consistency", ["Session", "Bounded", "Eventually"])
def test_less_consistent_readers_see_it_in_the_end(opened: Open, consistency: str) -> None:
    filled(opened(""))
    store, deadline = opened(f"?consistency={consistency}"), time.monotonic() + 30
    while len(nearest(store, SPACE, QUERY, 9)) < len(NAMES):
        assert time.monotonic() < deadline
        time.sleep(0.2)


# Tenants


def test_tenants_share_collections_and_see_nothing_of_each_other(opened: Open) -> None:
    one, other = opened("?tenant=one"), opened("?tenant=two")
    commit(one, [entry("a", "x"), entry("b", "y"), left_out("bad")])
    assert not other.exists()
    commit(other, [entry("a", "z"), entry("c", "y")], y=unit(0, 0, 1))
    for store, paths, found in (
        (one, ["a", "b", "bad"], ["y", "x"]),
        (other, ["a", "c"], ["z", "y"]),
    ):
        assert known(store) == paths
        assert names_of(nearest(store, SPACE, unit(0, 1, 0), 9)) == found
        assert [len(store.ids("")), store.status().pictures] == [2, 2]
        assert store.damaged(SPACE) == []
        assert [check for check in store.checks() if check.ok is False] == []
        (space,) = store.status().spaces
        assert (space.pictures, space.unused_rows) == (2, 0)
    first = sorted(picture(name).id for name in ("x", "y"))
    with one.write() as writer, other.write() as others:  # each has its own turn
        writer.judge(Verdict(first[0], first[1], VerdictKind.SAME, "2026-01-02T03:04:05Z"))
        writer.renew_graph(SPACE, GraphWanted(3), lambda _: None)
        others.forget(["c"])
    assert (len(one.verdicts()), len(other.verdicts())) == (1, 0)
    assert other.graph_status(SPACE) is None
    with one.write() as writer:
        writer.remove_space(SPACE)
    assert nearest(one, SPACE, QUERY, 9) == []
    assert names_of(nearest(other, SPACE, QUERY, 9)) == ["z"]


def test_collections_are_shared_or_not(opened: Open) -> None:
    filled(opened(""))
    with pytest.raises(UsageError, match=r"not shared by tenants: leave \?tenant= out"):
        opened("?tenant=one").exists()
    shared = opened("?tenant=one")
    its = shared.names
    for name in (its.records, its.files, its.pictures, its.vectors(SPACE)):
        shared.connection.drop(name)
    commit(opened("?tenant=one"), [entry("a", "x")])
    with pytest.raises(UsageError, match=r"say whose library is meant, \?tenant=NAME"):
        opened("").exists()


def test_a_collection_of_somebody_elses_is_left_alone(opened: Open) -> None:
    store = opened("")
    with store.connection._asking() as client:
        client.create_collection(store.names.records, dimension=4)
    for use in (store.exists, lambda: forget(store, "a")):
        with pytest.raises(UsageError, match="that Lookgraph has not made"):
            use()


# What others have changed, and what broke off


def test_embeddings_that_somebody_has_changed_are_found_and_dropped(store: MilvusStore) -> None:
    filled(store)
    where = store.names.one_of("id", [picture("y").id])
    collection = store.names.vectors(SPACE)
    fields = ("id", "row", "checksum", "width", "height", "taken", "embedding")
    (found,) = store.connection.query(collection, where, fields)
    store.connection.upsert(collection, [{**found, "embedding": [0.5, 0.5, 0.5]}])
    assert store.damaged(SPACE) == [picture("y").id]
    assert "y" not in names_of(store.embedded(SPACE))
    with store.write() as writer:
        assert writer.compact(SPACE) == 1
        assert writer.find(SPACE, picture("y").id) is None
    assert {file.path: file.settled for file in store.known_files(SPACE)} == {
        name: name != "y" for name in NAMES
    }
    assert "y" not in names_of(nearest(store, SPACE, QUERY, 9))
    commit(store, [entry("y", "y")])
    assert store.damaged(SPACE) == []
    assert len(nearest(store, SPACE, QUERY, 9)) == len(NAMES)


def test_files_and_pictures_that_disagree_are_found_and_put_right(store: MilvusStore) -> None:
    filled(store)
    commit(store, [entry("x2", "x")])
    store.connection.delete(store.names.files, store.names.one_of("path", ["y", "x2"]))
    store.connection.delete(store.names.pictures, store.names.one_of("id", [picture("z").id]))
    (wrong,) = [check for check in store.checks() if check.ok is False]
    assert (wrong.name, wrong.found.split()[0]) == ("pictures", "3")
    with store.write() as writer:
        writer.compact(SPACE)
    assert [check for check in store.checks() if check.ok is False] == []
    assert store.paths(picture("x").id) == ("x",)
    # What is not known any more is read again by the next index.
    assert known(store) == sorted({*NAMES} - {"y", "z"})
    commit(store, [entry("y", "y"), entry("z", "z"), entry("x2", "x")])
    assert len(nearest(store, SPACE, QUERY, 9)) == len(NAMES)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (records.LIBRARY, ""),
        (records.SPACE, SPACE.name),
        (records.WRITER, ""),
        (records.VERDICT, "x"),
    ],
)
@pytest.mark.parametrize("told", [{"a": 1}, {"number": "x", "format": []}, {}])
def test_records_that_somebody_has_changed_are_told_of(
    store: MilvusStore, kind: str, key: str, told: dict[str, object]
) -> None:
    filled(store)
    records.write_records(store.connection, store.names, [records.Record(key, kind, told)])

    def use() -> None:
        store.verdicts()
        store.status()
        forget(store, "x")

    with pytest.raises(LibraryDamagedError, match="is not what Lookgraph writes"):
        use()


def everything(store: MilvusStore) -> list[object]:
    """All that a library tells; how embeddings are numbered does not matter."""
    return [
        sorted(known(store)),
        [(its, store.entry(its)) for its in known(store)],
        {
            space.name: [file.settled for file in store.known_files(space)]
            for space in store.spaces()
        },
        {
            space.name: {match.picture.id: match.paths for match in nearest(store, space, query, 9)}
            for space, query in ((SPACE, QUERY), (OTHER, unit(1, 2)))
        },
        store.status().pictures,
        [check.ok for check in store.checks() if check.ok is not None],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("work", milvus_dying.WORKS)
def test_a_change_that_was_killed_is_put_right_and_done_again(address: str, work: str) -> None:
    whole = open_store(f"{address}_whole", None)
    milvus_dying.prepare(whole)
    with whole.write() as writer:
        milvus_dying.WORKS[work](writer)
    for moment in range(1, 99):
        store = open_store(f"{address}_{moment}", None)
        milvus_dying.prepare(store)
        before = everything(store)
        done = subprocess.run(
            [sys.executable, "-m", "tests.integration.milvus_dying", f"{address}_{moment}", work,
             str(moment)], capture_output=True, text=True, cwd=PROJECT, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr
        with store.write() as writer:
            assert [check for check in store.checks() if check.ok is False] == []
            if moment == 1:
                assert everything(store) == before
            milvus_dying.WORKS[work](writer)
        assert everything(store) == everything(whole)
        if done.stdout == "done\n":
            assert moment > 3
            return
    raise AssertionError("it never came to its end")


# Writers


def hold(store: MilvusStore, **wishes: object) -> None:
    """Somebody writes, as the record of it says."""
    now = {
        "token": "t",
        "host": "elsewhere",
        "process": 7,
        "started": "1",
        "since": "2026",
        "beat": 0,
    }
    records.write_records(
        store.connection, store.names, [records.Record("", records.WRITER, now | wishes)]
    )


def test_a_writer_elsewhere_that_is_not_heard_of_counts_as_dead(
    store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_DEAD_SECONDS", 1.5)
    filled(store)
    hold(store)
    began = time.monotonic()
    forget(store, "x")
    assert time.monotonic() - began > 1.5


def test_a_writer_elsewhere_that_lives_is_waited_for_no_longer_than_needed(
    store: MilvusStore,
) -> None:
    filled(store)
    ended = threading.Event()

    def live() -> None:
        beat = 0
        while not ended.wait(0.2):
            beat += 1
            hold(store, beat=beat)

    living = threading.Thread(target=live)
    living.start()
    try:
        with pytest.raises(LibraryLockedError, match="process 7 on elsewhere since 2026"):
            forget(store, "x")
    finally:
        ended.set()
        living.join()


def test_a_writer_that_was_taken_for_dead_writes_nothing_more(store: MilvusStore) -> None:
    filled(store)
    with store.write() as writer:
        hold(store)
        with pytest.raises(LibraryLockedError, match="another process has begun to write"):
            writer.forget(["x"])
    assert known(store) == sorted(NAMES)
    # Whose turn it is now was left alone.
    assert records.read_record(store.connection, store.names, records.WRITER) is not None


def test_a_writer_is_heard_of(store: MilvusStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_BEAT_SECONDS", 0.1)
    filled(store)
    with store.write() as writer:
        time.sleep(1)
        told = records.read_record(store.connection, store.names, records.WRITER)
        assert told
        assert told["beat"] >= 3
        writer.forget(["x"])
    assert records.read_record(store.connection, store.names, records.WRITER) is None


# Servers that do not answer


def test_a_server_that_is_not_there_is_told_of_in_a_line() -> None:
    store = open_store(f"milvus://127.0.0.1:{free_port()}/shop?timeout=3", None)
    with pytest.raises(ServerError, match=r"No Milvus answers at http://127.0.0.1"):
        store.exists()


# Milvus Lite's files


FILE = """
import sys
from tests.contract.store_contract import *
from lookgraph.stores.milvus import open_store
store = open_store(sys.argv[1], None)
"""


def in_another(address: str, code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", FILE + code, address],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT,
    )  # fmt: skip


def test_a_file_keeps_a_library_also_when_its_writer_is_killed(tmp_path: Path) -> None:
    address = f"milvus://{tmp_path}/my%20photos.db"
    store = open_store(address, None)
    assert not store.exists()
    assert not (tmp_path / "my photos.db").exists()  # asking makes nothing
    store.close()
    code = (
        "with store.write() as writer:\n"
        "    writer.commit(SPACE, [entry(name, name) for name in NAMES],\n"
        "                  {picture(name).id: VECTORS[name] for name in NAMES})\n"
        "    print('there', flush=True); sys.stdin.readline()"
    )
    with in_another(address, code) as other:
        assert other.stdout
        assert other.stdout.readline() == "there\n"
        with pytest.raises(LibraryLockedError, match="open in another process"):
            store.exists()
        other.kill()
    assert known(store) == sorted(NAMES)
    assert names_of(nearest(store, SPACE, unit(0, 0, 1), 1)) == ["z"]
    commit(store, [entry("again", "x")])  # nobody holds the lock any more
    store.close()
    code = "print(store.paths(picture('x').id), flush=True); store.close()"
    with in_another(address, code) as other:
        assert other.stdout
        assert other.stdout.readline() == "('again', 'x')\n"
    store.close()


def test_a_file_in_a_folder_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    store = open_store(f"milvus://{tmp_path}/no/where.db", None)
    with pytest.raises(StorageError, match=r"no/where\.db cannot be opened"), store.write():
        pass
