"""Parquet, for pandas, Polars, DuckDB and Spark; needs the extra ``[parquet]`` (pyarrow).

Paths are binary, as they need not be UTF-8; embeddings are lists of a fixed size of float32,
which, unlike float16, every reader of Parquet knows. Of a file that was left out, ``skip`` and
``reason`` say why, and the columns of what it is are null; of a picture these two are null. Where
files were left out, embeddings are lists of any size: pyarrow before 26 cannot read null among
those of a fixed one (apache/arrow#35692).
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lookgraph.errors import ExchangeError, MissingExtraError
from lookgraph.exchange.rows import (
    NAMES,
    NUMBERS,
    Columns,
    Row,
    checked_entry,
    checked_skip,
    columns_of,
    doubting,
    space_as_json,
    space_from_json,
)
from lookgraph.types import Entry, Space, Stamp, Vector

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 2000
_KEY = b"lookgraph"
_LEFT_OUT = ("skip", "reason")
"""The columns that say why a file was left out. Files of earlier releases do not have them."""


def write(rows: Iterator[Row], space: Space, file: Path) -> int:
    """Write rows, a block at a time; return how many."""
    _, parquet = _pyarrow()
    count = 0
    with parquet.ParquetWriter(file, schema_of(space), compression="zstd") as writer:
        while block := list(islice(rows, _BLOCK)):
            writer.write_batch(as_batch(block, space))
            count += len(block)
    return count


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("Parquet", "parquet") from None
    return pyarrow, pyarrow.parquet


def schema_of(space: Space) -> "pa.Schema":
    """The columns of a file with embeddings of a space, which stands beside them.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    arrow, _ = _pyarrow()
    columns = [*_described(arrow), ("embedding", arrow.list_(arrow.float32(), space.dimension))]
    schema: pa.Schema = arrow.schema(columns, metadata={_KEY: space_as_json(space)})
    return schema


def schema_of_parts(space: Space) -> "pa.Schema":
    """As `schema_of`, for files that have rows without embedding."""
    arrow, _ = _pyarrow()
    schema = schema_of(space)
    at = schema.get_field_index("embedding")
    return schema.set(at, arrow.field("embedding", arrow.list_(arrow.float32())))


def _described(arrow: Any) -> list[tuple[str, Any]]:
    """The columns that say of a file what it is, or why it was left out, and their types."""
    columns = []
    for name in NAMES:
        kind = arrow.int64() if name in NUMBERS else arrow.string()
        columns.append((name, arrow.binary() if name == "path" else kind))
    return columns + [(name, arrow.string()) for name in _LEFT_OUT]


def described(entries: Sequence[Entry]) -> "pa.RecordBatch":
    """What files are, or why they were left out: all columns but the embedding."""
    arrow, _ = _pyarrow()
    schema = arrow.schema(_described(arrow))
    batch: pa.RecordBatch = arrow.RecordBatch.from_pylist(
        [_values(entry) for entry in entries], schema=schema
    )
    return batch


def _values(entry: Entry) -> dict[str, Any]:
    """A row of the columns of `described`; what it does not have becomes null."""
    path = os.fsencode(entry.path)
    if entry.skip is None:
        return {**asdict(columns_of(entry)), "path": path}
    stamp, skip = entry.stamp, entry.skip
    return {
        "path": path,
        "size": stamp.size,
        "mtime_ns": stamp.mtime_ns,
        "skip": str(skip.kind),
        "reason": skip.reason,
    }


def as_batch(rows: Sequence[Row], space: Space) -> "pa.RecordBatch":
    """Rows in the columns of `schema_of`."""
    arrow, _ = _pyarrow()
    batch = described([row.entry for row in rows])
    embeddings = as_lists([row.embedding for row in rows], space.dimension)
    whole: pa.RecordBatch = arrow.record_batch([*batch.columns, embeddings], schema_of(space))
    return whole


def as_lists(
    embeddings: Sequence[Vector | None], dimension: int
) -> "pa.FixedSizeListArray[Any, Any]":
    """Embeddings, each of shape (d,), as a column; null where there is none."""
    arrow, _ = _pyarrow()
    missing = np.array([embedding is None for embedding in embeddings], np.bool_)
    numbers = np.zeros((len(embeddings), dimension), np.float32)
    for row, embedding in zip(numbers, embeddings, strict=True):
        if embedding is not None:
            row[:] = embedding
    lists: pa.FixedSizeListArray[Any, Any] = arrow.FixedSizeListArray.from_arrays(
        arrow.array(numbers.ravel()), dimension, mask=arrow.array(missing)
    )
    return lists


def read(file: Path) -> tuple[Space, Iterator[Row]]:
    """Read the space and, as a stream, the rows.

    Raises:
        ExchangeError: it is no such file.
        MissingExtraError: pyarrow is not installed.
    """
    source, space = _open(file)
    return space, _rows(file, source, space)


def read_files(file: Path) -> tuple[Space, Iterator[Entry]]:
    """Read the space and, as a stream, which files the rows are of, without embeddings.

    Raises:
        ExchangeError: as `read`.
        MissingExtraError: likewise.
    """
    source, space = _open(file)
    return space, _entries(file, source)


def _open(file: Path) -> tuple[Any, Space]:
    _, parquet = _pyarrow()
    with doubting(file, "Parquet"):
        source = parquet.ParquetFile(file)
        schema = source.schema_arrow
        space = space_from_json((schema.metadata or {}).get(_KEY, b"").decode(errors="replace"))
        for field in schema_of(space):
            found = schema.get_all_field_indices(field.name)
            if not found and field.name in _LEFT_OUT:
                continue
            admitted = [field.type]
            if field.name == "embedding":
                admitted.append(schema_of_parts(space).field("embedding").type)
            if len(found) != 1 or schema.field(found[0]).type not in admitted:
                raise ValueError(f"the column {field.name} is missing or not {field.type}")
    return source, space


def _entries(file: Path, source: Any) -> Iterator[Entry]:
    present = [name for name in (*NAMES, *_LEFT_OUT) if name in source.schema_arrow.names]
    with doubting(file, "Parquet"):
        for batch in source.iter_batches(_BLOCK, columns=present):
            yield from entries_of(batch)


def _rows(file: Path, source: Any, space: Space) -> Iterator[Row]:
    with doubting(file, "Parquet"):
        for batch in source.iter_batches(_BLOCK):
            yield from rows_of_batch(batch, space)


def rows_of_batch(batch: "pa.RecordBatch", space: Space) -> Iterator[Row]:
    """The rows of a batch with the columns of `schema_of`, and perhaps others.

    Raises:
        ExchangeError: a row is not what it should be.
    """
    column: Any = batch.column("embedding")
    if set(column.drop_null().value_lengths().to_pylist()) - {space.dimension}:
        raise ExchangeError(f"Not all embeddings have {space.dimension} numbers.")
    numbers = column.flatten().to_numpy(zero_copy_only=False)  # of those that are not null
    embeddings = iter(numbers.astype(np.float32).reshape(-1, space.dimension))
    for entry, has_embedding in zip(entries_of(batch), column.is_valid().to_pylist(), strict=True):
        if has_embedding is not (entry.skip is None):
            raise ExchangeError(f"{entry.path} has no embedding, or one though it was left out.")
        yield Row(entry, next(embeddings) if has_embedding else None)


def entries_of(batch: "pa.RecordBatch | pa.Table") -> Iterator[Entry]:
    """The files that a batch speaks of, with the columns of `described`, and perhaps others.

    Raises:
        ExchangeError: a row is not what it should be.
    """
    present = [name for name in (*NAMES, *_LEFT_OUT) if name in batch.schema.names]
    return map(_entry, batch.select(present).to_pylist())


def _entry(values: dict[str, Any]) -> Entry:
    path = os.fsdecode(values["path"])
    kind, reason = (values.pop(name, None) for name in _LEFT_OUT)
    if kind is None:
        return checked_entry(Columns(**{**values, "path": path}))
    return checked_skip(path, Stamp(values["size"], values["mtime_ns"]), kind, reason)
