"""How a product looks: what the functions that draw products are given."""

from dataclasses import dataclass

from lookgraph.catalogue.pen import Colour


@dataclass(frozen=True, slots=True)
class Look:
    """The looks of one product in one picture.

    Attributes:
        shape: one of its kind's shapes.
        colour: its main colour.
        accent: its second colour.
        choice: 0, 1 or 2: which of a few decorations it has.
        pitch: how far from above it is seen: the height of a circle over its width, 0.13 to 0.25.
    """

    shape: str
    colour: Colour
    accent: Colour
    choice: int
    pitch: float
