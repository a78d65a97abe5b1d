"""Pages that show pictures: data in, HTML out.

A page needs nothing but itself. Its thumbnails are in it, its content security policy forbids
every request, and what comes from outside, such as the names of files, is escaped.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)

# Bytes that are no UTF-8 arrive as surrogates, which cannot be written; control characters and
# those that turn the direction of writing could make a name look like another.
_UNSHOWABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)

_STYLE = """
:root { color-scheme: light dark; --page: #f6f5f2; --card: #fff; --ground: #edece8;
  --ink: #1d1f23; --quiet: #63666e; --line: #e2e0da; --accent: #0e7468; --warn: #a8432f; }
@media (prefers-color-scheme: dark) { :root { --page: #131416; --card: #1c1e21;
  --ground: #26292d; --ink: #ececee; --quiet: #a0a4ad; --line: #2d3035; --accent: #52c7b8;
  --warn: #f0907c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 92rem; padding: clamp(1rem, 3vw, 2.5rem); background: var(--page);
  color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { margin: 0; font-size: clamp(1.5rem, 3vw, 2rem); font-weight: 650; letter-spacing: -.02em;
  overflow-wrap: anywhere; }
h2 { margin: 0 0 .75rem; font-size: .95rem; font-weight: 600; color: var(--quiet); }
header p, footer, .none { margin: .3rem 0 0; color: var(--quiet); }
section { margin-top: 2rem; }
.tiles { display: grid; gap: 1rem; margin: 0; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 9.75rem), 1fr)); }
.tile { position: relative; display: flex; flex-direction: column; min-width: 0; overflow: hidden;
  background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  transition: box-shadow .15s, border-color .15s; }
.tile:hover { border-color: var(--quiet); box-shadow: 0 6px 20px rgb(0 0 0 / .12); }
.tile:focus-within:has(.open:focus-visible) { outline: 3px solid var(--accent);
  outline-offset: 2px; }
.open:focus-visible { outline: none; }
@supports not selector(:has(*)) {
  .open:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; } }
.open::after { content: ""; position: absolute; inset: 0; }
.picture { display: block; background: var(--ground); }
.picture img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; }
.gone { display: grid; aspect-ratio: 1; place-items: center; padding: 1rem; color: var(--quiet);
  text-align: center; }
.away .picture img { filter: grayscale(.65); opacity: .75; }
.rank, .badge { position: absolute; top: .5rem; padding: 0 .5rem; border-radius: 99px;
  font-size: .78rem; font-weight: 600; line-height: 1.5rem; background: var(--card);
  border: 1px solid var(--line); }
.rank { left: .5rem; min-width: 1.6rem; text-align: center;
  font-variant-numeric: tabular-nums; }
.badge { right: .5rem; color: var(--accent); }
.away .badge { color: var(--warn); }
.words { padding: .65rem .75rem .75rem; min-width: 0; }
.words p { margin: 0; font-size: .82rem; color: var(--quiet); overflow-wrap: anywhere; }
.words .score { display: flex; align-items: center; gap: .6rem; margin-bottom: .3rem;
  color: var(--ink); font-variant-numeric: tabular-nums; }
.bar { flex: 1; height: 4px; border-radius: 2px; background: var(--line); overflow: hidden; }
.bar span { display: block; height: 100%; background: var(--accent); }
.words .name { color: var(--ink); font-size: .9rem; font-weight: 600; display: -webkit-box;
  -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
details { position: relative; z-index: 1; margin-top: .3rem; font-size: .82rem;
  color: var(--quiet); }
summary { cursor: pointer; border-radius: 4px; }
summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
details ul { margin: .3rem 0 0; padding-left: 1.1rem; overflow-wrap: anywhere; }
.film { display: flex; flex-wrap: wrap; align-items: center; gap: 1.25rem 0; padding: 0;
  margin: 2rem 0 0; list-style: none; }
.film .tile { width: 12.5rem; }
.link { display: grid; place-items: center; width: 4.5rem; font-size: .82rem; font-weight: 600;
  font-variant-numeric: tabular-nums; color: var(--accent);
  background: linear-gradient(var(--line), var(--line)) center / 100% 2px no-repeat; }
.link { text-shadow: 0 0 4px var(--page), 0 0 4px var(--page), 0 0 6px var(--page); }
footer { margin-top: 2.5rem; font-size: .82rem; }
@media (min-width: 44rem) {
  ol.tiles { gap: 1.25rem; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
  .asked { display: flex; flex-wrap: wrap; column-gap: 2.5rem; }
  .asked .tiles { display: flex; flex-wrap: wrap; }
  .asked .tile { width: 14rem; } }
@media (prefers-reduced-motion: reduce) { .tile { transition: none; } }
@media print { :root { --page: #fff; --card: #fff; --ground: #fff; --ink: #000; --quiet: #444;
  --line: #bbb; --accent: #0e7468; } body { padding: 0; font-size: 11px; }
  ol.tiles { grid-template-columns: repeat(4, 1fr); gap: .6rem; } .asked .tile { width: 9rem; }
  .tile { break-inside: avoid; } .bar, .bar span { print-color-adjust: exact;
  -webkit-print-color-adjust: exact; } footer { display: none; } }
"""


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture as it is shown.

    Attributes:
        thumbnail: a JPEG; None when there is none to be had.
        title: its path or name. Nothing here needs to be escaped or fit for writing.
        score: how close it is, in words; empty where there is no question of that.
        share: the same as a bar of this length, from 0 to 1; None for no bar.
        file: the absolute path that a click opens; anything else, such as "", opens nothing.
        details: a line about it, such as ``JPEG · 4000 × 3000 · 2021-05-01``.
        copies: the paths of further files with the very same bytes.
        marked: whether this is the picture that was asked for.
        instead: what stands in the thumbnail's place.
    """

    thumbnail: bytes | None
    title: str
    score: str
    file: str
    share: float | None = None
    details: str = ""
    copies: tuple[str, ...] = ()
    marked: bool = False
    instead: str = "No longer there"


def search_page(
    queries: Sequence[Tile],
    hits: Sequence[Tile],
    *,
    heading: str,
    note: str,
    away: Sequence[Tile] = (),
) -> str:
    """A page with the pictures that were asked for and their look-alikes.

    Args:
        queries: what was asked for.
        hits: the look-alikes, closest first.
        heading: the page's title.
        note: a line below it, about the search.
        away: what the search moved away from.

    Returns:
        A whole HTML document, which can be encoded as UTF-8. It loads nothing from anywhere.
    """
    asked = _asked("Looking for", queries) + _asked("Moving away from", away, "not like this")
    return _page(
        heading,
        note,
        f'<div class="asked">{asked}</div>\n'
        f"<section><h2>Closest first</h2>\n{_ranked(hits)}</section>\n",
    )


def groups_page(groups: Sequence[tuple[str, Sequence[Tile]]], *, heading: str, note: str) -> str:
    """A page with groups of pictures.

    Args:
        groups: a line about each, and its pictures.
        heading: the page's title.
        note: a line below it.

    Returns:
        as `search_page`.
    """
    sections = "".join(
        f"<section><h2>{_text(title)}</h2>\n{_ranked(tiles)}</section>\n" for title, tiles in groups
    )
    return _page(heading, note, sections or '<p class="none">There are no groups.</p>\n')


def film_page(tiles: Sequence[Tile], links: Sequence[str], *, heading: str, note: str) -> str:
    """A page with a chain of pictures, as a film strip.

    Args:
        tiles: the pictures, from the first to the last.
        links: what stands between each and the next: one fewer.
        heading: the page's title.
        note: a line below it.

    Returns:
        as `search_page`.
    """
    between = [*(f'<li class="link" role="presentation">{_text(link)}</li>' for link in links), ""]
    items = "".join(_item(tile) + link for tile, link in zip(tiles, between, strict=True))
    return _page(heading, note, f'<ol class="film" role="list">\n{items}</ol>\n')


def _page(heading: str, note: str, content: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n{_head(heading)}</head>\n<body>\n'
        f"<header><h1>{_text(heading)}</h1><p>{_text(note)}</p></header>\n<main>\n"
        f"{content}</main>\n"
        "<footer>The pictures on this page are small copies. A click opens the original, as long "
        "as it is where it was.</footer>\n</body>\n</html>\n"
    )


def grid(tiles: Sequence[Tile]) -> str:
    """A fragment for notebooks: the pictures in a row that wraps, with names and scores.

    It has inline styles only, in colours that suit light and dark notebooks, and no links, since
    browsers open no files from a notebook's page.
    """
    cells = "".join(_cell(rank, tile) for rank, tile in enumerate(tiles, 1))
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px;padding:4px 0">{cells}</div>'


def _head(heading: str) -> str:
    return (
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{_text(heading)}</title>\n<style>{_STYLE}</style>\n"
    )


def _asked(title: str, tiles: Sequence[Tile], badge: str = "") -> str:
    if not tiles:
        return ""
    items = "".join(_item(tile, badge=badge) for tile in tiles)
    away = " away" if badge else ""
    return (
        f'<section><h2>{title}</h2>\n<ul class="tiles{away}" role="list">\n{items}</ul></section>\n'
    )


def _ranked(hits: Sequence[Tile]) -> str:
    if not hits:
        return '<p class="none">Nothing was found.</p>\n'
    items = "".join(
        _item(tile, f'<span class="rank">{rank}</span>', "asked for" * tile.marked)
        for rank, tile in enumerate(hits, 1)
    )
    return f'<ol class="tiles" role="list">\n{items}</ol>\n'


def _item(tile: Tile, rank: str = "", badge: str = "") -> str:
    folder, name = _split(tile.title)
    badge = f'<span class="badge">{badge}</span>' if badge else ""
    lines = "".join(f"<p><bdi>{_text(line)}</bdi></p>" for line in (folder, tile.details) if line)
    return (
        f'<li class="tile">{_picture(tile)}{rank}{badge}<div class="words">{_score(tile)}'
        f'<p class="name" title="{_text(tile.title)}"><bdi>{_text(name)}</bdi></p>'
        f"{lines}{_copies(tile.copies)}</div></li>\n"
    )


def _picture(tile: Tile) -> str:
    if tile.thumbnail is None:
        return f'<span class="picture gone">{_text(tile.instead)}</span>'
    _, name = _split(tile.title)
    image = f'<img src="{_data(tile.thumbnail)}" alt="{_text(name)}" decoding="async">'
    address = _address(tile.file)
    if address is None:
        return f'<span class="picture">{image}</span>'
    return f'<a class="open picture" href="{escape(address)}">{image}</a>'


def _score(tile: Tile) -> str:
    """The score after a bar as long as it; one of 0 or less has an empty bar."""
    if not tile.score:
        return ""
    bar = ""
    if tile.share is not None:
        width = f"{100 * min(1.0, max(0.0, tile.share)):.1f}"
        bar = f'<span class="bar" aria-hidden="true"><span style="width:{width}%"></span></span>'
    return f'<p class="score">{bar}{_text(tile.score)}</p>'


def _copies(copies: Sequence[str]) -> str:
    if not copies:
        return ""
    count = "1 copy" if len(copies) == 1 else f"{len(copies):,} copies"
    items = "".join(f"<li><bdi>{_text(path)}</bdi></li>" for path in copies)
    return f"<details><summary>{count}</summary><ul>{items}</ul></details>"


def _cell(rank: int, tile: Tile) -> str:
    outline = "outline:2px solid #2a9d8f;" if tile.marked else ""
    box = (
        "width:160px;height:160px;object-fit:contain;border-radius:8px;display:block;"
        f"background:rgba(128,128,128,.15);{outline}"
    )
    _, name = _split(tile.title)
    if tile.thumbnail is None:
        words = _text(tile.instead)
        picture = f'<div style="{box}line-height:160px;text-align:center">{words}</div>'
    else:
        picture = f'<img src="{_data(tile.thumbnail)}" alt="{_text(name)}" style="{box}">'
    score = f" · {_text(tile.score)}" if tile.score else ""
    clip = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    return (
        f'<div style="width:160px;font:12px/1.5 system-ui,sans-serif" title="{_text(tile.title)}">'
        f'{picture}<div style="{clip}"><bdi>{_text(name)}</bdi></div>'
        f'<div style="opacity:.7">{rank}{score}</div></div>'
    )


def _split(title: str) -> tuple[str, str]:
    """The folder and the name in a path."""
    folder, _, name = title.rpartition("/")
    return folder, name or title


def _text(text: str) -> str:
    """Text from outside, fit for HTML: escaped, and with U+FFFD for what cannot be shown."""
    return escape(_UNSHOWABLE.sub("\ufffd", text))


def _data(thumbnail: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(thumbnail).decode('ascii')}"


def _address(file: str) -> str | None:
    """The ``file:`` address (RFC 8089) of an absolute path: its very bytes, percent-encoded."""
    try:
        return Path(file).as_uri()
    except ValueError:  # no absolute path, or one that no file system could hold
        return None
