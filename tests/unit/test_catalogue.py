import itertools
import random
import re
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image, ImageStat

import lookgraph.catalogue
from lookgraph.catalogue import draw_catalogue, pictures
from lookgraph.catalogue.pen import (
    BLACK,
    ROUND,
    WHITE,
    Colour,
    Pen,
    Placement,
    box,
    curve,
    lit,
    mix,
)
from lookgraph.catalogue.products import KINDS, PALETTE, Kind, Product, products
from lookgraph.catalogue.scene import draw
from lookgraph.errors import StorageError

RED = (200, 30, 40)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> list[Product]:
    """The catalogue, cut to its first three pictures."""
    chosen = list(itertools.islice(products(), 3))
    monkeypatch.setattr(lookgraph.catalogue, "products", lambda: iter(chosen))
    return chosen


def test_it_has_thirty_pictures_of_each_of_twelve_kinds() -> None:
    names = [product.name for product in products()]
    assert len(set(names)) == len(names) == 360
    assert Counter(name.split("/")[0] for name in names) == {kind.folder: 30 for kind in KINDS}
    assert len(KINDS) == 12
    assert names[0] == "mugs/mug-teal-tall-01.jpg"


def test_names_say_what_is_to_be_seen() -> None:
    for product in products():
        kind, shape = product.kind, product.look.shape
        pattern = rf"{kind.folder}/{kind.name}-(\w+)-{shape}-0[12]\.jpg"
        found = re.fullmatch(pattern, product.name)
        assert found, product.name
        assert PALETTE[found[1]] == product.look.colour


def test_a_product_is_the_same_in_all_its_takes() -> None:
    takes = list(products())
    for first, second in zip(takes[::2], takes[1::2], strict=True):
        assert first.name[:-6] == second.name[:-6]
        assert first.seed != second.seed
        assert (first.look.accent, first.look.choice) == (second.look.accent, second.look.choice)


# What the first picture of each kind is on average, red, green and blue.
MEANS = {
    "mug": (173.1, 187.2, 174.5),
    "bottle": (205.3, 196.7, 185.3),
    "vase": (188.0, 198.5, 192.4),
    "pot": (192.6, 186.9, 184.4),
    "chair": (204.2, 216.3, 217.0),
    "lamp": (211.2, 215.4, 203.6),
    "clock": (211.7, 211.2, 204.7),
    "sneaker": (239.2, 237.7, 234.3),
    "bag": (222.0, 205.9, 186.4),
    "watch": (231.0, 226.0, 224.7),
    "headphones": (209.0, 195.6, 190.5),
    "t-shirt": (217.8, 224.0, 232.2),
}


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_the_pictures_are_the_same_everywhere(kind: str) -> None:
    product = next(product for product in products() if product.kind.name == kind)
    image = draw(product)
    assert ImageStat.Stat(image).mean == pytest.approx(MEANS[kind], abs=1.5)


def test_other_randomness_changes_nothing() -> None:
    product = next(products())
    random.seed(1)
    first = draw(product).tobytes()
    random.seed(2)
    assert draw(product).tobytes() == first


def test_sizes_are_about_400_and_of_three_shapes() -> None:
    images = [image for _, image in itertools.islice(pictures(), 24)]
    assert {image.mode for image in images} == {"RGB"}
    assert all(350 <= side <= 440 for image in images for side in image.size)
    shapes = {(image.width > image.height) - (image.width < image.height) for image in images}
    assert shapes == {-1, 0, 1}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_shapes_differ_and_stay_within_the_picture(kind: Kind) -> None:
    seen = []
    for product in [product for product in products() if product.kind is kind][::10]:
        silhouette = Image.new("L", (112, 112))
        kind.draw(Pen(silhouette, Placement(56, 56, 40)), product.look)
        left, top, right, bottom = silhouette.getbbox() or (0, 0, 0, 0)
        assert max(right - left, bottom - top) > 60
        assert min(left, top) > 0
        assert max(right, bottom) < 112
        image = Image.new("RGB", (112, 112))
        kind.draw(Pen(image, Placement(56, 56, 40)), product.look)
        seen.append(image.tobytes())
    assert len(set(seen)) == 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_products_have_the_colour_that_their_name_says(kind: Kind) -> None:
    for product in [product for product in products() if product.kind is kind][:10:2]:
        image = Image.new("RGB", (112, 112), (255, 0, 255))
        kind.draw(Pen(image, Placement(56, 56, 40)), product.look)
        near = sum(
            count
            for count, pixel in image.getcolors(112 * 112) or []
            if _differ(pixel, product.look.colour) < 90
        )
        assert near > 112 * 112 / 40, product.name


def test_files_are_what_is_drawn(tmp_path: Path, few: list[Product]) -> None:
    files = draw_catalogue(tmp_path / "new" / "folder")
    assert files == [tmp_path / "new" / "folder" / product.name for product in few]
    for file, product in zip(files, few, strict=True):
        with Image.open(file) as opened:
            assert opened.format == "JPEG"
            difference = zip(
                ImageStat.Stat(opened).mean, ImageStat.Stat(draw(product)).mean, strict=True
            )
            assert all(abs(a - b) < 1 for a, b in difference)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(files)


def test_complete_files_are_kept_and_others_drawn_again(tmp_path: Path, few: list[Product]) -> None:
    files = draw_catalogue(tmp_path)
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[: len(whole) // 2])
    files[1].write_bytes(b"")
    own = b"\xff\xd8 somebody's own \xff\xd9"
    files[2].write_bytes(own)
    assert draw_catalogue(tmp_path) == files
    assert files[0].read_bytes() == whole
    with Image.open(files[1]) as opened:
        opened.load()
    assert files[2].read_bytes() == own
    assert len(few) == 3


def test_an_interrupted_drawing_leaves_no_half_file(
    tmp_path: Path, few: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(image: Image.Image, file: Path, *_: object, **__: object) -> None:
        file.write_bytes(b"\xff\xd8half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", broken)
    with pytest.raises(StorageError, match="No space left on device"):
        draw_catalogue(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert len(few) == 3


def test_a_file_in_the_folders_place_is_reported(tmp_path: Path) -> None:
    place = tmp_path / "taken"
    place.write_text("")
    with pytest.raises(StorageError, match="taken"):
        draw_catalogue(place)


@pytest.mark.slow
def test_all_of_it_can_be_drawn(tmp_path: Path) -> None:
    files = draw_catalogue(tmp_path)
    assert len(files) == 360
    before = [file.stat().st_mtime_ns for file in files]
    assert draw_catalogue(tmp_path) == files
    assert [file.stat().st_mtime_ns for file in files] == before
    for file in files:
        with Image.open(file) as opened:
            deviation = ImageStat.Stat(opened.convert("L")).stddev[0]
        assert deviation > 4, f"{file} shows nothing"


def test_a_pen_turns_mirrors_and_shades() -> None:
    canvas = Image.new("RGB", (100, 100))
    corner = box(0.5, -1, 1, -0.5)
    Pen(canvas, Placement(50, 50, 40)).fill(corner, RED)
    Pen(canvas, Placement(50, 50, 40, turn=90)).fill(corner, WHITE)
    Pen(canvas, Placement(50, 50, 40, mirrored=True)).fill(corner, (0, 0, 255))
    assert canvas.getpixel((80, 20)) == RED
    assert canvas.getpixel((80, 80)) == WHITE
    assert canvas.getpixel((20, 20)) == (0, 0, 255)
    assert canvas.getpixel((20, 80)) == (0, 0, 0)


def test_a_ramp_is_lighter_at_the_left_of_a_round_thing() -> None:
    canvas = Image.new("L", (100, 100)).convert("RGB")
    Pen(canvas, Placement(50, 50, 40)).fill(box(-1, -1, 1, 1), RED, ROUND)
    row = [sum(_rgb(canvas, x, 50)) for x in (11, 34, 88)]
    assert row[1] > sum(RED) > row[2]
    assert row[1] > row[0] > row[2]


def test_within_and_opacity_limit_what_is_painted() -> None:
    canvas = Image.new("RGB", (100, 100))
    pen = Pen(canvas, Placement(50, 50, 40))
    pen.fill(box(-1, -1, 1, 1), WHITE, opacity=0.5, within=box(-1, -1, 0, 1))
    assert all(abs(value - 128) <= 1 for value in _rgb(canvas, 30, 50))
    assert canvas.getpixel((70, 50)) == (0, 0, 0)


def test_colours_are_mixed() -> None:
    assert mix((0, 0, 0), (100, 200, 50), 0.5) == (50, 100, 25)
    assert lit(RED, 1) == WHITE
    assert lit(RED, -1) == BLACK
    assert lit(RED, 0) == RED


def test_a_curve_goes_through_its_points() -> None:
    points = [(0.0, 0.0), (0.4, 0.8), (1.0, 0.2)]
    drawn = curve(points)
    for x, y in points:
        assert min(abs(x - u) + abs(y - v) for u, v in drawn) < 1e-9


def _differ(pixel: object, colour: Colour) -> int:
    assert isinstance(pixel, tuple)
    return sum(abs(int(a) - b) for a, b in zip(pixel, colour, strict=True))


def _rgb(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    pixel = image.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return tuple(int(value) for value in pixel)
