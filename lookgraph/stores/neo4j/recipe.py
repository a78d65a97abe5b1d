"""What somebody who followed the published recipe has put into a database: paths and embeddings.

Its nodes have no ids and no order of their own. They are named by the server's, which hold as long
as nothing is deleted, and whose order is mostly that in which the nodes were made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.types import Array


@dataclass(frozen=True, slots=True)
class Node:
    """A node that has the label of pictures and is none of Lookgraph's.

    Attributes:
        key: the server's name of it.
        path: what it has for one; empty if that is no text, or none.
    """

    key: str
    path: str


class Recipe:
    """The pictures of a database that are none of Lookgraph's. Nothing in it is changed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names = connection.address.names

    def __str__(self) -> str:
        """What is asked for, and where."""
        names = self._names
        return (
            f"(:{names.label} {{{names.embeddings}, {names.path}}}) in {self._connection.address}"
        )

    def nodes(self) -> list[Node]:
        """All of them, as they were made: some 200 bytes each."""
        names = self._names
        found = self._connection.read(
            f"MATCH (n:`{names.label}`) WHERE NOT n:`{names.own()}`"
            f" RETURN elementId(n) AS key, n.`{names.path}` AS path"
        )
        nodes = [
            Node(one["key"], one["path"] if isinstance(one["path"], str) else "") for one in found
        ]
        return sorted(nodes, key=lambda node: _number_in(node.key))

    def embeddings(self, keys: Sequence[str]) -> list[NDArray[np.float64] | None]:
        """The embeddings of some nodes, in their order; None where there is none.

        Args:
            keys: of nodes; their embeddings are in memory together.

        Returns:
            each of shape (d,), of whatever dimension; the numbers may be infinite or none.
        """
        found = self._connection.read(
            "UNWIND range(0, size($keys) - 1) AS place MATCH (n) WHERE elementId(n) = $keys[place]"
            f" RETURN place, n.`{self._names.embeddings}` AS numbers",
            keys=list(keys),
        )
        numbers = {one["place"]: one["numbers"] for one in found}
        return [_as_embedding(numbers.get(place)) for place in range(len(keys))]


def _number_in(key: str) -> tuple[int, str]:
    """Servers up to now end their name of a node with its number, which grows."""
    number = key.rpartition(":")[2]
    return (int(number) if number.isdecimal() else 0, key)


def _as_embedding(numbers: object) -> Array | None:
    """Of what a property may be, what is a list of numbers."""
    if not isinstance(numbers, list) or not numbers:
        return None
    try:
        found = np.asarray(numbers)
    except (ValueError, OverflowError):
        return None
    return found.astype(np.float64) if found.ndim == 1 and found.dtype.kind in "fi" else None
