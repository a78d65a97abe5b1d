"""One row of an exchanged file, and what is asked of it before it is believed."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from lookgraph.errors import ExchangeError
from lookgraph.stores.base import Store
from lookgraph.types import Entry, Metric, Picture, Space, Stamp, Vector

_ID = re.compile(r"[0-9a-f]{64}")
_FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A file that is a picture, and its embedding, shape (d,), float32."""

    entry: Entry
    embedding: Vector


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
        ExchangeError: the path leaves the library's folder, or the id is none.
    """
    path = PurePosixPath(columns.path)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in columns.path:
        raise ExchangeError(f"{columns.path!r} is no path below the library's folder.")
    if not _ID.fullmatch(columns.id):
        raise ExchangeError(f"{columns.id!r}, the id of {columns.path}, is no SHA-256.")
    picture = Picture(
        columns.id, columns.format, columns.width, columns.height, columns.taken or None
    )
    return Entry(str(path), Stamp(columns.size, columns.mtime_ns), picture)


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
        space = Space(**{**told, "metric": Metric(told["metric"])})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ExchangeError(f"The file does not say which space it is of ({error}).") from None
    if newer:
        raise ExchangeError("The file was written by a newer Lookgraph: install that one.")
    return space


class Format(Protocol):
    """A kind of file: a module with these two functions."""

    def write(self, rows: Iterator[Row], space: Space, file: Path) -> int:
        """Write rows; return how many."""
        ...

    def read(self, file: Path) -> tuple[Space, Iterator[Row]]:
        """Read the space and, as a stream, the rows."""
        ...
