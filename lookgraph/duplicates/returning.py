"""Files that come back to a library's folder are known again, without being embedded again."""

from collections.abc import Iterable
from pathlib import Path

from lookgraph.ingest.pipeline import content_id
from lookgraph.stores.base import Store, Writer
from lookgraph.types import Entry, Picture, Stamp


def know_again(store: Store, writer: Writer, files: Iterable[Path]) -> None:
    """Name files again of whose pictures all spaces still have embeddings; `index` finds others.

    Args:
        store: the library.
        writer: of it.
        files: whole paths; those that are not in the library's folder are passed over.
    """
    spaces = store.spaces()
    found = (_entry(store, writer, file) for file in files)
    entries = [entry for entry in found if entry is not None]
    if spaces and entries:
        writer.commit(spaces[0], entries, {})


def _entry(store: Store, writer: Writer, file: Path) -> Entry | None:
    if not file.is_relative_to(store.root):
        return None
    try:
        found = file.stat()
        with file.open("rb") as opened:
            picture = _known(store, writer, content_id(opened))
    except OSError:
        return None  # it is gone again already
    path = file.relative_to(store.root).as_posix()
    return Entry(path, Stamp(found.st_size, found.st_mtime_ns), picture) if picture else None


def _known(store: Store, writer: Writer, id_: str) -> Picture | None:
    found = [writer.find(space, id_) for space in store.spaces()]
    return found[0] if found and None not in found else None
