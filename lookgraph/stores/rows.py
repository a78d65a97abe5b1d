"""The file of a space's embeddings: float16, little-endian, one row after another, no header.

Rows are only ever appended. What the database does not name is no row: the tail that a crash
left is written over by the next append.
"""

import os
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookgraph.errors import LibraryDamagedError
from lookgraph.types import Array, Integers, Rows

_DTYPE = np.dtype("<f2")
_BLOCK = 4096


def read_rows(file: Path, count: int, dimension: int) -> Rows:
    """Map the first rows of a file into memory, read-only, shape (count, dimension).

    Raises:
        FileNotFoundError: there is no such file, and it should have rows.
        LibraryDamagedError: it holds fewer rows.
    """
    check_rows(file, count, dimension)
    if count == 0:
        return np.empty((0, dimension), np.float16)
    return np.memmap(file, _DTYPE, "r", shape=(count, dimension))


def check_rows(file: Path, count: int, dimension: int) -> int:
    """Make sure that a file still has so many rows: to look past its end would end the process.

    Returns:
        what tells it from another file of the same name; 0 where there are no rows.

    Raises:
        FileNotFoundError: there is no such file, and it should have rows.
        LibraryDamagedError: it holds fewer rows.
    """
    if count == 0:
        return 0
    found, wanted = file.stat(), count * dimension * _DTYPE.itemsize
    if found.st_size < wanted:
        raise LibraryDamagedError(
            f"{file} has {found.st_size} of {wanted} bytes. Run `lookgraph doctor --repair`."
        )
    return found.st_ino


def surviving_rows(file: Path, count: int, dimension: int) -> Rows:
    """As `read_rows`, but of a file that has lost its end, whatever is left."""
    whole = file.stat().st_size // (dimension * _DTYPE.itemsize) if count else 0
    return read_rows(file, min(count, whole), dimension)


class RowFile:
    """The first rows of a file: mapped for who looks at all, read for who looks at a few.

    What is mapped counts as the process's memory once it was touched, and a page brings its
    neighbours with it; reading leaves it to the system what to keep.
    """

    def __init__(self, file: Path, count: int, dimension: int) -> None:
        """Open it.

        Raises:
            FileNotFoundError: as `read_rows`.
            LibraryDamagedError: likewise.
        """
        self.mapped = read_rows(file, count, dimension)
        self._dimension = dimension
        self._bytes = dimension * _DTYPE.itemsize
        self._handle = os.open(file, os.O_RDONLY) if count and hasattr(os, "preadv") else None
        if self._handle is not None:
            weakref.finalize(self, os.close, self._handle)

    def take(self, numbers: Integers) -> Rows:
        """The rows with these numbers, shape (len(numbers), dimension)."""
        if self._handle is None:
            return self.mapped[numbers]
        # Into one place from the start: to join what was read takes twice as long as reading it.
        taken = np.empty((len(numbers), self._dimension), _DTYPE)
        for row, at in zip(taken.view(np.uint8), (numbers * self._bytes).tolist(), strict=True):
            os.preadv(self._handle, [row.data], at)
        return taken

    def part(self, start: int, stop: int) -> Rows:
        """The rows from one number up to another."""
        if self._handle is None:
            return self.mapped[start:stop]
        read = os.pread(self._handle, (stop - start) * self._bytes, start * self._bytes)
        return np.frombuffer(read, _DTYPE).reshape(-1, self._dimension)


@dataclass(frozen=True, slots=True)
class MappedRows:
    """Rows for who looks at so many that they are better mapped than read.

    Attributes:
        mapped: all of them, shape (n, d).
    """

    mapped: Rows

    def take(self, numbers: Integers) -> Rows:
        """The rows with these numbers, shape (len(numbers), d)."""
        return self.mapped[numbers]


def append_rows(file: Path, count: int, embeddings: Array) -> list[int]:
    """Write embeddings, shape (n, d), after the first ``count`` rows, and sync them to the disk.

    Returns:
        the checksum of each as stored.

    Raises:
        OSError: the disk is full, for one; the first ``count`` rows are as they were.
        LibraryDamagedError: the file holds fewer rows than ``count``.
    """
    stored = np.ascontiguousarray(embeddings, _DTYPE)
    start = count * stored.shape[1] * _DTYPE.itemsize
    is_new = not file.exists()
    with file.open("wb" if is_new else "r+b") as out:
        if out.seek(0, os.SEEK_END) < start:
            raise LibraryDamagedError(f"{file} has lost rows. Run `lookgraph doctor --repair`.")
        out.seek(start)
        out.truncate()
        out.write(stored.tobytes())
        out.flush()
        os.fsync(out.fileno())
    if is_new:
        sync_folder(file.parent)
    return checksums(stored)


def checksums(stored: Rows) -> list[int]:
    """The CRC-32 (ISO 3309, as in zlib) of each row's bytes."""
    return [zlib.crc32(row.tobytes()) for row in stored]


def is_whole(rows: Rows, row: int, checksum: int) -> bool:
    """Whether a row is there and has the checksum that it was stored with."""
    return row < len(rows) and checksums(rows[row : row + 1]) == [checksum]


def copy_rows(rows: Rows, keep: Array, file: Path) -> None:
    """Write the rows with these numbers to a new file, in this order, and sync it."""
    with file.open("wb") as out:
        for block in blocks(len(keep)):
            out.write(rows[keep[block]].tobytes())
        out.flush()
        os.fsync(out.fileno())
    sync_folder(file.parent)


def blocks(count: int) -> Iterator[slice]:
    """Slices that together cover ``range(count)``, so that no more is in memory than one."""
    return (slice(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK))


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power, where the platform has a way to."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
