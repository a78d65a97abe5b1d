"""Where libraries are, in folders and on servers, and what is in their folders."""

import importlib.util
import os
import re
from pathlib import Path

from lookgraph.config import LIBRARY_FOLDER
from lookgraph.errors import MissingExtraError, UsageError
from lookgraph.stores.base import Store
from lookgraph.stores.local import LocalStore, has_other_files
from lookgraph.types import Word

_ADDRESS = re.compile(r"(neo4j|bolt|milvus)(\+s|\+ssc)?://", re.IGNORECASE)
"""How addresses of servers begin (Neo4j Driver Manual, "Connection URIs"; Milvus' is our own)."""


class Engine(Word):
    """What keeps a library that is not in a folder."""

    NEO4J = "neo4j"
    MILVUS = "milvus"


_WHERE = {Engine.NEO4J: "DATABASE", Engine.MILVUS: "COLLECTION"}


def engine_of(at: "str | os.PathLike[str]") -> Engine | None:
    """What an address is of; None for a folder."""
    found = _ADDRESS.match(at) if isinstance(at, str) else None
    if found is None:
        return None
    return Engine.MILVUS if found[1].lower() == "milvus" else Engine.NEO4J


def as_address(at: "str | os.PathLike[str]") -> str | None:
    """The address, if it is a server's; None for a folder.

    Raises:
        UsageError: a password is in it, where others can read it. The message does not repeat it.
    """
    engine = engine_of(at)
    if engine is None or not isinstance(at, str):
        return None
    scheme, _, rest = at.partition("://")
    if ":" in rest.rpartition("@")[0] and not rest.startswith("/"):  # which is a file's path
        raise UsageError(
            f"The address of the server, {scheme}://…, has a password in it, which other people "
            f"and programs could read there. Leave it out: {scheme}://USER@HOST/{_WHERE[engine]}, "
            f"and put it into the environment variable LOOKGRAPH_{engine.upper()}_PASSWORD."
        )
    return at


def store_for(pictures: Path, at: "str | os.PathLike[str] | None", password: str | None) -> Store:
    """The library of a folder of pictures, whether it has been made or not.

    Args:
        pictures: the folder, or any place below it.
        at: a server's address, or the library's own folder, or the folder of pictures that this is
            in; None for the nearest one in the folder or above it.
        password: for the server; None for the one in the environment.

    Raises:
        MissingExtraError: an address is given, and the driver is not installed.
        UsageError: the address is none, or has a password in it.
    """
    if at is None:
        return LocalStore(nearest_library(pictures) or pictures / LIBRARY_FOLDER)
    if address := as_address(at):
        return _on_server(address, password)
    return LocalStore(library_at(absolute(at), pictures))


def _on_server(address: str, password: str | None) -> Store:
    if engine_of(address) is Engine.MILVUS:
        if importlib.util.find_spec("pymilvus") is None:
            raise MissingExtraError("A library in Milvus", "milvus")
        from lookgraph.stores import milvus

        return milvus.open_store(address, password)
    if importlib.util.find_spec("neo4j") is None:
        raise MissingExtraError("A library in Neo4j", "neo4j")
    from lookgraph.stores import neo4j

    return neo4j.open_store(address, password)


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


def refuse_foreign(store: Store) -> None:
    """A library in a folder has it to itself: it is not put among somebody's pictures.

    Raises:
        UsageError: it would be.
    """
    if store.folder and not store.exists() and has_other_files(store.folder):
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
