"""Files of what can be made again from the rows: parts, and a manifest that names them.

A part is written aside, synced and renamed, and never changed; the manifest is replaced last, in
one step. What it does not name is a leftover.
"""

import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lookgraph.errors import LibraryDamagedError, LibraryFormatError
from lookgraph.stores.rows import sync_folder

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A file of what is derived.

    Attributes:
        name: in its folder.
        bytes: its size.
        checksum: the CRC-32 of its content.
        rows: how many rows it is of.
    """

    name: str
    bytes: int
    checksum: int
    rows: int


def as_part(told: dict[str, Any]) -> Part:
    """A part as a manifest tells of it.

    Raises:
        ValueError: it names a file elsewhere.
        KeyError: it lacks something.
    """
    part = Part(str(told["name"]), int(told["bytes"]), int(told["checksum"]), int(told["rows"]))
    if Path(part.name).name != part.name:
        raise ValueError(f"{part.name} is no name of a file")
    return part


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """What a manifest tells is taken apart here.

    Raises:
        LibraryDamagedError: it cannot be what was written.
    """
    try:
        yield
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LibraryDamagedError(f"{file} is damaged: {error!r}.") from None


def read_told(file: Path, known: int, instead: str) -> dict[str, Any] | None:
    """What a manifest tells; None if there is none. To be called within `reading`.

    Args:
        file: the manifest.
        known: the newest format that is known.
        instead: what can be done where it is newer.

    Raises:
        LibraryFormatError: a newer Lookgraph made it.
        ValueError: it is not what was written.
    """
    try:
        told: dict[str, Any] = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    if told["format"] > known:
        raise LibraryFormatError(
            f"{file} has format {told['format']}; this Lookgraph knows up to {known}. "
            f"Install a newer one (pip install --upgrade lookgraph), {instead}."
        )
    if told.pop("checksum") != _checksum(told):
        raise ValueError("its checksum is another")
    return told


def write_told(file: Path, format_: int, told: dict[str, Any]) -> None:
    """Put a manifest in place of the one before."""
    aside = file.with_name(file.name + ".new")
    told = {"format": format_, **told}
    with aside.open("w") as out:
        json.dump({**told, "checksum": _checksum(told)}, out)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
    sync_folder(file.parent)


def _checksum(told: dict[str, Any]) -> int:
    """The CRC-32 of what a manifest tells, however it is spaced."""
    return zlib.crc32(json.dumps(told, sort_keys=True).encode())


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
    """Write a part whole, or nothing.

    Args:
        folder: where to.
        name: the part's.
        rows: how many rows it is of.
        write: is given a file to write to.
    """
    file = folder / name
    aside = file.with_name(name + ".new")
    with aside.open("wb") as out:
        summing = _Summing(out)
        write(summing)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
    return Part(name, summing.bytes, summing.checksum, rows)


def check_size(folder: Path, part: Part) -> None:
    """Make sure that a part is there, and has its size.

    Raises:
        FileNotFoundError: it is not there.
        LibraryDamagedError: it is longer or shorter.
    """
    file = folder / part.name
    if file.stat().st_size != part.bytes:
        raise LibraryDamagedError(f"{file} is not what was written to it.")


def check_part(folder: Path, part: Part) -> Path:
    """The file of a part, if it is what was written.

    Raises:
        FileNotFoundError: it is not there.
        LibraryDamagedError: it is something else.
    """
    file = folder / part.name
    checksum, size = 0, 0
    with file.open("rb", buffering=0) as opened:
        block = bytearray(_BLOCK)
        view = memoryview(block)
        while read := opened.readinto(block):
            checksum, size = zlib.crc32(view[:read], checksum), size + read
    if (checksum, size) != (part.checksum, part.bytes):
        raise LibraryDamagedError(f"{file} is not what was written to it.")
    return file


def sweep(place: Path, names: Callable[[], Iterable[str]]) -> None:
    """Delete all files in a folder but those with some names; and the folder, if none has one.

    Args:
        place: the folder, which need not be there.
        names: tells them. If a newer Lookgraph has written there, nothing is known to be left over.
    """
    if not place.is_dir():
        return
    try:
        named = set(names())
    except LibraryFormatError:
        return
    for file in place.iterdir():
        if file.name not in named:
            with suppress(PermissionError):  # Windows keeps what a reader has open; next time
                file.unlink(missing_ok=True)
    if not named:
        with suppress(OSError):
            place.rmdir()
