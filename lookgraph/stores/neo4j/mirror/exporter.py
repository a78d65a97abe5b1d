"""The changes of one export, each of them whole, in an order that can break off anywhere."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from neo4j import ManagedTransaction

from lookgraph.stores.contents import Contents
from lookgraph.stores.neo4j import schema
from lookgraph.stores.neo4j.client.batches import (
    Applies,
    WholeTooLargeError,
    Within,
    Work,
    in_batches,
)
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.client.lock import Turn
from lookgraph.stores.neo4j.mirror.changes import Changes, SpaceChanges, changes
from lookgraph.stores.neo4j.mirror.mirrored import Mirrored, SpaceFacts, as_wanted
from lookgraph.stores.neo4j.mirror.wanted import Wanted
from lookgraph.stores.neo4j.mirror.writing import MirrorWriter
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import StoredSpace
from lookgraph.stores.neo4j.relations import create_relations, delete_relations
from lookgraph.stores.neo4j.spaces import drop_space

_T = TypeVar("_T")

PICTURES, INDEX, RELATIONS = "pictures", "index", "relations"
"""What takes long."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being written, how many of it have been, and of how many; of an index, per cent."""

_PICTURES_AT_ONCE = 400
_SMALL_AT_ONCE = 10_000
_FEW = 20_000
"""Changes that are made in one transaction."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an export changed.

    Attributes:
        pictures: how many were written, new or changed.
        removed: how many were removed.
        relations: how many were created.
        relations_removed: how many were deleted.
        verdicts: how many were written or removed.
        writing: seconds that the pictures took.
    """

    pictures: int = 0
    removed: int = 0
    relations: int = 0
    relations_removed: int = 0
    verdicts: int = 0
    writing: float = 0.0


class Exporter:
    """Makes the changes of one export.

    Attributes:
        wanted: what the mirror should hold.
    """

    def __init__(
        self,
        connection: Connection,
        contents: Contents,
        there: Mirrored,
        progress: Progress,
    ) -> None:
        """Nothing is changed yet.

        Args:
            connection: to the database.
            contents: of the library.
            there: what the database holds.
            progress: is told what is being done.
        """
        self._connection = connection
        self._progress = progress
        self.wanted = Wanted(contents, as_wanted(contents, there, connection.address.names))
        self.changes = changes(there, self.wanted.mirrored)

    def has_work(self) -> bool:
        """Whether the mirror is not yet what it should be."""
        return bool(len(self.changes) or self._unindexed())

    def write(self, turn: Turn, mirror_of: str, finish: Work) -> Done:
        """Make all changes: in one transaction if they are few.

        Args:
            turn: of the writer.
            mirror_of: the library's id.
            finish: the last change, which says that all are made.
        """
        its, writing = self.changes, 0.0
        if its.dropped or len(its) > _FEW:
            writing = self._write_parts(turn, mirror_of, finish)
        else:
            try:
                self._write_whole(turn, mirror_of, finish)
            except WholeTooLargeError:
                writing = self._write_parts(turn, mirror_of, finish)
        return Done(
            sum(unit.id is not None for unit in its.units),
            len(its.pictures),
            sum(len(one.relations.fresh) for one in its.spaces),
            sum(len(one.relations.gone) for one in its.spaces),
            len(its.said.keys() | set(its.unsaid)),
            writing,
        )

    def _write_whole(self, turn: Turn, mirror_of: str, finish: Work) -> None:
        unindexed = self._unindexed()
        self._make_indexes(unindexed)
        done = False

        def write(transaction: ManagedTransaction) -> None:
            nonlocal done
            if done:  # the commit has failed, perhaps for lack of memory
                raise WholeTooLargeError("The changes are too many for one transaction.")
            steps = self._steps(Within(transaction))
            steps.begin(mirror_of)
            steps.write_pictures()
            steps.finish()
            finish(transaction)
            done = True

        turn.apply(write)
        self._await_indexes(unindexed)

    def _write_parts(self, turn: Turn, mirror_of: str, finish: Work) -> float:
        """As many transactions as it takes; gives the seconds that the pictures took."""
        steps = self._steps(turn)
        steps.begin(mirror_of)
        for stored in self.changes.dropped:
            drop_space(self._connection, turn, stored)
        began = time.perf_counter()
        steps.write_pictures()
        writing = time.perf_counter() - began
        # A first load takes less time without an index, and relations without one being made.
        unindexed = self._unindexed()
        self._make_indexes(unindexed)
        self._await_indexes(unindexed)
        steps.finish()
        turn.apply(finish)
        return writing

    def _steps(self, applies: Applies) -> "_Steps":
        return _Steps(
            applies, self._connection.address.names, self.wanted, self.changes, self._progress
        )

    def _unindexed(self) -> list[StoredSpace]:
        """The spaces whose indexes of vectors are not there, or have not got all, or do not fit."""
        return [one.stored for one in self.changes.spaces if not self._is_indexed(one.stored)]

    def _is_indexed(self, stored: StoredSpace) -> bool:
        dimension, metric = stored.space.dimension, stored.space.metric
        if not self._connection.server.can_index(dimension, metric):
            return True
        index = schema.vector_index(self._connection, stored.property)
        return index is not None and index.is_online and index.takes(dimension, metric)

    def _make_indexes(self, unindexed: Sequence[StoredSpace]) -> None:
        for stored in unindexed:
            space = stored.space
            schema.make_vector_index(
                self._connection, stored.property, space.dimension, space.metric
            )

    def _await_indexes(self, unindexed: Sequence[StoredSpace]) -> None:
        for stored in unindexed:
            schema.await_vector_index(
                self._connection,
                stored.property,
                lambda share: self._progress(INDEX, round(100 * share), 100),
            )


class _Steps:
    """The steps of one export, in the one way or the other."""

    def __init__(
        self,
        applies: Applies,
        names: Names,
        wanted: Wanted,
        changed: Changes,
        progress: Progress,
    ) -> None:
        self._applies = applies
        self._names = names
        self._wanted = wanted
        self._changes = changed
        self._progress = progress

    def begin(self, mirror_of: str) -> None:
        """Say whose mirror it is, and that it is being changed."""
        its = self._wanted.mirrored
        self._apply(lambda writer: writer.begin(mirror_of, its.library, its.next_row))

    def write_pictures(self) -> None:
        """Write spaces, pictures and files."""
        for space, changed in zip(self._wanted.mirrored.spaces, self._changes.spaces, strict=True):
            if changed.facts:
                self._apply(partial(_write_space, space.facts))
        units = self._changes.units
        in_batches(
            self._applies,
            len(units),
            _PICTURES_AT_ONCE,
            lambda transaction, part: self._writer(transaction).units(self._wanted, units[part]),
            lambda done: self._progress(PICTURES, done, len(units)),
        )

    def finish(self) -> None:
        """Remove what goes, and write graphs and what was said."""
        its = self._changes
        self._remove()
        self._relate()
        self._some(its.unsaid, MirrorWriter.unsay)
        self._some(tuple(its.said.items()), MirrorWriter.say)

    def _apply(self, change: Callable[[MirrorWriter], None]) -> None:
        self._applies.apply(lambda transaction: change(self._writer(transaction)))

    def _writer(self, transaction: ManagedTransaction) -> MirrorWriter:
        return MirrorWriter(transaction, self._names)

    def _some(
        self, things: Sequence[_T], change: Callable[[MirrorWriter, Sequence[_T]], None]
    ) -> None:
        """Change what takes no long time."""
        in_batches(
            self._applies,
            len(things),
            _SMALL_AT_ONCE,
            lambda transaction, part: change(self._writer(transaction), things[part]),
            lambda _: None,
        )

    def _remove(self) -> None:
        its = self._changes
        spaces = [one.stored for one in its.spaces]
        self._some(its.files, MirrorWriter.remove_files)
        self._some(its.pictures, lambda writer, ids: writer.remove_pictures(ids, spaces))
        for one in its.spaces:
            self._some(one.lost, partial(_remove_embeddings, one.stored.property))

    def _relate(self) -> None:
        its = self._changes.spaces
        total = sum(len(one.relations.gone) + len(one.relations.fresh) for one in its)
        before = 0
        for one, space in zip(its, self._wanted.mirrored.spaces, strict=True):
            self._relate_in(one, partial(self._tell_of_relations, total, before))
            before += len(one.relations.gone) + len(one.relations.fresh)
            if one.of_graph or one.facts:
                self._apply(partial(_say_graph_done, space.facts))

    def _relate_in(self, one: SpaceChanges, tell: Callable[[int], None]) -> None:
        gone, relation = len(one.relations.gone), one.stored.relation
        delete_relations(self._applies, self._names, relation, one.relations.gone, tell)
        create_relations(
            self._applies,
            self._names,
            relation,
            one.relations.fresh,
            lambda done: tell(gone + done),
        )
        self._some(tuple(one.norms.items()), partial(_write_norms, one.stored.norm))

    def _tell_of_relations(self, total: int, before: int, done: int) -> None:
        self._progress(RELATIONS, before + done, total)


def _write_space(facts: SpaceFacts, writer: MirrorWriter) -> None:
    writer.space(facts)


def _say_graph_done(facts: SpaceFacts, writer: MirrorWriter) -> None:
    writer.graph_done(facts)


def _remove_embeddings(property_: str, writer: MirrorWriter, ids: Sequence[str]) -> None:
    writer.remove_embeddings(property_, ids)


def _write_norms(
    property_: str, writer: MirrorWriter, norms: Sequence[tuple[str, float | None]]
) -> None:
    writer.norms(property_, norms)
