"""The pages with a canvas, as the app shows them."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.pages import Tile
from lookgraph.pages.map import Spot, map_page, served_map, told_pictures
from lookgraph.pages.served import Served, Start, address_of
from lookgraph.pages.walk import Dot, Line, walk_page
from tests.unit.test_pages import NASTY, Page, tile
from tests.unit.test_walk_page import held, policy, script

IDS = ["a" * 64, "b" * 64, "c" * 64]
DOTS = [Dot(tile(number, thumbnail=None), number) for number in range(3)]
SPOTS = [Spot(tile(number, thumbnail=None), number / 2, 0.5) for number in range(3)]


def walk(served: Served, dots: list[Dot] = DOTS) -> str:
    lines = [Line(0, 1, 0.5)]
    return walk_page(dots, lines, centre=0, heading="Walk", note="", served=served, most=300)


def chart(served: Served) -> str:
    bare = replace(served, ids=None)
    x, y = [spot.x for spot in SPOTS], [spot.y for spot in SPOTS]
    return served_map(
        x, y, [None] * 3, groups=(), heading="Map", note="", served=bare, pictures="/told?state=1"
    )


@pytest.mark.parametrize("make", [walk, chart])
def test_pictures_have_ids_and_nothing_of_them_is_in_the_page(make: Any) -> None:
    html = make(Served(IDS, "some-model", chosen=IDS[1]))
    got = held(html)
    if make is walk:
        assert got["ids"] == IDS
    else:
        assert not {"ids", "titles", "details"} & got.keys()
        assert got["pictures"] == "/told?state=1"
    assert (got["model"], got["chosen"], got["start"]) == ("some-model", IDS[1], None)
    assert "thumbnails" not in got
    assert "addresses" not in got
    assert "file:" not in html


def test_what_the_points_of_a_map_are_is_told_apart_from_it() -> None:
    tiles = [spot.tile for spot in SPOTS]
    assert json.loads(told_pictures(tiles, IDS)) == {
        "titles": [tile.title for tile in tiles],
        "details": [tile.details for tile in tiles],
        "ids": IDS,
    }
    (hostile,) = json.loads(told_pictures([replace(tiles[0], title=NASTY)], IDS[:1]))["titles"]
    assert "\u202e" not in hostile


@pytest.mark.parametrize("make", [walk, chart])
def test_it_may_load_pictures_of_its_host_and_run_our_script_only(make: Any) -> None:
    html = make(Served(IDS))
    assert policy(html)[:2] == ["default-src 'none'", "img-src 'self'"]
    assert policy(html)[-1].startswith("script-src 'sha256-")
    assert "data:," not in html
    for forbidden in ("http:", "https:", "innerHTML", "insertAdjacent", "document.write", "eval("):
        assert forbidden not in html


def test_a_file_has_none_of_what_is_for_the_app() -> None:
    file = walk_page(DOTS, [], centre=0, heading="Walk", note="")
    assert 'id="most"' not in file
    assert "postMessage" not in file
    assert ".notice" not in file
    assert policy(file)[1] == "img-src data:"
    assert "ids" not in held(file)
    assert 'id="lasso"' not in map_page(SPOTS, groups=(), heading="Map", note="")


@pytest.mark.parametrize(
    ("behind", "said"),
    [(0, None), (1, "1 picture has changed"), (1234, "1,234 pictures have changed")],
)
def test_a_stale_graph_is_told(behind: int, said: str | None) -> None:
    notices = Served(IDS, "m", behind=behind).notices()
    assert notices == "" if said is None else said in notices
    assert ('href="/library?model=m"' in notices) == (said is not None)


def test_the_start_of_a_path_is_told_with_ways_out() -> None:
    start = Start(IDS[2], "mugs/mug 2.jpg", f"/graph?picture={IDS[0]}")
    html = walk(Served(IDS, start=start))
    assert held(html)["start"] == IDS[2]
    links = [a["href"] for a in Page(html).all("a")]
    assert links == [f"/map?from={IDS[2]}", f"/graph?picture={IDS[0]}"]
    assert [image["src"] for image in Page(html).all("img")] == [f"/shown/{IDS[2]}?side=160"]
    assert "mug 2.jpg" in html


@pytest.mark.parametrize("text", [NASTY, "</script>", "<!--<script>", '"><img src=x>'])
def test_hostile_names_stay_text(text: str) -> None:
    bad = Tile(None, text, "", "/x", details=text)
    start = Start(IDS[0], text, address_of("/graph", {"picture": text}))
    html = walk(Served(IDS[:1], model=text, start=start), [Dot(bad, 0)])
    html.encode("utf-8")
    assert html.count("<script") == html.count("</script>") == 2
    assert Page(html).open == []
    assert len(Page(html).all("img")) == 1
    assert script(html) == script(walk(Served(IDS)))


_WRITABLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(_WRITABLE, _WRITABLE)
def test_addresses_keep_what_is_asked(asked: str, model: str) -> None:
    address = address_of("/graph", {"picture": asked}, model=model)
    assert address.isascii()
    got = parse_qs(urlsplit(address).query, keep_blank_values=True)
    assert got == {"picture": [asked], **({"model": [model]} if model else {})}
    assert urlsplit(address).path == "/graph"
