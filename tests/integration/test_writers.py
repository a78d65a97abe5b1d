"""One writer, many readers: the second writer is told who the first is, readers never wait."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lookgraph import Library
from lookgraph.stores.local import LocalStore
from lookgraph.stores.rows import RowFile
from tests.e2e.commands import held, lookgraph, rows_file, until
from tests.pictures import drawn, save

pytestmark = pytest.mark.slow

_HOLD = """
import sys, time
from pathlib import Path
from lookgraph.stores.local import LocalStore
with LocalStore(Path(sys.argv[1])).write():
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve small pictures with a library."""
    folder = tmp_path_factory.mktemp("drawings")
    for seed in range(12):
        save(drawn(seed), folder / f"{seed:02}.png")
    lookgraph("index", folder)
    return folder


@pytest.fixture
def own(drawings: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(drawings, tmp_path / "own"))


@contextmanager
def writing(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that writes to the library of a folder."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, folder / ".lookgraph"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_second_writer_is_told_at_once_who_the_first_is(own: Path) -> None:
    save(drawn(50), own / "new.png")
    with writing(own) as first:
        for command in (["index"], ["doctor", "--repair"]):
            began = time.monotonic()
            done = lookgraph(*command, cwd=own, code=1)
            assert time.monotonic() - began < 2
            who = f"process {first.pid} on {socket.gethostname()} since 20"
            assert done.err.startswith(f"lookgraph: {own}/.lookgraph is being written to by {who}")
            assert done.err.endswith(". Wait until it is done, or stop it, and try again.\n")
            assert done.out == b""
        # Readers do not care.
        assert lookgraph("search", "00.png", "-k1", cwd=own).out == b"1.0000\t00.png\n"
        assert lookgraph("status", "--json", cwd=own).json["pictures"] == 12
        assert lookgraph("index", "--dry-run", "--json", cwd=own).json["embedded"] == 1
        lookgraph("doctor", cwd=own)


def test_the_lock_goes_with_its_holder(own: Path) -> None:
    with writing(own) as first:
        first.kill()
        first.wait()
        # What it said of itself is still there, and does not count.
        assert json.loads((own / ".lookgraph" / "writer.json").read_text())["process"] == first.pid
        lookgraph("index", own)
    assert not (own / ".lookgraph" / "writer.json").exists()


def test_a_holder_that_stops_by_itself_lets_go(own: Path) -> None:
    with writing(own) as first:
        first.communicate("")
        assert first.returncode == 0
        lookgraph("index", own)


def test_the_first_of_many_writers_wins_and_all_is_indexed(own: Path) -> None:
    for seed in range(50, 74):
        save(drawn(seed), own / f"{seed}.png")
    arguments: list[str | Path] = [Path(sys.executable).with_name("lookgraph"), "index", own]
    together = [subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate()[1] for process in together}
    codes = [process.returncode for process in together]
    assert set(codes) <= {0, 1}
    assert 0 in codes
    assert all("Traceback" not in words for words in said)
    lookgraph("index", own)
    assert len(held(own)) == 36
    lookgraph("doctor", own)


_READ = """
import json, sys, time
from pathlib import Path
from lookgraph import Library
folder, stop = map(Path, sys.argv[1:])
while not stop.exists():
    time.sleep(0.005)
    library = Library.open(folder)
    hits = library.search(folder / "00.png", k=1000)
    status = library.status()
    print(json.dumps({
        "scores": {hit.path: hit.score for hit in hits}, "rows": len(hits),
        "counted": [status.pictures, status.spaces[0].pictures],
    }), flush=True)
"""


def test_readers_see_one_state_or_the_next_while_it_is_written(own: Path, tmp_path: Path) -> None:
    """Pictures come and go and rows are compacted, while processes search in a loop."""
    stop, answers = tmp_path / "stop", [tmp_path / f"answers-{i}" for i in range(2)]
    readers = []
    for file in answers:
        with file.open("w") as out:
            arguments: list[str | Path] = [sys.executable, "-c", _READ, own, stop]
            readers.append(
                subprocess.Popen(arguments, stdout=out, stderr=subprocess.PIPE, text=True)
            )
    until(lambda: all(file.stat().st_size for file in answers))

    states = [set(held(own))]
    scores: dict[str, float] = {}
    for turn in range(3):
        for seed in range(100 + 10 * turn, 110 + 10 * turn):
            save(drawn(seed), own / f"{seed}.png")
        lookgraph("index", own)
        states.append(set(held(own)))
        scores |= {hit.path: hit.score for hit in Library.open(own).search(own / "00.png", k=1000)}
        for seed in range(95 + 10 * turn, 105 + 10 * turn):
            (own / f"{seed}.png").unlink(missing_ok=True)
        lookgraph("index", own)
        states.append(set(held(own)))
        old = rows_file(own)
        lookgraph("doctor", own, "--repair")
        assert rows_file(own) != old
    stop.touch()

    sizes = [len(state) for state in states]
    assert sizes == [12, 22, 17, 27, 17, 27, 17]
    for reader, file in zip(readers, answers, strict=True):
        _, said = reader.communicate(timeout=20)
        assert (reader.returncode, said) == (0, "")
        told = [json.loads(line) for line in file.read_text().splitlines()]
        assert len(told) > 20
        at = 0
        for answer in told:
            found = set(answer["scores"])
            assert answer["rows"] == len(found)
            # The numbers are those of the picture, whichever file of rows they were read from.
            assert answer["scores"] == {path: scores[path] for path in found}
            assert answer["counted"][0] == answer["counted"][1]
            # Between two states, what both have is there; and a reader never goes back.
            while not _between(found, states, at):
                at += 1
                assert at < len(states), (found, answer)
        assert at >= len(states) - 2


def _between(found: set[str], states: list[set[str]], at: int) -> bool:
    here, there = states[at], states[min(at + 1, len(states) - 1)]
    return here & there <= found <= here | there


def test_a_search_whose_rows_are_replaced_under_it_looks_again(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its view of the database and the file of rows that this names, a writer compacts."""
    library, before = Library.open(own), rows_file(own)

    def late(*arguments: Any) -> RowFile:
        monkeypatch.setattr("lookgraph.stores.local.RowFile", RowFile)
        lookgraph("doctor", own, "--repair")
        assert not before.exists()
        return RowFile(*arguments)

    monkeypatch.setattr("lookgraph.stores.local.RowFile", late)
    found = library.search(own / "00.png", k=99)
    assert {hit.path for hit in found} == {f"{seed:02}.png" for seed in range(12)}
    assert rows_file(own) != before


def test_a_search_that_began_before_a_compaction_ends_well(own: Path) -> None:
    store, space = LocalStore(own / ".lookgraph"), Library.open(own).space()
    with store._snapshot(space) as view:
        before = view.rows.mapped.tobytes()
        (own / "05.png").unlink()
        lookgraph("index", own)
        lookgraph("doctor", own, "--repair")
        assert view.rows.mapped.tobytes() == before
        assert rows_file(own).stat().st_size == 11 * 2560
    assert "05.png" not in held(own)
