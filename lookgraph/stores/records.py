"""Between the database's columns and the values of `lookgraph.types`."""

import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookgraph.config import LIBRARY_FOLDER
from lookgraph.stores.base import GraphWanted
from lookgraph.types import (
    Entry,
    IndexKind,
    Integers,
    Metric,
    Patterns,
    Picture,
    Precision,
    Skip,
    SkipKind,
    Space,
    Stamp,
    Verdict,
    VerdictKind,
)

SPACE_COLUMNS = (
    "space, model, fingerprint, preprocessing, metric, dimension, precision, generation, row_count"
)


@dataclass(frozen=True, slots=True)
class StoredSpace:
    """A space as the database knows it.

    Attributes:
        number: its key.
        space: what it is.
        generation: counts the files of rows that it has had.
        row_count: how many rows of the current one count.
    """

    number: int
    space: Space
    generation: int
    row_count: int

    def file(self, folder: Path) -> Path:
        """Where its rows are."""
        return folder / "rows" / f"{self.space.name}.{self.generation}.f16"


def as_space(columns: Sequence[Any]) -> StoredSpace:
    """From the columns of `SPACE_COLUMNS`."""
    number, model, fingerprint, preprocessing, metric, dimension, precision, *counts = columns
    space = Space(
        model, fingerprint, preprocessing, Metric(metric), dimension, Precision(precision)
    )
    return StoredSpace(number, space, *counts)


def find_space(database: sqlite3.Connection, space: Space) -> StoredSpace | None:
    """The space's row, if it has one."""
    found = database.execute(
        f"SELECT {SPACE_COLUMNS} FROM spaces"
        " WHERE model = ? AND fingerprint = ? AND preprocessing = ? AND metric = ?"
        " AND precision = ?",
        (space.model, space.fingerprint, space.preprocessing, str(space.metric),
         str(space.precision)),
    ).fetchone()  # fmt: skip
    return as_space(found) if found else None


def stored_spaces(database: sqlite3.Connection) -> list[StoredSpace]:
    """All of them, in the order in which they were made."""
    found = database.execute(f"SELECT {SPACE_COLUMNS} FROM spaces ORDER BY space")
    return [as_space(columns) for columns in found]


def read_network(database: sqlite3.Connection, number: int) -> str | None:
    """What a space's network was said to be."""
    query = "SELECT network FROM spaces WHERE space = ?"
    found: tuple[str | None] | None = database.execute(query, (number,)).fetchone()
    return found[0] if found else None


PICTURE_COLUMNS = "id, format, width, height, taken"


def as_picture(columns: Sequence[Any]) -> Picture:
    """From the columns of `PICTURE_COLUMNS`."""
    id_, format_, width, height, taken = columns
    return Picture(id_.hex(), format_, width, height, taken)


def as_entry(columns: Sequence[Any]) -> Entry:
    """From path, size, mtime_ns, skip, reason and the columns of `as_picture`."""
    path, size, mtime_ns, skip, reason, *picture = columns
    return Entry(
        os.fsdecode(path),
        Stamp(size, mtime_ns),
        picture=None if skip else as_picture(picture),
        skip=Skip(SkipKind(skip), reason) if skip else None,
    )


def read_root(database: sqlite3.Connection, folder: Path) -> Path | None:
    """The folder that the library is of; None if its first writer ended before it could say."""
    found = _setting(database, "root")
    if found is None and folder.name != LIBRARY_FOLDER:
        return None
    root = folder / os.fsdecode(found or b"..")
    return Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow links


def read_patterns(database: sqlite3.Connection) -> Patterns:
    """Which files belong to the library."""
    found = _setting(database, "patterns")
    if found is None:
        return Patterns()
    told = json.loads(found)
    return Patterns(tuple(told["include"]), tuple(told["exclude"]))


def _setting(database: sqlite3.Connection, name: str) -> bytes | None:
    found = database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return found[0] if found else None


def write_settings(
    database: sqlite3.Connection, folder: Path, root: Path, patterns: Patterns
) -> None:
    """Keep what is read above. A root just above the library may move with it."""
    value = Path("..") if root == folder.parent else root
    listed = {"include": list(patterns.include), "exclude": list(patterns.exclude)}
    _write_setting(database, "root", os.fsencode(value))
    _write_setting(database, "patterns", json.dumps(listed).encode())


def _write_setting(database: sqlite3.Connection, name: str, value: bytes) -> None:
    database.execute(
        "INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        (name, value),
    )


def hidden_rows(database: sqlite3.Connection, space: int) -> Integers:
    """The rows of pictures that no file holds any more."""
    # SQLite keeps to the order of a CROSS JOIN: the few pictures first, from an index of just them.
    found = database.execute(
        "SELECT row FROM pictures CROSS JOIN embeddings USING (picture)"
        " WHERE pictures.files = 0 AND space = ?",
        (space,),
    )
    return np.fromiter((row for (row,) in found), np.int64)


def read_verdicts(database: sqlite3.Connection) -> tuple[Verdict, ...]:
    """What people have said of pairs of pictures."""
    found = database.execute(
        "SELECT first, second, kind, said FROM verdicts ORDER BY first, second"
    )
    return tuple(
        Verdict(first.hex(), second.hex(), VerdictKind(kind), said)
        for first, second, kind, said in found
    )


def write_verdict(database: sqlite3.Connection, verdict: Verdict) -> None:
    """Keep what `read_verdicts` reads."""
    database.execute(
        "INSERT INTO verdicts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET kind = excluded.kind, said = excluded.said",
        (
            bytes.fromhex(verdict.first),
            bytes.fromhex(verdict.second),
            str(verdict.kind),
            verdict.said,
        ),
    )


def forget_verdict(database: sqlite3.Connection, first: str, second: str) -> bool:
    """Forget one; whether there was one."""
    gone = database.execute(
        "DELETE FROM verdicts WHERE first = ? AND second = ?",
        (bytes.fromhex(first), bytes.fromhex(second)),
    )
    return gone.rowcount > 0


def live_rows(database: sqlite3.Connection, space: int, count: int) -> NDArray[np.bool_]:
    """Which of the first rows are of pictures that have files, shape (count,)."""
    live = np.ones(count, np.bool_)
    live[hidden_rows(database, space)] = False
    return live


def read_index_kind(database: sqlite3.Connection) -> IndexKind:
    """How the library is to be searched."""
    found = _setting(database, "index")
    return IndexKind.AUTO if found is None else IndexKind(os.fsdecode(found))


def read_graph_wanted(database: sqlite3.Connection, space: Space) -> GraphWanted | None:
    """What a space's graph is to be made as; None if it has none."""
    found = _setting(database, f"graph {space.name}")
    return None if found is None else GraphWanted(**json.loads(found))


def write_graph_wanted(database: sqlite3.Connection, space: Space, wanted: GraphWanted) -> None:
    """Keep what `read_graph_wanted` reads."""
    _write_setting(database, f"graph {space.name}", json.dumps(asdict(wanted)).encode())


def forget_graph_wanted(database: sqlite3.Connection, space: Space) -> None:
    """A space is to have no graph."""
    database.execute("DELETE FROM settings WHERE name = ?", (f"graph {space.name}",))


def write_index_kind(database: sqlite3.Connection, kind: IndexKind) -> None:
    """Keep what `read_index_kind` reads."""
    _write_setting(database, "index", str(kind).encode())
