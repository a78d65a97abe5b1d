"""What was found out of pictures, as properties of their nodes: the number of a group."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from neo4j import ManagedTransaction

from lookgraph.stores.neo4j.client.batches import in_batches
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.client.lock import writers_turn
from lookgraph.stores.neo4j.schema import check_library

_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """What was changed.

    Attributes:
        set: how many pictures have another number than before, or had none.
        removed: how many have none any more.
        unchanged: how many have the number that they had.
    """

    set: int
    removed: int
    unchanged: int


def write_groups(
    connection: Connection,
    property_: str,
    groups: Sequence[Sequence[str]],
    progress: Callable[[float], None] = lambda _: None,
) -> WrittenBack:
    """Keep which group each picture is in, as a whole number; the first group is 0.

    Only nodes of Lookgraph's own are changed, in a library of its own and in a mirror, and only
    those whose number is another one. What is in no group loses the property.

    Args:
        connection: to the library.
        property_: of pictures.
        groups: the ids of the pictures in each.
        progress: is told which share is done, from 0 to 1.

    Raises:
        LibraryNotFoundError: there is no library.
        LibraryLockedError: another process is writing.
    """
    check_library(connection)
    wanted = {id_: number for number, ids in enumerate(groups) for id_ in ids}
    with writers_turn(connection) as turn:
        there = _there(connection, property_)
        changed = [id_ for id_, number in wanted.items() if there.get(id_) != number]
        gone = [id_ for id_ in there if id_ not in wanted]
        all_of_it = max(1, len(changed) + len(gone))
        own, key = connection.address.names.own(), connection.address.names.id
        match = f"UNWIND range(0, size($ids) - 1) AS i MATCH (n:`{own}` {{`{key}`: $ids[i]}})"

        def change(transaction: ManagedTransaction, part: slice) -> None:
            ids = changed[part]
            numbers = np.array([wanted[id_] for id_ in ids], np.int64)
            transaction.run(
                f"{match} SET n.`{property_}` = $numbers[i]", ids=ids, numbers=numbers
            ).consume()

        def remove(transaction: ManagedTransaction, part: slice) -> None:
            transaction.run(f"{match} REMOVE n.`{property_}`", ids=gone[part]).consume()

        in_batches(turn, len(gone), _AT_ONCE, remove, lambda n: progress(n / all_of_it))
        in_batches(
            turn, len(changed), _AT_ONCE, change, lambda n: progress((len(gone) + n) / all_of_it)
        )
    return WrittenBack(len(changed), len(gone), len(wanted) - len(changed))


def _there(connection: Connection, property_: str) -> Mapping[str, object]:
    """The numbers that are there, by the ids of pictures."""
    names = connection.address.names
    found = connection.read(
        f"MATCH (n:`{names.own()}`) WHERE n.`{property_}` IS NOT NULL"
        f" RETURN n.`{names.id}` AS id, n.`{property_}` AS number"
    )
    return {one["id"]: one["number"] for one in found}
