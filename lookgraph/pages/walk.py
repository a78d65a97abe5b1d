"""A page to walk about in: a picture, those around it, and the edges between them."""

from collections.abc import Sequence
from dataclasses import dataclass

from lookgraph.pages.served import Served
from lookgraph.pages.stage import stage
from lookgraph.pages.tiles import Tile


@dataclass(frozen=True, slots=True)
class Dot:
    """A picture of the graph.

    Attributes:
        tile: how it is shown; its score, share and copies are not.
        depth: how many edges lead from the centre to it; 0 for the centre itself.
        group: the number of its group, from 0; None for no group.
    """

    tile: Tile
    depth: int
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An edge between two pictures.

    Attributes:
        first: one picture's place among the dots.
        second: the other's.
        score: how alike they are; higher is closer.
    """

    first: int
    second: int
    score: float


_TOOLS = """<label class="slider">Weakest edge
<input id="threshold" type="range"><output id="limit" for="threshold"></output></label>
"""


MOSTS = (100, 300, 1000)
"""How many pictures can be asked for in the app."""

_AMOUNT = (
    '<label><span class="unseen">How many pictures</span><select id="most">'
    + "".join(f'<option value="{most}">{most:,} pictures</option>' for most in MOSTS)
    + "</select></label>\n"
)


def walk_page(
    dots: Sequence[Dot],
    lines: Sequence[Line],
    *,
    centre: int,
    heading: str,
    note: str,
    distances: bool = False,
    served: Served | None = None,
    most: int | None = None,
) -> str:
    """A page with part of the graph, to be walked about in.

    The layout is made in the browser, the same every time; 1,000 pictures with 10,000 edges take
    it less than two seconds.

    Args:
        dots: the pictures. Thumbnails of about 3 kB suffice, but for the centre's.
        lines: the edges, at most one for each pair.
        centre: the place among the dots of the one that stands in the middle.
        heading: the page's title.
        note: a line below it.
        distances: whether scores are distances with a minus, and shown as such.
        served: what it has beside as a page of the app; None for a file.
        most: of the app: so many pictures were asked for, one of `MOSTS`; None for the first.

    Returns:
        as `lookgraph.pages.search_page`.
    """
    more = {
        "centre": centre,
        "depths": [dot.depth for dot in dots],
        "groups": [dot.group for dot in dots],
        "first": [line.first for line in lines],
        "second": [line.second for line in lines],
        "scores": [round(line.score, 6) for line in lines],
        "distances": distances,
    }
    scripts: tuple[str, ...] = ("layout.js", "walk-graph.js", "walk-drawing.js", "walk.js")
    if served is not None:
        more["most"] = most
        scripts = ("served.js", *scripts[:-1], "walk-ways.js", scripts[-1])
    return stage(
        [dot.tile for dot in dots],
        more,
        heading=heading,
        note=note,
        tools=_TOOLS + (_AMOUNT if served else ""),
        drawing=f"Graph of {len(dots):,} pictures",
        scripts=scripts,
        served=served,
    )
