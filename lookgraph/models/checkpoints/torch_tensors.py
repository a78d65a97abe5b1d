"""What torch's pickles say of tensors, whichever file they are in.

A tensor is a call of ``torch._utils._rebuild_tensor_v2`` with a storage, an offset, a shape and
strides; a storage is a persistent id with its type, key and number of elements (``torch._utils``
and ``torch.serialization`` in torch's source). Where the elements are, each format says itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TypeGuard

import numpy as np

from lookgraph.models.checkpoints.pickles import Admitted, Data, Name, RefusedError
from lookgraph.models.checkpoints.views import MOST_DIMENSIONS, check_number, view, widened
from lookgraph.types import Array

_ORDERED_DICT = Name("collections", "OrderedDict")
_REBUILD_TENSOR = Name("torch._utils", "_rebuild_tensor_v2")
_REBUILD_PARAMETER = Name("torch._utils", "_rebuild_parameter")
_BFLOAT16 = Name("torch", "BFloat16Storage")
_DTYPES = {
    Name("torch", f"{kind}Storage"): np.dtype(code)
    for kind, code in {
        "Float": "<f4",
        "Double": "<f8",
        "Half": "<f2",
        "BFloat16": "<u2",
        "Long": "<i8",
        "Int": "<i4",
        "Short": "<i2",
        "Char": "i1",
        "Byte": "u1",
        "Bool": "?",
    }.items()
}
"""The types of storages by what their elements are in the file."""

_NAMES = frozenset({_ORDERED_DICT, _REBUILD_TENSOR, _REBUILD_PARAMETER, *_DTYPES})


@dataclass(frozen=True, slots=True)
class Storage:
    """Elements that tensors are views of."""

    key: str
    kind: Name
    count: int

    @property
    def nbytes(self) -> int:
        """The bytes that the elements take in the file."""
        return self.count * _DTYPES[self.kind].itemsize

    def elements(self, data: Data, begin: int) -> Array:
        """The elements, of which there is at least one, shape (count,)."""
        stored = view(data, _DTYPES[self.kind], begin, (self.count,))
        return widened(stored) if self.kind == _BFLOAT16 else stored


@dataclass(frozen=True, slots=True)
class Tensor:
    """A view of a storage; offset and strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def admitted(storages: dict[str, Storage]) -> Admitted:
    """What a state's pickle may hold; the storages that it refers to are put into `storages`."""

    def resolve(reference: object) -> Storage:
        storage = _storage(reference)
        if storages.setdefault(storage.key, storage) != storage:
            raise RefusedError(f"two storages with the key {storage.key[:80]!r}")
        return storage

    return Admitted(_NAMES, _construct, resolve)


def _construct(name: Name, arguments: tuple[object, ...]) -> object:
    """What a call in a state makes: a dict or a tensor."""
    if name == _ORDERED_DICT and not arguments:
        return {}
    if name == _REBUILD_TENSOR:
        return _tensor(arguments)
    match arguments:
        case (Tensor() as tensor, bool(), dict()) if name == _REBUILD_PARAMETER:
            return tensor
    raise RefusedError(f"a call of {name}")


def state_of(value: object) -> dict[str, Tensor]:
    """The value of a pickle as a state: every value is a tensor."""
    if not isinstance(value, dict):
        raise RefusedError(f"{type(value).__name__} instead of a dict of tensors")
    for name, tensor in value.items():
        if not isinstance(tensor, Tensor):
            raise RefusedError(f"{type(tensor).__name__} instead of a tensor as {name[:80]!r}")
    return value


def arrays(state: dict[str, Tensor], elements_of: Callable[[Storage], Array]) -> dict[str, Array]:
    """The tensors as views of the elements of their storages, each of which is asked for once."""
    check_number(len(state))
    elements: dict[str, Array] = {}
    found: dict[str, Array] = {}
    for name, tensor in state.items():
        key = tensor.storage.key
        if key not in elements:
            elements[key] = elements_of(tensor.storage)
        base = elements[key]
        found[name] = view(
            base.data, base.dtype, tensor.offset * base.itemsize, tensor.shape, tensor.strides
        )
    return found


def _storage(reference: object) -> Storage:
    """From ("storage", type, key, device, number of elements); the legacy format adds a view."""
    match reference:
        case ("storage", Name() as kind, str(key), str(), int(count)) | (
            "storage",
            Name() as kind,
            str(key),
            str(),
            int(count),
            None,
        ) if kind in _DTYPES and count >= 0:
            return Storage(key, kind, count)
    raise RefusedError("a reference that is not to a storage")


def _tensor(arguments: tuple[object, ...]) -> Tensor:
    """From (storage, offset, shape, strides, requires_grad, hooks), checked against the storage."""
    match arguments:
        case (Storage() as storage, int(offset), shape, strides, bool(), dict()) if (
            _are_sizes(shape) and _are_sizes(strides) and len(shape) == len(strides)
        ):
            last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
            # A stride of 0 would let a few bytes pose as any number of elements.
            if offset >= 0 and last < storage.count and prod(shape) <= storage.count:
                return Tensor(storage, offset, shape, strides)
            raise RefusedError("a tensor that reaches beyond its storage")
    raise RefusedError("a tensor with other arguments than (storage, offset, shape, strides, …)")


def _are_sizes(value: object) -> TypeGuard[tuple[int, ...]]:
    """Whether these can be a shape or strides: a few positive integers."""
    return (
        isinstance(value, tuple)
        and len(value) <= MOST_DIMENSIONS
        and all(type(number) is int and number > 0 for number in value)
    )
