"""What is kept of a picture to tell later whether another is the same photograph."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.types import Pixels

AREA = 5120
"""Pixels of a signature, about: 62 x 83 of a photograph of 3 by 4."""

LONGEST = 128
"""Pixels of its longer side, at most."""

LEAST = 8
"""Pixels of a side, at least: as many as a block of `lookgraph.perceptual.agreement` has."""

COARSER = 3
"""Pixels of a signature for one of its colours, along each side, about."""

_VERSION = 2
_HEAD = struct.Struct("<BBBII")
"""Version, the signature's width and height, the picture's width and height."""

_CHECK = struct.Struct("<I")
"""CRC-32 (ITU-T V.42) of all before it."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A picture in grey and small, and its colours, smaller still.

    Attributes:
        width: of the pixels that it was made of; only its ratio to the height counts.
        height: likewise.
        grey: uint8, shape (h, w): luma (ITU-R BT.601) of the whole picture.
        chroma: uint8, shape (2, ceil(h / `COARSER`), ceil(w / `COARSER`)): its Cb and Cr, where
            128 is grey.
    """

    width: int
    height: int
    grey: NDArray[np.uint8]
    chroma: NDArray[np.uint8]

    def to_bytes(self) -> bytes:
        """It as at most 6.5 KB, for `from_bytes`."""
        rows, columns = self.grey.shape
        head = _HEAD.pack(_VERSION, columns, rows, self.width, self.height)
        body = head + self.grey.tobytes() + self.chroma.tobytes()
        return body + _CHECK.pack(zlib.crc32(body))


def signature(pixels: Pixels) -> Signature:
    """The signature of a picture.

    Args:
        pixels: uint8, shape (h, w, 3), sRGB, of any size. A picture decoded at a part of its size
            has the same signature but for a few levels, down to `LONGEST` pixels.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    by = min((AREA / (width * height)) ** 0.5, LONGEST / max(width, height))
    size = (max(LEAST, round(width * by)), max(LEAST, round(height * by)))
    small = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    colours = small.resize(_coarse(size), Image.Resampling.BILINEAR).convert("YCbCr")
    chroma = np.moveaxis(np.asarray(colours)[..., 1:], 2, 0)
    return Signature(width, height, np.asarray(small.convert("L")), np.ascontiguousarray(chroma))


def _coarse(size: tuple[int, int]) -> tuple[int, int]:
    """The sides of the colours, from those of the grey."""
    return -(-size[0] // COARSER), -(-size[1] // COARSER)


def from_bytes(stored: bytes) -> Signature | None:
    """What `Signature.to_bytes` gave.

    Returns:
        The same signature; None for anything else, be it damaged or of another version: then the
        signature is to be made again.
    """
    body, check = stored[: -_CHECK.size], stored[-_CHECK.size :]
    if len(body) < _HEAD.size or _CHECK.pack(zlib.crc32(body)) != check:
        return None
    version, columns, rows, width, height = _HEAD.unpack_from(body)
    across, down = _coarse((columns, rows))
    if version != _VERSION or len(body) != _HEAD.size + rows * columns + 2 * down * across:
        return None
    levels = np.frombuffer(body, np.uint8, offset=_HEAD.size)
    grey, chroma = levels[: rows * columns], levels[rows * columns :]
    return Signature(width, height, grey.reshape(rows, columns), chroma.reshape(2, down, across))
