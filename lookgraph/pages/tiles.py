"""Pages of pictures in rows, and fragments for notebooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from lookgraph.pages.frame import address, data, document, split, text


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
        f"<section><h2>{text(title)}</h2>\n{_ranked(tiles)}</section>\n" for title, tiles in groups
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
    between = [*(f'<li class="link" role="presentation">{text(link)}</li>' for link in links), ""]
    items = "".join(_item(tile) + link for tile, link in zip(tiles, between, strict=True))
    return _page(heading, note, f'<ol class="film" role="list">\n{items}</ol>\n')


def _page(heading: str, note: str, content: str) -> str:
    return document(
        heading,
        f"<header><h1>{text(heading)}</h1><p>{text(note)}</p></header>\n<main>\n"
        f"{content}</main>\n"
        "<footer>The pictures on this page are small copies. A click opens the original, as long "
        "as it is where it was.</footer>\n",
    )


def grid(tiles: Sequence[Tile]) -> str:
    """A fragment for notebooks: the pictures in a row that wraps, with names and scores.

    It has inline styles only, in colours that suit light and dark notebooks, and no links, since
    browsers open no files from a notebook's page.
    """
    cells = "".join(_cell(rank, tile) for rank, tile in enumerate(tiles, 1))
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px;padding:4px 0">{cells}</div>'


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
    folder, name = split(tile.title)
    badge = f'<span class="badge">{badge}</span>' if badge else ""
    lines = "".join(f"<p><bdi>{text(line)}</bdi></p>" for line in (folder, tile.details) if line)
    return (
        f'<li class="tile">{_picture(tile)}{rank}{badge}<div class="words">{_score(tile)}'
        f'<p class="name" title="{text(tile.title)}"><bdi>{text(name)}</bdi></p>'
        f"{lines}{_copies(tile.copies)}</div></li>\n"
    )


def _picture(tile: Tile) -> str:
    if tile.thumbnail is None:
        return f'<span class="picture gone">{text(tile.instead)}</span>'
    _, name = split(tile.title)
    image = f'<img src="{data(tile.thumbnail)}" alt="{text(name)}" decoding="async">'
    opened = address(tile.file)
    if opened is None:
        return f'<span class="picture">{image}</span>'
    return f'<a class="open picture" href="{escape(opened)}">{image}</a>'


def _score(tile: Tile) -> str:
    """The score after a bar as long as it; one of 0 or less has an empty bar."""
    if not tile.score:
        return ""
    bar = ""
    if tile.share is not None:
        width = f"{100 * min(1.0, max(0.0, tile.share)):.1f}"
        bar = f'<span class="bar" aria-hidden="true"><span style="width:{width}%"></span></span>'
    return f'<p class="score">{bar}{text(tile.score)}</p>'


def _copies(copies: Sequence[str]) -> str:
    if not copies:
        return ""
    count = "1 copy" if len(copies) == 1 else f"{len(copies):,} copies"
    items = "".join(f"<li><bdi>{text(path)}</bdi></li>" for path in copies)
    return f"<details><summary>{count}</summary><ul>{items}</ul></details>"


def _cell(rank: int, tile: Tile) -> str:
    outline = "outline:2px solid #2a9d8f;" if tile.marked else ""
    box = (
        "width:160px;height:160px;object-fit:contain;border-radius:8px;display:block;"
        f"background:rgba(128,128,128,.15);{outline}"
    )
    _, name = split(tile.title)
    if tile.thumbnail is None:
        words = text(tile.instead)
        picture = f'<div style="{box}line-height:160px;text-align:center">{words}</div>'
    else:
        picture = f'<img src="{data(tile.thumbnail)}" alt="{text(name)}" style="{box}">'
    score = f" · {text(tile.score)}" if tile.score else ""
    clip = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    return (
        f'<div style="width:160px;font:12px/1.5 system-ui,sans-serif" title="{text(tile.title)}">'
        f'{picture}<div style="{clip}"><bdi>{text(name)}</bdi></div>'
        f'<div style="opacity:.7">{rank}{score}</div></div>'
    )
