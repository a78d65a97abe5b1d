"""What a Neo4j server is, and what it can. It is asked, not guessed from its name."""

import re
from collections.abc import Callable
from functools import cached_property

from neo4j import Record

from lookgraph.errors import UsageError
from lookgraph.types import IndexKind, Metric, Space

_VECTOR_INDEXES = (5, 13)
"""Indexes of vectors are released, and made by ``CREATE VECTOR INDEX``, from this version on."""
_VECTOR_FUNCTIONS = (5, 18)
"""``vector.similarity.cosine`` is there from this version on."""
_SEARCH = (2026, 1)
"""``SEARCH`` asks an index of vectors from this version on."""
_LARGEST = 4096
"""Numbers in a vector of an index."""

SIMILARITIES = {Metric.COSINE: "cosine", Metric.L2: "euclidean"}
"""What it compares by, in functions and indexes. It has none for the inner product."""


class Server:
    """What was found out.

    Attributes:
        version: such as (5, 26) or (2026, 1).
        name: such as ``Neo4j 5.26.31, community``.
    """

    def __init__(self, read: Callable[[str], list[Record]]) -> None:
        """Ask a server what it is.

        Args:
            read: asks a question.
        """
        self._read = read
        (kernel, *_) = read(
            "CALL dbms.components() YIELD name, versions, edition"
            " WHERE name = 'Neo4j Kernel' RETURN versions[0] AS version, edition"
        )
        version = str(kernel["version"])
        found = re.match(r"(\d+)\.(\d+)", version)
        self.version = (int(found[1]), int(found[2])) if found else (0, 0)
        self.name = f"Neo4j {version}, {kernel['edition']}"

    @cached_property
    def gds(self) -> str | None:
        """The version of Graph Data Science; None if it is not installed."""
        if not self._read("SHOW FUNCTIONS YIELD name WHERE name = 'gds.version' RETURN name"):
            return None
        return str(self._read("RETURN gds.version() AS version")[0]["version"])

    @property
    def indexes_vectors(self) -> bool:
        """Whether it has indexes of vectors."""
        return self.version >= _VECTOR_INDEXES

    @property
    def compares_vectors(self) -> bool:
        """Whether it compares vectors without a plugin."""
        return self.version >= _VECTOR_FUNCTIONS

    @property
    def has_search(self) -> bool:
        """Whether an index of vectors is asked by ``SEARCH``."""
        return self.version >= _SEARCH

    def can_index(self, dimension: int, metric: Metric) -> bool:
        """Whether it can index vectors of so many numbers, compared so."""
        return self.indexes_vectors and dimension <= _LARGEST and metric in SIMILARITIES


def check_kind(server: Server, space: Space, kind: IndexKind) -> None:
    """Refuse a way of searching that a server does not have for a space.

    Raises:
        UsageError: with the reason.
    """
    if kind is IndexKind.IVF:
        raise UsageError(
            "A library in Neo4j has no index of kind ivf, which is for libraries in folders. "
            "There are auto, exact, hnsw and gds."
        )
    if kind is IndexKind.HNSW and not server.can_index(space.dimension, space.metric):
        raise UsageError(
            f"{server.name} cannot index embeddings of {space.dimension} numbers that are "
            f"compared by {space.metric}. Search exactly: --index exact"
        )
    if kind is IndexKind.GDS and (server.gds is None or space.metric is not Metric.COSINE):
        missing = "has no Graph Data Science" if server.gds is None else "compares by cosine alone"
        raise UsageError(
            f"{server.name} {missing}, so {space.name} cannot be searched with it. Search "
            "exactly: --index exact"
        )
