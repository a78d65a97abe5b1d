"""Pictures, colour profiles and a network to test with, all made from numbers."""

import io
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lookgraph.types import Array, Matrix, Metric, Pixels, Space

CORNERS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (90, 90, 90)}


def drawn(seed: int, width: int = 64, height: int = 48) -> Image.Image:
    """A smooth picture, another one for every seed."""
    numbers = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(numbers).resize((width, height), Image.Resampling.BICUBIC)


def marked(width: int = 60, height: int = 40) -> Pixels:
    """Four quarters: red upper left, green upper right, blue lower left, grey lower right."""
    pixels = np.empty((height, width, 3), np.uint8)
    middle, centre = height // 2, width // 2
    pixels[:middle, :centre] = CORNERS["red"]
    pixels[:middle, centre:] = CORNERS["green"]
    pixels[middle:, :centre] = CORNERS["blue"]
    pixels[middle:, centre:] = CORNERS["grey"]
    return pixels


def as_bytes(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def save(image: Image.Image, file: Path, format_: str = "PNG", **options: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(as_bytes(image, format_, **options))
    return file


class GridNetwork:
    """A network without weights: the mean colours of a 4 x 4 grid, as one vector of length 1."""

    decode_side = 32
    batch = 4

    def prepare(self, image: Image.Image) -> Pixels:
        return np.asarray(image.resize((4, 4), Image.Resampling.BOX))

    def embed(self, prepared: Sequence[Pixels]) -> Matrix:
        # One is added so that black has a direction too.
        numbers = np.stack(prepared).reshape(len(prepared), -1).astype(np.float32) + 1
        return np.asarray(numbers / np.linalg.norm(numbers, axis=1, keepdims=True), np.float32)


GRID_SPACE = Space("grid", "5" * 64, 1, Metric.COSINE, 48)


def _fixed(number: float) -> bytes:
    """ICC.1:2001-04, 5.3.13: s15Fixed16Number."""
    return struct.pack(">i", round(number * 65536))


def _profile(device: bytes, colours: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A colour profile of version 2.1 (ICC.1:2001-04, 6.1 to 6.3)."""
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(value))
        data += value + b"\0" * (-len(value) % 4)
    illuminant = _fixed(0.9642) + _fixed(1.0) + _fixed(0.8249)
    header = struct.pack(
        ">I4sI4s4s4s12s4s4sIIIQI12sI44x",
        start + len(data), b"test", 0x02100000, device, colours, pcs, b"\x07\xd0\0\1" + b"\0\1" * 4,
        b"acsp", b"APPL", 0, 0, 0, 0, 0, illuminant, 0,
    )  # fmt: skip
    return header + struct.pack(">I", len(tags)) + table + data


def _described(text: str) -> dict[bytes, bytes]:
    name = text.encode() + b"\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + b"\0" * 78
    white = b"XYZ \0\0\0\0" + _fixed(0.9642) + _fixed(1.0) + _fixed(0.8249)
    return {b"desc": description, b"cprt": b"text\0\0\0\0none\0", b"wtpt": white}


WIDE = np.array(
    [[0.51512, 0.2412, -0.00105], [0.29198, 0.69225, 0.04189], [0.1571, 0.06657, 0.78407]]
)
"""The primaries of Display P3 (SMPTE EG 432-1), adapted to D50: X, Y, Z of red, green, blue."""


def rgb_profile(name: str = "wide", gamma: float = 2.2, primaries: Array = WIDE) -> bytes:
    """A display with these primaries, rows of X, Y, Z in D50, and a power as its curve."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    tags = _described(name)
    for channel, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags[channel + b"XYZ"] = b"XYZ \0\0\0\0" + b"".join(map(_fixed, primary))
        tags[channel + b"TRC"] = curve
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def cmyk_profile() -> bytes:
    """A printer whose inks darken unlike Pillow's own: each corner of CMYK has a colour in Lab."""
    grid = b""
    for c, m, y, k in np.ndindex(2, 2, 2, 2):
        lightness = (95 - 25 * c - 30 * m - 8 * y) * (1 - 0.8 * k)
        a, b = (-30 * c + 60 * m) * (1 - k), (-40 * c + 75 * y) * (1 - k)
        grid += bytes([round(max(lightness, 3) * 2.55), 128 + round(a), 128 + round(b)])
    identity = b"".join(_fixed(float(i == j)) for i in range(3) for j in range(3))
    line = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + line * 4 + grid + line * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {**_described("inks"), b"A2B0": table})


def srgb_by_hand(pixels: Pixels, gamma: float = 2.2, primaries: Array = WIDE) -> Array:
    """What `rgb_profile` means, in sRGB (IEC 61966-2-1) by its matrix in D50, 0 to 255."""
    to_xyz = np.asarray(primaries).T
    srgb = np.array(
        [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.7141]]
    )
    linear = (pixels / 255.0) ** gamma @ to_xyz.T @ np.linalg.inv(srgb).T
    linear = np.clip(linear, 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(curved * 255.0)


def exif(
    orientation: int | None = None, taken: str | None = None, changed: str | None = None
) -> bytes:
    """EXIF that says how a picture lies, when it was taken and when it was changed."""
    found = Image.Exif()
    if orientation is not None:
        found[0x0112] = orientation
    if changed is not None:
        found[0x0132] = changed
    if taken is not None:
        found.get_ifd(0x8769)[0x9003] = taken
    return found.tobytes()


def unit(*numbers: float) -> Array:
    vector = np.array(numbers, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def units(rows: Sequence[Sequence[float]]) -> Array:
    return np.stack([unit(*row) for row in rows])
