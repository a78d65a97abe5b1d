"""The command line, in a process that kills itself at one moment of its work.

::

    python -m tests.integration.dying MOMENT TIME ARGUMENT…

runs ``lookgraph ARGUMENT…`` until MOMENT, one of `MOMENTS`, comes for the TIMEth time, and then
is gone as if by a loss of power: no handler runs, nothing is flushed or let go of.
"""

import contextlib
import functools
import math
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from lookgraph import indexing
from lookgraph.interfaces import cli
from lookgraph.models import cache
from lookgraph.stores import database, local_writer, rows, schema
from lookgraph.stores.local_writer import LocalWriter

COMMIT_FILES = 4
"""Commits are made after so few files that there are several, however fast the machine is."""


class Death:
    """Comes when it has been called often enough."""

    def __init__(self, time: int) -> None:
        self.left = time

    def come(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def patch(owner: Any, name: str, replacement: Callable[..., Any]) -> None:
    mock.patch.object(owner, name, replacement).start()


def after(owner: Any, name: str) -> Callable[[Death], None]:
    """The moment after a function has returned."""

    def prepare(death: Death) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def dying(*arguments: Any, **options: Any) -> Any:
            result = original(*arguments, **options)
            death.come()
            return result

        patch(owner, name, dying)

    return prepare


def before(owner: Any, name: str) -> Callable[[Death], None]:
    """The moment before a function is called."""

    def prepare(death: Death) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def dying(*arguments: Any, **options: Any) -> Any:
            death.come()
            return original(*arguments, **options)

        patch(owner, name, dying)

    return prepare


def in_the_middle_of_the_rows(death: Death) -> None:
    """Half of what was to be appended is in the file."""
    original = rows.append_rows

    def dying(file: Path, count: int, embeddings: Any) -> list[int]:
        death.left -= 1
        if death.left == 0:
            data = np.ascontiguousarray(embeddings, "<f2").tobytes()
            with file.open("r+b" if file.exists() else "wb") as out:
                out.seek(count * embeddings.shape[1] * 2)
                out.write(data[: len(data) // 2 + 1])
            os.kill(os.getpid(), signal.SIGKILL)
        return original(file, count, embeddings)

    patch(local_writer, "append_rows", dying)


def in_the_middle_of_the_copy(death: Death) -> None:
    """Half of the rows are in the new file when rows are compacted."""
    original = rows.copy_rows

    def dying(old: Any, keep: Any, file: Path) -> None:
        original(old, keep[: len(keep) // 2], file)
        death.come()
        original(old, keep, file)

    patch(local_writer, "copy_rows", dying)


def after_the_transaction_of(name: str) -> Callable[[Death], None]:
    """The moment after the commit of the transaction that a method of the writer writes in."""

    def prepare(death: Death) -> None:
        original, transaction = getattr(LocalWriter, name), database.transaction
        written = False

        def writing(*arguments: Any) -> None:
            nonlocal written
            original(*arguments)
            written = True

        @contextlib.contextmanager
        def dying(connection: Any) -> Iterator[None]:
            nonlocal written
            with transaction(connection):
                yield
            if written:
                written = False
                death.come()

        patch(LocalWriter, name, writing)
        patch(local_writer, "transaction", dying)

    return prepare


MOMENTS: dict[str, Callable[[Death], None]] = {
    # While a library is made
    "before the database": before(sqlite3, "connect"),
    "in the migration": after(schema, "_run"),
    "after the migration": after(schema, "migrate"),
    "before the space": before(LocalWriter, "_space"),
    "before the network is kept": before(cache, "keep"),
    # While a batch is stored
    "before the rows": before(local_writer, "append_rows"),
    "in the rows": in_the_middle_of_the_rows,
    "between rows and transaction": after(local_writer, "append_rows"),
    "in the transaction": after(LocalWriter, "_name_rows"),
    "before the transaction's end": after(LocalWriter, "_name_files"),
    "after the transaction": after_the_transaction_of("_name_files"),
    # While rows are compacted
    "in the copy": in_the_middle_of_the_copy,
    "between copy and transaction": after(local_writer, "copy_rows"),
    "in the compaction's transaction": after(LocalWriter, "_rename_rows"),
    "before the old rows are unlinked": after_the_transaction_of("_rename_rows"),
    "after the old rows are unlinked": after(LocalWriter, "_compact"),
}


def main() -> None:
    moment, time, *arguments = sys.argv[1:]
    indexing._COMMIT_FILES = COMMIT_FILES
    indexing._COMMIT_SECONDS = math.inf  # however busy the machine is
    MOMENTS[moment](Death(int(time)))
    sys.argv = ["lookgraph", *arguments]
    cli.main()


if __name__ == "__main__":
    main()
