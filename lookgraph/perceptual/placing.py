"""How one picture lies over another: roughly by phase correlation, then finely by least squares.

Phase correlation (Kuglin and Hines, "The phase correlation image alignment method", 1975) finds a
shift whatever the tones are. It is done at several scales. The shift and the scale are then
improved by Gauss-Newton steps, which let pixels that differ much count little, with the gain
between the two fitted (Lucas and Kanade 1981; Evangelidis and Psarakis 2008, "Parametric image
alignment using enhanced correlation coefficient maximization").
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lookgraph.perceptual.detail import averaging, between, blurred
from lookgraph.perceptual.signature import Signature
from lookgraph.types import Array, Matrix, Vector

_SCALES = np.geomspace(0.77, 1.3, 11).tolist()
"""Of the first picture. One in between is at most 2.7 % off, a pixel at the canvas' edge."""

_CANVAS = 64
_SHRUNK = 2.0
"""Pixels of a signature for one of the canvas."""

_FURTHEST = 14
"""A shift, in pixels of the canvas: a third of a photograph's longer side."""

_NEAR = np.arange(-_FURTHEST, _FURTHEST + 1)

_BLUR = 3.0
"""What is taken away, in pixels of a signature."""

_LOUDEST = 16
"""Edges count no more than this many levels: a border would outweigh the picture."""

_FADING = 6
"""Pixels at the edges over which a picture fades, for the same reason."""

_STEPS = 3
_MOST = np.array([2.0, 2.0, 0.05])
"""Of a step: pixels, pixels, and the share by which the scale changes."""

Spectra = NDArray[np.complex64]


def _band() -> Matrix:
    """The frequencies that count: not light and shade, and not what is lost in a small copy."""
    down, across = np.fft.fftfreq(_CANVAS)[:, np.newaxis], np.fft.rfftfreq(_CANVAS)
    radius = np.hypot(down, across)
    kept = np.exp(-((radius / 0.22) ** 2)) * (1 - np.exp(-((radius / 0.04) ** 2)))
    return np.asarray(kept, np.float32)


_BAND = _band()
_ROOT = np.sqrt(_BAND)
_WHOLE = float(np.fft.irfft2(_BAND)[0, 0])
"""The peak of a picture with itself."""


@dataclass(frozen=True, slots=True)
class Placing:
    """A point (x, y) of the second signature is at (step_x x + x0, step_y y + y0) of the first.

    Pixels are counted from the corner: the middle of the first one is at 0.5.
    """

    step_x: float
    step_y: float
    x0: float
    y0: float


@dataclass(frozen=True, slots=True)
class Laid:
    """Two pictures laid over each other.

    Attributes:
        first: where the second is, shape (h, w); zero where it does not reach.
        second: shape (h, w).
        rows: 1 for rows of the second that the first reaches, or else 0, shape (h,).
        columns: likewise, shape (w,).
    """

    first: Matrix
    second: Matrix
    rows: Vector
    columns: Vector


def outlines(signature: Signature) -> Matrix:
    """What pictures are laid over each other by: edges, but not those of the picture itself."""
    detail = (signature.grey - blurred(signature.grey, _BLUR)).clip(-_LOUDEST, _LOUDEST)
    height, width = detail.shape
    return np.asarray(detail * _fading(height)[:, np.newaxis] * _fading(width))


def _fading(side: int) -> Vector:
    rising = np.minimum(1, (np.arange(side) + 0.5) / _FADING)
    return np.asarray(np.minimum(rising, rising[::-1]), np.float32)


def spectra(outlines: Matrix) -> Spectra:
    """What `rough` wants of the first picture, shape (scales, ...)."""
    return _spectra(outlines, _SCALES)


def spectrum(outlines: Matrix) -> Spectra:
    """What `rough` wants of the second picture."""
    return np.asarray(_spectra(outlines, [1.0])[0])


def _spectra(outlines: Matrix, scales: list[float]) -> Spectra:
    """Phases, and the square root of what each frequency counts as length."""
    height, width = outlines.shape
    canvas = np.zeros((len(scales), _CANVAS, _CANVAS), np.float32)
    for number, scale in enumerate(scales):
        step = _SHRUNK / scale
        rows, columns = (min(_CANVAS, round(side / step)) for side in (height, width))
        down, across = averaging(height, rows, step), averaging(width, columns, step)
        canvas[number, :rows, :columns] = down @ outlines @ across.T
    found = np.fft.rfft2(canvas).astype(np.complex64)
    lengths = np.sqrt(found.real**2 + found.imag**2)  # a third of `np.abs`' time
    return np.asarray(found * (_ROOT / (lengths + np.float32(1e-3))))


def rough(first: Spectra, second: Spectra) -> tuple[float, float, float, float]:
    """Where a picture lies over another, and how clearly.

    Returns:
        The height of the peak, 1 for the same picture, and what is its place: the scale of the
        first picture at which both agree, and the shift down and across, in its pixels then.
    """
    planes = np.fft.irfft2(first * second.conj(), s=(_CANVAS, _CANVAS))
    near = planes[:, _NEAR[:, np.newaxis], _NEAR]
    number, down, across = np.unravel_index(int(near.argmax()), near.shape)
    peak = float(near[number, down, across]) / _WHOLE
    shift = (_SHRUNK * (int(down) - _FURTHEST), _SHRUNK * (int(across) - _FURTHEST))
    return peak, _SCALES[int(number)], *shift


def placed(one: Signature, other: Signature, scale: float, down: float, across: float) -> Placing:
    """What `rough` found, of pictures whose signatures' pixels are not quite square."""
    wide = _pixel(other)[0] / _pixel(one)[0]
    high = _pixel(other)[1] / _pixel(one)[1]
    by = 1 / scale / (wide * high) ** 0.5
    return Placing(by * wide, by * high, across / scale, down / scale)


def turned(placing: Placing) -> Placing:
    """How the first picture lies over the second."""
    return Placing(
        1 / placing.step_x, 1 / placing.step_y,
        -placing.x0 / placing.step_x, -placing.y0 / placing.step_y,
    )  # fmt: skip


def _pixel(signature: Signature) -> tuple[float, float]:
    """The width and height of a signature's pixel, in pixels of the picture."""
    rows, columns = signature.grey.shape
    return signature.width / columns, signature.height / rows


def improved(one: Matrix, other: Matrix, placing: Placing) -> Placing:
    """A better placing of two pictures, by their outlines."""
    for _ in range(_STEPS):
        step = _step(lay(one, other, placing))
        if step is None:
            break
        placing = _moved(placing, step, other)
    return placing


def lay(one: Matrix, other: Matrix, placing: Placing) -> Laid:
    """Look at the first picture where the second is."""
    height, width = other.shape
    down, rows = between(one.shape[0], height, placing.step_y, placing.y0)
    across, columns = between(one.shape[1], width, placing.step_x, placing.x0)
    return Laid(np.asarray(down @ one @ across.T), other, rows, columns)


def _step(laid: Laid) -> Array | None:
    """How much further across, down and (by share) out to look; None if nothing tells."""
    first, second = laid.first, laid.second
    height, width = second.shape
    mask = laid.rows[:, np.newaxis] * laid.columns
    power = float((first * first * mask).sum())
    gain = float((first * second * mask).sum()) / (power + 1e-6)
    if gain <= 0:
        return None
    wrong = (second - gain * first) * mask
    usual = 1.5 * np.abs(wrong).mean() + 1e-3
    trust = mask / (1 + (wrong / usual) ** 2)  # Geman and McClure's weights, nearly
    right, below = np.zeros_like(first), np.zeros_like(first)
    right[:, 1:-1] = (first[:, 2:] - first[:, :-2]) / 2
    below[1:-1] = (first[2:] - first[:-2]) / 2
    x = np.arange(width, dtype=np.float32) - (width - 1) / 2
    y = np.arange(height, dtype=np.float32) - (height - 1) / 2
    slopes = np.stack([right, below, right * x + below * y[:, np.newaxis]]).reshape(3, -1) * gain
    weighed = slopes * trust.ravel()
    normal = weighed @ slopes.T + np.diag([1e-2, 1e-2, 1.0])  # never singular
    return np.clip(np.linalg.solve(normal, weighed @ wrong.ravel()), -_MOST, _MOST)


def _moved(placing: Placing, step: Array, other: Matrix) -> Placing:
    """The placing after a step; the scale changes about the middle of the second picture."""
    height, width = other.shape
    across, down, out = step.tolist()
    return replace(
        placing,
        step_x=placing.step_x * (1 + out),
        step_y=placing.step_y * (1 + out),
        x0=placing.x0 + placing.step_x * (across - out * width / 2),
        y0=placing.y0 + placing.step_y * (down - out * height / 2),
    )
