"""All that a local library holds, in one state, for who keeps a copy of it elsewhere."""

import json
import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lookgraph.errors import LibraryDamagedError, LibraryFormatError
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.database import connect_writer, transaction
from lookgraph.stores.graphs import Graphs, StoredGraph
from lookgraph.stores.records import (
    StoredSpace,
    read_graph_wanted,
    read_index_kind,
    read_network,
    read_patterns,
    read_root,
    stored_spaces,
)
from lookgraph.stores.rows import read_rows
from lookgraph.types import IndexKind, Integers, Patterns, Rows, Space

MIRRORS_FOLDER = "mirrors"
"""What is remembered of copies, below the library's folder."""


class PictureFacts(NamedTuple):
    """What is known of a picture; see `lookgraph.types.Picture`."""

    format: str
    width: int
    height: int
    taken: str | None

    @property
    def text(self) -> str:
        """As JSON, as SQLite's ``json_array`` writes it."""
        return _text(self)

    @staticmethod
    def of(text: str) -> "PictureFacts":
        """From JSON."""
        return PictureFacts(*json.loads(text))


class FileFacts(NamedTuple):
    """What is known of a file: what is in it, or why it was left out."""

    id: str | None
    size: int
    mtime_ns: int
    skip: str | None
    reason: str | None

    @property
    def text(self) -> str:
        """As JSON, as SQLite's ``json_array`` writes it."""
        return _text(self)

    @staticmethod
    def of(text: str) -> "FileFacts":
        """From JSON."""
        return FileFacts(*json.loads(text))

    @staticmethod
    def id_in(text: str) -> str | None:
        """The id alone, which is 64 characters behind ``["``."""
        return text[2:66] if text[1] == '"' else None


def _text(facts: tuple[object, ...]) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


class VerdictFacts(NamedTuple):
    """What was said of two pictures."""

    kind: str
    said: str


@dataclass(frozen=True, slots=True)
class SpaceContents:
    """What a library holds of a space.

    Attributes:
        space: which.
        network: what `Writer.add_space` was told of it.
        wanted: what its graph is to be made as; None if it has none.
        ids: of the pictures that have a file and an embedding, in the order of their rows.
        numbers: their rows, shape (n,).
        sums: the checksums of these, shape (n,).
        rows: all embeddings of the space, shape (rows, d).
        graph: of all rows; None if there is none that can be used.
        fault: why a graph that is there cannot be; None if it can, or there is none.
    """

    space: Space
    network: str | None
    wanted: GraphWanted | None
    ids: tuple[str, ...]
    numbers: Integers
    sums: Integers
    rows: Rows
    graph: StoredGraph | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a library holds. Pictures are only those that have a file.

    Attributes:
        root: the folder that it is of; None if nobody has said.
        patterns: which of its files belong to it.
        index: how it is to be searched.
        pictures: the text of their facts, by id.
        files: likewise, by the bytes of their paths, in this order. As texts, ten thousand of them
            are compared, written and read in a third of the time that it takes to make objects.
        verdicts: by the ids of two pictures, the lower one first.
        spaces: in the order in which they were made.
    """

    root: Path | None
    patterns: Patterns
    index: IndexKind
    pictures: Mapping[str, str]
    files: Mapping[bytes, str]
    verdicts: Mapping[tuple[str, str], VerdictFacts]
    spaces: tuple[SpaceContents, ...]


def read_contents(database: sqlite3.Connection, folder: Path, graphs: Graphs) -> Contents:
    """All of a library, in the state that a connection sees.

    Raises:
        FileNotFoundError: a writer has put other rows or another graph in place since.
        LibraryDamagedError: rows are missing.
    """
    return Contents(
        read_root(database, folder),
        read_patterns(database),
        read_index_kind(database),
        _pictures(database),
        _files(database),
        _verdicts(database),
        tuple(_space(database, folder, graphs, stored) for stored in stored_spaces(database)),
    )


def _pictures(database: sqlite3.Connection) -> dict[str, str]:
    return dict(
        database.execute(
            "SELECT lower(hex(id)), json_array(format, width, height, taken)"
            " FROM pictures WHERE files > 0"
        )
    )


def _files(database: sqlite3.Connection) -> dict[bytes, str]:
    id_ = "CASE WHEN id IS NULL THEN NULL ELSE lower(hex(id)) END"
    return dict(
        database.execute(
            f"SELECT path, json_array({id_}, size, mtime_ns, skip, reason)"
            " FROM files LEFT JOIN pictures USING (picture) ORDER BY path"
        )
    )


def _verdicts(database: sqlite3.Connection) -> dict[tuple[str, str], VerdictFacts]:
    found = database.execute(
        "SELECT lower(hex(first)), lower(hex(second)), kind, said FROM verdicts"
    )
    return {(first, second): VerdictFacts(kind, said) for first, second, kind, said in found}


def _space(
    database: sqlite3.Connection, folder: Path, graphs: Graphs, stored: StoredSpace
) -> SpaceContents:
    found = database.execute(
        "SELECT lower(hex(id)), row, checksum FROM embeddings JOIN pictures USING (picture)"
        " WHERE space = ? AND files > 0 ORDER BY row",
        (stored.number,),
    ).fetchall()
    ids, numbers, sums = zip(*found, strict=True) if found else ((), (), ())
    rows = read_rows(stored.file(folder), stored.row_count, stored.space.dimension)
    graph, fault = _graph(graphs, stored)
    return SpaceContents(
        stored.space,
        read_network(database, stored.number),
        read_graph_wanted(database, stored.space),
        ids,
        np.array(numbers, np.int64),
        np.array(sums, np.int64),
        rows,
        graph,
        fault,
    )


def _graph(graphs: Graphs, stored: StoredSpace) -> tuple[StoredGraph | None, str | None]:
    try:
        graph = graphs.open(stored)
    except (LibraryDamagedError, LibraryFormatError) as error:
        return None, str(error)
    if graph and len(graph.usable) > stored.row_count:
        raise FileNotFoundError(f"the rows of the graph of {stored.space.name}")
    return graph, None


def library_id(folder: Path) -> str:
    """The library's own id, which it keeps wherever its folder goes; made when first asked for.

    Raises:
        sqlite3.Error: it cannot be kept.
    """
    with closing(connect_writer(folder)) as database:
        query = "SELECT value FROM settings WHERE name = 'id'"
        found = database.execute(query).fetchone()
        if found is None:
            with transaction(database):
                database.execute(
                    "INSERT OR IGNORE INTO settings VALUES ('id', ?)",
                    (secrets.token_hex(16).encode(),),
                )
            found = database.execute(query).fetchone()
        return bytes(found[0]).decode()
