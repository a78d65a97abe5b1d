"""Pictures with detail at every scale, and of two things with one outline."""

import io

import numpy as np
from PIL import Image, ImageDraw


def textured(seed: int, width: int = 300, height: int = 400) -> Image.Image:
    """Coloured noise, rough and fine, as photographs have it."""
    rng = np.random.default_rng(seed)
    levels = np.full((height, width, 3), 128.0)
    for cells, strength in ((4, 35), (10, 25), (24, 18), (50, 12)):
        noise = rng.normal(0, 1, (cells * height // width, cells, 3))
        layers = [
            np.asarray(Image.fromarray(noise[..., channel]).resize((width, height), 3))
            for channel in range(3)
        ]
        levels += strength * np.stack(layers, axis=2)
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def shirt(seed: int) -> Image.Image:
    """The outline, the table and the light are always the same; cloth and print are the seed's."""
    base, cloth = Image.new("RGB", (300, 400), (225, 222, 215)), textured(seed)
    mask = Image.new("L", base.size)
    outline = [(90, 60), (210, 60), (285, 130), (250, 165), (220, 140), (220, 350), (80, 350)]
    ImageDraw.Draw(mask).polygon([*outline, (80, 140), (50, 165), (15, 130)], fill=255)
    base.paste(Image.blend(cloth, Image.new("RGB", base.size, (150, 30, 40)), 0.4), mask=mask)
    return base


def saved(image: Image.Image, **options: object) -> Image.Image:
    """The picture after it has been saved with these options."""
    buffer = io.BytesIO()
    image.save(buffer, **options)  # type: ignore[arg-type]
    return Image.open(buffer).convert("RGB")


def recoloured(image: Image.Image, degrees: float) -> Image.Image:
    """With all clear colours (saturation over a quarter) turned so far around the colour circle."""
    hue, saturation, value = image.convert("HSV").split()
    turned = hue.point([round(level + degrees / 360 * 256) % 256 for level in range(256)])
    other = Image.merge("HSV", (turned, saturation, value)).convert("RGB")
    return Image.composite(other, image, saturation.point([255 * (s > 63) for s in range(256)]))


def warmer(image: Image.Image, by: float) -> Image.Image:
    """With that share more red and less blue, as another white balance makes it."""
    pixels = np.asarray(image) * [1 + by, 1.0, 1 - by]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
