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
skip, reason   in Parquet only: why a file was left out, as a kind and in words; else null
embedding      the numbers; float16 in NPZ (as stored), float32 in Parquet
=============  =======================================================================

Beside the rows stands the space, as JSON. A folder of Parquet files is read as one, each file
after those whose names come before.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from lookgraph.aside import written_aside
from lookgraph.errors import ExchangeError
from lookgraph.exchange import npz, parquet
from lookgraph.exchange.rows import Format, Row, rows_of, to_keep
from lookgraph.stores.base import Store
from lookgraph.types import LARGEST, Space, Vector

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
    """Read what was written by `write`, or as parts, into a library; return how many rows.

    Pictures that have an embedding keep it. Rows are committed in batches: after a stop, read
    the file again.

    Args:
        store: the library.
        takes: whether embeddings of a space are wanted.
        file: to read, or a folder of Parquet files.
        root: the folder that the library is of.

    Raises:
        ExchangeError: the file is not what it should be, or is of another space.
        MissingExtraError: for Parquet without pyarrow.
    """
    try:
        return sum(_read(store, takes, part, root) for part in _parts(file))
    except OSError as error:
        raise ExchangeError(f"{file} cannot be read: {error.strerror or error}.") from error


def _parts(file: Path) -> list[Path]:
    if not file.is_dir():
        return [file]
    if found := sorted(file.glob("*.parquet")):
        return found
    raise ExchangeError(f"{file} holds no .parquet file.")


def _read(store: Store, takes: Callable[[Space], bool], file: Path, root: Path) -> int:
    found, rows = _format(file).read(file)
    if not takes(found):
        raise ExchangeError(
            f"{file} has embeddings of {found.name}, which neither the library nor this "
            "Lookgraph knows. Index with that network first."
        )
    return _commit_all(store, found, rows, root, file)


def _commit_all(store: Store, space: Space, rows: Iterator[Row], root: Path, file: Path) -> int:
    count = 0
    with store.write() as writer:
        writer.remember(root, store.patterns)
        while batch := list(islice(rows, _BATCH)):
            embeddings = {}
            for row in batch:
                if (picture := row.entry.picture) is not None:
                    embeddings[picture.id] = _to_keep(row, space, file)
            writer.commit(space, [row.entry for row in batch], embeddings)
            count += len(batch)
        writer.renew_index(space, None, lambda _: None)
    return count


def _to_keep(row: Row, space: Space, file: Path) -> Vector:
    kept = None if row.embedding is None else to_keep(row.embedding, space)
    if kept is None:
        raise ExchangeError(
            f"{file}: the embedding of {row.entry.path} is zero or not finite, or has a number "
            f"over {LARGEST:.0f}."
        )
    return kept


def _format(file: Path) -> Format:
    found = _FORMATS.get(file.suffix.lower())
    if found is None:
        raise ExchangeError(f"{file}: the name must end in {' or '.join(_FORMATS)}.")
    return found
