"""A page with a map: all pictures as points, those that look alike near each other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lookgraph.pages.frame import showable
from lookgraph.pages.served import Served
from lookgraph.pages.stage import embedded, stage, told
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


def map_page(spots: Sequence[Spot], *, groups: Sequence[str], heading: str, note: str) -> str:
    """A page with a map of pictures, as a file.

    Args:
        spots: the pictures; usable with 20,000. Where points are apart far enough, thumbnails
            stand in their place, the earlier ones first.
        groups: the groups' names, by their numbers.
        heading: the page's title.
        note: a line below it.

    Returns:
        as `lookgraph.pages.search_page`.
    """
    return stage(
        [spot.tile for spot in spots],
        _drawn(
            [spot.x for spot in spots],
            [spot.y for spot in spots],
            [spot.group for spot in spots],
            groups,
        ),
        heading=heading,
        note=note,
        over=_LEGEND,
        drawing=f"Map of {len(spots):,} pictures",
        scripts=("map-places.js", "map-drawing.js", "map.js"),
    )


def served_map(
    x: Sequence[float],
    y: Sequence[float],
    group_of: Sequence[int | None],
    *,
    groups: Sequence[str],
    heading: str,
    note: str,
    served: Served,
    pictures: str,
) -> str:
    """A map as a page of the app: the points, before it is known what they are.

    Args:
        x: of each, from 0, left, to 1, right.
        y: of each, from 0, top, to 1, bottom.
        group_of: the number of each one's group; None for no group.
        groups: as for `map_page`; so are the next two.
        heading: likewise.
        note: likewise.
        served: what it has beside, without ids.
        pictures: the address of what `told_pictures` gives. If it answers with a conflict (409),
            the map has become another, and the page is loaded anew.

    Returns:
        as `lookgraph.pages.search_page`.
    """
    return stage(
        None,
        {**_drawn(x, y, group_of, groups), "pictures": pictures},
        heading=heading,
        note=note,
        tools=_LASSO,
        over=_LEGEND,
        drawing=f"Map of {len(x):,} pictures",
        scripts=("served.js", "map-places.js", "map-drawing.js", "map-lasso.js", "map.js"),
        served=served,
    )


def told_pictures(tiles: Sequence[Tile], ids: Sequence[str]) -> str:
    """What the points of a `served_map` are, as JSON.

    Args:
        tiles: how they are shown; their titles and details count.
        ids: of the pictures.
    """
    return embedded({**told(tiles), "ids": list(ids)})


def _drawn(
    x: Sequence[float], y: Sequence[float], group_of: Sequence[int | None], groups: Sequence[str]
) -> dict[str, object]:
    counts = Counter(group_of)
    return {
        "x": [round(place, 5) for place in x],
        "y": [round(place, 5) for place in y],
        "groups": list(group_of),
        "names": [showable(name) for name in groups],
        "counts": [counts[number] for number in range(len(groups))],
    }
