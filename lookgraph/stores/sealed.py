"""The files of a space's index: its parts, and a manifest that names them.

All of it can be made again from the rows. A part is written aside, synced and renamed, and never
changed; the manifest is replaced last, in one step. What it does not name is a leftover.
"""

import json
import os
import threading
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from lookgraph.errors import LibraryDamagedError, LibraryFormatError, MissingExtraError
from lookgraph.index import codes
from lookgraph.index.coded import Effort, Sealed
from lookgraph.index.codes import Codebook
from lookgraph.stores.base import IndexStatus
from lookgraph.stores.records import StoredSpace
from lookgraph.stores.rows import sync_folder
from lookgraph.types import IndexKind, Integers

INDEX_FOLDER = "index"
_FORMAT = 1
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A file of an index.

    Attributes:
        name: in the index's folder.
        bytes: its size.
        checksum: the CRC-32 of its content.
        rows: how many rows it is of.
    """

    name: str
    bytes: int
    checksum: int
    rows: int


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
    try:
        told = json.loads(file.read_bytes())
        if told["format"] > _FORMAT:
            raise LibraryFormatError(
                f"{file} has format {told['format']}; this Lookgraph knows up to {_FORMAT}. "
                "Install a newer one (pip install --upgrade lookgraph), or search exactly: --exact."
            )
        if told.pop("checksum") != _checksum(told):
            raise ValueError("its checksum is another")
        manifest = _as_manifest(told)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LibraryDamagedError(f"{file} is damaged: {error!r}.") from None
    if (manifest.space, manifest.generation) != (stored.space.name, stored.generation):
        raise LibraryDamagedError(f"{file} is of another space: {manifest.space}.")
    return manifest


def _as_manifest(told: dict[str, Any]) -> Manifest:
    return Manifest(
        space=str(told["space"]),
        generation=int(told["generation"]),
        trained_on=int(told["trained_on"]),
        covered=int(told["covered"]),
        codebook=_as_part(told["codebook"]),
        segments=tuple(_as_part(part) for part in told["segments"]),
        dropped=_as_part(told["dropped"]) if told["dropped"] else None,
        efforts=tuple(Effort(**effort) for effort in told["efforts"]),
    )


def _as_part(told: dict[str, Any]) -> Part:
    part = Part(str(told["name"]), int(told["bytes"]), int(told["checksum"]), int(told["rows"]))
    if Path(part.name).name != part.name:
        raise ValueError(f"{part.name} is no name of a file")
    return part


def _checksum(told: dict[str, Any]) -> int:
    """The CRC-32 of what a manifest tells, however it is spaced."""
    return zlib.crc32(json.dumps(told, sort_keys=True).encode())


def write_manifest(folder: Path, stored: StoredSpace, manifest: Manifest) -> None:
    """Put it in place of the one before."""
    file = manifest_file(folder, stored)
    aside = file.with_name(file.name + ".new")
    told = {"format": _FORMAT, **asdict(manifest)}
    with aside.open("w") as out:
        json.dump({**told, "checksum": _checksum(told)}, out)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
    sync_folder(file.parent)


class _Summing:
    """A file that is written to, with the checksum of what was."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self.checksum = 0
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self.checksum = zlib.crc32(data, self.checksum)
        self.bytes += len(data)
        return self._out.write(data)


def write_part(folder: Path, name: str, rows: int, write: Callable[[Any], None]) -> Part:
    """Write a part of an index whole, or nothing.

    Args:
        folder: the library's.
        name: the part's.
        rows: how many rows it is of.
        write: is given a file to write to.
    """
    file = folder / INDEX_FOLDER / name
    aside = file.with_name(name + ".new")
    with aside.open("wb") as out:
        summing = _Summing(out)
        write(summing)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
    return Part(name, summing.bytes, summing.checksum, rows)


def check_part(folder: Path, part: Part) -> Path:
    """The file of a part, if it is what was written.

    Raises:
        FileNotFoundError: it is not there.
        LibraryDamagedError: it is something else.
    """
    file = folder / INDEX_FOLDER / part.name
    checksum, size = 0, 0
    with file.open("rb", buffering=0) as opened:
        block = bytearray(_BLOCK)
        view = memoryview(block)
        while read := opened.readinto(block):
            checksum, size = zlib.crc32(view[:read], checksum), size + read
    if (checksum, size) != (part.checksum, part.bytes):
        raise LibraryDamagedError(f"{file} is not what was written to it.")
    return file


def write_codebook(folder: Path, name: str, codebook: Codebook) -> Part:
    """Keep a codebook as a part."""
    return write_part(folder, name, 0, lambda out: codes.write_codebook(codebook, out))


def write_dropped(folder: Path, name: str, dropped: Integers) -> Part | None:
    """Keep the numbers of rows that are in no segment, if there are any."""
    if not len(dropped):
        return None
    return write_part(folder, name, len(dropped), lambda out: out.write(dropped.tobytes()))


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
    held = dict(zip(before[0].segments, before[1].segments, strict=True)) if before else {}
    if before and before[0].codebook == manifest.codebook:
        codebook = before[1].codebook
    else:
        codebook = codes.read_codebook(check_part(folder, manifest.codebook), stored.space.metric)
    dropped = np.empty(0, np.int64)
    if manifest.dropped:
        dropped = np.fromfile(check_part(folder, manifest.dropped), np.int64)
    return Sealed(
        codebook,
        tuple(
            held[part] if part in held else codes.read(check_part(folder, part))
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
            check_part(folder, part)
    except FileNotFoundError as error:
        return f"{error.filename} is missing"
    except LibraryDamagedError as error:
        return str(error)
    return None
