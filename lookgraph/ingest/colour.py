"""Any mode and profile that Pillow decodes, as it should be seen: sRGB, on white, upright."""

import functools
import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image, ImageCms

_ORIENTATION = 0x0112
_ON_ITS_SIDE = {5, 6, 7, 8}


def to_srgb(image: "Image.Image") -> "Image.Image":
    """The same picture in mode RGB: its profile applied, alpha laid over white."""
    image = _to_eight_bits(image)
    if image.mode == "P" and not image.has_transparency_data:
        image = image.convert("RGB")
    if image.has_transparency_data:
        image = _over_white(image)
    return _apply_profile(image)


def _to_eight_bits(image: "Image.Image") -> "Image.Image":
    """Grey with more than 8 bits, scaled; Pillow's own ``convert`` cuts it off at 255."""
    if image.mode not in {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}:
        return image
    from PIL import Image

    grey = original = np.asarray(image)
    if image.mode == "F":
        grey = np.nan_to_num(grey, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = float(grey.min()), float(grey.max())
        # Floating point has no agreed range: what is not already within 0 to 255 is stretched.
        if low < 0 or high > 255 or high <= 1:
            grey = (grey - low) * (255 / (high - low)) if high > low else np.zeros_like(grey)
        grey = np.rint(grey)
    else:
        # "I" is how Pillow holds 16 bits that are not in a 16-bit mode, and rarely 32.
        widest = 65535 if int(grey.max(initial=0)) <= 65535 else 2**31 - 1
        grey = np.clip(grey, 0, None) * (255.0 / widest) + 0.5
    result = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    result.info = dict(image.info)
    clear = result.info.pop("transparency", None)
    if isinstance(clear, int):  # a level of the many bits, which several of the eight would match
        result.putalpha(Image.fromarray(np.where(original == clear, 0, 255).astype(np.uint8)))
    return result


def _over_white(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    profile = image.info.get("icc_profile")
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    flat = Image.alpha_composite(white, with_alpha).convert("RGB")
    if profile:
        flat.info["icc_profile"] = profile
    return flat


def _apply_profile(image: "Image.Image") -> "Image.Image":
    if image.mode not in {"L", "CMYK", "LAB"}:
        image = _to_rgb(image)
    profile = image.info.get("icc_profile")
    # Pillow converts no LAB without a transform.
    if (profile or image.mode == "LAB") and (transform := _transform(profile, image.mode)):
        return transform.apply(image)
    return _to_rgb(image)


def _to_rgb(image: "Image.Image") -> "Image.Image":
    """In mode RGB; the picture itself, where Pillow would copy it."""
    return image if image.mode == "RGB" else image.convert("RGB")


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes | None, mode: str) -> "ImageCms.ImageCmsTransform | None":
    """From a profile to sRGB; None where nothing is to be done or the profile is of no use."""
    from PIL import ImageCms

    try:
        if mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        if "srgb" in (ImageCms.getProfileDescription(source) or "").lower():
            return None
        return ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.PERCEPTUAL,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None  # a damaged profile, or one for another mode: the picture is shown without it


def upright(image: "Image.Image", exif: "Image.Exif") -> "Image.Image":
    """Turned and mirrored as the EXIF orientation says (EXIF 2.32, 4.6.4 A)."""
    from PIL.Image import Transpose

    method = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(exif.get(_ORIENTATION, 1))
    return image if method is None else image.transpose(method)


def lies_on_its_side(exif: "Image.Exif") -> bool:
    """Whether the orientation swaps width and height."""
    return exif.get(_ORIENTATION, 1) in _ON_ITS_SIDE
