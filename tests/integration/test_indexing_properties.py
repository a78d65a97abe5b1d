"""Whatever happens to a folder, indexing leaves the library as if it were made from nothing."""

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lookgraph import indexing
from lookgraph.ingest import pipeline
from lookgraph.ingest.decode import decode
from lookgraph.stores.local import LocalStore
from lookgraph.types import Matrix, Patterns, Pixels, SkipKind, Vector
from tests.contract.store_contract import nearest
from tests.pictures import GRID_SPACE, GridNetwork, as_bytes, drawn

GOOD = [as_bytes(drawn(seed, 24, 18), "PNG") for seed in range(6)]
BAD = [b"", b"no picture", GOOD[0][:400], GOOD[1][:-30]]

FOLDERS = ["", "a/", "a/b/", "a-b/", "c/"]
NAMES = ["1.png", "2.jpg", "ä \udcff.png", "3"]
PATHS = st.builds(str.__add__, st.sampled_from(FOLDERS), st.sampled_from(NAMES))
UNDER = st.sampled_from(["a", "a/b", "a-b", "c"])
CHANCE = st.integers(0, 10_000)


def oracle(content: bytes) -> Vector:
    """A picture's embedding, computed by itself and kept as float16."""
    network = GridNetwork()
    pixels = network.prepare(decode(io.BytesIO(content), network.decode_side).image)
    embedding: Vector = network.embed([pixels])[0].astype(np.float16).astype(np.float32)
    return embedding


OF_PIXELS = {
    GridNetwork().prepare(decode(io.BytesIO(content), 32).image).tobytes(): content
    for content in GOOD
}
EMBEDDINGS = {hashlib.sha256(content).hexdigest(): oracle(content) for content in GOOD}


@dataclass
class Watched(GridNetwork):
    """Remembers what it has embedded."""

    embedded: list[bytes]

    def embed(self, prepared: Sequence[Pixels]) -> Matrix:
        self.embedded += [OF_PIXELS[picture.tobytes()] for picture in prepared]
        return super().embed(prepared)


@dataclass(frozen=True)
class File:
    """A file as it was when it was last looked at."""

    content: bytes
    mtime_ns: int


def skip_kind(path: str, content: bytes) -> SkipKind | None:
    if content in GOOD:
        return None
    promises = path.endswith((".png", ".jpg")) or content.startswith(b"\x89PNG")
    return SkipKind.DAMAGED if promises else SkipKind.NO_PICTURE


class Folder(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.place = Path(tempfile.mkdtemp())
        self.root = self.place / "photos"
        self.root.mkdir()
        self.store = LocalStore(self.place / "library")
        self.time = 1_600_000_000_000_000_000
        self.seen: dict[str, File] = {}
        self.patch = pytest.MonkeyPatch()
        # So that a few forgotten pictures are enough for a compaction.
        self.patch.setattr(indexing, "_WASTE_ROWS", 1)
        self.opened: list[str] = []
        read_picture = pipeline.read_picture

        def watched(path: str, *others: object) -> object:
            self.opened.append(path)
            return read_picture(path, *others)  # type: ignore[arg-type]

        self.patch.setattr(pipeline, "read_picture", watched)

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.place)

    # What happens to the folder

    def on_disk(self) -> dict[str, File]:
        return {
            file.relative_to(self.root).as_posix(): File(file.read_bytes(), file.stat().st_mtime_ns)
            for file in self.root.rglob("*")
            if file.is_file()
        }

    def write(self, path: str, content: bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self.touch_file(file)

    def touch_file(self, file: Path) -> None:
        # A clock of our own: two changes within the file system's own tick could look like one.
        self.time += 1_000_000
        os.utime(file, ns=(self.time, self.time))

    def some_file(self, chance: int) -> Path | None:
        files = sorted(self.on_disk(), key=os.fsencode)
        return self.root / files[chance % len(files)] if files else None

    @rule(path=PATHS, content=st.sampled_from(GOOD))
    def add_or_change(self, path: str, content: bytes) -> None:
        self.write(path, content)

    @rule(path=PATHS, content=st.sampled_from(BAD))
    def make_bad(self, path: str, content: bytes) -> None:
        self.write(path, content)

    @rule(chance=CHANCE, path=PATHS)
    def rename(self, chance: int, path: str) -> None:
        if file := self.some_file(chance):
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            file.replace(self.root / path)

    @rule(chance=CHANCE, path=PATHS, with_time=st.booleans())
    def copy(self, chance: int, path: str, with_time: bool) -> None:
        file, copy = self.some_file(chance), self.root / path
        if file and file != copy:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
            if not with_time:
                self.touch_file(copy)

    @rule(chance=CHANCE)
    def delete(self, chance: int) -> None:
        if file := self.some_file(chance):
            file.unlink()

    @rule(chance=CHANCE)
    def touch(self, chance: int) -> None:
        if file := self.some_file(chance):
            self.touch_file(file)

    @rule(under=UNDER)
    def remove_folder(self, under: str) -> None:
        shutil.rmtree(self.root / under, ignore_errors=True)

    @rule(one=UNDER, other=UNDER)
    def move_folder(self, one: str, other: str) -> None:
        source, target = self.root / one, self.root / other
        if source.is_dir() and not target.exists() and source not in target.parents:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)

    # Indexing, and what must hold after it

    def run_index(self, under: str) -> None:
        prefix = f"{under}/" if under else ""
        disk = {path: f for path, f in self.on_disk().items() if path.startswith(prefix)}
        gone = {path for path in self.seen if path.startswith(prefix)} - disk.keys()
        fresh = {path for path, file in disk.items() if self.changed(path, file)}
        before = {file.content for file in self.seen.values()}
        network = Watched([])
        self.opened.clear()

        job = indexing.Job(self.root, Patterns(), under, GRID_SPACE, None, self.store.folder)
        report = indexing.run(self.store, job, lambda _: network, lambda _: None)

        # A file that has not changed is not opened; content that was there is not embedded again.
        assert sorted(self.opened) == sorted(fresh)
        assert not before & set(network.embedded)
        kinds = {path: skip_kind(path, disk[path].content) for path in fresh}
        assert report.embedded + report.recognised == list(kinds.values()).count(None)
        assert report.embedded >= len(set(network.embedded))
        assert report.skipped == list(kinds.values()).count(SkipKind.DAMAGED)
        assert report.other == list(kinds.values()).count(SkipKind.NO_PICTURE)
        assert report.unchanged == len(disk) - len(fresh)
        assert report.forgotten == len(gone)
        self.seen = {p: f for p, f in self.seen.items() if not p.startswith(prefix)} | disk
        self.check()

    def changed(self, path: str, file: File) -> bool:
        seen = self.seen.get(path)
        return not seen or (len(seen.content), seen.mtime_ns) != (len(file.content), file.mtime_ns)

    @rule()
    def index(self) -> None:
        self.run_index("")

    @precondition(lambda self: self.store.exists())
    @rule(under=UNDER)
    def index_folder(self, under: str) -> None:
        self.run_index(under)

    def check(self) -> None:
        pictures: dict[str, list[str]] = {}
        skipped: dict[str, SkipKind] = {}
        for path, file in sorted(self.seen.items(), key=lambda item: os.fsencode(item[0])):
            if kind := skip_kind(path, file.content):
                skipped[path] = kind
            else:
                pictures.setdefault(hashlib.sha256(file.content).hexdigest(), []).append(path)

        found = {e.picture.id: [x.path for x in e.entries] for e in self.store.embedded(GRID_SPACE)}
        assert found == pictures
        for embedded in self.store.embedded(GRID_SPACE):
            assert np.array_equal(embedded.embedding, EMBEDDINGS[embedded.picture.id])
        known = [(f.path, f.stamp.mtime_ns, f.settled) for f in self.store.known_files(GRID_SPACE)]
        assert known == [
            (path, self.seen[path].mtime_ns, True) for path in sorted(self.seen, key=os.fsencode)
        ]
        told = {e.path: e.skip.kind for e in self.store.skipped() if e.skip}
        assert told == {p: k for p, k in skipped.items() if k is not SkipKind.NO_PICTURE}
        assert self.store.status().other == list(skipped.values()).count(SkipKind.NO_PICTURE)
        assert self.store.damaged(GRID_SPACE) == []
        assert self.store.fault() is None
        for query in list(EMBEDDINGS.values())[:2]:
            assert answers(self.store, query) == answered_by_hand(pictures, query)

    @rule()
    def index_from_nothing(self) -> None:
        """Another library of the same folder, made now, answers the same."""
        self.run_index("")
        anew = LocalStore(self.place / "anew")
        job = indexing.Job(self.root, Patterns(), "", GRID_SPACE, None, anew.folder)
        indexing.run(anew, job, lambda _: GridNetwork(), lambda _: None)
        assert list(anew.known_files(GRID_SPACE)) == list(self.store.known_files(GRID_SPACE))
        assert list(anew.skipped()) == list(self.store.skipped())
        for path in self.seen:
            assert anew.entry(path) == self.store.entry(path)
        for query in EMBEDDINGS.values():
            assert answers(anew, query) == answers(self.store, query)
        shutil.rmtree(anew.folder)


Answer: TypeAlias = tuple[str, tuple[str, ...], Any]
"""An id, its paths, and the score, which may be off by rounding."""


def answers(store: LocalStore, query: Vector) -> list[Answer]:
    found = nearest(store, GRID_SPACE, query, 99)
    return [(match.picture.id, match.paths, match.score) for match in found]


def answered_by_hand(pictures: dict[str, list[str]], query: Vector) -> list[Answer]:
    listed: list[tuple[float, str, tuple[str, ...]]] = []
    for id_, found in pictures.items():
        one, two = EMBEDDINGS[id_].astype(np.float64), query.astype(np.float64)
        score = float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))
        listed.append((score, id_, tuple(found)))
    in_order = sorted(listed, reverse=True)
    return [(id_, paths, pytest.approx(score, abs=1e-12)) for score, id_, paths in in_order]


Folder.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestFolder = pytest.mark.slow(Folder.TestCase)
