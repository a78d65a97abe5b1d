"""From a decoded picture to the square that a network sees."""

from math import ceil, floor
from typing import NamedTuple

import numpy as np
from PIL import Image

from lookgraph.models.registry import Model
from lookgraph.types import Pixels

_FILTERS = {"bicubic": (Image.Resampling.BICUBIC, 2.0)}
"""Pillow's filters, and how many pixels each reaches, of source or result, whichever are larger."""


def fit(image: Image.Image, model: Model) -> Pixels:
    """Resize the shorter side, with antialiasing, and cut the square in the middle.

    The geometry is that of torchvision's ``Resize`` and ``CenterCrop``, but only what ends up in
    the square is computed, so a very long picture never becomes a huge one. It is done in two
    passes because Pillow 13 turns their order round for tall pictures (python-pillow/Pillow#9549),
    which would move embeddings. Pillow keeps a region's borders as float32: where a value falls
    between two, it may differ by 1, on noise by 2, from that of resizing all and then cutting.

    Args:
        image: in mode RGB, of any size from 1 x 1.
        model: the network that it is for.

    Returns:
        The pixels, uint8, shape (crop, crop, 3).
    """
    resample, reach = _FILTERS[model.interpolation]
    width, height = _resized(image.size, model.shorter_side)
    across = _span(image.width, width, model.crop, reach)
    down = _span(image.height, height, model.crop, reach)

    part = image.crop((across.first, down.first, across.last, down.last))
    columns = (across.begin, 0, across.end, part.height)
    part = part.resize((model.crop, part.height), resample, columns)
    square = (0, down.begin, model.crop, down.end)
    return np.asarray(part.resize((model.crop, model.crop), resample, square))


class _Span(NamedTuple):
    """What is needed of one side: pixels first to last, and the square's borders among them."""

    first: int
    last: int
    begin: float
    end: float


def _span(side: int, resized: int, crop: int, reach: float) -> _Span:
    """The middle `crop` pixels of a side after resizing, on the side before it."""
    left = round((resized - crop) / 2.0)
    begin, end = left * side / resized, (left + crop) * side / resized
    reach *= max(1.0, side / resized)
    first, last = max(0, floor(begin - reach)), min(side, ceil(end + reach))
    return _Span(first, last, begin - first, end - first)


def _resized(size: tuple[int, int], shorter_side: int) -> tuple[int, int]:
    """The size after the shorter side has become `shorter_side`."""
    short, long = min(size), max(size)
    longer_side = int(shorter_side * long / short)
    return (shorter_side, longer_side) if size[0] == short else (longer_side, shorter_side)
