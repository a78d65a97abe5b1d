"""Every form of a question leads to the same answer; every wrong one is told apart."""

import hashlib
import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookgraph.errors import LibraryNotFoundError, PictureError, UsageError
from lookgraph.library import Library
from lookgraph.queries import PictureLike, direction
from lookgraph.results import Hits
from lookgraph.types import Metric, Vector
from tests.pictures import as_bytes, drawn, exif, rgb_profile, save, unit

SIZE = (320, 240)
COUNT = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures, one of them twice, with their library. Not to be changed."""
    folder = tmp_path_factory.mktemp("asked") / "photos"
    for i in range(COUNT):
        save(drawn(i, *SIZE), folder / f"{i}.png")
    shutil.copy(folder / "3.png", folder / "copy of 3.png")
    Library.open(folder).index()
    return folder


@pytest.fixture(scope="module")
def library(folder: Path) -> Library:
    return Library.open(folder)


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def scores(hits: Hits) -> dict[str, float]:
    return {hit.path: hit.score for hit in hits}


def test_a_hit_says_all_about_a_picture(library: Library, folder: Path) -> None:
    hits = library.search(folder / "3.png", k=3)
    first = hits[0]
    assert first.score == pytest.approx(1, abs=1e-6)
    wanted = (1, digest(folder / "3.png"), "3.png", str(folder / "3.png"), ("copy of 3.png",))
    assert (first.rank, first.id, first.path, first.file, first.copies) == wanted
    assert (first.format, first.width, first.height, first.taken) == ("PNG", 320, 240, None)
    assert first.name == "3.png"
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert [hit.score for hit in hits] == sorted((h.score for h in hits), reverse=True)
    assert (hits.k, hits.ranked_by, hits.space) == (3, "cosine", library.space())
    assert 0 < hits.took_ms < 60_000


def test_the_scores_are_the_cosines_of_the_stored_embeddings(
    library: Library, folder: Path
) -> None:
    hits = library.search(folder / "5.png", k=100)
    assert len(hits) == COUNT
    asked = library.store.embedding(library.space(), digest(folder / "5.png"))
    assert asked is not None
    for hit in hits:
        other = library.store.embedding(library.space(), hit.id)
        assert other is not None
        one, two = asked.astype(np.float64), other.astype(np.float64)
        cosine = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
        assert hit.score == pytest.approx(cosine, abs=1e-6)


def test_every_form_of_a_picture_finds_the_same(
    library: Library, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "2.png"
    monkeypatch.chdir(folder)
    elsewhere = Path(shutil.copy(file, tmp_path / "no extension"))
    with Image.open(file) as opened:
        opened.load()
        forms: dict[str, PictureLike] = {
            "path": file,
            "text": str(file),
            "relative": "2.png",
            "roundabout": folder / ".." / folder.name / "2.png",
            "copy elsewhere": elsewhere,
            "bytes": file.read_bytes(),
            "image": opened,
            "array": np.asarray(opened),
            "id": digest(file),
            "short id": digest(file)[:8],
            "other bytes": as_bytes(opened, "BMP"),
        }
        wanted = scores(library.search(file, k=100))
        for form, question in forms.items():
            hits = library.search(question, k=100)
            assert hits[0].path == "2.png", form
            assert scores(hits) == pytest.approx(wanted, abs=2e-3), form
    assert wanted["2.png"] == pytest.approx(1, abs=1e-6)


def test_what_was_asked_is_told(library: Library, folder: Path) -> None:
    file, id_ = folder / "1.png", digest(folder / "1.png")
    content = file.read_bytes()
    with Image.open(file) as image:
        hits = library.search(file, id_[:10], content, image, np.asarray(image), without=[file])
    by_path, by_id, by_bytes, by_image, by_array = hits.question.pictures
    assert (by_path.name, by_path.file, by_path.id) == (str(file), str(file), id_)
    assert (by_id.name, by_id.file, by_id.id) == (id_[:10], str(file), id_)
    assert (by_bytes.name, by_bytes.file, by_bytes.id) == ("a picture in memory", None, id_)
    assert (by_image.name, by_image.file, by_image.id) == ("a 320 x 240 image", None, None)
    assert (by_array.name, by_array.file, by_array.id) == ("a 320 x 240 array", None, None)
    assert hits.question.without == (by_path,)
    assert hits.question.is_about(id_)
    assert not hits.question.is_about("0" * 64)


def test_a_file_that_changed_since_is_embedded_anew(tmp_path: Path) -> None:
    for i in range(3):
        save(drawn(i, *SIZE), tmp_path / f"{i}.png")
    library = Library.open(tmp_path)
    library.index()
    save(drawn(2, *SIZE), tmp_path / "0.png")
    assert library.search(tmp_path / "0.png")[0].path == "2.png"
    save(drawn(77, *SIZE), tmp_path / "0.png")
    hits = library.search(tmp_path / "0.png")
    assert hits[0].score < 0.999
    assert hits.question.pictures[0].id is None


def test_a_picture_in_memory_is_seen_as_its_file_would_be(library: Library) -> None:
    image = drawn(4, *SIZE)
    profile = rgb_profile(gamma=1.4)
    turned = image.transpose(Image.Transpose.ROTATE_90)
    content = as_bytes(turned, "PNG", exif=exif(6), icc_profile=profile)
    by_bytes = library.search(content, k=100)
    with Image.open(io.BytesIO(content)) as opened:
        by_image = library.search(opened, k=100)
    assert scores(by_image) == pytest.approx(scores(by_bytes), abs=1e-6)
    # The profile and the orientation count: without them the scores are others.
    plain = scores(library.search(as_bytes(turned, "PNG"), k=100))
    assert max(abs(plain[path] - score) for path, score in scores(by_bytes).items()) > 0.01


def test_a_crop_is_the_part_of_the_upright_picture(library: Library, folder: Path) -> None:
    box = (40, 20, 200, 150)
    file = folder / "6.png"
    part = np.asarray(drawn(6, *SIZE))[20:170, 40:240]
    wanted = scores(library.search(part, k=100))
    with Image.open(file) as image:
        forms: list[PictureLike] = [file, file.read_bytes(), image, np.asarray(image)]
        for question in (*forms, digest(file)):
            hits = library.search(question, crop=box, k=100)
            assert scores(hits) == pytest.approx(wanted, abs=1e-6)
            assert hits.question.crop == box
    turned = drawn(6, *SIZE).transpose(Image.Transpose.ROTATE_90)
    lying = as_bytes(turned, "PNG", exif=exif(6))
    assert scores(library.search(lying, crop=box, k=100)) == pytest.approx(wanted, abs=1e-6)
    whole = library.search(file, crop=(0, 0, *SIZE), k=100)
    assert scores(whole) == pytest.approx(scores(library.search(file, k=100)), abs=2e-3)


def test_a_crop_of_a_large_jpeg_uses_all_its_pixels(library: Library) -> None:
    image = drawn(7, 2400, 1800)
    content = as_bytes(image, "JPEG", quality=95)
    hits = library.search(content, crop=(1000, 800, 60, 50), k=100)
    with Image.open(io.BytesIO(content)) as opened:
        part = np.asarray(opened.convert("RGB"))[800:850, 1000:1060]
    assert scores(hits) == pytest.approx(scores(library.search(part, k=100)), abs=1e-6)


@pytest.mark.parametrize(
    "box",
    [(0, 0, 0, 5), (0, 0, 5, 0), (-1, 0, 5, 5), (0, -1, 5, 5), (0, 0, 321, 5), (0, 0, 5, 241),
     (300, 0, 21, 5), (320, 240, 1, 1), (0, 0, -5, -5)],
)  # fmt: skip
def test_a_crop_outside_is_refused(
    library: Library, folder: Path, box: tuple[int, int, int, int]
) -> None:
    for question in (folder / "0.png", drawn(0, *SIZE), np.asarray(drawn(0, *SIZE))):
        with pytest.raises(UsageError, match=r"does not lie in .* 320 x 240 pixels"):
            library.search(question, crop=box)


def test_several_pictures_are_asked_for_by_their_mean_direction(
    library: Library, folder: Path
) -> None:
    def embedding(name: str) -> Vector:
        found = library.store.embedding(library.space(), digest(folder / name))
        assert found is not None
        return np.asarray(found / np.linalg.norm(found), np.float32)

    one, two, away = embedding("0.png"), embedding("1.png"), embedding("2.png")
    both = library.search(folder / "0.png", folder / "1.png", k=2)
    assert {hit.path for hit in both} == {"0.png", "1.png"}
    assert both[0].score == pytest.approx(both[1].score, abs=1e-3)
    query = (one + two) / 2
    cosine = float(query @ one / np.linalg.norm(query))
    assert both[0].score == pytest.approx(cosine, abs=1e-3)

    hits = library.search(folder / "0.png", folder / "1.png", without=[folder / "2.png"], k=100)
    query = (one + two) / 2 - away / 2
    for hit in hits:
        other = embedding(hit.path)
        assert hit.score == pytest.approx(float(query @ other / np.linalg.norm(query)), abs=1e-3)
    one_away = library.search(
        folder / "0.png", folder / "1.png", without=str(folder / "2.png"), k=100
    )
    assert scores(one_away) == scores(hits)
    assert scores(hits)["2.png"] < scores(both := library.search(
        folder / "0.png", folder / "1.png", k=100))["2.png"]  # fmt: skip
    assert len(both) == COUNT


def test_directions_are_put_together_as_rocchio_does() -> None:
    x, y, z = unit(2, 0, 0), unit(0, 5, 0), unit(0, 0, 1)
    assert direction([x], [], Metric.COSINE) == pytest.approx(x)
    assert direction([x * 9, y], [], Metric.COSINE) == pytest.approx(unit(1, 1, 0))
    assert direction([x, y], [z], Metric.COSINE) == pytest.approx(unit(1, 1, -1))
    assert direction([x], [y, z], Metric.COSINE) == pytest.approx(unit(4, -1, -1))
    assert np.linalg.norm(direction([x, y, z], [x], Metric.COSINE)) == pytest.approx(1)


def test_where_lengths_count_directions_keep_them() -> None:
    a, b, c = (np.array(numbers, np.float32) for numbers in ((4, 0), (0, 2), (6, 6)))
    assert direction([a, b], [], Metric.L2).tolist() == [2, 1]
    # As far beyond as half the way from what to avoid: (2, 1) + ((2, 1) - (6, 6)) / 2.
    assert direction([a, b], [c], Metric.L2).tolist() == [0, -1.5]
    assert direction([a, b], [c], Metric.INNER_PRODUCT).tolist() == [-1, -2]
    zero = np.zeros(2, np.float32)
    assert direction([zero], [], Metric.L2).tolist() == [0, 0]
    with pytest.raises(UsageError, match="cancel"):
        direction([zero], [], Metric.INNER_PRODUCT)


@pytest.mark.parametrize(
    ("towards", "away"), [([], []), ([], [unit(1, 0)]), ([unit(1, 0), unit(-1, 0)], [])]
)
def test_what_has_no_direction_is_refused(towards: list[Vector], away: list[Vector]) -> None:
    with pytest.raises(UsageError):
        direction(towards, away, Metric.COSINE)


def test_nothing_and_too_few_are_refused(library: Library, folder: Path) -> None:
    with pytest.raises(UsageError, match="at least one picture"):
        library.search()
    for k in (0, -3):
        with pytest.raises(UsageError, match=f"k is {k}, but must be at least 1"):
            library.search(folder / "0.png", k=k)


def test_what_is_no_picture_is_refused(library: Library, folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    half = tmp_path / "half.png"
    half.write_bytes(as_bytes(drawn(1), "PNG")[:500])
    for question, told in (
        (text, f"{text}: its content is no picture in a known format"),
        (half, f"{half}: it cannot be decoded"),
        (tmp_path / "missing.jpg", "missing.jpg cannot be read: No such file or directory"),
        (tmp_path, "cannot be read: Is a directory"),
        (b"no picture", "a picture in memory: its content is no picture"),
        (b"", "a picture in memory: its content is no picture"),
        ("0123456789abcdef", "neither a file nor the id of a picture"),
        ("a\0b", "'a\\x00b' is no path"),
    ):
        with pytest.raises(PictureError, match="^.*" + re.escape(told)):
            library.search(question)
    with Image.open(half) as opened, pytest.raises(PictureError, match="cannot be decoded"):
        library.search(opened)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3), np.float32),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((1, 5, 5, 3), np.uint8),
    ],
    ids=["flat", "alpha", "floats", "empty", "stack"],
)
def test_an_array_that_is_no_picture_is_refused(library: Library, array: Vector) -> None:
    with pytest.raises(UsageError, match=r"must have shape \(height, width, 3\) and type uint8"):
        library.search(array)  # type: ignore[arg-type]


@pytest.mark.parametrize("thing", [None, 7, 3.5, ["0.png"], {"a": 1}])
def test_other_things_are_refused(library: Library, thing: object) -> None:
    with pytest.raises(UsageError, match="is no picture, path or id"):
        library.search(thing)  # type: ignore[arg-type]


def test_an_image_without_pixels_is_refused(library: Library) -> None:
    with pytest.raises(UsageError, match="a 0 x 5 image has no pixels"):
        library.search(Image.new("RGB", (0, 5)))


def test_an_id_of_two_pictures_is_ambiguous(tmp_path: Path) -> None:
    """Two pictures whose ids begin alike are made by the store: no files have such digests."""
    save(drawn(1, *SIZE), tmp_path / "a.png")
    library = Library.open(tmp_path)
    library.index()
    entry = library.store.entry("a.png")
    assert entry
    assert entry.picture
    twin = entry.picture.id[:20] + "0" * 44
    embedding = library.store.embedding(library.space(), entry.picture.id)
    assert embedding is not None
    other = replace(entry, path="b.png", picture=replace(entry.picture, id=twin))
    with library.store.write() as writer:
        writer.commit(library.space(), [other], {twin: embedding})
    with pytest.raises(UsageError, match=f"begins with {twin[:12]}"):
        library.search(twin[:12])
    assert library.search(entry.picture.id[:21])[0].score == pytest.approx(1, abs=1e-6)


def test_a_file_named_like_an_id_is_a_file(
    library: Library, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = digest(folder / "1.png")[:12]
    shutil.copy(folder / "4.png", tmp_path / name)
    assert library.search(name)[0].path == "4.png"


def test_an_id_whose_file_is_gone_still_answers(tmp_path: Path) -> None:
    file = save(drawn(1, *SIZE), tmp_path / "a.png")
    library = Library.open(tmp_path)
    library.index()
    id_ = digest(file)
    file.unlink()
    assert library.search(id_)[0].path == "a.png"
    with pytest.raises(PictureError, match=r"a.png cannot be read: No such file"):
        library.search(id_, crop=(0, 0, 5, 5))


def test_there_is_nothing_to_search_without_a_library(tmp_path: Path) -> None:
    with pytest.raises(LibraryNotFoundError, match="lookgraph index"):
        Library.open(tmp_path).search(b"anything")
