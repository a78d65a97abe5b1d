"""Making and renewing the graph of a space: computed here, written there as relations."""

from collections.abc import Callable

import numpy as np
from neo4j import ManagedTransaction

from lookgraph.graph.edges import Edges
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.linking import EdgeFinder, Embeddings, norms_of
from lookgraph.stores.neo4j.client.batches import in_batches
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.client.lock import Turn
from lookgraph.stores.neo4j.embeddings import read_embeddings
from lookgraph.stores.neo4j.records import StoredSpace
from lookgraph.stores.neo4j.relations import (
    Found,
    Relations,
    create_relations,
    delete_relations,
    differences,
    read_relations,
)
from lookgraph.stores.neo4j.spaces import begin_graph, finish_graph
from lookgraph.stores.neo4j.standing import standing
from lookgraph.types import Integers, Metric

_NORMS_AT_ONCE = 10_000

_READ, _COMPUTED = 0.2, 0.8
"""Of the progress, once the embeddings are read, and once the edges are known."""


class Grapher:
    """Renews the graph of one space."""

    def __init__(
        self,
        connection: Connection,
        turn: Turn,
        stored: StoredSpace,
        progress: Callable[[float], None],
    ) -> None:
        """Nothing is read or written yet.

        Args:
            connection: to the database.
            turn: of the writer.
            stored: the space.
            progress: told the share that is done, 0 to 1.
        """
        self._connection = connection
        self._names = connection.address.names
        self._turn = turn
        self._stored = stored
        self._progress = progress

    def renew(self, wanted: GraphWanted) -> None:
        """Make the graph what it should be; nothing is computed where it is that already.

        Raises:
            GraphTooLargeError: more pairs reach the threshold than are wanted.
        """
        is_followed = self._is_whole(wanted)
        if is_followed and not standing(self._connection, self._stored).behind:
            return
        self._progress(0.0)
        held = read_embeddings(self._connection, self._stored)
        self._progress(_READ)
        there = read_relations(self._connection, self._stored.relation)
        known = None if wanted.mutual or not is_followed else _known(held, there)
        edges = EdgeFinder(held, self._metric, wanted, self._compute).found(known)
        self.write(held, there, edges, wanted)
        self._progress(1.0)

    def _is_whole(self, wanted: GraphWanted) -> bool:
        """Whether there is such a graph already, and nobody has taken anything from it."""
        stored = self._stored
        if stored.graph != wanted or stored.graph_generation is None:
            return False
        own = self._names.own()
        (count,) = self._connection.read(
            f"MATCH (:`{own}`)-[r:`{stored.relation}` {{made: true}}]->(:`{own}`)"
            " RETURN count(r) AS count"
        )[0]
        return bool(count == stored.graph_edges)

    def write(self, held: Embeddings, there: Found, edges: Edges, wanted: GraphWanted) -> None:
        """Make the relations those that they should be, and write the norms.

        Args:
            held: the pictures.
            there: the relations as they are.
            edges: what they should be, between places in what is held.
            wanted: what the graph is made as.
        """
        names, space = self._names, self._stored.space
        made = Relations(
            held.numbers[edges.first], held.numbers[edges.second], edges.scores.astype(np.float64)
        )
        change = differences(there.relations[there.made], made)
        self._turn.apply(lambda transaction: begin_graph(transaction, names, space))
        count = max(1, len(change.gone) + len(change.fresh))
        delete_relations(
            self._turn, names, self._stored.relation, change.gone,
            lambda done: self._written(done / count),
        )  # fmt: skip
        create_relations(
            self._turn, names, self._stored.relation, change.fresh,
            lambda done: self._written((len(change.gone) + done) / count),
        )  # fmt: skip
        self._write_norms(held, edges)
        self._turn.apply(
            lambda transaction: finish_graph(transaction, names, space, wanted, len(edges))
        )

    def _write_norms(self, held: Embeddings, edges: Edges) -> None:
        """Mark what is in the graph, with what ranking keeps of it."""
        usable, found = held.sound & held.live, norms_of(held, edges, self._metric)
        which = np.flatnonzero(usable | held.inside)
        numbers = held.numbers[which]
        told = [
            norm if is_usable else None
            for norm, is_usable in zip(found[which].tolist(), usable[which].tolist(), strict=True)
        ]
        own, norm = self._names.own(), self._stored.norm

        def write(transaction: ManagedTransaction, part: slice) -> None:
            transaction.run(
                "UNWIND range(0, size($rows) - 1) AS place"
                f" MATCH (n:`{own}` {{row: $rows[place]}}) SET n.`{norm}` = $norms[place]",
                rows=numbers[part],
                norms=told[part],
            ).consume()

        in_batches(self._turn, len(numbers), _NORMS_AT_ONCE, write, lambda _: None)

    @property
    def _metric(self) -> Metric:
        return self._stored.space.metric

    def _compute(self, share: float) -> None:
        self._progress(_READ + share * (_COMPUTED - _READ))

    def _written(self, share: float) -> None:
        self._progress(_COMPUTED + share * (1 - _COMPUTED))


def _known(held: Embeddings, there: Found) -> Edges:
    """The edges that Lookgraph made, between places in what was read."""
    made = there.relations[there.made].upward()
    return edges_of(made, held.numbers)


def edges_of(relations: Relations, numbers: Integers) -> Edges:
    """Relations between rows of the library as edges between places among some of these, in order.

    Of several between the same two, the best counts; one without a score does not.

    Args:
        relations: from the lower row to the higher one.
        numbers: the rows, rising.
    """
    kept = np.isfinite(relations.scores) & (relations.first != relations.second)
    kept &= np.isin(relations.first, numbers) & np.isin(relations.second, numbers)
    some = relations[kept]
    order = np.lexsort((-some.scores, some.second, some.first))
    some = some[order]
    is_first = np.ones(len(some), np.bool_)
    is_first[1:] = (np.diff(some.first) != 0) | (np.diff(some.second) != 0)
    some = some[is_first]
    return Edges(
        np.searchsorted(numbers, some.first).astype(np.int32),
        np.searchsorted(numbers, some.second).astype(np.int32),
        some.scores.astype(np.float32),
    )
