"""NPZ: a zip of one ``.npy`` file for each column (NEP 1), for NumPy users.

The embeddings are written and read a block at a time; the other columns, some hundred bytes a
file, are held in memory. Nothing is ever unpickled, and nothing unpacked: members are stored as
they are, so what is read is never larger than the file.
"""

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from lookgraph.errors import ExchangeError
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
from lookgraph.types import Array, Space

_BLOCK = 2000


def write(rows: Iterator[Row], space: Space, file: Path) -> int:
    """Write rows; return how many."""
    columns: list[Columns] = []
    # How many there are stands before the embeddings, so these wait in a file aside.
    waiting = file.with_name(file.name + ".rows")
    try:
        with waiting.open("w+b") as embeddings:
            for row in rows:
                if row.embedding is None:
                    continue  # NPZ has no place for what was left out
                columns.append(columns_of(row.entry))
                embeddings.write(row.embedding.astype("<f2").tobytes())
            embeddings.seek(0)
            _write_zip(file, columns, embeddings, space)
    finally:
        with suppress(OSError):
            waiting.unlink()
    return len(columns)


def _write_zip(file: Path, columns: list[Columns], embeddings: IO[bytes], space: Space) -> None:
    shape = (len(columns), space.dimension)
    with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        _write_member(archive, "space", np.array(space_as_json(space)))
        for name in NAMES:
            values = [getattr(column, name) for column in columns]
            _write_member(archive, name, _as_array(name, values))
        with archive.open("embedding.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(
                member, {"descr": "<f2", "fortran_order": False, "shape": shape}
            )
            while block := embeddings.read(1 << 20):
                member.write(block)


def _as_array(name: str, values: list[Any]) -> Array:
    if name in NUMBERS:
        return np.array(values, np.int64)
    return np.array([os.fsencode(value) for value in values], np.bytes_)


def _write_member(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    archive.writestr(f"{name}.npy", buffer.getvalue())


def read(file: Path) -> tuple[Space, Iterator[Row]]:
    """Read the space and, as a stream, the rows.

    Raises:
        ExchangeError: it is no such file.
    """
    with doubting(file, "NPZ"), zipfile.ZipFile(file) as archive:
        space = space_from_json(str(_read_member(archive, "space")))
        columns = {name: _read_member(archive, name) for name in NAMES}
    if len({column.shape for column in columns.values()}) != 1:
        raise ExchangeError(f"{file}: its columns are not of one length.")
    return space, _rows(file, columns, space)


def _open_member(archive: zipfile.ZipFile, name: str) -> tuple[IO[bytes], tuple[int, ...], Any]:
    """Open a column after its header, with the shape and type that it announces."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    member = archive.open(info)
    np.lib.format.read_magic(member)
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(member)
    wanted = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if fortran_order or dtype.hasobject or member.tell() + wanted != info.file_size:
        raise ValueError(f"{name} is not what its header says")
    return member, shape, dtype


def _read_member(archive: zipfile.ZipFile, name: str) -> Array:
    member, shape, dtype = _open_member(archive, name)
    with member:
        column: Array = np.frombuffer(member.read(), dtype).reshape(shape)
    if column.dtype.kind != ("U" if name == "space" else "i" if name in NUMBERS else "S"):
        raise ValueError(f"{name} has the type {dtype}")
    return column


def _rows(file: Path, columns: dict[str, Array], space: Space) -> Iterator[Row]:
    wanted = (len(columns["path"]), space.dimension)
    with doubting(file, "NPZ"), zipfile.ZipFile(file) as archive:
        member, shape, dtype = _open_member(archive, "embedding")
        if shape != wanted or dtype != np.dtype("<f2"):
            raise ValueError(f"embedding has shape {shape} and type {dtype}, not {wanted}")
        for start in range(0, wanted[0], _BLOCK):
            count = min(_BLOCK, wanted[0] - start)
            block = member.read(count * space.dimension * 2)
            embeddings = np.frombuffer(block, "<f2").reshape(count, space.dimension)
            for i, embedding in enumerate(embeddings.astype(np.float32), start):
                yield Row(checked_entry(_columns(columns, i)), embedding)


def _columns(columns: dict[str, Array], i: int) -> Columns:
    values: dict[str, Any] = {}
    for name in NAMES:
        value = columns[name][i].item()
        values[name] = os.fsdecode(value) if isinstance(value, bytes) else value
    return Columns(**values)
