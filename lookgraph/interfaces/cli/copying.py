"""One library brought into another: what ``export`` and ``import`` do with databases."""

from typing import TYPE_CHECKING

from lookgraph.interfaces.cli.console import counted, put_json, say
from lookgraph.interfaces.cli.progress import counts

if TYPE_CHECKING:
    from lookgraph.exchange.copying import Copied
    from lookgraph.stores.base import Store


def copy_to(source: "Store", target: "Store", *, as_json: bool, exactly: bool) -> None:
    """Copy a library, showing how far it is, and say what was done.

    Args:
        source: which.
        target: where to.
        as_json: tell what was done on stdout.
        exactly: what the source does not have leaves the target.
    """
    from lookgraph.exchange.copying import CHECKING, WRITING, copy_library

    with counts({WRITING: "Writing pictures", CHECKING: "Checking them"}) as progress:
        done = copy_library(source, target, progress, exactly=exactly)
    if as_json:
        put_json(_as_json(done))
    else:
        _tell(done, target.place)


def _as_json(done: "Copied") -> dict[str, object]:
    return {
        "pictures": done.pictures,
        "pictures_there": done.there,
        "pictures_with_other_numbers": done.other,
        "files": done.files,
        "verdicts": done.verdicts,
        "graphs": list(done.graphs),
        "seconds": round(done.seconds, 3),
    }


def _tell(done: "Copied", place: str) -> None:
    rate = f" ({done.pictures / done.seconds:,.0f} a second)" if done.pictures else ""
    say(
        f"Wrote {counted(done.pictures, 'picture')}{rate}, {counted(done.files, 'file')} and "
        f"{counted(done.verdicts, 'verdict')}; {done.there:,} were there. All are there now, with "
        f"the right checksums: {place}"
    )
    if done.other:
        say(
            f"{counted(done.other, 'picture')} had other numbers there already, of another runtime "
            "or version, which were kept."
        )
    for name in done.graphs:
        say(f"The graph of {name} is there, too.")
