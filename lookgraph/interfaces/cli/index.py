"""``lookgraph index``."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.console import (
    SKIPPED,
    counted,
    json_option,
    library_option,
    open_library,
    printable_name,
    put_json,
    say,
)

if TYPE_CHECKING:
    from lookgraph.indexing import IndexReport, Progress
    from lookgraph.library import Library
    from lookgraph.stores.base import Status

_LISTED = 10
_SECONDS_BETWEEN_LINES = 5.0


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@library_option
@click.option("--include", multiple=True, metavar="GLOB", help="Only files that match; repeatable.")
@click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Not these files and folders; repeatable."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")
@json_option
def index(
    folder: Path | None,
    library: Path | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Make the pictures in FOLDER searchable, or bring its library up to date.

    Only new and changed pictures are read. The library is kept in FOLDER/.lookgraph, or where
    --library says. --include and --exclude are kept with it and hold until others are given.
    Stop it at any time: what is done stays, and the next run goes on.
    """
    opened = open_library(library, folder)
    try:
        with _progress(quiet) as progress:
            report = opened.index(
                folder,
                include=include or None,
                exclude=exclude or None,
                dry_run=dry_run,
                progress=progress,
            )
    except KeyboardInterrupt:
        say("Stopped. What was done is kept; run the command again to go on.")
        raise
    if as_json:
        put_json({"dry_run": dry_run, **asdict(report)})
    if dry_run:
        if not quiet:
            say(_forecast(report))
        return 0
    status = opened.status()
    if not quiet:
        say(_summary(opened, status, report))
        _list_skipped(opened, status.skipped)
    return SKIPPED if status.skipped else 0


def _forecast(report: "IndexReport") -> str:
    return (
        f"{counted(report.embedded, 'file')} would be read, "
        f"{report.unchanged:,} are unchanged, {report.forgotten:,} are gone."
    )


def _summary(opened: "Library", status: "Status", report: "IndexReport") -> str:
    found = [
        f"{count:,} {what}"
        for count, what in (
            (report.embedded, "embedded"),
            (report.recognised, "recognised by their content"),
            (report.unchanged, "unchanged"),
            (report.forgotten, "gone"),
            (report.skipped, "left out"),
        )
        if count
    ]
    pictures = counted(status.pictures, "picture")
    return f"{pictures} in {opened.root}: {', '.join(found) or 'no files'}. {report.seconds:.1f} s"


def _list_skipped(opened: "Library", skipped: int) -> None:
    if not skipped:
        return
    say(f"{counted(skipped, 'file')} left out:")
    for entry in islice(opened.skipped(), _LISTED):
        if entry.skip:
            say(f"  {printable_name(entry.path)}: {entry.skip.reason}")
    if skipped > _LISTED:
        say(f"  … and {skipped - _LISTED:,} more: lookgraph status --skipped")


@contextmanager
def _progress(quiet: bool) -> Iterator["Callable[[Progress], None] | None"]:
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _Lines().show


@contextmanager
def _bar() -> Iterator["Callable[[Progress], None]"]:
    from rich import progress as rich
    from rich.console import Console

    with rich.Progress(
        rich.TextColumn("Indexing"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[rate]}"),
        rich.TimeRemainingColumn(),
        rich.TextColumn("left"),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None, rate="", visible=False)
        began = time.monotonic()

        def show(now: "Progress") -> None:
            rate = f"{now.done / max(time.monotonic() - began, 1e-3):.0f}/s" if now.done else ""
            bar.update(task, completed=now.done, total=now.total, rate=rate, visible=True)

        yield show


class _Lines:
    """Plain lines for logs, now and then."""

    def __init__(self) -> None:
        self.began = self.told = time.monotonic()

    def show(self, now: "Progress") -> None:
        moment = time.monotonic()
        if moment - self.told < _SECONDS_BETWEEN_LINES:
            return
        self.told = moment
        rate = now.done / (moment - self.began)
        left = (now.total - now.done) / rate if rate else 0.0
        say(f"{now.done:,} of {now.total:,} files, {rate:.0f} a second, {left:.0f} s left")
