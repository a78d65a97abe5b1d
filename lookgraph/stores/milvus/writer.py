"""The one writer of a library in Milvus."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from lookgraph.stores.base import GraphWanted
from lookgraph.stores.checking import check_embeddings
from lookgraph.stores.keys import key_of
from lookgraph.stores.milvus import pending
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.client.lite import uncollected
from lookgraph.stores.milvus.client.lock import Turn
from lookgraph.stores.milvus.collections import Names, vectors_schema
from lookgraph.stores.milvus.compacting import compact
from lookgraph.stores.milvus.embeddings import vector_entities
from lookgraph.stores.milvus.files import keys_of
from lookgraph.stores.milvus.graphing import Grapher
from lookgraph.stores.milvus.indexes import FLAT, renew_index, server_index
from lookgraph.stores.milvus.library import the_library, with_folder, write_library
from lookgraph.stores.milvus.records import (
    SPACE,
    StoredFile,
    StoredPicture,
    StoredSpace,
    drop_records,
    drop_with,
    file_entity,
    files_at,
    is_empty,
    picture_entity,
    pictures_with,
    space_record,
    stored_spaces,
    write_records,
)
from lookgraph.stores.milvus.verdicts import drop_verdict, write_verdict
from lookgraph.types import Entry, IndexKind, Patterns, Picture, Space, Vector, Verdict

_FORGOTTEN = 1000
"""Files in one change."""

_ROWS = 65_536
"""Rows are taken from the library's count so many at a time: what a crash can leave unused."""

_REMEMBERED = 4_000_000
"""Keys of what was written; they take some 150 bytes each."""


class MilvusWriter:
    """Changes a library. See `lookgraph.stores.base.Writer`.

    Milvus has no transactions: `lookgraph.stores.milvus.pending` says in which order a change is
    written, and what becomes of one that breaks off.
    """

    def __init__(
        self, connection: Connection, names: Names, turn: Turn, changed: Callable[[], None]
    ) -> None:
        """Puts right what the last writer may have left.

        Args:
            connection: to the server.
            names: of the library.
            turn: of this writer.
            changed: is called at the end of each change.
        """
        self._connection = connection
        self._names = names
        self._turn = turn
        self._library = the_library(connection, names)
        self._tell = changed
        self._spare = range(0)
        self._spaces: tuple[StoredSpace, ...] | None = None
        self._written = _Written(is_empty(connection, names))
        pending.put_right(connection, names, self._library.generation)

    def find(self, space: Space, id_: str) -> Picture | None:
        """As `lookgraph.stores.base.Writer.find`."""
        stored = self._stored(space)
        there = self._written.among([id_])
        found = pictures_with(self._connection, self._names, there).get(id_)
        return found.picture if stored and found and stored.number in found.spaces else None

    @uncollected()
    def commit(
        self, space: Space, entries: Sequence[Entry], embeddings: Mapping[str, Vector]
    ) -> None:
        """As `lookgraph.stores.base.Writer.commit`."""
        if not entries:
            return
        connection, names = self._connection, self._names
        entry_at = {key_of(entry.path): entry for entry in entries}
        before = files_at(connection, names, self._written.among(entry_at))
        shown = {key: its.picture.id if its.picture else "" for key, its in entry_at.items()}
        ids = {id_ for id_ in (*shown.values(), *(its.picture for its in before.values())) if id_}
        known = pictures_with(connection, names, self._written.among(ids))
        stored = self._stored(space)
        number = stored.number if stored else None
        fresh = {
            its.picture.id: its.picture
            for its in entry_at.values()
            if its.picture
            and (its.picture.id not in known or number not in known[its.picture.id].spaces)
        }
        check_embeddings(space, entry_at.values(), {id_: embeddings.get(id_) for id_ in fresh})
        self._turn.check()
        if stored is None:
            stored = self._made(space, None)
        pending.begin(connection, names, self._library.generation + 1, list(shown.items()))
        self._written.add([*entry_at, *ids])
        self._embed(stored, list(fresh.values()), embeddings)
        change = _Change(connection, names, self._graphs(), known)
        for entry in entry_at.values():
            if entry.picture:
                change.add(entry.picture)
        change.embed(fresh, stored.number)
        change.move(before, shown)
        written = change.write()
        files = {
            key: StoredFile(
                key,
                its.stamp,
                shown[key] or None,
                its.skip,
                tuple(sorted(written[shown[key]].spaces)) if shown[key] else (),
            )
            for key, its in entry_at.items()
        }
        files |= self._settled_too([written[id_] for id_ in fresh], files)
        connection.upsert(names.files, [file_entity(names, its) for its in files.values()])
        self._changed()

    def forget(self, paths: Iterable[str]) -> None:
        """As `lookgraph.stores.base.Writer.forget`."""
        connection, names = self._connection, self._names
        waiting = map(key_of, paths)
        while keys := list(islice(waiting, _FORGOTTEN)):
            before = files_at(connection, names, keys)
            if not before:
                continue
            self._turn.check()
            about = [(key, "") for key in before]
            pending.begin(connection, names, self._library.generation + 1, about)
            ids = [its.picture for its in before.values() if its.picture]
            change = _Change(
                connection, names, self._graphs(), pictures_with(connection, names, ids)
            )
            change.move(before, dict.fromkeys(before, ""))
            change.write()
            drop_with(connection, names, names.files, "path", before)
            self._changed()

    def remember(self, root: Path, patterns: Patterns) -> None:
        """As `lookgraph.stores.base.Writer.remember`."""
        changed = with_folder(self._library, root, patterns)
        if changed != self._library:
            self._turn.check()
            self._library = changed
            self._changed()

    def compact(self, space: Space) -> int:
        """As `lookgraph.stores.base.Writer.compact`."""
        stored = self._stored(space)
        if stored is None:
            return 0
        self._turn.check()
        pending.put_all_right(self._connection, self._names)
        damaged = compact(self._connection, self._names, stored)
        self._changed()
        return damaged

    def renew_index(
        self, space: Space, kind: IndexKind | None, progress: Callable[[float], None]
    ) -> None:
        """As `lookgraph.stores.base.Writer.renew_index`."""
        stored = self._stored(space)
        if stored is None:
            return
        wanted = renew_index(self._connection, self._names, stored, kind, self._turn, progress)
        if wanted != stored:
            self._turn.check()
            write_records(self._connection, self._names, [space_record(wanted)])
            self._spaces = None
            self._changed()

    def renew_graph(
        self, space: Space, wanted: GraphWanted | None, progress: Callable[[float], None]
    ) -> None:
        """As `lookgraph.stores.base.Writer.renew_graph`."""
        stored = self._stored(space)
        kept = wanted or (stored.graph if stored else None)
        if stored is None or kept is None:
            return
        self._turn.check()
        try:
            is_other = Grapher(self._connection, self._names, self._turn, stored, progress).renew(
                kept
            )
        finally:
            self._spaces = None
        if is_other:
            self._changed()

    def judge(self, verdict: Verdict) -> None:
        """As `lookgraph.stores.base.Writer.judge`."""
        self._turn.check()
        write_verdict(self._connection, self._names, verdict)
        self._changed()

    def withdraw(self, first: str, second: str) -> bool:
        """As `lookgraph.stores.base.Writer.withdraw`."""
        self._turn.check()
        if not drop_verdict(self._connection, self._names, first, second):
            return False
        self._changed()
        return True

    def add_space(self, space: Space, network: str | None) -> None:
        """As `lookgraph.stores.base.Writer.add_space`."""
        stored = self._stored(space)
        if stored is not None and stored.network == network:
            return
        self._turn.check()
        if stored is None:
            self._made(space, network)
        else:
            told = space_record(replace(stored, network=network))
            write_records(self._connection, self._names, [told])
            self._spaces = None
        self._changed()

    def remove_space(self, space: Space) -> None:
        """As `lookgraph.stores.base.Writer.remove_space`."""
        connection, names = self._connection, self._names
        stored = self._stored(space)
        if stored is None:
            return
        self._turn.check()
        drop_records(connection, names, SPACE, [space.name])
        self._spaces = None
        for collection in (names.vectors(space), names.graph(space)):
            if names.tenant is None:
                connection.drop(collection)
            elif connection.has(collection):
                connection.delete(collection, names.ours())
        self._changed()

    def _made(self, space: Space, network: str | None) -> StoredSpace:
        """A space that was not there."""
        connection, names = self._connection, self._names
        stored = StoredSpace(space, self._library.spaces + 1, network)
        self._library = replace(self._library, spaces=stored.number)
        write_library(connection, names, self._library)  # first, so that no number comes twice
        connection.create(
            names.vectors(space),
            vectors_schema(names, space.dimension),
            server_index(space, FLAT),
        )
        write_records(connection, names, [space_record(stored)])
        self._spaces = None
        return stored

    def _embed(
        self, stored: StoredSpace, pictures: Sequence[Picture], embeddings: Mapping[str, Vector]
    ) -> None:
        """Write embeddings; those that a change which broke off has left are written over."""
        if not pictures:
            return
        rows = np.stack([embeddings[its.id] for its in pictures]).astype(np.float16)
        entities = vector_entities(self._names, pictures, rows, self._first_row(len(pictures)))
        self._connection.upsert(
            self._names.vectors(stored.space), entities, rows.astype(np.float32)
        )

    def _first_row(self, count: int) -> int:
        """The first of so many rows that no embedding has been given."""
        if len(self._spare) < count:
            rows = self._library.rows
            self._library = replace(self._library, rows=rows + max(_ROWS, count))
            write_library(self._connection, self._names, self._library)
            self._spare = range(rows, self._library.rows)
        first = self._spare[0]
        self._spare = self._spare[count:]
        return first

    def _stored(self, space: Space) -> StoredSpace | None:
        """What is kept of a space; None if it is not there. Safe from any thread."""
        return next((its for its in self._all_spaces() if its.space.name == space.name), None)

    def _all_spaces(self) -> tuple[StoredSpace, ...]:
        """The spaces, which nobody else changes meanwhile."""
        found = self._spaces
        if found is None:
            found = self._spaces = stored_spaces(self._connection, self._names)
        return found

    def _graphs(self) -> frozenset[int]:
        """The numbers of the spaces that have a graph."""
        return frozenset(its.number for its in self._all_spaces() if its.graph is not None)

    def _settled_too(
        self, embedded: Sequence[StoredPicture], written: Mapping[str, StoredFile]
    ) -> dict[str, StoredFile]:
        """Further files of pictures that have a new embedding."""
        connection, names = self._connection, self._names
        keys = (key for its in embedded if its.files > 1 for key in keys_of(connection, names, its))
        others = files_at(connection, names, [key for key in keys if key not in written])
        spaces = {its.picture.id: tuple(sorted(its.spaces)) for its in embedded}
        return {
            key: replace(file, spaces=spaces[file.picture])
            for key, file in others.items()
            if file.picture in spaces
        }

    def _changed(self) -> None:
        """The end of a change: readers see it."""
        self._library = replace(self._library, generation=self._library.generation + 1)
        write_library(self._connection, self._names, self._library)
        self._tell()


class _Written:
    """What may be in a library that was empty when its writer came: what that has written since.

    So most of a first import or a first index needs no question whether a file or a picture is
    there, each of which takes Milvus Lite twenty microseconds, and a server a round trip. It is
    safe from several threads: `among` may name what is not there, and nobody takes anything out.
    """

    def __init__(self, is_empty: bool) -> None:
        self._keys: set[str] | None = set() if is_empty else None

    def among(self, keys: Iterable[str]) -> list[str]:
        """Those of some keys of files or ids of pictures that may be there."""
        written = self._keys
        return [key for key in keys if written is None or key in written]

    def add(self, keys: Iterable[str]) -> None:
        """These are written now."""
        if self._keys is not None:
            self._keys.update(keys)
            if len(self._keys) > _REMEMBERED:
                self._keys = None


class _Change:
    """Pictures, as one change makes them."""

    def __init__(
        self,
        connection: Connection,
        names: Names,
        graphs: frozenset[int],
        known: Mapping[str, StoredPicture],
    ) -> None:
        """Nothing is changed yet.

        Args:
            connection: to the server.
            names: of the library.
            graphs: the numbers of the spaces that have a graph.
            known: the pictures as they are.
        """
        self._connection = connection
        self._names = names
        self._graphs = graphs
        self._before = known
        self._now = dict(known)

    def add(self, picture: Picture) -> None:
        """A picture is to be there."""
        found = self._now.get(picture.id)
        self._now[picture.id] = replace(found, picture=picture) if found else StoredPicture(picture)

    def embed(self, ids: Iterable[str], space: int) -> None:
        """Pictures have an embedding in a space now."""
        for id_ in ids:
            its = self._now[id_]
            self._now[id_] = replace(its, spaces=its.spaces | {space})

    def move(self, before: Mapping[str, StoredFile], shown: Mapping[str, str]) -> None:
        """Files hold other pictures.

        Args:
            before: those that are known, by their keys.
            shown: what they hold now, by their keys; nothing where it is no picture.
        """
        gone: dict[str, set[str]] = {}
        come: dict[str, set[str]] = {}
        for key, id_ in shown.items():
            old = before[key].picture if key in before else None
            if old and old != id_ and old in self._now:
                gone.setdefault(old, set()).add(key)
            if id_:
                come.setdefault(id_, set()).add(key)
        for id_ in gone.keys() | come.keys():
            its = self._now[id_]
            keys = set(keys_of(self._connection, self._names, its))
            keys = (keys - gone.get(id_, set())) | come.get(id_, set())
            self._now[id_] = replace(its, files=len(keys), keys=tuple(sorted(keys)))

    def write(self) -> dict[str, StoredPicture]:
        """Write the pictures that are other now; all of them, by their ids."""
        for id_, its in self._now.items():
            turned = (self._live(its) ^ self._live(self._before.get(id_))) & self._graphs
            if turned:
                self._now[id_] = replace(its, behind=its.behind ^ turned)
        other = [its for id_, its in self._now.items() if its != self._before.get(id_)]
        self._connection.upsert(
            self._names.pictures, [picture_entity(self._names, its) for its in other]
        )
        return self._now

    @staticmethod
    def _live(its: StoredPicture | None) -> frozenset[int]:
        """The spaces in which a picture can answer."""
        return its.spaces if its and its.files else frozenset()
