"""Whether two pictures are the same photograph, by how much of their detail agrees.

Two photographs of two shirts on one table are alike in light, outline and place; what tells them
apart is the fine detail, block by block. So the pictures are laid over each other, and each small
block with any detail votes by its normalised correlation (Lewis, "Fast normalized
cross-correlation", 1995), which brightness, contrast and colour do not move. A watermark or a logo
loses the votes of the blocks that it covers, and a border those that it hides.

A product that is there in red and in blue has the same detail, but is not the same product; so
pictures with a part in another colour do not agree (`lookgraph.perceptual.colours`).

Pictures that are mirrored, turned or stretched are not recognised, nor those of which less than
three quarters of a side is left. Pictures with no detail at all agree with nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lookgraph.perceptual import placing
from lookgraph.perceptual.colours import is_recoloured
from lookgraph.perceptual.detail import blocks, blurred
from lookgraph.perceptual.signature import LEAST, Signature
from lookgraph.types import Matrix, Vector

SAME = 0.65
"""From this agreement on, two pictures are the same photograph. See `benchmarks/duplicates.py`."""

_CLEAR = 0.5
"""A lower peak, and the pictures lie nowhere over each other."""

_BAND = (0.8, 2.0)
"""The blurs, in pixels, between which lies what is compared: finer than outlines, and coarser than
what is lost when a picture is seen half a pixel further."""

_LOUD = 2.0
"""Levels of detail of which half counts. Outlines would drown the texture beside them otherwise."""

_BLOCK, _APART = LEAST, 4
_DETAIL = 0.2
"""The variance of a block with detail, after that."""

_AGREES = 0.8
"""The correlation from which on a block agrees."""

_FEWEST = 8
"""Blocks that vote, at least."""

_COVERED = 0.5
"""The share of the blocks that lie in both pictures, at least."""


class _Looked(NamedTuple):
    """A picture, and what is compared of it."""

    signature: Signature
    outlines: Matrix
    detail: Matrix


def is_same(one: Signature, other: Signature) -> bool:
    """Whether two pictures are the same photograph."""
    return bool(agreements(one, [other])[0] >= SAME)


def agreements(one: Signature, others: Sequence[Signature]) -> Vector:
    """How much of the detail of a picture and of each of others agrees.

    Which of two is the first moves their agreement, mostly by a few hundredths, and more where
    fine stripes were cropped. Both ways are tried before two are said not to be the same. A
    picture with many others takes less time than with each alone.

    Returns:
        The shares of blocks, 0 to 1, shape (len(others),). Most pairs that lie nowhere over each
        other are 0, as are those with the same detail of which a part has another colour.
    """
    first = _looked(one)
    spectra = placing.spectra(first.outlines)
    found = np.zeros(len(others), np.float32)
    for number, other in enumerate(others):
        second = _looked(other)
        peak, *place = placing.rough(spectra, placing.spectrum(second.outlines))
        if peak >= _CLEAR:
            roughly = placing.placed(one, other, *place)
            share = _agreement(first, second, roughly)
            if 0 < share < SAME:
                share = max(share, _agreement(second, first, placing.turned(roughly)))
            found[number] = share
    return found


def _looked(signature: Signature) -> _Looked:
    return _Looked(signature, placing.outlines(signature), _texture(signature))


def _agreement(first: _Looked, second: _Looked, roughly: placing.Placing) -> float:
    """As `agreements`, of two pictures that lie over each other about so."""
    lies = placing.improved(first.outlines, second.outlines, roughly)
    share = _votes(placing.lay(first.detail, second.detail, lies))
    if share >= SAME and is_recoloured(first.signature, second.signature, lies):
        return 0.0
    return share


def _texture(signature: Signature) -> Matrix:
    """What is compared, shape (h, w)."""
    fine, coarse = (blurred(signature.grey, deviation) for deviation in _BAND)
    detail = fine - coarse
    return np.asarray(detail / (1 + np.abs(detail) / _LOUD))


def _votes(laid: placing.Laid) -> float:
    """The share of the blocks with detail that agree."""
    height, width = laid.second.shape
    down, across = blocks(height, _BLOCK, _APART), blocks(width, _BLOCK, _APART)

    def mean(values: Matrix) -> Matrix:
        return np.asarray(down @ values @ across.T)

    first, second = mean(laid.first), mean(laid.second)
    of_first = np.maximum(mean(laid.first * laid.first) - first * first, 0)
    of_second = np.maximum(mean(laid.second * laid.second) - second * second, 0)
    common = mean(laid.first * laid.second) - first * second
    covered = (down @ laid.rows > 0.9)[:, np.newaxis] & (across @ laid.columns > 0.9)
    voting = covered & (np.maximum(of_first, of_second) > _DETAIL)
    if covered.mean() < _COVERED or voting.sum() < _FEWEST:
        return 0.0
    agree = common > _AGREES * np.sqrt(of_first * of_second + 1e-3)
    return float(agree[voting].mean())
