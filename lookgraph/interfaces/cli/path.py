"""``lookgraph path``."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.asking import html_option, model_option, one_way_out
from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    counted,
    json_option,
    library_for,
    library_option,
    printable_name,
    put,
    put_json,
    put_page,
    say,
    shown_path,
)
from lookgraph.interfaces.cli.search import PAGE_SIDE, hit_as_json

if TYPE_CHECKING:
    from lookgraph.graphs.results import Chain, Gap


@click.command()
@click.argument("source", metavar="A")
@click.argument("target", metavar="B")
@library_option
@model_option
@html_option
@json_option
def path(
    source: str,
    target: str,
    library: LibraryPlace | None,
    model: str | None,
    html: Path | None,
    as_json: bool,
) -> int:
    """Find the chain of pictures from A to B whose weakest link is strongest.

    A and B are pictures of the library: files, or ids. The score of each picture is that to the
    one before it.
    """
    from lookgraph.graphs.results import Gap

    one_way_out(html, as_json=as_json)
    opened = library_for(source, library, "auto", "auto")
    found = opened.graph(model).path(source, target)
    if isinstance(found, Gap):
        if as_json:
            put_json(_gap_as_json(found))
        say(f"No edges lead from one to the other. {_advice(found)}")
        return 1
    if as_json:
        put_json(_chain_as_json(found))
    if html:
        _write_chain(found, html)
        say(f"Wrote {html.absolute().as_uri()}")
    elif not as_json:
        for hit in found:
            put(f"{hit.score:.4f}\t{printable_name(shown_path(hit.file))}")
    say(_walked(found))
    return 0


def _walked(chain: "Chain") -> str:
    steps = counted(len(chain) - 1, "step")
    return f"{steps}, the weakest {chain.weakest:.4g}. {chain.took_ms:.0f} ms"


def _advice(gap: "Gap") -> str:
    if gap.threshold is None:
        return "More of them may: lookgraph graph build --neighbours 50"
    # Rounded down: the pair itself must reach it.
    at = math.floor(gap.threshold * 10_000) / 10_000
    return f"From a threshold of {at:.4f} on some would: lookgraph graph build --threshold {at:.4f}"


def _gap_as_json(gap: "Gap") -> dict[str, object]:
    return {"space": gap.space.name, "weakest": None, "threshold": gap.threshold, "steps": []}


def _chain_as_json(chain: "Chain") -> dict[str, object]:
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
