"""Embedding a folder or a bucket into Parquet parts, without a library."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lookgraph.distributed import engine, manifest, parts
from lookgraph.distributed.job import Run, Workplace, portions
from lookgraph.distributed.sources import Bucket, is_url
from lookgraph.exchange.parquet import as_batch
from lookgraph.exchange.rows import Row
from lookgraph.indexing import TODO, IndexReport, Progress
from lookgraph.ingest.discover import Change, ChangeKind, FoundFile, compare
from lookgraph.ingest.pipeline import Folder
from lookgraph.models.embedder import SettledEmbedder
from lookgraph.types import Entry, Patterns, SkipKind, Space

if TYPE_CHECKING:
    import pyarrow as pa

_THREADS = 16
"""Objects that a worker fetches at a time: storage takes long to answer, and answers many."""


@dataclass(frozen=True, slots=True)
class PartsJob:
    """What is to be embedded, and where the parts go.

    Attributes:
        pictures: a folder's absolute path, or an address.
        patterns: which files of it.
        parts: the folder of the parts; made if need be.
        space: the space to embed into.
        on: what embeds, as for `Library.index`.
    """

    pictures: str
    patterns: Patterns
    parts: Path
    space: Space
    on: str

    @property
    def place(self) -> Workplace:
        """Where files are read and embedded."""
        if is_url(self.pictures):
            return Workplace(self.on, Bucket(self.pictures), _THREADS)
        return Workplace(self.on, Folder(Path(self.pictures)))

    def files(self, leave_out: Callable[[Entry], None]) -> Iterator[FoundFile]:
        """What is there; `leave_out` is told of what cannot be had."""
        if is_url(self.pictures):
            return manifest.in_bucket(self.pictures, self.patterns, leave_out)
        return manifest.in_folder(Path(self.pictures), self.patterns, leave_out)


def write_parts(
    job: PartsJob,
    settle: Callable[[int], SettledEmbedder],
    progress: Callable[[Progress], None],
    dry_run: bool = False,
) -> IndexReport:
    """Embed what no part has yet, or has as it was before; after a stop, call it again.

    Of a file that several parts have, the last one counts.

    Args:
        job: what.
        settle: makes all choices about the network, for so many files.
        progress: is told how far the work is.
        dry_run: only count.

    Raises:
        ClusterError: Ray or the storage is not there, or fails. Parts that were written stay.
        ExchangeError: what lies in the folder of parts is of another space, or is none.
        LibraryLockedError: another process writes there.
        StorageError: it cannot be written to.
    """
    started = time.perf_counter()
    if dry_run:
        return _report(_changes(job)[0], Counter(), started)
    with parts.own(job.parts):
        changes, left_out = _changes(job)
        todo = [(change.path, change.stamp) for change in changes if change.kind in TODO]
        counts: Counter[str] = Counter()
        writer = parts.Parts(job.parts, job.space)
        if left_out:
            counts["skipped"] += len(left_out)
            writer.add(as_batch([Row(entry, None) for entry in left_out], job.space))
        if todo:
            progress(Progress(0, len(todo), 0, job.space))
            settled = settle(len(todo))
            with engine.started(job.on) as ray:
                run = Run(ray, job.place, settled)
                try:
                    for files in portions(iter(todo)):
                        for batch in run.embedded(files):
                            writer.add(batch)
                            _count(batch, counts)
                            done = counts.total() - len(left_out)
                            progress(Progress(done, len(todo), counts["embedded"], job.space))
                finally:
                    writer.flush()
        writer.flush()
    return _report(changes, counts, started)


def _changes(job: PartsJob) -> tuple[list[Change], list[Entry]]:
    left_out: list[Entry] = []
    known = parts.known_files(job.parts, job.space)
    changes = list(compare(iter(known), job.files(left_out.append)))
    told = {(file.path, file.stamp) for file in known}
    return changes, [entry for entry in left_out if (entry.path, entry.stamp) not in told]


def _count(batch: "pa.RecordBatch", counts: Counter[str]) -> None:
    kinds = Counter(batch.column("skip").to_pylist())
    counts["embedded"] += kinds.pop(None, 0)
    counts["other"] += kinds.pop(str(SkipKind.NO_PICTURE), 0)
    counts["skipped"] += kinds.total()


def _report(changes: list[Change], counts: Counter[str], started: float) -> IndexReport:
    kinds = Counter(change.kind for change in changes)
    todo = sum(kinds[kind] for kind in TODO)
    return IndexReport(
        embedded=counts["embedded"] if counts else todo,
        unchanged=kinds[ChangeKind.UNCHANGED],
        skipped=counts["skipped"],
        other=counts["other"],
        seconds=time.perf_counter() - started,
    )
