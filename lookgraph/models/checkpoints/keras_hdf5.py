"""Weights that Keras keeps in HDF5, in the layout of Keras 1 and 2 (``legacy_h5_format`` in 3).

Each layer is a group, whose datasets are its weights; a weight's name, as in the layer's attribute
``weight_names``, is its path within that group. A whole model (``model.save("x.h5")``) has the
layers in its group ``model_weights``.

Keras 3's ``model.save_weights("x.weights.h5")`` writes another layout, which numbers the weights
instead of naming them; it is refused.

h5py only says where the numbers are; they are read from the file like those of any other format.
So no more of the HDF5 library is used than walking through groups. Attributes are not read at
all: the names in them can make it reserve as much memory as a file likes. It is a library in C
that parses what it is given all the same: weights from strangers are better kept in safetensors.
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from lookgraph.errors import MissingExtraError
from lookgraph.models.checkpoints.pickles import Data, RefusedError
from lookgraph.models.checkpoints.views import MOST_DIMENSIONS, check_number, view
from lookgraph.types import Array

SIGNATURE = b"\x89HDF\r\n\x1a\n"

_DTYPES = ("<f4", "<f2", "<f8", "<i8", "<i4", "<i2", "i1", "<u4", "u1")

MOST_LINKS = 20_000
LONGEST_NAME = 200
DEEPEST = 8
"""Groups within each other; Keras nests three."""


def read(data: Data, file: Path) -> dict[str, Array]:
    """The tensors by name: views of the data.

    Args:
        data: the file's bytes.
        file: the file once more, for h5py to open.

    Raises:
        RefusedError: it is anything else.
        MissingExtraError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("Keras weights", "keras") from error
    try:
        with h5py.File(file, "r") as opened:
            return _tensors(data, _layers(opened.id))
    except RefusedError:
        raise
    # h5py raises whatever HDF5's own error reminds it of.
    except Exception as error:
        raise RefusedError(f"damaged HDF5: {str(error)[:200]!r}") from error


def _layers(root: Any) -> Any:
    """The group that has the layers."""
    from h5py import h5a

    for path in ((), (b"model_weights",)):
        group = root
        for part in path:
            group = _open(group, part) if group.links.exists(part) else None
        if group is not None and h5a.exists(group, b"layer_names"):
            return group
    if root.links.exists(b"layers"):
        raise RefusedError(
            "the layout of Keras 3's .weights.h5, which does not name the weights. "
            "Save the whole model as .h5 instead"
        )
    raise RefusedError("HDF5 without Keras' attribute layer_names")


def _tensors(data: Data, layers: Any) -> dict[str, Array]:
    """The datasets within the layers, by their path in the layer."""
    from h5py import h5d, h5g

    tensors: dict[str, Array] = {}
    waiting = [("", layer, 0) for name, layer in _linked(layers, MOST_LINKS)]
    left = MOST_LINKS - len(waiting)
    while waiting:
        prefix, group, depth = waiting.pop()
        if not isinstance(group, h5g.GroupID) or depth > DEEPEST:
            raise RefusedError("something beside groups of weights, or too many within each other")
        for name, found in _linked(group, left):
            left -= 1
            path = f"{prefix}{name}"
            if len(path) > LONGEST_NAME:
                raise RefusedError(f"a name of more than {LONGEST_NAME} characters")
            if not isinstance(found, h5d.DatasetID):
                waiting.append((f"{path}/", found, depth + 1))
            elif path in tensors:
                raise RefusedError(f"two weights of the name {path!r}")
            else:
                tensors[path] = _tensor(data, found, path)
                check_number(len(tensors))
    return tensors


def _linked(group: Any, most: int) -> Iterator[tuple[str, Any]]:
    """What is in a group, by name."""
    names: list[bytes] = []

    def take(name: bytes) -> bool | None:
        names.append(name)
        return True if len(names) > most else None  # True ends it.

    group.links.iterate(take)
    if len(names) > most:
        raise RefusedError(f"more than {MOST_LINKS} groups and weights")
    for name in names:
        yield name.decode(), _open(group, name)


def _open(group: Any, name: bytes) -> Any:
    """What is in the group itself: no link leads elsewhere."""
    from h5py import h5l, h5o

    if group.links.get_info(name).type != h5l.TYPE_HARD:
        raise RefusedError(f"a link to elsewhere: {name[:80]!r}")
    return h5o.open(group, name)


def _tensor(data: Data, dataset: Any, name: str) -> Array:
    """A view of where the numbers lie in the file, as one piece and as they are."""
    from h5py import h5d, h5s

    kept, space = dataset.get_create_plist(), dataset.get_space()
    if kept.get_layout() != h5d.CONTIGUOUS or kept.get_external_count():
        raise RefusedError(f"a weight that is compressed, in pieces or in another file: {name!r}")
    if space.get_simple_extent_type() not in {h5s.SCALAR, h5s.SIMPLE}:
        raise RefusedError(f"a weight without a shape: {name!r}")
    shape = tuple(int(size) for size in space.get_simple_extent_dims())
    if len(shape) > MOST_DIMENSIONS or not all(shape):
        raise RefusedError(f"a weight without numbers or of many dimensions: {name!r}")
    dtype = _dtype(dataset.get_type(), name)
    begin, size = dataset.get_offset(), prod(shape) * dtype.itemsize
    if begin is None or size != dataset.get_storage_size() or begin + size > len(data):
        raise RefusedError(f"a weight beyond the file: {name!r}")
    return view(data, dtype, begin, shape)


def _dtype(found: Any, name: str) -> np.dtype[np.generic]:
    from h5py import h5t

    for code in _DTYPES:
        if found.equal(h5t.py_create(np.dtype(code))):
            return np.dtype(code)
    raise RefusedError(f"a weight that is not of plain little-endian numbers: {name!r}")
