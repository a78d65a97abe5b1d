"""A safe reader of checkpoints in torch's legacy format, without torch.

The format, which ``torch.save`` wrote before version 1.6 (``_legacy_save`` in its source): five
pickles one after the other (a magic number, the format's version, a description of the
system, the state, the keys of the storages), then for each key the number of elements as a
64-bit integer and the elements themselves, little-endian.

The tensors returned are views of the file's bytes, so tensors that share a storage cost nothing,
and no number in the file can reserve memory.
"""

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TypeGuard

import numpy as np

from lookgraph.errors import CheckpointError
from lookgraph.models.pickles import Admitted, Name, RefusedError, read_pickle
from lookgraph.types import Array

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
MOST_DIMENSIONS = 8

_ORDERED_DICT = Name("collections", "OrderedDict")
_REBUILD_TENSOR = Name("torch._utils", "_rebuild_tensor_v2")
_DTYPES = {
    Name("torch", f"{kind}Storage"): np.dtype(code)
    for kind, code in {
        "Float": "<f4",
        "Double": "<f8",
        "Half": "<f2",
        "Long": "<i8",
        "Int": "<i4",
        "Short": "<i2",
        "Char": "i1",
        "Byte": "u1",
        "Bool": "?",
    }.items()
}


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: np.dtype[np.generic]
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view of a storage; offset and strides count elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_checkpoint(file: Path) -> dict[str, Array]:
    """Read a state: its tensors by name.

    Args:
        file: a checkpoint in the legacy format whose object is a dict of tensors.

    Returns:
        The tensors, read-only and not always aligned or contiguous: views of one copy of the file.

    Raises:
        CheckpointError: the file cannot be read or is anything else; nothing in it was executed.
    """
    try:
        return _read(file.read_bytes())
    except OSError as error:
        raise CheckpointError(f"cannot read the checkpoint {file}: {error.strerror}") from error
    except RefusedError as error:
        raise CheckpointError(
            f"{file} is not a checkpoint that can be read safely: {error}"
        ) from error


def _read(data: bytes) -> dict[str, Array]:
    storages: dict[str, _Storage] = {}
    state, position = read_pickle(data, _header(data), _admitted(storages))
    keys, position = read_pickle(data, position)
    offsets = _offsets(data, position, keys, storages)
    if not isinstance(state, dict):
        raise RefusedError(f"{type(state).__name__} instead of a dict of tensors")
    tensors: dict[str, Array] = {}
    for name, tensor in state.items():
        if not isinstance(tensor, _Tensor):
            raise RefusedError(f"{type(tensor).__name__} instead of a tensor as {name[:80]!r}")
        tensors[name] = _view(data, offsets[tensor.storage.key], tensor)
    return tensors


def _header(data: bytes) -> int:
    """Check the first three pickles; the position after them."""
    magic, position = read_pickle(data, 0)
    if magic != MAGIC:
        raise RefusedError("no magic number of torch's legacy format")
    version, position = read_pickle(data, position)
    if version != VERSION:
        raise RefusedError(f"a format version other than {VERSION}")
    system, position = read_pickle(data, position)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise RefusedError("numbers that are not little-endian")
    return position


def _admitted(storages: dict[str, _Storage]) -> Admitted:
    """What the state's pickle may hold; the storages that it refers to are put into `storages`."""

    def construct(name: Name, arguments: tuple[object, ...]) -> object:
        if name == _ORDERED_DICT and not arguments:
            return {}
        if name == _REBUILD_TENSOR:
            return _tensor(arguments)
        raise RefusedError(f"a call of {name}")

    def resolve(reference: object) -> _Storage:
        storage = _storage(reference)
        if storages.setdefault(storage.key, storage) != storage:
            raise RefusedError(f"two storages with the key {storage.key[:80]!r}")
        return storage

    return Admitted(frozenset({_ORDERED_DICT, _REBUILD_TENSOR, *_DTYPES}), construct, resolve)


def _storage(reference: object) -> _Storage:
    """From ("storage", type, key, device, number of elements, view)."""
    match reference:
        case ("storage", Name() as kind, str(key), str(), int(count), None) if (
            kind in _DTYPES and count >= 0
        ):
            return _Storage(key, _DTYPES[kind], count)
    raise RefusedError("a reference that is not to a storage")


def _tensor(arguments: tuple[object, ...]) -> _Tensor:
    """From (storage, offset, shape, strides, requires_grad, hooks), checked against the storage."""
    match arguments:
        case (_Storage() as storage, int(offset), shape, strides, bool(), dict()) if (
            _are_sizes(shape) and _are_sizes(strides) and len(shape) == len(strides)
        ):
            last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
            # A stride of 0 would let a few bytes pose as any number of elements.
            if offset >= 0 and last < storage.count and prod(shape) <= storage.count:
                return _Tensor(storage, offset, shape, strides)
            raise RefusedError("a tensor that reaches beyond its storage")
    raise RefusedError("a tensor with other arguments than (storage, offset, shape, strides, …)")


def _are_sizes(value: object) -> TypeGuard[tuple[int, ...]]:
    """Whether these can be a shape or strides: a few positive integers."""
    return (
        isinstance(value, tuple)
        and len(value) <= MOST_DIMENSIONS
        and all(type(number) is int and number > 0 for number in value)
    )


def _offsets(
    data: bytes, position: int, keys: object, storages: dict[str, _Storage]
) -> dict[str, int]:
    """Where in the file the elements of each storage begin."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise RefusedError("no list of the storages' keys")
    if len(keys) != len(storages) or set(keys) != storages.keys():
        raise RefusedError("other storages than the state refers to")
    offsets: dict[str, int] = {}
    for key in keys:
        storage = storages[key]
        begin = position + 8
        position = begin + storage.count * storage.dtype.itemsize
        if position > len(data):
            raise RefusedError(f"too few bytes for the storage {key[:80]!r}")
        if struct.unpack_from("<q", data, begin - 8)[0] != storage.count:
            raise RefusedError(f"two sizes of the storage {key[:80]!r}")
        offsets[key] = begin
    if position != len(data):
        raise RefusedError("bytes after the last storage")
    return offsets


def _view(data: bytes, begin: int, tensor: _Tensor) -> Array:
    dtype = tensor.storage.dtype
    return np.ndarray(
        tensor.shape,
        dtype,
        buffer=data,
        offset=begin + tensor.offset * dtype.itemsize,
        strides=tuple(step * dtype.itemsize for step in tensor.strides),
    )
