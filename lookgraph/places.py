"""Where libraries are, and what is in their folders."""

import os
from pathlib import Path

from lookgraph.config import LIBRARY_FOLDER
from lookgraph.errors import UsageError
from lookgraph.stores.local import LocalStore


def nearest_library(start: Path) -> Path | None:
    """The library of a folder or of the nearest one above it; None if none has one."""
    for folder in (start, *start.parents):
        if LocalStore(folder / LIBRARY_FOLDER).exists():
            return folder / LIBRARY_FOLDER
    return None


def absolute(folder: "str | os.PathLike[str]") -> Path:
    """A folder's whole path, links in it as they are.

    Raises:
        UsageError: it is relative to a folder that is gone.
    """
    try:
        return Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links
    except FileNotFoundError:
        raise UsageError("The current folder is gone.") from None


def library_at(place: Path, pictures: Path) -> Path:
    """A library's own folder, or the folder of pictures that it is in or will be in."""
    inside = place / LIBRARY_FOLDER
    if LocalStore(inside).exists() or (place == pictures and not LocalStore(place).exists()):
        return inside
    return place


def refuse_foreign(store: LocalStore) -> None:
    """A library has a folder to itself: it is not put among somebody's pictures.

    Raises:
        UsageError: it would be.
    """
    if not store.exists() and store.has_other_files():
        raise UsageError(
            f"{store.folder} holds other files, and no library. Name a folder of its own for it, "
            "or run `lookgraph index FOLDER`, which keeps the library in FOLDER/.lookgraph."
        )


def below(root: Path, folder: "str | os.PathLike[str] | None") -> str:
    """A folder's path relative to the library's, empty for all of it.

    Raises:
        UsageError: it is not in the library's.
    """
    if folder is None:
        return ""
    inside = os.path.relpath(os.path.realpath(folder), os.path.realpath(root))
    if inside == os.curdir:
        return ""
    if Path(inside).parts[0] == os.pardir:
        raise UsageError(f"{folder} is not in {root}, the folder that the library is of.")
    return inside.replace(os.sep, "/")
