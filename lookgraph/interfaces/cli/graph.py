"""``lookgraph graph``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.asking import (
    html_option,
    model_option,
    most_option,
    one_way_out,
    threshold_option,
)
from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    counted,
    json_option,
    library_for,
    library_option,
    open_library,
    printable_name,
    put,
    put_json,
    put_page,
    say,
    shown_path,
    size_text,
)
from lookgraph.interfaces.cli.on_server import GDS, build_by_gds, with_option
from lookgraph.interfaces.cli.search import PAGE_SIDE, hit_as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lookgraph.graphs.results import Map, Neighbourhood
    from lookgraph.library import Library
    from lookgraph.types import Hit

_DOT_SIDE = 144
_THUMBNAILS = 2000
"""Of a map, at most: with 3 kB each, the page has 8 MB."""


@click.group()
def graph() -> None:
    """The similarity graph: pictures, and edges between those that look alike."""


@graph.command()
@library_option
@click.option(
    "-k",
    "--neighbours",
    type=click.IntRange(0),
    metavar="K",
    help="An edge from each picture to so many of the nearest; 0 for none.  [default: 20]",
)
@click.option(
    "--threshold",
    type=float,
    metavar="SCORE",
    help="An edge between all pairs with at least this score, too.",
)
@click.option(
    "--mutual/--either",
    default=None,
    help="An edge only where each is among the nearest of the other, or where either is."
    "  [default: either]",
)
@click.option(
    "--max-edges",
    type=click.IntRange(1),
    metavar="N",
    help="More pairs over the threshold are refused.  [default: 50 million]",
)
@with_option("Who finds neighbours: Lookgraph, or gds.knn on the Neo4j server.")
@model_option
@json_option
def build(
    library: LibraryPlace | None,
    neighbours: int | None,
    threshold: float | None,
    max_edges: int | None,
    mutual: bool | None,
    engine: str,
    model: str | None,
    as_json: bool,
) -> None:
    """Make the graph of a library, or bring it up to date.

    From then on `lookgraph index` keeps it up to date. A graph that is there stays what it is,
    unless one of --neighbours, --threshold, --mutual, --either and --max-edges is given.
    """
    from lookgraph.interfaces.cli.progress import shares

    opened = open_library(library).graph(model)
    if engine == GDS:
        if threshold is not None or max_edges is not None or mutual:
            raise click.UsageError("--with gds finds neighbours: only -k can be given with it.")
        status = build_by_gds(opened, neighbours)
    else:
        with shares("Making the graph") as progress:
            status = opened.build(
                neighbours=neighbours,
                threshold=threshold,
                max_edges=max_edges,
                mutual=mutual,
                progress=progress,
            )
    if as_json:
        put_json(asdict(status))
        return
    edges, pictures = counted(status.edges, "edge"), counted(status.pictures, "picture")
    say(f"{edges} between {pictures}, {size_text(status.bytes)}. Now: lookgraph groups")


@graph.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@library_option
@model_option
def export_(file: Path, library: LibraryPlace | None, model: str | None) -> None:
    """Write the graph to FILE: .graphml, .gexf (Gephi), .csv or .json."""
    pictures, edges = open_library(library).graph(model).export(file)
    say(f"Wrote {counted(pictures, 'picture')} and {counted(edges, 'edge')} to {file}.")


@graph.command()
@click.argument("picture", required=False)
@library_option
@click.option("--map", "as_map", is_flag=True, help="All pictures in the plane, like beside like.")
@click.option(
    "--depth", type=click.IntRange(1), default=2, show_default=True, help="So many edges away."
)
@click.option(
    "-n", "--most", type=click.IntRange(1), default=100, show_default=True, help="So many pictures."
)
@threshold_option(
    "Weaker edges do not count; of a map, that of the groups.  [default: all count; of a map, what"
    " gives the most groups]"
)
@model_option
@html_option
@json_option
def show(
    picture: str | None,
    library: LibraryPlace | None,
    as_map: bool,
    depth: int,
    most: int,
    threshold: float | None,
    model: str | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Walk the graph: show what is around PICTURE, or a map of all.

    With --html it is a page to walk about in: drag, zoom, search, and choose a weakest edge. The
    scores of the lines are those to PICTURE; of a map they are places, from 0 to 1.
    """
    one_way_out(html, as_json=as_json)
    if as_map == bool(picture):
        raise click.UsageError("Name a picture, or give --map.")
    if as_map:
        _show_map(open_library(library), threshold, model, html, as_json=as_json)
        return
    assert picture
    opened = library_for(picture, library, "auto", "auto")
    found = opened.graph(model).around(picture, depth=depth, most=most, threshold=threshold)
    pictures, edges = len(found.pictures), len(found.edges)
    told = (
        f"{counted(pictures, 'picture')}, {counted(edges, 'edge')} between them, up to "
        f"{counted(max(found.depths), 'step')} away, in {found.took_ms:.0f} ms."
    )
    if as_json:
        put_json(_around_as_json(found))
    elif html:
        put_page(_walk_page(found, told), html)
        say(f"Wrote {html.absolute().as_uri()}")
    else:
        for hit, steps in zip(found.pictures, found.depths, strict=True):
            put(f"{steps}\t{hit.score:.4f}\t{printable_name(shown_path(hit.file))}")
    say(told)


def _around_as_json(found: "Neighbourhood") -> dict[str, object]:
    return {
        "space": found.space.name,
        "took_ms": round(found.took_ms, 3),
        "pictures": [
            {"depth": depth, **hit_as_json(hit)}
            for hit, depth in zip(found.pictures, found.depths, strict=True)
        ],
        "edges": [asdict(edge) for edge in found.edges],
    }


def _walk_page(found: "Neighbourhood", note: str) -> str:
    from lookgraph.pages.walk import Dot, Line, walk_page
    from lookgraph.results import Question, tile

    sides = [PAGE_SIDE, *[_DOT_SIDE] * (len(found.pictures) - 1)]
    dots = [
        Dot(tile(hit, side, Question(())), depth)
        for hit, side, depth in zip(found.pictures, sides, found.depths, strict=True)
    ]
    lines = [Line(edge.first, edge.second, edge.score) for edge in found.edges]
    return walk_page(
        dots,
        lines,
        centre=0,
        heading=f"Around {found.pictures[0].path}",
        note=note,
        distances=found.pictures[0].distance is not None,
    )


def _show_map(
    opened: "Library",
    threshold: float | None,
    model: str | None,
    html: Path | None,
    *,
    as_json: bool,
) -> None:
    say("Laying the pictures out…")
    found = opened.graph(model).map(threshold)
    told = (
        f"{counted(len(found.places), 'picture')}, {counted(len(found.groups), 'group')} told "
        f"apart, in {found.took_ms / 1000:.1f} s."
    )
    if as_json:
        put_json(_map_as_json(found))
    elif html:
        put_page(_map_page(found, opened.root, told), html)
        say(f"Wrote {html.absolute().as_uri()}")
    else:
        for place in found.places:
            name = printable_name(shown_path(str(opened.root / place.path)))
            put(f"{place.x:.5f}\t{place.y:.5f}\t{name}")
    say(told)


def _map_as_json(found: "Map") -> dict[str, object]:
    return {
        "space": found.space.name,
        "took_ms": round(found.took_ms, 3),
        "groups": list(found.groups),
        "places": [
            {
                "x": place.x,
                "y": place.y,
                "group": place.group,
                "id": place.picture.id,
                "path": place.path,
            }
            for place in found.places
        ],
    }


def _map_page(found: "Map", root: Path, note: str) -> str:
    from lookgraph.pages.map import Spot, map_page
    from lookgraph.pages.tiles import Tile
    from lookgraph.results import details_of, thumbnail_of

    spots = []
    for number, place in enumerate(found.places):
        file = root / place.path
        thumbnail = thumbnail_of(file, _DOT_SIDE) if number < _THUMBNAILS else None
        tile = Tile(thumbnail, place.path, "", str(file), details=details_of(place.picture))
        spots.append(Spot(tile, place.x, 1 - place.y, place.group))
    return map_page(spots, groups=found.groups, heading="Map", note=note)


@graph.command()
@library_option
@most_option
@model_option
@html_option
@json_option
def hubs(
    library: LibraryPlace | None, most: int, model: str | None, html: Path | None, as_json: bool
) -> None:
    """Show the pictures that are among the nearest of most others.

    They are near to anything rather than like anything: empty, blurred or very plain ones, mostly.
    """
    one_way_out(html, as_json=as_json)
    found = open_library(library).graph(model).hubs(most)
    if as_json:
        put_json({"hubs": [{"times": hub.times, **hit_as_json(hub.picture)} for hub in found]})
    elif html:
        note = "Each is among the nearest of so many others."
        _page([([hub.picture for hub in found], [f"{hub.times:,}" for hub in found], "Hubs")],
              "Hubs", note, html)  # fmt: skip
    else:
        for hub in found:
            put(f"{hub.times}\t{printable_name(shown_path(hub.picture.file))}")


@graph.command()
@library_option
@most_option
@model_option
@html_option
@json_option
def loners(
    library: LibraryPlace | None, most: int, model: str | None, html: Path | None, as_json: bool
) -> None:
    """Show the pictures that are like no other, each with its score to the nearest."""
    one_way_out(html, as_json=as_json)
    found = open_library(library).graph(model).loners(most)
    if as_json:
        put_json({"loners": [hit_as_json(hit) for hit in found]})
    elif html:
        note = "Each with its score to the picture that is nearest to it."
        _page([(found, [f"{hit.score:.3f}" for hit in found], "Loners")], "Loners", note, html)
    else:
        for hit in found:
            put(f"{hit.score:.4f}\t{printable_name(shown_path(hit.file))}")


@graph.command()
@library_option
@threshold_option("Weaker edges do not count.  [default: what gives the most groups]")
@click.option(
    "--smallest", type=click.IntRange(1), default=2, show_default=True,
    help="So many pictures at least are on either side.",
)  # fmt: skip
@most_option
@model_option
@html_option
@json_option
def bridges(
    library: LibraryPlace | None,
    threshold: float | None,
    smallest: int,
    most: int,
    model: str | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Show the pairs without which a group would fall apart, and into how many pictures each.

    Often they are what should not be one group: `lookgraph different A B` keeps them apart.
    """
    one_way_out(html, as_json=as_json)
    found = open_library(library).graph(model).bridges(threshold, smallest=smallest, most=most)
    if as_json:
        told = [
            {
                "score": bridge.first.score,
                "sides": list(bridge.sides),
                "pictures": [hit_as_json(bridge.first), hit_as_json(bridge.second)],
            }
            for bridge in found
        ]
        put_json({"bridges": told})
    elif html:
        sections = [
            (
                [bridge.first, bridge.second],
                [counted(side, "picture") for side in bridge.sides],
                f"Score {bridge.first.score:.3f}",
            )
            for bridge in found
        ]
        _page(sections, "Bridges", "Each holds a group together, with so many on its side.", html)
    else:
        for bridge in found:
            one, other = (
                printable_name(shown_path(hit.file)) for hit in (bridge.first, bridge.second)
            )
            put(f"{bridge.first.score:.4f}\t{bridge.sides[0]}\t{bridge.sides[1]}\t{one}\t{other}")
    if not found:
        say("There are none.")


def _page(
    sections: "Sequence[tuple[Sequence[Hit], Sequence[str], str]]",
    heading: str,
    note: str,
    file: Path,
) -> None:
    """Write a page of pictures with words instead of scores, in sections with titles."""
    from dataclasses import replace

    from lookgraph.pages import groups_page
    from lookgraph.results import Question, tile

    shown = [
        (
            title,
            [
                replace(tile(hit, PAGE_SIDE, Question(())), score=words, share=None)
                for hit, words in zip(hits, said, strict=True)
            ],
        )
        for hits, said, title in sections
    ]
    put_page(groups_page(shown, heading=heading, note=note), file)
    say(f"Wrote {file.absolute().as_uri()}")
