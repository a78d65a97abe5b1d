"""``lookgraph duplicates``, on the drawn catalogue with copies of some pictures."""

import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from lookgraph import Library
from tests.e2e.commands import lookgraph


@pytest.fixture(scope="module")
def cluttered(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shelf; of its first picture a copy, of its second two that were worked on."""
    folder = Path(shutil.copytree(shelf, tmp_path_factory.mktemp("cluttered") / "shelf"))
    first, second, *_ = sorted(folder.rglob("*.jpg"))
    shutil.copy2(first, folder / "a copy.jpg")
    with Image.open(second) as image:
        width, height = image.size
        image.resize((width // 2, height // 2)).save(folder / "small.jpg", quality=70)
        bright = ImageEnhance.Brightness(image).enhance(1.1)
        bright.crop((8, 6, width - 4, height - 10)).save(folder / "bright.webp", quality=80)
    lookgraph("index", folder)
    return folder


@pytest.fixture
def own(cluttered: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cluttered, tmp_path / "own"))


def groups(folder: Path, *arguments: str) -> list[tuple[str, str, set[str]]]:
    told = lookgraph("duplicates", "--json", *arguments, cwd=folder).json
    return [
        (group["tier"], group["keep"], {other["path"] for other in group["others"]})
        for group in told["groups"]
    ]


def names(folder: Path) -> tuple[str, str]:
    first, second, *_ = sorted(set(folder.rglob("*.jpg")) - set(folder.glob("*.jpg")))
    return str(first.relative_to(folder)), str(second.relative_to(folder))


def test_tiers_do_not_mix(cluttered: Path) -> None:
    first, second = names(cluttered)
    tiers = [
        ("identical", "a copy.jpg", {first}),
        ("same", second, {"small.jpg", "bright.webp"}),
    ]
    assert groups(cluttered) == tiers
    for tier, wanted in zip(("identical", "same"), tiers, strict=True):
        assert groups(cluttered, "--tier", tier) == [wanted]
    hidden = {"small.jpg", "bright.webp", first}
    for tier, keep, others in groups(cluttered, "--tier", "alike", "--threshold", "0.5"):
        assert tier == "alike"
        assert not hidden & {keep, *others}


def test_look_alikes_score_what_a_search_says(cluttered: Path) -> None:
    library = Library.open(cluttered)
    found = library.duplicates(tiers=["alike"], threshold=0.5)
    assert found
    for group in found:
        hits = {hit.id: hit.score for hit in library.search(group.keep.picture.id, k=999)}
        for other in group.others:
            assert other.score is not None
            assert other.score >= 0.5
            assert other.score == pytest.approx(hits[other.copy.picture.id], abs=1e-6)


def test_a_graph_changes_nothing_but_the_time(own: Path) -> None:
    arguments = ("--tier", "same", "--tier", "alike", "--threshold", "0.6")
    before = groups(own, *arguments)
    lookgraph("graph", "build", "--neighbours", "8", cwd=own)
    assert groups(own, *arguments) == before


def test_lines_say_which_to_keep_and_why(cluttered: Path) -> None:
    first, second = names(cluttered)
    done = lookgraph("duplicates", cwd=cluttered)
    lines = [line.split("\t") for line in done.out.decode().splitlines()]
    assert lines[0] == ["1", "identical", "keep", "a copy.jpg", "the shorter path"]
    assert lines[1] == ["1", "identical", "", first, ""]
    assert lines[2][:4] == ["2", "same", "keep", second]
    assert lines[2][4].startswith("more pixels (")
    assert "of its detail" in lines[3][4]
    assert "identical bytes: 1 group with 1 file beside" in done.err.lower()


def test_what_was_said_counts_more_than_what_is_seen(own: Path) -> None:
    _, second = names(own)
    stranger = sorted(own.rglob("*.jpg"))[-2].relative_to(own)
    lookgraph("different", second, "small.jpg", cwd=own)
    lookgraph("same", second, stranger, cwd=own)
    (group,) = groups(own, "--tier", "same")
    assert group[2] == {"bright.webp", str(stranger)}
    lookgraph("same", "small.jpg", stranger, cwd=own, code=2)


def test_people_decide_which_to_keep(cluttered: Path) -> None:
    found = groups(cluttered, "--prefer", "path")
    assert [keep for _, keep, _ in found] == ["a copy.jpg", "small.jpg"]
    (same,) = groups(cluttered, "--prefer", "*.webp", "--tier", "same")
    assert same[1] == "bright.webp"
    said = lookgraph("duplicates", "--prefer", "nice", cwd=cluttered, code=2).err
    assert "'nice' is nothing to prefer" in said


def test_moved_away_and_back_nothing_is_lost(own: Path, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in (*own.rglob("*.jpg"), *own.glob("*.webp"))}
    moved = tmp_path / "moved"
    said = lookgraph("duplicates", "--move-to", moved, cwd=own).err
    assert f"Moved 3 files. Then: lookgraph duplicates --undo {moved}\n" in said
    assert groups(own) == []
    assert Library.open(own).status().files == len(list(own.rglob("*.jpg")))
    said = lookgraph("duplicates", "--undo", moved, cwd=own).err
    assert said == "Moved back 3 files. Then: lookgraph index\n"
    assert {file: file.read_bytes() for file in before} == before
    assert not moved.exists()
    lookgraph("index", own)
    assert len(groups(own)) == 2


def test_a_page_shows_them_side_by_side(cluttered: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    lookgraph("duplicates", "--html", file, cwd=cluttered)
    page = file.read_text()
    assert page.count("data:image/jpeg") == 5
    assert "The same picture. Keep the first: more pixels" in page


def test_pictures_that_cannot_be_looked_at_are_told(own: Path) -> None:
    (own / "small.jpg").unlink()
    (own / "bright.webp").write_bytes(b"changed")
    (own / ".lookgraph" / "signatures.db").unlink(missing_ok=True)
    done = lookgraph("duplicates", "--tier", "same", "--json", cwd=own)
    assert done.json["groups"] == []
    assert {"small.jpg", "bright.webp"} <= set(done.json["unseen"])
    assert "could not be looked at" in done.err
    assert done.err.endswith("First: lookgraph index\n")


def test_what_was_seen_is_kept_and_a_damaged_copy_of_it_is_made_again(own: Path) -> None:
    before = groups(own)
    kept = own / ".lookgraph" / "signatures.db"
    assert kept.stat().st_size > 10_000
    kept.write_bytes(b"damaged" * 5000)
    assert groups(own) == before
    assert groups(own) == before
    assert kept.read_bytes()[:15] == b"SQLite format 3"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--threshold", "1.5"),
        ("--threshold", "nan"),
        ("--tier", "nonsense"),
        ("--html", "x.html", "--json"),
        ("--move-to", "here"),
        ("--undo", "."),
    ],
)
def test_what_cannot_be_done_is_a_sentence(cluttered: Path, arguments: tuple[str, ...]) -> None:
    assert lookgraph("duplicates", *arguments, cwd=cluttered, code=2).err
