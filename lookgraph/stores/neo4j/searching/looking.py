"""The second look: what the server has found near is scored from the stored numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookgraph.index.comparisons import comparison
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import Read, StoredSpace
from lookgraph.stores.neo4j.searching.ways import nearness, slack
from lookgraph.types import Array, Integers, Metric, Neighbour, Vector

_MARGIN = 6
"""So many more than wanted are looked at: mostly, the next is too far away then to be meant."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the server has found near a query, nearest first.

    Attributes:
        rows: of pictures, shape (m,).
        near: how near it says they are, shape (m,).
        is_all: whether there is nothing else that may answer.
    """

    rows: Integers
    near: Array
    is_all: bool


@dataclass(frozen=True, slots=True)
class Look:
    """Reads embeddings, and compares them with a query.

    Attributes:
        read: asks the server.
        names: of its labels.
        stored: the space.
        query: shape (d,).
    """

    read: Read
    names: Names
    stored: StoredSpace
    query: Vector

    @property
    def metric(self) -> Metric:
        """What is compared by."""
        return self.stored.space.metric

    @property
    def towards(self) -> Array:
        """The query as the server takes it: where only its direction counts, of length 1."""
        wide = self.query.astype(np.float64)
        return wide if self.metric is Metric.L2 else np.asarray(wide / np.linalg.norm(wide))

    def embeddings(self, rows: Sequence[int]) -> dict[int, Array]:
        """The stored numbers of some rows, each float64 of shape (d,); what is gone is left out."""
        found = self.read(
            f"MATCH (n:`{self.names.own()}`) WHERE n.row IN $rows"
            f" RETURN n.row AS row, n.`{self.stored.property}` AS numbers",
            rows=np.array(rows, np.int64),
        )
        return {
            int(row): np.array(numbers, np.float64) for row, numbers in found if numbers is not None
        }

    def scores(self, embeddings: dict[int, Array]) -> list[Neighbour]:
        """How near some rows are, exactly; those that are damaged are left out."""
        if not embeddings:
            return []
        compare = comparison(self.metric, self.query)
        with np.errstate(divide="ignore", invalid="ignore"):
            exact = compare.exactly(np.stack(list(embeddings.values())))
        return [
            Neighbour(row, float(score))
            for row, score in zip(embeddings, exact, strict=True)
            if np.isfinite(score)
        ]

    def best(self, listed: Listed, k: int, known: dict[int, Array]) -> list[Neighbour] | None:
        """The k nearest of what is listed, exactly; of those that tie, the lower row first.

        Args:
            listed: what the server has found.
            k: how many are wanted.
            known: embeddings that have been read; more are put into it.

        Returns:
            them; None if others that are not listed may be as near, as far as the server can tell.
        """
        found: list[Neighbour] = []
        looked, most = 0, k + _MARGIN
        while True:
            part = listed.rows[looked:most].tolist()
            fresh = self.embeddings(part)
            known.update(fresh)
            found = sorted(found + self.scores(fresh), key=lambda one: (-one.score, one.row))
            looked += len(part)
            if self._is_settled(listed, looked, found[:k], k):
                return found[:k]
            if looked == len(listed.rows):
                return None
            most *= 2

    def _is_settled(self, listed: Listed, looked: int, best: Sequence[Neighbour], k: int) -> bool:
        """Whether nothing that was not looked at can be among the best."""
        if looked < len(listed.rows):
            next_ = float(listed.near[looked])
        elif listed.is_all:
            return True
        else:
            next_ = float(listed.near[-1]) if looked else 1.0
        if len(best) < k:
            return False
        off = slack(self.metric, self.stored.space.dimension, next_)
        return nearness(self.metric, best[-1].score) > next_ + off
