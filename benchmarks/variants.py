"""Pictures as people meet them again: re-encoded, resized, cropped, marked, with other colours.

Every kind of change has a strength that is drawn within what passes for the same picture. Which
photograph is changed in which way is told by the seed alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Change = Callable[[Image.Image, np.random.Generator], Image.Image]

_SEED = 0
_JPEG: dict[str, Any] = {"format": "JPEG", "quality": 88}
"""How a changed picture is saved, where its kind says nothing else."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change.

    Attributes:
        name: as it stands in a table.
        change: makes the changed picture.
        save: what Pillow is told to save it with.
    """

    name: str
    change: Change
    save: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """A changed photograph.

    Attributes:
        file: what it was saved as.
        original: the place of its photograph in the list of these.
        kind: what was done to it.
    """

    file: Path
    original: int
    kind: Kind


def variants(photographs: Sequence[Path], place: Path, count: int) -> Iterator[Variant]:
    """Make so many variants: as evenly many of each photograph, and of each kind, as can be.

    Args:
        photographs: files that Pillow opens.
        place: a folder to make, for the variants.
        count: how many.
    """
    place.mkdir(parents=True)
    generator = np.random.default_rng(_SEED)
    rounds = -(-count // len(photographs))
    originals = np.concatenate([generator.permutation(len(photographs)) for _ in range(rounds)])
    for number, original in enumerate(originals[:count].tolist()):
        kind = KINDS[number % len(KINDS)]
        with Image.open(photographs[original]) as opened:
            changed = kind.change(opened.convert("RGB"), generator)
        file = place / f"{number:05}.{kind.save['format'].lower()}"
        changed.save(file, **kind.save)
        yield Variant(file, original, kind)


def recoloured(image: Image.Image, degrees: float) -> Image.Image:
    """Another picture, not a variant: every clear colour is turned around the colour circle.

    What has a saturation of a quarter or less stays, as the ground does when a product is made in
    another colour.
    """
    hue, saturation, value = image.convert("HSV").split()
    turned = hue.point([round(level + degrees / 360 * 256) % 256 for level in range(256)])
    other = Image.merge("HSV", (turned, saturation, value)).convert("RGB")
    return Image.composite(other, image, _clear(saturation))


def clear(image: Image.Image) -> float:
    """The share of a picture with a clear colour, 0 to 1."""
    return float((np.asarray(_clear(image.convert("HSV").getchannel(1))) > 0).mean())


def _clear(saturation: Image.Image) -> Image.Image:
    return saturation.point([255 * (level > 63) for level in range(256)])


def _nothing(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return image


def _resized(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Half as large, or one and a half times."""
    by = generator.choice([0.5, 1.5])
    size = (round(image.width * by), round(image.height * by))
    return image.resize(size, Image.Resampling.LANCZOS)


def _trimmed(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """Without 5 % at each side."""
    x, y = round(0.05 * image.width), round(0.05 * image.height)
    return image.crop((x, y, image.width - x, image.height - y))


def _cut(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Without 10 % at one side."""
    box = [0, 0, image.width, image.height]
    side = int(generator.integers(4))
    length = image.height if side % 2 else image.width
    box[side] += round(0.1 * length) * (1 if side < 2 else -1)
    return image.crop((box[0], box[1], box[2], box[3]))


def _lettered(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """With words across the middle that let the picture shine through."""
    side = min(image.size)
    layer = Image.new("RGBA", image.size)
    font = ImageFont.load_default(side * 0.13)
    tone = int(generator.choice([0, 255]))
    middle = (image.width / 2, image.height * generator.uniform(0.3, 0.7))
    ink = (tone, tone, tone, int(generator.integers(90, 160)))
    ImageDraw.Draw(layer).text(middle, "© lookgraph", ink, font, anchor="mm")
    turned = layer.rotate(generator.uniform(-30, 30), Image.Resampling.BICUBIC)
    return Image.alpha_composite(image.convert("RGBA"), turned).convert("RGB")


def _with_logo(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """With a disc in a corner, a fifth as wide as the picture."""
    marked = image.copy()
    size = round(0.2 * min(image.size))
    gap = size // 5
    x = gap if generator.random() < 0.5 else image.width - gap - size
    y = gap if generator.random() < 0.5 else image.height - gap - size
    colour = tuple(generator.integers(0, 256, 3).tolist())
    draw = ImageDraw.Draw(marked)
    draw.ellipse((x, y, x + size, y + size), colour, outline=(255, 255, 255), width=size // 12)
    font = ImageFont.load_default(size * 0.6)
    draw.text((x + size / 2, y + size / 2), "L", (255, 255, 255), font, anchor="mm")
    return marked


def _toned(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Brighter or darker, with more or less contrast, as an editor's two sliders make it."""
    lit = ImageEnhance.Brightness(image).enhance(generator.uniform(0.7, 1.35))
    return ImageEnhance.Contrast(lit).enhance(generator.uniform(0.7, 1.4))


def _tinted(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Grey, or with more or less colour."""
    saturation = generator.choice([0.0, 0.4, 1.8])
    return ImageEnhance.Color(image).enhance(float(saturation))


def _balanced(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Warmer or colder, as another white balance makes it."""
    by = generator.choice([-1, 1]) * generator.uniform(0.08, 0.2)
    gains = np.array([1 + by, 1.0, 1 - by])
    pixels = np.asarray(image, np.float64) * gains
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _blurred(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Softer or sharper."""
    if generator.random() < 0.5:
        return image.filter(ImageFilter.GaussianBlur(0.004 * min(image.size)))
    return image.filter(ImageFilter.UnsharpMask(radius=2, percent=200, threshold=2))


def _framed(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """With a border of 3 % of the shorter side, black, white or of some colour."""
    colours = [(0, 0, 0), (255, 255, 255), tuple(generator.integers(0, 256, 3).tolist())]
    colour = colours[int(generator.integers(3))]
    return ImageOps.expand(image, round(0.03 * min(image.size)), colour)


KINDS = (
    Kind("JPEG, quality 30", _nothing, {"format": "JPEG", "quality": 30}),
    Kind("WebP, quality 40", _nothing, {"format": "WEBP", "quality": 40}),
    Kind("50 % or 150 %, PNG", _resized, {"format": "PNG"}),
    Kind("5 % off each side", _trimmed, _JPEG),
    Kind("10 % off one side", _cut, _JPEG),
    Kind("words across", _lettered, _JPEG),
    Kind("logo in a corner", _with_logo, _JPEG),
    Kind("brightness and contrast", _toned, _JPEG),
    Kind("grey or other saturation", _tinted, _JPEG),
    Kind("white balance", _balanced, _JPEG),
    Kind("blur or sharpening", _blurred, _JPEG),
    Kind("border", _framed, _JPEG),
)
"""Twelve."""
