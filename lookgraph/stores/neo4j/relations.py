"""Relations between pictures: read, compared, written and deleted, many at a time.

Pictures are named by their rows. What Lookgraph makes goes from the lower row to the higher one,
and is marked: only what is marked is ever deleted.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from neo4j import ManagedTransaction
from numpy.typing import NDArray

from lookgraph.errors import StorageError
from lookgraph.stores.neo4j.client.batches import Applies, in_batches
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.names import Names
from lookgraph.types import Array, Integers

_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Relations:
    """Relations between the rows of pictures.

    Attributes:
        first: the row that each goes from, shape (m,).
        second: the row that it goes to.
        scores: float64; NaN where somebody else's has none.
    """

    first: Integers
    second: Integers
    scores: Array

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which: slice | Integers | NDArray[np.bool_]) -> "Relations":
        """Some of them."""
        return Relations(self.first[which], self.second[which], self.scores[which])

    def upward(self) -> "Relations":
        """The same, each from its lower row to its higher one."""
        lower, higher = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        return Relations(lower, higher, self.scores)


def no_relations() -> Relations:
    """None."""
    return Relations(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))


@dataclass(frozen=True, slots=True)
class Found:
    """What is in a database.

    Attributes:
        relations: all between pictures that are Lookgraph's.
        made: which of them Lookgraph made, shape (m,).
    """

    relations: Relations
    made: NDArray[np.bool_]


def read_relations(connection: Connection, relation: str) -> Found:
    """All relations of a type between pictures of the library, in no order.

    Args:
        connection: to the database.
        relation: its type.
    """
    own = connection.address.names.own()
    score = f"toFloatOrNull(r.`{connection.address.names.score}`)"
    first, counts, second, scores, made = [], [], [], [], []
    with connection.stream(
        f"MATCH (a:`{own}`) WHERE a.row IS NOT NULL"
        f" WITH a.row AS row, [(a)-[r:`{relation}`]->(b:`{own}`) WHERE b.row IS NOT NULL"
        f" | [b.row, {score}, r.made]] AS found WHERE size(found) > 0 RETURN row, found"
    ) as answer:
        for row, found in answer:
            first.append(row)
            counts.append(len(found))
            for other, its, is_made in found:
                second.append(other)
                scores.append(its)
                made.append(is_made is True)
    return Found(
        Relations(
            np.repeat(np.array(first, np.int64), counts),
            np.array(second, np.int64),
            np.array([np.nan if its is None else its for its in scores], np.float64),
        ),
        np.array(made, np.bool_),
    )


@dataclass(frozen=True, slots=True)
class Differences:
    """What makes the relations that are there those that are wanted.

    Attributes:
        gone: to be deleted.
        fresh: to be created. What has another score now is in both.
    """

    gone: Relations
    fresh: Relations


def differences(there: Relations, wanted: Relations) -> Differences:
    """Compare relations that Lookgraph made with those that should be.

    Args:
        there: in either direction; of several between two rows, none is right.
        wanted: one for each pair of rows.
    """
    there, wanted = there.upward(), wanted.upward()
    keys = np.concatenate([_keys(there), _keys(wanted)])
    pairs, pair = np.unique(keys, return_inverse=True)
    old, new = pair[: len(there)], pair[len(there) :]
    scores = np.full((2, len(pairs)), np.nan)
    scores[0, old], scores[1, new] = there.scores, wanted.scores
    stays = (np.bincount(old, minlength=len(pairs)) == 1) & (scores[0] == scores[1])
    return Differences(there[~stays[old]], wanted[~stays[new]])


def _keys(relations: Relations) -> NDArray[np.uint64]:
    """One number for each pair of rows."""
    return relations.first.astype(np.uint64) << np.uint64(32) | relations.second.astype(np.uint64)


def create_relations(
    turn: Applies,
    names: Names,
    relation: str,
    created: Relations,
    progress: Callable[[int], None],
) -> None:
    """Make relations that are not there yet.

    Args:
        turn: of the writer.
        names: of pictures and scores.
        relation: their type.
        created: from the lower row to the higher one.
        progress: is told how many have been made.

    Raises:
        StorageError: a picture is not there.
        TooLargeError: the server has too little memory for even one.
    """
    query = (
        f"UNWIND $rows AS row MATCH (n:`{names.own()}` {{row: row}}) WITH collect(n) AS nodes"
        " WHERE size(nodes) = size($rows) UNWIND range(0, size($scores) - 1) AS i"
        " WITH nodes[$first[i]] AS a, nodes[$second[i]] AS b, $scores[i] AS score"
        f" CREATE (a)-[:`{relation}` {{`{names.score}`: score, made: true}}]->(b)"
    )

    def create(transaction: ManagedTransaction, part: slice) -> None:
        some = created[part]
        rows, places = np.unique(np.concatenate([some.first, some.second]), return_inverse=True)
        done = transaction.run(
            query,
            rows=rows,
            first=places[: len(some)],
            second=places[len(some) :],
            scores=some.scores,
        ).consume()
        if done.counters.relationships_created != len(some):
            raise StorageError(
                "Not all pictures that are to be related are in the database: somebody else has "
                "changed it. Run the command again."
            )

    in_batches(turn, len(created), _AT_ONCE, create, progress)


def delete_relations(
    turn: Applies,
    names: Names,
    relation: str,
    gone: Relations,
    progress: Callable[[int], None],
) -> None:
    """Delete relations that Lookgraph made, in either direction. Those that are not there are gone.

    Args:
        turn: of the writer.
        names: of pictures.
        relation: their type.
        gone: which.
        progress: is told how many have been deleted.
    """
    own = names.own()
    query = (
        "UNWIND range(0, size($first) - 1) AS i"
        f" MATCH (:`{own}` {{row: $first[i]}})-[r:`{relation}` {{made: true}}]-"
        f"(:`{own}` {{row: $second[i]}}) DELETE r"
    )

    def delete(transaction: ManagedTransaction, part: slice) -> None:
        some = gone[part]
        transaction.run(query, first=some.first, second=some.second).consume()

    in_batches(turn, len(gone), _AT_ONCE, delete, progress)


def delete_all_relations(
    connection: Connection, turn: Applies, relation: str, progress: Callable[[int], None]
) -> None:
    """Delete all relations of a type that Lookgraph made.

    Args:
        connection: to the database.
        turn: of the writer.
        relation: their type.
        progress: is told how many have been deleted.
    """
    own = connection.address.names.own()
    found = f"MATCH (:`{own}`)-[r:`{relation}` {{made: true}}]->(:`{own}`)"
    (count,) = connection.read(f"{found} RETURN count(r)")[0]

    def delete(transaction: ManagedTransaction, part: slice) -> None:
        most = part.stop - part.start
        transaction.run(f"{found} WITH r LIMIT $most DELETE r", most=most).consume()

    in_batches(turn, count, _AT_ONCE, delete, progress)
