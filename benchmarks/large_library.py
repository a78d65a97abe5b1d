"""A library of as many pictures as wanted, without a file for any of them."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.embeddings import Crops, extended
from lookgraph.config import LIBRARY_FOLDER
from lookgraph.models.registry import DEFAULT_MODEL, find_model
from lookgraph.stores.local import LocalStore
from lookgraph.types import Entry, IndexKind, Matrix, Patterns, Picture, Rows, Stamp

SPACE = find_model(DEFAULT_MODEL).space()
FOLDERS = 100
"""The pictures are spread over so many folders, so that each holds 1 % of them."""

_AT_ONCE = 10_000


def embeddings(crops: Crops, count: int) -> Iterator[Matrix]:
    """So many: of the crops, evenly many of each photograph, and then others like them."""
    own = min(count, len(crops.embeddings))
    chosen = np.linspace(0, len(crops.embeddings) - 1, own).round().astype(np.int64)
    for start in range(0, own, _AT_ONCE):
        yield crops.embeddings[chosen[start : start + _AT_ONCE]]
    yield from extended(crops, count - own, seed=1)


def make(root: Path, crops: Crops, count: int) -> LocalStore:
    """Make a library of so many pictures, numbered from 0 in the order of their rows; no index.

    Args:
        root: the folder that it is of.
        crops: what the embeddings are made from.
        count: how many pictures.
    """
    store = LocalStore(root / LIBRARY_FOLDER)
    with store.write() as writer:
        writer.remember(root, Patterns())
        writer.add_space(SPACE, None)
    start = 0
    for block in embeddings(crops, count):
        add(store, range(start, start + len(block)), block)
        start += len(block)
    return store


def add(store: LocalStore, numbers: Sequence[int], rows: Matrix) -> None:
    """Commit the pictures with these numbers, all at once.

    Args:
        store: the library.
        numbers: that no picture has yet.
        rows: their embeddings, shape (len(numbers), d).
    """
    entries = [_entry(number) for number in numbers]
    given = {id_of(number): row for number, row in zip(numbers, rows, strict=True)}
    with store.write() as writer:
        writer.commit(SPACE, entries, given)


def _entry(number: int) -> Entry:
    taken = f"20{10 + number % 15}-0{1 + number % 9}-11T10:00:00"
    picture = Picture(id_of(number), "JPEG", 400, 533, taken)
    return Entry(path_of(number), Stamp(100_000 + number, number), picture)


def id_of(number: int) -> str:
    """The id of a picture."""
    return f"{number:064x}"


def number_of(id_: str) -> int:
    """The number of a picture."""
    return int(id_, 16)


def folder_of(number: int) -> str:
    """The folder that a picture is in."""
    return f"{number % FOLDERS:02}"


def path_of(number: int) -> str:
    """The path of a picture."""
    return f"{folder_of(number)}/{number:08}.jpg"


def index(store: LocalStore) -> float:
    """Make or renew its index, whatever its size; return the seconds that it took."""
    began = time.perf_counter()
    with store.write() as writer:
        writer.renew_index(SPACE, IndexKind.IVF, lambda _: None)
    return time.perf_counter() - began


def rows_file(store: LocalStore) -> Path:
    """Where its embeddings are."""
    (file,) = (store.folder / "rows").iterdir()
    return file


def rows_of(file: Path, count: int) -> Rows:
    """The first embeddings of a file, as they are stored, shape (count, d)."""
    return np.memmap(file, np.float16, "r", shape=(count, SPACE.dimension))
