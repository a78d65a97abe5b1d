"""Which rows of a space a selection of pictures names."""

import fnmatch
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from lookgraph.index.coded import Allowed
from lookgraph.stores.records import hidden_rows
from lookgraph.types import EVERYTHING, Integers, Selection

_IDS = 500
"""Ids in one question: SQLite takes no more than 999 values on old systems."""


def allowed_rows(
    database: sqlite3.Connection, space: int, count: int, among: Selection
) -> Allowed | None:
    """Those of the first ``count`` rows of a space that may answer; None if all may."""
    if among == EVERYTHING:
        hidden = hidden_rows(database, space)
        if not len(hidden):
            return None
        mask = np.ones(count, np.bool_)
        mask[hidden] = False
        return Allowed(mask)
    mask = np.zeros(count, np.bool_)
    mask[_selected(database, space, among)] = True
    return Allowed(mask)


def _selected(database: sqlite3.Connection, space: int, among: Selection) -> Integers:
    if among.ids is None:
        found = _asked(database, space, among, "", ())
        return np.fromiter((row for (row,) in found), np.int64)
    ids = [bytes.fromhex(id_) for id_ in sorted(among.ids)]
    rows: list[int] = []
    for start in range(0, len(ids), _IDS):
        part = ids[start : start + _IDS]
        condition = f" AND pictures.id IN ({', '.join('?' * len(part))})"
        rows += [row for (row,) in _asked(database, space, among, condition, part)]
    return np.array(rows, np.int64)


def _asked(
    database: sqlite3.Connection,
    space: int,
    among: Selection,
    condition: str,
    values: Sequence[bytes],
) -> Iterator[tuple[int]]:
    """The rows for which all but the ids holds, and a further condition."""
    # SQLite keeps to the order of a CROSS JOIN. It knows no better one itself: without statistics
    # it looks at every embedding first.
    order = ["pictures", "embeddings"]
    conditions = ["space = ?", "pictures.files > 0"]
    told: list[object] = [space]
    if among.under or among.name:
        order.insert(0 if among.ids is None else 1, "files")
    if among.under:
        under = os.fsencode(among.under)
        conditions.append("path >= ? AND path < ?")
        told += [under + b"/", under + b"0"]  # "0" is next after "/"
    if among.name:
        database.create_function("is_named", 1, _matcher(among.name), deterministic=True)
        conditions.append("is_named(path)")
    if among.taken_from is not None:
        conditions.append("taken >= ?")
        told.append(among.taken_from)
    if among.taken_to is not None:
        conditions.append("substr(taken, 1, ?) <= ?")
        told += [len(among.taken_to), among.taken_to]
    if among.min_side:
        conditions.append("min(width, height) >= ?")
        told.append(among.min_side)
    tables = f"{order[0]} " + " ".join(f"CROSS JOIN {table} USING (picture)" for table in order[1:])
    query = f"SELECT row FROM {tables} WHERE {' AND '.join(conditions)}{condition}"
    return database.execute(query, [*told, *values])


def _matcher(glob: str) -> Callable[[bytes], bool]:
    match = re.compile(fnmatch.translate(glob)).match
    if "/" in glob:
        return lambda path: match(os.fsdecode(path)) is not None
    return lambda path: match(os.fsdecode(path).rpartition("/")[2]) is not None
