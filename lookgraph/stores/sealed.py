"""The files of a space's index: its parts, and the manifest that names them."""

import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lookgraph.errors import LibraryDamagedError, LibraryFormatError, MissingExtraError
from lookgraph.index import codes
from lookgraph.index.coded import Effort, Sealed
from lookgraph.index.codes import Codebook
from lookgraph.stores.base import IndexStatus
from lookgraph.stores.derived import (
    Part,
    as_part,
    check_part,
    read_told,
    reading,
    write_part,
    write_told,
)
from lookgraph.stores.records import StoredSpace
from lookgraph.types import IndexKind, Integers

INDEX_FOLDER = "index"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index consists of.

    Attributes:
        space: its name.
        generation: of the file of rows that it is of.
        trained_on: how many rows there were when its codebook was made.
        covered: rows from this number on are in no segment.
        codebook: how rows are encoded.
        segments: the codes.
        dropped: the numbers of rows below `covered` that are in no segment.
        efforts: as `lookgraph.index.coded.Sealed` has them.
    """

    space: str
    generation: int
    trained_on: int
    covered: int
    codebook: Part
    segments: tuple[Part, ...]
    dropped: Part | None
    efforts: tuple[Effort, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """All its files."""
        return (self.codebook, *self.segments, *([self.dropped] if self.dropped else []))


def manifest_file(folder: Path, stored: StoredSpace) -> Path:
    """Where the manifest of a space's index is, or would be."""
    return folder / INDEX_FOLDER / f"{stored.space.name}.{stored.generation}.json"


def read_manifest(folder: Path, stored: StoredSpace) -> Manifest | None:
    """The manifest of a space's index; None if there is none.

    Raises:
        LibraryFormatError: a newer Lookgraph made it.
        LibraryDamagedError: it cannot be what was written.
    """
    file = manifest_file(folder, stored)
    with reading(file):
        told = read_told(file, _FORMAT, "or search exactly: --exact")
        if told is None:
            return None
        manifest = _as_manifest(told)
    if (manifest.space, manifest.generation) != (stored.space.name, stored.generation):
        raise LibraryDamagedError(f"{file} is of another space: {manifest.space}.")
    return manifest


def _as_manifest(told: dict[str, Any]) -> Manifest:
    return Manifest(
        space=str(told["space"]),
        generation=int(told["generation"]),
        trained_on=int(told["trained_on"]),
        covered=int(told["covered"]),
        codebook=as_part(told["codebook"]),
        segments=tuple(as_part(part) for part in told["segments"]),
        dropped=as_part(told["dropped"]) if told["dropped"] else None,
        efforts=tuple(Effort(**effort) for effort in told["efforts"]),
    )


def write_manifest(folder: Path, stored: StoredSpace, manifest: Manifest) -> None:
    """Put it in place of the one before."""
    write_told(manifest_file(folder, stored), _FORMAT, asdict(manifest))


def write_codebook(folder: Path, name: str, codebook: Codebook) -> Part:
    """Keep a codebook as a part."""
    return write_part(
        folder / INDEX_FOLDER, name, 0, lambda out: codes.write_codebook(codebook, out)
    )


def write_dropped(folder: Path, name: str, dropped: Integers) -> Part | None:
    """Keep the numbers of rows that are in no segment, if there are any."""
    if not len(dropped):
        return None
    return write_part(
        folder / INDEX_FOLDER, name, len(dropped), lambda out: out.write(dropped.tobytes())
    )


def open_sealed(
    folder: Path,
    stored: StoredSpace,
    manifest: Manifest,
    before: tuple[Manifest, Sealed] | None = None,
) -> Sealed:
    """Open what a manifest names, once each file has been found to be whole.

    Args:
        folder: the library's.
        stored: the space.
        manifest: its index's.
        before: what was opened last: files that are still named are not opened again.

    Raises:
        FileNotFoundError: a file is not there: a writer may have replaced the manifest.
        LibraryDamagedError: a file is not what was written.
    """
    index = folder / INDEX_FOLDER
    held = dict(zip(before[0].segments, before[1].segments, strict=True)) if before else {}
    if before and before[0].codebook == manifest.codebook:
        codebook = before[1].codebook
    else:
        codebook = codes.read_codebook(check_part(index, manifest.codebook), stored.space.metric)
    dropped = np.empty(0, np.int64)
    if manifest.dropped:
        dropped = np.fromfile(check_part(index, manifest.dropped), np.int64)
    return Sealed(
        codebook,
        tuple(
            held[part] if part in held else codes.read(check_part(index, part))
            for part in manifest.segments
        ),
        manifest.covered,
        dropped,
        manifest.efforts,
    )


class Indexes:
    """The indexes of a library that are open: each file is checked once, not at every search."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tuple[tuple[int, int], Manifest, Sealed]] = {}
        self._lock = threading.Lock()

    def open(self, stored: StoredSpace) -> Sealed | None:
        """The index of a space as its manifest now names it; None if there is none.

        Raises:
            FileNotFoundError: as `open_sealed`.
            LibraryDamagedError: the manifest or a file of it is damaged.
            LibraryFormatError: a newer Lookgraph made it.
            MissingExtraError: FAISS is not installed.
        """
        file = manifest_file(self._folder, stored)
        with self._lock:
            try:
                found = file.stat()
            except FileNotFoundError:
                self._open.pop(stored.space.name, None)
                return None
            state = (found.st_ino, found.st_mtime_ns)
            known = self._open.get(stored.space.name)
            if known is None or known[0] != state:
                known = (state, *self._opened(stored, known and known[1:]))
                self._open[stored.space.name] = known
        # Where a view of the database is older than the manifest, codes may name too much.
        return known[2] if known[2].covered <= stored.row_count else None

    def _opened(
        self, stored: StoredSpace, before: tuple[Manifest, Sealed] | None
    ) -> tuple[Manifest, Sealed]:
        if not codes.is_installed():
            raise MissingExtraError("the index of the library", "faiss")
        manifest = read_manifest(self._folder, stored)
        if manifest is None:
            raise FileNotFoundError
        return manifest, open_sealed(self._folder, stored, manifest, before)


def index_status(folder: Path, stored: StoredSpace, wanted: IndexKind) -> IndexStatus:
    """How a space is searched, by what its manifest says."""
    try:
        manifest = read_manifest(folder, stored)
        if manifest is None:
            return IndexStatus(wanted, IndexKind.EXACT)
        if not codes.is_installed():
            raise MissingExtraError("the index of the library", "faiss")
        if manifest.covered > stored.row_count:
            raise LibraryDamagedError("The index is of more embeddings than there are.")
    except (LibraryDamagedError, LibraryFormatError, MissingExtraError) as error:
        return IndexStatus(wanted, IndexKind.EXACT, fault=str(error))
    return IndexStatus(
        wanted,
        IndexKind.IVF,
        rows=sum(part.rows for part in manifest.segments),
        segments=len(manifest.segments),
        bytes=sum(part.bytes for part in manifest.parts),
    )


def index_fault(folder: Path, stored: StoredSpace) -> str | None:
    """What is wrong with a space's index, after every byte of it was looked at."""
    status = index_status(folder, stored, IndexKind.AUTO)
    if status.fault:
        return status.fault
    try:
        manifest = read_manifest(folder, stored)
        for part in manifest.parts if manifest else ():
            check_part(folder / INDEX_FOLDER, part)
    except FileNotFoundError as error:
        return f"{error.filename} is missing"
    except LibraryDamagedError as error:
        return str(error)
    return None
