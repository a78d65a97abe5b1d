"""A picture whose embedding is known, to check a machine with."""

import numpy as np

from lookgraph.types import Pixels


def probe_picture(side: int = 224) -> Pixels:
    """Stripes, rings and squares, uint8, shape (side, side, 3).

    Whole numbers only, and no random ones: it is the same with every release of NumPy.
    `registry.Model.check` has what a network makes of it; another processor or runtime adds up
    in another order, which moves the numbers by some 1e-6.
    """
    y, x = np.mgrid[0:side, 0:side].astype(np.int64)
    rings = (x - side // 2) ** 2 + (y - side // 3) ** 2
    red = (x * 3 + y * 5) % 256
    green = (rings // 16) % 256
    blue = (x // 16 + y // 16) % 2 * 160 + y * 80 // side
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)
