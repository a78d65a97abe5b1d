"""What `make_recipe_reference` and its tests share: weights and pictures that anyone can make.

The published weights are not here, and made ones are too large to be kept, so they are drawn again
for each run: from raw PCG64, whose numbers NumPy promises never to change.
"""

import io
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .reference import drawn

State = dict[str, NDArray[Any]]
Shapes = dict[str, tuple[int, ...]]

FOLDER = Path(__file__).parent
SAMPLE = 16
"""Of the prepared pixels, every so manieth of each axis is kept."""

PHOTOGRAPHS = (
    "clothing/dress/041c6bde-e737-46fd-9586-984c1503941f.jpg",
    "clothing/hat/00d94e21-5891-492e-be0e-792e7338c077.jpg",
    "clothing/shoes/01c5cb43-4ce1-4d08-8b71-c0a20ba94a63.jpg",
)
"""Below the folder of photographs."""

_SIZES = ((300, 400), (641, 359), (97, 224), (1, 1), (2000, 31))
_VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def reference_file(recipe: str) -> Path:
    """Where the embeddings and pixels of a row of the registry are kept."""
    return FOLDER / f"recipe-{recipe}.npz"


def made_pictures() -> dict[str, bytes]:
    """Files of odd sizes and modes, by name; nothing in them is lossy or transparent."""
    files = {f"{width}x{height}": _file(_picture(width, height)) for width, height in _SIZES}
    colours = drawn(16, 16).reshape(-1).tolist()
    palette = Image.fromarray(drawn(211, 300)[:, :, 0])
    palette.putpalette(colours)
    ink = np.concatenate([drawn(333, 250), drawn(333, 250)[::-1, :, :1]], axis=2)
    files["grey"] = _file(Image.fromarray(drawn(300, 211)[:, :, 1]))
    files["grey-alpha"] = _file(_picture(259, 311).convert("LA"))
    files["palette"] = _file(palette)
    files["cmyk"] = _file(Image.frombytes("CMYK", (333, 250), ink.tobytes()), "TIFF")
    return files


def _picture(width: int, height: int) -> Image.Image:
    return Image.fromarray(drawn(width, height))


def _file(image: Image.Image, format_: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_)
    return buffer.getvalue()


def seeded(shapes: Shapes) -> State:
    """Weights with which the values neither fade nor explode, each drawn after its name."""
    return {name: _tensor(name, shape) for name, shape in shapes.items()}


def _tensor(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    if name.endswith("num_batches_tracked"):
        return np.array(7)
    if len(shape) > 1:
        keras = name.endswith(":0")
        limit = math.sqrt(6 / math.prod(shape[:-1] if keras else shape[1:]))
        return uniform(name, shape, -limit, limit)
    if name.endswith("running_var"):
        return uniform(name, shape, 0.5, 2.0)
    if name.endswith(".weight"):  # of a batch normalisation
        return uniform(name, shape, 0.3, 1.2)
    return uniform(name, shape, -0.3, 0.3)


def uniform(name: str, shape: tuple[int, ...], low: float, high: float) -> NDArray[np.float32]:
    count = math.prod(shape)
    raw = np.random.PCG64(zlib.crc32(name.encode())).random_raw(-(-count // 4))
    values = raw.astype("<u8", copy=False).view("<u2")[:count].astype(np.float32)
    values *= np.float32((high - low) / 65535)
    values += np.float32(low)
    return values.reshape(shape)


def resnet50_shapes() -> Shapes:
    """torchvision's names."""
    shapes = _normed("conv1", "bn1", (64, 3, 7, 7))
    channels = 64
    for number, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=1):
        for block in range(blocks):
            name = f"layer{number}.{block}"
            shapes |= _normed(f"{name}.conv1", f"{name}.bn1", (width, channels, 1, 1))
            shapes |= _normed(f"{name}.conv2", f"{name}.bn2", (width, width, 3, 3))
            shapes |= _normed(f"{name}.conv3", f"{name}.bn3", (4 * width, width, 1, 1))
            if block == 0:
                names = (f"{name}.downsample.0", f"{name}.downsample.1")
                shapes |= _normed(*names, (4 * width, channels, 1, 1))
            channels = 4 * width
    return {**shapes, "fc.weight": (1000, 2048), "fc.bias": (1000,)}


def _normed(name: str, norm: str, shape: tuple[int, ...]) -> Shapes:
    parts = ("weight", "bias", "running_mean", "running_var")
    vectors = {f"{norm}.{part}": shape[:1] for part in parts}
    return {f"{name}.weight": shape, **vectors, f"{norm}.num_batches_tracked": ()}


def vgg16_torch_shapes() -> Shapes:
    """torchvision's names."""
    shapes: Shapes = {}
    number, channels = 0, 3
    for block in _VGG16:
        for width in block:
            shapes[f"features.{number}.weight"] = (width, channels, 3, 3)
            shapes[f"features.{number}.bias"] = (width,)
            number, channels = number + 2, width
        number += 1
    for number, out, into in ((0, 4096, 25088), (3, 4096, 4096), (6, 1000, 4096)):
        shapes[f"classifier.{number}.weight"] = (out, into)
        shapes[f"classifier.{number}.bias"] = (out,)
    return shapes


def vgg16_keras_shapes() -> Shapes:
    """The names in Keras' published file."""
    shapes: Shapes = {}
    channels = 3
    for block, widths in enumerate(_VGG16, start=1):
        for place, width in enumerate(widths, start=1):
            name = f"block{block}_conv{place}"
            shapes[f"{name}_W_1:0"] = (3, 3, channels, width)
            shapes[f"{name}_b_1:0"] = (width,)
            channels = width
    for name, into, out in (
        ("fc1", 25088, 4096),
        ("fc2", 4096, 4096),
        ("predictions", 4096, 1000),
    ):
        shapes[f"{name}_W_1:0"] = (into, out)
        shapes[f"{name}_b_1:0"] = (out,)
    return shapes
