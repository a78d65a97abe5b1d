"""Ten thousand searches from four processes, while a writer adds, deletes, merges and compacts.

The writer says in a file what it is about to do and what it has done; so a reader knows, before
it searches, what must not be found any more, and, after it, what must have been.
"""

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from lookgraph.index import effort
from lookgraph.stores import sealed, sealing
from lookgraph.stores.base import Answer
from lookgraph.stores.local import LocalStore
from lookgraph.types import EVERYTHING, IndexKind, Integers, Metric, Selection
from tests.conftest import PROJECT, needs_module
from tests.integration.indexed import (
    PICTURES,
    Model,
    add,
    assert_sound,
    by,
    compact,
    forget,
    found,
    index_files,
    is_selected,
    named_files,
    queries,
    renew,
    scores,
    space,
)

needs_module("faiss")

SPACE = space()
SEARCHES, PROCESSES, BATCH = 10_000, 4, 25
SELECTIONS = (
    Selection(under="a"),
    Selection(name="*3.jpg", min_side=150),
    Selection(taken_from="2020", taken_to="2021-06"),
    Selection(min_side=298),
)

ADDING, ADDED, GOING, GONE = range(4)
"""What may be found: nothing yet; then it may, must, may again, and must not be."""


class Log:
    """What the writer has said, as far as it has been read: the state of each picture."""

    def __init__(self, file: Path) -> None:
        self._file: IO[bytes] = file.open("rb")
        self.states = np.full(PICTURES, -1)

    def read(self) -> None:
        while line := self._file.readline():
            if not line.endswith(b"\n"):  # its rest is being written
                self._file.seek(-len(line), 1)
                return
            state, first, last = map(int, line.split())
            self.states[first:last] = state


class Reader:
    """One of the processes."""

    def __init__(self, folder: Path, log: Path, seed: int) -> None:
        self._store = LocalStore(folder)
        self._log = Log(log)
        self._random = np.random.default_rng(seed)
        self._asked = queries(Metric.COSINE, 64)
        self._scores = [scores(Metric.COSINE, query) for query in self._asked]
        self._selected = {
            among: np.array([is_selected(number, among) for number in range(PICTURES)])
            for among in (EVERYTHING, *SELECTIONS)
        }
        self.counts: dict[str, int] = {}
        self.faults: list[str] = []
        self.by_index = 0

    def search(self, count: int) -> None:
        while sum(self.counts.values()) < count:
            kind = self._random.choice(
                ["one", "one exactly", "many", "some", "over", "some over"],
                p=[0.5, 0.1, 0.1, 0.2, 0.05, 0.05],
            )
            asked = self._random.integers(0, len(self._asked), BATCH if kind == "many" else 1)
            among = EVERYTHING
            if kind.startswith("some"):
                among = SELECTIONS[self._random.integers(0, len(SELECTIONS))]
            self._log.read()
            before = self._log.states.copy()
            if kind.endswith("over"):
                self._search_over(asked[0], among, before)
            else:
                self._search(asked, among, before, 1 if kind == "one exactly" else 0.99)
            self.counts[kind] = self.counts.get(kind, 0) + len(asked)

    def _search(
        self, asked: Integers, among: Selection, before: Integers, recall: float, k: int = 10
    ) -> None:
        answers = self._store.search(SPACE, self._asked[asked], k, among, recall)
        for number, answer in zip(asked, answers, strict=True):
            told = self._checked(answer, number, among, before)
            must = self._must(among, before)
            assert len(told) >= min(k, len(must))
            if recall == 1:
                # What must be there and is better than the last has been found.
                better = must[self._scores[number][must] > told[-1][1] + 1e-11]
                assert set(better) <= {one for one, _ in told}

    def _search_over(self, number: int, among: Selection, before: Integers) -> None:
        least = 0.75
        answer = self._store.search_over(SPACE, self._asked[number], least, among)
        told = self._checked(answer, number, among, before)
        must = self._must(among, before)
        over = must[self._scores[number][must] > least + 1e-11]
        assert set(over) <= {one for one, _ in told}
        assert all(score >= least for _, score in told)

    def _must(self, among: Selection, before: Integers) -> Integers:
        """What was there before the search and is after it."""
        self._log.read()
        there = (before == ADDED) & (self._log.states == ADDED) & self._selected[among]
        return np.flatnonzero(there)

    def _checked(
        self, answer: Answer, number: int, among: Selection, before: Integers
    ) -> list[tuple[int, float]]:
        self._log.read()
        if answer.fault:
            self.faults.append(answer.fault)
        self.by_index += answer.by is IndexKind.IVF
        told = found(answer)
        numbers = [one for one, _ in told]
        assert len(set(numbers)) == len(numbers), f"twice: {numbers}"
        for one, score in told:
            assert before[one] != GONE, f"{one} was deleted before the search began"
            assert self._log.states[one] >= ADDING, f"{one} was never added"
            assert self._selected[among][one]
            assert abs(score - self._scores[number][one]) <= 1e-11
        assert [score for _, score in told] == sorted((s for _, s in told), reverse=True)
        return told


_READ = """
import json, sys, time
from pathlib import Path
from lookgraph.index import approximate
from tests.integration.test_index_readers import PROCESSES, SEARCHES, Reader
approximate._FEW = 50  # so that selections are searched by the index too
folder, log, seed = sys.argv[1:]
reader = Reader(Path(folder), Path(log), int(seed))
print("ready", flush=True)
sys.stdin.readline()
began, at_work = time.monotonic(), time.process_time()
reader.search(SEARCHES // PROCESSES)
print(json.dumps({
    "counts": reader.counts, "faults": reader.faults, "by index": reader.by_index,
    "seconds": time.monotonic() - began, "at work": time.process_time() - at_work,
}))
"""


class Changing:
    """The writer: each picture is added once, and most of them deleted some time."""

    def __init__(self, store: LocalStore, log: Path) -> None:
        self._store = store
        self._log = log
        self.first, self.next = 0, 0
        """Those from the one to the other are there."""

    def say(self, state: int, first: int, last: int) -> None:
        with self._log.open("a") as out:
            out.write(f"{state} {first} {last}\n")

    def add(self, count: int) -> None:
        last = min(PICTURES, self.next + count)
        self.say(ADDING, self.next, last)
        add(self._store, SPACE, range(self.next, last))
        self.say(ADDED, self.next, last)
        self.next = last

    def delete(self, count: int) -> None:
        last = self.first + count
        self.say(GOING, self.first, last)
        forget(self._store, range(self.first, last))
        self.say(GONE, self.first, last)
        self.first = last

    def renew(self) -> None:
        renew(self._store, SPACE)

    def make_anew(self) -> None:
        renew(self._store, SPACE, IndexKind.EXACT)
        self.renew()

    def compact(self) -> None:
        compact(self._store, SPACE)


def start(store: LocalStore, log: Path, seed: int) -> "subprocess.Popen[str]":
    """A reader that waits to begin."""
    return subprocess.Popen(
        [sys.executable, "-c", _READ, store.folder, log, str(seed)],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def written_until_all_end(readers: "list[subprocess.Popen[str]]", writer: Changing) -> int:
    """Let readers begin, and write as long as one of them is at work; gives how many rounds."""
    for reader in readers:
        assert reader.stdout
        assert reader.stdout.readline() == "ready\n"
    for reader in readers:
        assert reader.stdin
        reader.stdin.write("go\n")
        reader.stdin.flush()
    rounds = 0
    while any(reader.poll() is None for reader in readers):
        rounds += 1
        if writer.next < PICTURES:
            writer.add(60)
            writer.renew()
        else:
            time.sleep(0.05)  # there are no more
        if writer.next - writer.first > 1200:
            writer.delete(45)
        if rounds % 4 == 0:
            writer.compact()
        if rounds % 25 == 0:
            writer.make_anew()
    return rounds


@pytest.mark.slow
def test_readers_never_err_while_an_index_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_LOOSE", 50)
    monkeypatch.setattr(sealing, "_SEGMENTS", 3)
    monkeypatch.setattr(effort, "_QUERIES", 60)
    store, log = LocalStore(tmp_path / "library"), tmp_path / "log"
    log.touch()
    writer = Changing(store, log)
    writer.add(1500)
    writer.renew()
    with ExitStack() as stack:
        readers = [stack.enter_context(start(store, log, seed)) for seed in range(PROCESSES)]
        rounds = written_until_all_end(readers, writer)
        told = [reader.communicate() for reader in readers]
    searches, faults, seconds = 0, [], []
    for reader, (out, said) in zip(readers, told, strict=True):
        assert (reader.returncode, said) == (0, ""), said
        report = json.loads(out)
        searches += sum(report["counts"].values())
        faults += report["faults"]
        seconds.append((report["seconds"], report["at work"]))
        assert len(report["counts"]) == 6
        assert report["by index"] > SEARCHES / PROCESSES / 2
    print(f"{searches:,} searches, {rounds} rounds of writing, seconds {seconds}, faults {faults}")
    assert searches >= SEARCHES
    assert rounds > 10
    # A reader that comes while an index is replaced twice may do without; that is seldom.
    assert len(faults) < searches / 1000, faults
    assert by(store, SPACE) == (IndexKind.IVF, None)
    with store.write():
        assert index_files(store) == named_files(store)


@pytest.mark.parametrize("function", ["read_manifest", "check_part", "open_sealed"])
def test_a_search_whose_index_is_replaced_under_it_looks_again(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after one step of opening an index, a writer puts another in its place."""
    monkeypatch.setattr(effort, "_QUERIES", 60)
    store, model = LocalStore(tmp_path / "library"), Model(Metric.COSINE)
    add(store, SPACE, range(1500))
    renew(store, SPACE)
    forget(store, range(10))
    model.add(range(1500))
    model.forget(range(10))
    original, came = getattr(sealed, function), False

    def late(*arguments: object) -> object:
        nonlocal came
        result = original(*arguments)
        if not came:
            came = True
            compact(store, SPACE)
            renew(store, SPACE)
        return result

    monkeypatch.setattr(sealed, function, late)
    reader = LocalStore(tmp_path / "library")
    for _ in range(2):
        answers = reader.search(SPACE, queries(Metric.COSINE), 10)
        assert came
        for query, answer in zip(queries(Metric.COSINE), answers, strict=True):
            assert answer.fault is None
            assert_sound(answer, model.best(query), 10)
    assert by(reader, SPACE) == (IndexKind.IVF, None)


def test_a_fork_of_a_process_that_has_searched_searches_too(tmp_path: Path) -> None:
    """The fork lacks the threads of OpenMP that its parent has, and must not wait for them."""
    store = LocalStore(tmp_path / "library")
    add(store, SPACE, range(1500))
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from lookgraph.index import effort\n"
        "from tests.integration.indexed import *\n"
        "effort._QUERIES = 60\n"
        "SPACE, store = space(), LocalStore(Path(sys.argv[1]))\n"
        "renew(store, SPACE)\n"
        "asked = queries(SPACE.metric)\n"
        "before = store.search(SPACE, asked, 10)\n"
        "child = os.fork()\n"
        "assert [store.search(SPACE, asked[i:i + 1], 10)[0] for i in range(16)] == before\n"
        "assert store.search(SPACE, asked, 10) == before\n"
        "assert not child or os.waitpid(child, 0)[1] == 0\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, store.folder],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
