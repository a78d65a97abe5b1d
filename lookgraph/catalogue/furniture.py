"""Chairs, lamps and clocks."""

import math

from lookgraph.catalogue.look import Look
from lookgraph.catalogue.pen import (
    DOWN,
    MATT,
    ROUND,
    WHITE,
    Colour,
    Outline,
    Pen,
    Point,
    Ramp,
    arc,
    box,
    curve,
    ellipse,
    lit,
    mix,
)
from lookgraph.catalogue.vessels import lathe

_WOOD: Colour = (178, 128, 82)
_DARK_WOOD: Colour = (104, 72, 50)
_STEEL: Colour = (150, 154, 160)
_BRASS: Colour = (196, 156, 84)
_GLOW: Ramp = ((0, 0.1), (0.45, 0.45), (1, -0.02))
_CUSHION: Ramp = ((0, 0.18), (0.35, 0.04), (0.8, -0.12), (1, -0.3))


def chair(pen: Pen, look: Look) -> None:
    """A chair: ``dining``, ``armchair`` or ``stool``."""
    wood = _DARK_WOOD if look.choice == 0 else _WOOD
    {"dining": _dining, "armchair": _armchair, "stool": _stool}[look.shape](pen, look.colour, wood)


def leg(pen: Pen, top: Point, foot: Point, width: float, colour: Colour) -> None:
    """A leg that tapers from its top to its foot."""
    (x, y), (u, v) = top, foot
    thin = width * 0.55
    outline = [(x - width, y), (x + width, y), (u + thin, v), (u - thin, v)]
    pen.fill(outline, colour, MATT)


def _dining(pen: Pen, colour: Colour, wood: Colour) -> None:
    for x in (-0.4, 0.4):
        leg(pen, (x, 0.1), (x * 1.08, 0.78), 0.045, lit(wood, -0.25))
        leg(pen, (x * 0.98, 0.15), (x * 0.94, -0.55), 0.05, lit(wood, -0.1))
    back = [(-0.5, -0.88), (0, -0.98), (0.5, -0.88), (0.47, -0.4), (0, -0.32), (-0.47, -0.4)]
    pen.fill(curve(back, closed=True), colour, _CUSHION, down=True)
    for x in (-0.2, 0, 0.2):
        pen.line([(x, -0.36), (x, 0.1)], 0.035, wood)
    for x in (-0.5, 0.5):
        leg(pen, (x, 0.25), (x * 1.12, 0.95), 0.055, wood)
    pen.fill(box(-0.58, 0.12, 0.58, 0.32, 0.09), lit(colour, -0.25), MATT)
    seat = [(-0.46, -0.02), (0, -0.05), (0.46, -0.02), (0.6, 0.18), (0, 0.24), (-0.6, 0.18)]
    pen.fill(curve(seat, closed=True), colour, _CUSHION, down=True)


def _armchair(pen: Pen, colour: Colour, wood: Colour) -> None:
    for x in (-0.62, 0.62):
        leg(pen, (x, 0.55), (x * 1.06, 0.95), 0.055, wood)
    back = [(-0.62, -0.6), (-0.4, -0.86), (0, -0.92), (0.4, -0.86), (0.62, -0.6), (0.66, 0.3),
            (0, 0.4), (-0.66, 0.3)]  # fmt: skip
    pen.fill(curve(back, closed=True), colour, _CUSHION, down=True)
    for x in (-0.22, 0.22):
        for y in (-0.55, -0.25):
            pen.fill(ellipse(x, y, 0.028, 0.028), lit(colour, -0.35))
    pen.fill(box(-0.7, 0.3, 0.7, 0.66, 0.1), lit(colour, -0.22), MATT)
    cushion = [(-0.56, 0.1), (0, 0.05), (0.56, 0.1), (0.6, 0.3), (0, 0.38), (-0.6, 0.3)]
    pen.fill(curve(cushion, closed=True), lit(colour, 0.1), _CUSHION, down=True)
    for side in (-1, 1):
        arm = [(0.58, -0.12), (0.72, -0.2), (0.88, -0.1), (0.9, 0.3), (0.84, 0.66), (0.6, 0.66),
               (0.58, 0.3)]  # fmt: skip
        pen.fill(curve([(side * x, y) for x, y in arm], closed=True), colour, MATT)


def _stool(pen: Pen, colour: Colour, wood: Colour) -> None:
    for x in (-0.26, 0.26):
        leg(pen, (x, -0.4), (x * 1.5, 0.8), 0.05, lit(wood, -0.28))
    ring = ellipse(0, 0.42, 0.5, 0.1)
    pen.line([*ring, ring[0]], 0.035, _STEEL)
    for x in (-0.4, 0.4):
        leg(pen, (x, -0.36), (x * 1.55, 0.95), 0.055, wood)
    pen.fill(lathe([(0.56, -0.56), (0.58, -0.46), (0.5, -0.36)], 0.2), lit(colour, -0.2), ROUND)
    pen.fill(ellipse(0, -0.58, 0.57, 0.13), colour, _CUSHION, down=True)


def lamp(pen: Pen, look: Look) -> None:
    """A lamp: ``table``, ``desk`` or ``tripod``."""
    {"table": _table_lamp, "desk": _desk_lamp, "tripod": _tripod}[look.shape](pen, look)


def _shade(pen: Pen, top: Point, bottom: Point, look: Look, colour: Colour) -> None:
    """A lampshade between two circles, each as (radius, y), with the light shining through."""
    inside = ellipse(0, bottom[1], bottom[0], bottom[0] * look.pitch * 0.5)
    pen.fill(inside, (255, 236, 190))
    skin = lathe([top, bottom], look.pitch * 0.5)
    pen.fill([*skin, *arc(0, top[1], top[0], top[0] * look.pitch * 0.5, 180, 360)], colour, _GLOW)
    warm: Colour = (255, 226, 160)
    middle = (top[1] + bottom[1]) / 2
    for i in range(7):
        size = 0.9 - 0.11 * i
        glow = ellipse(0, middle + 0.05, bottom[0] * size, (bottom[1] - top[1]) * size * 0.55)
        pen.fill(glow, warm, opacity=0.07, within=skin)
    pen.fill(ellipse(0, top[1], top[0], top[0] * look.pitch * 0.5), lit(colour, 0.3))


def _table_lamp(pen: Pen, look: Look) -> None:
    pen.line([(0, -0.2), (0, 0.1)], 0.05, _BRASS)
    profile = [
        [(0.1, -0.02), (0.34, 0.3), (0.36, 0.55), (0.2, 0.82), (0.3, 0.92)],
        [(0.08, -0.02), (0.16, 0.2), (0.08, 0.4), (0.2, 0.7), (0.34, 0.92)],
        [(0.12, -0.02), (0.2, 0.3), (0.3, 0.6), (0.36, 0.92)],
    ][look.choice]
    pen.fill(lathe(profile, look.pitch), look.colour, ROUND)
    _shade(pen, (0.4, -0.9), (0.64, -0.12), look, (240, 226, 196))


def _tripod(pen: Pen, look: Look) -> None:
    leg(pen, (0, -0.2), (0.04, 0.82), 0.035, _DARK_WOOD)
    for x in (-1, 1):
        leg(pen, (x * 0.06, -0.22), (x * 0.46, 0.95), 0.045, _WOOD)
    pen.fill(ellipse(0, 0.3, 0.12, 0.03), _BRASS)
    _shade(pen, (0.5, -0.95), (0.54, -0.28), look, mix(look.colour, WHITE, 0.25))


def _desk_lamp(pen: Pen, look: Look) -> None:
    colour = look.colour
    pen.fill(lathe([(0.42, 0.82), (0.42, 0.9)], look.pitch), lit(colour, -0.15), ROUND)
    pen.fill(ellipse(0, 0.82, 0.42, 0.42 * look.pitch), colour, DOWN)
    elbow, neck = (-0.42, -0.1), (0.2, -0.72)
    pen.tube([(0.02, 0.8), elbow], 0.055, _BRASS)
    pen.tube([elbow, neck], 0.055, _BRASS)
    pen.fill(ellipse(*elbow, 0.07, 0.07), lit(colour, -0.3))
    pen.fill(ellipse(0.55, -0.32, 0.33, 0.1), (255, 240, 200))
    head = [(0.08, -0.86), (0.3, -0.86), (0.52, -0.7), (0.92, -0.3)]
    under = [(0.8, -0.22), (0.5, -0.24), (0.26, -0.3), (0.18, -0.36)]
    pen.fill(curve([*head, *under, (0.14, -0.6)], closed=True), colour, ROUND)


def clock(pen: Pen, look: Look) -> None:
    """A clock: ``wall``, ``square`` or ``alarm``."""
    dark = sum(look.colour) < 300
    face: Colour = (250, 248, 242)
    radius = 0.78 if look.shape == "wall" else 0.62
    if look.shape == "square":
        pen.fill(box(-0.86, -0.86, 0.86, 0.86, 0.2), look.colour, MATT)
        pen.fill(box(-0.74, -0.74, 0.74, 0.74, 0.14), lit(look.colour, -0.2), DOWN, down=True)
        pen.fill(box(-0.71, -0.71, 0.71, 0.71, 0.13), face, _PAPER, down=True)
    else:
        if look.shape == "alarm":
            _bells(pen, look)
        pen.fill(ellipse(0, 0, radius + 0.14, radius + 0.14), look.colour, MATT)
        pen.fill(ellipse(0, 0, radius + 0.03, radius + 0.03), lit(look.colour, -0.25))
        pen.fill(ellipse(0, 0.01, radius, radius), face, _PAPER, down=True)
    ink = look.colour if dark else (52, 54, 62)
    _dial(pen, radius, ink, look)


_PAPER: Ramp = ((0, -0.12), (0.25, 0.0), (1, 0.2))


def _bells(pen: Pen, look: Look) -> None:
    pen.line(curve([(-0.2, -0.72), (0, -0.98), (0.2, -0.72)]), 0.06, _STEEL)
    for side in (-1, 1):
        leg(pen, (side * 0.42, 0.5), (side * 0.62, 0.94), 0.07, lit(look.colour, -0.3))
        bell = arc(0, 0, 0.28, 0.28, 180, 360)
        turned = [_turned((x, y), side * 38, (side * 0.46, -0.66)) for x, y in bell]
        pen.fill(turned, _BRASS, ROUND)


def _turned(point: Point, degrees: float, to: Point) -> Point:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return to[0] + point[0] * cos - point[1] * sin, to[1] + point[0] * sin + point[1] * cos


def hand(angle: float, length: float, width: float) -> Outline:
    """A clock's hand from the centre: degrees from 12 o'clock, clockwise."""
    shape = [(-width, 0.12), (width, 0.12), (width * 0.6, -length), (-width * 0.6, -length)]
    return [_turned(point, angle, (0, 0)) for point in shape]


def _dial(pen: Pen, radius: float, ink: Colour, look: Look) -> None:
    for i in range(12):
        long = i % 3 == 0
        length = 0.14 if long else 0.07
        tick = [(0.0, -radius * 0.9), (0.0, -radius * 0.9 + length)]
        width = 0.045 if long else 0.022
        pen.line([_turned(point, 30 * i, (0, 0)) for point in tick], width, ink)
    pen.fill(hand(304, radius * 0.5, 0.035), ink)
    pen.fill(hand(54 + 20 * look.choice, radius * 0.76, 0.025), ink)
    pen.fill(hand(200, radius * 0.7, 0.01), (214, 74, 60))
    pen.fill(ellipse(0, 0, 0.05, 0.05), ink)
