"""One writer at a time, also from several machines.

Milvus has no transactions and no locks of its own. A writer puts a record with a token of its own
into the library, waits a little and looks whether the token is still there: of two that come at the
same time the later one has it (M. Fischer's algorithm, in L. Lamport, "A Fast Mutual Exclusion
Algorithm", 1987). It changes a count in the record every two seconds as long as it lives; a record
whose count stands still is of a writer that has died. Each change begins by finding the token
there, so that a writer that was taken for dead, and is not, ends instead of writing beside another.

A file of Milvus Lite needs none of it: one process has it open, and there one thread writes.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from lookgraph.errors import LibraryError, LibraryLockedError
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.records import (
    WRITER,
    Record,
    as_written,
    drop_records,
    read_record,
    write_records,
)

_BEAT_SECONDS = 2.0
_DEAD_SECONDS = 8.0
"""A writer elsewhere whose count stands still for so long has died."""

_SETTLING_SECONDS = 0.3
"""Longer than it takes from reading the record to writing it."""

_held: set[str] = set()
_held_lock = threading.Lock()
"""The libraries that this process writes to."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who writes.

    Attributes:
        token: of this turn.
        host: of its machine.
        process: its number there.
        started: that process's own mark: another process may get its number.
        since: when, in words.
        beat: goes up as long as it lives.
    """

    token: str
    host: str
    process: int
    started: str
    since: str
    beat: int = 0

    @property
    def is_dead(self) -> bool | None:
        """Whether the process is gone; None if it is on another machine."""
        if self.host != _host():
            return None
        return _started(self.process) != self.started

    def __str__(self) -> str:
        return f"process {self.process} on {self.host} since {self.since}"


class Turn(Protocol):
    """A writer's turn."""

    def check(self) -> None:
        """Be sure that it still is this writer's turn.

        Raises:
            LibraryLockedError: another process has taken over.
        """
        ...


class _AloneTurn:
    """That of the only process that there can be."""

    def check(self) -> None:
        """As `Turn.check`: nobody can have taken over."""


class _HeldTurn:
    """That of one of several processes."""

    def __init__(self, connection: Connection, names: Names, holder: _Holder) -> None:
        self._connection = connection
        self._names = names
        self._holder = holder
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def check(self) -> None:
        """As `Turn.check`."""
        found = _read(self._connection, self._names)
        if found is None or found.token != self._holder.token:
            raise LibraryLockedError(
                f"{self._connection.address}: another process has begun to write, since this one "
                "was not heard of for long. Run the command again: it goes on where it was."
            )

    def live(self) -> None:
        """Be heard of until `end`."""
        while not self._ended.wait(_BEAT_SECONDS):
            # What the server has against it is met by the next change.
            with suppress(LibraryError), self._lock:
                self.check()
                self._holder = replace(self._holder, beat=self._holder.beat + 1)
                _write(self._connection, self._names, self._holder)

    def end(self) -> None:
        """Let the next one in."""
        self._ended.set()
        # Where the server is gone, the next writer waits until this one counts as dead.
        with suppress(LibraryError), self._lock:
            self.check()
            drop_records(self._connection, self._names, WRITER, [""])


@contextmanager
def writers_turn(connection: Connection, names: Names) -> Iterator[Turn]:
    """Hold the lock of the library that is there.

    Raises:
        LibraryLockedError: somebody else holds it; says who.
    """
    place = str(connection.address)
    with _alone_here(place):
        if connection.address.is_file:
            yield _AloneTurn()
            return
        turn = _take(connection, names)
        living = threading.Thread(target=turn.live, name="lookgraph-writer", daemon=True)
        living.start()
        try:
            yield turn
        finally:
            turn.end()
            living.join()


@contextmanager
def _alone_here(place: str) -> Iterator[None]:
    with _held_lock:
        if place in _held:
            raise _locked(place, f"this process, {os.getpid()}")
        _held.add(place)
    try:
        yield
    finally:
        with _held_lock:
            _held.remove(place)


def _take(connection: Connection, names: Names) -> _HeldTurn:
    found = _read(connection, names)
    if found and not _has_died(found, lambda: _read(connection, names)):
        raise _locked(str(connection.address), str(found))
    process = os.getpid()
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    holder = _Holder(secrets.token_hex(8), _host(), process, _started(process), since)
    _write(connection, names, holder)
    time.sleep(_SETTLING_SECONDS)
    found = _read(connection, names)
    if found is None or found.token != holder.token:
        raise _locked(str(connection.address), str(found or "another process"))
    return _HeldTurn(connection, names, holder)


def _has_died(holder: _Holder, read: Callable[[], _Holder | None]) -> bool:
    """Whether a writer that stands in the record is no more; takes seconds if it is elsewhere."""
    if holder.is_dead is not None:
        return holder.is_dead
    deadline = time.monotonic() + _DEAD_SECONDS
    while time.monotonic() < deadline:
        time.sleep(_BEAT_SECONDS / 4)
        now = read()
        if now is None:
            return True
        if now != holder:
            return False
    return True


def _locked(place: str, who: str) -> LibraryLockedError:
    return LibraryLockedError(
        f"{place} is being written to by {who}. Wait until it is done, or stop it, and try again."
    )


def _host() -> str:
    return socket.gethostname()


def _started(process: int) -> str:
    """When a process of this machine was started, as the system counts it; empty if it is gone.

    Where there is no /proc, whether it is there is all that can be told.
    """
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return told.rpartition(")")[2].split()[19]  # proc_pid_stat(5): starttime
    except FileNotFoundError:
        pass
    if Path("/proc/self").is_dir():
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        return "there"
    return "there"


def _read(connection: Connection, names: Names) -> _Holder | None:
    told = read_record(connection, names, WRITER)
    with as_written("who is writing"):
        return None if told is None else _Holder(**told)


def _write(connection: Connection, names: Names, holder: _Holder) -> None:
    told = {name: getattr(holder, name) for name in _Holder.__slots__}
    write_records(connection, names, [Record("", WRITER, told)])
