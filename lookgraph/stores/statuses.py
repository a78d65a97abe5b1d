"""What a local library holds, counted."""

import sqlite3
from pathlib import Path

from lookgraph.stores.base import SpaceStatus, Status
from lookgraph.stores.graphs import graph_status
from lookgraph.stores.records import (
    hidden_rows,
    read_graph_wanted,
    read_index_kind,
    stored_spaces,
)
from lookgraph.stores.sealed import index_status


def status_of(database: sqlite3.Connection, folder: Path) -> Status:
    """What a library holds, of which the database and the folder are."""

    def count(query: str, *values: object) -> int:
        return int(database.execute(query, values).fetchone()[0])

    spaces, wanted = [], read_index_kind(database)
    for stored in stored_spaces(database):
        hidden = hidden_rows(database, stored.number)
        unused = len(hidden)
        rows = count("SELECT count(*) FROM embeddings WHERE space = ?", stored.number)
        size, index = _size(stored.file(folder)), index_status(folder, stored, wanted)
        asked = read_graph_wanted(database, stored.space)
        graph = graph_status(folder, stored, hidden, asked)
        spaces.append(SpaceStatus(stored.space, rows - unused, unused, size, index, graph))
    other = count("SELECT count(*) FROM files WHERE skip = 'no-picture'")
    return Status(
        pictures=count("SELECT count(*) FROM pictures WHERE files > 0"),
        files=count("SELECT count(*) FROM files WHERE picture IS NOT NULL"),
        skipped=count("SELECT count(*) FROM files WHERE skip IS NOT NULL") - other,
        other=other,
        spaces=tuple(spaces),
        bytes=sum(map(_size, folder.rglob("*"))),
    )


def _size(file: Path) -> int:
    """In bytes; 0 for a folder, and for a file that a writer has just removed."""
    try:
        return 0 if file.is_dir() else file.stat().st_size
    except FileNotFoundError:
        return 0
