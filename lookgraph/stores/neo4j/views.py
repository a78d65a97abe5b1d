"""What a reader sees of a space's graph: the relations that are there, whoever has made them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.stores.base import GraphWanted, Match
from lookgraph.stores.held import HeldGraph, Members
from lookgraph.stores.linking import graph_between
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.embeddings import as_row
from lookgraph.stores.neo4j.graphing import edges_of
from lookgraph.stores.neo4j.records import StoredSpace, match_map, match_of
from lookgraph.stores.neo4j.relations import read_relations
from lookgraph.stores.neo4j.verdicts import read_verdicts
from lookgraph.types import Rows, Verdict


@dataclass(frozen=True, slots=True)
class Source:
    """A space in a database (`lookgraph.stores.held.GraphSource`)."""

    connection: Connection
    stored: StoredSpace

    @property
    def place(self) -> str:
        """The database's address."""
        return str(self.connection.address)

    def read_rows(self, members: Members, into: Rows) -> NDArray[np.bool_]:
        """Read embeddings, by the pictures' rows."""
        numbers = members.numbers
        answer = self.connection.read(
            f"MATCH (n:`{self.connection.address.names.own()}`) WHERE n.row IN $rows"
            f" RETURN n.row AS row, n.`{self.stored.property}` AS embedding",
            rows=numbers,
        )
        is_there = np.zeros(len(numbers), np.bool_)
        for row, embedding in answer:
            place = int(np.searchsorted(numbers, row))
            is_there[place] = as_row(embedding, into[place], self.stored.space.metric)
        return is_there

    def told(self, members: Members) -> Sequence[Match]:
        """What the pictures are."""
        names = self.connection.address.names
        answer = self.connection.read(
            f"MATCH (n:`{names.own()}`) WHERE n.row IN $rows"
            f" RETURN n.row AS row, {match_map(names, 'n')} AS told",
            rows=members.numbers,
        )
        found = {record["row"]: match_of(record["told"], 0.0) for record in answer}
        return [found[row] for row in members.numbers.tolist()]

    def verdicts(self) -> Sequence[Verdict]:
        """All that was said of pairs of pictures."""
        return read_verdicts(self.connection.read, self.connection.address.names)


def generation_of(connection: Connection) -> int:
    """Another number after each change of the library."""
    library = connection.address.names.own("Library")
    (found,) = connection.read(
        f"MATCH (l:`{library}` {{name: 'library'}}) RETURN l.generation AS generation"
    )
    return int(found["generation"])


def read_graph(connection: Connection, stored: StoredSpace) -> HeldGraph | None:
    """Read the relations of a space; None if it has no graph."""
    names = connection.address.names
    relations = read_relations(connection, stored.relation).relations.upward()
    if stored.graph is None and not len(relations):
        return None
    related = np.unique(np.concatenate([relations.first, relations.second]))
    answer = connection.read(
        f"MATCH (n:`{names.own()}`) WHERE n.row IS NOT NULL"
        f" RETURN n.row AS row, n.`{names.id}` AS id, n.`{stored.norm}` IS NOT NULL AS inside,"
        f" n:`{names.label}` AND n.`{stored.property}` IS NOT NULL AS live ORDER BY row"
    )
    all_ = np.array([record["row"] for record in answer], np.int64)
    inside = np.array([record["inside"] for record in answer], np.bool_) | np.isin(all_, related)
    some = [answer[place] for place in np.flatnonzero(inside)]
    members = Members(tuple(str(record["id"]) for record in some), all_[inside])
    return HeldGraph(
        Source(connection, stored),
        stored.space.metric,
        stored.space.dimension,
        members,
        np.array([record["live"] for record in some], np.bool_),
        graph_between(
            len(some), edges_of(relations, members.numbers), stored.graph or GraphWanted()
        ),
    )
