"""The tables of a library's database, as numbered steps from each version to the next."""

import sqlite3
from collections.abc import Callable

from lookgraph.errors import LibraryDamagedError, LibraryFormatError

APPLICATION_ID = 0x4C4B4752
"""``LKGR``: what makes a SQLite file one of ours (`PRAGMA application_id`)."""

_VERSION_1 = """
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- What is in a file, by the SHA-256 of its bytes. `files` counts the files that hold it.
CREATE TABLE pictures (
    picture INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    format TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    taken TEXT,
    files INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX unused_pictures ON pictures (picture) WHERE files = 0;

-- Paths are bytes: a file's name need not be UTF-8.
CREATE TABLE files (
    path BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    picture INTEGER REFERENCES pictures,
    skip TEXT,
    reason TEXT,
    CHECK ((picture IS NULL) <> (skip IS NULL))
) WITHOUT ROWID;
CREATE INDEX files_by_picture ON files (picture) WHERE picture IS NOT NULL;
CREATE INDEX files_by_skip ON files (skip) WHERE skip IS NOT NULL;

CREATE TRIGGER file_added AFTER INSERT ON files BEGIN
    UPDATE pictures SET files = files + 1 WHERE picture = new.picture;
END;
CREATE TRIGGER file_removed AFTER DELETE ON files BEGIN
    UPDATE pictures SET files = files - 1 WHERE picture = old.picture;
END;
CREATE TRIGGER file_changed AFTER UPDATE OF picture ON files BEGIN
    UPDATE pictures SET files = files - 1 WHERE picture = old.picture;
    UPDATE pictures SET files = files + 1 WHERE picture = new.picture;
END;

-- `row_count` rows of the file of this generation have been written and named.
CREATE TABLE spaces (
    space INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    preprocessing INTEGER NOT NULL,
    metric TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 1,
    row_count INTEGER NOT NULL DEFAULT 0,
    UNIQUE (model, fingerprint, preprocessing, metric)
);

CREATE TABLE embeddings (
    space INTEGER NOT NULL REFERENCES spaces,
    row INTEGER NOT NULL,
    picture INTEGER NOT NULL REFERENCES pictures,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (space, row),
    UNIQUE (space, picture)
) WITHOUT ROWID;
"""


def _to_version_1(database: sqlite3.Connection) -> None:
    _run(database, _VERSION_1)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")


_VERSION_2 = """
-- A space knows the precision that its network computes with, and, where the registry does not
-- know the network, what it is (JSON). SQLite cannot change a constraint, so the table is copied.
CREATE TABLE new_spaces (
    space INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    preprocessing INTEGER NOT NULL,
    metric TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    precision TEXT NOT NULL,
    network TEXT,
    generation INTEGER NOT NULL DEFAULT 1,
    row_count INTEGER NOT NULL DEFAULT 0,
    UNIQUE (model, fingerprint, preprocessing, metric, precision)
);
INSERT INTO new_spaces
    SELECT space, model, fingerprint, preprocessing, metric, dimension, 'float32', NULL,
        generation, row_count
    FROM spaces;
DROP TABLE spaces;
ALTER TABLE new_spaces RENAME TO spaces;
"""


def _to_version_2(database: sqlite3.Connection) -> None:
    _run(database, _VERSION_2)


_VERSION_3 = """
-- What people have said of pairs of pictures, by content: also of pictures that are not here now.
CREATE TABLE verdicts (
    first BLOB NOT NULL CHECK (length(first) = 32),
    second BLOB NOT NULL CHECK (length(second) = 32),
    kind TEXT NOT NULL CHECK (kind IN ('same', 'different')),
    said TEXT NOT NULL,
    PRIMARY KEY (first, second),
    CHECK (first < second)
) WITHOUT ROWID;
"""


def _to_version_3(database: sqlite3.Connection) -> None:
    _run(database, _VERSION_3)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _to_version_1,
    _to_version_2,
    _to_version_3,
)
"""Migration number i leads from version i to version i + 1."""


def version_of(database: sqlite3.Connection) -> int:
    """The version of the tables; 0 if there are none yet.

    Raises:
        LibraryFormatError: they were made by a newer Lookgraph.
        LibraryDamagedError: the database is somebody else's.
    """
    # The tables first: whoever sees those that another process is making sees what comes with them.
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if tables and application != APPLICATION_ID:
        raise LibraryDamagedError("The database in it was not made by Lookgraph.")
    if version > len(MIGRATIONS):
        raise LibraryFormatError(
            f"The library has format {version}; this Lookgraph knows up to {len(MIGRATIONS)}. "
            "Install a newer one: pip install --upgrade lookgraph"
        )
    return int(version)


def check(database: sqlite3.Connection) -> None:
    """Refuse tables of another version than this one.

    Raises:
        LibraryFormatError: they are older or newer.
        LibraryDamagedError: the database is somebody else's.
    """
    version = version_of(database)
    if version < len(MIGRATIONS):
        raise LibraryFormatError(f"The library has format {version}, and is to be brought up.")


def migrate(database: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, each step in a transaction of its own."""
    while version_of(database) < len(MIGRATIONS):
        with database:
            database.execute("BEGIN IMMEDIATE")
            number = version_of(database)  # another process may have come first
            if number < len(MIGRATIONS):
                MIGRATIONS[number](database)
                database.execute(f"PRAGMA user_version = {number + 1}")


def _run(database: sqlite3.Connection, script: str) -> None:
    """Execute statements one by one: `executescript` would commit between them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            database.execute(statement)
            statement = ""
