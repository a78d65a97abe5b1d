import json
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.pages import Tile
from lookgraph.pages.walk import Dot, Line, walk_page
from tests.unit.test_pages import NASTY, Page, tile


def dots(*depths: int) -> list[Dot]:
    return [Dot(tile(number), depth, number % 2) for number, depth in enumerate(depths)]


def page(*lines: Line, of: list[Dot] | None = None, distances: bool = False) -> str:
    of = dots(0, 1, 1) if of is None else of
    return walk_page(of, lines, centre=0, heading="Walk", note="a note", distances=distances)


def held(html: str) -> dict[str, Any]:
    """The data in the page, where a browser finds it: up to the next end of a script."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script', html, re.DOTALL)
    assert found
    got: dict[str, Any] = json.loads(found[1])
    return got


def script(html: str) -> str:
    found = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def policy(html: str) -> list[str]:
    metas = Page(html).all("meta")
    assert metas[1]["http-equiv"] == "Content-Security-Policy", "before anything loads"
    return metas[1]["content"].split("; ")


def test_pictures_and_edges_are_in_the_page() -> None:
    got = held(page(Line(0, 1, 0.91234567), Line(1, 2, -0.25)))
    assert got["titles"] == ["mugs/mug 0.jpg", "mugs/mug 1.jpg", "mugs/mug 2.jpg"]
    assert [b64decode(t) for t in got["thumbnails"]] == [b"jpeg 0", b"jpeg 1", b"jpeg 2"]
    assert got["addresses"][1] == "file:///pictures/mugs/mug%201.jpg"
    assert got["details"] == ["JPEG · 400 × 300"] * 3
    assert (got["centre"], got["depths"], got["groups"]) == (0, [0, 1, 1], [0, 1, 0])
    assert list(zip(got["first"], got["second"], got["scores"], strict=True)) == [
        (0, 1, 0.912346),
        (1, 2, -0.25),
    ]
    assert got["distances"] is False
    assert held(page(distances=True))["distances"] is True


def test_what_is_not_there_is_null() -> None:
    bare = Dot(tile(0, thumbnail=None, file=""), 0)
    got = held(page(of=[bare]))
    assert (got["thumbnails"], got["addresses"], got["groups"]) == ([None], [None], [None])


def test_only_our_own_script_may_run_and_nothing_may_be_asked_for() -> None:
    html = page(Line(0, 1, 0.5))
    digest = b64encode(sha256(script(html).encode()).digest()).decode()
    assert policy(html) == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        f"script-src 'sha256-{digest}'",
    ]
    for tag, attributes in Page(html).elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert "src" not in attributes
    for forbidden in ("http:", "https:", "innerHTML", "insertAdjacent", "document.write", "eval("):
        assert forbidden not in html


def test_what_comes_from_outside_is_in_no_script() -> None:
    """So that the hash is that of code which we have written."""
    odd = walk_page([Dot(tile(9), 0)], [], centre=0, heading="x", note="y")
    assert script(odd) == script(page(Line(0, 1, 0.5)))


def test_without_scripts_it_is_a_list() -> None:
    got = Page(page(of=[Dot(tile(1), 0), Dot(tile(2, file=""), 1)]))
    assert got.open == []
    assert [a["href"] for a in got.all("a")] == ["file:///pictures/mugs/mug%201.jpg"]
    names = [text for _, text in got.texts if text.startswith("mug ")]
    assert names == ["mug 1.jpg", "mug 2.jpg"]
    assert len(got.all("noscript")) == 1


def test_it_can_be_read_by_all() -> None:
    got = Page(page())
    assert got.all("html") == [{"lang": "en"}]
    assert got.words("title") == ["Walk"]
    assert got.words("h1") == ["Walk"]
    (canvas,) = got.all("canvas")
    assert canvas["tabindex"] == "0"
    assert canvas["aria-label"] == "Graph of 3 pictures"
    described = [values for _, values in got.elements if values.get("id") == "help"]
    assert canvas["aria-describedby"] == "help"
    assert len(described) == 1
    for button in got.all("button"):
        assert button["type"] == "button"
    style = got.words("style")[0]
    for wanted in ("prefers-color-scheme: dark", ":focus-visible", "@media print", "44rem"):
        assert wanted in style


def hostile(text: str) -> str:
    bad = Tile(text.encode("utf-8", "surrogatepass"), text, "", "/" + text, details=text)
    return walk_page([Dot(bad, 0), Dot(bad, 1)], [], centre=0, heading=text, note=text)


@pytest.mark.parametrize(
    "text", [NASTY, "</script><script>alert(1)</script>", "<!--<script>", "]]>", "</noscript>"]
)
def test_hostile_names_stay_text(text: str) -> None:
    html = hostile(text)
    html.encode("utf-8")
    assert html.count("<script") == html.count("</script>") == 2
    assert html.count("</noscript>") == 1
    assert "<!--" not in html
    assert "\u202e" not in html
    assert held(html)["titles"][0] == re.sub("[\n\u202e\udcff]", "\ufffd", text)


@given(st.text(st.characters(), min_size=1))
def test_any_text_is_data_and_never_markup(text: str) -> None:
    html = hostile(text)
    html.encode("utf-8")
    got, wanted = Page(html), Page(hostile("x"))
    assert got.open == []
    plain = {"p", "bdi", "a"}
    tags = [tag for tag, _ in got.elements if tag not in plain]
    assert tags == [tag for tag, _ in wanted.elements if tag not in plain]
    data = held(html)
    assert data["titles"][0] == data["details"][0]
    assert data["addresses"][0] is None or data["addresses"][0].startswith("file:///")
    assert script(html) == script(hostile("x"))


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        page(Line(0, 1, float("nan")))


def test_a_thousand_pictures_are_as_large_as_their_thumbnails() -> None:
    many = [
        replace(dot, tile=tile(n, thumbnail=bytes(3000))) for n, dot in enumerate(dots(*[1] * 1000))
    ]
    lines = [Line(n, (n * 7 + k) % 1000, 0.5) for n in range(1000) for k in range(10)]
    assert len(page(*lines, of=many)) < 5_000_000


def test_it_needs_neither_pillow_nor_numpy() -> None:
    check = (
        "import sys, lookgraph.pages.walk, lookgraph.pages.map;"
        "sys.exit(bool({'PIL', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
