"""What must be in a database before pictures are: constraints, indexes, and a node for the library.

Everything is made where it is missing, and nothing that is there is changed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from lookgraph.errors import LibraryFormatError, LibraryNotFoundError, StorageError
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.client.server import SIMILARITIES
from lookgraph.stores.neo4j.names import Names
from lookgraph.types import Metric

FORMAT = 1
"""The version of how a library is kept in Neo4j."""

_WAITING = 600
"""Seconds that the indexes of an empty library may take."""

_POLL_SECONDS = 0.1


def make_library(connection: Connection) -> None:
    """Make the constraints and the nodes of a library, where they are missing.

    Raises:
        StorageError: something of somebody else's is in the way.
        LibraryFormatError: a newer Lookgraph made what is there.
    """
    names = connection.address.names
    if _made(connection) is None:
        for label, key in _unique(names):
            connection.run(
                f"CREATE CONSTRAINT `lookgraph_{label}_{key}` IF NOT EXISTS"
                f" FOR (n:`{label}`) REQUIRE n.`{key}` IS UNIQUE"
            )
        connection.run(
            f"CREATE INDEX `lookgraph_{names.label}_row` IF NOT EXISTS"
            f" FOR (n:`{names.own()}`) ON (n.row)"
        )
        connection.run("CALL db.awaitIndexes($seconds)", seconds=_WAITING)
        connection.run(f"MERGE (:`{names.own('Lock')}` {{name: 'lock'}})")
        connection.run(
            f"MERGE (l:`{names.own('Library')}` {{name: 'library'}}) ON CREATE SET"
            " l.format = $format, l.generation = 0, l.step = 0, l.rows = 0",
            format=FORMAT,
        )


def has_library(connection: Connection) -> bool:
    """Whether there is one.

    Raises:
        LibraryFormatError: a newer Lookgraph made it.
    """
    return _made(connection) is not None


def check_library(connection: Connection) -> None:
    """Be sure that there is a library.

    Raises:
        LibraryNotFoundError: there is none.
        LibraryFormatError: a newer Lookgraph made it.
    """
    if _made(connection) is None:
        raise LibraryNotFoundError(
            f"There is no library in {connection.address}. Make one: "
            "lookgraph index FOLDER --library ADDRESS, or lookgraph export ADDRESS"
        )


def _made(connection: Connection) -> int | None:
    """The format of what is there; None if nothing is."""
    found = connection.read(
        f"MATCH (l:`{connection.address.names.own('Library')}` {{name: 'library'}})"
        " RETURN l.format AS format"
    )
    if not found:
        return None
    made = int(found[0]["format"])
    if made > FORMAT:
        raise LibraryFormatError(
            f"The library in {connection.address} was made by a newer Lookgraph. Update this one: "
            "pip install --upgrade lookgraph"
        )
    return made


def missing_constraints(connection: Connection) -> list[tuple[str, str]]:
    """The labels and properties whose values should be unique, and may be there twice."""
    found = connection.read(
        "SHOW CONSTRAINTS YIELD type, labelsOrTypes, properties"
        " WHERE type IN ['UNIQUENESS', 'NODE_KEY', 'NODE_PROPERTY_UNIQUENESS']"
        " RETURN labelsOrTypes AS labels, properties AS keys"
    )
    there = {(*its["labels"], *its["keys"]) for its in found}
    return [its for its in _unique(connection.address.names) if its not in there]


def _unique(names: Names) -> tuple[tuple[str, str], ...]:
    """The labels and properties whose values are unique."""
    return (
        (names.label, names.id),
        (names.own(), names.id),
        (names.own("File"), "key"),
        (names.own("Space"), "name"),
        (names.own("Library"), "name"),
        (names.own("Lock"), "name"),
    )


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """An index of vectors that is there.

    Attributes:
        name: of the index, whoever has made it.
        state: ``ONLINE`` once all that is there is in it.
        share: of the nodes that are in it, 0 to 1.
        dimension: the numbers of its vectors; None if it takes any.
        similarity: ``cosine`` or ``euclidean``.
    """

    name: str
    state: str
    share: float
    dimension: int | None
    similarity: str

    @property
    def is_online(self) -> bool:
        """Whether all that is there is in it."""
        return self.state == "ONLINE"

    def takes(self, dimension: int, metric: Metric) -> bool:
        """Whether it is one of embeddings of so many numbers, compared so."""
        fits = self.dimension in (None, dimension)
        return fits and self.similarity == SIMILARITIES.get(metric)


def vector_index(connection: Connection, property_: str) -> VectorIndex | None:
    """The index of vectors on a property of pictures; None if there is none."""
    if not connection.server.indexes_vectors:
        return None
    found = connection.read(
        "SHOW INDEXES YIELD name, type, state, populationPercent, labelsOrTypes, properties,"
        " options WHERE type = 'VECTOR' AND labelsOrTypes = [$label] AND properties = [$property]"
        " RETURN name, state, populationPercent AS share, options.indexConfig AS told",
        label=connection.address.names.label,
        property=property_,
    )
    if not found:
        return None
    (one, *_) = found
    dimension = one["told"].get("vector.dimensions")
    return VectorIndex(
        name=str(one["name"]),
        state=str(one["state"]),
        share=float(one["share"]) / 100,
        dimension=None if dimension is None else int(dimension),
        similarity=str(one["told"].get("vector.similarity_function", "cosine")).lower(),
    )


def make_vector_index(
    connection: Connection, property_: str, dimension: int, metric: Metric
) -> VectorIndex | None:
    """The index of vectors on a property, made where it is missing; None where it cannot be.

    It fills beside everything else: `await_vector_index` waits for it.

    Raises:
        StorageError: one is there that is of another dimension or metric.
    """
    if not connection.server.can_index(dimension, metric):
        return None
    found = vector_index(connection, property_)
    if found is None:
        label, similarity = connection.address.names.label, SIMILARITIES[metric]
        connection.run(
            f"CREATE VECTOR INDEX `lookgraph_{label}_{property_}` IF NOT EXISTS"
            f" FOR (n:`{label}`) ON (n.`{property_}`) OPTIONS {{indexConfig: {{"
            f"`vector.dimensions`: {dimension:d}, `vector.similarity_function`: '{similarity}'}}}}"
        )
        return vector_index(connection, property_)
    if not found.takes(dimension, metric):
        raise StorageError(
            f"{connection.address} has an index of vectors, {found.name}, of {found.dimension} "
            f"numbers compared by {found.similarity}, but these embeddings have {dimension} "
            f"compared by {SIMILARITIES[metric]}. Drop it (DROP INDEX `{found.name}`), or give the "
            "embeddings another property in the address: ?embeddings=NAME"
        )
    return found


def await_vector_index(
    connection: Connection, property_: str, progress: Callable[[float], None]
) -> None:
    """Wait until all that is there is in the index of vectors on a property, if there is one.

    Args:
        connection: to the database.
        property_: of the pictures.
        progress: is told what share is in it, 0 to 1.

    Raises:
        StorageError: the server could not make it.
    """
    while (index := vector_index(connection, property_)) and not index.is_online:
        if index.state == "FAILED":
            raise StorageError(
                f"{connection.address}: the index of vectors {index.name} could not be made. Drop "
                f"it (DROP INDEX `{index.name}`) and run the command again."
            )
        progress(index.share)
        time.sleep(_POLL_SECONDS)
