"""What a file is, for those that need no embedding of it."""

import os
from collections.abc import Callable
from pathlib import Path

from lookgraph.ingest.decode import HEAD_BYTES, UnusableError, decode, looks_like_picture, sniff
from lookgraph.ingest.pipeline import content_id
from lookgraph.types import Entry, Picture, Skip, SkipKind, Stamp


def look(root: Path, find: Callable[[str], Picture | None], path: str) -> Entry:
    """Read a file as indexing does, but decode it no larger than must be.

    Args:
        root: the library's folder.
        find: gives the picture with an id, if it is known: it is not decoded.
        path: relative to the folder.
    """
    stamp = Stamp(0, 0)
    try:
        with (root / path).open("rb") as file:
            stamp = _stamp(file.fileno())
            if not sniff(file.read(HEAD_BYTES)) and not looks_like_picture(path):
                return _skipped(path, stamp, SkipKind.NO_PICTURE, "it is no picture")
            if stamp.size == 0:
                return _skipped(path, stamp, SkipKind.DAMAGED, "the file is empty")
            id_ = content_id(file)
            picture = find(id_)
            if picture is None:
                seen = decode(file, 1)
                picture = Picture(id_, seen.format, seen.width, seen.height, seen.taken)
            if _stamp(file.fileno()) != stamp:
                return _skipped(path, stamp, SkipKind.CHANGING, "it changed while it was read")
            return Entry(path, stamp, picture)
    except UnusableError as error:
        return Entry(path, stamp, skip=error.skip)
    except OSError as error:
        reason = f"it cannot be read: {error.strerror or error}"
        return _skipped(path, stamp, SkipKind.UNREADABLE, reason)


def _stamp(file: int) -> Stamp:
    found = os.fstat(file)
    return Stamp(found.st_size, found.st_mtime_ns)


def _skipped(path: str, stamp: Stamp, kind: SkipKind, reason: str) -> Entry:
    return Entry(path, stamp, skip=Skip(kind, reason))
