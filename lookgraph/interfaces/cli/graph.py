"""``lookgraph graph``, ``groups`` and ``path``."""

from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.console import (
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
    size_text,
)
from lookgraph.interfaces.cli.search import PAGE_SIDE, hit_as_json

if TYPE_CHECKING:
    from lookgraph.graph_results import Chain, Group, Groups

_SHOWN = 60
_OF_EACH = 24
"""Groups on a page, and pictures of each: thumbnails of 2,000 pictures would be 40 MB."""

_MODEL = click.option(
    "--model",
    metavar="MODEL",
    help="Whose embeddings are compared, if the library has several.  [default: the first]",
)
_HTML = click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page that shows it; it needs nothing but itself.",
)


@click.group()
def graph() -> None:
    """The similarity graph: pictures, and edges between those that look alike."""


@graph.command()
@library_option
@click.option(
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
    "--max-edges",
    type=click.IntRange(1),
    metavar="N",
    help="More pairs over the threshold are refused.  [default: 50 million]",
)
@_MODEL
@json_option
def build(
    library: Path | None,
    neighbours: int | None,
    threshold: float | None,
    max_edges: int | None,
    model: str | None,
    as_json: bool,
) -> None:
    """Make the graph of a library, or bring it up to date.

    From then on `lookgraph index` keeps it up to date. A graph that is there stays what it is,
    unless one of --neighbours, --threshold and --max-edges is given.
    """
    from lookgraph.interfaces.cli.progress import shares

    opened = open_library(library)
    with shares("Making the graph") as progress:
        status = opened.graph(model).build(
            neighbours=neighbours, threshold=threshold, max_edges=max_edges, progress=progress
        )
    if as_json:
        put_json(asdict(status))
        return
    edges, pictures = counted(status.edges, "edge"), counted(status.pictures, "picture")
    say(f"{edges} between {pictures}, {size_text(status.bytes)}. Now: lookgraph groups")


@graph.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@library_option
@_MODEL
def export_(file: Path, library: Path | None, model: str | None) -> None:
    """Write the graph to FILE: .graphml, .gexf (Gephi), .csv or .json."""
    pictures, edges = open_library(library).graph(model).export(file)
    say(f"Wrote {counted(pictures, 'picture')} and {counted(edges, 'edge')} to {file}.")


@click.command()
@library_option
@click.option(
    "--threshold",
    type=float,
    metavar="SCORE",
    help="What a pair must score at least.  [default: what gives the most groups]",
)
@click.option(
    "--smallest", type=click.IntRange(1), default=2, show_default=True, help="Pictures in a group."
)
@_MODEL
@_HTML
@json_option
def groups(
    library: Path | None,
    threshold: float | None,
    smallest: int,
    model: str | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Show which pictures hang together.

    Two pictures are in one group if a chain of pairs that score at least the threshold leads from
    one to the other. The first of a group is its most central one; the scores are those to it.
    """
    if html and as_json:
        raise click.UsageError("--html and --json cannot be given together.")
    found = open_library(library).graph(model).groups(threshold, smallest=smallest)
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
        f"{counted(len(found), 'group')} at {found.threshold:.4g}, in {found.took_ms:.0f} ms; "
        f"{counted(found.others, 'picture')} in none."
    )


def _groups_as_json(found: "Groups") -> dict[str, object]:
    return {
        "space": found.space.name,
        "threshold": found.threshold,
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


@click.command()
@click.argument("source", metavar="A")
@click.argument("target", metavar="B")
@library_option
@_MODEL
@_HTML
@json_option
def path(
    source: str,
    target: str,
    library: Path | None,
    model: str | None,
    html: Path | None,
    as_json: bool,
) -> int:
    """Find the chain of pictures from A to B whose weakest link is strongest.

    A and B are pictures of the library: files, or ids. The score of each picture is that to the
    one before it.
    """
    from lookgraph.interfaces.cli.console import library_for

    if html and as_json:
        raise click.UsageError("--html and --json cannot be given together.")
    opened = library_for(source, library, "auto", "auto")
    chain = opened.graph(model).path(source, target)
    if as_json:
        put_json(_chain_as_json(chain))
    if chain is None:
        say(
            "No edges lead from one to the other. More of them may: lookgraph graph build "
            "--neighbours 50"
        )
        return 1
    if html:
        _write_chain(chain, html)
        say(f"Wrote {html.absolute().as_uri()}")
    elif not as_json:
        for hit in chain:
            put(f"{hit.score:.4f}\t{printable_name(shown_path(hit.file))}")
    say(_walked(chain))
    return 0


def _walked(chain: "Chain") -> str:
    steps = counted(len(chain) - 1, "step")
    return f"{steps}, the weakest {chain.weakest:.4g}. {chain.took_ms:.0f} ms"


def _chain_as_json(chain: "Chain | None") -> dict[str, object]:
    if chain is None:
        return {"weakest": None, "steps": []}
    return {
        "space": chain.space.name,
        "weakest": chain.weakest,
        "took_ms": round(chain.took_ms, 3),
        "steps": [hit_as_json(hit) for hit in chain],
    }


def _write_chain(chain: "Chain", file: Path) -> None:
    from dataclasses import replace

    from lookgraph.pages import film_page
    from lookgraph.results import Question, closeness, tile

    tiles = [replace(tile(hit, PAGE_SIDE, Question(())), score="", share=None) for hit in chain]
    links = [closeness(hit) for hit in chain[1:]]
    note = f"From {chain[0].path} to {chain[-1].path}: {_walked(chain)}"
    put_page(film_page(tiles, links, heading="From picture to picture", note=note), file)
