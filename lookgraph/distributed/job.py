"""The job as a whole: files go out to the workers in portions, and come back as tables.

A worker that is killed is started again, and what it was at is done again; Ray gives each result
once. A block on which workers die again and again is lost to Ray; its files go out once more, each
by itself, and what kills workers even then is left out.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from lookgraph.distributed import engine
from lookgraph.distributed.stages import FAILURE, as_files, identify, look
from lookgraph.distributed.streams import Network, Stream
from lookgraph.errors import ClusterError, LookgraphError
from lookgraph.exchange.parquet import as_batch, rows_of_batch
from lookgraph.exchange.rows import Row
from lookgraph.ingest.discover import Change
from lookgraph.ingest.pipeline import Outcome, Source
from lookgraph.models.embedder import SettledEmbedder
from lookgraph.types import Entry, Picture, Skip, SkipKind, Stamp

if TYPE_CHECKING:
    import pyarrow as pa

_PORTION = 100_000
"""Files in one go of Ray Data: so many names are held in memory."""

_SMALL, _LARGE = 16, 128
"""Files in a block, at least and at most: what is done again when a worker is killed. To schedule a
block takes as long as some pictures do."""

_EACH = 8
"""So many blocks for each core, if there are files for that, so that all end at about one time."""

Files: TypeAlias = dict[str, Stamp]
"""Files by their paths, with their stamps."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where files are embedded, and from where they are read.

    Attributes:
        address: ``ray`` for this machine, ``ray://HOST:PORT`` for a cluster.
        source: where the files are. Workers open them there, too.
        threads: how many files a worker reads at a time.
    """

    address: str
    source: Source
    threads: int = 1


@dataclass(frozen=True, slots=True)
class OnRay:
    """Embeds the files of a library on Ray, as `indexing.EmbedsFiles`.

    Attributes:
        place: where.
        settle: makes all choices about the network, for so many files.
        knows: whether the library has embeddings already, so that files may be recognised.
    """

    place: Workplace
    settle: Callable[[int], SettledEmbedder]
    knows: bool

    @contextmanager
    def __call__(
        self, changes: Iterator[Change], count: int, find: Callable[[str], Picture | None]
    ) -> Iterator[Iterator[Outcome]]:
        """As `indexing.EmbedsFiles`."""
        settled = self.settle(count)
        with engine.started(self.place.address) as ray:
            run = Run(ray, self.place, settled)
            yield self._outcomes(run, changes, find)

    def _outcomes(
        self, run: "Run", changes: Iterator[Change], find: Callable[[str], Picture | None]
    ) -> Iterator[Outcome]:
        for files in portions((change.path, change.stamp) for change in changes):
            if self.knows:
                yield from run.recognised(files, find)
            for table in run.embedded(files):
                for row in rows_of_batch(table, run.settled.space):
                    yield Outcome(row.entry, row.embedding)


def portions(files: Iterator[tuple[str, Stamp]]) -> Iterator[Files]:
    """Files, so many at a time as go out together."""
    while portion := dict(islice(files, _PORTION)):
        yield portion


@dataclass(frozen=True, slots=True)
class Run:
    """Work on a Ray that has been started.

    Attributes:
        ray: the module.
        place: where files are read.
        settled: the network.
    """

    ray: Any
    place: Workplace
    settled: SettledEmbedder

    def recognised(self, files: Files, find: Callable[[str], Picture | None]) -> Iterator[Outcome]:
        """Those files whose content is known already; they are taken out of the others.

        Args:
            files: are read once for it, but not decoded.
            find: gives the picture with an id, if it has an embedding.
        """
        task = partial(identify, source=self.place.source, threads=self.place.threads)
        for table in self._tables(task, None, files, self._block(len(files))):
            for file in table.to_pylist():
                path, stamp = os.fsdecode(file["path"]), Stamp(file["size"], file["mtime_ns"])
                known = find(file["id"]) if file["id"] else None
                if known and files.pop(path, None):
                    yield Outcome(Entry(path, stamp, known))

    def embedded(self, files: Files) -> "Iterator[pa.RecordBatch]":
        """All files, in batches with the columns of `exchange.parquet.schema_of`.

        Args:
            files: each is taken out when it has been given.

        Raises:
            ClusterError: Ray fails, or the workers cannot do their work, or all of them die.
        """
        task = partial(
            look, source=self.place.source, settled=self.settled, threads=self.place.threads
        )
        for size in (self._block(len(files)), 1):
            sent = len(files)
            for table in self._tables(task, self._network(), files, size):
                yield from _first_time(table, files).to_batches()
            if len(files) == sent > max(size, _SMALL):
                raise ClusterError(
                    "All workers were killed or crashed, whatever picture they were at. Do the "
                    "machines have memory enough? What was done is kept; run the command again to "
                    "go on."
                )
        if files:
            yield as_batch([_lost(*file) for file in files.items()], self.settled.space)

    def _block(self, count: int) -> int:
        """How many of so many files go into a block."""
        cores = int(self.ray.cluster_resources().get("CPU", 1))
        return max(_SMALL, min(_LARGE, count // (_EACH * max(cores, 1))))

    def _network(self) -> Network:
        file = self.settled.runtime.file
        return Network(self.settled, file.read_bytes() if engine.on_cluster(self.ray) else None)

    def _tables(
        self, task: Callable[..., Any], network: Network | None, files: Files, size: int
    ) -> "Iterator[pa.Table]":
        rest = iter(list(files.items()))
        blocks = [as_files(block) for block in iter(lambda: list(islice(rest, size)), [])]
        if not blocks:
            return
        try:
            take = self._stream(blocks, task, network)
            while (table := take()) is not None:
                if FAILURE in table.column_names:
                    raise ClusterError(f"Embedding fails on the workers: {table[FAILURE][0]}")
                yield table
        except (LookgraphError, GeneratorExit):
            raise
        except Exception as error:
            raise ClusterError(
                f"Ray fails ({engine.first_line(error)}). What was done is kept; run the command "
                "again to go on."
            ) from error

    def _stream(
        self, blocks: "list[pa.Table]", task: Callable[..., Any], network: Network | None
    ) -> "Callable[[], pa.Table | None]":
        """Begin; return what gives one table after another, and None in the end."""
        if not engine.on_cluster(self.ray):
            return Stream(blocks, task, network).take
        # A client cannot read a dataset of the cluster; a process there can.
        remote = self.ray.remote(num_cpus=0)(Stream).remote(blocks, task, network)
        return lambda: self.ray.get(remote.take.remote())


def _first_time(table: "pa.Table", files: Files) -> "pa.Table":
    """Those rows of a table whose files are waited for; they are waited for no longer."""
    paths = [os.fsdecode(path or b"") for path in table.column("path").to_pylist()]
    return table.filter([files.pop(path, None) is not None for path in paths])


def _lost(path: str, stamp: Stamp) -> Row:
    reason = "the processes that read it were killed or crashed, again and again"
    return Row(Entry(path, stamp, skip=Skip(SkipKind.UNREADABLE, reason)), None)
