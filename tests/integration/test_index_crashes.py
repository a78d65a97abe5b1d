"""A writer is killed while it makes, renews or merges an index; or its disk is full."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lookgraph.index import effort
from lookgraph.stores import sealing
from lookgraph.stores.local import LocalStore
from lookgraph.types import IndexKind, Metric
from tests.conftest import PROJECT, needs_module
from tests.integration.indexed import (
    Model,
    assert_answers,
    assert_exact,
    by,
    covered,
    index_files,
    manifest_of,
    named_files,
    queries,
    renew,
    space,
)
from tests.integration.test_storage import Mounts, mounts

__all__ = ["mounts"]  # a fixture

needs_module("faiss")

pytestmark = pytest.mark.slow

SPACE = space()
LOOSE, QUERIES = 100, 60

_WRITER = f"""
import sys
from pathlib import Path
from lookgraph.index import effort
from lookgraph.stores import sealing
from tests.integration.indexed import *
import faiss
sealing._LOOSE, effort._QUERIES = {LOOSE}, {QUERIES}
SPACE, store = space(), LocalStore(Path(sys.argv[1]))

def begin():
    print("begins", flush=True)
    sys.stdin.readline()
"""

WORKS = {
    "an index is made": "renew(store, SPACE, IndexKind.EXACT); begin(); renew(store, SPACE)",
    "a segment is added": "begin(); renew(store, SPACE)",
    "segments are merged": (
        "begin()\n"
        "for start in range(6000, 6360, 120):\n"
        "    add(store, SPACE, range(start, start + 120))\n"
        "    print('added', flush=True)\n"
        "    renew(store, SPACE)"
    ),
    "rows are compacted": "begin(); compact(store, SPACE)",
    "rows are compacted and sealed": (
        "begin()\nwith store.write() as writer:\n    writer.compact(SPACE)\n"
        "    writer.renew_index(SPACE, None, lambda _: None)"
    ),
}


@pytest.fixture(autouse=True)
def _as_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_LOOSE", LOOSE)
    monkeypatch.setattr(effort, "_QUERIES", QUERIES)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with an index of two segments, some of its pictures gone, and new rows."""
    folder = tmp_path_factory.mktemp("made") / "library"
    code = (
        "add(store, SPACE, range(1500))\n"
        "renew(store, SPACE)\n"
        "forget(store, range(0, 1500, 7))\n"
        "add(store, SPACE, range(1500, 1800))\n"
        "renew(store, SPACE)\n"
        "forget(store, range(1501, 1800, 7))\n"
        "add(store, SPACE, range(1800, 1920))\n"
    )
    subprocess.run([sys.executable, "-c", _WRITER + code, folder], cwd=PROJECT, check=True)
    return folder


def model() -> Model:
    held = Model(Metric.COSINE)
    held.add(range(1920))
    held.forget([*range(0, 1500, 7), *range(1501, 1800, 7)])
    return held


@pytest.fixture
def store(made: Path, tmp_path: Path) -> LocalStore:
    return LocalStore(Path(shutil.copytree(made, tmp_path / "library")))


def start(store: LocalStore, code: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", f"{_WRITER}{code}\nprint('done', flush=True)", store.folder],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "begins\n"
    return process


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.fixture(scope="module")
def seconds(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """How long each of `WORKS` takes."""
    taken = {}
    for work, code in WORKS.items():
        folder = Path(shutil.copytree(made, tmp_path_factory.mktemp("timed") / "library"))
        with start(LocalStore(folder), code) as process:
            began = time.monotonic()
            go(process)
            _, said = process.communicate()
            assert said == ""
            taken[work] = time.monotonic() - began
    return taken


@pytest.mark.parametrize("turn", range(6))
@pytest.mark.parametrize("work", WORKS)
def test_killed_whenever(
    work: str, turn: int, store: LocalStore, seconds: dict[str, float]
) -> None:
    old = LocalStore(store.folder)
    held = model()
    assert_answers(old, SPACE, held)
    # The same moments every time, as far as a clock can say.
    share = (turn + random.Random(f"{work} {turn}").random()) / 6
    with start(store, WORKS[work]) as process:
        go(process)
        time.sleep(share * seconds[work])
        process.kill()
        told, said = process.communicate()
    assert said == ""
    assert process.returncode == -signal.SIGKILL or told.endswith("done\n")
    for begun in range(3 if work == "segments are merged" else 0):
        added = range(6000 + 120 * begun, 6120 + 120 * begun)
        if store.entry(f"a/{added[0]}.jpg"):
            held.add(added)
        else:
            assert told.count("added") <= begun
    if work.startswith("rows") and store.status().spaces[0].unused_rows == 0:
        held.compact()

    # Readers need nobody to come first, whether they have seen the index before or not.
    for reader in (store, old):
        assert_answers(reader, SPACE, held)
        assert by(reader, SPACE)[1] is None
    assert store.damaged(SPACE) == []
    # The next writer cleans up.
    with store.write():
        assert index_files(store) == named_files(store)
        assert len(list((store.folder / "rows").iterdir())) == 1
    assert_answers(old, SPACE, held)
    renew(store, SPACE)
    assert covered(store, SPACE) >= len(held.rows) - LOOSE
    assert index_files(store) == named_files(store)
    for reader in (store, old):
        assert by(reader, SPACE) == (IndexKind.IVF, None)
        assert assert_answers(reader, SPACE, held) >= 0.9


_DIES = """
import os, shutil, signal

def dying(owner, name):
    original = getattr(owner, name)
    def step():
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    def dies(*arguments, **options):
        step()
        result = original(*arguments, **options)
        step()
        return result
    setattr(owner, name, dies)

def begin():
    dying(os, "fsync")
    for name in ("open", "replace", "unlink"):
        dying(Path, name)

# Python and FAISS are loaded once; what dies is a fork.
for left in range(1, 99):
    folder = shutil.copytree(sys.argv[1], f"{sys.argv[2]}/{left}")
    if not (child := os.fork()):
        store = LocalStore(Path(folder))
        work()
        os._exit(0)
    print(status := os.waitpid(child, 0)[1])
    if status == 0:
        break
"""


@pytest.mark.parametrize("work", ["a segment is added", "rows are compacted"])
def test_killed_at_each_step(work: str, made: Path, tmp_path: Path) -> None:
    """Before and after each call that opens, syncs, renames or deletes a file."""
    code = f"def work():\n    {WORKS[work]}\n"
    done = subprocess.run(
        [sys.executable, "-c", _WRITER + code + _DIES, made, tmp_path],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    ends = [int(line) for line in done.stdout.split()]
    assert ends == [signal.SIGKILL] * (len(ends) - 1) + [0]
    assert len(ends) > 20
    for step in range(1, len(ends) + 1):
        store, held = LocalStore(tmp_path / str(step)), model()
        if work.startswith("rows") and store.status().spaces[0].unused_rows == 0:
            held.compact()
        assert_answers(store, SPACE, held)
        assert by(store, SPACE) == (IndexKind.IVF, None)
        with store.write():
            assert index_files(store) == named_files(store)
            assert len(list((store.folder / "rows").iterdir())) == 1
        assert_answers(store, SPACE, held)


# The disk is full


@pytest.fixture
def full(mounts: Mounts, made: Path) -> tuple[Mounts, Path]:
    mounts.mount("4m")
    library = mounts.at / "library"
    mounts.run("cp", "-a", made, library)
    return mounts, library


_RENEW = """
from lookgraph.errors import StorageError
try:
    {work}
    print("done")
except StorageError as error:
    print(error)
"""


def inside(mounts: Mounts, library: Path, work: str) -> str:
    """What a process says that sees the small disk."""
    done = subprocess.run(
        [*mounts.enter, sys.executable, "-c", _WRITER + _RENEW.format(work=work), library],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_found(mounts: Mounts, library: Path, to: Path) -> LocalStore:
    """A copy: SQLite would follow the link in `Mounts.seen`."""
    shutil.rmtree(to, ignore_errors=True)
    return LocalStore(Path(shutil.copytree(mounts.seen(library), to)))


@pytest.mark.parametrize("work", ["renew(store, SPACE)", "compact(store, SPACE)"])
def test_a_full_disk_leaves_the_index_as_it_was(
    work: str, full: tuple[Mounts, Path], tmp_path: Path
) -> None:
    mounts, library = full
    before = as_found(mounts, library, tmp_path / "before")
    manifest = manifest_of(before, SPACE)
    filler = mounts.fill_up()
    refused = 0
    for freed in (0, *[40_000] * 9):
        os.truncate(mounts.seen(filler), mounts.seen(filler).stat().st_size - freed)
        told = inside(mounts, library, work)
        found = as_found(mounts, library, tmp_path / "found")
        if told == "done\n":
            break
        refused += 1
        assert told.endswith("Make room on the disk, and run the command again.\n")
        # That of the next generation of rows may be there before these are.
        kept = found.folder / "index" / manifest.name
        assert kept.read_bytes() == manifest.read_bytes()
        assert by(found, SPACE) == (IndexKind.IVF, None)
        assert_answers(found, SPACE, model())
    assert refused >= 2
    mounts.run("rm", filler)
    assert inside(mounts, library, work) == "done\n"
    held = model()
    if work.startswith("compact"):
        held.compact()
    found = as_found(mounts, library, tmp_path / "found")
    assert by(found, SPACE) == (IndexKind.IVF, None)
    assert index_files(found) == named_files(found)
    assert_answers(found, SPACE, held)


def test_a_full_disk_while_the_first_index_is_made(
    full: tuple[Mounts, Path], tmp_path: Path
) -> None:
    mounts, library = full
    assert inside(mounts, library, "renew(store, SPACE, IndexKind.EXACT)") == "done\n"
    filler = mounts.fill_up()
    os.truncate(mounts.seen(filler), mounts.seen(filler).stat().st_size - 100_000)
    told = inside(mounts, library, "renew(store, SPACE)")
    assert told.endswith("Make room on the disk, and run the command again.\n")
    found = as_found(mounts, library, tmp_path / "found")
    assert by(found, SPACE) == (IndexKind.EXACT, None)
    for query in queries(Metric.COSINE):
        (answer,) = found.search(SPACE, query[None], 10)
        assert_exact(answer, model().best(query)[:10])
    mounts.run("rm", filler)
    assert inside(mounts, library, "renew(store, SPACE)") == "done\n"
    found = as_found(mounts, library, tmp_path / "found")
    told_of = json.loads(manifest_of(found, SPACE).read_bytes())
    assert told_of["covered"] == 1920
    assert index_files(found) == named_files(found)
    assert assert_answers(found, SPACE, model()) >= 0.95
