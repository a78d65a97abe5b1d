"""``lookgraph index``."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
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
    put_json,
    runtime_options,
    say,
)
from lookgraph.interfaces.cli.parts import PicturesParam, Wish, embed_to_parts
from lookgraph.interfaces.cli.progress import Seldom

if TYPE_CHECKING:
    from lookgraph.choosing import ModelLike
    from lookgraph.indexing import IndexReport, Progress
    from lookgraph.library import Library
    from lookgraph.stores.base import Status
    from lookgraph.types import Entry

_LISTED = 10


@click.command()
@click.argument("folder", required=False, type=PicturesParam())
@library_option
@click.option("--include", multiple=True, metavar="GLOB", help="Only files that match; repeatable.")
@click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Not these files and folders; repeatable."
)
@click.option(
    "--model",
    metavar="MODEL",
    help="The network: a name from `lookgraph models`, or an ONNX file."
    "  [default: those that the library has, or efficientnet-lite0]",
)
@click.option(
    "--model-option",
    "model_options",
    multiple=True,
    metavar="KEY=VALUE",
    help="What an ONNX file does not say of itself, such as size=224; repeatable.",
)
@click.option(
    "--weights",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The network's weights, instead of a download.",
)
@click.option("--own-weights", is_flag=True, help="These weights are somebody's own.")
@click.option(
    "--metric",
    type=click.Choice(["cosine", "l2", "inner-product"]),
    help="How embeddings are compared.  [default: what suits the network]",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16", "int8"]),
    help="What the network computes with.  [default: float32]",
)
@click.option(
    "--index",
    "kind",
    type=click.Choice(["auto", "exact", "ivf", "hnsw", "gds"]),
    help="How it is searched: by comparing everything (exact), or by codes with an exact second "
    "look (ivf). In Neo4j by its index of vectors (hnsw), or by Graph Data Science (gds)."
    "  [default: what was said before, or auto: by an index once the other takes long]",
)
@runtime_options
@click.option(
    "--on",
    metavar="WHERE",
    help="What embeds: ray, on this machine; or a cluster, ray://HOST:PORT."
    "  [default: this process]",
)
@click.option(
    "--parts",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --on: write Parquet files to DIR, for `lookgraph import`, and no library. FOLDER "
    "may then be in object storage, s3://BUCKET/FOLDER.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")
@json_option
def index(
    folder: Path | str | None,
    library: LibraryPlace | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    model: str | None,
    model_options: tuple[str, ...],
    weights: Path | None,
    own_weights: bool,
    metric: str | None,
    precision: str | None,
    kind: str | None,
    runtime: str,
    device: str,
    on: str | None,
    parts: Path | None,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Make the pictures in FOLDER searchable, or bring its library up to date.

    Only new and changed pictures are read. The library is kept in FOLDER/.lookgraph, or where
    --library says. --include and --exclude are kept with it and hold until others are given.
    Stop it at any time: what is done stays, and the next run goes on.

    A library can have embeddings of several networks side by side: --model adds one.
    """
    wanted = _wanted(model, model_options, weights, own_weights)
    if parts is not None:
        if on is None or library is not None or kind is not None:
            raise click.UsageError("--parts needs --on, and goes without --library and --index.")
        wish = Wish(str(folder or Path()), parts, on, include, exclude, wanted, metric, precision,
                    runtime, device)  # fmt: skip
        with _progress(quiet) as progress, _stoppable():
            report, left_out = embed_to_parts(wish, progress or (lambda _: None), dry_run)
        if as_json:
            put_json({"dry_run": dry_run, **asdict(report)})
        if not quiet:
            say(_forecast(report) if dry_run else _told_of_parts(parts, report))
            _list(left_out, len(left_out))
        return SKIPPED if left_out and not dry_run else 0
    if isinstance(folder, str):
        raise click.UsageError(f"{folder} is in object storage: say --on ray --parts DIR, too.")
    opened = open_library(library, folder, runtime, device)
    with _stoppable(), _progress(quiet) as progress:
        report = opened.index(
            folder,
            include=include or None,
            exclude=exclude or None,
            model=wanted,
            metric=metric,
            precision=precision,
            index=kind,
            on=on,
            dry_run=dry_run,
            progress=progress,
        )
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


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("Stopped. What was done is kept; run the command again to go on.")
        raise


def _wanted(
    model: str | None, options: tuple[str, ...], weights: Path | None, own_weights: bool
) -> "ModelLike | None":
    """The network that the options speak of."""
    from lookgraph.models.registry import DEFAULT_MODEL

    if own_weights and weights is None:
        raise click.UsageError("--own-weights needs --weights FILE.")
    if weights:
        from lookgraph.models.registry import find_model
        from lookgraph.models.weights import own_weights as with_own
        from lookgraph.models.weights import take_weights

        row = find_model(model or DEFAULT_MODEL)
        if own_weights:
            return with_own(row, weights)
        take_weights(row, weights)
        return row
    if options:
        from lookgraph.choosing import resolve

        if model is None:
            raise click.UsageError("--model-option needs --model FILE.onnx.")
        return resolve(model, options)
    return model


def _forecast(report: "IndexReport") -> str:
    return (
        f"{counted(report.embedded, 'file')} would be read, "
        f"{report.unchanged:,} are unchanged, {report.forgotten:,} are gone."
    )


def _summary(opened: "Library", status: "Status", report: "IndexReport") -> str:
    pictures = counted(status.pictures, "picture")
    return f"{pictures} in {opened.root}: {_counts(report)}. {report.seconds:.1f} s"


def _told_of_parts(parts: Path, report: "IndexReport") -> str:
    return f"Parts in {parts}: {_counts(report)}. {report.seconds:.1f} s"


def _counts(report: "IndexReport") -> str:
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
    return ", ".join(found) or "no files"


def _list_skipped(opened: "Library", skipped: int) -> None:
    _list(islice(opened.skipped(), _LISTED), skipped)
    if skipped > _LISTED:
        say(f"  … and {skipped - _LISTED:,} more: lookgraph status --skipped")


def _list(entries: Iterable["Entry"], count: int) -> None:
    """Say why the first of so many files were left out."""
    if count:
        say(f"{counted(count, 'file')} left out:")
    for entry in islice(entries, _LISTED):
        if entry.skip:
            say(f"  {printable_name(entry.path)}: {printable_name(entry.skip.reason)}")


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
        rich.TextColumn("{task.description}"),
        rich.BarColumn(bar_width=24),
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
            nonlocal began
            if now.done == 0:  # of each space
                began = time.monotonic()
                bar.reset(task)
            if (made := _made(now)) is not None:
                what, share = made
                bar.update(task, description=f"Making {what}", completed=round(100 * share),
                           total=100, rate="%", visible=True)  # fmt: skip
                return
            rate = f"{now.done / max(time.monotonic() - began, 1e-3):.0f}/s" if now.done else ""
            bar.update(
                task,
                description=f"Indexing with {now.space.model}",
                completed=now.done,
                total=now.total,
                rate=rate,
                visible=True,
            )

        yield show


def _made(now: "Progress") -> tuple[str, float] | None:
    """What is being made of embeddings, and the share of it that is done; None while embedding."""
    if now.index is not None:
        return "the index", now.index
    return None if now.graph is None else ("the graph", now.graph)


class _Lines:
    """Plain lines for logs, now and then."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._seldom = Seldom()

    def show(self, now: "Progress") -> None:
        moment = time.monotonic()
        if now.done == 0:  # of each space
            self.began = moment
        if not self._seldom.is_due():
            return
        if (made := _made(now)) is not None:
            say("{} is made: {:.0%}".format(*made))
            return
        rate = now.done / max(moment - self.began, 1e-3)
        left = (now.total - now.done) / rate if rate else 0.0
        say(f"{now.done:,} of {now.total:,} files, {rate:.0f} a second, {left:.0f} s left")
