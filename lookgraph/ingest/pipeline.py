"""From changed files to embeddings, on all cores.

Every core runs the same loop: take a file, hash it, decode it, and when a few pictures are
ready, embed them on that one core. So decoding and inference keep each other from waiting
without a queue between them, no core is asked for twice, and what is in memory is a few
pictures for each core, however large the folder is.
"""

import hashlib
import os
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from lookgraph.ingest.decode import HEAD_BYTES, UnusableError, decode, looks_like_picture, sniff
from lookgraph.ingest.discover import Change
from lookgraph.types import (
    LARGEST,
    Embeds,
    Entry,
    Picture,
    Pixels,
    Skip,
    SkipKind,
    Stamp,
    Vector,
)

_CHUNK = 1 << 20
_PATIENCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file. The embedding is there if it was computed now."""

    entry: Entry
    embedding: Vector | None = None


@dataclass(frozen=True, slots=True)
class _Ready:
    """A picture that waits for the network."""

    path: str
    stamp: Stamp
    picture: Picture
    pixels: Pixels


def content_id(file: IO[bytes]) -> str:
    """The SHA-256 (FIPS 180-4) of all that is in a file, in hexadecimal."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def read_picture(
    path: str, file: IO[bytes], embeds: Embeds, find: Callable[[str], Picture | None]
) -> Outcome | _Ready:
    """Read one open file: recognise it by its content, or decode it for the network.

    Args:
        path: as it will stand in the library.
        file: a file on the disk, open for reading in binary.
        embeds: the network that it is prepared for.
        find: gives the picture with an id, if it has an embedding already.

    Raises:
        OSError: the file system fails.
    """
    stamp = _stamp(file)
    if not sniff(file.read(HEAD_BYTES)) and not looks_like_picture(path):
        return _skipped(path, stamp, SkipKind.NO_PICTURE, "it is no picture")
    if stamp.size == 0:
        return _skipped(path, stamp, SkipKind.DAMAGED, "the file is empty")
    id_ = content_id(file)
    known = find(id_)
    if known:
        return Outcome(Entry(path, stamp, known))
    try:
        decoded = decode(file, embeds.decode_side)
    except UnusableError as error:
        return Outcome(Entry(path, stamp, skip=error.skip))
    if _stamp(file) != stamp:
        return _skipped(path, stamp, SkipKind.CHANGING, "it changed while it was read")
    picture = Picture(id_, decoded.format, decoded.width, decoded.height, decoded.taken)
    return _Ready(path, stamp, picture, embeds.prepare(decoded.image))


def _stamp(file: IO[bytes]) -> Stamp:
    found = os.fstat(file.fileno())
    return Stamp(found.st_size, found.st_mtime_ns)


def _skipped(path: str, stamp: Stamp, kind: SkipKind, reason: str) -> Outcome:
    return Outcome(Entry(path, stamp, skip=Skip(kind, reason)))


def embed_files(
    root: Path,
    changes: Iterable[Change],
    embeds: Embeds,
    find: Callable[[str], Picture | None],
    threads: int,
) -> Generator[Outcome, None, None]:
    """Embed the files that changes speak of, on so many threads, in no particular order.

    Closing the iterator stops the threads after the picture that each is at, and waits for that
    half a second at most: a large picture may take longer.

    Args:
        root: the library's folder.
        changes: none of them GONE or UNCHANGED. Is read by one thread at a time.
        embeds: the network; each call should keep to one core.
        find: as in `read_picture`. Safe from any thread.
        threads: at least 1.

    Yields:
        one outcome for each change.
    """
    run = _Run(root, iter(changes), embeds, find, threads)
    try:
        yield from run.outcomes()
    finally:
        run.stop()


class _Run:
    def __init__(
        self,
        root: Path,
        changes: Iterator[Change],
        embeds: Embeds,
        find: Callable[[str], Picture | None],
        threads: int,
    ) -> None:
        self.root = root
        self.changes = changes
        self.taking = threading.Lock()
        self.embeds = embeds
        self.find = find
        self.stopped = threading.Event()
        # Bounded: a disk slower than the network must not fill the memory.
        self.results: queue.Queue[list[Outcome] | BaseException | None] = queue.Queue(2 * threads)
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def outcomes(self) -> Iterator[Outcome]:
        for thread in self.threads:
            thread.start()
        working = len(self.threads)
        while working:
            result = self.results.get()
            if result is None:
                working -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield from result

    def stop(self) -> None:
        """Tell the threads to end, and give them a moment.

        A process that ends while a thread is inside ONNX Runtime is aborted.
        """
        self.stopped.set()
        patience = time.monotonic() + _PATIENCE_SECONDS
        for thread in self.threads:
            if thread.ident:
                thread.join(max(0.0, patience - time.monotonic()))

    def _work(self) -> None:
        try:
            waiting: list[_Ready] = []
            while not self.stopped.is_set() and (change := self._take()):
                result = self._read(change)
                if isinstance(result, Outcome):
                    self._give([result])
                    continue
                waiting.append(result)
                if len(waiting) == self.embeds.batch:
                    self._give(self._embed(waiting))
                    waiting = []
            if waiting and not self.stopped.is_set():
                self._give(self._embed(waiting))
            self._give(None)
        except BaseException as error:  # noqa: BLE001 - it is raised again where outcomes are read
            self._give(error)

    def _take(self) -> Change | None:
        with self.taking:
            return next(self.changes, None)

    def _give(self, result: list[Outcome] | BaseException | None) -> None:
        while not self.stopped.is_set():
            try:
                self.results.put(result, timeout=0.1)
            except queue.Full:
                continue
            return

    def _read(self, change: Change) -> Outcome | _Ready:
        try:
            with (self.root / change.path).open("rb") as file:
                return read_picture(change.path, file, self.embeds, self.find)
        except FileNotFoundError:
            reason = "it was gone when it was to be read"
        except OSError as error:
            reason = f"it cannot be read: {error.strerror or error}"
        return _skipped(change.path, change.stamp, SkipKind.UNREADABLE, reason)

    def _embed(self, waiting: list[_Ready]) -> list[Outcome]:
        embeddings = self.embeds.embed([ready.pixels for ready in waiting])
        return [
            _placed(ready, embedding) for ready, embedding in zip(waiting, embeddings, strict=True)
        ]


def _placed(ready: _Ready, embedding: Vector) -> Outcome:
    largest = np.abs(embedding).max()
    if 0 < largest <= LARGEST:
        return Outcome(Entry(ready.path, ready.stamp, ready.picture), embedding)
    reason = "the network gives no embedding for it (zero, not a number, or too large)"
    return _skipped(ready.path, ready.stamp, SkipKind.DAMAGED, reason)
