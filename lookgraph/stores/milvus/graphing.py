"""Making, renewing and reading the graph of a space: computed here, kept there by picture.

An entity of the graph's collection holds what a picture tells of itself: the edges to pictures that
were stored later, the ten best of all its edges, and its norm, which ranking keeps. Where a picture
has more edges than an array holds, further entities have the rest.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lookgraph.graph.edges import Adjacency, Edges, adjacency
from lookgraph.ranking.propagation import NEIGHBOURS
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.linking import EdgeFinder, Embeddings, norms_of
from lookgraph.stores.milvus import expressions
from lookgraph.stores.milvus.client.columns import Entity
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.client.lock import Turn
from lookgraph.stores.milvus.collections import ARRAY, Names, graph_schema, unsearched_index
from lookgraph.stores.milvus.embeddings import read_embeddings
from lookgraph.stores.milvus.records import (
    PICTURE,
    StoredSpace,
    drop_with,
    entities_with,
    picture_entity,
    picture_of,
    space_record,
    write_records,
)
from lookgraph.stores.nearest import nearest_in
from lookgraph.types import Integers, Vector

_AT_ONCE = 2000
_READ, _COMPUTED = 0.2, 0.8
"""Of the progress, once the embeddings are read, and once the edges are known."""

_FIELDS = ("id", "part", "row", "norm", "near", "near_scores", "others", "scores")


@dataclass(frozen=True, slots=True)
class Linked:
    """What a graph's collection holds of a picture, or a part of it.

    Attributes:
        id: of the picture.
        part: 0, and more where its edges are too many for one.
        row: of the picture.
        norm: what ranking keeps of it.
        near: the ids of those that speak for it, best first; in the first part only.
        near_scores: how like it they are.
        others: the rows of those that it has edges to, among those with higher rows.
        scores: of these edges.
    """

    id: str
    part: int
    row: int
    norm: float
    near: tuple[str, ...]
    near_scores: tuple[float, ...]
    others: tuple[int, ...]
    scores: tuple[float, ...]

    def entity(self, names: Names) -> Entity:
        """As Milvus keeps it."""
        told = {name: getattr(self, name) for name in _FIELDS}
        arrays = {name: list(its) for name, its in told.items() if isinstance(its, tuple)}
        key = names.key(self.id if self.part == 0 else f"{self.id}:{self.part}")
        return names.unsearched(told | arrays | {"id": key})


def linked_of(names: Names, told: Entity) -> Linked:
    """What an entity of the graph tells."""
    return Linked(
        names.text(told["id"]).partition(":")[0],
        int(told["part"]),
        int(told["row"]),
        float(told["norm"]),
        tuple(told["near"]),
        tuple(map(float, told["near_scores"])),
        tuple(told["others"]),
        tuple(map(float, told["scores"])),
    )


def read_linked(connection: Connection, names: Names, stored: StoredSpace) -> Iterator[Linked]:
    """All that is kept of a graph; nothing where there is none."""
    collection = names.graph(stored.space)
    if connection.has(collection):
        for page in connection.pages(collection, names.ours(), _FIELDS):
            for told in page:
                yield linked_of(names, told)


def linked_with(
    connection: Connection, names: Names, stored: StoredSpace, ids: Iterable[str]
) -> dict[str, Linked]:
    """What is kept of some pictures, by their ids: the first part alone."""
    found = entities_with(connection, names, names.graph(stored.space), "id", ids, _FIELDS)
    return {its.id: its for its in (linked_of(names, told) for told in found)}


class Grapher:
    """Renews the graph of one space."""

    def __init__(
        self,
        connection: Connection,
        names: Names,
        turn: Turn,
        stored: StoredSpace,
        progress: Callable[[float], None],
    ) -> None:
        """Nothing is read or written yet.

        Args:
            connection: to the server.
            names: of the library.
            turn: of the writer.
            stored: the space.
            progress: told the share that is done, 0 to 1.
        """
        self._connection = connection
        self._names = names
        self._turn = turn
        self._stored = stored
        self._progress = progress

    def renew(self, wanted: GraphWanted) -> bool:
        """Make the graph what it should be; whether anything was to be done.

        Raises:
            GraphTooLargeError: more pairs reach the threshold than are wanted.
        """
        is_followed = self._stored.graph == wanted and self._stored.graph_edges is not None
        if is_followed and not self._connection.count(self._names.pictures, self._behind()):
            return False
        self._progress(0.0)
        there = {(its.id, its.part): its
                 for its in read_linked(self._connection, self._names, self._stored)}  # fmt: skip
        inside = {id_ for id_, _ in there}
        held = read_embeddings(self._connection, self._names, self._stored, inside)
        self._progress(_READ)
        known = None
        if is_followed and not wanted.mutual:
            known = edges_of(list(there.values()), held.numbers)
        metric = self._stored.space.metric
        edges = EdgeFinder(held, metric, wanted, self._compute).found(known)
        made = {
            (its.id, its.part): its for its in _linked(held, edges, norms_of(held, edges, metric))
        }
        self._write(there, made, replace(self._stored, graph=wanted, graph_edges=len(edges)))
        self._progress(1.0)
        return True

    def _write(
        self,
        there: dict[tuple[str, int], Linked],
        made: dict[tuple[str, int], Linked],
        stored: StoredSpace,
    ) -> None:
        """Make what is kept what it should be."""
        connection, names = self._connection, self._names
        collection = names.graph(stored.space)
        self._turn.check()
        write_records(connection, names, [space_record(replace(stored, graph_edges=None))])
        connection.create(collection, graph_schema(names), unsearched_index())
        fresh = [its for key, its in made.items() if there.get(key) != its]
        for start in range(0, len(fresh), _AT_ONCE):
            part = fresh[start : start + _AT_ONCE]
            connection.upsert(collection, [its.entity(names) for its in part])
            self._progress(_COMPUTED + start / len(fresh) * (1 - _COMPUTED))
        gone = (f"{id_}:{part}" if part else id_ for id_, part in there.keys() - made.keys())
        drop_with(connection, names, collection, "id", gone)
        self._catch_up()
        pictures = sum(1 for _, part in made if part == 0)
        write_records(connection, names, [space_record(replace(stored, graph_pictures=pictures))])

    def _catch_up(self) -> None:
        """No picture is behind any more."""
        connection, names = self._connection, self._names
        for page in list(connection.pages(names.pictures, self._behind(), PICTURE)):
            found = [picture_of(names, told) for told in page]
            now = [replace(its, behind=its.behind - {self._stored.number}) for its in found]
            connection.upsert(names.pictures, [picture_entity(names, its) for its in now])

    def _behind(self) -> str:
        return self._names.ours(expressions.has("behind", self._stored.number))

    def _compute(self, share: float) -> None:
        self._progress(_READ + share * (_COMPUTED - _READ))


def edges_of(found: Sequence[Linked], numbers: Integers) -> Edges:
    """The edges that are kept, as edges between places among some rows, in order.

    Args:
        found: what is kept.
        numbers: the rows, rising; edges to others are left out.
    """
    counts = [len(its.others) for its in found]
    first = np.repeat(np.array([its.row for its in found], np.int64), counts)
    second = np.array([other for its in found for other in its.others], np.int64)
    scores = np.array([score for its in found for score in its.scores], np.float32)
    kept = np.isin(first, numbers) & np.isin(second, numbers)
    one, other = np.searchsorted(numbers, first[kept]), np.searchsorted(numbers, second[kept])
    order = np.lexsort((other, one))
    return Edges(one[order].astype(np.int32), other[order].astype(np.int32), scores[kept][order])


def _linked(held: Embeddings, edges: Edges, norms: Vector) -> Iterator[Linked]:
    """What is to be kept of a graph."""
    around = adjacency(len(held.ids), edges)
    near = nearest_in(around, NEIGHBOURS)
    upward = _Upward(around)
    usable: NDArray[np.bool_] = held.sound & held.live
    for place in np.flatnonzero(usable).tolist():
        speaks = near.numbers[place] >= 0
        ids = tuple(held.ids[n] for n in near.numbers[place][speaks].tolist())
        how = tuple(near.scores[place][speaks].tolist())
        others, scores = upward.of(place)
        for part in range(max(1, -(-len(others) // ARRAY))):
            some = slice(part * ARRAY, (part + 1) * ARRAY)
            yield Linked(
                held.ids[place],
                part,
                int(held.numbers[place]),
                float(norms[place]),
                ids if part == 0 else (),
                how if part == 0 else (),
                tuple(held.numbers[others[some]].tolist()),
                tuple(scores[some].tolist()),
            )


@dataclass(frozen=True, slots=True)
class _Upward:
    """The edges of each place to higher ones."""

    around: Adjacency

    def of(self, place: int) -> tuple[Integers, Vector]:
        """The places at their other ends, rising, and their scores."""
        its = slice(int(self.around.starts[place]), int(self.around.starts[place + 1]))
        numbers, scores = self.around.numbers[its], self.around.scores[its]
        kept = numbers > place
        order = np.argsort(numbers[kept])
        return numbers[kept][order].astype(np.int64), scores[kept][order]
