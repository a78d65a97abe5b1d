"""What `make_reference` and the tests share: generated pictures, and how tensors are compared."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FILE = Path(__file__).with_name("reference.npz")
SIZES = ((300, 400), (641, 359), (97, 224))
"""Width and height."""


def drawn(width: int, height: int) -> NDArray[np.uint8]:
    """A picture of shape (height, width, 3), in whole numbers only; another one for each size."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    rings = ((x - width // 3) ** 2 + (y - height // 2) ** 2) // width
    red = (rings + x * 255 // width) % 256
    green = np.where((x // 19 + y // 23) % 3 == 0, 200, y * 255 // height)
    blue = (x * y // 97 + height) % 256
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def resized_then_cut(
    image: Image.Image,
    side: int = 256,
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> NDArray[np.uint8]:
    """torchvision's Resize(side) and CenterCrop(224), shape (224, 224, 3).

    In two passes, because from version 13 on, Pillow resizes tall pictures in another order.
    """
    short, long = min(image.size), max(image.size)
    longer = int(side * long / short)
    width, height = (side, longer) if image.width == short else (longer, side)
    columns = image.resize((width, image.height), resample)
    whole = columns.resize((width, height), resample)
    left, top = (int(round((edge - 224) / 2.0)) for edge in whole.size)  # noqa: RUF046
    return np.asarray(whole.crop((left, top, left + 224, top + 224)))


def digest(tensor: NDArray[Any]) -> str:
    """Of a tensor's type, shape and numbers."""
    head = f"{tensor.dtype.name} {tensor.shape} ".encode()
    return hashlib.sha256(head + tensor.tobytes()).hexdigest()
