"""The small copies of pictures that tell the same from the like, kept so as to be made once.

They can be made again from the files, so they have a database to themselves, in the folder that a
store has for such: what happens to it costs time and nothing else.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

SIGNATURES = "signatures.db"

_AT_ONCE = 500


class Signatures:
    """What is kept for the pictures of one library, by their ids."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet."""
        self._file = folder / SIGNATURES

    def read(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Those that are kept; none of a file that is damaged, which is then removed."""
        found: dict[str, bytes] = {}
        if not self._file.exists():
            return found
        try:
            with self._open() as database:
                for start in range(0, len(ids), _AT_ONCE):
                    part = [bytes.fromhex(id_) for id_ in ids[start : start + _AT_ONCE]]
                    rows = database.execute(
                        "SELECT id, signature FROM signatures"
                        f" WHERE id IN ({', '.join('?' * len(part))})",
                        part,
                    )
                    found.update((id_.hex(), signature) for id_, signature in rows)
        except sqlite3.OperationalError:
            return found  # it may only be read, or another process holds it: they are made again
        except sqlite3.DatabaseError:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
        return found

    def write(self, made: Mapping[str, bytes]) -> None:
        """Keep some; where that cannot be, they are made again next time."""
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(sqlite3.Error), self._open() as database, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS signatures"
                " (id BLOB PRIMARY KEY, signature BLOB NOT NULL) WITHOUT ROWID"
            )
            database.executemany(
                "INSERT OR REPLACE INTO signatures VALUES (?, ?)",
                [(bytes.fromhex(id_), signature) for id_, signature in made.items()],
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=5)) as database:
            yield database
