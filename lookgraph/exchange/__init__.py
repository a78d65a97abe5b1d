"""Embeddings and paths as files that other tools read, both ways: one row for each file.

=============  =======================================================================
column         what it is
=============  =======================================================================
path           relative to the library's folder; bytes of UTF-8 where it is that
id             the SHA-256 of the file's bytes, in hexadecimal
size           of the file, in bytes
mtime_ns       when it was last changed, in nanoseconds since 1970
format         as Pillow names it
width, height  in pixels, upright
taken          ``YYYY-MM-DDTHH:MM:SS`` or empty
embedding      the numbers; float16 in NPZ (as stored), float32 in Parquet
=============  =======================================================================

Beside the rows stands the space, as JSON.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from lookgraph.aside import written_aside
from lookgraph.errors import ExchangeError, LookgraphError
from lookgraph.exchange import npz, parquet
from lookgraph.exchange.rows import Format, Row, rows_of, to_keep
from lookgraph.stores.base import Store
from lookgraph.types import LARGEST, Entry, Space

_BATCH = 2000
_FORMATS: dict[str, Format] = {".npz": npz, ".parquet": parquet}


def write(store: Store, space: Space, file: Path) -> int:
    """Write every file of a library that has an embedding; return how many.

    The file is written aside and renamed, so a stop leaves what was there before.

    Raises:
        ExchangeError: the name ends in nothing that we write.
        MissingExtraError: for Parquet without pyarrow.
        StorageError: it cannot be written.
    """
    format_ = _format(file)
    with written_aside(file) as aside:
        return format_.write(rows_of(store, space), space, aside)


def read(store: Store, takes: Callable[[Space], bool], file: Path, root: Path) -> int:
    """Read a file that `write` wrote into a library, made if need be; return how many rows.

    Pictures that have an embedding keep it. Rows are committed in batches: after a stop, read
    the file again.

    Args:
        store: the library.
        takes: whether embeddings of a space are wanted.
        file: to read.
        root: the folder that the library is of.

    Raises:
        ExchangeError: the file is not what it should be, or is of another space.
        MissingExtraError: for Parquet without pyarrow.
    """
    format_ = _format(file)
    try:
        found, rows = format_.read(file)
        if not takes(found):
            raise ExchangeError(
                f"{file} has embeddings of {found.name}, which neither the library nor this "
                "Lookgraph knows. Index with that network first."
            )
        return _commit_all(store, found, rows, root, file)
    except LookgraphError:
        raise
    except OSError as error:
        raise ExchangeError(f"{file} cannot be read: {error.strerror or error}.") from error


def _commit_all(store: Store, space: Space, rows: Iterator[Row], root: Path, file: Path) -> int:
    count = 0
    with store.write() as writer:
        writer.remember(root, store.patterns)
        while batch := list(islice(rows, _BATCH)):
            entries: list[Entry] = []
            embeddings = {}
            for row in batch:
                picture, embedding = row.entry.picture, to_keep(row.embedding, space)
                if picture is None or embedding is None:
                    raise ExchangeError(
                        f"{file}: the embedding of {row.entry.path} is zero or not finite, or has "
                        f"a number over {LARGEST:.0f}."
                    )
                entries.append(row.entry)
                embeddings[picture.id] = embedding
            writer.commit(space, entries, embeddings)
            count += len(batch)
        writer.renew_index(space, None, lambda _: None)
    return count


def _format(file: Path) -> Format:
    found = _FORMATS.get(file.suffix.lower())
    if found is None:
        raise ExchangeError(f"{file}: the name must end in {' or '.join(_FORMATS)}.")
    return found
