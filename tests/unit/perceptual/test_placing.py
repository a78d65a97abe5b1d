"""Where one picture lies over another, against how it was cut out."""

import numpy as np
import pytest
from PIL import Image

from lookgraph.perceptual import placing
from lookgraph.perceptual.placing import Placing
from lookgraph.perceptual.signature import Signature, signature
from tests.unit.perceptual.drawn import textured

WHOLE = textured(5)

BOXES = [
    (0, 0, 300, 400),
    (30, 0, 300, 400),
    (0, 0, 300, 360),
    (15, 20, 285, 380),
    (0, 0, 240, 320),
    (60, 70, 300, 390),
]


def found(one: Signature, other: Signature) -> tuple[float, Placing]:
    first, second = placing.outlines(one), placing.outlines(other)
    peak, *place = placing.rough(placing.spectra(first), placing.spectrum(second))
    return peak, placing.improved(first, second, placing.placed(one, other, *place))


def true_of(one: Signature, other: Signature, box: tuple[int, int, int, int]) -> Placing:
    """From the box: a pixel of the other signature is so many of the one's."""
    left, top, right, bottom = box
    by_x, by_y = one.grey.shape[1] / WHOLE.width, one.grey.shape[0] / WHOLE.height
    rows, columns = other.grey.shape
    return Placing(
        (right - left) / columns * by_x, (bottom - top) / rows * by_y, left * by_x, top * by_y
    )


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("by", [0.5, 1.0, 1.4])
def test_a_part_is_found_where_it_was_cut_out(box: tuple[int, int, int, int], by: float) -> None:
    part = WHOLE.crop(box)
    part = part.resize((round(by * part.width), round(by * part.height)))
    one, other = signature(np.asarray(WHOLE)), signature(np.asarray(part))
    expected = true_of(one, other, box)
    for first, second, back in ((one, other, False), (other, one, True)):
        peak, place = found(first, second)
        assert peak > 0.5
        if back:  # the same line, the other way round
            place = placing.turned(place)
        assert place.step_x == pytest.approx(expected.step_x, rel=0.01)
        assert place.step_y == pytest.approx(expected.step_y, rel=0.01)
        assert place.x0 == pytest.approx(expected.x0, abs=0.4)
        assert place.y0 == pytest.approx(expected.y0, abs=0.4)


def test_a_picture_with_itself_has_a_peak_of_one() -> None:
    one = signature(np.asarray(WHOLE))
    assert found(one, one)[0] == pytest.approx(1, abs=0.02)


def test_other_pictures_lie_nowhere_over_each_other() -> None:
    one = signature(np.asarray(WHOLE))
    assert all(found(one, signature(np.asarray(textured(seed))))[0] < 0.4 for seed in range(6, 12))


@pytest.mark.parametrize("scale", [0.96, 1.04])
def test_a_placing_that_is_a_little_off_is_put_right(scale: float) -> None:
    one = placing.outlines(signature(np.asarray(WHOLE)))
    place = placing.improved(one, one, Placing(scale, scale, 0.0, 0.0))
    assert place.step_x == place.step_y == pytest.approx(1, abs=1e-3)
    assert [place.x0, place.y0] == pytest.approx([0, 0], abs=0.03)


def test_a_placing_turned_leads_back() -> None:
    place = Placing(1.2, 0.9, -3.0, 5.0)
    back = placing.turned(place)
    x, y = 7.0, 11.0
    there = (place.step_x * x + place.x0, place.step_y * y + place.y0)
    assert back.step_x * there[0] + back.x0 == pytest.approx(x)
    assert back.step_y * there[1] + back.y0 == pytest.approx(y)


def test_a_negative_is_not_placed_any_better() -> None:
    one = signature(np.asarray(WHOLE))
    first = placing.outlines(one)
    start = Placing(1.0, 1.0, 0.0, 0.0)
    assert placing.improved(first, -first, start) == start


def test_outlines_fade_at_the_edges() -> None:
    framed = WHOLE.copy()
    framed.paste((0, 0, 0), (0, 0, 300, 12))
    plain, other = (placing.outlines(signature(np.asarray(i))) for i in (WHOLE, framed))
    assert isinstance(framed, Image.Image)
    assert np.abs(other[0]).max() < 0.1 * np.abs(plain).max()
    np.testing.assert_allclose(other[20:], plain[20:], atol=1e-3)
