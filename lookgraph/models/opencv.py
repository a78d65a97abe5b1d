"""OpenCV's resizing, number for number, without OpenCV.

It is ``cv2.resize(picture, (width, height))``, that is ``INTER_LINEAR``, for bytes:
``resizeGeneric_`` in https://github.com/opencv/opencv/blob/4.x/modules/imgproc/src/resize.cpp with
weights of 11 bits. OpenCV 4.10 and 5.0 give the same pixels.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookgraph.types import Pixels

_ONE = 2048
"""A weight of 1."""

_FEW = 2
"""With no more rows than these for each that is needed, all are taken."""


def squash(image: Image.Image, width: int, height: int) -> Pixels:
    """Resize from four pixels for each, however many become one.

    Args:
        image: in mode RGB, of any size from 1 x 1.
        width: wanted, in pixels.
        height: likewise.

    Returns:
        The pixels, uint8, shape (height, width, 3).
    """
    across, down = _taps(image.width, width), _taps(image.height, height)
    places, where = np.unique([down.first, down.second], return_inverse=True)
    upper, lower = _weighed(_rows(image, places), across)[where.reshape(2, height)]

    # Rounded where OpenCV rounds: 16 bits of 32 at a time, as its vector instructions want it.
    above = (upper >> 4) * down.weights[0][:, None, None] >> 16
    below = (lower >> 4) * down.weights[1][:, None, None] >> 16
    squashed: Pixels = (above + below + 2 >> 2).astype(np.uint8)
    return squashed


def _rows(image: Image.Image, places: NDArray[np.int64]) -> Pixels:
    """Some of a picture's rows, shape (rows, width, 3).

    Of a large picture, they are taken one by one: for 12 megapixels, in 7 ms instead of 60.
    """
    if image.height <= _FEW * len(places):
        rows: Pixels = np.asarray(image)[places]
        return rows
    return np.stack(
        [np.asarray(image.crop((0, y, image.width, y + 1)))[0] for y in places.tolist()]
    )


class _Taps(NamedTuple):
    """The two pixels of a side that become each of the resized one, and their weights.

    Both have shape (resized); the weights have (2, resized) and add up to `_ONE`, or nearly.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    weights: NDArray[np.int32]


def _taps(side: int, resized: int) -> _Taps:
    # OpenCV takes the reciprocal of the quotient, in doubles, and has places in floats.
    scale = 1.0 / (resized / side)
    places = ((np.arange(resized) + 0.5) * scale - 0.5).astype(np.float32)
    first = np.floor(places).astype(np.int64)
    part = places - first.astype(np.float32)
    weights = np.rint(np.stack([1 - part, part]) * _ONE).astype(np.int32)
    return _Taps(first.clip(0, side - 1), (first + 1).clip(0, side - 1), weights)


def _weighed(rows: Pixels, taps: _Taps) -> NDArray[np.int32]:
    """The rows, made narrower or wider; values from 0 to 255 * `_ONE`."""
    left, right = rows[:, taps.first].astype(np.int32), rows[:, taps.second].astype(np.int32)
    weighed: NDArray[np.int32] = left * taps.weights[0][:, None] + right * taps.weights[1][:, None]
    return weighed
