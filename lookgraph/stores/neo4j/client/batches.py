"""Many changes in a few transactions, no larger than the server has memory for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeAlias

from neo4j import ManagedTransaction
from neo4j.exceptions import TransientError

from lookgraph.errors import StorageError
from lookgraph.stores.neo4j.client.faults import TooLargeError

Work: TypeAlias = Callable[[ManagedTransaction], None]


class Applies(Protocol):
    """What makes changes: a writer's `lookgraph.stores.neo4j.client.lock.Turn`, or `Within`."""

    def apply(self, work: Work) -> None:
        """Make one change."""
        ...


class WholeTooLargeError(StorageError):
    """A transaction that many changes were to be made in has no memory for them."""


class Within:
    """Makes changes as parts of one transaction, which costs the server once what each costs."""

    def __init__(self, transaction: ManagedTransaction) -> None:
        """Nothing is changed yet.

        Args:
            transaction: that all are part of.
        """
        self._transaction = transaction

    def apply(self, work: Work) -> None:
        """Make one change.

        Raises:
            WholeTooLargeError: the transaction has no memory for it: nothing of it has been done.
        """
        try:
            work(self._transaction)
        except TooLargeError as error:
            raise WholeTooLargeError(str(error)) from error


def in_batches(
    turn: Applies,
    count: int,
    most: int,
    change: Callable[[ManagedTransaction, slice], None],
    progress: Callable[[int], None],
) -> None:
    """Change so many things, some at a time.

    What is too large for the server's memory is halved, and what follows is no larger.

    Args:
        turn: of the writer.
        count: how many things there are.
        most: so many at once.
        change: makes some of the changes.
        progress: is told how many have been made.

    Raises:
        TooLargeError: even one is too large.
    """
    start, size = 0, most
    while start < count:
        part = slice(start, min(start + size, count))
        try:
            turn.apply(_Trying(change, part))
        except TooLargeError:
            size = (part.stop - part.start) // 2
            if not size:
                raise
        else:
            start = part.stop
            progress(start)


class _Trying:
    """A change that gives up where to try it again would not help.

    The driver tries the very same again for a minute where the server has no memory for it, which
    it may find out at the commit only: then this is asked a second time.
    """

    def __init__(self, change: Callable[[ManagedTransaction, slice], None], part: slice) -> None:
        self._change = change
        self._part = part
        self._done = False

    def __call__(self, transaction: ManagedTransaction) -> None:
        if self._done and self._part.stop - self._part.start > 1:
            raise TooLargeError(_TOO_LARGE)
        with small_enough():
            self._change(transaction, self._part)
        self._done = True


@contextmanager
def small_enough() -> Iterator[None]:
    """Turn what the server says of its memory into an error that nothing is tried again after.

    Raises:
        TooLargeError: there is too little.
    """
    try:
        yield
    except TransientError as error:
        if "OutOfMemory" not in (error.code or ""):
            raise
        raise TooLargeError(_TOO_LARGE) from error


_TOO_LARGE = (
    "A change needs more memory than the server grants one. Raise db.memory.transaction.max or "
    "dbms.memory.transaction.total.max."
)
