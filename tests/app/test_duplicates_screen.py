"""The screen of duplicates, in a real Chromium; what it does is looked up in the library."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from lookgraph import Library
from lookgraph.types import VerdictKind
from tests.app.running import NARROW, WIDE, looking, running, unusable
from tests.conftest import needs_module

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

BOTH = pytest.mark.parametrize(("size", "dark"), [(WIDE, False), (NARROW, True)])

ORIGINALS = ("one.jpg", "two.jpg", "three.jpg", "four.jpg")
SMALL, CUT, WEAK, MIDDLE = "imports/one-small.jpg", "imports/two-cut.jpg", "imports/three.webp", \
    "imports/one-middle.png"  # fmt: skip
COPY = "imports/Copy of four.jpg"


@pytest.fixture(scope="module")
def made(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photographs; two of one picked from the same, one of two others, and a plain copy."""
    needs_module("streamlit")
    folder = tmp_path_factory.mktemp("made") / "photos"
    (folder / "imports").mkdir(parents=True)
    kinds = ("dress", "hat", "shoes", "shirt")
    sources = [sorted(photographs.rglob(f"{kind}/*.jpg"))[3] for kind in kinds]
    for name, source in zip(ORIGINALS, sources, strict=True):
        shutil.copy(source, folder / name)
    with Image.open(folder / "one.jpg") as image:
        width, height = image.size
        image.resize((width // 2, height // 2)).save(folder / SMALL, quality=80)
        image.resize((width * 2 // 3, height * 2 // 3)).save(folder / MIDDLE)
    with Image.open(folder / "two.jpg") as image:
        width, height = image.size
        cut = image.crop((width // 20, height // 25, width - width // 30, height - height // 20))
        cut.save(folder / CUT, quality=88)
    with Image.open(folder / "three.jpg") as image:
        image.save(folder / WEAK, quality=30)
    shutil.copy2(folder / "four.jpg", folder / COPY)
    with Library.open(folder) as library:
        library.index()
    return folder


class Desk:
    """Somebody's own copy of the library, and the app that shows it."""

    def __init__(self, folder: Path, address: str, browser: "Browser") -> None:
        self.folder = folder
        self.away = folder.with_name("photos-duplicates")
        self.address = address
        self.browser = browser

    def said(self) -> list[tuple[VerdictKind, set[str]]]:
        """What the library keeps, the newest first."""
        with Library.open(self.folder) as library:
            return [(one.verdict.kind, {one.first[0], one.second[0]}) for one in library.verdicts()]

    def known(self) -> set[str]:
        """The files that the library knows."""
        with Library.open(self.folder) as library:
            return {entry.path for entry in library.pictures()}

    def files(self) -> set[str]:
        """Those that are there."""
        return {
            str(file.relative_to(self.folder))
            for file in self.folder.rglob("*")
            if file.is_file() and ".lookgraph" not in file.parts
        }


@pytest.fixture
def desk(made: Path, tmp_path: Path, browser: "Browser") -> Iterator[Desk]:
    folder = Path(shutil.copytree(made, tmp_path / "photos"))
    with running("--library", folder) as address:
        yield Desk(folder, address, browser)


def begin(page: "Page", address: str = "/duplicates") -> None:
    page.goto(address)
    page.wait_for_selector(".pair")


def names(page: "Page") -> list[str]:
    """What stands side by side: the copy to keep, and the other."""
    return page.locator(".pair .name").all_inner_texts()


def is_shown(page: "Page", *wanted: str) -> None:
    """Wait until these two stand side by side."""
    for place, name in enumerate(wanted):
        page.locator(".pair .name").nth(place).get_by_text(name, exact=True).wait_for()


def progress(page: "Page", told: str) -> None:
    page.locator(".progress", has_text=told).wait_for()


def test_what_differs_is_told_side_by_side(desk: Desk) -> None:
    with looking(desk.browser, desk.address) as page:
        begin(page)
        progress(page, "0 of 3 reviewed")
        counts = [
            page.locator(".tabs a", has_text=name).locator(".count").inner_text()
            for name in ("Identical", "Same")
        ]
        assert counts == ["1", "3"]
        page.locator(".list a", has_text="two.jpg").click()
        is_shown(page, "two.jpg", "two-cut.jpg")
        rows = {
            row.locator("th").inner_text(): row for row in page.locator(".facts tbody tr").all()
        }
        with Image.open(desk.folder / "two.jpg") as image:
            pixels = f"{image.width} × {image.height}"
        assert rows["Pixels"].locator("td").first.locator("span").first.inner_text() == pixels
        assert "differs" in (rows["Pixels"].get_attribute("class") or "")
        assert rows["Pixels"].locator(".better").all_inner_texts() == [pixels]
        assert not rows["Format"].get_attribute("class")
        assert rows["Path"].locator("td").all_inner_texts() == ["two.jpg", CUT]
        assert page.locator(".why").inner_text().startswith("Kept for more pixels")


@BOTH
def test_by_keys_all_is_decided_and_kept(desk: Desk, size: tuple[int, int], dark: bool) -> None:
    with looking(desk.browser, desk.address, size, dark=dark) as page:
        begin(page)
        is_shown(page, "one.jpg", "one-middle.png")
        page.keyboard.press("s")
        is_shown(page, "one.jpg", "one-small.jpg")
        progress(page, "0 of 3 reviewed")
        page.keyboard.press("D")
        progress(page, "1 of 3 reviewed")
        is_shown(page, "three.jpg", "three.webp")
        page.keyboard.press("ArrowRight")
        is_shown(page, "two.jpg", "two-cut.jpg")
        page.keyboard.press("j")
        is_shown(page, "three.jpg", "three.webp")
        page.keyboard.press("s")
        progress(page, "2 of 3 reviewed")
        is_shown(page, "two.jpg", "two-cut.jpg")
        assert sorted(desk.said(), key=str) == sorted(
            [
                (VerdictKind.SAME, {"one.jpg", MIDDLE}),
                (VerdictKind.DIFFERENT, {"one.jpg", SMALL}),
                (VerdictKind.SAME, {"three.jpg", WEAK}),
            ],
            key=str,
        )
        page.reload()
        progress(page, "2 of 3 reviewed")
        page.keyboard.press("d")
        page.get_by_role("heading", name="All 3 groups reviewed").wait_for()
        page.get_by_text("2 pairs said to be the same, 2 pairs said to be different").wait_for()
        assert len(desk.said()) == 4
    with running("--library", desk.folder) as address, looking(desk.browser, address) as page:
        page.goto("/duplicates")
        progress(page, "2 of 2 reviewed")


def test_undo_withdraws_one_after_the_other_and_goes_back(desk: Desk) -> None:
    with looking(desk.browser, desk.address) as page:
        begin(page)
        page.keyboard.press("d")
        is_shown(page, "one.jpg", "one-small.jpg")
        page.keyboard.press("d")
        progress(page, "1 of 3 reviewed")
        is_shown(page, "three.jpg", "three.webp")
        page.reload()
        is_shown(page, "three.jpg", "three.webp")
        page.keyboard.press("u")
        is_shown(page, "one.jpg", "one-small.jpg")
        progress(page, "0 of 3 reviewed")
        assert desk.said() == [(VerdictKind.DIFFERENT, {"one.jpg", MIDDLE})]
        page.get_by_role("button", name="Undo").click()
        is_shown(page, "one.jpg", "one-middle.png")
        assert desk.said() == []
        assert page.get_by_role("button", name="Undo").is_disabled()


def test_groups_are_moved_one_by_one_and_each_comes_back(desk: Desk) -> None:
    before = desk.files()
    contents = {name: (desk.folder / name).read_bytes() for name in before}
    with looking(desk.browser, desk.address) as page:
        begin(page)
        page.keyboard.press("m")
        folder = page.get_by_role("textbox", name="Folder")
        assert folder.input_value() == str(desk.away)
        assert desk.files() == before
        page.get_by_role("button", name="Use this folder").click()
        is_shown(page, "three.jpg", "three.webp")
        assert desk.files() == desk.known() == before - {SMALL, MIDDLE}
        page.get_by_role("button", name="Move away").click()
        is_shown(page, "two.jpg", "two-cut.jpg")
        assert desk.files() == desk.known() == before - {SMALL, MIDDLE, WEAK}
        assert (desk.away / WEAK).read_bytes() == contents[WEAK]
        page.locator(".tabs a", has_text="Decided").click()
        row = page.locator(".row", has_text=SMALL)
        row.get_by_role("button", name="Move back").click()
        page.locator(".row", has_text=SMALL).wait_for(state="detached")
        assert desk.files() == desk.known() == before - {WEAK}
        page.locator(".tabs a", has_text="Same").click()
        is_shown(page, "one.jpg", "one-middle.png")
        page.keyboard.press("u")
        is_shown(page, "three.jpg", "three.webp")
        progress(page, "0 of 3 reviewed")
    assert desk.files() == desk.known() == before
    assert {name: (desk.folder / name).read_bytes() for name in before} == contents
    assert not desk.away.exists()
    with Library.open(desk.folder) as library:
        assert library.index(dry_run=True).embedded == 0


def test_another_copy_is_kept_when_somebody_says_so(desk: Desk) -> None:
    before = desk.files()
    with looking(desk.browser, desk.address) as page:
        begin(page, "/duplicates?tier=same&at=3")
        is_shown(page, "two.jpg", "two-cut.jpg")
        page.keyboard.press("k")
        is_shown(page, "two-cut.jpg", "two.jpg")
        assert "Your choice; the other one has more pixels" in page.locator(".why").inner_text()
        page.keyboard.press("m")
        page.keyboard.press("Enter")
        progress(page, "1 of 3 reviewed")
        assert desk.files() == before - {"two.jpg"}
        assert (desk.away / "two.jpg").exists()


def test_what_was_said_to_be_different_is_not_moved(desk: Desk) -> None:
    before = desk.files()
    with looking(desk.browser, desk.address) as page:
        begin(page)
        page.keyboard.press("d")
        is_shown(page, "one.jpg", "one-small.jpg")
        page.keyboard.press("m")
        page.keyboard.press("Enter")
        is_shown(page, "three.jpg", "three.webp")
        assert desk.files() == before - {SMALL}


def test_identical_bytes_are_moved_and_nothing_is_said_of_them(desk: Desk) -> None:
    before = desk.files()
    with looking(desk.browser, desk.address) as page:
        begin(page, "/duplicates?tier=identical")
        is_shown(page, "four.jpg", "Copy of four.jpg")
        assert page.get_by_role("button", name="Same").is_disabled()
        page.keyboard.press("s")
        page.keyboard.press("m")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="All 1 group reviewed").wait_for()
        assert desk.files() == desk.known() == before - {COPY}
        assert desk.said() == []


def test_nothing_is_moved_into_the_library(desk: Desk) -> None:
    before = desk.files()
    with looking(desk.browser, desk.address) as page:
        begin(page)
        page.keyboard.press("m")
        for folder, told in (
            (str(desk.folder / "away"), "would be found again"),
            ("away", "is no whole path"),
        ):
            page.get_by_role("textbox", name="Folder").fill(folder)
            page.keyboard.press("Enter")
            page.get_by_role("alert").filter(has_text=told).wait_for()
            page.get_by_role("button", name="Change").click()
    assert desk.files() == desk.known() == before


def test_two_people_review_at_once(desk: Desk) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(looking(desk.browser, desk.address)) for _ in range(2))
        for page in (one, other):
            begin(page)
            is_shown(page, "one.jpg", "one-middle.png")
        one.keyboard.press("m")
        one.keyboard.press("Enter")
        is_shown(one, "three.jpg", "three.webp")
        other.keyboard.press("s")
        other.get_by_role("alert").filter(has_text="somebody else may have decided").wait_for()
        assert desk.said() == []
        is_shown(other, "three.jpg", "three.webp")
        assert other.get_by_role("button", name="Undo").is_disabled()
        one.keyboard.press("s")
        progress(one, "2 of 3 reviewed")
        other.keyboard.press("d")  # who says it last is believed
        progress(other, "2 of 3 reviewed")
        assert desk.said() == [(VerdictKind.DIFFERENT, {"three.jpg", WEAK})]


def test_after_another_search_nobody_moves_what_they_have_not_seen(desk: Desk) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(looking(desk.browser, desk.address)) for _ in range(2))
        for page in (one, other):
            begin(page)
            is_shown(page, "one.jpg", "one-middle.png")
        one.keyboard.press("d")
        is_shown(one, "one.jpg", "one-small.jpg")
        one.keyboard.press("d")
        is_shown(one, "three.jpg", "three.webp")
        Image.new("RGB", (50, 60), "red").save(desk.folder / "new.png")
        with Library.open(desk.folder) as library:
            library.index()
        before = desk.files()
        one.reload()
        one.get_by_role("button", name="Look again").click()
        is_shown(one, "one-middle.png", "one-small.jpg")  # which are still the same
        other.keyboard.press("m")  # the first group is another one now
        other.keyboard.press("Enter")
        other.get_by_role("alert").filter(has_text="somebody else may have decided").wait_for()
        assert desk.files() == desk.known() == before


def test_while_another_process_writes_it_is_told_and_can_be_tried_again(desk: Desk) -> None:
    with looking(desk.browser, desk.address) as page:
        begin(page)
        with Library.open(desk.folder) as library, library.store.write():
            page.keyboard.press("s")
            page.get_by_role("alert").filter(has_text="Try again in a moment").wait_for()
            is_shown(page, "one.jpg", "one-middle.png")
        assert desk.said() == []
        page.keyboard.press("s")
        is_shown(page, "one.jpg", "one-small.jpg")
        assert desk.said() == [(VerdictKind.SAME, {"one.jpg", MIDDLE})]


@BOTH
def test_keys_are_listed_and_count_only_where_nobody_writes(
    desk: Desk, size: tuple[int, int], dark: bool
) -> None:
    with looking(desk.browser, desk.address, size, dark=dark) as page:
        begin(page)
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= size[0]
        page.keyboard.press("?")
        page.get_by_role("dialog").get_by_text("Undo what you did last").wait_for()
        page.keyboard.press("s")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Change").click()
        page.keyboard.type("sdkm")
        page.keyboard.press("Escape")
        is_shown(page, "one.jpg", "one-middle.png")
        assert desk.said() == []


@BOTH
def test_nobody_is_shut_out(desk: Desk, size: tuple[int, int], dark: bool) -> None:
    with looking(desk.browser, desk.address, size, dark=dark) as page:
        begin(page)
        page.keyboard.press("s")
        is_shown(page, "one.jpg", "one-small.jpg")
        for address in ("/duplicates", "/duplicates?tier=identical", "/duplicates?tier=decided"):
            page.goto(address)
            page.wait_for_selector(".tabs")
            page.wait_for_timeout(300)
            assert unusable(page) == []
