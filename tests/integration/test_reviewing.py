"""Duplicates as people decide on them: what is done with leaves, and what is undone comes back."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from lookgraph import Library
from lookgraph.duplicates.finding import Tier
from lookgraph.duplicates.reviewing import Review, Reviewed
from lookgraph.errors import LibraryLockedError, UsageError
from tests.conftest import needs_module

MIDDLE, SMALL = "middle.png", "small.jpg"


@pytest.fixture
def library(photographs: Path, tmp_path: Path) -> Library:
    """Three photographs: of one a smaller copy and a middling one, of another one a plain copy."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, kind in (("one.jpg", "dress"), ("two.jpg", "hat"), ("three.jpg", "shoes")):
        shutil.copy(sorted(photographs.rglob(f"{kind}/*.jpg"))[3], folder / name)
    with Image.open(folder / "one.jpg") as image:
        width, height = image.size
        image.resize((width // 2, height // 2)).save(folder / SMALL, quality=80)
        image.resize((width * 2 // 3, height * 2 // 3)).save(folder / MIDDLE)
    shutil.copy2(folder / "two.jpg", folder / "two copy.jpg")
    library = Library.open(folder)
    library.index()
    return library


def found(library: Library) -> tuple[Review, int, int]:
    """What was found, and where the group of the one photograph and that of the copy are."""
    duplicates = library.duplicates(tiers=list(Tier), threshold=0.99)
    tiers = [group.tier for group in duplicates]
    return library.review(duplicates), tiers.index(Tier.SAME), tiers.index(Tier.IDENTICAL)


def paths(group: Reviewed | None) -> list[str]:
    assert group
    return [group.group.keep.path, *(other.copy.path for other in group.group.others)]


def known(library: Library) -> set[str]:
    return {entry.path for entry in library.pictures()}


def test_what_is_said_decides_one_after_the_other(library: Library) -> None:
    review, same, _ = found(library)
    group = review.group(same)
    assert paths(group) == ["one.jpg", MIDDLE, SMALL]
    assert group
    assert group.undecided == (True, True)
    library.same(library.root / "one.jpg", library.root / MIDDLE)
    group = review.group(same)
    assert group
    assert (group.undecided, group.is_open) == ((False, True), True)
    library.different(library.root / "one.jpg", library.root / SMALL)
    group = review.group(same)
    assert group
    assert (paths(group), group.numbers, group.is_open) == (["one.jpg", MIDDLE], (0, 1), False)
    assert review.groups()[same] == group
    library.withdraw(library.root / "one.jpg", library.root / SMALL)
    assert paths(review.group(same)) == ["one.jpg", MIDDLE, SMALL]


def test_another_copy_is_kept_with_what_is_known_of_the_pair(library: Library) -> None:
    review, same, _ = found(library)
    first, other = review.group(same), review.group(same, keep=2)
    assert first
    assert other
    assert paths(other) == [SMALL, "one.jpg", MIDDLE]
    assert other.numbers == (2, 0, 1)
    assert other.group.others[0].score == first.group.others[1].score
    assert other.group.others[1].score is None
    assert review.group(same, keep=3) is None
    assert review.group(99) is None


def test_groups_that_are_moved_leave_and_each_comes_back_by_itself(
    library: Library, tmp_path: Path
) -> None:
    review, same, identical = found(library)
    before, away = known(library), tmp_path / "away"
    first, second = review.group(same), review.group(identical)
    assert first
    assert second
    copy = second.group.others[0].copy.path
    manifests = [library.move_duplicates([one.group], away).manifest for one in (first, second)]
    assert known(library) == before - {MIDDLE, SMALL, copy}
    assert review.group(same) is None
    assert review.groups()[identical] is None
    assert [set(one.paths) for one in library.moved_away(away)] == [{copy}, {MIDDLE, SMALL}]
    assert library.moved_away(away)[0].kept == (second.group.keep.path,)
    assert manifests[0]
    library.move_back(manifests[0])
    assert known(library) == before - {copy}
    assert review.groups()[same] == first
    assert not (library.root / copy).exists()
    assert len(library.moved_away(away)) == 1
    library.move_back(away)
    assert known(library) == before
    assert not away.exists()
    report = library.index()
    assert (report.embedded, report.recognised, report.forgotten) == (0, 0, 0)
    hits = library.search(library.root / SMALL, k=3)
    assert {hit.path for hit in hits} == {"one.jpg", MIDDLE, SMALL}


def test_what_was_changed_while_it_was_away_is_left_to_index(
    library: Library, tmp_path: Path
) -> None:
    review, same, _ = found(library)
    group = review.group(same)
    assert group
    moved = library.move_duplicates([group.group], tmp_path / "away")
    shutil.copy(library.root / "three.jpg", tmp_path / "away" / SMALL)
    (tmp_path / "away" / MIDDLE).write_bytes(b"no picture")
    assert moved.manifest
    library.move_back(moved.manifest)
    assert MIDDLE not in known(library)
    (entry,) = [entry for entry in library.pictures() if entry.path == SMALL]
    assert entry.picture
    assert entry.picture.id == library.search(library.root / "three.jpg", k=1)[0].id
    library.index()
    assert MIDDLE not in known(library)


def test_another_file_with_the_same_bytes_stands_for_one_that_is_gone(library: Library) -> None:
    shutil.copy2(library.root / SMALL, library.root / "small too.jpg")
    library.index()
    review, same, _ = found(library)
    group = review.group(same)
    assert group
    library.move_duplicates([group.group], library.root.with_name("away"))
    assert paths(review.group(same))[1:] in (["small too.jpg"], [SMALL])


def test_nothing_moves_while_another_writes(library: Library, tmp_path: Path) -> None:
    review, same, _ = found(library)
    group = review.group(same)
    assert group
    library.move_duplicates([group.group], tmp_path / "away")
    with Library.open(library.root).store.write(), pytest.raises(LibraryLockedError):
        library.move_back(tmp_path / "away")
    assert not (library.root / SMALL).exists()


def test_new_pictures_make_it_behind_and_moves_do_not(library: Library, tmp_path: Path) -> None:
    review, same, _ = found(library)
    group = review.group(same)
    assert group
    library.move_duplicates([group.group], tmp_path / "away")
    library.same(library.root / "one.jpg", library.root / "three.jpg")
    assert not review.is_behind()
    Image.new("RGB", (50, 60), "red").save(library.root / "new.png")
    library.index()
    assert review.is_behind()


def test_a_folder_without_a_list_has_nothing_to_move_back(library: Library, tmp_path: Path) -> None:
    assert library.moved_away(tmp_path / "nowhere") == ()
    with pytest.raises(UsageError, match="nothing was moved there"):
        library.move_back(tmp_path)


@pytest.mark.parametrize("threshold", [None, 0.5, 0.999])
@pytest.mark.parametrize("communities", [False, True])
def test_a_page_of_groups_has_what_groups_has(
    library: Library, threshold: float | None, communities: bool
) -> None:
    if communities:
        needs_module("graspologic_native")
    library.graph().build()
    graph = library.graph()
    whole = graph.groups(threshold, communities=communities)
    page = graph.groups_page(threshold, communities=communities, start=0, most=1, of_each=2)
    assert (page.count, page.others, page.threshold) == (len(whole), whole.others, whole.threshold)
    for group, start in zip(whole[:1], page.groups, strict=True):
        assert start.pictures == group.pictures[:2]
        assert start.size == len(group.pictures)
        assert start.weakest == min(hit.score for hit in group.pictures)
    assert graph.groups_page(threshold, start=len(whole) + 5).groups == ()
