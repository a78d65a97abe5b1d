"""``lookgraph search``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.config import RECALL
from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    counted,
    is_terminal,
    json_option,
    library_for,
    library_option,
    printable_name,
    put,
    put_json,
    put_page,
    runtime_options,
    say,
    shown_path,
)
from lookgraph.interfaces.cli.own_query import put_table, read_question, refuse_with_cypher
from lookgraph.interfaces.cli.selecting import selection_options

if TYPE_CHECKING:
    from typing import BinaryIO

    from lookgraph.library import Library
    from lookgraph.results import Hits
    from lookgraph.types import Hit, Selection

PAGE_SIDE = 480
"""Pixels of a thumbnail on a page."""


def _part(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[int, int, int, int] | None:
    """Read ``X,Y,W,H``."""
    if value is None:
        return None
    try:
        x, y, width, height = (int(number) for number in value.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{value} is not four whole numbers with commas, such as 10,20,300,200."
        ) from None
    return x, y, width, height


@click.command()
@click.argument("pictures", nargs=-1, metavar="PICTURE…")
@library_option
@click.option("-k", type=int, help="How many look-alikes.  [default: 10]")
@click.option(
    "--not", "without", multiple=True, metavar="PICTURE", help="Move away from this; repeatable."
)
@click.option(
    "--crop", metavar="X,Y,W,H", callback=_part, help="Only this part of the picture, in pixels."
)
@click.option(
    "--text",
    "texts",
    multiple=True,
    metavar="WORDS",
    help="What the pictures should show, for networks that know words; repeatable.",
)
@click.option(
    "--model",
    metavar="MODEL",
    help="Whose embeddings are compared, if the library has several.  [default: the first]",
)
@click.option(
    "--min-score", type=float, metavar="SCORE", help="All that score at least this, however many."
)
@click.option(
    "--max-distance",
    type=float,
    metavar="DISTANCE",
    help="All within this distance, where embeddings are compared by L2.",
)
@selection_options
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    default=RECALL,
    show_default=True,
    help="The share of the true look-alikes that is enough, in a library with an index.",
)
@click.option(
    "--rank",
    type=click.Choice(["auto", "graph", "cosine"]),
    default="auto",
    help="By how like a picture and its neighbours in the graph are, or a picture alone."
    "  [default: by the graph, where there is one]",
)
@click.option("--exact", is_flag=True, help="Compare every picture: the same as --recall 1.")
@runtime_options
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page that shows the look-alikes; it needs nothing but itself.",
)
@click.option(
    "--cypher",
    type=click.File("rb"),
    metavar="FILE",
    help="Ask a library in Neo4j your own question, in which $query is the embedding; - for stdin.",
)
@json_option
def search(
    pictures: tuple[str, ...],
    library: LibraryPlace | None,
    k: int | None,
    without: tuple[str, ...],
    crop: tuple[int, int, int, int] | None,
    texts: tuple[str, ...],
    model: str | None,
    min_score: float | None,
    max_distance: float | None,
    among: "Selection",
    recall: float,
    rank: str,
    exact: bool,
    runtime: str,
    device: str,
    html: Path | None,
    cypher: "BinaryIO | None",
    as_json: bool,
) -> None:
    """Find the pictures that look most like PICTURE.

    A PICTURE is a file from anywhere, or the id of one in the library. Several make one
    question: what looks like all of them? Without --library, and where the current folder is in
    none, the search is in the library that the first PICTURE lies in.
    """
    if html and as_json:
        raise click.UsageError("--html and --json cannot be given together.")
    if not pictures and not texts and not cypher:
        raise click.UsageError("Missing argument 'PICTURE…': what are you looking for?")
    opened = library_for(pictures[0] if pictures else None, library, runtime, device)
    if cypher:
        refuse_with_cypher(click.get_current_context(), among)
        answer = opened.query(
            read_question(cypher),
            *pictures,
            text=texts,
            k=10 if k is None else k,
            without=without,
            crop=crop,
            model=model,
        )
        put_table(answer, as_json=as_json)
        return
    if min_score is None and max_distance is None:
        hits = opened.search(
            *pictures,
            text=texts,
            k=10 if k is None else k,
            without=without,
            crop=crop,
            model=model,
            among=among,
            recall=1 if exact else recall,
            rank=rank,
        )
    else:
        if k is not None:
            raise click.UsageError("-k is for the nearest; with a limit, all within it come.")
        hits = opened.search_over(
            *pictures,
            score=min_score,
            distance=max_distance,
            text=texts,
            without=without,
            crop=crop,
            model=model,
            among=among,
        )
    if as_json:
        put_json(_as_json(opened, hits))
    elif html:
        write_page(hits, html)
        say(f"Wrote {html.absolute().as_uri()}")
    elif is_terminal():
        _show(hits)
    else:
        _list(hits)
    _remark(opened, hits, among)


def _list(hits: "Hits") -> None:
    for hit in hits:
        number = hit.score if hit.distance is None else hit.distance
        put(f"{number:.4f}\t{shown_path(hit.file)}")


def _remark(opened: "Library", hits: "Hits", among: "Selection") -> None:
    """Say what the hits themselves do not."""
    from lookgraph.types import EVERYTHING

    if hits.fault:
        say(f"Every picture was compared, as the index cannot be used: {hits.fault}")
    if hits.graph_fault:
        say(f"Ranked by the score alone, as the graph cannot be used: {hits.graph_fault}")
    if hits.k is None and not hits:
        say("No picture is so near.")
    if hits.k is None or len(hits) >= hits.k:
        return
    if among != EVERYTHING:
        say(f"No more than {counted(len(hits), 'picture')} may answer.")
    elif not hits:
        say(f"The library of {opened.root} has no pictures yet: lookgraph index FOLDER")
    else:
        say(f"The library of {opened.root} has no more than {len(hits):,} pictures.")


def _as_json(opened: "Library", hits: "Hits") -> dict[str, object]:
    return {
        "query": {
            "pictures": [one.name for one in hits.question.pictures if not one.is_text],
            "texts": [one.name for one in hits.question.pictures if one.is_text],
            "not": [subject.name for subject in hits.question.without],
            "crop": hits.question.crop,
        },
        "library": str(opened.root),
        "space": hits.space.name,
        "rank": hits.ranked_by,
        "searched": hits.searched,
        "k": hits.k,
        "took_ms": round(hits.took_ms, 3),
        "hits": [hit_as_json(hit) for hit in hits],
    }


def hit_as_json(hit: "Hit") -> dict[str, object]:
    """A hit as every command gives it."""
    return {
        "rank": hit.rank,
        "path": hit.path,
        "id": hit.id,
        "score": hit.score,
        **({} if hit.rank_score is None else {"rank_score": hit.rank_score}),
        **({} if hit.distance is None else {"distance": hit.distance}),
        "file": hit.file,
        "copies": hit.copies,
        "format": hit.format,
        "width": hit.width,
        "height": hit.height,
        "taken": hit.taken,
    }


def _closeness(hits: "Hits") -> str:
    return "score" if all(hit.distance is None for hit in hits) else "distance"


def write_page(hits: "Hits", file: Path) -> None:
    """Write a search's page."""
    from lookgraph.pages import search_page
    from lookgraph.results import asked_tile, tile

    question = hits.question
    tiles = [tile(hit, PAGE_SIDE, question) for hit in hits]
    note = f"{len(hits)} look-alikes by {hits.ranked_by}, in {hits.took_ms:.0f} ms"
    page = search_page(
        [asked_tile(subject, PAGE_SIDE) for subject in question.pictures],
        tiles,
        heading="Look-alikes",
        note=note,
        away=[asked_tile(subject, PAGE_SIDE) for subject in question.without],
    )
    put_page(page, file)


def _show(hits: "Hits") -> None:
    """A table for people, under the thumbnails where the terminal shows pictures."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from lookgraph.config import terminal_hints
    from lookgraph.interfaces.terminal import show as show_thumbnails
    from lookgraph.results import thumbnail_of

    console = Console()
    show_thumbnails(
        lambda side: [thumbnail_of(Path(hit.file), side) for hit in hits],
        terminal_hints(),
        console.width,
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("#", justify="right")
    table.add_column(_closeness(hits), justify="right")
    is_ranked = any(hit.rank_score is not None for hit in hits)
    if is_ranked:
        table.add_column("ranked", justify="right")
    table.add_column("picture", overflow="fold")
    table.add_column("")
    for hit in hits:
        more = f"+{len(hit.copies)} same" if hit.copies else ""
        if hits.question.is_about(hit.id):
            more = "the picture itself"
        path = Text(printable_name(shown_path(hit.file)), style=f"link {Path(hit.file).as_uri()}")
        number = f"{hit.score:.3f}" if hit.distance is None else f"{hit.distance:.4g}"
        ranked = [f"{hit.rank_score or 0:.3f}"] if is_ranked else []
        table.add_row(str(hit.rank), number, *ranked, path, Text(more, style="dim"))
    console.print(table)
