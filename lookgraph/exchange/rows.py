"""One row of an exchanged file, and what is asked of it before it is believed."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np

from lookgraph.errors import ExchangeError, LookgraphError
from lookgraph.stores.base import Store
from lookgraph.types import (
    LARGEST,
    Array,
    Entry,
    Metric,
    Picture,
    Precision,
    Skip,
    SkipKind,
    Space,
    Stamp,
    Vector,
)

_ID = re.compile(r"[0-9a-f]{64}")
_FORMAT = re.compile(r"[A-Za-z0-9]{1,16}")
_TAKEN = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})?")
_FORMAT_VERSION = 1
_MOST_NUMBERS = 1 << 16
"""In an embedding; no network gives nearly as many."""
_LONGEST = 1000
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Row:
    """A file, and its embedding, shape (d,), float32; None if it was left out."""

    entry: Entry
    embedding: Vector | None


@dataclass(frozen=True, slots=True)
class Columns:
    """A row as it stands in a file, not yet believed."""

    path: str
    id: str
    size: int
    mtime_ns: int
    format: str
    width: int
    height: int
    taken: str


NAMES = tuple(field.name for field in fields(Columns))
NUMBERS = frozenset(field.name for field in fields(Columns) if field.type is int)
"""The columns of `Columns`, and those of them that are whole numbers."""


def rows_of(store: Store, space: Space) -> Iterator[Row]:
    """Every file of a library that has an embedding; the files of one picture together."""
    for embedded in store.embedded(space):
        for entry in embedded.entries:
            yield Row(entry, embedded.embedding)


def columns_of(entry: Entry) -> Columns:
    """What is written of a file.

    Raises:
        ValueError: it is no picture.
    """
    picture = entry.picture
    if picture is None:
        raise ValueError(f"{entry.path} is no picture")
    return Columns(
        path=entry.path,
        id=picture.id,
        size=entry.stamp.size,
        mtime_ns=entry.stamp.mtime_ns,
        format=picture.format,
        width=picture.width,
        height=picture.height,
        taken=picture.taken or "",
    )


def checked_entry(columns: Columns) -> Entry:
    """The file that a row speaks of.

    Raises:
        ExchangeError: the path leaves the library's folder, or a value is none of its kind.
    """
    path = checked_path(columns.path)
    if not _ID.fullmatch(columns.id):
        raise ExchangeError(f"{columns.id!r}, the id of {columns.path}, is no SHA-256.")
    if not _FORMAT.fullmatch(columns.format) or not _TAKEN.fullmatch(columns.taken or ""):
        raise ExchangeError(f"The format or date of {columns.path} is none.")
    if columns.mtime_ns is None or columns.size < 0 or min(columns.width, columns.height) < 1:
        raise ExchangeError(f"The size or time of {columns.path} is none.")
    picture = Picture(
        columns.id, columns.format, columns.width, columns.height, columns.taken or None
    )
    return Entry(path, Stamp(columns.size, columns.mtime_ns), picture)


def checked_skip(path: str, stamp: Stamp, kind: str, reason: str) -> Entry:
    """The file that was left out, of which a row speaks.

    Raises:
        ExchangeError: the path leaves the library's folder, or a value is none of its kind.
    """
    if kind not in set(SkipKind) or not isinstance(reason, str) or len(reason) > _LONGEST:
        raise ExchangeError(f"Why {path} was left out is not said as it should be.")
    if stamp.mtime_ns is None or stamp.size < 0:
        raise ExchangeError(f"The size or time of {path} is none.")
    return Entry(checked_path(path), stamp, skip=Skip(SkipKind(kind), reason))


def checked_path(text: str) -> str:
    """A path below the library's folder, as it is kept.

    Raises:
        ExchangeError: it leads elsewhere.
    """
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in text:
        raise ExchangeError(f"{text!r} is no path below the library's folder.")
    return str(path)


def space_as_json(space: Space) -> str:
    """What `space_from_json` reads."""
    return json.dumps({"lookgraph": _FORMAT_VERSION, **asdict(space)})


def space_from_json(text: str) -> Space:
    """The space that a file's embeddings are of.

    Raises:
        ExchangeError: it is not described as it should be, or by a newer Lookgraph.
    """
    try:
        told = json.loads(text)
        newer = told.pop("lookgraph") > _FORMAT_VERSION
        precision = Precision(told.pop("precision", Precision.FLOAT32))
        space = Space(**{**told, "metric": Metric(told["metric"]), "precision": precision})
        if not _is_sound(space):
            raise ValueError("a value is of the wrong kind")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ExchangeError(f"The file does not say which space it is of ({error}).") from None
    if newer:
        raise ExchangeError("The file was written by a newer Lookgraph: install that one.")
    return space


def _is_sound(space: Space) -> bool:
    texts, numbers = (space.model, space.fingerprint), (space.preprocessing, space.dimension)
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(number, int) for number in numbers)
        and 0 < space.dimension <= _MOST_NUMBERS
    )


def to_keep(embedding: Array, space: Space) -> Vector | None:
    """An embedding, shape (d,), as a space keeps it, for cosine of length 1; None if it cannot."""
    numbers = embedding.astype(np.float64)
    if space.metric is Metric.COSINE:
        length = np.linalg.norm(numbers)
        if length == 0 or not np.isfinite(length):
            return None
        numbers /= length
    if not 0 < np.abs(numbers).max() <= LARGEST:
        return None
    return numbers.astype(np.float32)


@contextmanager
def doubting(file: Path, kind: str) -> Iterator[None]:
    """Whatever a library makes of a file that is not what it should be becomes an ExchangeError.

    ``zipfile``, NumPy and pyarrow let almost any exception through, so all are caught, here and
    nowhere else; those of the operating system are not the file's fault.
    """
    try:
        yield
    except (LookgraphError, OSError):
        raise
    except Exception as error:
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise ExchangeError(f"{file} is no {kind} file that Lookgraph wrote ({told}).") from error


class Format(Protocol):
    """A kind of file: a module with these two functions."""

    def write(self, rows: Iterator[Row], space: Space, file: Path) -> int:
        """Write rows; return how many."""
        ...

    def read(self, file: Path) -> tuple[Space, Iterator[Row]]:
        """Read the space and, as a stream, the rows."""
        ...
