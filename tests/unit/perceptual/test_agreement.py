"""What is the same picture and what is not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from lookgraph.ingest.decode import decode
from lookgraph.perceptual.agreement import SAME, agreements, is_same
from lookgraph.perceptual.signature import Signature, signature
from tests.unit.perceptual.drawn import recoloured, saved, shirt, textured, warmer


def of(image: Image.Image) -> Signature:
    return signature(np.asarray(image))


def lettered(image: Image.Image) -> Image.Image:
    marked = image.copy()
    ImageDraw.Draw(marked).text((150, 200), "lookgraph", (255, 255, 255), font_size=50, anchor="mm")
    return marked


def with_logo(image: Image.Image) -> Image.Image:
    marked = image.copy()
    ImageDraw.Draw(marked).ellipse((10, 10, 70, 70), (250, 240, 10))
    return marked


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG": lambda image: saved(image, format="JPEG", quality=30),
    "WebP": lambda image: saved(image, format="WEBP", quality=40),
    "smaller": lambda image: image.resize((100, 133)),
    "larger": lambda image: image.resize((750, 1000)),
    "5 % off each side": lambda image: image.crop((15, 20, 285, 380)),
    "10 % off one side": lambda image: image.crop((30, 0, 300, 400)),
    "a fifth off": lambda image: image.crop((0, 0, 240, 400)),
    "words": lettered,
    "logo": with_logo,
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.4),
    "gamma": lambda image: image.point([round(255 * (v / 255) ** 1.6) for v in range(256)] * 3),
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "warmer": lambda image: warmer(image, 0.15),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1.2)),
    "sharpened": lambda image: image.filter(ImageFilter.UnsharpMask(2, 200, 2)),
    "framed": lambda image: ImageOps.expand(image, 9, (0, 0, 0)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("draw", [textured, shirt])
def test_a_changed_picture_is_the_same(change: str, draw: Callable[[int], Image.Image]) -> None:
    for seed in range(3):
        one, other = of(draw(seed)), of(CHANGES[change](draw(seed)))
        assert is_same(one, other)
        assert is_same(other, one)


def test_two_shirts_of_one_outline_on_one_table_are_not_the_same() -> None:
    shirts = [of(shirt(seed)) for seed in range(6)]
    for number, one in enumerate(shirts):
        assert agreements(one, shirts[number + 1 :]).max(initial=0) < SAME


def test_other_pictures_agree_in_nothing() -> None:
    found = agreements(of(textured(0)), [of(textured(seed)) for seed in range(1, 20)])
    assert found.max() < 0.2


def test_the_same_picture_agrees_in_all() -> None:
    assert agreements(of(textured(0)), [of(textured(0))]).tolist() == [1.0]


def test_stripes_that_were_cropped_agree_one_way_or_the_other() -> None:
    for seed in range(3):
        striped = shirt(seed)
        for x in range(80, 220, 11):
            ImageDraw.Draw(striped).rectangle((x, 60, x + 5, 350), (30, 40, 90))
        part = striped.crop((24, 32, 276, 368))
        assert is_same(of(striped), of(part))
        assert is_same(of(part), of(striped))


def test_a_part_in_another_colour_is_no_agreement_at_all() -> None:
    marked = textured(0)
    marked.paste(recoloured(marked.crop((0, 0, 150, 150)), 180))
    assert agreements(of(textured(0)), [of(marked), of(textured(0))]).tolist() == [0, 1]


def test_what_is_covered_loses_its_votes() -> None:
    whole, another = (ImageOps.grayscale(textured(seed)).convert("RGB") for seed in (0, 1))
    covered = whole.copy()
    covered.paste(another.crop((0, 0, 300, 100)), (0, 300))
    (share,) = agreements(of(whole), [of(covered)])
    assert share == pytest.approx(0.75, abs=0.04)


@pytest.mark.parametrize("change", [ImageOps.mirror, ImageOps.flip, ImageOps.invert])
def test_mirrored_turned_and_negative_pictures_are_others(
    change: Callable[[Image.Image], Image.Image],
) -> None:
    assert not is_same(of(textured(0)), of(change(textured(0))))


def test_less_than_a_half_is_another_picture() -> None:
    assert not is_same(of(textured(0)), of(textured(0).crop((0, 0, 140, 190))))


def test_pictures_without_detail_agree_with_nothing() -> None:
    flat = of(Image.new("RGB", (300, 400), (200, 30, 30)))
    slope = of(Image.linear_gradient("L").resize((300, 400)).convert("RGB"))
    for one in (flat, slope):
        assert agreements(one, [flat, slope, of(textured(0))]).tolist() == [0, 0, 0]


def test_many_at_once_are_each_by_itself() -> None:
    one = of(shirt(0))
    others = [of(CHANGES[change](shirt(seed))) for change in ("words", "framed") for seed in (0, 1)]
    alone = [agreements(one, [other])[0] for other in others]
    assert agreements(one, others).tolist() == alone
    assert len(agreements(one, [])) == 0


@settings(max_examples=60)
@given(*[st.tuples(st.integers(1, 160), st.integers(1, 160), st.integers(0, 9))] * 2)
def test_pictures_of_any_size_agree_between_nothing_and_all(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    def noise(width: int, height: int, seed: int) -> Signature:
        rng = np.random.default_rng(seed)
        return signature(rng.integers(0, 256, (height, width, 3), np.uint8))

    (found,) = agreements(noise(*one), [noise(*other)])
    assert 0 <= found <= 1


@pytest.mark.slow
def test_photographs_are_known_again_and_told_apart(photographs: Path) -> None:
    originals, changed = [], []
    for file in sorted((photographs / "clothing" / "t-shirt").iterdir())[:60]:
        with file.open("rb") as opened:
            image = decode(opened, 256).image
        originals.append(of(image))
        width, height = image.size
        part = image.crop((round(0.05 * width), 0, width, round(0.95 * height)))
        changed.append(of(saved(part, format="JPEG", quality=30)))
    for number, one in enumerate(originals):
        same = agreements(one, changed) >= SAME
        assert np.flatnonzero(same).tolist() == [number]
