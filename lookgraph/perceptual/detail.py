"""Small matrices that blur, resize and sum pictures: one for each side, as all is separable."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lookgraph.types import Matrix, Vector


def blurred(grey: NDArray[np.uint8], deviation: float) -> Matrix:
    """A blurred picture, float32.

    Args:
        grey: shape (h, w).
        deviation: of the Gaussian, in pixels. Beyond the picture nothing counts.
    """
    height, width = grey.shape
    levels = grey.astype(np.float32)
    return np.asarray(_gaussian(height, deviation) @ levels @ _gaussian(width, deviation).T)


@lru_cache(256)
def _gaussian(side: int, deviation: float) -> Matrix:
    places = np.arange(side)
    weights = np.exp(-((places[:, np.newaxis] - places) ** 2) / (2 * deviation**2))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


@lru_cache(1024)
def averaging(side: int, wanted: int, step: float) -> Matrix:
    """Makes a side smaller: triangles of two steps' width, so that nothing folds over.

    Args:
        side: pixels there are.
        wanted: pixels to make.
        step: pixels there are for one to make, above 1.
    """
    away = np.abs(_centres(wanted, step)[:, np.newaxis] - np.arange(side)) / step
    weights = np.maximum(0, 1 - away)
    sums = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.maximum(sums, 1e-6), np.float32)


def between(side: int, wanted: int, step: float, start: float) -> tuple[Matrix, Vector]:
    """Looks at a side elsewhere: linearly between its pixels, and zero beyond them.

    Args:
        side: pixels there are.
        wanted: pixels to make.
        step: what the middle of a pixel to make is multiplied by, to find it in the side.
        start: what is added then.

    Returns:
        The matrix, and which pixels to make lie inside the side: 1 for these, 0 for others.
    """
    at = _centres(wanted, step) + np.float32(start)
    weights = np.maximum(0, 1 - np.abs(at[:, np.newaxis] - np.arange(side, dtype=np.float32)))
    return weights, np.asarray((at > 0) & (at < side - 1), np.float32)


@lru_cache(256)
def blocks(side: int, block: int, apart: int) -> Matrix:
    """Means of the blocks of a side that begin so many pixels apart, with equal rests around."""
    count = (side - block) // apart + 1
    first = (side - (count - 1) * apart - block) // 2
    begins = first + apart * np.arange(count)[:, np.newaxis]
    inside = (np.arange(side) >= begins) & (np.arange(side) < begins + block)
    return np.asarray(inside / block, np.float32)


def _centres(wanted: int, step: float) -> Vector:
    """Where pixels lie among those there are; the middle of the first of these is at 0."""
    return np.asarray(step * (np.arange(wanted) + 0.5) - 0.5, np.float32)
