"""Bringing a library in step with its folder: what changed is embedded, what is gone goes."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from lookgraph.config import usable_cores
from lookgraph.errors import StorageError
from lookgraph.ingest.discover import Change, ChangeKind, UnreadFolder, compare, walk
from lookgraph.ingest.pipeline import Outcome, embed_files
from lookgraph.stores.base import Store, Writer
from lookgraph.types import (
    Embeds,
    Entry,
    IndexKind,
    Patterns,
    Picture,
    Skip,
    SkipKind,
    Space,
    Stamp,
    Vector,
)

_COMMIT_SECONDS = 0.5
_COMMIT_FILES = 512
"""A batch is committed when it has grown to so many files, or so old: what a crash can lose."""

_RENEWED = 20_000
"""After so many new embeddings the index is renewed, so that searches stay fast on the way."""

_WASTE = 0.25
_WASTE_ROWS = 1000
"""Rows are compacted when this share of them, and at least so many, are unused."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be indexed, and into what.

    Attributes:
        root: the library's folder.
        patterns: what of it belongs to it.
        under: the relative path of the part that is looked at; empty for all of it.
        space: the space to embed into.
        network: what the library keeps of the space's network; None if its name is enough.
        library: the library's own folder, which may lie in that; None if it is in none.
        index: how it is to be searched; None for what was said before.
    """

    root: Path
    patterns: Patterns
    under: str
    space: Space
    network: str | None
    library: Path | None
    index: IndexKind | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is: files done of files to do, and how many of them were embedded.

    Where a library has several spaces, each is done in turn: `space` says which. While an index
    is made, `index` says which share of it is done, from 0 to 1; otherwise it is None. So does
    `graph` while the graph is renewed.
    """

    done: int
    total: int
    embedded: int
    space: Space
    index: float | None = None
    graph: float | None = None


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What indexing did, or, after a dry run, would do, in files.

    Attributes:
        embedded: read and embedded; after a dry run, all that would be read.
        recognised: read, and their content was known: moved, copied, touched or back again.
        unchanged: not opened.
        forgotten: that were gone.
        skipped: left out for a reason, of those looked at now; `Library.skipped` lists all.
        other: read, and no pictures.
        seconds: how long it took.
    """

    embedded: int = 0
    recognised: int = 0
    unchanged: int = 0
    forgotten: int = 0
    skipped: int = 0
    other: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class _Plan:
    """What is to be done, known after one walk."""

    counts: Counter[ChangeKind] = field(default_factory=Counter)
    gone: list[str] = field(default_factory=list)
    unread: list[UnreadFolder] = field(default_factory=list)

    @property
    def todo(self) -> int:
        return sum(self.counts[kind] for kind in TODO)


TODO = (ChangeKind.NEW, ChangeKind.CHANGED, ChangeKind.AGAIN)
"""The changes for which a file is read."""


def rehearse(store: Store, job: Job) -> IndexReport:
    """Count what `run` would do. Nothing is written, and no file is opened."""
    started = time.perf_counter()
    plan = _plan(store, job)
    return _report(plan, Counter({"embedded": plan.todo}), started)


class EmbedsFiles(Protocol):
    """What embeds the files of a job: this process, or others."""

    def __call__(
        self, changes: Iterator[Change], count: int, find: Callable[[str], Picture | None]
    ) -> AbstractContextManager[Iterator[Outcome]]:
        """Get ready to embed files.

        Args:
            changes: none of them GONE or UNCHANGED.
            count: how many there are.
            find: gives the picture with an id, if it has an embedding already. Safe from any
                thread of this process.

        Returns:
            one outcome for each change, in no particular order; what embeds them stops at the end
            of the block.
        """
        ...


def run(
    store: Store, job: Job, network: Callable[[int], Embeds], progress: Callable[[Progress], None]
) -> IndexReport:
    """Bring the store in step with the folder, with all embedding done in this process.

    Args:
        store: as for `run_with`; so are the others.
        job: likewise.
        network: opens the network for so many files; called only if a file must be read.
        progress: likewise.
    """

    @contextmanager
    def here(
        changes: Iterator[Change], count: int, find: Callable[[str], Picture | None]
    ) -> Iterator[Iterator[Outcome]]:
        embeds = network(count)
        with closing(embed_files(job.root, changes, embeds, find, usable_cores())) as outcomes:
            yield outcomes

    return run_with(store, job, here, progress)


def run_with(
    store: Store, job: Job, embed: EmbedsFiles, progress: Callable[[Progress], None]
) -> IndexReport:
    """Bring the store in step with the folder; after Ctrl-C or a crash, call it again.

    Args:
        store: the library; made where there is none.
        job: what is to be indexed.
        embed: what embeds files; called only if a file must be read.
        progress: is told how far the work is whenever a batch has been committed.
    """
    started = time.perf_counter()
    with store.write() as writer:
        writer.remember(job.root, job.patterns)
        plan = _plan(store, job)
        counts: Counter[str] = Counter()
        if plan.todo:
            progress(Progress(0, plan.todo, 0, job.space))
            changes = (change for change in _changes(store, job, []) if change.kind in TODO)
            with embed(changes, plan.todo, lambda id_: writer.find(job.space, id_)) as outcomes:
                writer.add_space(job.space, job.network)
                counts = _store(writer, job.space, outcomes, plan.todo, progress)
        writer.forget(plan.gone)
        if plan.unread:
            writer.commit(job.space, [_unread_entry(folder) for folder in plan.unread], {})
        _compact(store, writer, job.space)

        done = Progress(plan.todo, plan.todo, counts["embedded"], job.space)

        def sealing(share: float) -> None:
            progress(replace(done, index=share))

        def linking(share: float) -> None:
            progress(replace(done, graph=share))

        writer.renew_index(job.space, job.index, sealing)
        writer.renew_graph(job.space, None, linking)
        return _report(plan, counts, started)


def together(reports: Sequence[IndexReport]) -> IndexReport:
    """One report of several runs over the same files, each into another space.

    What concerns files and not embeddings is seen by the first run, or by all alike.
    """
    return IndexReport(
        embedded=sum(report.embedded for report in reports),
        recognised=sum(report.recognised for report in reports),
        unchanged=min(report.unchanged for report in reports),
        forgotten=sum(report.forgotten for report in reports),
        skipped=max(report.skipped for report in reports),
        other=max(report.other for report in reports),
        seconds=sum(report.seconds for report in reports),
    )


def _changes(store: Store, job: Job, unread: list[UnreadFolder]) -> Iterator[Change]:
    found = walk(job.root, job.patterns, unread.append, under=job.under, library=job.library)
    for change in compare(store.known_files(job.space, job.under), found):
        # What lies in a folder that cannot be listed is not known to be gone.
        if change.kind is not ChangeKind.GONE or not _lies_in(change.path, unread):
            yield change


def _lies_in(path: str, unread: list[UnreadFolder]) -> bool:
    return any(path.startswith(f"{folder.path}/") for folder in unread)


def _plan(store: Store, job: Job) -> _Plan:
    plan = _Plan()
    for change in _changes(store, job, plan.unread):
        plan.counts[change.kind] += 1
        if change.kind is ChangeKind.GONE:
            plan.gone.append(change.path)
    for folder in plan.unread:
        if folder.path == job.under:
            raise StorageError(f"{job.root / job.under} cannot be listed: {folder.reason}.")
    return plan


class _Batch:
    """Outcomes that wait to be committed together."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.embeddings: dict[str, Vector] = {}
        self.since = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        self.entries.append(outcome.entry)
        if outcome.entry.picture and outcome.embedding is not None:
            self.embeddings[outcome.entry.picture.id] = outcome.embedding

    def is_due(self) -> bool:
        waited = time.monotonic() - self.since
        return len(self.entries) >= _COMMIT_FILES or waited >= _COMMIT_SECONDS


def _store(
    writer: Writer,
    space: Space,
    outcomes: Iterator[Outcome],
    total: int,
    progress: Callable[[Progress], None],
) -> Counter[str]:
    counts: Counter[str] = Counter()
    batch, renewed = _Batch(), 0
    try:
        for outcome in outcomes:
            batch.add(outcome)
            counts[_what(outcome)] += 1
            if batch.is_due():
                writer.commit(space, batch.entries, batch.embeddings)
                batch = _Batch()
                progress(Progress(counts.total(), total, counts["embedded"], space))
            if counts["embedded"] >= renewed + _RENEWED:
                renewed = counts["embedded"]
                writer.renew_index(space, None, lambda _: None)
    except KeyboardInterrupt:
        writer.commit(space, batch.entries, batch.embeddings)
        raise
    writer.commit(space, batch.entries, batch.embeddings)
    progress(Progress(counts.total(), total, counts["embedded"], space))
    return counts


def _what(outcome: Outcome) -> str:
    """The attribute of `IndexReport` that the outcome counts in."""
    if outcome.entry.skip:
        return "other" if outcome.entry.skip.kind is SkipKind.NO_PICTURE else "skipped"
    return "recognised" if outcome.embedding is None else "embedded"


def _unread_entry(folder: UnreadFolder) -> Entry:
    reason = f"the folder cannot be listed: {folder.reason}"
    return Entry(f"{folder.path}/", Stamp(0, 0), skip=Skip(SkipKind.UNREADABLE, reason))


def _compact(store: Store, writer: Writer, space: Space) -> None:
    for status in store.status().spaces:
        if status.space != space or status.pictures == 0:
            continue  # where nothing is left, a disk may be missing: its pictures may come back
        rows = status.pictures + status.unused_rows
        if status.unused_rows > max(_WASTE_ROWS, _WASTE * rows):
            writer.compact(space)


def _report(plan: _Plan, counts: Counter[str], started: float) -> IndexReport:
    report = IndexReport(
        unchanged=plan.counts[ChangeKind.UNCHANGED],
        forgotten=len(plan.gone),
        seconds=time.perf_counter() - started,
    )
    return replace(report, **counts)
