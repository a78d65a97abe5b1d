"""Making and renewing a space's index, beside its readers. Only the holder of the lock does."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookgraph.errors import LibraryDamagedError, MissingExtraError, UsageError
from lookgraph.index import codes, effort, exact, projection
from lookgraph.index.coded import Sealed
from lookgraph.index.codes import Codebook, Segment
from lookgraph.stores import sealed as files
from lookgraph.stores.derived import Part, sweep, write_part
from lookgraph.stores.records import StoredSpace, live_rows
from lookgraph.stores.rows import RowFile, blocks
from lookgraph.stores.sealed import INDEX_FOLDER, Manifest
from lookgraph.types import IndexKind, Integers, Matrix

_NOTICED = 0.01
"""Seconds that nobody notices: as long as exact search takes no more, there is no index."""

_FEWEST = 5_000
"""Fewer rows are not worth an index, however slow the machine."""

_TIMED = 20_000
"""Rows that exact search is timed on."""

_TIMES = 4

_LOOSE = 1_000
"""So many new rows are scanned exactly before they become a segment: 0.4 ms."""

_SEGMENTS = 4
_GROWN = 4
"""A codebook serves until there are so many times the rows that it was made for."""

_DIRECTIONS = 50_000
"""Rows that the directions of a projection are found from, at most."""

_SEED = 0


class Sealer:
    """Renews the index of one space."""

    def __init__(
        self,
        folder: Path,
        database: sqlite3.Connection,
        stored: StoredSpace,
        progress: Callable[[float], None],
    ) -> None:
        self._folder = folder
        self._database = database
        self._stored = stored
        self._progress = progress
        self._rows = RowFile(stored.file(folder), stored.row_count, stored.space.dimension)

    def renew(self, kind: IndexKind) -> None:
        """Make the index what it should be: there or not, and covering almost all rows.

        Args:
            kind: what was asked for; ``AUTO`` makes one where exact search would be slow.

        Raises:
            LibraryFormatError: a newer Lookgraph made the index.
            MissingExtraError: an index is asked for, and FAISS is not installed.
        """
        if kind is IndexKind.IVF and not codes.is_installed():
            raise MissingExtraError("an index", "faiss")
        if kind is IndexKind.EXACT:
            remove_index(self._folder, self._stored)
        elif codes.is_installed():
            self._renew(kind)

    def _renew(self, kind: IndexKind) -> None:
        opened = self._opened()
        is_wanted = self._live().any() and (
            kind is IndexKind.IVF or self._is_worth_it(has_one=opened is not None)
        )
        if not is_wanted:
            remove_index(self._folder, self._stored)
        elif opened is None or self._stored.row_count > _GROWN * opened[0].trained_on:
            self._build()
        elif self._stored.row_count - opened[0].covered > _LOOSE:
            self._extend(*opened)

    def _opened(self) -> tuple[Manifest, Sealed] | None:
        """The index as it is; None if there is none that can be used."""
        with suppress(LibraryDamagedError, FileNotFoundError):
            if manifest := files.read_manifest(self._folder, self._stored):
                return manifest, files.open_sealed(self._folder, self._stored, manifest)
        return None

    def _is_worth_it(self, *, has_one: bool) -> bool:
        # What is there stays until it is clearly not worth it any more.
        share = 0.5 if has_one else 1.0
        if self._stored.row_count < share * _FEWEST:
            return False
        return seconds_of_exact_search(self._rows, self._stored) > share * _NOTICED

    def _build(self) -> None:
        (self._folder / INDEX_FOLDER).mkdir(exist_ok=True)
        count = self._stored.row_count
        live = np.flatnonzero(self._live())
        lists = codes.lists_for(len(live))
        generator = np.random.default_rng(_SEED)
        chosen = generator.permutation(live)[: max(codes.sample_size(lists), _DIRECTIONS)]
        few = self._take(np.sort(chosen[:_DIRECTIONS]))
        self._progress(0.0)
        space = self._stored.space
        rotation = projection.principal(few, space.metric)
        sample = [
            rotation.of_rows(self._take(part))
            for part in _parts(np.sort(chosen[: codes.sample_size(lists)]))
        ]
        self._progress(0.1)
        codebook = codes.train(rotation, np.concatenate(sample), lists, _SEED)
        self._progress(0.4)
        segment = self._encode(codebook, 0, count)
        self._progress(0.8)
        efforts = effort.measure(self._rows, codebook, segment, space.metric, _SEED)
        number = self._next_number()
        manifest = Manifest(
            space=space.name,
            generation=self._stored.generation,
            trained_on=count,
            covered=count,
            codebook=files.write_codebook(self._folder, self._name(number, "codebook"), codebook),
            segments=(self._write(segment, number),),
            dropped=self._write_dropped([segment], count, number),
            efforts=efforts,
        )
        files.write_manifest(self._folder, self._stored, manifest)
        self._progress(1.0)

    def _extend(self, manifest: Manifest, sealed: Sealed) -> None:
        count = self._stored.row_count
        segments = [*sealed.segments, self._encode(sealed.codebook, sealed.covered, count)]
        number = self._next_number()
        parts: list[Part | None] = [*manifest.segments, None]
        # The last two, until each is much larger than those behind it.
        while len(segments) > 1 and (
            len(segments) > _SEGMENTS or len(segments[-2]) < _GROWN * len(segments[-1])
        ):
            segments[-2:] = [codes.merge(sealed.codebook, segments[-2:], self._staying())]
            parts[-2:] = [None]
        written = tuple(
            part or self._write(segment, number)
            for part, segment in zip(parts, segments, strict=True)
        )
        dropped = self._write_dropped(segments, count, number)
        renewed = replace(manifest, segments=written, covered=count, dropped=dropped)
        files.write_manifest(self._folder, self._stored, renewed)
        self._progress(1.0)

    def carry_over(self, renewed: StoredSpace, renumbered: Integers) -> None:
        """Write the index of the next generation of rows, before the database names it.

        Args:
            renewed: the space as it will be.
            renumbered: the new number of each row, or -1 for one that goes.
        """
        opened = self._opened() if codes.is_installed() else None
        if opened is None:
            return
        manifest, sealed = opened
        covered = int((renumbered[: sealed.covered] >= 0).sum())
        merged = codes.merge(sealed.codebook, sealed.segments, renumbered)
        number = self._next_number()
        manifest = replace(
            manifest,
            generation=renewed.generation,
            covered=covered,
            segments=(self._write(merged, number),),
            dropped=self._write_dropped([merged], covered, number),
        )
        files.write_manifest(self._folder, renewed, manifest)

    def _live(self) -> NDArray[np.bool_]:
        """Which rows are of pictures that have files, shape (rows,)."""
        return live_rows(self._database, self._stored.number, self._stored.row_count)

    def _staying(self) -> Integers:
        """As `codes.merge` takes it, where the rows of pictures without files go."""
        return np.where(self._live(), np.arange(self._stored.row_count), -1)

    def _take(self, numbers: Integers) -> Matrix:
        """Rows as float32; those that are damaged as zeros."""
        rows = self._rows.take(numbers).astype(np.float32)
        rows[~np.isfinite(rows).all(axis=1)] = 0
        return rows

    def _encode(self, codebook: Codebook, start: int, stop: int) -> Segment:
        return codes.encode(codebook, self._usable(start, stop))

    def _usable(self, start: int, stop: int) -> Iterator[tuple[Integers, Matrix]]:
        """The rows that go into a segment: of pictures with files, and with numbers alone."""
        live = self._live()
        for block in blocks(stop - start):
            first, last = start + block.start, start + block.stop
            rows = self._rows.part(first, last).astype(np.float32)
            usable = live[first:last] & np.isfinite(rows).all(axis=1) & rows.any(axis=1)
            yield first + np.flatnonzero(usable), rows[usable]

    def _name(self, number: int, what: str) -> str:
        return f"{self._stored.space.name}.{number}.{what}"

    def _next_number(self) -> int:
        """One that no file has: a reader may have any of them open."""
        taken = [0]
        for file in (self._folder / INDEX_FOLDER).iterdir():
            with suppress(ValueError, IndexError):
                taken.append(int(file.name.split(".")[-2]))
        return max(taken) + 1

    def _write(self, segment: Segment, number: int) -> Part:
        name = self._name(number, "ivf")
        folder = self._folder / INDEX_FOLDER
        return write_part(folder, name, len(segment), lambda out: codes.write(segment, out))

    def _write_dropped(self, segments: list[Segment], count: int, number: int) -> Part | None:
        mask = np.ones(count, np.bool_)
        for segment in segments:
            mask[codes.numbers_of(segment)] = False
        name = self._name(number, "dropped")
        return files.write_dropped(self._folder, name, np.flatnonzero(mask))


def check_kind(kind: IndexKind) -> None:
    """Refuse what only a server can search by.

    Raises:
        UsageError: it is such a way.
    """
    if kind in (IndexKind.HNSW, IndexKind.GDS):
        raise UsageError(
            f"An index of kind {kind} is for libraries in Neo4j. One in a folder has auto, exact "
            "or ivf."
        )


def seconds_of_exact_search(rows: RowFile, stored: StoredSpace) -> float:
    """How long exact search takes on this machine, from a part of the rows."""
    some = rows.mapped[:_TIMED]
    query = np.ones(stored.space.dimension, np.float32)

    def seconds() -> float:
        began = time.perf_counter()
        exact.nearest(some, query, 1, stored.space.metric)
        return time.perf_counter() - began

    # The first also reads the file; and whatever else the machine does only ever adds.
    return min(seconds() for _ in range(_TIMES)) * stored.row_count / len(some)


def remove_index(folder: Path, stored: StoredSpace) -> None:
    """Make a space have none."""
    files.manifest_file(folder, stored).unlink(missing_ok=True)


def remove_leftovers(folder: Path, spaces: Sequence[StoredSpace]) -> None:
    """Delete what a crash left, and what no sound index of these spaces, which are all, names."""
    sweep(folder / INDEX_FOLDER, lambda: (name for one in spaces for name in _names(folder, one)))


def _names(folder: Path, stored: StoredSpace) -> Iterator[str]:
    """The names of the files of a space's index."""
    with suppress(LibraryDamagedError):
        manifest = files.read_manifest(folder, stored)
        # An index of more rows than there are is of another past: a backup was put back.
        if manifest and manifest.covered <= stored.row_count:
            yield files.manifest_file(folder, stored).name
            yield from (part.name for part in manifest.parts)


def _parts(numbers: Integers) -> Iterator[Integers]:
    return (numbers[block] for block in blocks(len(numbers)))
