"""``lookgraph same``, ``different`` and ``verdicts``: what people say of pairs of pictures."""

from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    json_option,
    library_for,
    library_option,
    open_library,
    printable_name,
    put,
    put_json,
    say,
)

if TYPE_CHECKING:
    from lookgraph.judging import Judged

_COUNTS = "It counts in groups, in duplicates, and in searches through the graph."


@click.command()
@click.argument("one", metavar="A")
@click.argument("others", metavar="B…", nargs=-1, required=True)
@library_option
def same(one: str, others: tuple[str, ...], library: LibraryPlace | None) -> None:
    """Say that A and B show the same.

    A and B are pictures of the library: files, or ids. What you say is kept by their content: it
    holds wherever they lie. Groups bring the same together, and searches by one bring up the other.
    """
    opened = library_for(one, library, "auto", "auto")
    for other in others:
        opened.same(one, other)
    say(f"Kept. {_COUNTS}")


@click.command()
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@library_option
def different(one: str, other: str, library: LibraryPlace | None) -> None:
    """Say that A and B do not show the same, however much they look alike.

    They are in no group together then, are no duplicates, and do not find each other through the
    graph.
    """
    library_for(one, library, "auto", "auto").different(one, other)
    say(f"Kept. {_COUNTS}")


@click.command()
@library_option
@click.option(
    "--withdraw",
    nargs=2,
    metavar="A B",
    help="Forget what was said of two pictures.",
)
@json_option
def verdicts(library: LibraryPlace | None, withdraw: tuple[str, str] | None, as_json: bool) -> None:
    """List what was said with `lookgraph same` and `lookgraph different`, the newest first."""
    if withdraw:
        verdict = library_for(withdraw[0], library, "auto", "auto").withdraw(*withdraw)
        say(f"Forgotten: they were said to be {verdict.kind}.")
        return
    found = open_library(library).verdicts()
    if as_json:
        put_json({"verdicts": [_as_json(one) for one in found]})
        return
    for judged in found:
        verdict = judged.verdict
        pictures = _shown(judged.first, verdict.first), _shown(judged.second, verdict.second)
        put("\t".join((str(verdict.kind), *pictures)))
    if not found:
        say("Nothing was said of any pictures yet. For example: lookgraph same A.jpg B.jpg")


def _shown(paths: tuple[str, ...], id_: str) -> str:
    return printable_name(paths[0]) if paths else f"{id_[:12]} (not here now)"


def _as_json(judged: "Judged") -> dict[str, object]:
    verdict = judged.verdict
    return {
        "verdict": str(verdict.kind),
        "said": verdict.said,
        "pictures": [
            {"id": verdict.first, "paths": list(judged.first)},
            {"id": verdict.second, "paths": list(judged.second)},
        ],
    }
