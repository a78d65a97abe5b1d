"""Parquet, for pandas, Polars, DuckDB and Spark; needs the extra ``[parquet]`` (pyarrow).

Paths are binary, as they need not be UTF-8; embeddings are lists of a fixed size of float32,
which, unlike float16, every reader of Parquet knows.
"""

import os
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lookgraph.errors import MissingExtraError
from lookgraph.exchange.rows import (
    NAMES,
    NUMBERS,
    Columns,
    Row,
    checked_entry,
    columns_of,
    doubting,
    space_as_json,
    space_from_json,
)
from lookgraph.types import Space

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 2000
_KEY = b"lookgraph"


def write(rows: Iterator[Row], space: Space, file: Path) -> int:
    """Write rows, a block at a time; return how many."""
    arrow, parquet = _pyarrow()
    schema = _schema(arrow, space)
    count = 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while block := list(islice(rows, _BLOCK)):
            writer.write_batch(_as_batch(arrow, block, schema, space))
            count += len(block)
    return count


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("Parquet", "parquet") from None
    return pyarrow, pyarrow.parquet


def _schema(arrow: Any, space: Space) -> "pa.Schema":
    columns = []
    for name in NAMES:
        kind = arrow.int64() if name in NUMBERS else arrow.string()
        columns.append((name, arrow.binary() if name == "path" else kind))
    columns.append(("embedding", arrow.list_(arrow.float32(), space.dimension)))
    schema: pa.Schema = arrow.schema(columns, metadata={_KEY: space_as_json(space)})
    return schema


def _as_batch(arrow: Any, block: list[Row], schema: "pa.Schema", space: Space) -> "pa.RecordBatch":
    columns = [asdict(columns_of(row.entry)) for row in block]
    for values in columns:
        values["path"] = os.fsencode(values["path"])
    numbers = np.concatenate([row.embedding for row in block])
    arrays = [
        arrow.array([values[name] for values in columns], schema.field(name).type) for name in NAMES
    ]
    arrays.append(arrow.FixedSizeListArray.from_arrays(arrow.array(numbers), space.dimension))
    batch: pa.RecordBatch = arrow.record_batch(arrays, schema=schema)
    return batch


def read(file: Path) -> tuple[Space, Iterator[Row]]:
    """Read the space and, as a stream, the rows.

    Raises:
        ExchangeError: it is no such file.
        MissingExtraError: pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    with doubting(file, "Parquet"):
        source = parquet.ParquetFile(file)
        schema = source.schema_arrow
        space = space_from_json((schema.metadata or {}).get(_KEY, b"").decode(errors="replace"))
        for field in _schema(arrow, space):
            found = schema.get_all_field_indices(field.name)
            if len(found) != 1 or schema.field(found[0]).type != field.type:
                raise ValueError(f"the column {field.name} is missing or not {field.type}")
    return space, _rows(file, source, space)


def _rows(file: Path, source: Any, space: Space) -> Iterator[Row]:
    with doubting(file, "Parquet"):
        for batch in source.iter_batches(_BLOCK):
            numbers = batch.column("embedding").flatten().to_numpy(zero_copy_only=False)
            embeddings = numbers.astype(np.float32).reshape(batch.num_rows, space.dimension)
            for values, embedding in zip(batch.select(NAMES).to_pylist(), embeddings, strict=True):
                values["path"] = os.fsdecode(values["path"])
                yield Row(checked_entry(Columns(**values)), embedding)
