"""The screen of the graph: walking from picture to picture, and the way between two."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from lookgraph import Library
from lookgraph.graphs.results import Chain
from tests.app.framed import framed, place, until
from tests.app.running import NARROW, WIDE, looking, running, unusable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page

Look = Callable[..., AbstractContextManager["Page"]]


@pytest.fixture(scope="module")
def ids(shown: Path) -> list[str]:
    """The pictures of the library, in the order of their paths."""
    with Library.open(shown) as library:
        return [entry.picture.id for entry in library.pictures(most=1000) if entry.picture]


def asked(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def at(frame: "Frame", number: int) -> tuple[float, float]:
    return place(frame, f"layout.x[{number}]", f"layout.y[{number}]")


def walked(page: "Page", picture: str) -> "Frame":
    """The graph about a picture, once the address names it too."""
    page.wait_for_url(lambda url: asked(url).get("picture") == [picture])
    return framed(page, picture)


def test_without_a_picture_it_offers_the_hubs(look: Look, shown: Path) -> None:
    with Library.open(shown) as library:
        hubs = library.graph().hubs(24)
    with look() as page:
        page.goto("/graph")
        page.wait_for_selector(".tile")
        offered = page.locator(".tile .told").all_inner_texts()
        assert offered == [f"near to {hub.times}" for hub in hubs]
        page.locator(".tile").nth(2).click()
        frame = walked(page, hubs[2].picture.id)
        assert frame.evaluate("data.ids[centre]") == hubs[2].picture.id


def test_it_is_the_neighbourhood_with_thumbnails_by_address(
    look: Look, shown: Path, ids: list[str]
) -> None:
    with Library.open(shown) as library:
        around = library.graph().around(ids[5], depth=4, most=100)
    with look() as page:
        fetched: set[str] = set()
        page.on("response", lambda answer: fetched.add(urlsplit(answer.url).path))
        page.goto(f"/graph?picture={ids[5]}")
        frame = framed(page, ids[5])
        assert frame.evaluate("data.ids") == [hit.id for hit in around.pictures]
        assert frame.evaluate("[...data.first, ...data.second]") == [
            *(edge.first for edge in around.edges),
            *(edge.second for edge in around.edges),
        ]
        assert frame.evaluate("scores") == [round(edge.score, 6) for edge in around.edges]
        until(frame, "[...thumbnails.held.values()].filter(Boolean).length === count")
        assert {f"/shown/{hit.id}" for hit in around.pictures} <= fetched
        assert "base64" not in frame.evaluate("document.getElementById('data').textContent")


def test_a_double_click_walks_on_and_back_works(look: Look, ids: list[str]) -> None:
    with look() as page:
        page.goto(f"/graph?picture={ids[0]}")
        frame = framed(page, ids[0])
        to = frame.evaluate("data.ids[3]")
        page.mouse.dblclick(*at(frame, 3))
        assert walked(page, to).evaluate("data.ids[centre]") == to
        page.go_back()
        assert walked(page, ids[0]).evaluate("data.ids[centre]") == ids[0]


def test_the_panel_leads_on(look: Look, ids: list[str]) -> None:
    with look() as page:
        page.goto(f"/graph?picture={ids[0]}")
        frame = framed(page, ids[0])
        page.mouse.click(*at(frame, 2))
        to = frame.evaluate("data.ids[2]")
        ways = frame.locator("#panel .acts a")
        assert ways.all_inner_texts() == ["Centre on this", "Look-alikes", "Path from here…"]
        assert ways.nth(1).get_attribute("href") == f"/?picture={to}"
        ways.nth(0).click()
        frame = walked(page, to)
        page.mouse.click(*at(frame, 0))
        assert frame.locator("#panel .acts a").all_inner_texts()[0] == "Look-alikes"
        frame.locator("#panel .acts a").nth(0).click()
        page.wait_for_url(f"**/?picture={to}")


def test_the_keyboard_alone_walks_on(look: Look, ids: list[str]) -> None:
    with look() as page:
        page.goto(f"/graph?picture={ids[0]}")
        frame = framed(page, ids[0])
        for _ in range(20):
            page.keyboard.press("Tab")
            if frame.evaluate("document.activeElement === view.canvas"):
                break
        for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
            page.keyboard.press(key)
            if frame.evaluate("current !== centre"):
                break
        to = frame.evaluate("data.ids[current]")
        page.keyboard.press("Enter")
        assert frame.locator("#panel").is_visible()
        page.keyboard.press("Enter")
        frame = walked(page, to)
        until(frame, "document.activeElement === view.canvas")


def test_the_slider_hides_the_edges_below_it(look: Look, shown: Path, ids: list[str]) -> None:
    with Library.open(shown) as library:
        edges = library.graph().around(ids[0], depth=4, most=100).edges
    with look() as page:
        page.goto(f"/graph?picture={ids[0]}")
        frame = framed(page, ids[0])
        box = frame.locator("#threshold").bounding_box()
        assert box
        page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
        limit = float(frame.evaluate("slider.value"))
        while_dragged = frame.evaluate("edgeCount")
        page.mouse.up()
        assert while_dragged == sum(edge.score >= limit for edge in edges)
        assert 0 < while_dragged < len(edges)
        # The address says it, so that who gets that sees the same, and walks on with it.
        page.wait_for_url(lambda url: asked(url).get("threshold") == [f"{limit:g}"])
        page.reload()
        frame = framed(page, ids[0])
        assert float(frame.evaluate("slider.value")) == limit
        assert frame.evaluate("edgeCount") == while_dragged
        frame.evaluate("walkTo(count - 1)")
        page.wait_for_url(lambda url: asked(url)["picture"] != [ids[0]])
        assert asked(page.url)["threshold"] == [f"{limit:g}"]
        framed(page, asked(page.url)["picture"][0]).locator("#threshold").press("Home")
        page.wait_for_url(lambda url: "threshold" not in asked(url))


def test_a_path_is_chosen_and_shown_as_a_film_strip(
    look: Look, shown: Path, ids: list[str]
) -> None:
    with look() as page:
        page.goto(f"/graph?picture={ids[0]}")
        frame = framed(page, ids[0])
        page.mouse.click(*at(frame, 0))
        frame.get_by_text("Path from here…").click()
        page.wait_for_url(f"**/graph?picture={ids[0]}&from={ids[0]}")
        frame = framed(page, f"from={ids[0]}")
        assert "choose where it leads" in frame.locator(".notice").inner_text()
        frame.evaluate("choose(count - 1)")
        end = frame.evaluate("data.ids[count - 1]")
        frame.get_by_text("Path to here").click()
        page.wait_for_url(f"**/graph?picture={ids[0]}&to={end}")
        page.wait_for_selector(".strip .score")
        with Library.open(shown) as library:
            chain = library.graph().path(ids[0], end)
        assert isinstance(chain, Chain)
        names = page.locator(".strip bdi").all_inner_texts()
        assert names == [hit.name for hit in chain]
        scores = [text.split()[0] for text in page.locator(".strip .score").all_inner_texts()]
        assert [float(score) for score in scores] == [
            pytest.approx(hit.score, abs=6e-4) for hit in chain[1:]
        ]
        page.get_by_role("link", name="Around the last").click()
        walked(page, end)
        page.go_back()
        page.go_back()
        framed(page, f"from={ids[0]}").get_by_text("Cancel").click()
        page.wait_for_url(f"**/graph?picture={ids[0]}")
        assert framed(page, f"graph?picture={ids[0]}").locator(".notice").count() == 0


def test_how_many_are_shown_is_chosen(look: Look, ids: list[str]) -> None:
    with look() as page:
        page.goto(f"/graph?picture={ids[0]}")
        assert framed(page, ids[0]).evaluate("count") == 100
        framed(page, ids[0]).locator("#most").select_option("300")
        page.wait_for_url("**most=300**")
        assert framed(page, "most=300").evaluate("count") > 100
        assert framed(page, "most=300").locator("#most").input_value() == "300"


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_in_any_window_and_theme(
    look: Look, ids: list[str], size: tuple[int, int], dark: bool, shots: Path
) -> None:
    addresses = {
        "start": "/graph",
        "walk": f"/graph?picture={ids[0]}&from={ids[0]}",
        "path": f"/graph?picture={ids[0]}&to={ids[40]}",
    }
    with look(size, dark=dark) as page:
        for name, address in addresses.items():
            page.goto(address)
            of: Page | Frame = page
            if name == "walk":
                of = framed(page, ids[0])
                of.evaluate("choose(1)")
                back = "getComputedStyle(document.body).backgroundColor"
                assert of.evaluate(back) == ("rgb(19, 20, 22)" if dark else "rgb(246, 245, 242)")
            else:
                page.wait_for_selector(".tile")
            wide = "document.documentElement.scrollWidth"
            assert page.evaluate(wide) <= size[0]
            assert of.evaluate(wide) <= size[0]
            assert unusable(page) == []
            assert of is page or unusable(of) == []
            page.screenshot(
                path=shots / f"graph-{name}-{size[0]}-{'dark' if dark else 'light'}.png"
            )


def test_a_stale_graph_says_so(
    browser: "Browser", shown: Path, ids: list[str], tmp_path: Path
) -> None:
    copy = shutil.copytree(shown, tmp_path / "copy", copy_function=shutil.copy2)
    with Library.open(copy) as library:
        gone = library.pictures(most=1)[0]
        with library.store.write() as writer:
            writer.forget([gone.path])
    with running(copy) as address, looking(browser, address) as page:
        for path in (f"/graph?picture={ids[9]}", "/map"):
            page.goto(path)
            said = framed(page).locator(".notice")
            assert "1 picture has changed since the graph was made." in said.inner_text()
        framed(page).locator(".notice a").click()
        page.wait_for_url("**/library")


def test_its_document_may_load_pictures_of_this_host_and_nothing_else(
    address: str, ids: list[str]
) -> None:
    answer = httpx.get(f"{address}documents/graph", params={"picture": ids[0]})
    assert "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'" in answer.text
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
    assert answer.text.count("<script") == 2


@pytest.mark.parametrize("name", ["0" * 64, "", "nothing", "/etc/hostname", "../x", "%00"])
def test_what_is_no_picture_of_the_library_is_told(address: str, name: str) -> None:
    answer = httpx.get(f"{address}documents/graph?picture={name}")
    assert answer.status_code == 404
    assert "That did not work" in answer.text
    assert "hostname" not in answer.text


def test_a_path_in_the_address_is_never_looked_for(address: str, shown: Path) -> None:
    file = next(shown.rglob("*.jpg"))
    for name in (str(file), str(file.relative_to(shown))):
        answer = httpx.get(f"{address}documents/graph", params={"picture": name})
        assert answer.status_code == 404
