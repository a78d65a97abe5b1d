"""A product's picture: what lies behind it, its shadow, and the product."""

from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw, ImageFilter

from lookgraph.catalogue.pen import Colour, Pen, Placement, lit, mix
from lookgraph.catalogue.products import Product

_FINER = 2  # drawn at so many times the size, so that reducing it smooths the edges
_COARSER = 8  # shadows are soft: they are drawn at a fraction of the size
_SIZES = ((400, 400), (400, 400), (360, 440), (440, 350))
_WALLS: tuple[Colour, ...] = (
    (214, 222, 218), (232, 214, 202), (206, 216, 230), (236, 226, 200), (222, 210, 222),
    (200, 212, 200),
)  # fmt: skip
_FLOORS: tuple[Colour, ...] = ((206, 184, 156), (232, 228, 222), (188, 168, 148))


@dataclass(frozen=True, slots=True)
class _Extent:
    """What a product's silhouette covers, in the product's units."""

    left: float
    top: float
    right: float
    bottom: float
    foot: tuple[float, float]  # the left and right end of its lowest part


@dataclass(frozen=True, slots=True)
class _View:
    size: tuple[int, int]
    placement: Placement
    extent: _Extent

    @property
    def floor(self) -> float:
        """The height at which a standing product touches the floor, in pixels."""
        return self.placement.y + self.extent.bottom * self.placement.unit


def draw(product: Product) -> Image.Image:
    """Draw one picture of the catalogue.

    Returns:
        An RGB image of about 400 x 400 pixels, always the same for the same product.
    """
    chance = Random(product.seed)
    view = _view(product, chance)
    canvas = _background(view, product.kind.standing, chance)
    _shadow(canvas, product, view)
    product.kind.draw(Pen(canvas, view.placement), product.look)
    return canvas.reduce(_FINER)


def _extent(product: Product, mirrored: bool) -> _Extent:
    unit, middle = 40, 56
    shape = Image.new("L", (2 * middle, 2 * middle))
    product.kind.draw(Pen(shape, Placement(middle, middle, unit, 0, mirrored)), product.look)
    left, top, right, bottom = shape.getbbox() or (0, 0, 2 * middle, 2 * middle)
    foot = shape.crop((0, bottom - 5, 2 * middle, bottom)).getbbox() or (left, 0, right, 0)
    x0, y0, x1, y1, f0, f1 = (
        (v - middle) / unit for v in (left, top, right, bottom, foot[0], foot[2])
    )
    return _Extent(x0, y0, x1, y1, (f0, f1))


def _view(product: Product, chance: Random) -> _View:
    width, height = (side * _FINER for side in _SIZES[int(chance.random() * len(_SIZES))])
    mirrored = chance.random() < 0.5
    extent = _extent(product, mirrored)
    larger = max(extent.right - extent.left, extent.bottom - extent.top)
    unit = min(width, height) * chance.uniform(0.66, 0.82) / larger
    turn = chance.uniform(-3, 3) if product.kind.standing else chance.uniform(-22, 22)
    if product.kind.name == "clock":
        turn /= 5
    x = width * chance.uniform(0.47, 0.53) - unit * (extent.left + extent.right) / 2
    y = height * chance.uniform(0.49, 0.53) - unit * (extent.top + extent.bottom) / 2
    return _View((width, height), Placement(x, y, unit, turn, mirrored), extent)


def _background(view: _View, standing: bool, chance: Random) -> Image.Image:
    wall = _WALLS[int(chance.random() * len(_WALLS))]
    kind = chance.random()
    if kind < 0.35:
        return _gradient(view.size, (255, 255, 255), (232, 233, 235))
    if kind < 0.6:
        return _gradient(view.size, lit(wall, 0.45), lit(wall, -0.06))
    if kind < 0.82:
        floor = _FLOORS[int(chance.random() * len(_FLOORS))]
        return (
            _room(view, wall, floor)
            if standing
            else _gradient(view.size, lit(wall, 0.1), lit(wall, -0.2))
        )
    return _pattern(view.size, wall, chance.random() < 0.5)


def _gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    strip = Image.new("RGB", (1, 64))
    for i in range(64):
        strip.putpixel((0, i), mix(top, bottom, i / 63))
    column = strip.resize((1, size[1]), Image.Resampling.BILINEAR)
    return column.resize(size, Image.Resampling.NEAREST)  # all columns are the same: this is fast


def _room(view: _View, wall: Colour, floor: Colour) -> Image.Image:
    width, height = view.size
    line = round(view.floor - view.placement.unit * 0.32)
    canvas = _gradient(view.size, lit(wall, 0.25), lit(wall, -0.1))
    ground = _gradient((width, height - line), lit(floor, -0.06), lit(floor, 0.3))
    canvas.paste(ground, (0, line))
    skirting = (0, line - 14, width, line - 1)
    ImageDraw.Draw(canvas).rectangle(skirting, fill=lit(wall, 0.55))
    return canvas


def _pattern(size: tuple[int, int], wall: Colour, dots: bool) -> Image.Image:
    canvas = Image.new("RGB", size, lit(wall, 0.35))
    drawing, ink = ImageDraw.Draw(canvas), lit(wall, 0.08)
    width, height = size
    if dots:
        for row, y in enumerate(range(0, height + 48, 48)):
            for x in range((row % 2) * 24, width + 48, 48):
                drawing.ellipse((x - 7, y - 7, x + 7, y + 7), fill=ink)
    else:
        for x in range(0, width, 72):
            drawing.rectangle((x, 0, x + 35, height), fill=ink)
    return canvas


def _shadow(canvas: Image.Image, product: Product, view: _View) -> None:
    """Darken what the product keeps the light from: the wall behind it and the floor below."""
    at = view.placement
    small = tuple(side // _COARSER for side in view.size)
    shift = 0.05 if product.kind.standing else 0.07
    placement = Placement(
        (at.x + at.unit * shift) / _COARSER,
        (at.y + at.unit * shift * 0.8) / _COARSER,
        at.unit / _COARSER,
        at.turn,
        at.mirrored,
    )
    mask = Image.new("L", (small[0], small[1]))
    product.kind.draw(Pen(mask, placement), product.look)
    if product.kind.standing:
        # Light from above and left: the floor's shadow is a flat copy, the wall's is faint.
        mask = mask.filter(ImageFilter.GaussianBlur(3.5)).point(lambda v: v * 0.16)
        _on_floor(mask, view)
    else:
        mask = mask.filter(ImageFilter.GaussianBlur(2)).point(lambda v: v * 0.34)
    dark = mask.getbbox() or (0, 0, 1, 1)
    left, top, right, bottom = (_COARSER * side for side in dark)
    soft = mask.crop(dark).resize((right - left, bottom - top), Image.Resampling.BILINEAR)
    canvas.paste((30, 28, 40), (left, top), soft)


def _on_floor(mask: Image.Image, view: _View) -> None:
    """Add the shadow right under the product, as wide as its lowest part."""
    at, (left, right) = view.placement, view.extent.foot
    x = (at.x + ((left + right) / 2 + 0.05) * at.unit) / _COARSER
    y = (view.floor - 0.05 * at.unit) / _COARSER
    across = (right - left) / 2 * 1.12 * at.unit / _COARSER
    up = 0.11 * at.unit / _COARSER
    ground = Image.new("L", mask.size)
    ImageDraw.Draw(ground).ellipse(
        (x - across, y - up, x + across, y + up), fill=round(130 * min(1, 0.9 / (right - left)))
    )
    mask.paste(255, (0, 0), ground.filter(ImageFilter.GaussianBlur(2.2)))
