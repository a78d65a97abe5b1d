import subprocess
import sys
from base64 import b64decode
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.pages import Tile, grid, search_page

VOID = {"meta", "link", "img", "br", "input"}
NASTY = "<script>alert(1)</script>\"'&\n\u202egpj.exe\udcff"


class Page(HTMLParser):
    """What a page holds, read without knowing how it was written."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []  # the innermost class or tag, and the text
        self._marks: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        if tag not in VOID:
            self.open.append(tag)
            inherit = self._marks[-1] if self._marks and tag == "bdi" else tag
            self._marks.append(values.get("class", inherit))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "every element is closed in order"
        self._marks.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self._marks[-1] if self._marks else "", data))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def words(self, mark: str) -> list[str]:
        return [text for name, text in self.texts if name == mark]


def tile(number: int, score: float | None = None, **changes: object) -> Tile:
    values: dict[str, object] = {
        "thumbnail": b"jpeg %d" % number,
        "title": f"mugs/mug {number}.jpg",
        "score": "" if score is None else f"{score:.3f}",
        "share": score,
        "file": f"/pictures/mugs/mug {number}.jpg",
        "details": "JPEG · 400 × 300",
    }
    return Tile(**(values | changes))  # type: ignore[arg-type]


def page(*hits: Tile, queries: tuple[Tile, ...] = (), away: tuple[Tile, ...] = ()) -> Page:
    return Page(search_page(queries, hits, heading="Look-alikes", note="a note", away=away))


def test_it_shows_query_and_hits_in_order() -> None:
    got = page(tile(1, 1.0), tile(2, 0.91239), tile(3, -0.2), queries=(tile(7),))
    assert got.open == []
    sources = [image["src"].removeprefix("data:image/jpeg;base64,") for image in got.all("img")]
    assert [b64decode(source) for source in sources] == [b"jpeg %d" % n for n in (7, 1, 2, 3)]
    assert got.words("rank") == ["1", "2", "3"]
    assert got.words("score") == ["1.000", "0.912", "-0.200"]
    assert got.words("name") == ["mug 7.jpg", "mug 1.jpg", "mug 2.jpg", "mug 3.jpg"]
    assert [i["alt"] for i in got.all("img")] == got.words("name")
    assert got.words("h1") == ["Look-alikes"]
    assert got.words("h2") == ["Looking for", "Closest first"]
    assert "a note" in got.words("p")
    assert got.words("p").count("JPEG · 400 × 300") == 4
    assert got.words("p").count("mugs") == 4


def test_bars_are_as_long_as_scores() -> None:
    got = page(tile(1, 1.0000002), tile(2, 0.9124), tile(3, -0.2))
    bars = [span["style"] for span in got.all("span") if "style" in span]
    assert bars == ["width:100.0%", "width:91.2%", "width:0.0%"]


def test_it_asks_nobody_for_anything() -> None:
    hits = [tile(n, 0.5, copies=("a", "b")) for n in range(9)]
    got = page(*hits, queries=(tile(20),), away=(tile(21),))
    policy = next(m["content"] for m in got.all("meta") if m.get("http-equiv"))
    assert policy.split("; ")[0] == "default-src 'none'"
    assert "img-src data:" in policy.split("; ")
    assert got.all("meta")[1]["http-equiv"] == "Content-Security-Policy", "before anything loads"
    for tag, attributes in got.elements:
        assert tag != "script"
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "srcset", "action", "data", "poster", "content"):
            value = attributes.get(name, "")
            if ":" in value and name != "content":
                assert value.startswith(("data:", "file:///")), value
            assert "http" not in value
    style = got.words("style")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_it_can_be_read_by_all() -> None:
    got = page(tile(1, 0.5), queries=(tile(2),))
    assert got.all("html") == [{"lang": "en"}]
    assert got.words("title") == ["Look-alikes"]
    assert len(got.all("ol")) == 1
    assert len(got.all("li")) == 2
    assert len(got.all("main")) == 1
    style = got.words("style")[0]
    for wanted in ("prefers-color-scheme: dark", ":focus-visible", "@media print", "object-fit"):
        assert wanted in style


def test_the_picture_asked_for_and_those_moved_away_from_are_marked() -> None:
    got = page(tile(1, 1.0, marked=True), tile(2, 0.9), queries=(tile(3),), away=(tile(4),))
    assert got.words("badge") == ["not like this", "asked for"]
    assert got.words("h2") == ["Looking for", "Moving away from", "Closest first"]


def test_copies_are_counted_and_listed() -> None:
    got = page(tile(1, 0.5, copies=("x/a.jpg",)), tile(2, 0.5, copies=("b", "<c>")), tile(3, 0.5))
    assert got.words("summary") == ["1 copy", "2 copies"]
    assert got.words("li") == ["x/a.jpg", "b", "<c>"]


def test_a_file_that_is_gone_has_no_link() -> None:
    got = page(tile(1, 0.5, thumbnail=None), queries=(tile(2, thumbnail=None, instead="“mug”"),))
    assert got.all("img") == got.all("a") == []
    assert got.words("picture gone") == ["“mug”", "No longer there"]
    assert got.words("rank") == ["1"]


def test_nothing_found() -> None:
    got = page(queries=(tile(1),))
    assert got.all("ol") == []
    assert got.words("none") == ["Nothing was found."]


@pytest.mark.parametrize(
    ("file", "address"),
    [
        ("/a b/ü.jpg", "file:///a%20b/%C3%BC.jpg"),
        ("/a'\"<>#?%.jpg", "file:///a%27%22%3C%3E%23%3F%25.jpg"),
        ("/\U0001f431.jpg", "file:///%F0%9F%90%B1.jpg"),
        ("/x\udcff.jpg", "file:///x%FF.jpg"),
        ("/new\nline", "file:///new%0Aline"),
        ("/\u202egpj", "file:///%E2%80%AEgpj"),
    ],
)
def test_a_click_opens_the_very_file(file: str, address: str) -> None:
    assert [a["href"] for a in page(tile(1, 0.5, file=file)).all("a")] == [address]


@pytest.mark.parametrize("file", ["", "relative.jpg", "javascript:alert(1)", "/\ud800"])
def test_what_is_no_absolute_path_opens_nothing(file: str) -> None:
    got = page(tile(1, 0.5, file=file))
    assert got.all("a") == []
    assert len(got.all("img")) == 1


def test_names_cannot_pretend_to_be_others() -> None:
    got = page(tile(1, 0.5, title="a\u202egpj.exe\n\x1b\udcff\u2066.jpg"))
    assert got.words("name") == ["a\ufffdgpj.exe\ufffd\ufffd\ufffd\ufffd.jpg"]


def shown(text: str) -> str:
    html = search_page((), [tile(1, 0.5, title="t", details=text)], heading="h", note="")
    html.encode("utf-8")
    return "".join(Page(html).words("p"))


@given(st.text(st.characters(), min_size=1))
def test_any_text_is_text_and_never_markup(text: str) -> None:
    plain = search_page((), [tile(1, 0.5)], heading="h", note="n")
    html = search_page(
        (),
        [tile(1, 0.5, title=text, details=text + "x", file="/" + text)],
        heading=text + "x",
        note=text + "x",
    )
    html.encode("utf-8")
    got, wanted = Page(html), Page(plain)
    tags = [tag for tag, _ in got.elements if tag not in {"p", "bdi", "a", "span"}]
    assert tags == [tag for tag, _ in wanted.elements if tag not in {"p", "bdi", "a", "span"}]
    known = {"id", "class", "style", "title", "lang", "alt", "src", "href", "charset", "content"}
    known |= {"name", "http-equiv", "rel", "decoding", "role", "aria-hidden"}
    assert {name for _, values in got.elements for name in values} <= known
    for link in got.all("a"):
        assert link["href"].startswith("file:///")
        assert link["href"].isascii()


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_printable_text_is_shown_as_it_is(text: str) -> None:
    if text.strip():
        assert shown(text) == text


@given(st.text(st.characters(), min_size=1))
def test_a_grid_is_no_markup_either(text: str) -> None:
    html = grid([tile(1, 0.5, title=text), tile(2, None, thumbnail=None)])
    html.encode("utf-8")
    assert {tag for tag, _ in Page(html).elements} == {"div", "img", "bdi"}


def test_a_grid_is_a_fragment_with_ranks_and_scores() -> None:
    got = Page(grid([tile(1, 0.98765, marked=True), tile(2, 0.5)]))
    assert got.open == []
    texts = [text for _, text in got.texts]
    assert texts == ["mug 1.jpg", "1 · 0.988", "mug 2.jpg", "2 · 0.500"]
    assert ["outline" in image["style"] for image in got.all("img")] == [True, False]
    assert [i["src"][:23] for i in got.all("img")] == ["data:image/jpeg;base64,"] * 2


def test_nasty_names_everywhere() -> None:
    bad = tile(1, 0.5, title=NASTY, file="/" + NASTY, details=NASTY, copies=(NASTY,))
    html = search_page([bad], [bad], heading=NASTY, note=NASTY, away=[bad])
    assert "<script" not in html
    assert "\u202e" not in html
    assert Page(html).open == []


def test_it_needs_neither_pillow_nor_numpy() -> None:
    check = "import sys, lookgraph.pages; sys.exit(bool({'PIL', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
