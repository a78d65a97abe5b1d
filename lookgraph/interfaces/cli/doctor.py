"""``lookgraph doctor``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    PlaceParam,
    json_option,
    library_option,
    open_library,
    printable,
    put,
    put_json,
    say,
)

if TYPE_CHECKING:
    from lookgraph.stores.base import Check

_SIGNS = {True: "ok  ", False: "BAD ", None: "    "}


@click.command()
@click.argument("place", metavar="[FOLDER|ADDRESS]", required=False, type=PlaceParam())
@library_option
@click.option("--repair", is_flag=True, help="Mend what is damaged: embed those pictures again.")
@json_option
def doctor(
    place: LibraryPlace | None, library: LibraryPlace | None, repair: bool, as_json: bool
) -> int:
    """Check this machine, the network and the library of FOLDER, or that at an ADDRESS.

    An address is that of a server, neo4j://USER@HOST/DATABASE or milvus://HOST/COLLECTION.
    """
    from lookgraph.doctor import check_all, mend

    folder = place if isinstance(place, Path) else None
    opened = open_library(library if folder or place is None else place, folder)
    if repair:
        say(mend(opened))
    checks = check_all(opened)
    if as_json:
        put_json([asdict(check) for check in checks])
    else:
        _print(checks)
    return 1 if any(check.ok is False for check in checks) else 0


def _print(checks: "list[Check]") -> None:
    for check in checks:
        put(f"{_SIGNS[check.ok]}{check.name:<14}{printable(check.found)}")
        if check.ok is False and check.advice:
            put(f"    {'':<14}{printable(check.advice)}")
