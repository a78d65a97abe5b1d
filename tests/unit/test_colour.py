"""Colours against exact arithmetic and against LittleCMS used directly."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from lookgraph.ingest.colour import to_srgb
from lookgraph.ingest.decode import decode
from lookgraph.types import Array, Pixels
from tests.pictures import (
    as_bytes,
    cmyk_profile,
    drawn,
    marked,
    rgb_profile,
    srgb_by_hand,
)


def seen(image: Image.Image, format_: str = "PNG", **options: Any) -> Pixels:
    """What decoding makes of an image saved in a format that loses nothing."""
    found = decode(io.BytesIO(as_bytes(image, format_, **options)), 4096).image
    assert found.mode == "RGB"
    return np.asarray(found)


def by_littlecms(image: Image.Image, profile: bytes) -> Pixels:
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        outputMode="RGB",
    )
    assert converted
    return np.asarray(converted)


def over_white(colours: Array, alpha: Array) -> Array:
    share = alpha[..., np.newaxis].astype(np.float64) / 255
    return np.asarray(colours * share + 255 * (1 - share))


def alphas(height: int, width: int) -> Array:
    return np.linspace(0, 255, height * width).astype(np.uint8).reshape(height, width)


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WEBP"])
def test_a_transparent_picture_lies_over_white(format_: str) -> None:
    colours, alpha = np.asarray(drawn(1)), alphas(48, 64)
    image = Image.fromarray(np.dstack([colours, alpha]), "RGBA")
    options = {"lossless": True, "exact": True} if format_ == "WEBP" else {}
    assert np.abs(seen(image, format_, **options) - over_white(colours, alpha)).max() <= 1


def test_grey_with_transparency_lies_over_white() -> None:
    grey, alpha = np.asarray(drawn(2).convert("L")), alphas(48, 64)
    image = Image.fromarray(np.dstack([grey, alpha]), "LA")
    wanted = over_white(np.dstack([grey] * 3), alpha)
    assert np.abs(seen(image) - wanted).max() <= 1


def test_a_palette_with_a_transparent_colour_lies_over_white() -> None:
    image = Image.new("P", (30, 10), 0)
    image.putpalette([250, 0, 0, 0, 0, 250, 0, 200, 0])
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 0, 19, 9), fill=1)
    draw.rectangle((20, 0, 29, 9), fill=2)
    for format_ in ("PNG", "GIF"):
        row = seen(image, format_, transparency=1)[5]
        assert [tuple(row[at]) for at in (5, 15, 25)] == [(250, 0, 0), (255,) * 3, (0, 200, 0)]
    row = seen(image, "PNG", transparency=bytes([255, 0, 51]))[5]
    assert [tuple(row[at]) for at in (5, 15, 25)] == [(250, 0, 0), (255,) * 3, (204, 244, 204)]


def test_a_palette_whose_colours_carry_alpha_lies_over_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([250, 0, 0, 255, 0, 0, 250, 0], "RGBA")
    image.putpixel((1, 0), 1)
    assert np.asarray(to_srgb(image))[0].tolist() == [[250, 0, 0], [255, 255, 255]]


def test_an_rgb_colour_that_stands_for_transparent_is_white() -> None:
    image = Image.fromarray(marked())
    found = seen(image, transparency=(255, 0, 0))
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[0, -1].tolist() == [0, 255, 0]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "RGBX", "YCbCr", "HSV", "CMYK"])
def test_every_mode_keeps_white_and_black(mode: str) -> None:
    image = Image.new("RGB", (2, 1), "white")
    image.putpixel((1, 0), (0, 0, 0))
    assert np.asarray(to_srgb(image.convert(mode)))[0].tolist() == [[255] * 3, [0] * 3]


def test_one_bit_is_black_and_white() -> None:
    bits = np.random.default_rng(3).integers(0, 2, (33, 17)).astype(bool)
    wanted = np.dstack([np.where(bits, 255, 0)] * 3)
    for format_, options in (("PNG", {}), ("TIFF", {"compression": "group4"}), ("BMP", {})):
        assert np.array_equal(seen(Image.fromarray(bits), format_, **options), wanted)


def test_grey_of_sixteen_bits_is_scaled_and_not_cut_off() -> None:
    grey = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    # value / 257 rounded: no value lies between two, as 257 is odd.
    wanted = np.dstack([(grey.astype(np.int64) * 2 + 257) // 514] * 3)
    assert wanted.min() == 0
    assert wanted.max() == 255
    for format_ in ("PNG", "TIFF"):
        assert np.array_equal(seen(Image.fromarray(grey), format_), wanted)
    big_endian = Image.frombytes("I;16B", (256, 256), grey.astype(">u2").tobytes())
    assert np.array_equal(seen(big_endian, "TIFF"), wanted)


def test_dark_grey_of_sixteen_bits_stays_dark() -> None:
    grey = np.full((4, 4), 257 * 10, np.uint16)
    assert np.array_equal(seen(Image.fromarray(grey)), np.full((4, 4, 3), 10))


def test_grey_of_sixteen_bits_with_a_transparent_value_lies_over_white() -> None:
    grey = np.array([[0, 300, 257 * 44, 257 * 200, 65535]], np.uint16)
    found = seen(Image.fromarray(grey), transparency=300)
    assert found[0, :, 0].tolist() == [0, 255, 44, 200, 255]


def test_floating_point_is_stretched_where_it_is_not_within_a_byte() -> None:
    steps = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    wanted = np.dstack([np.arange(256).reshape(16, 16)] * 3)
    for numbers in (steps, steps * 8 - 4, steps * 255):
        assert np.array_equal(seen(Image.fromarray(numbers), "TIFF"), wanted)
    flat = np.full((4, 4), 0.5, np.float32)
    flat[0, 0] = np.nan
    found = seen(Image.fromarray(flat), "TIFF")
    assert found[0, 0].tolist() == [0, 0, 0]
    assert found[3, 3].tolist() == [255, 255, 255]


def test_cmyk_without_a_profile_is_ink_on_paper() -> None:
    inks = np.random.default_rng(4).integers(0, 256, (20, 30, 4), np.uint8)
    image = Image.fromarray(inks, "CMYK")
    left = 255.0 - inks[..., :3]
    wanted = left * (255 - inks[..., 3:].astype(np.float64)) / 255
    assert np.abs(seen(image, "TIFF") - wanted).max() <= 1
    smooth = drawn(5, 160, 120).convert("CMYK")
    jpeg = decode(io.BytesIO(as_bytes(smooth, "JPEG", quality=95)), 256).image
    assert np.abs(np.asarray(jpeg).astype(int) - np.asarray(smooth.convert("RGB"))).mean() < 3


@pytest.mark.parametrize("format_", ["TIFF", "JPEG"])
def test_cmyk_with_a_profile_is_what_littlecms_makes_of_it(format_: str) -> None:
    profile = cmyk_profile()
    content = as_bytes(
        drawn(6).convert("CMYK"), format_, icc_profile=profile, quality=95, subsampling=0
    )
    with Image.open(io.BytesIO(content)) as stored:
        stored.load()
        wanted, plain = by_littlecms(stored, profile), np.asarray(stored.convert("RGB"))
    found = np.asarray(decode(io.BytesIO(content), 256).image)
    assert np.array_equal(found, wanted)
    assert np.abs(found.astype(int) - plain).mean() > 10


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WEBP"])
def test_a_profile_is_applied(format_: str) -> None:
    image, profile = drawn(7), rgb_profile()
    found = seen(image, format_, icc_profile=profile, lossless=True)
    assert np.array_equal(found, by_littlecms(image, profile))
    assert np.abs(found - srgb_by_hand(np.asarray(image))).max() < 3
    assert np.abs(found.astype(int) - np.asarray(image)).mean() > 3


def test_a_profile_is_applied_to_jpeg_and_avif() -> None:
    image, profile = drawn(8, 160, 120), rgb_profile()
    for format_ in ("JPEG", "AVIF"):
        content = as_bytes(image, format_, quality=95, icc_profile=profile)
        found = np.asarray(decode(io.BytesIO(content), 256).image)
        assert np.abs(found - srgb_by_hand(np.asarray(image))).mean() < 4


def test_a_profile_is_applied_to_a_palette_to_transparency_and_to_one_bit() -> None:
    profile = rgb_profile(gamma=1.0)
    image = Image.fromarray(marked())
    wanted = srgb_by_hand(marked(), gamma=1.0)
    palette = image.quantize(4)
    assert np.abs(seen(palette, icc_profile=profile) - wanted).max() < 3
    clear = image.convert("RGBA")
    clear.putpixel((0, 0), (0, 0, 0, 0))
    found = seen(clear, icc_profile=profile)
    assert found[0, 0].tolist() == [255, 255, 255]
    assert np.abs(found[1:] - wanted[1:]).max() < 3


def test_swapped_primaries_swap_the_colours() -> None:
    srgb = np.array(
        [[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.7141]]
    )
    profile = rgb_profile("swapped", primaries=srgb[[2, 1, 0]])
    found = seen(Image.fromarray(marked()), icc_profile=profile)
    assert np.abs(found[0, 0].astype(int) - (0, 0, 255)).max() <= 2
    assert np.abs(found[-1, 0].astype(int) - (255, 0, 0)).max() <= 2


def test_an_srgb_profile_changes_no_pixel() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(seen(drawn(9), icc_profile=profile), np.asarray(drawn(9)))


@pytest.mark.parametrize(
    "profile",
    [b"no profile", b"\0" * 200, rgb_profile()[:150], rgb_profile()[:-300], cmyk_profile()],
    ids=["text", "zeros", "cut off early", "cut off late", "for CMYK"],
)
def test_a_profile_that_cannot_be_used_is_passed_over(profile: bytes) -> None:
    assert np.array_equal(seen(drawn(10), icc_profile=profile), np.asarray(drawn(10)))


def test_lab_is_converted() -> None:
    lab = ImageCms.createProfile("LAB")
    # Half as colourful: nothing of it lies outside of sRGB after rounding.
    image = Image.blend(drawn(11), Image.new("RGB", (64, 48), (128, 128, 128)), 0.5)
    in_lab = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    assert in_lab
    assert np.abs(seen(in_lab, "TIFF").astype(int) - np.asarray(image)).max() <= 6
