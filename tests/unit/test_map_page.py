from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.pages import Tile
from lookgraph.pages.map import Spot, map_page
from tests.unit.test_pages import NASTY, Page, tile
from tests.unit.test_walk_page import held, policy, script

SPOTS = [
    Spot(tile(1), 0.0, 1.0, 0),
    Spot(tile(2, thumbnail=None), 0.123456, 0.5, 1),
    Spot(tile(3), 1.0, 0.25),
    Spot(tile(4), 0.5, 0.5, 0),
]


def page(spots: list[Spot] = SPOTS, groups: tuple[str, ...] = ("mugs", "cups")) -> str:
    return map_page(spots, groups=groups, heading="Map", note="a note")


def test_places_and_groups_are_in_the_page() -> None:
    got = held(page())
    assert got["x"] == [0.0, 0.12346, 1.0, 0.5]
    assert got["y"] == [1.0, 0.5, 0.25, 0.5]
    assert got["groups"] == [0, 1, None, 0]
    assert got["names"] == ["mugs", "cups"]
    assert got["counts"] == [2, 1]
    assert got["titles"][3] == "mugs/mug 4.jpg"
    assert got["thumbnails"] == [b64encode(b"jpeg 1").decode(), None] + [
        b64encode(b"jpeg %d" % n).decode() for n in (3, 4)
    ]


def test_only_our_own_script_may_run() -> None:
    html = page()
    digest = b64encode(sha256(script(html).encode()).digest()).decode()
    assert policy(html)[0] == "default-src 'none'"
    assert policy(html)[-1] == f"script-src 'sha256-{digest}'"
    assert "http" not in html.replace("http-equiv", "")


def test_an_empty_map_is_a_page() -> None:
    html = page([], ())
    assert held(html)["counts"] == held(html)["x"] == []
    assert Page(html).open == []


@pytest.mark.parametrize("name", [NASTY, "</script>", "</noscript>", "<!--<script>"])
def test_hostile_groups_stay_text(name: str) -> None:
    html = page(groups=(name, "cups"))
    html.encode("utf-8")
    assert html.count("<script") == html.count("</script>") == 2
    assert "\u202e" not in html
    assert len(held(html)["names"]) == 2


@given(st.text(st.characters(), min_size=1))
def test_any_name_is_data_and_never_markup(text: str) -> None:
    spots = [Spot(Tile(None, text, "", "/" + text, details=text), 0.5, 0.5, 0)]
    html = page(spots, (text,))
    html.encode("utf-8")
    assert Page(html).open == []
    assert script(html) == script(page())
    assert held(html)["names"][0] == held(html)["titles"][0]
