"""From a bare folder to look-alikes, without a command line; and what is said of the library."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lookgraph import Library
from tests.app.running import NARROW, WIDE, looking, running, unusable
from tests.e2e.commands import lookgraph

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Look = Callable[..., "AbstractContextManager[Page]"]

pytestmark = pytest.mark.slow


@pytest.fixture
def bare(shown: Path, tmp_path: Path) -> Path:
    """A folder of pictures that nobody has indexed."""
    folder = tmp_path / "photos"
    for name in ("hat", "dress", "shirt"):
        shutil.copytree(shown / name, folder / name)
    (folder / "cut.jpg").write_bytes(sorted((shown / "hat").iterdir())[0].read_bytes()[:900])
    return folder


@pytest.fixture
def bare_address(bare: Path) -> Iterator[str]:
    with running(cwd=bare) as address:
        yield address


def test_a_bare_folder_is_indexed_from_the_page_and_can_be_searched(
    browser: "Browser", bare_address: str, bare: Path
) -> None:
    with looking(browser, bare_address) as page:
        page.goto("/")
        page.wait_for_selector("h1:has-text('Let us begin')")
        page.click("text=Index this folder")
        page.wait_for_selector(".tile img", timeout=60_000)
        page.click(".tile .open")
        page.wait_for_selector(".rank")
        assert "ranked by the graph" in page.locator(".results > .told").inner_text()
    with Library.open(bare) as library:
        assert library.status().pictures == 36
        assert library.graph().status()


def test_indexing_survives_a_reload_and_says_how_far_it_is(
    browser: "Browser", bare_address: str
) -> None:
    with looking(browser, bare_address) as page:
        page.goto("/library")
        page.click("text=Index this folder")
        page.wait_for_selector("progress")
        page.reload()
        page.wait_for_selector("progress, .facts", timeout=60_000)
        page.wait_for_selector(".facts", timeout=60_000)
        page.wait_for_selector("text=36 embedded", timeout=60_000)
        # What was left out stands there with its reason.
        assert "cut.jpg" in page.locator("table").inner_text()
        assert "truncated" in page.locator("table").inner_text()


def test_new_pictures_are_found_when_it_is_asked_to_look(
    look: Look, browser: "Browser", bare: Path, shown: Path
) -> None:
    with Library.open(bare) as library:
        library.index()
    with running(bare) as address, looking(browser, address) as page:
        page.goto("/library")
        page.wait_for_selector(".facts")
        assert page.locator(".fact b").first.inner_text() == "36"
        shutil.copytree(shown / "skirt", bare / "skirt")
        page.click("text=Bring it up to date")
        page.wait_for_selector("text=12 embedded", timeout=60_000)
        assert page.locator(".fact b").first.inner_text() == "48"
        page.click("text=Make the graph")
        page.wait_for_selector("text=The graph is made.", timeout=60_000)
        assert page.locator("text=/Graph of [0-9]+ edges/").is_visible()


def test_an_empty_folder_says_so(browser: "Browser", tmp_path: Path) -> None:
    with running(tmp_path) as address, looking(browser, address) as page:
        page.goto("/")
        page.click("text=Index this folder")
        page.wait_for_selector("h1:has-text('No picture is indexed yet')", timeout=60_000)


def test_a_library_without_a_graph_offers_one(browser: "Browser", bare: Path) -> None:
    with Library.open(bare) as library:
        library.index()
    with running(bare) as address, looking(browser, address) as page:
        for screen in ("graph", "map", "groups"):
            page.goto(f"/{screen}")
            page.wait_for_selector("h1:has-text('There is no graph yet')")
        page.click("text=Make the graph")
        page.wait_for_selector("h1:has-text('There is no graph yet')", state="detached")
        page.goto("/")
        page.click(".tile .open")
        page.wait_for_selector("text=/ranked by the graph/")


def test_a_damaged_library_is_told_before_a_page_is_shown(bare: Path) -> None:
    with Library.open(bare) as library:
        library.index()
    for beside in ("library.db-wal", "library.db-shm"):
        (bare / ".lookgraph" / beside).unlink(missing_ok=True)
    (bare / ".lookgraph" / "library.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    assert "library.db" in lookgraph("app", bare, "--port", "0", code=1).err


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_it_fits_and_can_be_read_by_everybody(
    look: Look, size: tuple[int, int], dark: bool, shots: Path
) -> None:
    with look(size, dark=dark) as page:
        page.goto("/library")
        page.wait_for_selector(".facts")
        page.screenshot(path=shots / f"library-{size[0]}-{'dark' if dark else 'light'}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert unusable(page) == []


def test_the_demo_needs_no_pictures(browser: "Browser", tmp_path: Path) -> None:
    with running("--demo", cwd=tmp_path) as address, looking(browser, address) as page:
        page.goto("/")
        page.wait_for_selector(".tile img")
        page.click(".tile .open")
        page.wait_for_selector("text=/ranked by the graph/")
    assert (tmp_path / "lookgraph-demo" / ".lookgraph").is_dir()
