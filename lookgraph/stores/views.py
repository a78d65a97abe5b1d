"""What a reader sees of a space: one state of the database, and the rows that it names."""

import os
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookgraph.graph.graph import Graph
from lookgraph.graph.scores import exact_scores
from lookgraph.graph.verdicts import Verdicts
from lookgraph.index.coded import Allowed
from lookgraph.stores.base import Match
from lookgraph.stores.graphs import StoredGraph
from lookgraph.stores.judged import judged_rows
from lookgraph.stores.readers import Reader
from lookgraph.stores.records import (
    PICTURE_COLUMNS,
    StoredSpace,
    as_picture,
    find_space,
    hidden_rows,
)
from lookgraph.stores.rows import RowFile
from lookgraph.stores.selections import allowed_rows
from lookgraph.types import Array, Integers, Neighbour, Picture, Rows, Selection, Space

_AT_ONCE = 500
"""Rows in one question: an old SQLite takes no more than 999 values."""


def stored_space(database: sqlite3.Connection, space: Space) -> StoredSpace:
    """What is kept of a space; of one that nothing was stored in, that it has no rows."""
    return find_space(database, space) or StoredSpace(0, space, 0, 0)  # 0 is no space's number


class View(NamedTuple):
    """What a reader sees of a space."""

    reader: Reader
    stored: StoredSpace
    rows: RowFile

    @property
    def database(self) -> sqlite3.Connection:
        """The reader's connection."""
        return self.reader.database

    def allowed(self, among: Selection) -> Allowed | None:
        """Which rows may answer; None if all may."""
        number, count = self.stored.number, self.stored.row_count
        return self.reader.once(
            ("allowed", number, among),
            lambda: allowed_rows(self.database, number, count, among),
        )

    def verdicts(self) -> Verdicts:
        """What was said of pairs of rows."""
        number = self.stored.number
        return self.reader.once(("verdicts", number), lambda: judged_rows(self.database, number))

    def matches(self, found: Sequence[Sequence[Neighbour]]) -> list[tuple[Match, ...]]:
        """What the rows are that were found for each query."""
        named = self.named(sorted({one.row for neighbours in found for one in neighbours}))
        return [
            tuple(Match(*named[one.row], one.score) for one in neighbours) for neighbours in found
        ]

    def named(self, rows: Sequence[int]) -> dict[int, tuple[Picture, tuple[str, ...]]]:
        """The picture of each row, and the paths of its files."""
        named: dict[int, tuple[Picture, list[str]]] = {}
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            found = self.database.execute(
                f"SELECT row, path, {PICTURE_COLUMNS} FROM embeddings JOIN pictures"
                " USING (picture) LEFT JOIN files USING (picture)"
                f" WHERE space = ? AND row IN ({_marks(part)}) ORDER BY path",
                (self.stored.number, *part),
            )
            for row, path, *columns in found:
                if row not in named:
                    named[row] = (as_picture(columns), [])
                if path is not None:  # its last file may be gone
                    named[row][1].append(os.fsdecode(path))
        return {row: (picture, tuple(paths)) for row, (picture, paths) in named.items()}

    def ids(self, rows: Integers) -> list[str]:
        """The ids of the pictures of some rows."""
        named = self.named(rows.tolist())
        return [named[row][0].id for row in rows.tolist()]

    def row_of(self, id_: str) -> int | None:
        """The row of a picture that has a file; None if there is none."""
        found = self.database.execute(
            "SELECT row FROM embeddings JOIN pictures USING (picture)"
            " WHERE space = ? AND id = ? AND files > 0",
            (self.stored.number, bytes.fromhex(id_)),
        ).fetchone()
        return found[0] if found else None


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


class LocalGraphView(NamedTuple):
    """What a reader sees of a space's graph; see `lookgraph.stores.base.GraphView`."""

    view: View
    held: StoredGraph

    @property
    def graph(self) -> Graph:
        """Itself, between numbers of rows."""
        return self.held.graph

    @property
    def rows(self) -> Rows:
        """The embeddings, also of rows that are not in the graph yet."""
        return self.view.rows.mapped

    def live(self) -> NDArray[np.bool_]:
        """Which rows of the graph are of pictures that still have files, shape (rows,)."""
        live = np.array(self.held.usable)
        hidden = hidden_rows(self.view.database, self.view.stored.number)
        live[hidden[hidden < len(live)]] = False
        return live

    def verdicts(self) -> Verdicts:
        """What was said of pairs of rows that are live."""
        found, live = self.view.verdicts(), self.live()
        known = np.zeros(self.view.stored.row_count, np.bool_)
        known[: len(live)] = live
        return Verdicts(
            *(pairs[known[pairs].all(axis=1)] for pairs in (found.same, found.different))
        )

    def row_of(self, id_: str) -> int | None:
        """The row of a picture that has a file; None if it is not in the graph."""
        row, usable = self.view.row_of(id_), self.held.usable
        return row if row is not None and row < len(usable) and usable[row] else None

    def matches(self, rows: Integers, scores: Array) -> tuple[Match, ...]:
        """What some rows are, each with a score."""
        pairs = zip(rows.tolist(), scores.tolist(), strict=True)
        (found,) = self.view.matches([[Neighbour(row, score) for row, score in pairs]])
        return found

    def scores_to(self, row: int, others: Integers) -> Array:
        """The exact scores of a row with others, shape (len(others),)."""
        wide = self.view.rows.take(np.array([row, *others])).astype(np.float64)
        metric = self.view.stored.space.metric
        return exact_scores(metric, np.broadcast_to(wide[0], wide[1:].shape), wide[1:])
