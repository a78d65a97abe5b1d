"""How far long work is, on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lookgraph.interfaces.cli.console import say

_SECONDS_BETWEEN_LINES = 5.0


class Seldom:
    """Says when another line is due in a log."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def is_due(self) -> bool:
        """Whether five seconds have gone by since it was last due, or made."""
        now = time.monotonic()
        if now - self._told < _SECONDS_BETWEEN_LINES:
            return False
        self._told = now
        return True


@contextmanager
def shares(what: str) -> Iterator[Callable[[float], None]]:
    """Show the share that is done, from 0 to 1: as a bar, or in lines now and then for logs.

    Args:
        what: what is being done, such as ``Making the graph``.
    """
    if sys.stderr.isatty():
        with _bar(what) as show:
            yield show
        return
    seldom = Seldom()

    def line(share: float) -> None:
        if seldom.is_due():
            say(f"{what}: {share:.0%}")

    yield line


@contextmanager
def _bar(what: str) -> Iterator[Callable[[float], None]]:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(bar_width=24),
        rich.TaskProgressColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)
