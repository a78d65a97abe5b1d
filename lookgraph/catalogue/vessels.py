"""Mugs, bottles, vases and plant pots: round things, drawn from their profile."""

import math

from lookgraph.catalogue.look import Look
from lookgraph.catalogue.pen import (
    DOWN,
    HOLLOW,
    MATT,
    ROUND,
    WHITE,
    Colour,
    Outline,
    Pen,
    Point,
    Ramp,
    arc,
    curve,
    ellipse,
    lit,
    mix,
)

_COFFEE: Colour = (74, 46, 32)
_SOIL: Colour = (70, 52, 42)
_LEAF: Colour = (58, 122, 72)
_STEM: Colour = (176, 148, 104)


def lathe(profile: list[Point], pitch: float) -> Outline:
    """The outline of a round thing.

    Args:
        profile: its right side, as points (radius, y) from the top to the bottom.
        pitch: the height of its circles over their width.
    """
    side = curve(profile)
    radius, bottom = profile[-1]
    base = arc(0, bottom, radius, radius * pitch, 0, 180)
    return [*side, *base, *[(-x, y) for x, y in reversed(side)]]


def band(profile: list[Point], top: float, bottom: float, pitch: float) -> Outline:
    """The part of a round thing's surface between two heights."""
    side = [(x, y) for x, y in curve(profile, steps=24) if top <= y <= bottom]
    (upper, high), (lower, low) = side[0], side[-1]
    rim = arc(0, high, upper, upper * pitch, 180, 0)
    base = arc(0, low, lower, lower * pitch, 0, 180)
    return [*rim, *side, *base, *[(-x, y) for x, y in reversed(side)]]


def opening(pen: Pen, at: Point, pitch: float, colour: Colour, lip: float = 0.05) -> None:
    """The rim of a vessel and the dark inside it; ``at`` is the rim's radius and height."""
    radius, y = at
    pen.fill(ellipse(0, y, radius, radius * pitch), lit(colour, 0.28))
    inner = radius - lip
    pen.fill(ellipse(0, y + lip * 0.12, inner, inner * pitch), colour, HOLLOW)


def mug(pen: Pen, look: Look) -> None:
    """A mug with its handle: ``tall``, ``wide`` or ``round``."""
    profile = {
        "tall": [(0.52, -0.9), (0.52, -0.2), (0.51, 0.5), (0.46, 0.86)],
        "wide": [(0.74, -0.5), (0.73, 0.0), (0.66, 0.45), (0.48, 0.74)],
        "round": [(0.56, -0.66), (0.68, -0.2), (0.7, 0.3), (0.46, 0.8)],
    }[look.shape]
    top, side = profile[0][1], profile[1][0]
    middle = {"tall": 0.0, "wide": 0.02, "round": 0.06}[look.shape]
    handle = [(side - 0.1, top + 0.24), (side + 0.28, top + 0.2), (side + 0.4, middle),
              (side + 0.22, middle + 0.4), (side - 0.12, middle + 0.46)]  # fmt: skip
    pen.tube(curve(handle), 0.13, look.colour)
    pen.fill(lathe(profile, look.pitch), look.colour, ROUND)
    if look.choice == 1:
        pen.fill(band(profile, middle - 0.1, middle + 0.2, look.pitch), look.accent, ROUND)
    elif look.choice == 2:
        pen.fill(band(profile, middle + 0.34, 0.9, look.pitch), look.accent, ROUND)
    opening(pen, profile[0], look.pitch, look.colour)
    radius = profile[0][0] - 0.07
    coffee = ellipse(0, top + 0.045, radius, (radius - 0.06) * look.pitch)
    pen.fill(coffee, _COFFEE, ((0, -0.2), (0.6, 0.06), (1, 0.2)), within=_inner(profile[0], look))


def _inner(rim: Point, look: Look) -> Outline:
    return ellipse(0, rim[1], rim[0] - 0.05, (rim[0] - 0.05) * look.pitch)


def bottle(pen: Pen, look: Look) -> None:
    """A bottle with a cap and a label: ``slim``, ``flask`` or ``round``."""
    profile = {
        "slim": [(0.13, -0.85), (0.13, -0.5), (0.17, -0.36), (0.34, -0.1), (0.36, 0.3),
                 (0.35, 0.88)],
        "flask": [(0.24, -0.72), (0.25, -0.62), (0.4, -0.44), (0.42, 0.0), (0.42, 0.5),
                  (0.4, 0.88)],
        "round": [(0.14, -0.82), (0.14, -0.44), (0.2, -0.24), (0.52, 0.14), (0.58, 0.5),
                  (0.42, 0.86)],
    }[look.shape]  # fmt: skip
    pitch = look.pitch * 0.8
    pen.fill(lathe(profile, pitch), look.colour, ROUND)
    top, bottom = {"slim": (0.16, 0.6), "flask": (-0.1, 0.3), "round": (0.34, 0.64)}[look.shape]
    label = mix(look.accent, WHITE, 0.55)
    pen.fill(band(profile, top, bottom, pitch), label, MATT)
    third = (bottom - top) / 3
    pen.fill(band(profile, top + third, bottom - third, pitch), look.accent, MATT)
    gloss = [(-0.55 * x, y) for x, y in curve(profile)[14:-6]]
    pen.fill([*gloss, *[(x + 0.05, y) for x, y in reversed(gloss)]], WHITE, opacity=0.28)
    radius, rim = profile[0]
    cap = (200, 164, 110) if look.choice == 0 else lit(look.colour, -0.4)
    height = 0.2 if look.shape == "flask" else 0.14
    stopper = [(radius + 0.02, rim - height), (radius + 0.02, rim + 0.06)]
    pen.fill(lathe(stopper, pitch), cap, ROUND)
    pen.fill(ellipse(0, rim - height, radius + 0.02, (radius + 0.02) * pitch), lit(cap, 0.25))


def vase(pen: Pen, look: Look) -> None:
    """A vase: ``bulb``, ``amphora`` or ``column``; some hold dried stems."""
    profile = {
        "bulb": [(0.2, -0.6), (0.17, -0.36), (0.34, -0.1), (0.66, 0.3), (0.56, 0.7),
                 (0.32, 0.9)],
        "amphora": [(0.3, -0.72), (0.22, -0.5), (0.4, -0.24), (0.54, 0.06), (0.36, 0.6),
                    (0.24, 0.9)],
        "column": [(0.42, -0.62), (0.36, -0.3), (0.34, 0.1), (0.38, 0.5), (0.44, 0.9)],
    }[look.shape]  # fmt: skip
    rim = profile[0]
    pen.fill(ellipse(0, rim[1], rim[0], rim[0] * look.pitch), lit(look.colour, -0.5))
    if look.choice != 1:
        _stems(pen, rim[1], look.accent)
    if look.shape == "amphora":
        for side in (-1, 1):
            ear = [(0.22, -0.62), (0.52, -0.62), (0.6, -0.36), (0.46, -0.14)]
            pen.tube(curve([(side * x, y) for x, y in ear]), 0.08, look.colour)
    body = lathe(profile, look.pitch)
    front = arc(0, rim[1], rim[0], rim[0] * look.pitch, 180, 0)
    pen.fill([*body, *front], look.colour, ROUND)
    if look.choice == 2:
        pen.fill(band(profile, 0.34, 0.9, look.pitch), look.accent, ROUND)
    elif look.choice == 1:
        opening(pen, rim, look.pitch, look.colour, 0.035)
        for y in (0.1, 0.24):
            pen.fill(band(profile, y, y + 0.06, look.pitch), look.accent, ROUND)


def _stems(pen: Pen, start: float, colour: Colour) -> None:
    for lean, height in ((-0.42, 0.36), (0.36, 0.42), (-0.1, 0.5), (0.14, 0.3)):
        tip = (lean, start - height)
        pen.line(curve([(lean * 0.1, start + 0.1), (lean * 0.4, start - 0.2), tip]), 0.022, _STEM)
        for i in range(4):
            x, y = lean * (0.55 + 0.15 * i), start - height * (0.45 + 0.18 * i)
            size = 0.075 - 0.01 * i
            pen.fill(ellipse(x, y, size, size * 1.2), lit(colour, 0.1 * i - 0.1))


def pot(pen: Pen, look: Look) -> None:
    """A plant in a pot: ``leafy``, ``cactus`` or ``spiky``."""
    profile = {
        "leafy": [(0.46, 0.16), (0.42, 0.5), (0.34, 0.9)],
        "cactus": [(0.5, 0.3), (0.54, 0.5), (0.36, 0.9)],
        "spiky": [(0.4, 0.1), (0.4, 0.5), (0.4, 0.9)],
    }[look.shape]
    rim = profile[0]
    pen.fill(lathe(profile, look.pitch), look.colour, MATT)
    if look.choice == 1:
        pen.fill(band(profile, 0.56, 0.7, look.pitch), look.accent, MATT)
    lip = [(rim[0] + 0.04, rim[1]), (rim[0] + 0.04, rim[1] + 0.12)]
    pen.fill(lathe(lip, look.pitch), lit(look.colour, 0.06), MATT)
    opening(pen, (rim[0] + 0.04, rim[1]), look.pitch, look.colour)
    soil = ellipse(0, rim[1] + 0.02, rim[0] - 0.03, (rim[0] - 0.03) * look.pitch)
    pen.fill(soil, _SOIL, DOWN)
    {"leafy": _leaves, "cactus": _cactus, "spiky": _spikes}[look.shape](pen, rim[1])


def _leaf(base: Point, length: float, width: float, angle: float, bend: float) -> Outline:
    """A leaf from its base, at an angle in degrees from upright."""
    right, left = [], []
    for i in range(13):
        t = i / 12
        a = math.radians(angle + bend * t)
        x, y = base[0] + length * t * math.sin(a), base[1] - length * t * math.cos(a)
        half = width * math.sin(math.pi * t**0.8)
        right.append((x + half * math.cos(a), y + half * math.sin(a)))
        left.append((x - half * math.cos(a), y - half * math.sin(a)))
    return [*right, *reversed(left)]


def _leaves(pen: Pen, soil: float) -> None:
    order = (-64, 60, -42, 44, -22, 24, 2)
    for i, angle in enumerate(order):
        length = 0.9 + 0.05 * i
        colour = lit(_LEAF, -0.22 + 0.07 * i)
        pen.fill(_leaf((0, soil), length, 0.15, angle, angle * 0.35), colour, _BLADE)
        rib = _leaf((0, soil), length * 0.95, 0.008, angle, angle * 0.35)
        pen.fill(rib, lit(colour, 0.35))


def _spikes(pen: Pen, soil: float) -> None:
    for i, angle in enumerate((-26, 24, -15, 16, -7, 9, 0)):
        length = 0.8 + 0.04 * i
        colour = lit(_LEAF, -0.2 + 0.05 * i)
        base = (angle * 0.008, soil + 0.03)
        pen.fill(_leaf(base, length + 0.02, 0.085, angle, -angle * 0.2), (206, 200, 120))
        pen.fill(_leaf(base, length, 0.06, angle, -angle * 0.2), colour, _BLADE)


_BLADE: Ramp = ((0, 0.12), (0.5, 0.0), (1, -0.2))


def _cactus(pen: Pen, soil: float) -> None:
    green: Colour = (84, 142, 96)
    for side, height, reach in ((-1, -0.2, 0.38), (1, -0.42, 0.36)):
        arm = [(0, height + 0.26), (side * reach, height + 0.22), (side * reach, height - 0.14)]
        pen.tube(curve(arm), 0.2, green)
    body = [(0.02, -0.95), (0.18, -0.84), (0.24, -0.5), (0.24, 0.0), (0.2, soil + 0.02)]
    pen.fill(lathe(body, 0.1), green, ROUND)
    for part in (-0.66, -0.25, 0.2, 0.62):
        rib = [(x * part, y) for x, y in curve(body)[6:]]
        pen.line(rib, 0.014, lit(green, -0.3))
    for i in range(5):
        angle = math.radians(72 * i)
        x, y = 0.06 * math.cos(angle), -0.95 + 0.045 * math.sin(angle)
        pen.fill(ellipse(x, y, 0.05, 0.045), (236, 128, 150))
    pen.fill(ellipse(0, -0.95, 0.03, 0.028), (250, 214, 120))
