"""The command is killed at any moment, or interrupted; the next run makes the library whole."""

import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from lookgraph import Library
from tests.conftest import PROJECT
from tests.e2e.commands import (
    Argument,
    fill,
    held,
    lookgraph,
    png,
    rows_file,
    spread,
    start,
    until,
)
from tests.integration.dying import COMMIT_FILES
from tests.pictures import drawn, save

pytestmark = pytest.mark.slow

ROW = 2560
COUNTS = ("embedded", "recognised", "unchanged", "skipped", "other")


@pytest.fixture(scope="module")
def photos(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred photographs, some more than once, and some files that are none; no library."""
    folder = fill(tmp_path_factory.mktemp("photos"), spread(photographs, 100))
    for copied in sorted(folder.rglob("*.jpg"))[::20]:
        shutil.copy(copied, folder / copied.name)
    (folder / "empty.jpg").touch()
    (folder / "cut.jpg").write_bytes(sorted(folder.rglob("*.jpg"))[7].read_bytes()[:5000])
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def seconds(photos: Path) -> float:
    """How long it takes to index them in one go. Makes their library."""
    lookgraph("status", "--help")  # so that what is measured is not the reading of the disk
    began = time.monotonic()
    lookgraph("index", photos, code=3)
    return time.monotonic() - began


@pytest.fixture
def copied(photos: Path, tmp_path: Path) -> Path:
    """The same photographs, with their times, without the library."""
    ignored = shutil.ignore_patterns(".lookgraph")
    return Path(shutil.copytree(photos, tmp_path / "copied", ignore=ignored))


def pictures(folder: Path) -> int:
    """How many pictures have been committed; 0 where there is no library yet."""
    library = Library.open(folder)
    return library.status().pictures if library.store.exists() else 0


def assert_whole(folder: Path, wanted: Path) -> None:
    """The library is the same as another, it has no faults, and nothing is left over in it."""
    assert held(folder) == held(wanted)
    lookgraph("doctor", folder)
    now = Library.open(folder).status()
    assert now.pictures == now.spaces[0].pictures == pictures(wanted)
    rows = now.spaces[0].pictures + now.spaces[0].unused_rows
    assert rows_file(folder).stat().st_size == rows * ROW
    allowed = {"library.db", "library.db-wal", "library.db-shm", "rows", "writer.lock"}
    assert {path.name for path in (folder / ".lookgraph").iterdir()} <= allowed


# Killed from outside, whenever


@pytest.mark.parametrize("share", [i / 12 for i in range(1, 13)])
def test_killed_whenever(share: float, photos: Path, seconds: float, copied: Path) -> None:
    process = start("index", copied)
    time.sleep(share * seconds)
    process.kill()
    process.communicate()
    done = pictures(copied)
    if done:  # a reader needs no writer to come first
        known = held(copied)
        assert len({known[path] for path in known} - {None}) >= done
        whole = held(photos)
        assert {path: whole[path] for path in known} == known
    told = lookgraph("index", copied, "--json", code=3).json
    assert sum(told[what] for what in COUNTS) == 105 + 2 + 1  # pictures, bad ones, a text
    # What was committed is not embedded again.
    assert told["embedded"] <= 105 - done
    assert_whole(copied, photos)


def test_killed_again_and_again(photos: Path, seconds: float, copied: Path) -> None:
    """Work that was committed is never lost, so that even this comes to an end."""
    done, rounds = 0, 0
    while done < 100:
        rounds += 1
        assert rounds < 30
        process = start("index", copied)
        before = done
        while process.poll() is None and done == before:
            done = pictures(copied)
        process.kill()
        process.communicate()
        done = pictures(copied)
        assert done > before
    assert rounds > 1
    told = lookgraph("index", copied, "--json", code=3).json
    assert told["embedded"] == 0
    assert_whole(copied, photos)


# Killed at one moment


def dies(moment: str, time_: int, *arguments: Argument) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.dying", moment, str(time_), *arguments],
        cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, (moment, done.returncode, done.stderr)


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four small pictures with a library."""
    folder = tmp_path_factory.mktemp("drawings")
    for seed in range(24):
        save(drawn(seed), folder / f"{seed:02}.png")
    lookgraph("index", folder)
    return folder


@pytest.fixture
def own(drawings: Path, tmp_path: Path) -> Path:
    """The same with a library, to be changed."""
    return Path(shutil.copytree(drawings, tmp_path / "own"))


@pytest.mark.parametrize(
    ("moment", "times"),
    [
        ("before the database", (1, 2, 3)),
        ("in the migration", (1,)),
        ("after the migration", (1,)),
        ("before the space", (1,)),
    ],
)
def test_killed_while_a_library_is_made(
    moment: str, times: tuple[int, ...], drawings: Path, own: Path
) -> None:
    for time_ in times:
        shutil.rmtree(own / ".lookgraph")
        dies(moment, time_, "index", own)
        assert pictures(own) == 0
        lookgraph("index", own)
        assert_whole(own, drawings)


def test_killed_before_a_library_elsewhere_is_told_what_it_is_of(
    drawings: Path, own: Path, tmp_path: Path
) -> None:
    shutil.rmtree(own / ".lookgraph")
    library = tmp_path / "elsewhere"
    dies("after the migration", 1, "index", own, "--library", library)
    done = lookgraph("search", own / "01.png", "--library", library, code=1)
    assert done.err.startswith(f"lookgraph: There is no library in {library}. ")
    lookgraph("index", own, "--library", library)
    assert held(own, library) == held(drawings)
    assert list(own.glob(".lookgraph")) == []


def test_killed_before_the_network_is_kept(
    drawings: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKGRAPH_CACHE", str(tmp_path / "cache"))
    shutil.rmtree(own / ".lookgraph")
    dies("before the network is kept", 1, "index", own)
    lookgraph("index", own)
    assert_whole(own, drawings)


@pytest.mark.parametrize(
    ("moment", "stored"),
    [
        ("before the rows", 2),
        ("in the rows", 2),
        ("between rows and transaction", 2),
        ("in the transaction", 2),
        ("before the transaction's end", 2),
        ("after the transaction", 3),
    ],
)
def test_killed_while_the_third_batch_is_stored(
    moment: str, stored: int, drawings: Path, own: Path
) -> None:
    shutil.rmtree(own / ".lookgraph")
    dies(moment, 3, "index", own)
    whole, survivors = held(drawings), held(own)
    assert len(survivors) == stored * COMMIT_FILES
    assert {path: whole[path] for path in survivors} == survivors
    # A tail that nothing names does not show, neither to a search nor to the doctor.
    query = own / next(iter(survivors))
    hits = lookgraph("search", query, "-k99", "--json", cwd=own).json["hits"]
    assert {hit["path"] for hit in hits} == set(survivors)
    lookgraph("doctor", own)

    told = lookgraph("index", own, "--json").json
    assert (told["unchanged"], told["embedded"]) == (len(survivors), 24 - len(survivors))
    assert_whole(own, drawings)


def test_killed_in_the_very_first_batch(drawings: Path, own: Path) -> None:
    shutil.rmtree(own / ".lookgraph")
    dies("between rows and transaction", 1, "index", own)
    assert rows_file(own).stat().st_size == COMMIT_FILES * ROW
    assert held(own) == {}
    lookgraph("index", own)
    assert_whole(own, drawings)


@pytest.mark.parametrize(
    "moment",
    [
        "in the copy",
        "between copy and transaction",
        "in the compaction's transaction",
        "before the old rows are unlinked",
        "after the old rows are unlinked",
    ],
)
def test_killed_while_rows_are_compacted(moment: str, own: Path, drawings: Path) -> None:
    for seed in range(0, 24, 3):
        (own / f"{seed:02}.png").unlink()
    lookgraph("index", own)
    query, before = own / "01.png", held(own)
    scores = lookgraph("search", query, "-k99", cwd=own).out
    dies(moment, 1, "doctor", own, "--repair")

    assert held(own) == before == {path: held(drawings)[path] for path in before}
    assert lookgraph("search", query, "-k99", cwd=own).out == scores
    lookgraph("doctor", own)
    told = lookgraph("index", own, "--json").json
    assert (told["unchanged"], told["embedded"]) == (16, 0)
    lookgraph("doctor", own, "--repair")
    assert rows_file(own).stat().st_size == 16 * ROW
    assert held(own) == before
    assert lookgraph("search", query, "-k99", cwd=own).out == scores


def test_killed_while_what_was_damaged_is_dropped(own: Path, drawings: Path) -> None:
    for moment in ("between copy and transaction", "before the old rows are unlinked"):
        with rows_file(own).open("r+b") as rows:
            rows.seek(5 * ROW)
            rows.write(b"\xff" * ROW)
        dies(moment, 1, "doctor", own, "--repair")
        lookgraph("doctor", own, "--repair")
        assert_whole(own, drawings)


# Interrupted


def interrupt(process: "subprocess.Popen[str]") -> tuple[float, str]:
    """As Ctrl-C does; gives how long it took to end, and the words."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=20)
    took = time.monotonic() - began
    assert (process.returncode, out) == (130, ""), said
    return took, said


def test_interrupted_it_keeps_what_is_done(photos: Path, seconds: float, copied: Path) -> None:
    process = start("index", copied)
    until(lambda: pictures(copied) > 0)
    before = pictures(copied)
    took, said = interrupt(process)
    assert took < 1
    assert said.strip() == "Stopped. What was done is kept; run the command again to go on."
    after = pictures(copied)
    assert before <= after < 100
    # The lock is free, and the next run goes on.
    told = lookgraph("index", copied, "--json", code=3).json
    assert told["embedded"] <= 105 - after
    assert_whole(copied, photos)


def test_interrupted_while_large_pictures_are_decoded(tmp_path: Path, own: Path) -> None:
    side = 8000
    noise = np.random.default_rng(0).integers(0, 256, (side, 1 + 3 * side), np.uint8)
    noise[:, 0] = 0  # no filter (PNG 1.2, 6.1)
    large = own / "00 large 0.png"
    large.write_bytes(png(side, side, zlib.compress(noise.tobytes(), 0)))
    for number in range(1, 9):
        os.link(large, own / f"00 large {number}.png")
    process = start("index", own)
    until((own / ".lookgraph" / "writer.json").exists)
    time.sleep(1)
    assert process.poll() is None
    took, said = interrupt(process)
    assert took < 1
    assert "Traceback" not in said
    for file in own.glob("00 large *.png"):
        file.unlink()
    lookgraph("index", own)
    assert len(held(own)) == 24
