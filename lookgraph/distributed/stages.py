"""What runs on the workers: files become pictures, and pictures embeddings.

Both stages take a block of files as an Arrow table and give one with a row for each of its files.
What goes wrong with a file is in its row. What goes wrong with all of them, such as a network that
cannot be loaded, comes back as a table with the column `FAILURE` alone, and ends the job: of an
exception, Ray Data would only say that the block is lost.
"""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from lookgraph.config import usable_cores
from lookgraph.errors import LookgraphError, StorageError
from lookgraph.exchange.parquet import as_batch, described, entries_of
from lookgraph.exchange.rows import Row
from lookgraph.ingest.decode import HEAD_BYTES, looks_like_picture, sniff
from lookgraph.ingest.pipeline import Folder, Outcome, Ready, Source, content_id, embedded, read
from lookgraph.models.cache import received
from lookgraph.models.embedder import Embedder, SettledEmbedder
from lookgraph.models.model import Model
from lookgraph.types import Entry, Picture, Stamp, Wants

_File = TypeVar("_File")
_Found = TypeVar("_Found")

FAILURE = "failure"
_PIXELS = "pixels"


@dataclass(frozen=True, slots=True)
class Shipped:
    """A network on its way to the workers.

    Attributes:
        settled: what it is.
        file: Ray's reference to its file, for workers that do not share this machine's cache.
    """

    settled: SettledEmbedder
    file: Any = None

    def load(self) -> Embedder:
        """Load it as `Library.index` does for one of its threads, so that it gives the same bits.

        Raises:
            ModelError: it cannot be loaded, or kept where it is loaded from.
        """
        settled = self.settled
        if self.file is not None:
            import ray

            settled = settled.at(received(settled.runtime.file.name, ray.get(self.file)))
        return settled.load(usable_cores())


def as_files(files: Sequence[tuple[str, Stamp]]) -> pa.Table:
    """Files, by their paths and stamps, as `look` takes them."""
    columns = {
        "path": pa.array([os.fsencode(path) for path, _ in files], pa.binary()),
        "size": pa.array([stamp.size for _, stamp in files], pa.int64()),
        "mtime_ns": pa.array([stamp.mtime_ns for _, stamp in files], pa.int64()),
    }
    return pa.table(columns)


def look(files: pa.Table, source: Source, settled: SettledEmbedder, threads: int) -> pa.Table:
    """Read and decode files: what each is or why it is left out, and its pixels as bytes.

    Args:
        files: as `as_files` gives them.
        source: where they are.
        settled: the network that is to see them.
        threads: how many files are read at a time.
    """
    try:
        _check(source)
        results = _each(partial(_read, source, settled), files.to_pylist(), threads)
        return _looked(results, len(files), _shape(settled.model))
    except Exception as error:  # noqa: BLE001 - whatever it is, it would be so for others, too
        return _failure(error)


def identify(files: pa.Table, source: Source, threads: int) -> pa.Table:
    """The ids of files by their content; null where one is no picture, or cannot be read.

    Args:
        files: as `as_files` gives them.
        source: where they are.
        threads: how many files are read at a time.
    """
    try:
        _check(source)
        ids = list(_each(partial(_id, source), files["path"].to_pylist(), threads))
    except Exception as error:  # noqa: BLE001 - as in `look`
        return _failure(error)
    return files.append_column("id", pa.array(ids, pa.string()))


def _each(
    work: Callable[[_File], _Found], files: Sequence[_File], threads: int
) -> Iterator[_Found]:
    """As `map`, with so many threads; with none for one, as to hand over takes time, too."""
    if threads == 1:
        yield from map(work, files)
    else:
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(work, files)


def _looked(
    results: Iterator[Outcome | Ready], count: int, shape: tuple[int, int, int]
) -> pa.Table:
    """So many files, with the pixels of those that can be embedded.

    Each picture's pixels are copied as they come. To keep those of a whole block and to join them
    at its end took an eighth of the time of decoding, most of it for memory from the system.
    """
    entries, pixels, ends = [], np.empty((count, *shape), np.uint8), [0]
    ready = 0
    for result in results:
        if isinstance(result, Ready):
            pixels[ready] = result.pixels
            ready += 1
        entries.append(_entry(result))
        ends.append(ready * prod(shape))
    batch = described(entries)
    buffers = [None, pa.py_buffer(np.array(ends, np.int64).data), pa.py_buffer(pixels[:ready].data)]
    column = pa.Array.from_buffers(pa.large_binary(), len(entries), buffers)
    return pa.table([*batch.columns, column], [*batch.schema.names, _PIXELS])


def _shape(model: Model) -> tuple[int, int, int]:
    """That of the pixels of one picture."""
    return model.preparation.height, model.preparation.width, 3


def _check(source: Source) -> None:
    """A folder that a worker does not have is not one whose files are gone.

    Raises:
        StorageError: it is not there.
    """
    if isinstance(source, Folder) and not source.root.is_dir():
        raise StorageError(f"{source.root} is not there on {socket.gethostname()}")


def _id(source: Source, name: bytes) -> str | None:
    path = os.fsdecode(name)
    try:
        with source.open(path) as opened:
            seen = sniff(opened.file.read(HEAD_BYTES)) or looks_like_picture(path)
            return content_id(opened.file) if seen and opened.stamp().size else None
    except OSError:
        return None  # the next stage says why


def _read(source: Source, wants: Wants, file: dict[str, Any]) -> Outcome | Ready:
    stamp = Stamp(file["size"], file["mtime_ns"])
    return read(source, os.fsdecode(file["path"]), stamp, wants, _unknown)


def _unknown(_: str) -> Picture | None:
    """Workers know no library."""
    return None


def _entry(result: Outcome | Ready) -> Entry:
    if isinstance(result, Outcome):
        return result.entry
    return Entry(result.path, result.stamp, result.picture)


class Embedding:
    """The second stage: an actor that loads the network once."""

    def __init__(self, shipped: Shipped) -> None:
        self._shipped = shipped
        self._embedder: Embedder | None = None

    def __call__(self, looked: pa.Table) -> pa.Table:
        """From what `look` gave to rows in the columns of `exchange.parquet.schema_of`."""
        if FAILURE in looked.column_names:
            return looked
        try:
            self._embedder = self._embedder or self._shipped.load()
            rows = list(_rows(looked, self._embedder))
            return pa.Table.from_batches([as_batch(rows, self._embedder.space)])
        except Exception as error:  # noqa: BLE001 - as in `look`
            return _failure(error)


def _rows(looked: pa.Table, embedder: Embedder) -> Iterator[Row]:
    waiting: list[Ready] = []
    shape = _shape(embedder.model)
    for entry, data in zip(entries_of(looked), looked.column(_PIXELS), strict=True):
        if entry.picture is None:
            yield Row(entry, None)
        else:
            pixels = np.frombuffer(data.as_buffer(), np.uint8).reshape(shape)
            waiting.append(Ready(entry.path, entry.stamp, entry.picture, pixels))
    for start in range(0, len(waiting), embedder.batch):
        for outcome in embedded(waiting[start : start + embedder.batch], embedder):
            yield Row(outcome.entry, outcome.embedding)


def _failure(error: Exception) -> pa.Table:
    words = str(error) if isinstance(error, LookgraphError) else f"{type(error).__name__}: {error}"
    return pa.table({FAILURE: [words]})
