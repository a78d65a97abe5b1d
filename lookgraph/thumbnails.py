"""Small copies of the library's pictures, made when they are first wanted."""

from pathlib import Path

from lookgraph.errors import UsageError
from lookgraph.results import thumbnail_of
from lookgraph.stores.base import Store
from lookgraph.stores.thumbnails import KeptThumbnails
from lookgraph.types import Entry, Stamp

SIDES = (160, 320, 640)
"""Pixels of the longer side. Others are not made, so that the disk is not filled with them."""


def thumbnail(store: Store, id_: str, side: int) -> bytes | None:
    """A JPEG of a picture that fits a square.

    Args:
        store: the library.
        id_: of the picture.
        side: of the square in pixels, one of `SIDES`.

    Returns:
        it; None if no file of the library holds the picture any more.

    Raises:
        UsageError: there are none of this size.
    """
    if side not in SIDES:
        raise UsageError(f"Thumbnails have {', '.join(map(str, SIDES))} pixels, not {side}.")
    if not store.files(id_):  # what is kept may be of one that has gone
        return None
    kept = KeptThumbnails(store.cache)
    made = kept.get(id_, side)
    if made is None and (file := file_of(store, id_)) and (made := thumbnail_of(file, side)):
        kept.keep(id_, side, made)
    return made


def file_of(store: Store, id_: str) -> Path | None:
    """A file that holds a picture and has not changed since it was read; None if there is none."""
    for entry in store.files(id_):
        file = store.root / entry.path
        if _is_unchanged(file, entry):
            return file
    return None


def _is_unchanged(file: Path, entry: Entry) -> bool:
    try:
        found = file.stat()
    except OSError:
        return False
    return Stamp(found.st_size, found.st_mtime_ns) == entry.stamp
