"""``lookgraph groups``."""

from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.asking import (
    html_option,
    model_option,
    one_way_out,
    threshold_option,
)
from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    counted,
    json_option,
    library_option,
    open_library,
    printable_name,
    put,
    put_json,
    put_page,
    say,
    shown_path,
)
from lookgraph.interfaces.cli.on_server import GDS, communities_by_gds, with_option, write_back
from lookgraph.interfaces.cli.search import PAGE_SIDE, hit_as_json

if TYPE_CHECKING:
    from lookgraph.graphs import LibraryGraph
    from lookgraph.graphs.results import Group, Groups

_SHOWN = 60
_OF_EACH = 24
"""Groups on a page, and pictures of each: thumbnails of 2,000 pictures would be 40 MB."""


@click.command()
@library_option
@threshold_option(
    "What a pair must score at least.  [default: what gives the most groups; all for communities]"
)
@click.option(
    "--smallest", type=click.IntRange(1), default=2, show_default=True, help="Pictures in a group."
)
@click.option(
    "--communities",
    is_flag=True,
    help="Groups within which pairs are denser than elsewhere (Leiden), and no chains.",
)
@click.option(
    "--resolution", type=float, default=1.0, show_default=True,
    help="The higher, the smaller are communities.",
)  # fmt: skip
@with_option("Who finds communities: Lookgraph, or gds.leiden on the Neo4j server.")
@click.option(
    "--write",
    is_flag=True,
    help="Keep their numbers, the largest group's 0, as a property of the pictures in Neo4j.",
)
@click.option(
    "--suggest", is_flag=True, help="Show at which thresholds groups are stable, and why."
)
@model_option
@html_option
@json_option
def groups(
    library: LibraryPlace | None,
    threshold: float | None,
    smallest: int,
    communities: bool,
    resolution: float,
    engine: str,
    write: bool,
    suggest: bool,
    model: str | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Show which pictures hang together.

    Two pictures are in one group if a chain of pairs that score at least the threshold leads from
    one to the other. The first of a group is its most central one; the scores are those to it.
    """
    one_way_out(html, as_json=as_json)
    opened = open_library(library).graph(model)
    if suggest:
        _suggest(opened, as_json=as_json)
        return
    if engine == GDS:
        if not communities:
            raise click.UsageError("--with gds finds communities: add --communities.")
        found = communities_by_gds(opened, threshold, smallest, resolution)
    else:
        found = opened.groups(
            threshold, smallest=smallest, communities=communities, resolution=resolution
        )
    if write:
        write_back(opened, found)
    if as_json:
        put_json(_groups_as_json(found))
        return
    if html:
        _write_groups(found, html)
        say(f"Wrote {html.absolute().as_uri()}")
    else:
        for number, group in enumerate(found, 1):
            for hit in group.pictures:
                put(f"{number}\t{hit.score:.4f}\t{printable_name(shown_path(hit.file))}")
    say(_told(found))


def _told(found: "Groups") -> str:
    return (
        f"{_counted(found)} at {found.threshold:.4g}, in {found.took_ms:.0f} ms; "
        f"{counted(found.others, 'picture')} in none."
    )


def _counted(found: "Groups") -> str:
    if found.are_communities:
        return f"{len(found):,} communities" if len(found) != 1 else "1 community"
    return counted(len(found), "group")


def _suggest(opened: "LibraryGraph", *, as_json: bool) -> None:
    found = opened.suggestions()
    if as_json:
        put_json({"suggestions": [asdict(one) for one in found]})
        return
    for one in found:
        reason = (
            f"from {one.high:.4g} down to {one.low:.4g} only {one.changing:.1%} of the pictures in "
            f"groups change theirs, a range {one.steadiness:.1f} times as long as usual"
        )
        sizes = (
            f"{counted(one.groups, 'group')} of {counted(one.grouped, 'picture')}, the largest of "
            f"{one.largest:,}"
        )
        put(f"{one.threshold:.4g}\t{sizes}\t{reason}")
    if not found:
        say("At no threshold are groups more stable than elsewhere. Try: lookgraph groups")


def _groups_as_json(found: "Groups") -> dict[str, object]:
    return {
        "space": found.space.name,
        "threshold": found.threshold,
        "communities": found.are_communities,
        "others": found.others,
        "took_ms": round(found.took_ms, 3),
        "groups": [
            {"name": group.name, "pictures": [hit_as_json(hit) for hit in group.pictures]}
            for group in found
        ],
    }


def _write_groups(found: "Groups", file: Path) -> None:
    from lookgraph.pages import Tile, groups_page
    from lookgraph.results import Question, tile

    def section(group: "Group") -> tuple[str, list[Tile]]:
        tiles = [tile(hit, PAGE_SIDE // 2, Question(())) for hit in group.pictures[:_OF_EACH]]
        more = len(group.pictures) - len(tiles)
        return counted(len(group.pictures), "picture") + f", {more:,} not shown" * bool(more), tiles

    sections = [section(group) for group in islice(found, _SHOWN)]
    left = len(found) - len(sections)
    note = _told(found) + f" The {len(sections)} largest are shown." * bool(left)
    put_page(groups_page(sections, heading="Groups", note=note), file)
