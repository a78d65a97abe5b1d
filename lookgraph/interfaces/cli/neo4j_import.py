"""``lookgraph import neo4j://…``: from a database of the recipe."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from lookgraph.interfaces.cli.console import (
    SKIPPED,
    LibraryPlace,
    counted,
    open_library,
    printable_name,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lookgraph.exchange.claims import LeftOut
    from lookgraph.exchange.recipe import Imported

_LISTED = 10
_PREFIXES = 5


def import_from(
    address: str,
    folder: Path | None,
    library: LibraryPlace | None,
    model: str | None,
    *,
    unchecked: bool = False,
) -> int:
    """Read a database that was filled by the recipe into the library of a folder.

    Args:
        address: of the database.
        folder: where the pictures are now; None for the current one.
        library: where the library is; None for the nearest one.
        model: the network that made the embeddings; None for a recipe's.
        unchecked: do not ask whether the network makes such embeddings.

    Returns:
        the exit status.
    """
    from lookgraph.choosing import resolve
    from lookgraph.interfaces.cli.progress import shares
    from lookgraph.places import below, refuse_foreign

    network = resolve(model) if model else None
    opened = open_library(library, folder)
    refuse_foreign(opened.store)
    there = open_library(address).store
    from lookgraph.exchange.recipe import read_recipe  # once it is known that the driver is here
    from lookgraph.stores.neo4j.recipe import Recipe
    from lookgraph.stores.neo4j.store import Neo4jStore

    assert isinstance(there, Neo4jStore)
    with shares("Reading the database") as progress:
        found = read_recipe(
            opened.store,
            Recipe(there.connection),
            opened.root,
            network,
            under=below(opened.root, folder),
            unchecked=unchecked,
            progress=progress,
        )
    _tell(found, unchecked=unchecked)
    return SKIPPED if found.left_out else 0


def _tell(found: "Imported", *, unchecked: bool) -> None:
    name = found.space.model
    said = f"Read {counted(found.files, 'file')} with embeddings of {name}."
    if not found.is_checked:
        said += f" That they are {name}'s was not checked"
        said += "." if unchecked else f": lookgraph models fetch {name} brings what that needs."
    say(said)
    if set(found.dropped) - {""}:
        say(f"Paths were followed from their ends: {_prefixes(found.dropped)}.")
    if found.disagreeing:
        say(
            f"Of {counted(found.disagreeing, 'file')}, several nodes have different embeddings: "
            "those of the later nodes were taken."
        )
    _list(found.left_out)


def _prefixes(dropped: Counter[str]) -> str:
    told = [
        f"{counted(count, 'path')} without {printable_name(prefix)!r}"
        for prefix, count in dropped.most_common(_PREFIXES)
        if prefix
    ]
    more = len(dropped) - _PREFIXES
    return ", ".join(told) + f", and {more:,} more beginnings" * (more > 0)


def _list(left_out: "Sequence[LeftOut]") -> None:
    if not left_out:
        return
    say(f"{len(left_out):,} left out:")
    for one in left_out[:_LISTED]:
        say(f"  {printable_name(one.path) or '(no path)'}: {one.reason}")
    if len(left_out) > _LISTED:
        reasons = Counter(one.reason for one in left_out[_LISTED:])
        for reason, count in reasons.most_common(_LISTED):
            say(f"  … {count:,} more: {reason}")
