"""Write a local library into a database, and keep what is there in step with it.

The library remembers what it wrote, and the database has a word for the state that it was left in.
Where the two fit, what has changed is found out here; otherwise the database is read first. The
word is taken away by an export's first change and given anew by its last, so what broke off is read
and carried on with, and nothing is there twice.
"""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from neo4j import ManagedTransaction

from lookgraph.errors import UsageError
from lookgraph.stores.base import Store
from lookgraph.stores.contents import Contents
from lookgraph.stores.local import LocalStore
from lookgraph.stores.neo4j import schema
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.client.lock import Turn, writers_turn
from lookgraph.stores.neo4j.mirror.exporter import Done, Exporter, Progress
from lookgraph.stores.neo4j.mirror.memory import Memory, memory_file, recall, remember
from lookgraph.stores.neo4j.mirror.mirrored import Mirrored
from lookgraph.stores.neo4j.mirror.reading import Seen, look, look_in, read_mirrored
from lookgraph.stores.neo4j.mirror.writing import MirrorWriter


@dataclass(frozen=True, slots=True)
class Report:
    """What an export did.

    Attributes:
        done: what was changed.
        seconds: that all of it took.
        without_graph: the spaces that have none, and why, if there is one that cannot be used.
    """

    done: Done
    seconds: float
    without_graph: tuple[tuple[str, str | None], ...]


def export(store: Store, connection: Connection, progress: Progress) -> Report:
    """Make a database hold what a local library does, its graphs included.

    Args:
        store: the library.
        connection: to the database.
        progress: is told what is being done.

    Raises:
        LibraryNotFoundError: there is no local library.
        UsageError: the library is in a database itself; or the database holds a library of its
            own, or the mirror of another one.
        LibraryLockedError: somebody else is writing there.
        ServerError: the server is not there, or refuses.
        StorageError: something there is in the way.
    """
    if not isinstance(store, LocalStore):
        raise UsageError(f"{store.place} is in a database already; only a folder's is exported.")
    began = time.perf_counter()
    found = _compared(store, connection, progress)
    if found.exporter and not found.exporter.has_work():
        return _report(found.contents, Done(), began)
    with writers_turn(connection) as turn:
        if look(connection).state != found.seen.state:  # somebody has come first
            found = _compared(store, connection, progress)
        exporter = found.exporter or Exporter(
            connection, found.contents, read_mirrored(connection, found.contents), progress
        )
        done = _write(connection, turn, exporter, found)
    return _report(found.contents, done, began)


@dataclass(frozen=True, slots=True)
class _Compared:
    """What is to be written, as far as it can be told here.

    Attributes:
        contents: of the library.
        library: its id.
        seen: of the database.
        file: that the library remembers in.
        remembered: what is there.
        exporter: of what has changed; None if the database must be read to know.
    """

    contents: Contents
    library: str
    seen: Seen
    file: Path
    remembered: Memory | None
    exporter: Exporter | None


def _compared(store: LocalStore, connection: Connection, progress: Progress) -> _Compared:
    file = memory_file(store.folder, connection.address)
    with ThreadPoolExecutor(1) as beside:  # the server answers while the library is read
        answer = beside.submit(_look, connection)
        contents, library, remembered = store.contents(), store.identity(), recall(file)
        seen = answer.result()
    _be_ours(connection, seen, library, remembered, file)
    there = _unchanged(seen, remembered)
    exporter = Exporter(connection, contents, there, progress) if there else None
    return _Compared(contents, library, seen, file, remembered, exporter)


def _look(connection: Connection) -> Seen:
    schema.make_library(connection)
    return look(connection)


def _write(connection: Connection, turn: Turn, exporter: Exporter, found: _Compared) -> Done:
    before = found.remembered.states if found.remembered else ()
    state = secrets.token_hex(8)

    def finish(transaction: ManagedTransaction) -> None:
        counts = look_in(transaction, connection.address.names).counts
        # First here, then there: else a crash in between would look like somebody else's export.
        remember(found.file, Memory((*before, state), counts, exporter.wanted.mirrored))
        MirrorWriter(transaction, connection.address.names).end(state)

    return exporter.write(turn, found.library, finish)


def _unchanged(seen: Seen, remembered: Memory | None) -> Mirrored | None:
    """What is remembered, if it is still there."""
    if remembered is None or seen.state is None:
        return None
    if (seen.state, seen.counts) != (remembered.states[-1], remembered.counts):
        return None
    return remembered.mirrored


def _be_ours(
    connection: Connection, seen: Seen, id_: str, remembered: Memory | None, file: Path
) -> None:
    label = "Give the pictures another label, ?label=Photo behind the address"
    address = connection.address
    if seen.mirror_of is None and seen.generation:
        raise UsageError(
            f"{address} holds a library of its own, which an export would write over. {label}."
        )
    if seen.mirror_of not in (None, id_):
        raise UsageError(f"{address} holds the copy of another library. {label}.")
    if remembered and seen.state is not None and seen.state not in remembered.states:
        raise UsageError(
            f"{address} was written to by a copy of this library's folder since this one was "
            f"exported. {label}; or, if this is the library that counts, delete {file} and try "
            "again."
        )


def _report(contents: Contents, done: Done, began: float) -> Report:
    return Report(
        done,
        time.perf_counter() - began,
        tuple((one.space.name, one.fault) for one in contents.spaces if one.graph is None),
    )
