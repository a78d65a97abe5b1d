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
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Protocol

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
    Wants,
)

_CHUNK = 1 << 20
_PATIENCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file. The embedding is there if it was computed now."""

    entry: Entry
    embedding: Vector | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A picture that waits for the network."""

    path: str
    stamp: Stamp
    picture: Picture
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that can be read.

    Attributes:
        file: open for reading in binary; can be sought in.
        stamp: gives what the file is at the moment. It raises OSError.
    """

    file: IO[bytes]
    stamp: Callable[[], Stamp]


class Source(Protocol):
    """Where files are read from."""

    def open(self, path: str) -> AbstractContextManager[Opened]:
        """Open a file, by its path as it will stand in the library.

        Raises:
            OSError: it cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on the disk, as a source."""

    root: Path

    @contextmanager
    def open(self, path: str) -> Iterator[Opened]:
        """As `Source.open`."""
        with (self.root / path).open("rb") as file:
            yield Opened(file, partial(_stamp, file))


def content_id(file: IO[bytes]) -> str:
    """The SHA-256 (FIPS 180-4) of all that is in a file, in hexadecimal."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def read(
    source: Source,
    path: str,
    stamp: Stamp,
    wants: Wants,
    find: Callable[[str], Picture | None],
) -> Outcome | Ready:
    """Open one file and read it, as `read_picture` does; one that cannot be is left out.

    Args:
        source: where it is.
        path: as it will stand in the library.
        stamp: what it was when it was found.
        wants: what the network sees.
        find: as in `read_picture`.
    """
    try:
        with source.open(path) as opened:
            return read_picture(path, opened, wants, find)
    except FileNotFoundError:
        reason = "it was gone when it was to be read"
    except OSError as error:
        reason = f"it cannot be read: {error.strerror or error}"
    return _skipped(path, stamp, SkipKind.UNREADABLE, reason)


def read_picture(
    path: str, opened: Opened, wants: Wants, find: Callable[[str], Picture | None]
) -> Outcome | Ready:
    """Read one open file: recognise it by its content, or decode it for the network.

    Args:
        path: as it will stand in the library.
        opened: the file.
        wants: what the network sees.
        find: gives the picture with an id, if it has an embedding already.

    Raises:
        OSError: the file system fails.
    """
    file, stamp = opened.file, opened.stamp()
    if not sniff(file.read(HEAD_BYTES)) and not looks_like_picture(path):
        return _skipped(path, stamp, SkipKind.NO_PICTURE, "it is no picture")
    if stamp.size == 0:
        return _skipped(path, stamp, SkipKind.DAMAGED, "the file is empty")
    id_ = content_id(file)
    known = find(id_)
    if known:
        return Outcome(Entry(path, stamp, known))
    try:
        decoded = decode(file, wants.decode_side)
    except UnusableError as error:
        return Outcome(Entry(path, stamp, skip=error.skip))
    if opened.stamp() != stamp:
        return _skipped(path, stamp, SkipKind.CHANGING, "it changed while it was read")
    picture = Picture(id_, decoded.format, decoded.width, decoded.height, decoded.taken)
    return Ready(path, stamp, picture, wants.prepare(decoded.image))


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
        self.source = Folder(root)
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
            waiting: list[Ready] = []
            while not self.stopped.is_set() and (change := self._take()):
                result = read(self.source, change.path, change.stamp, self.embeds, self.find)
                if isinstance(result, Outcome):
                    self._give([result])
                    continue
                waiting.append(result)
                if len(waiting) == self.embeds.batch:
                    self._give(embedded(waiting, self.embeds))
                    waiting = []
            if waiting and not self.stopped.is_set():
                self._give(embedded(waiting, self.embeds))
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


def embedded(waiting: Sequence[Ready], embeds: Embeds) -> list[Outcome]:
    """Embed pictures at one go. One that the network cannot place is left out."""
    embeddings = embeds.embed([ready.pixels for ready in waiting])
    return [_placed(ready, embedding) for ready, embedding in zip(waiting, embeddings, strict=True)]


def _placed(ready: Ready, embedding: Vector) -> Outcome:
    largest = np.abs(embedding).max()
    if 0 < largest <= LARGEST:
        return Outcome(Entry(ready.path, ready.stamp, ready.picture), embedding)
    reason = "the network gives no embedding for it (zero, not a number, or too large)"
    return _skipped(ready.path, ready.stamp, SkipKind.DAMAGED, reason)
