"""From float16 to float32, fast."""

import numpy as np

from lookgraph.types import Array, Matrix, Rows

UNDO = np.float32(2.0**112)
"""What brings a number that `widen` has given back to its size."""

_TOO_LARGE = 2.0**16
"""What is not finite comes out at least so large."""

_SIGN_AND_VALUE = np.array(0x8FFFE000, np.uint32).view(np.int32)


def widen(block: Rows, out: Matrix) -> None:
    """Fill ``out`` with finite float16 numbers times 2**-112, exactly.

    NumPy's own conversion goes number by number; this one is three passes over the block, and
    four to ten times as fast. The bits of a float16 are moved to where float32 has them
    (IEEE 754, binary16 and binary32), subnormal numbers included; as the exponents' biases are
    15 and 127, the result is too small by 2**(127 - 15). Its products with numbers times 2**112
    are right; its squares would be zero, so multiply it by `UNDO` before squaring.

    Infinities and NaNs come out as finite numbers between 2**16 and 2**17, times 2**-112.

    Args:
        block: shape (n, d), float16.
        out: shape (n, d), float32, C-contiguous; written over.
    """
    bits = out.view(np.int32)
    np.copyto(bits, block.view(np.int16))  # the sign fills the upper half
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, _SIGN_AND_VALUE, out=bits)


def as_float32(rows: Rows) -> Matrix:
    """The same finite numbers as float32, exactly."""
    wide = np.empty(rows.shape, np.float32)
    widen(rows, wide)
    return np.multiply(wide, UNDO, out=wide)


def as_float64(rows: Rows) -> Array:
    """The same numbers as float64, exactly; NaN for those that are not finite."""
    wide = as_float32(rows)
    wide[np.abs(wide) >= _TOO_LARGE] = np.nan
    return wide.astype(np.float64)
