"""A page with a map: all pictures as points, those that look alike near each other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lookgraph.pages.frame import showable
from lookgraph.pages.served import Served
from lookgraph.pages.stage import stage
from lookgraph.pages.tiles import Tile


@dataclass(frozen=True, slots=True)
class Spot:
    """A picture's place on the map.

    Attributes:
        tile: how it is shown; its score, share and copies are not. Without a thumbnail it stays a
            point.
        x: from 0, left, to 1, right.
        y: from 0, top, to 1, bottom.
        group: the number of its group, from 0 for the largest; None for no group.
    """

    tile: Tile
    x: float
    y: float
    group: int | None = None


_LEGEND = """<details class="legend" id="legend"><summary>Groups</summary><ul role="list"></ul>
</details>
"""


_LASSO = """<button id="lasso" type="button" aria-pressed="false"
 title="Encircle pictures (hold Shift)">Lasso</button>
"""


def map_page(
    spots: Sequence[Spot],
    *,
    groups: Sequence[str],
    heading: str,
    note: str,
    served: Served | None = None,
) -> str:
    """A page with a map of pictures.

    Args:
        spots: the pictures; usable with 20,000. Where points are apart far enough, thumbnails
            stand in their place, the earlier ones first.
        groups: the groups' names, by their numbers.
        heading: the page's title.
        note: a line below it.
        served: what it has beside as a page of the app; None for a file.

    Returns:
        as `lookgraph.pages.search_page`.
    """
    counts = Counter(spot.group for spot in spots)
    more = {
        "x": [round(spot.x, 5) for spot in spots],
        "y": [round(spot.y, 5) for spot in spots],
        "groups": [spot.group for spot in spots],
        "names": [showable(name) for name in groups],
        "counts": [counts[number] for number in range(len(groups))],
    }
    scripts: tuple[str, ...] = ("map-places.js", "map-drawing.js", "map.js")
    if served is not None:
        scripts = ("served.js", *scripts[:-1], "map-lasso.js", scripts[-1])
    return stage(
        [spot.tile for spot in spots],
        more,
        heading=heading,
        note=note,
        tools=_LASSO if served else "",
        over=_LEGEND,
        drawing=f"Map of {len(spots):,} pictures",
        scripts=scripts,
        served=served,
    )
