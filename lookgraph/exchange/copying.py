"""One library brought into another, whatever keeps either: pictures, verdicts, and how to search.

What is in the other already is not written again, so a copy that broke off is done again and goes
on where it was. At the end both are read and compared, picture by picture, by a checksum.
"""

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from lookgraph.errors import LibraryDamagedError, UsageError
from lookgraph.stores.base import Embedded, Store, Writer
from lookgraph.types import Space, Stamp, Vector

_AT_ONCE = 500
"""Pictures that are written together: what a crash can lose."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, to how many pictures, and of how many."""

WRITING, CHECKING = "writing", "checking"


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did.

    Attributes:
        pictures: embeddings that were written, over all spaces.
        there: that were there already.
        other: of these, the ones that the other library has other numbers for: it keeps its own.
        files: that were written because they were not there, or had changed, or were left out.
        verdicts: that were written.
        graphs: the spaces whose graph was made or renewed there.
        seconds: that all of it took.
    """

    pictures: int = 0
    there: int = 0
    other: int = 0
    files: int = 0
    verdicts: int = 0
    graphs: tuple[str, ...] = ()
    seconds: float = 0.0


def copy_library(source: Store, target: Store, progress: Progress, *, exactly: bool) -> Copied:
    """Bring all of a library into another, made if need be.

    Args:
        source: is only read.
        target: what it has of its own stays, where it is not another version of the same.
        progress: told how far it is.
        exactly: what the source does not have leaves the target; otherwise the later verdict of
            two counts.

    Raises:
        UsageError: both are the same.
        LibraryNotFoundError: there is no source.
        LibraryLockedError: somebody else is writing to the target.
        LibraryDamagedError: in the end the target lacks a picture that the source has.
    """
    if source.place == target.place:
        raise UsageError(f"{source.place} cannot be copied into itself.")
    started = time.perf_counter()
    spaces = source.spaces()
    with target.write() as writer:
        if not target.spaces():
            writer.remember(source.root, source.patterns)
        for space in spaces:  # in their order
            writer.add_space(space, source.network(space))
        written = [_Space(source, target, writer, space, progress) for space in spaces]
        files = _skipped(source, target, writer, spaces)
        for one in written:
            files += one.write()
        if exactly:
            _forget(source, target, writer, spaces)
        verdicts = _verdicts(source, target, writer, exactly=exactly)
        graphs = tuple(space.name for space in spaces if _graph(source, writer, space))
    for one in written:
        one.check()
    return Copied(
        sum(one.fresh for one in written),
        sum(one.there for one in written),
        sum(one.other for one in written),
        files,
        verdicts,
        graphs,
        time.perf_counter() - started,
    )


class _Space:
    """The pictures of one space."""

    def __init__(
        self, source: Store, target: Store, writer: Writer, space: Space, progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._writer = writer
        self._space = space
        self._progress = progress
        self._total = _count(source, space)
        self._sums: dict[str, int] = {}
        self.fresh = self.there = self.other = 0

    def write(self) -> int:
        """Write what is not there; how many files that were."""
        known = _known(self._target, self._space)
        files, done = 0, 0
        for batch in _batches(self._source.embedded(self._space)):
            lacking = [one for one in batch if not _is_known(one, known)]
            self._sums |= {one.picture.id: _sum(one.embedding) for one in batch}
            found = [self._writer.find(self._space, one.picture.id) for one in lacking]
            new = sum(its is None for its in found)
            self.fresh += new
            self.there += len(batch) - new
            entries = [entry for one in lacking for entry in one.entries]
            if lacking:
                embeddings = {one.picture.id: one.embedding for one in lacking}
                self._writer.commit(self._space, entries, embeddings)
            files += len(entries)
            done += len(batch)
            self._progress(WRITING, done, self._total)
        self._writer.renew_index(self._space, None, lambda _: None)
        return files

    def check(self) -> None:
        """Be sure that all of it is there.

        Raises:
            LibraryDamagedError: it is not.
        """
        lacking, done = dict(self._sums), 0
        for one in self._target.embedded(self._space):
            wanted = lacking.pop(one.picture.id, None)
            if wanted is not None:
                self.other += wanted != _sum(one.embedding)
                done += 1
                if done % _AT_ONCE == 0:
                    self._progress(CHECKING, done, self._total)
        if lacking:
            raise LibraryDamagedError(
                f"{self._target.place} lacks {len(lacking):,} of {len(self._sums):,} pictures that "
                f"were written, such as {next(iter(lacking))}. Somebody else may have changed "
                "one of the libraries: run the command again."
            )


def _count(store: Store, space: Space) -> int:
    return next((its.pictures for its in store.status().spaces if its.space == space), 0)


def _known(store: Store, space: Space) -> dict[str, Stamp]:
    """The files with nothing to be done in a space."""
    return {file.path: file.stamp for file in store.known_files(space) if file.settled}


def _is_known(one: Embedded, known: dict[str, Stamp]) -> bool:
    return all(known.get(entry.path) == entry.stamp for entry in one.entries)


def _batches(pictures: Iterator[Embedded]) -> Iterator[list[Embedded]]:
    while batch := list(islice(pictures, _AT_ONCE)):
        yield batch


def _sum(embedding: Vector) -> int:
    """The CRC-32 of an embedding as libraries keep it."""
    return zlib.crc32(np.ascontiguousarray(embedding, "<f2").tobytes())


def _skipped(source: Store, target: Store, writer: Writer, spaces: tuple[Space, ...]) -> int:
    """Write the files that were left out; how many."""
    if not spaces:
        return 0
    there = {entry.path: entry for entry in target.skipped()}
    waiting = (entry for entry in source.skipped() if there.get(entry.path) != entry)
    count = 0
    while part := list(islice(waiting, _AT_ONCE)):
        count += len(part)
        writer.commit(spaces[0], part, {})
    return count


def _forget(source: Store, target: Store, writer: Writer, spaces: tuple[Space, ...]) -> None:
    if spaces:
        kept = {file.path for file in source.known_files(spaces[0])}
        known = target.known_files(spaces[0])
        writer.forget([file.path for file in known if file.path not in kept])


def _verdicts(source: Store, target: Store, writer: Writer, *, exactly: bool) -> int:
    """Write what was said and is not there, or was said later than that; how much."""
    there = {(its.first, its.second): its for its in target.verdicts()}
    said = source.verdicts()
    count = 0
    for its in said:
        known = there.pop((its.first, its.second), None)
        if known is None or (known != its and (exactly or its.said > known.said)):
            writer.judge(its)
            count += 1
    if exactly:
        for pair in there:
            writer.withdraw(*pair)
    return count


def _graph(source: Store, writer: Writer, space: Space) -> bool:
    """Make the graph that a space has in the source; whether it has one."""
    status = source.graph_status(space)
    if status is None:
        return False
    writer.renew_graph(space, status.wanted, lambda _: None)
    return True
