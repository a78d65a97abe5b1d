"""How far long work is, on stderr."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
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


@contextmanager
def counts(
    words: Mapping[str, str], without_rate: str = ""
) -> Iterator[Callable[[str, int, int], None]]:
    """Show how many of what are done, and how fast: as bars, or in lines now and then.

    Args:
        words: what is said of each thing that is being done, by its name.
        without_rate: the name of that of which it is not told how fast it is.
    """

    def rate(what: str, done: int, seconds: float) -> str:
        return f", {done / seconds:,.0f}/s" if seconds > 0 and what != without_rate else ""

    if sys.stderr.isatty():
        with _bars(words, rate) as tell:
            yield tell
        return
    seldom, began = Seldom(), dict[str, float]()

    def line(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        started = began.setdefault(what, now)
        if seldom.is_due():
            say(f"{words[what]}: {done:,} of {total:,}{rate(what, done, now - started)}")

    yield line


@contextmanager
def _bars(
    words: Mapping[str, str], rate: Callable[[str, int, float], str]
) -> Iterator[Callable[[str, int, int], None]]:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(bar_width=24),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[rate]}"),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, rich.TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(words[what], total=total, rate="")
            task = next(one for one in bars.tasks if one.id == tasks[what])
            told = rate(what, done, task.elapsed or 0)
            bars.update(task.id, completed=done, total=total, rate=told)

        yield show
