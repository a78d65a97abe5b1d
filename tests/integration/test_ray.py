"""Embedding on Ray gives what embedding without it gives, whatever is killed on the way."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lookgraph import Library
from tests.conftest import PROJECT, needs_module
from tests.e2e.commands import SAME_BITS, Argument, fill, lookgraph, spread, start, until
from tests.integration.ray_runs import alive, below, bits, kill, rows, workers

pytestmark = pytest.mark.slow

ON_RAY = ("--on", "ray", *SAME_BITS)
COUNTS = ("embedded", "unchanged", "forgotten", "skipped", "other")
FILES = 200 + 4


@pytest.fixture(scope="module", autouse=True)
def _ray() -> None:
    needs_module("ray")


@pytest.fixture(scope="module")
def photos(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs, and files that are none or have odd names; with a library made without Ray."""
    folder = fill(tmp_path_factory.mktemp("photos"), spread(photographs, 200))
    some = sorted(folder.rglob("*.jpg"))[7].read_bytes()
    (folder / "empty.jpg").touch()
    (folder / "cut.jpg").write_bytes(some[:5000])
    (folder / "notes.txt").write_text("no picture")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(some + b"behind its end")
    lookgraph("index", folder, *SAME_BITS, code=3)
    return folder


@pytest.fixture
def copied(photos: Path, tmp_path: Path) -> Path:
    """The same files, with their times, without the library."""
    ignored = shutil.ignore_patterns(".lookgraph")
    return Path(shutil.copytree(photos, tmp_path / "copied", ignore=ignored))


def finished(folder: Path) -> int:
    """How many pictures its library has."""
    library = Library.open(folder)
    return library.status().pictures if library.store.exists() else 0


def python(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """A program that indexes on Ray, in a process of its own."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def test_the_same_to_the_last_bit(photos: Path, copied: Path) -> None:
    done = lookgraph("index", copied, *ON_RAY, "--json", code=3)
    assert {what: done.json[what] for what in COUNTS} == {
        "embedded": 201, "unchanged": 0, "forgotten": 0, "skipped": 2, "other": 1,
    }  # fmt: skip
    assert bits(copied) == bits(photos)
    # Nothing but our own words is said, and Ray is gone with all that it kept.
    ours = re.compile(r"[\d,]+ of [\d,]+ files, |201 pictures in |2 files left out:|  (cut|empty)")
    assert [line for line in done.err.splitlines() if not ours.match(line)] == []

    # What was moved or copied is recognised by its content; what is new is embedded.
    (copied / "moved").mkdir()
    pictures = sorted(copied.glob("dress/*.jpg"))
    pictures[0].rename(copied / "moved" / "a.jpg")
    shutil.copy(pictures[1], copied / "moved" / "b.jpg")
    (copied / "moved" / "c.jpg").write_bytes(pictures[2].read_bytes() + b"other")
    told = lookgraph("index", copied, *ON_RAY, "--json", code=3).json
    assert [told[what] for what in ("embedded", "recognised", "forgotten", "unchanged")] == [
        1, 2, 1, FILES - 1,
    ]  # fmt: skip
    assert bits(copied)["moved/a.jpg"] == bits(photos)[f"dress/{pictures[0].name}"]
    # Nothing to do: Ray is not even imported.
    done = lookgraph("index", copied, *ON_RAY, code=3, env={"PYTHONPROFILEIMPORTTIME": "1"})
    imported = {line.rpartition("|")[2].strip() for line in done.err.splitlines()}
    assert "lookgraph.indexing" in imported
    assert "ray" not in imported


def test_parts_that_any_store_imports(photos: Path, copied: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    told = lookgraph("index", copied, *ON_RAY, "--parts", parts, "--json", code=3).json
    assert [told[what] for what in ("embedded", "skipped", "other")] == [201, 2, 1]
    assert not (copied / ".lookgraph").exists()
    assert len(rows(parts)) == len(set(rows(parts))) == FILES
    for _ in range(2):  # the second time changes nothing
        lookgraph("import", parts, copied)
        assert bits(copied) == bits(photos)
    told = lookgraph("index", copied, *SAME_BITS, "--json", code=3).json
    assert (told["unchanged"], told["embedded"]) == (FILES, 0)

    # Only what has changed is done again, and then the later row counts.
    changed = sorted(copied.glob("skirt/*.jpg"))[0]
    changed.write_bytes(changed.read_bytes() + b"more")
    told = lookgraph("index", copied, *ON_RAY, "--parts", parts, "--json", code=3).json
    assert (told["unchanged"], told["embedded"]) == (FILES - 1, 1)
    before = bits(copied)
    lookgraph("import", parts, copied)
    name = changed.relative_to(copied).as_posix()
    assert {path for path, known in bits(copied).items() if known != before[path]} == {name}

    # Embeddings of another network are refused before anything is done.
    done = lookgraph(
        "index", copied, "--on", "ray", "--parts", parts, "--metric", "l2", code=1
    )  # fmt: skip
    assert "name another folder" in done.err


def test_workers_are_killed(photos: Path, copied: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    process = start("index", copied, *ON_RAY, "--parts", parts, "--quiet")
    killed = 0
    for _ in range(4):
        until(lambda: workers(process.pid) or process.poll() is not None, within=120)
        for worker in workers(process.pid)[:1]:
            killed += kill(worker)
        time.sleep(1.5)
    said = process.communicate(timeout=120)
    assert (process.returncode, *said) == (3, "", "")
    assert killed >= 2
    assert len(rows(parts)) == len(set(rows(parts))) == FILES
    lookgraph("import", parts, copied)
    assert bits(copied) == bits(photos)


def test_the_driver_is_killed(photos: Path, copied: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"

    process = start("index", copied, *ON_RAY)
    until(lambda: finished(copied), within=120)
    others = below(process.pid)
    assert any("raylet" in name for name in others.values())
    process.kill()
    process.communicate()
    # Two agents of Ray's that do nothing ask for it for a minute more before they end.
    until(lambda: not alive(pid for pid, name in others.items() if "Agent" not in name), within=120)
    done = finished(copied)
    assert 0 < done < FILES
    told = lookgraph("index", copied, *ON_RAY, "--json", code=3).json
    assert told["embedded"] <= 201 - done
    assert bits(copied) == bits(photos)

    # Parts are all whole, too, and the next run goes on behind them.
    process = start("index", copied, *ON_RAY, "--parts", parts)
    until(lambda: list(parts.glob("*.parquet")), within=120)
    process.kill()
    process.communicate()
    done = len(rows(parts))
    told = lookgraph("index", copied, *ON_RAY, "--parts", parts, "--json", code=3).json
    assert told["unchanged"] >= done > 0
    assert len(rows(parts)) == len(set(rows(parts))) == FILES


def test_interrupted_it_keeps_what_is_done(photos: Path, copied: Path) -> None:
    process = start("index", copied, *ON_RAY, session=True)
    until(lambda: finished(copied), within=120)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: all processes of the terminal
    out, said = process.communicate(timeout=90)
    assert (process.returncode, out) == (130, "")
    last = "Stopped. What was done is kept; run the command again to go on."
    assert said.strip().splitlines()[-1] == last, said
    done = finished(copied)
    assert 0 < done < FILES
    told = lookgraph("index", copied, *ON_RAY, "--json", code=3).json
    assert told["embedded"] <= 201 - done
    assert bits(copied) == bits(photos)


def test_a_picture_that_kills_is_left_out(photos: Path, copied: Path) -> None:
    (copied / "poison.jpg").write_bytes(sorted(copied.rglob("*.jpg"))[3].read_bytes() + b"x")
    done = python("-m", "tests.integration.ray_poison", copied)
    assert (done.returncode, done.stdout) == (0, "201 3\n"), done.stderr
    found = bits(copied)
    assert "again and again" in str(found.pop("poison.jpg"))
    assert found == bits(photos)


def test_where_every_worker_dies_it_ends_and_leaves_nothing_out(
    copied: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "poison"
    folder.mkdir()
    for number, picture in enumerate(sorted(copied.rglob("*.jpg"))[:20]):
        shutil.copy(picture, folder / f"poison {number}.jpg")
    done = python("-m", "tests.integration.ray_poison", folder)
    assert "ClusterError: All workers were killed or crashed, whatever" in done.stderr
    assert bits(folder) == {}


def test_a_program_may_have_imported_ray_before(copied: Path) -> None:
    program = (
        "import ray, sys; from lookgraph import Library; "
        "print(Library.open(sys.argv[1]).index(on='ray').embedded, ray.is_initialized())"
    )
    done = python("-c", program, copied)
    assert done.stdout == "201 False\n", done.stderr


def test_how_it_ends(copied: Path, tmp_path: Path) -> None:
    said: dict[tuple[Argument, ...], tuple[int, str]] = {
        ("--on", "elsewhere"): (2, "say ray, or ray://HOST:PORT"),
        ("--on", "ray://"): (2, "say ray, or ray://HOST:PORT"),
        ("--on", "ray://127.0.0.1:1"): (1, "ray://127.0.0.1:1 cannot be reached"),
        ("--parts", tmp_path / "parts"): (2, "--parts needs --on"),
    }
    for options, (code, words) in said.items():
        done = lookgraph("index", copied, *options, code=code)
        assert (words in done.err, done.out) == (True, b""), done.err
        assert len(done.err.splitlines()) <= 4
    assert not (copied / ".lookgraph" / "library.db").exists() or not bits(copied)
    assert not (tmp_path / "parts").exists()
