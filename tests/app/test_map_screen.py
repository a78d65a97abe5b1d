"""The screen of the map: all pictures in the plane, and what is encircled there."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from lookgraph import Library
from lookgraph.graphs import facade
from lookgraph.graphs.results import Map, Plane
from lookgraph.types import Space
from tests.app.framed import framed, place, until
from tests.app.running import NARROW, WIDE, unusable
from tests.conftest import needs_module

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page, Route

Look = Callable[..., AbstractContextManager["Page"]]


@pytest.fixture(scope="module")
def map_(shown: Path) -> Map:
    with Library.open(shown) as library:
        return library.graph().map()


def corners(frame: "Frame") -> tuple[float, float, float, float]:
    """A box in the plane, in the middle of all pictures, that holds some of them."""
    found = frame.evaluate(
        "(() => { const middle = (a) => [...a].sort((p, q) => p - q)[a.length >> 1];"
        " const [x, y] = [middle(px), middle(py)];"
        " return [x - 150, y - 150, x + 150, y + 150]; })()"
    )
    left, top, right, bottom = found
    return left, top, right, bottom


def encircle(page: "Page", frame: "Frame") -> list[str]:
    """Draw around a box; the ids of those in it."""
    left, top, right, bottom = corners(frame)
    ways = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top + 1)]
    (x, y), *others = [place(frame, str(x), str(y)) for x, y in ways]
    page.mouse.move(x, y)
    page.mouse.down()
    for other in others:
        page.mouse.move(*other, steps=3)
    page.mouse.up()
    inside = frame.evaluate(
        f"data.ids.filter((_, i) => px[i] > {left} && px[i] < {right}"
        f" && py[i] > {top} && py[i] < {bottom})"
    )
    assert len(inside) > 3
    return list(inside)


def listed(frame: "Frame") -> list[str]:
    addresses = frame.evaluate("[...panel.querySelectorAll('li img')].map((image) => image.src)")
    return [urlsplit(address).path.rpartition("/")[2] for address in addresses]


def test_all_pictures_have_their_places_and_groups(look: Look, map_: Map) -> None:
    with look() as page:
        page.goto("/map")
        frame = framed(page)
        assert frame.evaluate("data.ids") == [at.picture.id for at in map_.places]
        assert frame.evaluate("data.x") == [round(at.x, 5) for at in map_.places]
        assert frame.evaluate("data.y") == [round(1 - at.y, 5) for at in map_.places]
        assert frame.evaluate("data.groups") == [at.group for at in map_.places]
        assert frame.evaluate("data.names") == list(map_.groups)


def test_only_thumbnails_that_are_seen_are_fetched(look: Look) -> None:
    with look() as page:
        fetched: set[str] = set()

        def saw(address: str) -> None:
            if "/shown/" in address:
                fetched.add(urlsplit(address).path.rpartition("/")[2])

        page.on("request", lambda request: saw(request.url))
        page.goto("/map")
        frame = framed(page)
        frame.wait_for_timeout(500)
        seen = frame.evaluate("drawn.map(([i]) => data.ids[i])")
        assert fetched == set(seen)
        assert len(fetched) < frame.evaluate("count") / 2
        # A corner of the map from near: more of them, but only those that are there.
        frame.evaluate("(() => { Object.assign(view, { x: px[0], y: py[0] }); view.zoom(8); })()")
        frame.wait_for_timeout(1000)
        near = set(frame.evaluate("drawn.map(([i]) => data.ids[i])"))
        assert near <= fetched
        assert fetched == near | set(seen)
        assert near - set(seen)


def test_a_click_shows_a_picture_and_leads_on(look: Look) -> None:
    with look() as page:
        page.goto("/map")
        frame = framed(page)
        number = frame.evaluate("drawn[0][0]")
        page.mouse.click(*place(frame, f"px[{number}]", f"py[{number}]"))
        assert frame.evaluate("chosen") == number
        id_ = frame.evaluate(f"data.ids[{number}]")
        ways = frame.locator("#panel .acts a")
        assert ways.all_inner_texts() == ["Look-alikes", "Graph", "Path from here…"]
        assert ways.nth(0).get_attribute("href") == f"/?picture={id_}"
        ways.nth(1).click()
        page.wait_for_url(f"**/graph?picture={id_}")
        assert framed(page, id_).evaluate("data.ids[centre]") == id_


def test_the_address_may_name_a_picture(look: Look, map_: Map) -> None:
    wanted = map_.places[7].picture
    name = map_.places[7].path.rpartition("/")[2]
    with look() as page:
        page.goto(f"/map?picture={wanted.id}")
        frame = framed(page, wanted.id)
        assert frame.evaluate("data.ids[chosen]") == wanted.id
        assert frame.locator("#panel h2").inner_text() == name


def test_the_lasso_shows_what_it_encircles(look: Look) -> None:
    with look() as page:
        page.goto("/map")
        frame = framed(page)
        frame.get_by_role("button", name="Lasso").click()
        inside = encircle(page, frame)
        assert sorted(listed(frame)) == sorted(inside)
        assert frame.locator("#panel h2").inner_text() == f"{len(inside)} pictures"
        assert frame.evaluate("[...px.keys()].filter((i) => !dimmed(i)).length") == len(inside)
        frame.locator("#panel .acts a").click()
        page.wait_for_url("**/?picture=*")
        asked = parse_qs(urlsplit(page.url).query)["picture"]
        assert len(asked) == min(16, len(inside))
        assert set(asked) <= set(inside)


def test_shift_is_the_lasso_too_and_escape_lets_go(look: Look) -> None:
    with look() as page:
        page.goto("/map")
        frame = framed(page)
        before = frame.evaluate("[view.x, view.y]")
        page.keyboard.down("Shift")
        inside = encircle(page, frame)
        page.keyboard.up("Shift")
        assert frame.evaluate("[view.x, view.y]") == before
        frame.locator("#panel li button").first.click()
        back = frame.get_by_text(f"Back to the {len(inside)}")
        assert frame.evaluate("selected.size") == len(inside)
        back.click()
        assert len(listed(frame)) == len(inside)
        page.keyboard.press("Escape")
        assert frame.evaluate("selected") is None
        assert frame.locator("#panel").is_hidden()


def test_without_the_lasso_dragging_pans(look: Look) -> None:
    with look() as page:
        page.goto("/map")
        frame = framed(page)
        x, y = place(frame, "view.x", "view.y")
        before = frame.evaluate("px[0]"), frame.evaluate("view.across(px[0])")
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 90, y + 20, steps=5)
        page.mouse.up()
        assert frame.evaluate("selected") is None
        assert frame.evaluate("px[0]") == before[0]
        assert frame.evaluate("view.across(px[0])") == pytest.approx(before[1] + 90, abs=6)


def test_a_path_may_end_on_the_map(look: Look, map_: Map) -> None:
    start, end = map_.places[0].picture.id, map_.places[9].picture.id
    with look() as page:
        page.goto(f"/map?picture={end}&from={start}")
        framed(page, start).get_by_text("Path to here").click()
        page.wait_for_url(f"**/graph?picture={start}&to={end}")
        page.wait_for_selector(".strip .tile")


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_in_any_window_and_theme(
    look: Look, map_: Map, size: tuple[int, int], dark: bool, shots: Path
) -> None:
    with look(size, dark=dark) as page:
        page.goto(f"/map?picture={map_.places[3].picture.id}&from={map_.places[0].picture.id}")
        frame = framed(page)
        back = "getComputedStyle(document.body).backgroundColor"
        assert frame.evaluate(back) == ("rgb(19, 20, 22)" if dark else "rgb(246, 245, 242)")
        assert frame.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert unusable(page) == []
        assert unusable(frame) == []
        page.screenshot(path=shots / f"map-{size[0]}-{'dark' if dark else 'light'}.png")


@dataclass(frozen=True, slots=True)
class LaidOut:
    """The spaces whose map was laid out, each only after it was let."""

    spaces: list[Space] = field(default_factory=list)
    let: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> LaidOut:
    seen = LaidOut()
    lay_out = facade.LibraryGraph.plane

    def counted(graph: facade.LibraryGraph, threshold: float | None = None) -> Plane:
        seen.spaces.append(graph.space)
        assert seen.let.wait(60)
        return lay_out(graph, threshold)

    monkeypatch.setattr(facade.LibraryGraph, "plane", counted)
    return seen


_TURNS = 1000
"""Of the event loop: more than a request takes until it waits for a thread."""


def test_who_waits_for_long_is_told_so_and_a_map_is_laid_out_once(
    shown: Path, laid_out: LaidOut
) -> None:
    needs_module("streamlit")
    from lookgraph.interfaces.app.documents import Documents

    async def ask(app: Starlette, times: int) -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            asked = asyncio.gather(*(client.get("/documents/map") for _ in range(times)))
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            laid_out.let.set()
            return await asked

    with Library.open(shown) as library, ThreadPoolExecutor(1) as pool:  # Playwright has this one
        impatient = Starlette(routes=Documents(library, patience=0.0).routes)
        (answer,) = pool.submit(lambda: asyncio.run(ask(impatient, 1))).result()
        assert 'http-equiv="refresh"' in answer.text
        assert "Laying the pictures out" in answer.text
        laid_out.spaces.clear()
        laid_out.let.clear()
        patient = Starlette(routes=Documents(library).routes)
        answers = pool.submit(lambda: asyncio.run(ask(patient, 3))).result()
        assert [answer.text.count('id="canvas"') for answer in answers] == [1, 1, 1]
        assert len(laid_out.spaces) == 1


def test_a_map_that_has_become_another_is_loaded_anew(look: Look, map_: Map) -> None:
    asked: list[str] = []

    def meddle(route: "Route") -> None:
        asked.append(route.request.url)
        wrong = asked[-1].replace(map_.state, "0" * 64)
        route.continue_(url=wrong if len(asked) == 1 else asked[-1])

    with look(refused=409) as page:
        page.route("**/documents/map/pictures?*", meddle)
        page.goto("/map")
        frame = framed(page)
        assert len(asked) == 2
        assert frame.evaluate("performance.getEntriesByType('navigation')[0].type") == "reload"
        assert frame.evaluate("data.ids") == [at.picture.id for at in map_.places]


def test_points_are_there_before_it_is_known_what_they_are(look: Look, map_: Map) -> None:
    waiting: list[Route] = []

    def hold_back(route: "Route") -> None:
        waiting.append(route)

    with look() as page:
        page.route("**/documents/map/pictures?*", hold_back)
        page.goto("/map")
        shown = page.wait_for_selector("iframe:not(.coming)")
        assert shown
        frame = shown.content_frame()
        assert frame
        until(frame, "'painted' in document.documentElement.dataset")
        assert frame.evaluate("count") == len(map_.places)
        # They can be moved, and nothing is said of them.
        before = frame.evaluate("view.across(px[0])")
        x, y = place(frame, "px[0]", "py[0]")
        page.mouse.move(x, y)
        assert frame.locator("#tip").is_hidden()
        page.mouse.down()
        page.mouse.move(x + 90, y + 20, steps=5)
        page.mouse.up()
        assert frame.evaluate("view.across(px[0])") == pytest.approx(before + 90, abs=6)
        frame.locator("#search").fill(map_.places[0].path)
        assert waiting
        waiting[0].continue_()
        until(frame, "'settled' in document.documentElement.dataset")
        assert frame.locator("#found").inner_text() == "1 found"


def test_where_it_does_not_come_one_can_ask_again(look: Look) -> None:
    with look(refused=503) as page:
        page.route("**/documents/map/pictures?*", lambda route: route.fulfill(status=503))
        page.goto("/map")
        again = page.frame_locator("iframe").get_by_role("button", name="Ask again")
        again.wait_for()
        page.unroute("**/documents/map/pictures?*")
        again.click()
        assert framed(page).evaluate("data.ids.length") == framed(page).evaluate("count")
