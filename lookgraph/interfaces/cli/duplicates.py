"""``lookgraph duplicates``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.console import (
    SKIPPED,
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

if TYPE_CHECKING:
    from lookgraph.duplicates.finding import Duplicate, Duplicates, Other
    from lookgraph.duplicates.moving import Moved
    from lookgraph.library import Library
    from lookgraph.pages import Tile

_SHOWN = 100
"""Groups on a page."""

_LEFT_SHOWN = 10
_SIDE = 240
_TITLES = {"identical": "Identical bytes", "same": "The same picture", "alike": "Look-alikes"}


@click.command()
@library_option
@click.option(
    "--tier",
    "tiers",
    multiple=True,
    type=click.Choice(["identical", "same", "alike"]),
    help="Identical bytes; the same picture, however it was saved, resized or cropped; pictures"
    " that look alike. May be given more than once.  [default: identical and same]",
)
@click.option(
    "--threshold", type=float, metavar="SCORE", help="The least score of those that look alike."
    "  [default: 0.9]",
)  # fmt: skip
@click.option(
    "--prefer",
    multiple=True,
    metavar="WHAT",
    help="What decides first about the copy to keep: resolution, format, size, oldest, newest,"
    " path (the shortest), or a folder (originals/) or glob of paths. May be given more than once."
    "  [default: resolution, format, size, oldest, path]",
)
@click.option("--model", metavar="MODEL", help="Whose embeddings are compared.")
@click.option(
    "--move-to",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Move all but the copies to keep to a folder outside of the library's.",
)
@click.option(
    "--undo",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Move all files back that were moved to a folder.",
)
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page that shows them side by side; it needs nothing but itself.",
)
@json_option
def duplicates(
    library: LibraryPlace | None,
    tiers: tuple[str, ...],
    threshold: float | None,
    prefer: tuple[str, ...],
    model: str | None,
    move_to: Path | None,
    undo: Path | None,
    html: Path | None,
    as_json: bool,
) -> int:
    """Show what is there more than once, which copy to keep, and why.

    Every member of a group matches the copy to keep, which comes first. Nothing is ever deleted:
    --move-to moves the others away, with a list of them, and --undo brings them back.
    """
    from lookgraph.interfaces.cli.progress import shares

    if sum(map(bool, (html, as_json, undo))) > 1 or (undo and move_to):
        raise click.UsageError("Only one of --html, --json and --undo can be given.")
    opened = open_library(library)
    if undo:
        with shares("Moving back") as progress:
            return _tell(opened.move_back(undo, progress), "Moved back", "lookgraph index")
    with shares("Looking for duplicates") as progress:
        found = opened.duplicates(
            tiers=tiers or ("identical", "same"),
            threshold=threshold,
            prefer=prefer,
            model=model,
            progress=progress,
        )
    if as_json:
        put_json(_as_json(found))
    elif html:
        put_page(_page(found, opened), html)
        say(f"Wrote {html.absolute().as_uri()}")
    else:
        for number, group in enumerate(found, 1):
            for line in _lines(group, opened.root):
                put(f"{number}\t{line}")
    say(_told(found))
    if move_to is None:
        return 0
    with shares("Moving") as progress:
        moved = opened.move_duplicates(found, move_to, progress)
    return _tell(moved, "Moved", f"lookgraph duplicates --undo {move_to}")


def _tell(done: "Moved", verb: str, then: str) -> int:
    say(f"{verb} {counted(len(done.moved), 'file')}." + (f" Then: {then}" if done.moved else ""))
    for file, reason in done.left[:_LEFT_SHOWN]:
        say(f"{printable_name(str(file))} stays: {printable_name(reason)}.")
    if (more := len(done.left) - _LEFT_SHOWN) > 0:
        say(f"{counted(more, 'more file')} stayed where they were.")
    return SKIPPED if done.left else 0


def _lines(group: "Duplicate", root: Path) -> list[str]:
    """The copy to keep and why, and the others with how much they have in common with it."""
    name = printable_name(shown_path(str(root / group.keep.path)))
    lines = [f"{group.tier}\tkeep\t{name}\t{group.reason}"]
    for other in group.others:
        name = printable_name(shown_path(str(root / other.copy.path)))
        lines.append(f"{group.tier}\t\t{name}\t{_common(other)}")
    return lines


def _common(other: "Other") -> str:
    parts = []
    if other.score is not None:
        parts.append(f"score {other.score:.3f}")
    if other.agreement is not None:
        parts.append(f"{other.agreement:.0%} of its detail")
    return ", ".join(parts)


def _told(found: "Duplicates") -> str:
    count = {tier: [0, 0, 0] for tier in _TITLES}
    for group in found:
        its = count[str(group.tier)]
        its[0] += 1
        its[1] += len(group.others)
        its[2] += sum(other.copy.entry.stamp.size for other in group.others)
    parts = [
        f"{_TITLES[tier].lower()}: {counted(groups, 'group')} with {counted(others, 'file')} "
        f"beside the one to keep ({size / 1e6:,.1f} MB)"
        for tier, (groups, others, size) in count.items()
        if groups
    ]
    said = "; ".join(parts) or "nothing is there more than once"
    unseen = ""
    if found.unseen:
        unseen = (
            f" {counted(len(found.unseen), 'picture')} could not be looked at, such as "
            f"{printable_name(found.unseen[0])}: gone or changed. First: lookgraph index"
        )
    return f"{said[0].upper()}{said[1:]}.{unseen}"


def _as_json(found: "Duplicates") -> dict[str, object]:
    return {
        "space": found.space.name,
        "threshold": found.threshold,
        "took_ms": round(found.took_ms, 3),
        "unseen": list(found.unseen),
        "groups": [
            {
                "tier": str(group.tier),
                "keep": group.keep.path,
                "id": group.keep.picture.id,
                "reason": group.reason,
                "others": [
                    {
                        "path": other.copy.path,
                        "id": other.copy.picture.id,
                        "score": other.score,
                        "agreement": other.agreement,
                    }
                    for other in group.others
                ],
            }
            for group in found
        ],
    }


def _page(found: "Duplicates", library: "Library") -> str:
    from lookgraph.pages import groups_page

    shown = found[:_SHOWN]
    sections = [(_title(group), _tiles(group, library.root)) for group in shown]
    left = len(found) - len(shown)
    note = _told(found) + f" The first {len(shown)} groups are shown." * bool(left)
    return groups_page(sections, heading="Duplicates", note=note)


def _title(group: "Duplicate") -> str:
    return f"{_TITLES[str(group.tier)]}. Keep the first: {group.reason}"


def _tiles(group: "Duplicate", root: Path) -> Sequence["Tile"]:
    from lookgraph.pages import Tile
    from lookgraph.results import thumbnail_of

    tiles = []
    for copy, score in [
        (group.keep, "to keep"),
        *((other.copy, _common(other) or "identical") for other in group.others),
    ]:
        picture, file = copy.picture, root / copy.path
        parts = [
            picture.format,
            f"{picture.width} × {picture.height}",
            f"{copy.entry.stamp.size / 1000:,.0f} kB",
            (picture.taken or "")[:10],
        ]
        tiles.append(
            Tile(
                thumbnail_of(file, _SIDE),
                copy.path,
                score,
                str(file),
                details=" · ".join(part for part in parts if part),
            )
        )
    return tiles
