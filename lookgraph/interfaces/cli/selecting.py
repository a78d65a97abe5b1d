"""The options that say which pictures may answer a search."""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_MOMENT = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d)?)?)?)?)?")
_ID = re.compile(r"[0-9a-f]{64}")


def selection_options(command: Command) -> Command:
    """Add them; the command is given a `Selection`, as ``among``."""

    @functools.wraps(command)
    def selecting(
        *arguments: object,
        under: str,
        name: str,
        taken: tuple[str | None, str | None] | None,
        min_size: int,
        ids: Path | None,
        **others: object,
    ) -> object:
        from lookgraph.types import Selection

        chosen = None if ids is None else _read_ids(ids)
        first, last = taken or (None, None)  # None from a command that invokes this one
        among = Selection(under, name, first, last, min_size, chosen)
        return command(*arguments, among=among, **others)

    for option in reversed(_OPTIONS):
        selecting = option(selecting)
    return selecting  # type: ignore[return-value]  # click reads its options off the function


def _folder(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """A folder relative to the library's, as people write it."""
    return re.sub(r"^(\./)+|/+$", "", value) if value != "." else ""


def _span(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[str | None, str | None]:
    """Read ``FROM..TO``, of which either may be missing."""
    if value is None:
        return None, None
    start, dots, end = value.partition("..")
    if not dots:
        end = start  # a year, month or day alone
    if not (start or end) or any(part and not _MOMENT.fullmatch(part) for part in (start, end)):
        raise click.BadParameter(
            f"{value} is no time, such as 2024, 2024-06..2024-08, or ..2024-06-30."
        )
    return start or None, end or None


def _read_ids(file: Path) -> frozenset[str]:
    try:
        ids = frozenset(file.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read: {error}.") from None
    for id_ in ids:
        if not _ID.fullmatch(id_):
            raise click.UsageError(f"{file}: {id_[:80]} is no id, of 64 digits from 0 to f.")
    return ids


_OPTIONS = (
    click.option(
        "--under",
        default="",
        metavar="FOLDER",
        callback=_folder,
        help="Only pictures below this folder, named as from the library's.",
    ),
    click.option("--name", default="", metavar="GLOB", help="Only files whose name matches."),
    click.option(
        "--taken",
        metavar="FROM..TO",
        callback=_span,
        help="Only pictures taken then: 2024, 2024-06..2024-08, ..2024-06-30.",
    ),
    click.option(
        "--min-size",
        type=click.IntRange(0),
        default=0,
        metavar="PIXELS",
        help="Only pictures whose shorter side has so many pixels.",
    ),
    click.option(
        "--ids",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Only pictures whose ids stand in this file.",
    ),
)
