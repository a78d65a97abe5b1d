"""Whether a part of two pictures that lie over each other has another colour: red here, blue there.

A photograph's colours may have been turned down as far as grey, or up, and its white point moved:
either does the same to all of it. So what counts is the share of places whose colours no such
change explains; the change that leaves least is the one that was made.

The white point is moved by making red and blue stronger or weaker beside green (von Kries,
"Chromatic adaptation", 1902). By how much is read off the middle of all places. Where one thing
fills most of the picture, that is the thing's own new colour; so it is always tried, too, that the
white point has not moved.

Colour that was put into a grey picture, or turned down to grey, passes for the same. A small part
goes unnoticed, as a logo must.
"""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookgraph.perceptual import placing
from lookgraph.perceptual.detail import averaging, blocks
from lookgraph.perceptual.signature import Signature
from lookgraph.types import Matrix, Vector

_PLACE = 2
"""Pixels of the chroma, along each side, that are looked at as one: edges differ by chance."""

_LEFT = np.linspace(1, 0, 11).tolist()
"""The share of its colour that is left in the fainter of two pictures."""

_NOTICED = 0.05
"""The share of places that makes it another picture: a logo in a corner is smaller, mostly. See
`benchmarks/duplicates.py`."""

_FURTHEST = 1.3
"""The most by which red or blue is made stronger; one over it, weaker."""

_CHANCE = 2.0
_SHARE = 0.3
"""Colours differ that are further apart than so many levels of Cb and Cr, and this share of the
stronger of the two."""

_LIGHT = (20, 225)
"""Levels of luma. Beyond, colours are clipped, and tell nothing."""

_GREY = 128
"""Cb and Cr of what has no colour."""

_TO_RGB = np.array([[0, 1.402], [-0.344136, -0.714136], [1.772, 0]], np.float32)
_TO_CHROMA = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
"""ITU-R BT.601, of full range as in JPEG files (ITU-T T.871)."""


class _Colours(NamedTuple):
    """Of n places.

    Attributes:
        luma: shape (n,).
        chroma: Cb and Cr, 0 for grey, shape (2, n).
    """

    luma: Vector
    chroma: Matrix


def is_recoloured(one: Signature, other: Signature, lies: placing.Placing) -> bool:
    """Whether a part of what lies in both pictures has another colour in one than in the other.

    Args:
        one: a picture.
        other: another.
        lies: how they lie over each other.
    """
    planes = zip(_planes(one), _planes(other), strict=True)
    laid = [placing.lay(its, theirs, _coarse(lies, one, other)) for its, theirs in planes]
    height, width = laid[0].second.shape
    down, across = blocks(height, _PLACE, 1), blocks(width, _PLACE, 1)
    both = (down @ laid[0].rows > 0.9)[:, np.newaxis] & (across @ laid[0].columns > 0.9)
    if not both.any():
        return False

    def colours(planes: list[Matrix]) -> _Colours:
        luma, *chroma = (np.asarray(down @ plane @ across.T, np.float32)[both] for plane in planes)
        return _Colours(luma, np.stack(chroma))

    first = colours([plane.first for plane in laid])
    second = colours([plane.second for plane in laid])
    changes = chain(_unexplained(first, second), _unexplained(second, first))
    return all(share >= _NOTICED for share in changes)


def _planes(signature: Signature) -> list[Matrix]:
    """The luma, made as small as the chroma, Cb and Cr."""
    height, width = signature.grey.shape
    _, rows, columns = signature.chroma.shape
    down, across = (
        averaging(height, rows, height / rows),
        averaging(width, columns, width / columns),
    )
    return [down @ signature.grey @ across.T, *(signature.chroma - np.float32(_GREY))]


def _coarse(lies: placing.Placing, one: Signature, other: Signature) -> placing.Placing:
    """The placing of the chroma, from that of the grey."""
    down, across = _coarser(one)
    its_down, its_across = _coarser(other)
    return placing.Placing(
        lies.step_x * its_across / across, lies.step_y * its_down / down,
        lies.x0 / across, lies.y0 / down,
    )  # fmt: skip


def _coarser(signature: Signature) -> tuple[float, float]:
    """Pixels of the grey for one of the chroma, down and across."""
    (height, width), (_, rows, columns) = signature.grey.shape, signature.chroma.shape
    return height / rows, width / columns


def _unexplained(vivid: _Colours, faint: _Colours) -> Iterator[float]:
    """The shares of places that differ, by how much the colours of the first may have faded."""
    darker, lighter = np.minimum(vivid.luma, faint.luma), np.maximum(vivid.luma, faint.luma)
    telling = (darker > _LIGHT[0]) & (lighter < _LIGHT[1])
    for left in _LEFT:
        faded = _Colours(vivid.luma, np.float32(left) * vivid.chroma)
        yield _differing(faded.chroma, faint.chroma, telling)
        balanced = _balanced(faded, faint)
        if balanced is not None:
            yield _differing(balanced, faint.chroma, telling)


def _balanced(colours: _Colours, like: _Colours) -> Matrix | None:
    """The chroma with the white point of another picture; None if that is too far away."""
    rgb, wanted = _rgb(colours), _rgb(like)
    gains = np.median(wanted / wanted[1] * rgb[1] / rgb, axis=1)
    if max(gains.max(), 1 / gains.min()) > _FURTHEST:
        return None
    moved = np.minimum(rgb * gains[:, np.newaxis], 255)
    return np.asarray(_TO_CHROMA @ moved.astype(np.float32))


def _rgb(colours: _Colours) -> Matrix:
    return np.asarray(np.maximum(colours.luma + _TO_RGB @ colours.chroma, 1))


def _differing(one: Matrix, other: Matrix, telling: NDArray[np.bool_]) -> float:
    """The share of places, of all, that tell something and differ."""
    stronger = np.maximum(np.hypot(*one), np.hypot(*other))
    differ = np.hypot(*(one - other)) > _CHANCE + _SHARE * stronger
    return float((differ & telling).mean())
