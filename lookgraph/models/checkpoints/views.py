"""Arrays that lie where the file has their elements, and limits that all formats share."""

import numpy as np

from lookgraph.models.checkpoints.pickles import Data, RefusedError
from lookgraph.types import Array

MOST_DIMENSIONS = 8
MOST_TENSORS = 10_000
"""A network of several hundred layers has some 1,500."""


def view(
    data: Data | memoryview,
    dtype: np.dtype[np.generic],
    begin: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None = None,
) -> Array:
    """A tensor within the data, which the caller has checked to hold it.

    Args:
        data: read-only bytes, which the array keeps alive.
        dtype: of its elements.
        begin: the byte at which its first element begins.
        shape: of at least one element.
        strides: in elements; without them, the elements follow each other, the last index fastest.
    """
    steps = None if strides is None else tuple(step * dtype.itemsize for step in strides)
    return np.ndarray(shape, dtype, buffer=data, offset=begin, strides=steps)


def widened(bits: Array) -> Array:
    """The float32 of the same values as bfloat16s, which are given by their bits, as uint16.

    A bfloat16 is the upper half of a float32.
    """
    wide = bits.astype("<u4")
    wide <<= 16
    wide.flags.writeable = False
    return wide.view("<f4")


def check_number(count: int) -> None:
    """Refuse more tensors than a network has."""
    if count > MOST_TENSORS:
        raise RefusedError(f"more than {MOST_TENSORS} tensors")
