"""The embeddings of a space: written, and read as the rows that others take."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lookgraph.stores.linking import Embeddings
from lookgraph.stores.milvus import expressions
from lookgraph.stores.milvus.client.columns import Entity
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.records import StoredSpace, entities_with, facts_of
from lookgraph.stores.rows import checksums
from lookgraph.types import LARGEST, Metric, Picture, Rows, Space

_MORE = 512
"""Rows that are made room for at once, where there are more than were counted."""

VECTOR = ("id", "row", "checksum", "embedding")
"""The fields that `Stored` takes."""


class Stored:
    """An embedding as it is kept: float32 numbers of float16's precision, with their checksum."""

    def __init__(self, names: Names, space: Space, told: Entity) -> None:
        """Of an entity with the fields of `VECTOR`."""
        self.id = names.text(told["id"])
        self.number = int(told["row"])
        self._checksum = int(told["checksum"])
        self._metric = space.metric
        with np.errstate(over="ignore"):
            self.row: NDArray[np.float16] = np.array(told["embedding"], np.float16)

    @property
    def is_whole(self) -> bool:
        """Whether it is what was written."""
        return checksums(self.row[np.newaxis]) == [self._checksum]

    @property
    def is_sound(self) -> bool:
        """Whether it can be compared."""
        largest = np.abs(self.row.astype(np.float32)).max(initial=0)
        return bool(largest <= LARGEST and (self._metric is not Metric.COSINE or largest > 0))


def vector_entities(
    names: Names, pictures: Sequence[Picture], rows: Rows, first_row: int
) -> list[Entity]:
    """The entities of some pictures' embeddings without these, which get rows from one on."""
    return [
        names.owned(
            {
                "id": names.key(picture.id),
                "row": first_row + place,
                "checksum": checksum,
                **facts_of(picture),
            }
        )
        for place, (picture, checksum) in enumerate(zip(pictures, checksums(rows), strict=True))
    ]


def stored_rows(connection: Connection, names: Names, space: Space) -> Iterator[Stored]:
    """All embeddings of a space, in the order of their pictures' ids."""
    pages = connection.pages(names.vectors(space), names.ours(), VECTOR, space.dimension)
    for page in pages:
        for told in page:
            yield Stored(names, space, told)


def stored_with(
    connection: Connection, names: Names, space: Space, ids: Iterable[str]
) -> dict[str, Stored]:
    """Those of some pictures, by their ids."""
    found = entities_with(connection, names, names.vectors(space), "id", ids, VECTOR)
    return {its.id: its for its in (Stored(names, space, told) for told in found)}


def numbered(connection: Connection, names: Names, space: Space) -> list[tuple[int, str]]:
    """The rows and ids of all that have an embedding, in the order in which they were stored."""
    pages = connection.pages(names.vectors(space), names.ours(), ["id", "row"])
    return sorted((int(told["row"]), names.text(told["id"])) for page in pages for told in page)


def live_ids(connection: Connection, names: Names, stored: StoredSpace) -> set[str]:
    """The ids of the pictures that can answer searches in a space."""
    pages = connection.pages(names.pictures, live(names, stored), ["id"])
    return {names.text(told["id"]) for page in pages for told in page}


def live(names: Names, stored: StoredSpace) -> str:
    """The expression for the pictures that can answer searches in a space."""
    return names.ours(expressions.over("files", 0), expressions.has("spaces", stored.number))


def read_embeddings(
    connection: Connection, names: Names, stored: StoredSpace, inside: set[str]
) -> Embeddings:
    """Those of all pictures that have a file or are in the graph.

    Args:
        connection: to the server.
        names: of the library.
        stored: the space.
        inside: the ids of those that are in the graph.
    """
    space, is_live = stored.space, live_ids(connection, names, stored)
    ids: list[str] = []
    numbers: list[int] = []
    flags: list[tuple[bool, bool, bool]] = []
    rows: Rows = np.zeros((len(is_live | inside), space.dimension), np.float16)
    for its in stored_rows(connection, names, space):
        if its.id in is_live or its.id in inside:
            if len(ids) == len(rows):  # somebody writes meanwhile
                rows = np.concatenate([rows, np.zeros((_MORE, space.dimension), np.float16)])
            is_sound = its.is_sound
            if is_sound:
                rows[len(ids)] = its.row
            ids.append(its.id)
            numbers.append(its.number)
            flags.append((is_sound, its.id in is_live, its.id in inside))
    order = np.argsort(np.array(numbers, np.int64))
    sound, alive, within = np.array(flags, np.bool_).reshape(-1, 3)[order].T
    return Embeddings(
        tuple(ids[place] for place in order.tolist()),
        np.array(numbers, np.int64)[order],
        rows[: len(ids)][order],
        sound,
        alive,
        within,
    )
