"""Pictures are prepared as torchvision does it."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lookgraph.models.preprocess import fit
from lookgraph.models.registry import MODELS

from .reference import drawn, resized_then_cut

MODEL = MODELS[0]


def assert_prepared_alike(image: Image.Image) -> None:
    prepared, expected = fit(image, MODEL), resized_then_cut(image)
    assert prepared.shape == (224, 224, 3)
    assert prepared.dtype == np.uint8
    differences = np.abs(prepared.astype(int) - expected)
    assert differences.max() <= 2
    assert (differences > 1).mean() < 1e-4
    assert (differences > 0).mean() < 0.03


SIZES = [
    *((1, 1), (1, 2), (2, 3), (1, 900), (900, 1), (1500, 40), (40, 1500), (7, 700)),
    *((97, 224), (224, 97), (224, 224), (223, 225), (256, 256), (256, 300), (300, 256)),
    *((255, 257), (257, 255), (641, 359), (359, 641), (1023, 767), (1600, 1201), (73, 126)),
]


@pytest.mark.parametrize("size", SIZES)
def test_a_drawn_picture_is_resized_and_cut(size: tuple[int, int]) -> None:
    assert_prepared_alike(Image.fromarray(drawn(*size)))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(0, 2**32 - 1))
def test_noise_of_any_size_is_resized_and_cut(width: int, height: int, seed: int) -> None:
    if max(width, height) > 40 * min(width, height):
        return  # Resizing all of it takes seconds; SIZES has such shapes.
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert_prepared_alike(Image.fromarray(noise))


def test_one_pixel_fills_the_square() -> None:
    square = fit(Image.new("RGB", (1, 1), (10, 200, 30)), MODEL)

    assert (square == (10, 200, 30)).all()


@pytest.mark.parametrize("size", [(1, 65_000), (65_000, 1), (65_000, 40), (40, 65_000)])
def test_a_very_long_picture_never_becomes_a_huge_one(size: tuple[int, int]) -> None:
    """Resized whole, these would have 16 million columns of 256, or half a million."""
    image = Image.new("RGB", size, (10, 200, 30))
    tracemalloc.start()
    try:
        square = fit(image, MODEL)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (square == (10, 200, 30)).all()
    assert peak < 2_000_000


def test_the_middle_is_cut_not_a_corner() -> None:
    pixels = np.zeros((256, 512, 3), np.uint8)
    pixels[:, 144:368] = 255

    square = fit(Image.fromarray(pixels), MODEL)

    assert square.min() == 255
