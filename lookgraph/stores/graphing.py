"""Making and renewing a space's graph, beside its readers. Only the holder of the lock does."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookgraph.config import RECALL
from lookgraph.errors import GraphTooLargeError, LibraryDamagedError
from lookgraph.graph.edges import Edges, no_edges
from lookgraph.graph.graph import graph_of, united
from lookgraph.graph.neighbours import Neighbours, Search, nearest_of, with_more
from lookgraph.graph.pairs import TooMany, Wanted, as_near, pairs
from lookgraph.index import approximate
from lookgraph.index.coded import Allowed, Sealed
from lookgraph.ranking.propagation import norms, speaking
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.derived import sweep
from lookgraph.stores.graphs import (
    GRAPH_FOLDER,
    StoredGraph,
    graph_manifest_file,
    open_graph,
    read_graph_manifest,
    write_graph,
)
from lookgraph.stores.records import StoredSpace, hidden_rows
from lookgraph.stores.rows import RowFile, blocks
from lookgraph.types import Integers, Matrix, Metric, Neighbour

_SHARE_OF_PAIRS = 0.5
"""Of the progress, where both pairs and neighbours are looked for."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What has become of rows since a graph was made.

    Attributes:
        old: rows that were in it and still are.
        new: those that were not.
        gone: those that are no more.
    """

    old: Integers
    new: Integers
    gone: Integers


class Grapher:
    """Renews the graph of one space."""

    def __init__(
        self,
        folder: Path,
        database: sqlite3.Connection,
        stored: StoredSpace,
        sealed: Sealed | None,
        progress: Callable[[float], None],
    ) -> None:
        """Nothing is read or written yet.

        Args:
            folder: the library's.
            database: its connection.
            stored: the space.
            sealed: its index, which finds neighbours fast; None for exact ones.
            progress: told the share that is done, 0 to 1.
        """
        self._folder = folder
        self._database = database
        self._stored = stored
        self._sealed = sealed
        self._progress = progress
        self._rows = RowFile(stored.file(folder), stored.row_count, stored.space.dimension)

    def renew(self, wanted: GraphWanted) -> None:
        """Make the graph what it should be.

        Raises:
            GraphTooLargeError: more pairs reach the threshold than are wanted.
            LibraryFormatError: a newer Lookgraph made the graph that is there.
        """
        usable = self._usable()
        before = self._opened(wanted)
        old = np.zeros(len(usable), np.bool_)
        if before is not None:
            old[: len(before.usable)] = before.usable
        change = _Change(
            np.flatnonzero(usable & old),
            np.flatnonzero(usable & ~old),
            np.flatnonzero(old & ~usable),
        )
        same = before is not None and len(before.usable) == len(usable)
        if same and not len(change.new) and not len(change.gone):
            return
        self._progress(0.0)
        over = self._over(wanted, change, before)
        neighbours = self._neighbours(wanted.neighbours, change, usable, before)
        ranked = self._metric is Metric.COSINE
        made = StoredGraph(
            graph_of(neighbours, over),
            usable,
            norms(self._rows.mapped, speaking(neighbours)) if ranked else np.empty(0, np.float32),
        )
        write_graph(self._folder, self._stored, wanted, made, self._next_number())
        self._progress(1.0)

    def _opened(self, wanted: GraphWanted) -> StoredGraph | None:
        """The graph as it is; None if there is none that can be built upon."""
        with suppress(LibraryDamagedError, FileNotFoundError):
            manifest = read_graph_manifest(self._folder, self._stored)
            if manifest and manifest.wanted == wanted:
                return open_graph(self._folder, manifest)
        return None

    def _over(self, wanted: GraphWanted, change: _Change, before: StoredGraph | None) -> Edges:
        """All pairs over the threshold: those that are known, and those of new rows."""
        if wanted.threshold is None:
            return no_edges()
        kept = no_edges()
        if before is not None:
            over = before.graph.over
            kept = over[~(np.isin(over.first, change.gone) | np.isin(over.second, change.gone))]
        share = _SHARE_OF_PAIRS if wanted.neighbours else 1.0
        found = pairs(
            self._rows.mapped,
            change.new,
            change.old,
            Wanted(self._metric, wanted.threshold, wanted.most - len(kept)),
            lambda done: self._progress(share * done),
        )
        if isinstance(found, TooMany):
            raise GraphTooLargeError(_too_large(found, wanted, len(kept)))
        return united(kept, found)

    def _neighbours(
        self, k: int, change: _Change, usable: NDArray[np.bool_], before: StoredGraph | None
    ) -> Neighbours:
        """The nearest of each row, looked for anew where they may have changed."""
        numbers = np.full((len(usable), k), -1, np.int32)
        scores = np.full((len(usable), k), -np.inf, np.float32)
        again, rows = change.new, self._rows.mapped
        if before is not None:
            known = before.graph.neighbours
            numbers[: len(known.numbers)] = known.numbers
            scores[: len(known.scores)] = known.scores
            numbers[change.gone], scores[change.gone] = -1, -np.inf
            lost = change.old[np.isin(numbers[change.old], change.gone).any(axis=1)]
            again = np.union1d(change.new, lost)
        if k and len(again):
            found = nearest_of(rows, again, k, self._search(usable), self._progress)
            numbers[again], scores[again] = found.numbers, found.scores
        neighbours = Neighbours(numbers, scores)
        if not k or before is None or not len(change.new):
            return neighbours
        others = np.setdiff1d(change.old, again)
        nearer = list(as_near(rows, change.new, others, self._metric, scores[:, -1]))
        if not nearer:
            return neighbours
        sources, fresh, their_scores = map(np.concatenate, zip(*nearer, strict=True))
        return with_more(neighbours, sources, fresh, their_scores)

    def _search(self, usable: NDArray[np.bool_]) -> Search:
        allowed = None if usable.all() else Allowed(usable)

        def search(queries: Matrix, k: int) -> Sequence[Sequence[Neighbour]]:
            return approximate.nearest(
                self._rows, self._sealed, queries, k, self._metric, allowed, RECALL
            )

        return search

    @property
    def _metric(self) -> Metric:
        return self._stored.space.metric

    def _usable(self) -> NDArray[np.bool_]:
        """The rows that can be in a graph: of pictures with files, and with numbers alone."""
        usable = np.ones(self._stored.row_count, np.bool_)
        usable[hidden_rows(self._database, self._stored.number)] = False
        for block in blocks(self._stored.row_count):
            rows = self._rows.mapped[block]
            usable[block] &= np.isfinite(rows).all(axis=1) & rows.any(axis=1)
        return usable

    def _next_number(self) -> int:
        """One that no file has: a reader may have any of them open."""
        taken = [0]
        with suppress(FileNotFoundError):
            for file in (self._folder / GRAPH_FOLDER).iterdir():
                with suppress(ValueError, IndexError):
                    taken.append(int(file.name.split(".")[-3]))
        return max(taken) + 1


def _too_large(found: TooMany, wanted: GraphWanted, kept: int) -> str:
    fits = "No threshold fits: too many pictures are alike."
    if found.fitting is not None:
        fits = f"--threshold {found.fitting:.4f} would fit."
    return (
        f"{found.count + kept:,} pairs reach {wanted.threshold}, and at most {wanted.most:,} are "
        f"wanted (--max-edges). {fits}"
    )


def remove_graph_leftovers(folder: Path, spaces: Sequence[StoredSpace]) -> None:
    """Delete what a crash left, and what no sound graph of these spaces, which are all, names."""
    sweep(folder / GRAPH_FOLDER, lambda: (name for one in spaces for name in _names(folder, one)))


def _names(folder: Path, stored: StoredSpace) -> Iterator[str]:
    with suppress(LibraryDamagedError):
        if manifest := read_graph_manifest(folder, stored):
            yield graph_manifest_file(folder, stored).name
            yield from (part.name for part in manifest.parts)
