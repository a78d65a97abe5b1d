"""Pictures are prepared as torchvision, Keras and OpenCV do it."""

import hashlib
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lookgraph.errors import UsageError
from lookgraph.models.model import Preparation
from lookgraph.models.preprocess import fit
from lookgraph.models.registry import find_model

from .reference import drawn, resized_then_cut

LITE0 = find_model("efficientnet-lite0").preparation
TORCHVISION = find_model("resnet50").preparation
TORCHVISION_V2 = find_model("resnet50-v2").preparation
KERAS = find_model("vgg16").preparation
OPENCV = find_model("vgg16-cv2").preparation


def noise(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def assert_nearly_cut_bicubic(image: Image.Image) -> None:
    prepared, expected = fit(image, LITE0), resized_then_cut(image)
    assert prepared.shape == (224, 224, 3)
    assert prepared.dtype == np.uint8
    differences = np.abs(prepared.astype(int) - expected)
    assert differences.max() <= 2
    assert (differences > 1).mean() < 1e-4
    assert (differences > 0).mean() < 0.03


def assert_cut_bilinear(image: Image.Image, preparation: Preparation) -> None:
    expected = resized_then_cut(image, preparation.shorter_side or 0, Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(fit(image, preparation), expected)


SIZES = [
    *((1, 1), (1, 2), (2, 3), (1, 900), (900, 1), (1500, 40), (40, 1500), (7, 700)),
    *((97, 224), (224, 97), (224, 224), (223, 225), (256, 256), (256, 300), (300, 256)),
    *((255, 257), (257, 255), (641, 359), (359, 641), (1023, 767), (1600, 1201), (73, 126)),
]


@pytest.mark.parametrize("size", SIZES)
def test_a_drawn_picture_is_resized_and_cut(size: tuple[int, int]) -> None:
    assert_nearly_cut_bicubic(Image.fromarray(drawn(*size)))


@pytest.mark.parametrize("preparation", [TORCHVISION, TORCHVISION_V2])
@pytest.mark.parametrize(
    "size", [size for size in SIZES if max(size) <= 127 * min(size)]
)  # Longer ones are cut first.
def test_bilinear_is_exact(size: tuple[int, int], preparation: Preparation) -> None:
    assert_cut_bilinear(Image.fromarray(drawn(*size)), preparation)


def test_a_crop_of_the_whole_shorter_side_is_exact() -> None:
    assert_cut_bilinear(Image.fromarray(drawn(641, 359)), replace(TORCHVISION, shorter_side=224))


@given(st.integers(1, 700), st.integers(1, 700), st.integers(0, 2**32 - 1))
def test_noise_of_any_size_is_resized_and_cut(width: int, height: int, seed: int) -> None:
    if max(width, height) > 40 * min(width, height):
        return  # Resizing all of it takes seconds; SIZES has such shapes.
    image = Image.fromarray(noise(width, height, seed))
    assert_nearly_cut_bicubic(image)
    assert_cut_bilinear(image, TORCHVISION)


def test_a_long_picture_in_bilinear_is_off_by_two_at_most() -> None:
    image = Image.fromarray(drawn(900, 1))

    differences = np.abs(
        fit(image, TORCHVISION).astype(int)
        - resized_then_cut(image, 256, Image.Resampling.BILINEAR)
    )

    assert differences.max() <= 2


@pytest.mark.parametrize("preparation", [LITE0, TORCHVISION, KERAS, OPENCV])
def test_one_pixel_fills_the_square(preparation: Preparation) -> None:
    square = fit(Image.new("RGB", (1, 1), (10, 200, 30)), preparation)

    assert square.shape == (224, 224, 3)
    assert (square == (10, 200, 30)).all()


@pytest.mark.parametrize("preparation", [LITE0, TORCHVISION, KERAS, OPENCV])
@pytest.mark.parametrize("size", [(1, 65_000), (65_000, 1), (65_000, 40), (40, 65_000)])
def test_a_very_long_picture_never_becomes_a_huge_one(
    size: tuple[int, int], preparation: Preparation
) -> None:
    """Resized whole, these would have 16 million columns of 256, or half a million."""
    image = Image.new("RGB", size, (10, 200, 30))
    tracemalloc.start()
    try:
        square = fit(image, preparation)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (square == (10, 200, 30)).all()
    assert peak < (20_000_000 if preparation is OPENCV else 2_000_000)


@pytest.mark.parametrize("preparation", [LITE0, TORCHVISION])
def test_the_middle_is_cut_not_a_corner(preparation: Preparation) -> None:
    pixels = np.zeros((256, 512, 3), np.uint8)
    pixels[:, 144:368] = 255

    square = fit(Image.fromarray(pixels), preparation)

    assert square.min() == 255


@pytest.mark.parametrize("preparation", [KERAS, OPENCV])
@pytest.mark.parametrize("size", [(300, 500), (500, 300), (100, 60)])
def test_all_of_a_picture_is_squashed(size: tuple[int, int], preparation: Preparation) -> None:
    """The four quarters of the picture are those of the square."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2, 0] = 255
    pixels[height // 2 :, width // 2 :, 2] = 255

    square = fit(Image.fromarray(pixels), preparation)

    assert (square[:108, :108] == (255, 0, 0)).all()
    assert (square[116:, 116:] == (0, 0, 255)).all()
    assert not square[:108, 116:].any()
    assert not square[116:, :108].any()


@pytest.mark.parametrize("size", [(300, 400), (400, 300), (1, 500), (30, 20), (224, 224)])
def test_squashing_is_two_passes_of_pillow(size: tuple[int, int]) -> None:
    """Columns first, as Pillow did before version 13, which is what Keras' users have had."""
    image = Image.fromarray(noise(*size))
    columns = image.resize((224, image.height), Image.Resampling.BILINEAR)
    expected = np.asarray(columns.resize((224, 224), Image.Resampling.BILINEAR))

    np.testing.assert_array_equal(fit(image, KERAS), expected)


@pytest.mark.parametrize("preparation", [LITE0, TORCHVISION, KERAS, OPENCV])
def test_a_width_and_a_height_that_differ_are_kept_apart(preparation: Preparation) -> None:
    wide = replace(preparation, width=230, height=160)

    assert fit(Image.fromarray(drawn(359, 641)), wide).shape == (160, 230, 3)


OPENCV_DIGESTS = {
    (1, 1): "6fb43f77d3b30812",
    (1, 5): "96e6c5096f10b521",
    (5, 1): "f30a3e6fb5cecea3",
    (2, 2): "52452331f03e9c75",
    (223, 225): "599bc356ef2dc4ce",
    (300, 400): "47de31b9f4407dbc",
    (448, 448): "17173c916e087484",
    (449, 447): "fe817c379ac2c522",
    (641, 359): "3c6b826468d626ad",
    (97, 224): "122f006474e0fa59",
    (2000, 31): "cdf469399c4a778f",
    (31, 2000): "7840534a605ff1be",
    (1600, 1201): "f7827954a237670b",
}
"""Of what cv2.resize makes of `drawn`, in OpenCV 4.10 and 5.0, see `make_recipe_reference`."""


@pytest.mark.parametrize("size", list(OPENCV_DIGESTS))
def test_opencvs_filter_gives_opencvs_bytes(size: tuple[int, int]) -> None:
    squashed = fit(Image.fromarray(drawn(*size)), OPENCV)

    assert hashlib.sha256(squashed.tobytes()).hexdigest()[:16] == OPENCV_DIGESTS[size]


def test_opencvs_filter_keeps_a_picture_of_the_size_wanted() -> None:
    pixels = noise(224, 224)

    np.testing.assert_array_equal(fit(Image.fromarray(pixels), OPENCV), pixels)


@pytest.mark.parametrize("size", [(448, 448), (300, 3000), (3000, 300)])
def test_opencvs_filter_is_the_weighted_mean_of_four_pixels(size: tuple[int, int]) -> None:
    """In plain floating point, to within its rounding."""
    pixels = noise(*size)
    places = [((np.arange(224) + 0.5) * side / 224 - 0.5) for side in size]
    (x, y), (right, below) = (
        [np.floor(place).astype(int) for place in places],
        [place - np.floor(place) for place in places],
    )
    upper, lower = (
        pixels[rows][:, x] * (1 - right[:, None]) + pixels[rows][:, x + 1] * right[:, None]
        for rows in (y, y + 1)
    )
    expected = upper * (1 - below[:, None, None]) + lower * below[:, None, None]

    assert np.abs(fit(Image.fromarray(pixels), OPENCV) - expected).max() < 1


def test_opencvs_filter_only_squashes() -> None:
    with pytest.raises(UsageError, match="opencv-linear goes without a shorter side"):
        fit(Image.new("RGB", (9, 9)), replace(OPENCV, shorter_side=256))
