"""What the pages with a canvas have in common: tools, the canvas, a list and the data."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from lookgraph.pages.frame import address, document, showable, source, split, text
from lookgraph.pages.served import Served
from lookgraph.pages.tiles import Tile


def stage(
    tiles: Sequence[Tile] | None,
    more: Mapping[str, object],
    *,
    heading: str,
    note: str,
    tools: str = "",
    over: str = "",
    drawing: str,
    scripts: Sequence[str],
    served: Served | None = None,
) -> str:
    """A page whose pictures are drawn on a canvas, and in a list that is asked for.

    Args:
        tiles: the pictures; their names, lines and thumbnails are in the page's data. None if a
            page of the app asks for them.
        more: what else is there, as plain lists, numbers and showable text.
        heading: the page's title.
        note: a line below it.
        tools: HTML that stands between the search and the list's button.
        over: HTML that lies over the canvas.
        drawing: what the canvas shows, for those who do not see it.
        scripts: files of JavaScript beside those that all such pages have, in order.
        served: what a page of the app has beside; None for a file.

    Returns:
        as `lookgraph.pages.search_page`; of the app, it loads pictures from where it came from.
        A file is a list where no scripts run.
    """
    held = {
        **({} if tiles is None else told(tiles)),
        **(served.told() if served else _within(tiles or ())),
        **more,
    }
    body = (
        f'<header class="top"><div class="title"><h1>{text(heading)}</h1>'
        f"<p>{text(note)}</p></div>\n{_TOOLS.format(more=tools)}</header>\n"
        f"{served.notices() if served else ''}"
        f"{_STAGE.format(drawing=drawing, over=over)}{'' if served else _listed(tiles or ())}"
        f'<script type="application/json" id="data">{embedded(held)}</script>\n'
    )
    script = "\n".join(source(name) for name in (*_SHARED, *scripts))
    style = source("stage.css") + (source("served.css") if served else "")
    return document(
        heading, body, style=style, script=script, is_served=served is not None,
        fetches=tiles is None,
    )  # fmt: skip


def told(tiles: Sequence[Tile]) -> dict[str, object]:
    """What the pictures are, for the page's script."""
    return {
        "titles": [showable(tile.title) for tile in tiles],
        "details": [showable(tile.details) for tile in tiles],
    }


def _within(tiles: Sequence[Tile]) -> dict[str, object]:
    """The pictures of a file: their thumbnails are in it, and their files can be opened."""
    return {
        "addresses": [address(tile.file) for tile in tiles],
        "thumbnails": [
            tile.thumbnail and b64encode(tile.thumbnail).decode("ascii") for tile in tiles
        ],
    }


def embedded(held: Mapping[str, object]) -> str:
    """JSON that ends no script, whatever is in it: in ASCII, with ``<`` escaped."""
    return json.dumps(held, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


_SHARED = ("dom.js", "stage.js", "thumbnails.js", "view.js")

_TOOLS = """<div class="tools" role="search">
<label class="search"><span class="unseen">Search by name</span>
<input id="search" type="search" placeholder="Search by name" autocomplete="off" spellcheck="false">
<output id="found" for="search"></output></label>
{more}<button id="listing" type="button" aria-expanded="false" aria-controls="list">List</button>
</div>"""

_STAGE = """<main id="stage">
<canvas id="canvas" tabindex="0" role="application" aria-label="{drawing}"
 aria-describedby="help"></canvas>
<p id="help" class="unseen">Arrow keys go from picture to picture, Enter shows one with its details,
 Escape closes them. Plus and minus zoom, 0 shows everything. The button List has all pictures as a
 list.</p>
<p id="told" class="unseen" role="status"></p>
<div class="zooms"><button id="closer" type="button" aria-label="Zoom in" title="Zoom in (+)">+
</button><button id="farther" type="button" aria-label="Zoom out" title="Zoom out (−)">−
</button><button id="fit" type="button" aria-label="Show everything" title="Show everything (0)">⤢
</button></div>
{over}<aside id="panel" aria-label="The chosen picture" hidden></aside>
<aside id="list" aria-label="All pictures" hidden><ul role="list"></ul></aside>
</main>
"""


def _listed(tiles: Sequence[Tile]) -> str:
    items = "".join(_entry(tile) for tile in tiles)
    return f'<noscript><ul class="plain" role="list">\n{items}</ul></noscript>\n'


def _entry(tile: Tile) -> str:
    folder, name = split(tile.title)
    shown = f"<bdi>{text(name)}</bdi>"
    opened = address(tile.file)
    if opened is not None:
        shown = f'<a href="{escape(opened)}">{shown}</a>'
    lines = "".join(f"<p><bdi>{text(line)}</bdi></p>" for line in (folder, tile.details) if line)
    return f"<li>{shown}{lines}</li>\n"
