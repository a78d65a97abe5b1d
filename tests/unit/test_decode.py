"""Decoding against pictures whose pixels are known, and against files that are damaged."""

import io
import random
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookgraph.ingest.decode import (
    MAX_PIXELS,
    Decoded,
    UnusableError,
    decode,
    looks_like_picture,
    sniff,
    thumbnail,
)
from lookgraph.types import Pixels, SkipKind
from tests.conftest import needs_module
from tests.pictures import as_bytes, drawn, exif, marked

LOSSLESS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", {"big_tiff": True}),
]
LOSSY: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {"quality": 95}),
    ("JPEG", {"quality": 95, "progressive": True}),
    ("WEBP", {"quality": 95}),
    ("AVIF", {"quality": 95}),
]


def decoded(content: bytes, side: int = 512) -> Decoded:
    return decode(io.BytesIO(content), side)


def skip_of(content: bytes) -> tuple[SkipKind, str]:
    with pytest.raises(UnusableError) as caught:
        decoded(content)
    return caught.value.skip.kind, caught.value.skip.reason


def attempt(content: bytes) -> Decoded | UnusableError:
    try:
        return decoded(content)
    except UnusableError as error:
        return error


def pixels_of(image: Image.Image) -> Pixels:
    assert image.mode == "RGB"
    return np.asarray(image)


def distance(image: Image.Image, other: Any) -> float:
    """The mean difference of two pictures' numbers, 0 to 255."""
    wanted = np.asarray(other, np.float64)
    assert pixels_of(image).shape == wanted.shape
    return float(np.abs(pixels_of(image) - wanted).mean())


@pytest.mark.parametrize(("format_", "options"), LOSSLESS)
def test_lossless_formats_give_every_pixel(format_: str, options: dict[str, Any]) -> None:
    picture = drawn(1, 61, 43)
    found = decoded(as_bytes(picture, format_, **options))
    assert (found.format, found.width, found.height, found.taken) == (format_, 61, 43, None)
    assert np.array_equal(pixels_of(found.image), np.asarray(picture))


@pytest.mark.parametrize(("format_", "options"), LOSSY)
def test_lossy_formats_give_nearly_every_pixel(format_: str, options: dict[str, Any]) -> None:
    picture = drawn(2, 160, 120)
    found = decoded(as_bytes(picture, format_, **options))
    assert (found.format, found.width, found.height) == (format_, 160, 120)
    assert distance(found.image, picture) < 3


def test_heic_is_decoded_with_the_extra() -> None:
    needs_module("pillow_heif").register_heif_opener()
    picture = drawn(3, 160, 120)
    content = as_bytes(picture, "HEIF", quality=95)
    assert sniff(content[:32]) == "HEIF"
    found = decoded(content)
    assert (found.format, found.width, found.height) == ("HEIF", 160, 120)
    assert distance(found.image, picture) < 3


def test_heic_without_the_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    kind, reason = skip_of(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    assert kind is SkipKind.NEEDS_EXTRA
    assert "pip install 'lookgraph[heif]'" in reason
    assert kind.passing


def test_the_first_picture_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "green", "blue")]
    for format_, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("AVIF", {"quality": 100})):
        content = as_bytes(frames[0], format_, save_all=True, append_images=frames[1:], **options)
        with Image.open(io.BytesIO(content)) as whole:
            assert getattr(whole, "n_frames", 1) == 3
        found = decoded(content)
        assert (found.format, found.width, found.height) == (format_, 20, 10)
        assert np.abs(pixels_of(found.image).astype(int) - (255, 0, 0)).max() <= 3


def test_the_first_page_of_a_tiff_and_the_first_picture_of_an_mpo_are_taken() -> None:
    first, second = drawn(4), drawn(5)
    found = decoded(as_bytes(first, "TIFF", save_all=True, append_images=[second]))
    assert np.array_equal(pixels_of(found.image), np.asarray(first))
    found = decoded(as_bytes(first, "MPO", save_all=True, append_images=[second], quality=95))
    assert (found.format, found.width, found.height) == ("JPEG", 64, 48)
    assert distance(found.image, first) < 4


def test_a_gif_with_few_colours_gives_every_pixel() -> None:
    found = decoded(as_bytes(Image.fromarray(marked()), "GIF"))
    assert found.format == "GIF"
    assert np.array_equal(pixels_of(found.image), marked())


def test_the_content_counts_and_not_the_name(tmp_path: Path) -> None:
    file = tmp_path / "really-a-png.jpg"
    file.write_bytes(as_bytes(drawn(6), "PNG"))
    with file.open("rb") as opened:
        opened.seek(7)
        found = decode(opened, 256)
    assert found.format == "PNG"
    assert np.array_equal(pixels_of(found.image), np.asarray(drawn(6)))


def laid_down(upright: Pixels, orientation: int) -> Pixels:
    """How a picture is stored so that its first row and column lie where EXIF 2.32, 4.6.4 says."""
    # The visual side that the stored first row and first column show.
    return {
        1: upright,  # top, left
        2: upright[:, ::-1],  # top, right
        3: upright[::-1, ::-1],  # bottom, right
        4: upright[::-1],  # bottom, left
        5: upright.transpose(1, 0, 2),  # left, top
        6: upright[:, ::-1].transpose(1, 0, 2),  # right, top
        7: upright[::-1, ::-1].transpose(1, 0, 2),  # right, bottom
        8: upright[::-1].transpose(1, 0, 2),  # left, bottom
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_every_exif_orientation_is_put_upright(format_: str, orientation: int) -> None:
    stored = Image.fromarray(np.ascontiguousarray(laid_down(marked(), orientation)))
    assert stored.size == ((40, 60) if orientation >= 5 else (60, 40))
    options = {"lossless": True} if format_ == "WEBP" else {"quality": 95}
    content = as_bytes(stored, format_, exif=exif(orientation), **options)
    found = decoded(content)
    assert (found.width, found.height) == (60, 40)
    assert found.image.size == (60, 40)
    assert distance(found.image, marked()) < (0.01 if format_ in {"PNG", "WEBP", "TIFF"} else 4)


def test_a_heic_that_says_how_it_lies_is_put_upright() -> None:
    needs_module("pillow_heif").register_heif_opener()
    stored = Image.fromarray(np.ascontiguousarray(laid_down(marked(120, 80), 6)))
    found = decoded(as_bytes(stored, "HEIF", quality=95, exif=exif(6)))
    assert (found.width, found.height) == (120, 80)
    assert distance(found.image, marked(120, 80)) < 4


@pytest.mark.parametrize("orientation", [0, 9, 77, 65535])
def test_an_orientation_that_is_none_is_passed_over(orientation: int) -> None:
    found = decoded(as_bytes(drawn(7), "PNG", exif=exif(orientation)))
    assert np.array_equal(pixels_of(found.image), np.asarray(drawn(7)))


@pytest.mark.parametrize(
    ("taken", "changed", "wanted"),
    [
        ("2021:05:04 13:14:15", None, "2021-05-04T13:14:15"),
        ("2021:05:04 13:14:15", "2022:01:01 00:00:00", "2021-05-04T13:14:15"),
        (None, "2022:01:01 00:00:00", "2022-01-01T00:00:00"),
        ("0000:00:00 00:00:00", "2022:01:01 00:00:00", "2022-01-01T00:00:00"),
        ("    :  :     :  :  ", None, None),
        ("2021-05-04", None, None),
        (None, None, None),
    ],
)
def test_when_it_was_taken(taken: str | None, changed: str | None, wanted: str | None) -> None:
    for format_ in ("JPEG", "PNG", "TIFF"):
        content = as_bytes(drawn(8), format_, exif=exif(None, taken, changed))
        assert decoded(content).taken == wanted


def test_a_large_jpeg_is_decoded_smaller_and_looks_the_same() -> None:
    picture = drawn(9, 1800, 1200)
    content = as_bytes(picture, "JPEG", quality=92)
    for side, size in (
        (512, (900, 600)),
        (300, (450, 300)),
        (150, (225, 150)),
        (601, (1800, 1200)),
    ):
        found = decoded(content, side)
        assert found.image.size == size
        assert min(found.image.size) >= side
        assert (found.width, found.height) == (1800, 1200)
        assert distance(found.image, picture.resize(size, Image.Resampling.BOX)) < 2


def test_a_large_jpeg_on_its_side_is_decoded_smaller_and_upright() -> None:
    upright = np.asarray(drawn(10, 1200, 1800))
    stored = Image.fromarray(np.ascontiguousarray(laid_down(upright, 6)))
    found = decoded(as_bytes(stored, "JPEG", quality=92, exif=exif(6)), 512)
    assert (found.width, found.height, found.image.size) == (1200, 1800, (600, 900))
    wanted = Image.fromarray(upright).resize((600, 900), Image.Resampling.BOX)
    assert distance(found.image, wanted) < 2


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (10_000, 40), (40, 10_000)])
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_pictures_of_odd_shapes(format_: str, size: tuple[int, int]) -> None:
    found = decoded(as_bytes(Image.new("RGB", size, (200, 30, 90)), format_, quality=95))
    assert (found.width, found.height) == size
    assert found.image.size == size
    assert np.abs(pixels_of(found.image).astype(int) - (200, 30, 90)).max() <= 6


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 20)
    parts = (body, data, b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part))
        for part in parts
    )


@pytest.mark.filterwarnings("ignore")
def test_a_picture_with_too_many_pixels_is_not_decoded() -> None:
    assert MAX_PIXELS == 178_956_970
    kind, reason = skip_of(png_header(60_000, 60_000))
    assert (kind, reason) == (
        SkipKind.TOO_LARGE,
        "its pixels are more than the limit of 178,956,970, and are not decoded",
    )
    # One row under the limit: it is tried, and what is missing is noticed.
    kind, reason = skip_of(png_header(10_000, 17_895))
    assert kind is SkipKind.DAMAGED


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_a_picture_without_pixels_is_damaged(size: tuple[int, int]) -> None:
    assert skip_of(png_header(*size))[0] is SkipKind.DAMAGED
    gif = b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0) + b"\x2c" + bytes(10) + b";"
    assert skip_of(gif)[0] is SkipKind.DAMAGED


@pytest.mark.parametrize("content", [b"", b"\xff", b"a picture of a cat", b"%PDF-1.4", b"%!PS"])
def test_what_is_no_picture_says_so(content: bytes) -> None:
    wanted = (SkipKind.DAMAGED, "its content is no picture in a known format")
    assert skip_of(content) == wanted


def test_formats_that_pillow_knows_and_we_do_not_let_in_are_refused() -> None:
    for format_ in ("PPM", "TGA", "ICO", "EPS", "JPEG2000"):
        content = as_bytes(drawn(11), format_)
        assert skip_of(content) == (
            SkipKind.DAMAGED,
            "its content is no picture in a known format",
        )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("format_", "options"),
    [("PNG", {}), ("JPEG", {}), ("WEBP", {}), ("AVIF", {}), ("GIF", {}), ("BMP", {}), ("TIFF", {})],
)
def test_a_picture_cut_off_is_whole_or_damaged(format_: str, options: dict[str, Any]) -> None:
    content = as_bytes(drawn(12), format_, **options)
    whole = decoded(content)
    outcomes = []
    for length in sorted({*range(0, 40), *range(40, len(content), len(content) // 40)}):
        found = attempt(content[:length])
        if isinstance(found, UnusableError):
            assert found.skip.kind is SkipKind.DAMAGED
            assert found.skip.reason
        else:
            assert found.image.size == whole.image.size
        outcomes.append(isinstance(found, Decoded))
    # A picture may do without its last bytes; without its second half it cannot be used.
    assert not any(outcomes[: len(outcomes) * 2 // 3])


MAGIC = {
    "JPEG": b"\xff\xd8\xff",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "GIF": b"GIF89a",
    "WEBP": b"RIFF\0\1\0\0WEBPVP8 ",
    "BMP": b"BM\0\1\0\0\0\0\0\0",
    "TIFF": b"II*\0",
    "AVIF": b"\0\0\0\x18ftypavif\0\0\0\0avifmif1",
    "HEIF": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format_", MAGIC)
def test_random_bytes_after_a_magic_number_are_damaged(format_: str) -> None:
    if format_ == "HEIF":
        needs_module("pillow_heif")
    chance = random.Random(format_)
    for _ in range(300):
        content = MAGIC[format_] + chance.randbytes(chance.choice((0, 5, 30, 200, 2000)))
        assert sniff(content[:32]) == format_ or len(content) < 14
        assert skip_of(content)[0] in {SkipKind.DAMAGED, SkipKind.TOO_LARGE}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format_", MAGIC)
def test_a_few_wrong_bytes_give_a_picture_or_a_reason(format_: str) -> None:
    """Hostile headers: whatever a decoder raises comes out as `UnusableError` and nothing else."""
    if format_ == "HEIF":
        needs_module("pillow_heif").register_heif_opener()
    with_exif = {} if format_ in {"GIF", "BMP"} else {"exif": exif(6, "2021:05:04 13:14:15")}
    content = as_bytes(drawn(13, 32, 24), format_, **with_exif)
    chance = random.Random(format_)
    refused = 0
    for _ in range(300):
        wrong = bytearray(content)
        for _ in range(chance.randint(1, 6)):
            wrong[chance.randrange(len(MAGIC[format_]), len(wrong))] = chance.randrange(256)
        found = attempt(bytes(wrong))
        if isinstance(found, UnusableError):
            assert 0 < len(found.skip.reason) < 300
            refused += 1
        else:
            assert found.image.mode == "RGB"
            # libheif learns the true size only when it decodes.
            assert format_ == "HEIF" or found.image.size == (found.width, found.height)
    assert refused < 300


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_damaged_exif_does_not_leave_the_picture_out(format_: str) -> None:
    whole = exif(3, "2021:05:04 13:14:15", "2022:01:01 00:00:00")
    chance = random.Random(format_)
    spoilt = [b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", whole[:20]]
    for _ in range(200):
        wrong = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            wrong[chance.randrange(6, len(wrong))] = chance.randrange(256)
        spoilt.append(bytes(wrong))
    for damaged in spoilt:
        found = decoded(as_bytes(drawn(14, 32, 32), format_, exif=damaged))
        assert (found.width, found.height) == (32, 32)


def test_sniffing_tells_pictures_from_what_shares_their_container() -> None:
    assert sniff(b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41") is None
    assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif") == "AVIF"
    assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic") == "HEIF"
    assert sniff(b"RIFF\0\0\0\0WAVEfmt ") is None
    assert sniff(b"BM is how this sentence begins") is None
    assert sniff(b"") is None


def test_names_that_promise_a_picture() -> None:
    for name in ("a.jpg", "b.JPEG", "c.d.Png", "e.heic", "f.HIF", "g.tif", "h.avif", ".webp"):
        assert looks_like_picture(name)
    for name in ("a.txt", "jpg", "b.jpg.part", "c.mp4", "d.psd", "a.jpg\n"):
        assert not looks_like_picture(name)


def test_a_thumbnail_fits_and_looks_the_same() -> None:
    picture = drawn(15, 400, 300)
    with Image.open(io.BytesIO(thumbnail(picture, 100))) as small:
        assert (small.format, small.size) == ("JPEG", (100, 75))
        assert distance(small, picture.resize((100, 75), Image.Resampling.BOX)) < 4
    assert picture.size == (400, 300)
