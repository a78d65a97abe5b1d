"""Drawing with outlines: filled, shaded and turned shapes on a Pillow image.

Shapes are lists of points in a product's own coordinates: x to the right and y down, the product
within -1 and 1. A `Placement` says where that lies on the picture, so that a product is drawn
turned, mirrored or small by the very same calls.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from PIL import Image, ImageChops, ImageDraw

Point: TypeAlias = tuple[float, float]
Outline: TypeAlias = list[Point]
Colour: TypeAlias = tuple[int, int, int]
Ramp: TypeAlias = tuple[tuple[float, float], ...]
"""Brightness along a shape, as (place from 0 to 1, light from -1, black, to 1, white)."""

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (20, 20, 24)

ROUND: Ramp = ((0, -0.28), (0.16, 0.02), (0.3, 0.3), (0.42, 0.08), (0.7, -0.1), (1, -0.45))
"""Across a glazed thing that is round, with the light from the left."""
MATT: Ramp = ((0, -0.1), (0.3, 0.12), (0.65, -0.04), (1, -0.3))
"""Across a thing that is round and not glossy."""
DOWN: Ramp = ((0, 0.12), (0.5, 0), (1, -0.2))
"""Down a thing that is lit from above."""
HOLLOW: Ramp = ((0, -0.62), (0.5, -0.42), (1, -0.2))
"""Across the inside of a vessel: its left wall lies in the dark."""


def mix(one: Colour, other: Colour, part: float) -> Colour:
    """The colour that is ``part`` of the way, 0 to 1, from one to the other."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


def lit(colour: Colour, light: float) -> Colour:
    """A colour with more light, up to 1 for white, or less, down to -1 for black."""
    return mix(colour, WHITE if light > 0 else BLACK, abs(light))


def ellipse(x: float, y: float, across: float, up: float, steps: int = 56) -> Outline:
    """An ellipse by its centre and its two radii."""
    return arc(x, y, across, up, 0, 360, steps)[:-1]


def arc(
    x: float, y: float, across: float, up: float, start: float, end: float, steps: int = 28
) -> Outline:
    """A part of an ellipse, from one angle to another: degrees, clockwise, 0 at the right."""
    angles = (math.radians(start + (end - start) * i / steps) for i in range(steps + 1))
    return [(x + across * math.cos(a), y + up * math.sin(a)) for a in angles]


def box(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> Outline:
    """A rectangle with rounded corners."""
    if radius <= 0:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    r = min(radius, (right - left) / 2, (bottom - top) / 2)
    corners = (
        (right - r, top + r, 270),
        (right - r, bottom - r, 0),
        (left + r, bottom - r, 90),
        (left + r, top + r, 180),
    )
    return [p for x, y, a in corners for p in arc(x, y, r, r, a, a + 90, 8)]


def curve(points: Sequence[Point], closed: bool = False, steps: int = 8) -> Outline:
    """A smooth line through points (a Catmull-Rom spline)."""
    n = len(points)
    around = points if closed else [points[0], *points, points[-1]]
    spans = range(n) if closed else range(1, n)
    drawn: Outline = []
    for i in spans:
        four = [around[(i + j - 1) % len(around)] for j in range(4)]
        drawn += [_spline(four, step / steps) for step in range(steps)]
    return drawn if closed else [*drawn, points[-1]]


def _spline(four: Sequence[Point], t: float) -> Point:
    def along(a: float, b: float, c: float, d: float) -> float:
        return 0.5 * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t * t
            + (3 * b - a - 3 * c + d) * t * t * t
        )

    xs, ys = zip(*four, strict=True)
    return along(*xs), along(*ys)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a product lies on a picture.

    Attributes:
        x: of its centre, in pixels.
        y: likewise.
        unit: the pixels of one unit of its coordinates.
        turn: clockwise, in degrees.
        mirrored: left for right, before it is turned.
    """

    x: float
    y: float
    unit: float
    turn: float = 0.0
    mirrored: bool = False

    def of(self, points: Sequence[Point]) -> Outline:
        """The pixels of points in the product's coordinates."""
        cos = math.cos(math.radians(self.turn)) * self.unit
        sin = math.sin(math.radians(self.turn)) * self.unit
        side = -1 if self.mirrored else 1
        return [
            (self.x + x * side * cos - y * sin, self.y + x * side * sin + y * cos)
            for x, y in points
        ]


class Pen:
    """Draws outlines on an image.

    On an image of mode ``L`` it draws silhouettes, all in white: what a shadow is made of.
    """

    def __init__(self, canvas: Image.Image, placement: Placement) -> None:
        self.canvas = canvas
        self.placement = placement
        self._draw = ImageDraw.Draw(canvas)
        self._silhouette = canvas.mode == "L"

    def fill(
        self,
        outline: Sequence[Point],
        colour: Colour,
        ramp: Ramp | None = None,
        *,
        down: bool = False,
        opacity: float = 1.0,
        within: Sequence[Point] | None = None,
    ) -> None:
        """Fill an outline.

        Args:
            outline: the points around it.
            colour: its colour.
            ramp: the light along it; None for the same everywhere.
            down: whether the ramp goes from top to bottom rather than from left to right.
            opacity: 1 hides what is below, 0 shows all of it.
            within: only where this outline is, too.
        """
        points = self.placement.of(outline)
        if self._silhouette:
            if opacity > 0.9 and within is None:
                self._draw.polygon(points, fill=255)
        elif ramp is None and opacity >= 1 and within is None:
            self._draw.polygon(points, fill=colour)
        else:
            self._paint(points, colour, ramp, down, opacity, within)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a line with round ends, as wide as ``width`` in the product's units."""
        pixels = self.placement.of(points)
        thick = max(1, round(width * self.placement.unit))
        ink = 255 if self._silhouette else colour
        self._draw.line(pixels, fill=ink, width=thick, joint="curve")
        r = thick / 2
        for x, y in (pixels[0], pixels[-1]):
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)

    def tube(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a line that looks round: darker below, with a light along its upper side."""
        self.line(points, width, lit(colour, -0.28))
        shift = width * 0.1
        self.line([(x, y - shift) for x, y in points], width * 0.66, colour)
        self.line([(x, y - 2 * shift) for x, y in points], width * 0.2, lit(colour, 0.3))

    def _paint(
        self,
        points: Outline,
        colour: Colour,
        ramp: Ramp | None,
        down: bool,
        opacity: float,
        within: Sequence[Point] | None,
    ) -> None:
        xs, ys = zip(*points, strict=True)
        left, top = math.floor(max(0, min(xs))), math.floor(max(0, min(ys)))
        right = math.ceil(min(self.canvas.width, max(xs) + 1))
        bottom = math.ceil(min(self.canvas.height, max(ys) + 1))
        if right <= left or bottom <= top:
            return
        size = right - left, bottom - top
        mask = _mask(points, left, top, size, round(255 * min(1.0, opacity)))
        if within is not None:
            limit = _mask(self.placement.of(within), left, top, size, 255)
            mask = ImageChops.multiply(mask, limit)
        paint = Image.new("RGB", size, colour) if ramp is None else _ramp(colour, ramp, down, size)
        self.canvas.paste(paint, (left, top), mask)


def _mask(points: Outline, left: int, top: int, size: tuple[int, int], ink: int) -> Image.Image:
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in points], fill=ink)
    return mask


def _ramp(colour: Colour, ramp: Ramp, down: bool, size: tuple[int, int]) -> Image.Image:
    width, height = size
    strip = _strip(colour, ramp).resize((height if down else width, 1), Image.Resampling.BILINEAR)
    if down:
        strip = strip.transpose(Image.Transpose.ROTATE_270)
    return strip.resize(size, Image.Resampling.NEAREST)  # all lines are the same: this is fast


@lru_cache(maxsize=512)
def _strip(colour: Colour, ramp: Ramp, steps: int = 64) -> Image.Image:
    strip = Image.new("RGB", (steps, 1))
    for i in range(steps):
        strip.putpixel((i, 0), lit(colour, _light(ramp, i / (steps - 1))))
    return strip


def _light(ramp: Ramp, place: float) -> float:
    for (a, low), (b, high) in pairwise(ramp):
        if place <= b:
            return low + (high - low) * (place - a) / (b - a)
    return ramp[-1][1]
