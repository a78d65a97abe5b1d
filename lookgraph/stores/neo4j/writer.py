"""The one process that changes a library in Neo4j."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from neo4j import ManagedTransaction

from lookgraph.errors import GraphTooLargeError
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.checking import check_embeddings
from lookgraph.stores.keys import key_of
from lookgraph.stores.neo4j.client.batches import in_batches
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.client.lock import Turn
from lookgraph.stores.neo4j.client.server import check_kind
from lookgraph.stores.neo4j.graphing import Grapher
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.pictures import Known, PictureWriter
from lookgraph.stores.neo4j.records import (
    StoredSpace,
    find_space,
    picture_map,
    picture_of,
    stored_spaces,
)
from lookgraph.stores.neo4j.schema import await_vector_index, make_vector_index
from lookgraph.stores.neo4j.searching.searches import INDEXED
from lookgraph.stores.neo4j.spaces import (
    begin_graph,
    drop_properties,
    drop_space,
    named_space,
    write_index_kind,
    write_network,
    write_space,
)
from lookgraph.stores.neo4j.standing import standing
from lookgraph.stores.neo4j.sweeping import damaged_ids, drop_embeddings, sweep
from lookgraph.stores.neo4j.verdicts import forget_verdict, write_verdict
from lookgraph.types import (
    Entry,
    IndexKind,
    Patterns,
    Picture,
    Space,
    Vector,
    Verdict,
)


class Neo4jWriter:
    """See `lookgraph.stores.base.Writer`."""

    def __init__(self, connection: Connection, turn: Turn) -> None:
        """Nothing is read or written yet.

        Args:
            connection: to the database.
            turn: of the writer, while it is held.
        """
        self._connection = connection
        self._names = connection.address.names
        self._turn = turn
        self._spaces: dict[Space, StoredSpace] = {}
        self._looking_up = threading.Lock()

    def find(self, space: Space, id_: str) -> Picture | None:
        """The picture with this id if it has an embedding in the space. Safe from any thread."""
        stored = self._find_space(space)
        if stored is None:
            return None
        found = self._connection.read(
            f"MATCH (n:`{self._names.own()}` {{`{self._names.id}`: $id}})"
            f" WHERE n.`{stored.property}` IS NOT NULL"
            f" RETURN {picture_map(self._names, 'n')} AS told",
            id=id_,
        )
        return picture_of(found[0]["told"]) if found else None

    def commit(
        self, space: Space, entries: Sequence[Entry], embeddings: Mapping[str, Vector]
    ) -> None:
        """As `lookgraph.stores.base.Writer.commit`.

        It is one transaction, unless that is too large for the server's memory.
        """
        files = {entry.path: entry for entry in entries}  # of a path that comes twice, the last
        wanted = dict.fromkeys(its.picture.id for its in entries if its.picture)
        has = self._pictures(space, list(wanted))
        fresh = {id_: embeddings.get(id_) for id_ in wanted if not has.get(id_)}
        check_embeddings(space, entries, fresh)
        stored = self._space(space)
        ids, paths = set(has), self._paths(list(files))
        some = list(files.values())

        def write(transaction: ManagedTransaction, part: slice) -> None:
            shown = {its.picture.id for its in some[part] if its.picture}
            its = {
                id_: embedding
                for id_, embedding in fresh.items()
                if id_ in shown and embedding is not None
            }
            PictureWriter(transaction, self._names).write(
                some[part], Known(ids, paths), its, stored.property
            )

        def written(done: int) -> None:
            for entry in some[:done]:
                paths.add(entry.path)
                if entry.picture:
                    ids.add(entry.picture.id)
                    fresh.pop(entry.picture.id, None)

        in_batches(self._turn, len(some), max(1, len(some)), write, written)

    def _pictures(self, space: Space, ids: Sequence[str]) -> dict[str, bool]:
        """Which of these pictures have nodes, and whether they have an embedding in a space."""
        stored = self._find_space(space)
        has = f"n.`{stored.property}` IS NOT NULL" if stored else "false"
        found = self._connection.read(
            f"UNWIND $ids AS id MATCH (n:`{self._names.own()}` {{`{self._names.id}`: id}})"
            f" RETURN id, {has} AS has",
            ids=list(ids),
        )
        return {str(record["id"]): bool(record["has"]) for record in found}

    def _paths(self, paths: Sequence[str]) -> set[str]:
        """Those of these files that have nodes."""
        by_key = {key_of(path): path for path in paths}
        found = self._connection.read(
            f"UNWIND $keys AS key MATCH (f:`{self._names.own('File')}` {{key: key}}) RETURN key",
            keys=list(by_key),
        )
        return {by_key[record["key"]] for record in found}

    def forget(self, paths: Iterable[str]) -> None:
        """As `lookgraph.stores.base.Writer.forget`."""
        gone = list(paths)
        self._turn.apply(lambda transaction: PictureWriter(transaction, self._names).forget(gone))

    def remember(self, root: Path, patterns: Patterns) -> None:
        """Keep which folder the library is of, and what of it belongs to it."""
        self._turn.apply(
            lambda transaction: write_settings(transaction, self._names, root, patterns)
        )

    def compact(self, space: Space) -> int:
        """As `lookgraph.stores.base.Writer.compact`; the graph follows first."""
        stored = self._find_space(space)
        if stored is None:
            return 0
        damaged = damaged_ids(self._connection, stored)
        if damaged:
            self._turn.apply(
                lambda transaction: drop_embeddings(transaction, self._names, stored, damaged)
            )
        if standing(self._connection, stored).behind and stored.graph is not None:
            try:
                self.renew_graph(space, None, lambda _: None)
            except GraphTooLargeError:  # what is left of it is not built upon
                self._turn.apply(lambda transaction: begin_graph(transaction, self._names, space))
        drop_properties(self._turn, self._names, stored, f"NOT n:`{self._names.label}`")
        sweep(self._turn, self._names, stored_spaces(self._connection.read, self._names))
        return len(damaged)

    def renew_index(
        self, space: Space, kind: IndexKind | None, progress: Callable[[float], None]
    ) -> None:
        """As `lookgraph.stores.base.Writer.renew_index`.

        Raises:
            UsageError: the server cannot search this space in that way.
        """
        stored = self._find_space(space)
        if stored is None:
            return
        if kind is not None and kind is not stored.index:
            check_kind(self._connection.server, space, kind)
            self._turn.apply(
                lambda transaction: write_index_kind(transaction, self._names, space, kind)
            )
        if self._is_indexed(stored, kind or stored.index):
            made = make_vector_index(
                self._connection, stored.property, space.dimension, space.metric
            )
            if made is not None:
                await_vector_index(self._connection, stored.property, progress)

    def _is_indexed(self, stored: StoredSpace, kind: IndexKind) -> bool:
        if kind is IndexKind.AUTO:
            return standing(self._connection, stored).pictures >= INDEXED
        return kind is IndexKind.HNSW

    def renew_graph(
        self, space: Space, wanted: GraphWanted | None, progress: Callable[[float], None]
    ) -> None:
        """As `lookgraph.stores.base.Writer.renew_graph`."""
        stored = find_space(self._connection.read, self._names, space)
        if stored is None or (wanted := wanted or stored.graph) is None:
            return
        Grapher(self._connection, self._turn, stored, progress).renew(wanted)

    def judge(self, verdict: Verdict) -> None:
        """As `lookgraph.stores.base.Writer.judge`."""
        self._turn.apply(lambda transaction: write_verdict(transaction, self._names, verdict))

    def withdraw(self, first: str, second: str) -> bool:
        """As `lookgraph.stores.base.Writer.withdraw`."""
        forgotten = [False]

        def change(transaction: ManagedTransaction) -> None:
            forgotten[0] = forget_verdict(transaction, self._names, first, second)

        self._turn.apply(change)
        return forgotten[0]

    def add_space(self, space: Space, network: str | None) -> None:
        """As `lookgraph.stores.base.Writer.add_space`."""
        self._space(space)
        self._turn.apply(
            lambda transaction: write_network(transaction, self._names, space, network)
        )

    def remove_space(self, space: Space) -> None:
        """As `lookgraph.stores.base.Writer.remove_space`."""
        stored = self._find_space(space)
        if stored is None:
            return
        drop_space(self._connection, self._turn, stored)
        with self._looking_up:
            self._spaces.pop(space, None)
        sweep(self._turn, self._names, stored_spaces(self._connection.read, self._names))

    def _find_space(self, space: Space) -> StoredSpace | None:
        """What a space is called; for that it need be asked once, since it stays."""
        with self._looking_up:
            if space not in self._spaces:
                found = find_space(self._connection.read, self._names, space)
                if found is None:
                    return None
                self._spaces[space] = found
            return self._spaces[space]

    def _space(self, space: Space) -> StoredSpace:
        found = self._find_space(space)
        if found is None:
            others = stored_spaces(self._connection.read, self._names)
            found = named_space(self._names, space, others)
            made = found
            self._turn.apply(lambda transaction: write_space(transaction, self._names, made))
            with self._looking_up:
                self._spaces[space] = found
        return found


def write_settings(
    transaction: ManagedTransaction, names: Names, root: Path, patterns: Patterns
) -> None:
    """Keep which folder a library is of, and what of it belongs to it."""
    transaction.run(
        f"MATCH (l:`{names.own('Library')}` {{name: 'library'}}) SET l += $told",
        told={
            "root": key_of(str(root)),
            "include": [key_of(one) for one in patterns.include],
            "exclude": [key_of(one) for one in patterns.exclude],
        },
    ).consume()
