"""Sneakers and bags."""

from lookgraph.catalogue.look import Look
from lookgraph.catalogue.pen import (
    DOWN,
    MATT,
    WHITE,
    Colour,
    Outline,
    Pen,
    Point,
    Ramp,
    box,
    curve,
    ellipse,
    lit,
    mix,
)

_SOLE: Colour = (246, 244, 238)
_LEATHER: Colour = (146, 92, 56)
_BRASS: Colour = (206, 168, 96)
_CLOTH: Ramp = ((0, 0.1), (0.3, 0.04), (0.7, -0.04), (1, -0.22))


def sneaker(pen: Pen, look: Look) -> None:
    """A sneaker from its side: ``low``, ``high`` or ``runner``."""
    upper = _upper(look.shape)
    _tongue(pen, look)
    pen.fill(upper, look.colour, _CLOTH, down=True)
    dark = lit(look.colour, -0.22)
    toe = curve([(0.5, 0.1), (0.72, 0.16), (0.96, 0.4), (0.9, 0.52), (0.48, 0.52), (0.42, 0.3)],
                closed=True)  # fmt: skip
    toe_colour = _SOLE if look.shape == "high" else dark
    pen.fill(toe, toe_colour, DOWN, down=True, within=upper)
    heel = curve([(-1, -0.5), (-0.72, -0.3), (-0.6, 0.2), (-0.64, 0.6), (-1.1, 0.6)], closed=True)
    pen.fill(heel, mix(look.accent, look.colour, 0.25), DOWN, down=True, within=upper)
    _sole(pen, look)
    _badge(pen, look, upper)
    _laces(pen, look)


def _upper(shape: str) -> Outline:
    if shape == "high":
        points = [(-0.86, 0.5), (-0.84, 0.0), (-0.76, -0.78), (-0.4, -0.84), (-0.12, -0.78),
                  (-0.06, -0.4), (0.2, -0.1), (0.52, 0.08), (0.88, 0.24), (0.98, 0.48),
                  (0.4, 0.56), (-0.4, 0.56)]  # fmt: skip
    elif shape == "runner":
        points = [(-0.94, 0.44), (-0.96, 0.0), (-0.98, -0.36), (-0.8, -0.3), (-0.52, -0.12),
                  (-0.24, -0.34), (0.1, -0.2), (0.5, 0.06), (0.9, 0.22), (1.02, 0.44),
                  (0.4, 0.52), (-0.4, 0.52)]  # fmt: skip
    else:
        points = [(-0.9, 0.5), (-0.92, 0.1), (-0.94, -0.26), (-0.78, -0.26), (-0.5, -0.1),
                  (-0.2, -0.3), (0.08, -0.14), (0.46, 0.1), (0.86, 0.22), (0.98, 0.48),
                  (0.4, 0.56), (-0.4, 0.56)]  # fmt: skip
    return curve(points, closed=True)


def _tongue(pen: Pen, look: Look) -> None:
    if look.shape == "high":
        outline = [(-0.5, -0.8), (-0.2, -0.98), (0.0, -0.9), (0.06, -0.4), (-0.3, -0.3)]
    else:
        outline = [(-0.46, -0.16), (-0.3, -0.5), (-0.12, -0.5), (0.2, -0.14), (-0.2, 0.0)]
    pen.fill(curve(outline, closed=True), lit(look.colour, -0.35))


def _sole(pen: Pen, look: Look) -> None:
    if look.shape == "runner":
        points = [(-1.04, 0.36), (-0.6, 0.42), (0.0, 0.46), (0.6, 0.4), (1.08, 0.36),
                  (1.06, 0.6), (0.8, 0.7), (0.0, 0.68), (-0.5, 0.72), (-1.0, 0.72),
                  (-1.1, 0.56)]  # fmt: skip
    else:
        points = [(-0.98, 0.42), (-0.4, 0.46), (0.4, 0.46), (1.02, 0.42), (1.04, 0.6),
                  (0.96, 0.66), (0.0, 0.67), (-0.9, 0.67), (-1.0, 0.6)]  # fmt: skip
    shape = curve(points, closed=True)
    pen.fill(shape, _SOLE, ((0, 0.1), (0.5, -0.02), (1, -0.22)), down=True)
    stripe = look.accent if look.choice else lit(_SOLE, -0.18)
    pen.fill(box(-1.2, 0.62, 1.2, 0.8), stripe, within=shape)


def _badge(pen: Pen, look: Look, upper: Outline) -> None:
    light = WHITE if sum(look.colour) < 560 else look.accent
    if look.shape == "high":
        pen.fill(ellipse(-0.5, -0.4, 0.15, 0.15), light)
        pen.fill(ellipse(-0.5, -0.4, 0.09, 0.09), look.colour)
    elif look.shape == "runner":
        wave = [(-0.7, 0.3), (-0.3, 0.34), (0.1, 0.16), (0.3, -0.06), (0.2, 0.22), (-0.2, 0.42)]
        pen.fill(curve(wave, closed=True), light, within=upper)
    else:
        for x in (-0.42, -0.22, -0.02):
            stripe = [(x, 0.46), (x + 0.11, 0.46), (x + 0.3, 0.0), (x + 0.2, -0.04)]
            pen.fill(stripe, light, within=upper)


def _laces(pen: Pen, look: Look) -> None:
    light = WHITE if sum(look.colour) < 660 else (196, 196, 196)
    if look.shape == "high":
        rows: list[tuple[Point, Point]] = [
            ((-0.28, -0.66 + 0.17 * i), (-0.02 + 0.06 * i, -0.68 + 0.17 * i)) for i in range(4)
        ]
        rows.append(((0.02, -0.02), (0.34, 0.0)))
    else:
        rows = [((-0.22 + 0.15 * i, -0.12 + 0.09 * i), (-0.06 + 0.17 * i, -0.28 + 0.1 * i))
                for i in range(4)]  # fmt: skip
    for start, end in rows:
        pen.line([start, end], 0.045, light)


def bag(pen: Pen, look: Look) -> None:
    """A bag: ``tote``, ``handbag`` or ``backpack``."""
    {"tote": _tote, "handbag": _handbag, "backpack": _backpack}[look.shape](pen, look)


def _tote(pen: Pen, look: Look) -> None:
    handle = [(-0.32, -0.2), (-0.3, -0.62), (-0.16, -0.92), (0.16, -0.92), (0.3, -0.62),
              (0.32, -0.2)]  # fmt: skip
    pen.line(curve([(x * 0.92, y - 0.05) for x, y in handle]), 0.075, lit(_LEATHER, -0.3))
    body = [(-0.66, -0.22), (0.66, -0.22), (0.8, 0.92), (-0.8, 0.92)]
    pen.fill(body, look.colour, MATT)
    pen.fill([(-0.66, -0.22), (0.66, -0.22), (0.675, -0.12), (-0.675, -0.12)],
             lit(look.colour, -0.2))  # fmt: skip
    fold = [(0.1, -0.12), (0.3, 0.92), (0.42, 0.92), (0.16, -0.12)]
    pen.fill(fold, lit(look.colour, -0.3), opacity=0.25)
    pen.line(curve(handle), 0.075, _LEATHER)
    if look.choice == 0:
        pen.fill(box(-0.78, 0.52, 0.78, 0.92), look.accent, MATT, within=body)
    elif look.choice == 1:
        pen.fill(ellipse(0, 0.36, 0.26, 0.26), look.accent)
    for x in (-0.32, 0.32):
        pen.fill(ellipse(x, -0.17, 0.04, 0.04), _BRASS)


def _handbag(pen: Pen, look: Look) -> None:
    handle = [(-0.42, -0.2), (-0.36, -0.7), (0, -0.92), (0.36, -0.7), (0.42, -0.2)]
    pen.tube(curve(handle), 0.085, lit(look.colour, -0.15))
    body = curve([(-0.7, -0.24), (0, -0.3), (0.7, -0.24), (0.88, 0.3), (0.84, 0.86), (0, 0.92),
                  (-0.84, 0.86), (-0.88, 0.3)], closed=True)  # fmt: skip
    pen.fill(body, look.colour, MATT)
    flap = curve([(-0.72, -0.26), (0, -0.31), (0.72, -0.26), (0.78, 0.1), (0.42, 0.36), (0, 0.44),
                  (-0.42, 0.36), (-0.78, 0.1)], closed=True)  # fmt: skip
    pen.fill([(x, y + 0.04) for x, y in flap], lit(look.colour, -0.5), opacity=0.5)
    pen.fill(flap, lit(look.colour, 0.08), _CLOTH, down=True)
    pen.fill(box(-0.12, 0.3, 0.12, 0.5, 0.05), _BRASS, MATT)
    pen.fill(ellipse(0, 0.4, 0.04, 0.04), lit(_BRASS, -0.5))
    for x in (-0.42, 0.42):
        pen.fill(ellipse(x, -0.2, 0.06, 0.06), _BRASS)


def _backpack(pen: Pen, look: Look) -> None:
    pen.line(curve([(-0.16, -0.8), (-0.14, -0.98), (0.14, -0.98), (0.16, -0.8)]), 0.06, _LEATHER)
    for side in (-1, 1):
        strap = [(side * 0.5, -0.5), (side * 0.78, -0.1), (side * 0.76, 0.5), (side * 0.56, 0.8)]
        pen.line(curve(strap), 0.12, lit(look.colour, -0.4))
    body = curve([(0, -0.86), (0.46, -0.74), (0.62, -0.3), (0.68, 0.4), (0.6, 0.88), (0, 0.93),
                  (-0.6, 0.88), (-0.68, 0.4), (-0.62, -0.3), (-0.46, -0.74)],
                 closed=True)  # fmt: skip
    pen.fill(body, look.colour, MATT)
    zip_line = [(-0.5, -0.3), (-0.4, -0.62), (0, -0.72), (0.4, -0.62), (0.5, -0.3)]
    pen.line(curve(zip_line), 0.025, lit(look.colour, -0.45))
    pocket = box(-0.48, 0.12, 0.48, 0.8, 0.14)
    pen.fill([(x, y + 0.03) for x, y in pocket], lit(look.colour, -0.5), opacity=0.45)
    pen.fill(pocket, mix(look.colour, look.accent, 0.85 if look.choice == 1 else 0.1), MATT)
    pen.line([(-0.4, 0.28), (0.4, 0.28)], 0.025, lit(look.colour, -0.45))
    pen.line([(0.32, 0.28), (0.32, 0.4)], 0.04, _BRASS)
    pen.fill(box(-0.16, -0.3, 0.16, -0.14, 0.03), _LEATHER, DOWN, down=True)
