"""The store in a folder: the contract, and what only files can suffer."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from lookgraph.errors import (
    LibraryDamagedError,
    LibraryFormatError,
)
from lookgraph.stores import files, schema
from lookgraph.stores.base import Check, GraphWanted
from lookgraph.stores.local import LocalStore, has_other_files
from lookgraph.stores.signatures import Signatures
from lookgraph.types import Patterns
from tests.conftest import RunCode
from tests.contract.graph_contract import GraphContract
from tests.contract.store_contract import (
    NAMES,
    PROJECT,
    SPACE,
    StoreContract,
    commit,
    entry,
    forget,
    known,
    names_of,
    nearest,
    picture,
    run,
    stored,
)
from tests.pictures import unit

QUERY = unit(1, 2, 3)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "photos" / ".lookgraph")


@pytest.fixture
def elsewhere(store: LocalStore) -> str:
    return (
        "from pathlib import Path\n"
        "from lookgraph.stores.local import LocalStore\n"
        f"store = LocalStore(Path({str(store.folder)!r}))"
    )


class TestLocalStore(StoreContract):
    """The contract as it is."""


class TestGraphOfLocalStore(GraphContract):
    """What it does with graphs."""


class TestLocalStoreInSmallPages(StoreContract):
    """The contract where files are read three at a time."""

    @pytest.fixture(autouse=True)
    def _small_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "_PAGE", 3)


def rows_file(store: LocalStore) -> Path:
    (file,) = (store.folder / "rows").iterdir()
    return file


def filled(store: LocalStore) -> None:
    commit(store, [entry(name, name) for name in NAMES])


def test_rows_are_float16_one_after_another(store: LocalStore) -> None:
    filled(store)
    rows = np.fromfile(rows_file(store), "<f2").reshape(-1, SPACE.dimension)
    for row, name in zip(rows, NAMES, strict=True):
        embedding = store.embedding(SPACE, picture(name).id)
        assert embedding is not None
        assert np.array_equal(row.astype(np.float32), embedding)
    assert store.status().spaces[0].bytes == 2 * SPACE.dimension * len(NAMES)
    assert store.status().bytes == sum(
        file.stat().st_size for file in store.folder.rglob("*") if file.is_file()
    )


def test_returning_content_writes_no_row(store: LocalStore) -> None:
    filled(store)
    before = rows_file(store).read_bytes()
    forget(store, "x", "y")
    commit(store, [entry("again", "x"), entry("copy", "z")])
    assert rows_file(store).read_bytes() == before


def test_the_root_just_above_moves_with_the_library(tmp_path: Path, store: LocalStore) -> None:
    with store.write() as writer:
        writer.remember(tmp_path / "photos", Patterns())
    assert store.root == tmp_path / "photos"
    (tmp_path / "photos").rename(tmp_path / "moved")
    assert LocalStore(tmp_path / "moved" / ".lookgraph").root == tmp_path / "moved"


def test_the_root_of_a_library_that_lies_elsewhere_stays(tmp_path: Path) -> None:
    away = LocalStore(tmp_path / "libraries" / "mine")
    with away.write() as writer:
        writer.remember(tmp_path / "photos", Patterns())
    (tmp_path / "libraries").rename(tmp_path / "other")
    assert LocalStore(tmp_path / "other" / "mine").root == tmp_path / "photos"


def test_it_is_in_its_folder_with_all_that_it_needs(store: LocalStore) -> None:
    assert store.place == str(store.folder)
    assert store.cache == store.folder
    filled(store)
    Signatures(store.cache).write({picture("x").id: b"small"})
    assert not has_other_files(store.folder)
    (store.folder / "holiday.jpg").touch()
    assert has_other_files(store.folder)


# Damage


def test_a_damaged_row_is_found_dropped_and_told(store: LocalStore) -> None:
    filled(store)
    assert store.damaged(SPACE) == []
    content = bytearray(rows_file(store).read_bytes())
    row_bytes = 2 * SPACE.dimension
    content[2 * row_bytes + 3] ^= 1  # z
    content[4 * row_bytes] ^= 128  # near x
    rows_file(store).write_bytes(content)
    assert store.damaged(SPACE) == [picture("z").id, picture("near x").id]
    with store.write() as writer:
        assert writer.compact(SPACE) == 2
    assert store.damaged(SPACE) == []
    assert sorted(names_of(nearest(store, SPACE, QUERY, 9))) == sorted({*NAMES} - {"z", "near x"})
    # They are to be embedded again.
    unsettled = [file.path for file in store.known_files(SPACE) if not file.settled]
    assert unsettled == ["near x", "z"]
    filled(store)
    assert sorted(names_of(nearest(store, SPACE, QUERY, 9))) == sorted(NAMES)


@pytest.mark.parametrize("lost", [1, 2 * SPACE.dimension, 5 * 2 * SPACE.dimension, "all", "file"])
def test_lost_rows_are_told_and_the_others_can_be_saved(store: LocalStore, lost: int | str) -> None:
    filled(store)
    file = rows_file(store)
    if lost == "file":
        file.unlink()
        left = 0
    else:
        size = file.stat().st_size
        left = 0 if isinstance(lost, str) else size - lost
        os.truncate(file, left)
    for read in (
        lambda: nearest(store, SPACE, QUERY, 1),
        lambda: store.embedding(SPACE, picture("x").id),
        lambda: list(store.embedded(SPACE)),
    ):
        with pytest.raises(LibraryDamagedError, match="lookgraph doctor --repair"):
            read()
    if lost != "file":
        with pytest.raises(LibraryDamagedError, match="lookgraph doctor --repair"):
            commit(store, [entry("new", "new")], new=unit(1, 1, 1))
    whole = left // (2 * SPACE.dimension)
    assert store.damaged(SPACE) == [picture(name).id for name in NAMES[whole:]]
    with store.write() as writer:
        assert writer.compact(SPACE) == len(NAMES) - whole
    assert sorted(names_of(nearest(store, SPACE, QUERY, 9))) == sorted(NAMES[:whole])
    assert store.damaged(SPACE) == []


def test_the_tail_that_a_crash_left_is_written_over(store: LocalStore) -> None:
    commit(store, [entry("a", "x")])
    with rows_file(store).open("ab") as file:
        file.write(b"\x12\x34" * 7)
    assert names_of(nearest(store, SPACE, QUERY, 9)) == ["x"]
    assert store.damaged(SPACE) == []
    commit(store, [entry("b", "y"), entry("c", "z")])
    assert rows_file(store).stat().st_size == 3 * 2 * SPACE.dimension
    for name, wanted in (("x", unit(1, 0, 0)), ("y", unit(0, 1, 0)), ("z", unit(0, 0, 1))):
        embedding = store.embedding(SPACE, picture(name).id)
        assert embedding is not None
        assert np.array_equal(embedding, stored(wanted))
    assert store.damaged(SPACE) == []


def test_a_crash_between_rows_and_their_names_loses_only_that_commit(
    store: LocalStore, elsewhere: str
) -> None:
    commit(store, [entry("a", "x")])
    code = (
        f"{elsewhere}\n"
        "import os\n"
        "from lookgraph.stores import local_writer\n"
        "from tests.contract.store_contract import commit, entry\n"
        "local_writer.LocalWriter._name_rows = lambda *_: os._exit(9)\n"
        "commit(store, [entry('b', 'y')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)
    assert done.returncode == 9
    assert rows_file(store).stat().st_size == 2 * 2 * SPACE.dimension
    assert known(store) == ["a"]
    assert names_of(nearest(store, SPACE, QUERY, 9)) == ["x"]
    commit(store, [entry("c", "z")])
    assert rows_file(store).stat().st_size == 2 * 2 * SPACE.dimension
    assert names_of(nearest(store, SPACE, unit(0, 0, 1), 9)) == ["z", "x"]
    assert store.fault() is None


def test_a_crash_during_compaction_loses_nothing(store: LocalStore, elsewhere: str) -> None:
    filled(store)
    forget(store, "y")
    before = nearest(store, SPACE, QUERY, 9)
    code = (
        f"{elsewhere}\n"
        "import os\n"
        "from lookgraph.stores import local_writer\n"
        "from tests.contract.store_contract import SPACE\n"
        "local_writer.LocalWriter._rename_rows = lambda *_: os._exit(9)\n"
        "with store.write() as writer: writer.compact(SPACE)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)
    assert done.returncode == 9
    assert len(list((store.folder / "rows").iterdir())) == 2
    assert nearest(store, SPACE, QUERY, 9) == before
    with store.write():
        assert len(list((store.folder / "rows").iterdir())) == 1
    assert nearest(store, SPACE, QUERY, 9) == before


def test_what_a_crash_left_in_the_folder_of_rows_is_removed(store: LocalStore) -> None:
    filled(store)
    kept = rows_file(store)
    (store.folder / "rows" / f"{SPACE.name}.7.f16").write_bytes(b"old")
    (store.folder / "rows" / "other.1.f16").write_bytes(b"old")
    with store.write():
        pass
    assert rows_file(store) == kept


def database_of(store: LocalStore) -> Path:
    return store.folder / "library.db"


def test_a_library_of_a_newer_version_is_refused(store: LocalStore) -> None:
    filled(store)
    with sqlite3.connect(database_of(store)) as database:
        database.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    database.close()
    with pytest.raises(LibraryFormatError, match="pip install --upgrade lookgraph"):
        nearest(store, SPACE, QUERY, 1)
    with pytest.raises(LibraryFormatError, match="pip install --upgrade lookgraph"), store.write():
        pass


def test_a_library_of_the_first_version_is_brought_up_to_date(store: LocalStore) -> None:
    # What the first release wrote: the same rows, and a table of spaces that knew less.
    filled(store)
    wanted = nearest(store, SPACE, QUERY, 9)
    with sqlite3.connect(database_of(store)) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("CREATE TABLE known AS SELECT * FROM spaces")
        database.execute("DROP TABLE spaces")
        database.execute(
            "CREATE TABLE spaces (space INTEGER PRIMARY KEY, model TEXT NOT NULL,"
            " fingerprint TEXT NOT NULL, preprocessing INTEGER NOT NULL, metric TEXT NOT NULL,"
            " dimension INTEGER NOT NULL, generation INTEGER NOT NULL DEFAULT 1,"
            " row_count INTEGER NOT NULL DEFAULT 0,"
            " UNIQUE (model, fingerprint, preprocessing, metric))"
        )
        database.execute(
            "INSERT INTO spaces SELECT space, model, fingerprint, preprocessing, metric,"
            " dimension, generation, row_count FROM known"
        )
        database.execute("DROP TABLE known")
        database.execute("DROP TABLE verdicts")
        database.execute("PRAGMA user_version = 1")
    database.close()
    assert nearest(store, SPACE, QUERY, 9) == wanted
    assert store.spaces() == (SPACE,)
    assert store.network(SPACE) is None
    commit(store, [entry("more", "xy")])
    assert store.fault() is None
    with sqlite3.connect(database_of(store)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert "REFERENCES spaces" in str(
            database.execute("SELECT sql FROM sqlite_master WHERE name = 'embeddings'").fetchone()
        )
    database.close()


def test_the_rows_of_a_removed_space_are_gone(store: LocalStore) -> None:
    filled(store)
    file = rows_file(store)
    assert file.exists()
    with store.write() as writer:
        writer.remove_space(SPACE)
    assert not file.exists()
    assert store.damaged(SPACE) == []


def test_somebody_elses_database_is_refused_and_left_alone(store: LocalStore) -> None:
    store.folder.mkdir(parents=True)
    with sqlite3.connect(database_of(store)) as database:
        database.execute("CREATE TABLE files (mine TEXT)")
    database.close()
    before = database_of(store).read_bytes()
    with pytest.raises(LibraryDamagedError, match="not made by Lookgraph"):
        store.spaces()
    with pytest.raises(LibraryDamagedError, match="not made by Lookgraph"), store.write():
        pass
    assert database_of(store).read_bytes() == before


@pytest.mark.parametrize("content", [b"garbage " * 200, b"SQLite format 3\0" + b"\xff" * 5000])
def test_garbage_is_refused_with_advice(store: LocalStore, content: bytes) -> None:
    store.folder.mkdir(parents=True)
    database_of(store).write_bytes(content)
    with pytest.raises(LibraryDamagedError, match="backup"):
        store.spaces()
    with pytest.raises(LibraryDamagedError, match="backup"), store.write():
        pass


def test_a_database_with_spoilt_pages_is_refused_with_advice(store: LocalStore) -> None:
    commit(store, [entry(f"{i:05}" * 9, "x") for i in range(3000)])
    content = bytearray(database_of(store).read_bytes())
    assert len(content) > 100_000
    content[8192:] = b"\xa5" * (len(content) - 8192)
    database_of(store).write_bytes(content)
    with pytest.raises(LibraryDamagedError, match="backup"):
        list(store.known_files(SPACE))


def test_counts_that_are_wrong_are_noticed(store: LocalStore) -> None:
    filled(store)
    assert store.fault() is None
    with sqlite3.connect(database_of(store)) as database:
        database.execute("UPDATE pictures SET files = files + 1 WHERE picture = 1")
    database.close()
    assert store.fault() == "1 pictures are miscounted"
    advice = "Put it back from a backup, or index again."
    assert list(store.checks()) == [Check("database", False, "1 pictures are miscounted", advice)]


def test_the_checks_find_what_is_wrong_with_an_index_or_a_graph(store: LocalStore) -> None:
    assert list(store.checks()) == []  # there is no library yet
    filled(store)
    with store.write() as writer:
        writer.renew_graph(SPACE, GraphWanted(2), lambda _: None)
    well = Check("database", True, "whole, and its counts agree")
    assert list(store.checks()) == [well]
    (manifest,) = (store.folder / "graph").glob("*.json")
    manifest.write_bytes(b"{")
    (store.folder / "index").mkdir()
    index = store.folder / "index" / manifest.name
    index.write_bytes(b"{")
    found = list(store.checks())
    assert [(check.name, check.ok, check.advice) for check in found] == [
        ("database", True, ""),
        ("index", False, "Run `lookgraph index`."),
        ("graph", False, "Run `lookgraph index`."),
    ]
    for check, file in zip(found[1:], (index, manifest), strict=True):
        assert check.found.startswith(f"{SPACE.name}: {file}")


def test_an_empty_database_left_by_a_crash_is_made_anew(store: LocalStore) -> None:
    store.folder.mkdir(parents=True)
    database_of(store).touch()
    assert store.spaces() == ()
    filled(store)
    assert sorted(names_of(nearest(store, SPACE, QUERY, 9))) == sorted(NAMES)


def test_a_log_whose_database_was_removed_is_not_taken_for_the_new_ones(
    store: LocalStore,
) -> None:
    with store.write() as writer:
        writer.commit(SPACE, [entry("old", "x")], {picture("x").id: unit(1, 0, 0)})
        log = database_of(store).with_name("library.db-wal").read_bytes()
    assert len(log) > 4096
    shutil.rmtree(store.folder)
    store.folder.mkdir()
    database_of(store).with_name("library.db-wal").write_bytes(log)
    commit(store, [entry("new", "y")])
    assert known(store) == ["new"]
    assert store.fault() is None


# Permissions


IMPORTS = (
    "import numpy as np\n"
    "from pathlib import Path\n"
    "from lookgraph.errors import LookgraphError\n"
    "from lookgraph.stores.local import LocalStore\n"
    "from tests.contract.store_contract import SPACE, OTHER, commit, entry"
)


def test_a_library_that_may_only_be_read_is_read(
    store: LocalStore, as_somebody_else: RunCode
) -> None:
    filled(store)
    folders = (store.folder, store.folder / "rows")
    for folder in folders:
        folder.chmod(0o555)
    for file in store.folder.rglob("*.*"):
        file.chmod(0o444)
    made = f"store = LocalStore(Path({str(store.folder)!r}))\n"
    try:
        read = as_somebody_else(
            f"import sys; sys.path.insert(0, {str(PROJECT)!r})\n{IMPORTS}",
            f"{made}found = store.search(SPACE, np.array([[0, 0, 1]], np.float32), 1)[0].matches\n"
            "print(found[0].paths, store.status().pictures)\n"
            "try:\n"
            "    commit(store, [entry('new', 'x')])\n"
            "except LookgraphError as error:\n"
            "    print(type(error).__name__, error)\n",
        )
    finally:
        for folder in folders:
            folder.chmod(0o755)
    first, second = read.splitlines()
    assert first == "('z',) 6"
    assert second.startswith(f"StorageError {store.folder}")
    assert "writable" in second or "permissions" in second


def test_a_folder_that_no_library_can_be_made_in_is_told(
    tmp_path: Path, as_somebody_else: RunCode
) -> None:
    (tmp_path / "photos").mkdir(mode=0o555)
    told = as_somebody_else(
        f"import sys; sys.path.insert(0, {str(PROJECT)!r})\n{IMPORTS}",
        f"store = LocalStore(Path({str(tmp_path / 'photos' / '.lookgraph')!r}))\n"
        "try:\n"
        "    commit(store, [entry('new', 'x')])\n"
        "except LookgraphError as error:\n"
        "    print(type(error).__name__, error)\n",
    )
    assert told.startswith("StorageError ")
    assert "Permission denied" in told


@pytest.mark.parametrize("full", ["rows", "database"])
def test_a_full_disk_is_told_and_leaves_what_was_committed(
    store: LocalStore, elsewhere: str, full: str
) -> None:
    """The process may write no file larger than a limit, which ends a write as a full disk does."""
    commit(store, [entry("a", "x")])
    wide = f"Space('wide', 'c' * 64, 1, Metric.COSINE, {100_000 if full == 'rows' else 2})"
    told = run(
        f"{elsewhere}\n"
        "import resource\n"
        "from tests.contract.store_contract import *\n"
        "from lookgraph.errors import StorageError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n"
        f"space = {wide}\n"
        "try:\n"
        "    with store.write() as writer:\n"
        "        entries = [entry(f'{i}' * 20, 'y') for i in range(5000)]\n"
        "        row = np.ones(space.dimension, np.float32)\n"
        "        writer.commit(space, entries, {picture('y').id: row})\n"
        "except StorageError as error:\n"
        "    print(error)\n"
    )
    assert told.startswith(f"{store.folder}: ")
    assert {"rows": "File too large", "database": "disk"}[full] in told
    assert "What was committed is safe" in told
    assert known(store) == ["a"]
    assert names_of(nearest(store, SPACE, QUERY, 9)) == ["x"]
    assert store.fault() is None
    commit(store, [entry("b", "y")])
    assert sorted(names_of(nearest(store, SPACE, QUERY, 9))) == ["x", "y"]


# Many at once


def test_readers_never_err_while_a_writer_comes_goes_and_compacts(
    store: LocalStore, elsewhere: str
) -> None:
    """Each answer is of one moment: after a commit, and never of half of one."""
    filled(store)
    code = (
        f"{elsewhere}\n"
        "import time\n"
        "from tests.contract.store_contract import *\n"
        "end = time.monotonic() + 2\n"
        "rounds = 0\n"
        "while time.monotonic() < end:\n"
        "    with store.write() as writer:\n"
        "        both = [entry('p', 'p'), entry('q', 'q')]\n"
        "        vectors = {'p': unit(1, 1, 1), 'q': unit(1, 1, 2)}\n"
        "        writer.commit(SPACE, both, {picture(n).id: v for n, v in vectors.items()})\n"
        "        writer.forget(['p', 'q'])\n"
        "        writer.compact(SPACE)\n"
        "    rounds += 1\n"
        "print(rounds)"
    )
    stopped = threading.Event()
    errors: list[BaseException] = []
    answers: list[frozenset[str]] = []

    def read() -> None:
        try:
            while not stopped.is_set():
                matches = nearest(store, SPACE, QUERY, 99)
                answers.append(frozenset(path for match in matches for path in match.paths))
                assert store.damaged(SPACE) == []
                assert store.status().spaces[0].pictures in {6, 8}
                assert len(list(store.embedded(SPACE))) in {6, 8}
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    rounds = int(run(code))
    stopped.set()
    for reader in readers:
        reader.join()
    assert errors == []
    assert rounds > 5
    assert len(answers) > 20
    assert set(answers) <= {frozenset(NAMES), frozenset({*NAMES, "p", "q"})}


def test_a_library_is_made_once_however_many_begin_at_once(
    store: LocalStore, elsewhere: str
) -> None:
    """Readers that come while the first writer makes the tables make them with it, or wait."""
    code = (
        f"{elsewhere}\n"
        "import sys\n"
        "from lookgraph.errors import LibraryLockedError, LibraryNotFoundError\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "for _ in range(30):\n"
        "    try:\n"
        "        assert store.spaces() == ()\n"
        "    except LibraryNotFoundError:\n"
        "        pass\n"
        "    try:\n"
        "        with store.write(): pass\n"
        "    except LibraryLockedError:\n"
        "        pass\n"
    )
    for _ in range(4):
        others = [
            subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for _ in range(3)
        ]  # fmt: skip
        for other in others:
            assert other.stdout
            assert other.stdout.readline() == "ready\n"
        for other in others:
            assert other.stdin
            other.stdin.write("go\n")
            other.stdin.flush()
        for other in others:
            _, told = other.communicate(timeout=60)
            assert told == ""
        assert store.spaces() == ()
        shutil.rmtree(store.folder)


def test_what_one_thread_reads_at_once_is_of_one_state_and_others_see_the_next(
    store: LocalStore,
) -> None:
    commit(store, [entry("a", "x")])
    seen: list[bool] = []

    def write() -> None:
        with LocalStore(store.folder).write() as writer:
            writer.forget(["a"])
        seen.append(store.entry("a") is None)

    with store.at_once():
        assert store.entry("a") == entry("a", "x")
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        assert seen == [True]
        assert store.entry("a") == entry("a", "x")
        assert known(store) == ["a"]
    assert store.entry("a") is None


def test_a_fault_while_reading_at_once_leaves_the_store_usable(store: LocalStore) -> None:
    commit(store, [entry("a", "x")])
    with pytest.raises(ZeroDivisionError), store.at_once():
        raise ZeroDivisionError
    assert store.entry("a") == entry("a", "x")
