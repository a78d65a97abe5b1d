"""What the catalogue holds: a table of kinds, shapes and colours, and how each is seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from lookgraph.catalogue import furniture, vessels, wearables, worn
from lookgraph.catalogue.look import Look
from lookgraph.catalogue.pen import Colour, Pen

PALETTE: dict[str, Colour] = {
    "teal": (28, 128, 130),
    "coral": (232, 106, 88),
    "mustard": (222, 166, 44),
    "navy": (40, 58, 104),
    "sage": (140, 168, 128),
    "cream": (236, 224, 200),
    "charcoal": (64, 66, 74),
    "blush": (226, 168, 168),
    "rust": (174, 82, 46),
    "sky": (112, 170, 214),
    "plum": (116, 62, 104),
    "white": (240, 240, 238),
}

Draw: TypeAlias = Callable[[Pen, Look], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of product.

    Attributes:
        name: of one of them.
        folder: where the pictures of the kind go.
        shapes: the names of its shapes, which `draw` knows.
        colours: names in the palette.
        draw: draws one.
        standing: whether it stands on a floor; otherwise it lies or hangs, and may be turned.
    """

    name: str
    folder: str
    shapes: tuple[str, ...]
    colours: tuple[str, ...]
    draw: Draw
    standing: bool = True


KINDS: tuple[Kind, ...] = (
    Kind(
        "mug",
        "mugs",
        ("tall", "wide", "round"),
        ("teal", "coral", "cream", "navy", "mustard"),
        vessels.mug,
    ),
    Kind(
        "bottle",
        "bottles",
        ("slim", "flask", "round"),
        ("teal", "rust", "charcoal", "sky", "white"),
        vessels.bottle,
    ),
    Kind(
        "vase",
        "vases",
        ("bulb", "amphora", "column"),
        ("sage", "cream", "navy", "coral", "charcoal"),
        vessels.vase,
    ),
    Kind(
        "pot",
        "plant-pots",
        ("leafy", "cactus", "spiky"),
        ("rust", "white", "charcoal", "mustard", "sky"),
        vessels.pot,
    ),
    Kind(
        "chair",
        "chairs",
        ("dining", "armchair", "stool"),
        ("teal", "mustard", "blush", "charcoal", "sage"),
        furniture.chair,
    ),
    Kind(
        "lamp",
        "lamps",
        ("table", "desk", "tripod"),
        ("cream", "coral", "navy", "sage", "charcoal"),
        furniture.lamp,
    ),
    Kind(
        "clock",
        "clocks",
        ("wall", "square", "alarm"),
        ("teal", "coral", "charcoal", "mustard", "white"),
        furniture.clock,
        standing=False,
    ),
    Kind(
        "sneaker",
        "sneakers",
        ("low", "high", "runner"),
        ("white", "navy", "coral", "sage", "charcoal"),
        wearables.sneaker,
    ),
    Kind(
        "bag",
        "bags",
        ("tote", "handbag", "backpack"),
        ("rust", "cream", "plum", "teal", "charcoal"),
        wearables.bag,
    ),
    Kind(
        "watch",
        "watches",
        ("round", "square", "chrono"),
        ("rust", "charcoal", "navy", "blush", "sage"),
        worn.watch,
        standing=False,
    ),
    Kind(
        "headphones",
        "headphones",
        ("studio", "slim", "gaming"),
        ("charcoal", "white", "teal", "coral", "plum"),
        worn.headphones,
        standing=False,
    ),
    Kind(
        "t-shirt",
        "t-shirts",
        ("plain", "striped", "print"),
        ("white", "navy", "coral", "sky", "mustard"),
        worn.t_shirt,
        standing=False,
    ),
)

_TAKES = 2


@dataclass(frozen=True, slots=True)
class Product:
    """One picture of the catalogue.

    Attributes:
        name: the file's, relative to the catalogue's folder, with ``/`` between its parts.
        kind: what is to be seen.
        look: its shape and colours.
        seed: what the view of it, and what lies behind it, are drawn from.
    """

    name: str
    kind: Kind
    look: Look
    seed: int


def products() -> Iterator[Product]:
    """Every picture of the catalogue, in the order of `KINDS`."""
    number = 0
    for kind in KINDS:
        for shape in kind.shapes:
            for colour in kind.colours:
                # The product is one and the same in all its takes; only the view differs.
                decor = Random(number)
                accent = _accent(colour, decor)
                choice = int(decor.random() * 3)
                for take in range(1, _TAKES + 1):
                    number += 1
                    pitch = 0.13 + 0.12 * Random(number).random()
                    look = Look(shape, PALETTE[colour], accent, choice, pitch)
                    name = f"{kind.folder}/{kind.name}-{colour}-{shape}-{take:02}.jpg"
                    yield Product(name, kind, look, number)


def _accent(colour: str, decor: Random) -> Colour:
    others = [name for name in ("cream", "mustard", "coral", "navy", "white") if name != colour]
    return PALETTE[others[int(decor.random() * len(others))]]
