"""How far a download is: a bar for people, lines for logs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lookgraph.interfaces.cli.console import say, size_text
from lookgraph.interfaces.cli.progress import Seldom

if TYPE_CHECKING:
    from lookgraph.models.downloads.receiving import Tell


@contextmanager
def fetching(name: str, quiet: bool) -> "Iterator[Tell]":
    """Show how far the download of a network's weights is, as long as the block runs."""
    if quiet:
        yield lambda _here, _total: None
    elif sys.stderr.isatty():
        with _bar(name) as show:
            yield show
    else:
        yield _Lines(name).show


@contextmanager
def _bar(name: str) -> "Iterator[Tell]":
    from rich import progress as rich
    from rich.console import Console

    with rich.Progress(
        rich.TextColumn(f"Fetching {name}"),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
        rich.TextColumn("left"),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None)

        def show(here: int, total: int) -> None:
            bar.update(task, completed=here, total=total or None)

        yield show


class _Lines:
    """Plain lines for logs, now and then."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._seldom = Seldom()

    def show(self, here: int, total: int) -> None:
        if not self._seldom.is_due():
            return
        of = f" of {size_text(total)}" if total else ""
        say(f"Fetching {self.name}: {size_text(here)}{of}")
