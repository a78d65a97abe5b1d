"""Watches, headphones and T-shirts: what is worn, lying flat."""

from lookgraph.catalogue.furniture import hand
from lookgraph.catalogue.look import Look
from lookgraph.catalogue.pen import (
    DOWN,
    MATT,
    ROUND,
    WHITE,
    Colour,
    Outline,
    Pen,
    Ramp,
    arc,
    box,
    curve,
    ellipse,
    lit,
    mix,
)

_STEEL: Colour = (186, 190, 196)
_GOLD: Colour = (212, 176, 110)
_STRAP: Ramp = ((0, -0.25), (0.15, 0.12), (0.5, 0.04), (0.85, -0.04), (1, -0.35))


def watch(pen: Pen, look: Look) -> None:
    """A wristwatch from above: ``round``, ``square`` or ``chrono``."""
    metal = _GOLD if look.choice == 0 else _STEEL
    wide = 0.34 if look.shape == "chrono" else 0.28
    for side in (-1, 1):
        strap = [(-wide, side * 0.36), (wide, side * 0.36), (wide * 0.8, side * 0.98),
                 (-wide * 0.8, side * 0.98)]  # fmt: skip
        pen.fill(strap, look.colour, _STRAP)
        for x in (-0.72, 0.72):
            seam = [(x * wide, side * 0.42), (x * wide * 0.8, side * 0.94)]
            pen.line(seam, 0.012, lit(look.colour, 0.3))
    for y in (0.62, 0.72, 0.82):
        pen.fill(ellipse(0, y, 0.026, 0.02), lit(look.colour, -0.6))
    pen.fill(box(-0.27, -0.98, 0.27, -0.88, 0.04), metal, MATT)
    pen.fill(box(0.46, -0.06, 0.6, 0.06, 0.03), lit(metal, -0.2), DOWN, down=True)
    if look.shape == "chrono":
        for y in (-0.28, 0.28):
            pen.fill(box(0.42, y - 0.05, 0.56, y + 0.05, 0.02), lit(metal, -0.25))
    _watch_face(pen, look, metal)


def _watch_face(pen: Pen, look: Look, metal: Colour) -> None:
    dark: Colour = (34, 36, 42)
    face = dark if look.shape != "round" else (248, 246, 240)
    if look.shape == "square":
        pen.fill(box(-0.46, -0.52, 0.46, 0.52, 0.18), metal, ROUND)
        pen.fill(box(-0.39, -0.45, 0.39, 0.45, 0.13), face, DOWN, down=True)
        _rings(pen, look)
        return
    pen.fill(ellipse(0, 0, 0.53, 0.53), metal, ROUND)
    pen.fill(ellipse(0, 0, 0.46, 0.46), lit(metal, -0.4))
    pen.fill(ellipse(0, 0, 0.44, 0.44), face, DOWN, down=True)
    ink = WHITE if face == dark else (50, 50, 58)
    for i in range(12):
        tick = hand(30 * i, 0.4, 0.014)[2:]
        inner = hand(30 * i, 0.33, 0.014)[2:]
        pen.line([tick[0], inner[0]], 0.018, ink)
    if look.shape == "chrono":
        for x, y in ((-0.18, 0.02), (0.18, 0.02), (0, 0.2)):
            pen.fill(ellipse(x, y, 0.1, 0.1), lit(face, 0.25))
            pen.line([(x, y), (x + 0.05, y - 0.05)], 0.012, look.accent)
    pen.fill(hand(300, 0.22, 0.022), ink)
    pen.fill(hand(62, 0.34, 0.016), ink)
    pen.fill(hand(170, 0.34, 0.007), (222, 90, 70))
    pen.fill(ellipse(0, 0, 0.03, 0.03), ink)


def _rings(pen: Pen, look: Look) -> None:
    for i, colour in enumerate((look.accent, (96, 200, 150), (240, 120, 110))):
        radius = 0.25 - 0.07 * i
        pen.line(arc(0, 0.08, radius, radius, -90, 120 + 50 * i), 0.045, colour)
    pen.line([(-0.26, -0.3), (0.06, -0.3)], 0.05, WHITE)


def headphones(pen: Pen, look: Look) -> None:
    """Headphones from the front: ``studio``, ``slim`` or ``gaming``."""
    thick = {"studio": 0.16, "slim": 0.08, "gaming": 0.13}[look.shape]
    band = arc(0, 0.1, 0.72, 0.9, 190, 350)
    pen.line(band, thick, lit(look.colour, -0.25))
    pen.line(arc(0, 0.1, 0.725, 0.91, 195, 345), thick * 0.6, look.colour)
    pen.line(arc(0, 0.1, 0.73, 0.93, 220, 300), thick * 0.15, lit(look.colour, 0.4))
    if look.shape != "slim":
        pen.line(arc(0, 0.14, 0.64, 0.84, 222, 318), 0.09, (52, 52, 58))
    for side in (-1, 1):
        _cup(pen, look, side)
    if look.shape == "gaming":
        boom = [(-0.76, 0.5), (-0.6, 0.78), (-0.24, 0.86)]
        pen.line(curve(boom), 0.04, (44, 44, 50))
        pen.line([(-0.3, 0.86), (-0.16, 0.85)], 0.1, (44, 44, 50))


def _cup(pen: Pen, look: Look, side: int) -> None:
    tall = {"studio": 0.42, "slim": 0.3, "gaming": 0.46}[look.shape]
    wide = tall * 0.52
    x = side * 0.72
    pen.line([(side * 0.72, -0.16), (side * 0.74, 0.1)], 0.09, _STEEL)
    cushion = ellipse(x - side * 0.14, 0.36, wide, tall * 0.96)
    pen.fill(cushion, (48, 48, 54), MATT)
    shell = ellipse(x, 0.34, wide, tall)
    pen.fill(shell, look.colour, ROUND)
    inlay = look.accent if look.choice == 1 else lit(look.colour, -0.25)
    pen.fill(ellipse(x + side * 0.03, 0.34, wide * 0.6, tall * 0.62), inlay, MATT)
    pen.fill(ellipse(x + side * 0.03, 0.34, wide * 0.2, tall * 0.2), lit(inlay, 0.35))


def t_shirt(pen: Pen, look: Look) -> None:
    """A T-shirt laid flat: ``plain``, ``striped`` or ``print``."""
    shirt = _shirt()
    pen.fill(_neck(0.0), lit(look.colour, -0.45))
    pen.fill(shirt, look.colour, ((0, -0.12), (0.3, 0.06), (0.6, 0.0), (1, -0.16)))
    if look.shape == "striped":
        for i in range(7):
            y = -0.5 + 0.22 * i
            pen.fill(box(-1.1, y, 1.1, y + 0.09), look.accent, MATT, within=shirt)
    elif look.shape == "print":
        _print(pen, look)
    fold = lit(look.colour, -0.5)
    for x, lean in ((-0.34, 0.1), (0.4, -0.14), (0.08, 0.06)):
        crease = [(x, -0.2), (x + 0.05, -0.2), (x + lean + 0.02, 0.9), (x + lean - 0.04, 0.9)]
        pen.fill(crease, fold, opacity=0.1, within=shirt)
    for side in (-1, 1):
        pen.line(curve([(side * 0.5, -0.72), (side * 0.58, -0.4), (side * 0.6, -0.2)]), 0.014,
                 mix(look.colour, fold, 0.35))  # fmt: skip
    collar = curve([(-0.25, -0.83), (-0.16, -0.67), (0, -0.6), (0.16, -0.67), (0.25, -0.83)])
    pen.line(collar, 0.06, lit(look.colour, -0.14))
    pen.line([(-0.56, 0.86), (0.56, 0.86)], 0.012, mix(look.colour, fold, 0.3))


def _shirt() -> Outline:
    right = [(0.26, -0.86), (0.5, -0.76), (0.8, -0.5), (1.02, -0.16), (0.74, 0.06), (0.6, -0.14),
             (0.58, 0.3), (0.6, 0.93)]  # fmt: skip
    neck = curve([(-0.26, -0.86), (-0.16, -0.68), (0, -0.61), (0.16, -0.68), (0.26, -0.86)])
    return [*neck, *right, *[(-x, y) for x, y in reversed(right)]]


def _neck(y: float) -> Outline:
    return ellipse(0, y - 0.8, 0.27, 0.1)


def _print(pen: Pen, look: Look) -> None:
    if look.choice == 0:
        pen.fill(ellipse(0, 0.05, 0.32, 0.32), look.accent)
        for i in range(4):
            y = 0.06 + 0.08 * i
            pen.fill(box(-0.36, y, 0.36, y + 0.02 + 0.012 * i), look.colour)
    elif look.choice == 1:
        hill = [(-0.4, 0.3), (-0.14, -0.16), (0.0, 0.04), (0.14, -0.08), (0.42, 0.3)]
        pen.fill(hill, look.accent)
        pen.fill(ellipse(0.22, -0.2, 0.09, 0.09), mix(look.accent, WHITE, 0.4))
    else:
        for x, y in ((-0.2, -0.1), (0.2, -0.1), (0, 0.2)):
            pen.fill(ellipse(x, y, 0.19, 0.19), look.accent, opacity=0.75)
