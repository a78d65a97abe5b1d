"""What a reader sees of a space's graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.stores.base import Match
from lookgraph.stores.held import HeldGraph, Members
from lookgraph.stores.linking import graph_between
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.embeddings import live_ids, stored_with
from lookgraph.stores.milvus.graphing import edges_of, read_linked
from lookgraph.stores.milvus.matching import matches_of
from lookgraph.stores.milvus.records import StoredSpace
from lookgraph.stores.milvus.verdicts import read_verdicts
from lookgraph.types import Rows, Verdict


@dataclass(frozen=True, slots=True)
class Source:
    """A space in Milvus (`lookgraph.stores.held.GraphSource`)."""

    connection: Connection
    names: Names
    stored: StoredSpace

    @property
    def place(self) -> str:
        """The library's address."""
        return str(self.connection.address)

    def read_rows(self, members: Members, into: Rows) -> NDArray[np.bool_]:
        """Read embeddings, by the pictures' ids."""
        found = stored_with(self.connection, self.names, self.stored.space, members.ids)
        is_there = np.zeros(len(members.ids), np.bool_)
        for place, id_ in enumerate(members.ids):
            if id_ in found and found[id_].is_sound:
                into[place], is_there[place] = found[id_].row, True
        return is_there

    def told(self, members: Members) -> Sequence[Match]:
        """What the pictures are."""
        found = matches_of(self.connection, self.names, dict.fromkeys(members.ids, 0.0))
        return [found[id_] for id_ in members.ids]

    def verdicts(self) -> Sequence[Verdict]:
        """All that was said of pairs of pictures."""
        return read_verdicts(self.connection, self.names)


def read_graph(connection: Connection, names: Names, stored: StoredSpace) -> HeldGraph | None:
    """Read the graph of a space; None if it has none."""
    if stored.graph is None:
        return None
    found = sorted(read_linked(connection, names, stored), key=lambda its: (its.row, its.part))
    whole = [its for its in found if its.part == 0]
    members = Members(
        tuple(its.id for its in whole), np.array([its.row for its in whole], np.int64)
    )
    live = live_ids(connection, names, stored)
    return HeldGraph(
        Source(connection, names, stored),
        stored.space.metric,
        stored.space.dimension,
        members,
        np.array([its.id in live for its in whole], np.bool_),
        graph_between(len(whole), edges_of(found, members.numbers), stored.graph),
    )
