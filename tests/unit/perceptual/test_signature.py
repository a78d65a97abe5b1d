"""Signatures: how large they are, what they keep, and that damage to stored ones is seen."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lookgraph.perceptual.signature import LONGEST, Signature, from_bytes, signature
from tests.unit.perceptual.drawn import textured

SIDES = st.integers(1, 300)


def of(image: Image.Image) -> Signature:
    return signature(np.asarray(image))


STORED = of(textured(0)).to_bytes()


@given(SIDES, SIDES)
def test_a_stored_signature_comes_back_the_same_and_is_small(width: int, height: int) -> None:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    stored = signature(pixels).to_bytes()
    back = from_bytes(stored)
    assert back is not None
    assert (back.width, back.height) == (width, height)
    np.testing.assert_array_equal(back.grey, signature(pixels).grey)
    np.testing.assert_array_equal(back.chroma, signature(pixels).chroma)
    assert len(stored) <= 6500


@given(st.data())
def test_no_damaged_byte_goes_unseen(data: st.DataObject) -> None:
    stored = bytearray(STORED)
    place = data.draw(st.integers(0, len(stored) - 1))
    stored[place] ^= data.draw(st.integers(1, 255))
    assert from_bytes(bytes(stored)) is None


@given(st.integers(0, 5000))
def test_what_is_cut_off_goes_not_unseen(length: int) -> None:
    assert from_bytes(STORED[:length]) is None


@given(st.binary(max_size=64))
def test_other_bytes_are_no_signature(stored: bytes) -> None:
    assert from_bytes(stored) is None
    assert from_bytes(stored + zlib.crc32(stored).to_bytes(4, "little")) is None


def test_another_version_is_no_signature() -> None:
    body = bytearray(STORED[:-4])
    body[0] += 1
    assert from_bytes(bytes(body) + zlib.crc32(body).to_bytes(4, "little")) is None


@pytest.mark.parametrize(
    ("size", "expected"),
    [((300, 400), (62, 83)), ((400, 300), (83, 62)), ((9, 12), (62, 83)), ((500, 500), (72, 72)),
     ((4000, 100), (LONGEST, 8)), ((1, 900), (8, LONGEST))],
)  # fmt: skip
def test_it_has_the_shape_of_its_picture(size: tuple[int, int], expected: tuple[int, int]) -> None:
    grey = of(Image.new("RGB", size)).grey
    assert (grey.shape[1], grey.shape[0]) == expected


def test_it_is_grey_by_luma() -> None:
    grey = of(Image.new("RGB", (30, 40), (200, 100, 50))).grey
    assert np.unique(grey).tolist() == [round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)]


def test_its_colours_are_cb_and_cr() -> None:
    red, green, blue = 200, 100, 50
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    cb, cr = 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma)
    chroma = of(Image.new("RGB", (300, 400), (red, green, blue))).chroma
    assert chroma.shape == (2, 28, 21)
    assert np.unique(chroma[0]).tolist() == [round(cb)]
    assert np.unique(chroma[1]).tolist() == [round(cr)]


def test_its_colours_are_where_they_are_in_the_picture() -> None:
    picture = Image.new("RGB", (300, 400), (128, 128, 128))
    picture.paste((200, 30, 30), (0, 0, 150, 200))
    red = of(picture).chroma[1] > 150
    assert red[:13, :10].all()
    assert not red[15:].any()
    assert not red[:, 11:].any()


def test_a_picture_decoded_at_half_its_size_has_nearly_the_same() -> None:
    whole = textured(1, 600, 800)
    half = whole.resize((300, 400), Image.Resampling.BOX)
    apart = of(whole).grey.astype(int) - of(half).grey
    assert np.abs(apart).max() <= 3
    assert np.abs(of(whole).chroma.astype(int) - of(half).chroma).max() <= 3
