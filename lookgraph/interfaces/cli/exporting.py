"""``lookgraph export neo4j://…``: into a database, which is kept in step."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    counted,
    open_library,
    put_json,
    say,
)
from lookgraph.interfaces.cli.progress import Seldom

if TYPE_CHECKING:
    from lookgraph.stores.neo4j.mirror.export import Report
    from lookgraph.stores.neo4j.mirror.exporter import Progress

_DOING = {
    "pictures": "Writing pictures",
    "index": "Making the vector index",
    "relations": "Writing relations",
}


def export_to(address: str, library: LibraryPlace | None, *, as_json: bool) -> None:
    """Write a local library into a database, or what has changed since the last time.

    Args:
        address: of the database.
        library: where the library is; None for the nearest one.
        as_json: tell what was done on stdout.
    """
    store, there = open_library(library).store, open_library(address).store
    from lookgraph.stores.neo4j.mirror.export import (
        export,
    )  # once it is known that the driver is here
    from lookgraph.stores.neo4j.store import Neo4jStore

    assert isinstance(there, Neo4jStore)
    with _progress() as progress:
        report = export(store, there.connection, progress)
    if as_json:
        put_json(_as_json(report))
    else:
        _tell(report, there.place)


def _as_json(report: "Report") -> dict[str, object]:
    done = report.done
    return {
        "pictures": done.pictures,
        "pictures_removed": done.removed,
        "relations": done.relations,
        "relations_removed": done.relations_removed,
        "verdicts": done.verdicts,
        "seconds": round(report.seconds, 3),
        "pictures_a_second": round(done.pictures / done.writing) if done.writing else None,
        "without_graph": [name for name, _ in report.without_graph],
    }


def _tell(report: "Report", place: str) -> None:
    done = report.done
    rate = f" ({done.pictures / done.writing:,.0f} a second)" if done.writing else ""
    say(
        f"Wrote {counted(done.pictures, 'picture')}{rate} and "
        f"{counted(done.relations, 'relation')}, removed {counted(done.removed, 'picture')} and "
        f"{counted(done.relations_removed, 'relation')} in {report.seconds:.1f} s: {place}"
    )
    for name, fault in report.without_graph:
        if fault:
            say(f"{name}: its graph cannot be used ({fault}), so there are no relations.")
        else:
            say(f"{name} has no graph, so there are no relations. Make one: lookgraph graph build")


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Show how much of what is written, and how fast: as bars, or in lines now and then."""
    if sys.stderr.isatty():
        with _bars() as tell:
            yield tell
        return
    seldom, began = Seldom(), dict[str, float]()

    def line(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        started = began.setdefault(what, now)
        if seldom.is_due():
            say(f"{_DOING[what]}: {done:,} of {total:,}{_rate(what, done, now - started)}")

    yield line


@contextmanager
def _bars() -> "Iterator[Progress]":
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
                tasks[what] = bars.add_task(_DOING[what], total=total, rate="")
            task = next(one for one in bars.tasks if one.id == tasks[what])
            rate = _rate(what, done, task.elapsed or 0)
            bars.update(task.id, completed=done, total=total, rate=rate)

        yield show


def _rate(what: str, done: int, seconds: float) -> str:
    """How many a second; of the index, which counts per cent, nothing."""
    return f", {done / seconds:,.0f}/s" if seconds > 0 and what != "index" else ""
