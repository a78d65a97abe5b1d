"""Making and renewing a space's graph, beside its readers. Only the holder of the lock does."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookgraph.config import RECALL
from lookgraph.errors import LibraryDamagedError
from lookgraph.graph.edges import Edges, no_edges
from lookgraph.graph.following import Change, Finder, followed
from lookgraph.graph.graph import graph_of
from lookgraph.graph.neighbours import Neighbours, Search
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
from lookgraph.stores.records import StoredSpace, live_rows
from lookgraph.stores.rows import RowFile
from lookgraph.stores.thresholds import pairs_over
from lookgraph.types import Integers, Matrix, Metric, Neighbour, Vector

_AT_ONCE = 4096


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
        before = self._opened(wanted)
        usable = self._usable(before)
        old = np.zeros(len(usable), np.bool_)
        if before is not None:
            old[: len(before.usable)] = before.usable
        change = Change.between(old, usable)
        same = before is not None and len(before.usable) == len(usable)
        if same and not len(change.new) and not len(change.gone):
            return
        self._progress(0.0)
        known = no_edges() if before is None else before.graph.over
        over = pairs_over(self._rows.mapped, self._metric, wanted, change, known, self._progress)
        neighbours = self._neighbours(wanted.neighbours, change, usable, before)
        made = StoredGraph(
            graph_of(neighbours, over, mutual=wanted.mutual),
            usable,
            self._norms(neighbours, before),
        )
        write_graph(self._folder, self._stored, wanted, made, self._next_number())
        self._progress(1.0)

    def carry_over(self, renewed: StoredSpace, renumbered: Integers, wanted: GraphWanted) -> None:
        """Write the graph of the next generation of rows, before the database names it.

        Args:
            renewed: the space as it will be.
            renumbered: the new number of each row, in their order, or -1 for one that goes.
            wanted: what the graph is to be made as.
        """
        self.renew(wanted)  # what goes is not in it any more
        held = self._opened(wanted)
        if held is None or held.usable[renumbered < 0].any():
            return  # a row that is damaged goes: the next renewal begins from nothing
        stays = renumbered >= 0
        neighbours = held.graph.neighbours
        numbers = np.where(
            neighbours.numbers[stays] < 0, -1, renumbered[neighbours.numbers[stays]]
        ).astype(np.int32)
        over = held.graph.over
        over = Edges(
            renumbered[over.first].astype(np.int32),
            renumbered[over.second].astype(np.int32),
            np.asarray(over.scores),
        )
        moved = Neighbours(numbers, neighbours.scores[stays])
        kept = held.norms[stays] if len(held.norms) else held.norms
        made = StoredGraph(graph_of(moved, over, mutual=wanted.mutual), held.usable[stays], kept)
        write_graph(self._folder, renewed, wanted, made, self._next_number())

    def _opened(self, wanted: GraphWanted) -> StoredGraph | None:
        """The graph as it is; None if there is none that can be built upon."""
        with suppress(LibraryDamagedError, FileNotFoundError):
            manifest = read_graph_manifest(self._folder, self._stored)
            if manifest and manifest.wanted == wanted:
                return open_graph(self._folder, manifest)
        return None

    def _neighbours(
        self, k: int, change: Change, usable: NDArray[np.bool_], before: StoredGraph | None
    ) -> Neighbours:
        known = None if before is None else before.graph.neighbours
        finder = Finder(self._rows.mapped, self._metric, self._search(usable))
        return followed(known, change, k, finder, self._progress)

    def _norms(self, neighbours: Neighbours, before: StoredGraph | None) -> Vector:
        """What ranking keeps of each row, computed anew where other rows speak for it."""
        if self._metric is not Metric.COSINE:
            return np.empty(0, np.float32)
        its = speaking(neighbours)
        found = np.empty(len(its.numbers), np.float32)
        changed = np.ones(len(found), np.bool_)
        if before is not None:
            known = speaking(before.graph.neighbours)
            count = len(known.numbers)
            found[:count] = before.norms
            changed[:count] = (its.numbers[:count] != known.numbers).any(axis=1)
            changed[:count] |= (its.scores[:count] != known.scores).any(axis=1)
        which = np.flatnonzero(changed)
        found[which] = norms(self._rows.mapped, its, which)
        return found

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

    def _usable(self, before: StoredGraph | None) -> NDArray[np.bool_]:
        """The rows that can be in a graph: of pictures with files, and with numbers alone."""
        usable = live_rows(self._database, self._stored.number, self._stored.row_count)
        asked = np.flatnonzero(usable)
        if before is not None:  # rows never change: what was in a graph can be in one
            known = np.append(before.usable, np.zeros(len(usable) - len(before.usable), np.bool_))
            asked = asked[~known[asked]]
        for start in range(0, len(asked), _AT_ONCE):
            part = asked[start : start + _AT_ONCE]
            rows = self._rows.mapped[part]
            usable[part] = np.isfinite(rows).all(axis=1) & rows.any(axis=1)
        return usable

    def _next_number(self) -> int:
        """One that no file has: a reader may have any of them open."""
        taken = [0]
        with suppress(FileNotFoundError):
            for file in (self._folder / GRAPH_FOLDER).iterdir():
                with suppress(ValueError, IndexError):
                    taken.append(int(file.name.split(".")[-3]))
        return max(taken) + 1


def remove_graph_leftovers(folder: Path, spaces: Sequence[StoredSpace]) -> None:
    """Delete what a crash left, and what no sound graph of these spaces, which are all, names."""
    sweep(folder / GRAPH_FOLDER, lambda: (name for one in spaces for name in _names(folder, one)))


def _names(folder: Path, stored: StoredSpace) -> Iterator[str]:
    with suppress(LibraryDamagedError):
        if manifest := read_graph_manifest(folder, stored):
            yield graph_manifest_file(folder, stored).name
            yield from (part.name for part in manifest.parts)
