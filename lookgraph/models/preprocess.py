"""From a decoded picture to the pixels that a network sees."""

from math import ceil, floor
from typing import NamedTuple

import numpy as np
from PIL import Image

from lookgraph.errors import UsageError
from lookgraph.models import opencv
from lookgraph.models.model import Filter, Preparation
from lookgraph.types import Pixels

_FILTERS = {
    Filter.BICUBIC: (Image.Resampling.BICUBIC, 2.0),
    Filter.BILINEAR: (Image.Resampling.BILINEAR, 1.0),
}
"""Pillow's filters, and how many pixels each reaches, of source or result, whichever are larger."""

_LONG = 1 << 15
"""A side that is enlarged to more pixels is cut first."""


def fit(image: Image.Image, preparation: Preparation) -> Pixels:
    """Resize a picture and cut out the middle, or squash all of it.

    With `Preparation.shorter_side`, it is torchvision's ``Resize``, with antialiasing, and
    ``CenterCrop``: with `Filter.BILINEAR` to the last digit, as long as the picture is not so long
    that it would become a huge one. For those, and with `Filter.BICUBIC`, only what ends up in the
    middle is computed, which takes two thirds of the time, and is what existing libraries were
    made with. Pillow keeps a region's borders as float32, so where a value falls between two, it
    may then differ by 1, on noise by 2.

    Without a shorter side, the pixels are those of ``keras.utils.load_img(path,
    target_size=(height, width), interpolation="bilinear")``, or with `Filter.OPENCV_LINEAR` of
    ``cv2.resize(picture, (width, height))``.

    It is done in two passes because Pillow 13 turns their order round for tall pictures
    (python-pillow/Pillow#9549), which would move embeddings.

    Args:
        image: in mode RGB, of any size from 1 x 1.
        preparation: what the network wants.

    Returns:
        The pixels, uint8, shape (height, width, 3), red first.

    Raises:
        UsageError: OpenCV's filter is to keep the picture's shape; it is there for squashing only.
    """
    if preparation.filter is Filter.OPENCV_LINEAR:
        if preparation.shorter_side is not None:
            raise UsageError(f"the filter {preparation.filter} goes without a shorter side")
        return opencv.squash(image, preparation.width, preparation.height)
    resample, _ = _FILTERS[preparation.filter]
    resized, wanted = _resized(image.size, preparation), (preparation.width, preparation.height)
    across = _span(image.width, resized[0], wanted[0], preparation.filter)
    down = _span(image.height, resized[1], wanted[1], preparation.filter)

    part = _cut(image, across.first, down.first, across.last, down.last)
    columns = (across.begin, 0, across.end, part.height)
    part = part.resize((across.size, part.height), resample, columns)
    part = _cut(part, across.cut, 0, across.cut + wanted[0], part.height)
    rows = (0, down.begin, part.width, down.end)
    part = part.resize((part.width, down.size), resample, rows)
    return np.asarray(_cut(part, 0, down.cut, part.width, down.cut + wanted[1]))


def reduced(image: Image.Image, side: int) -> Pixels:
    """All of a picture, so small that its shorter side has no more than so many pixels.

    Args:
        image: in mode RGB, of any size from 1 x 1.
        side: at least 1.

    Returns:
        The pixels, uint8, shape (height, width, 3), red first.
    """
    scale = side / min(image.size)
    if scale < 1:
        width, height = (max(1, round(its * scale)) for its in image.size)
        # In an order of our own, as in `fit`.
        image = image.resize((width, image.height), Image.Resampling.BICUBIC)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _cut(image: Image.Image, left: int, top: int, right: int, bottom: int) -> Image.Image:
    """A part of a picture; the picture itself, and not a copy, if it is all of it."""
    box = (left, top, right, bottom)
    return image if box == (0, 0, *image.size) else image.crop(box)


class _Span(NamedTuple):
    """What happens to one side of a picture.

    Pixels `first` to `last` are taken; of these, `begin` to `end` are resized to `size` pixels;
    of these, the wanted ones start at `cut`.
    """

    first: int
    last: int
    begin: float
    end: float
    size: int
    cut: int


def _span(side: int, resized: int, wanted: int, filter_: Filter) -> _Span:
    """From a side to the middle `wanted` pixels of it after resizing."""
    left = round((resized - wanted) / 2.0)
    if filter_ is Filter.BILINEAR and resized <= max(side, _LONG):
        return _Span(0, side, 0, side, resized, left)
    begin, end = left * side / resized, (left + wanted) * side / resized
    reach = _FILTERS[filter_][1] * max(1.0, side / resized)
    first, last = max(0, floor(begin - reach)), min(side, ceil(end + reach))
    return _Span(first, last, begin - first, end - first, wanted, 0)


def _resized(size: tuple[int, int], preparation: Preparation) -> tuple[int, int]:
    """The width and height of all of the picture after resizing."""
    if preparation.shorter_side is None:
        return preparation.width, preparation.height
    short, long = min(size), max(size)
    longer_side = int(preparation.shorter_side * long / short)
    sides = (preparation.shorter_side, longer_side)
    return sides if size[0] == short else sides[::-1]
