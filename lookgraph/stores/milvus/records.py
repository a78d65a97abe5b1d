"""Between the entities of Milvus and the values of `lookgraph.types`."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from lookgraph.errors import LibraryDamagedError, LookgraphError
from lookgraph.stores.base import GraphWanted, Match
from lookgraph.stores.keys import path_of
from lookgraph.stores.milvus import expressions
from lookgraph.stores.milvus.client.columns import Entity
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import PATHS, Names
from lookgraph.types import (
    Entry,
    IndexKind,
    Metric,
    Picture,
    Precision,
    Skip,
    SkipKind,
    Space,
    Stamp,
)

_CHUNK = 512
"""Keys in one expression."""


@dataclass(frozen=True, slots=True)
class StoredSpace:
    """A space as the library knows it.

    Attributes:
        space: what it is.
        number: its place in the order in which spaces were made, from 1; none gets it again.
        network: what its network is, in words of others; None if its name is enough.
        index: how it is to be searched.
        made: the type of the index that it has, as Milvus calls it.
        indexed: of how many embeddings that was made.
        graph: what its graph is to be made as; None if it has none.
        graph_edges: how many it has; None if it is to be made from nothing, since a change of it
            was interrupted.
        graph_pictures: how many are in it.
    """

    space: Space
    number: int
    network: str | None = None
    index: IndexKind = IndexKind.AUTO
    made: str = "FLAT"
    indexed: int = 0
    graph: GraphWanted | None = None
    graph_edges: int | None = None
    graph_pictures: int = 0


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as the library knows it.

    Attributes:
        key: of its path (`lookgraph.stores.keys`).
        stamp: what it was when it was read.
        picture: the id of the picture in it; None if it was left out.
        skip: why it was left out.
        spaces: the numbers of those in which the picture has an embedding.
    """

    key: str
    stamp: Stamp
    picture: str | None
    skip: Skip | None
    spaces: tuple[int, ...] = ()

    def settled(self, stored: StoredSpace | None) -> bool:
        """Whether nothing is to be done in a space as long as the stamp stays the same."""
        if self.skip:
            return not self.skip.kind.passing
        return stored is not None and stored.number in self.spaces

    def entry(self, picture: Picture | None) -> Entry:
        """The file, with its picture."""
        return Entry(path_of(self.key), self.stamp, picture, self.skip)


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture as the library knows it.

    Attributes:
        picture: what it is.
        files: how many hold it.
        keys: of their paths, in order; the first of them, if there are more than `PATHS`.
        spaces: the numbers of those in which it has an embedding.
        behind: the numbers of those whose graph is of another time: it has it, and the picture has
            no file or no embedding any more, or the other way round.
    """

    picture: Picture
    files: int = 0
    keys: tuple[str, ...] = ()
    spaces: frozenset[int] = field(default_factory=frozenset)
    behind: frozenset[int] = field(default_factory=frozenset)

    def is_live(self, stored: StoredSpace) -> bool:
        """Whether it can answer searches in a space."""
        return self.files > 0 and stored.number in self.spaces

    @property
    def has_all_keys(self) -> bool:
        """Whether its keys are those of all its files."""
        return self.files == len(self.keys)

    @property
    def paths(self) -> tuple[str, ...]:
        """Of its files, in alphabetical order."""
        return tuple(map(path_of, self.keys))

    def match(self, score: float, rank_score: float | None = None) -> Match:
        """The picture as something that was found."""
        return Match(self.picture, self.paths, score, rank_score)


# Files

FILE = ("path", "picture", "size", "mtime_ns", "skip", "reason", "spaces")
"""The fields that `file_of` takes."""


def file_of(names: Names, told: Entity) -> StoredFile:
    """The file that an entity is."""
    skip = told["skip"]
    return StoredFile(
        names.text(told["path"]),
        Stamp(int(told["size"]), int(told["mtime_ns"])),
        told["picture"] or None,
        Skip(SkipKind(skip), told["reason"]) if skip else None,
        tuple(told["spaces"]),
    )


def file_entity(names: Names, file: StoredFile) -> Entity:
    """The entity of a file."""
    return names.unsearched(
        {
            "path": names.key(file.key),
            "picture": file.picture or "",
            "size": file.stamp.size,
            "mtime_ns": file.stamp.mtime_ns,
            "skip": str(file.skip.kind) if file.skip else "",
            "reason": _shortened(file.skip.reason) if file.skip else "",
            "spaces": list(file.spaces),
        }
    )


def _shortened(reason: str) -> str:
    return key_safe(reason)[:10_000]


def key_safe(text: str) -> str:
    """A text without what is no text: bytes of names that are no UTF-8."""
    return text.encode("utf-8", errors="replace").decode()


def files_at(connection: Connection, names: Names, keys: Iterable[str]) -> dict[str, StoredFile]:
    """Those of some files that are known, by their keys."""
    found = entities_with(connection, names, names.files, "path", keys, FILE)
    return {file.key: file for file in (file_of(names, told) for told in found)}


# Pictures

PICTURE = ("id", "format", "width", "height", "taken", "files", "paths", "spaces", "behind")
"""The fields that `picture_of` takes."""


def picture_of(names: Names, told: Entity) -> StoredPicture:
    """The picture that an entity is."""
    return StoredPicture(
        Picture(
            names.text(told["id"]),
            told["format"],
            int(told["width"]),
            int(told["height"]),
            told["taken"] or None,
        ),
        int(told["files"]),
        tuple(told["paths"]),
        frozenset(told["spaces"]),
        frozenset(told["behind"]),
    )


def picture_entity(names: Names, its: StoredPicture) -> Entity:
    """The entity of a picture."""
    return names.unsearched(
        {
            "id": names.key(its.picture.id),
            **facts_of(its.picture),
            "format": its.picture.format,
            "files": its.files,
            "paths": list(its.keys[:PATHS]),
            "spaces": sorted(its.spaces),
            "behind": sorted(its.behind),
        }
    )


def facts_of(picture: Picture) -> dict[str, Any]:
    """What of a picture searches are narrowed by."""
    return {"width": picture.width, "height": picture.height, "taken": picture.taken or ""}


def pictures_with(
    connection: Connection, names: Names, ids: Iterable[str]
) -> dict[str, StoredPicture]:
    """Those of some pictures that are known, by their ids."""
    found = entities_with(connection, names, names.pictures, "id", ids, PICTURE)
    return {its.picture.id: its for its in (picture_of(names, told) for told in found)}


def is_empty(connection: Connection, names: Names) -> bool:
    """Whether there is no file and no picture."""
    return not any(
        connection.query(collection, names.ours(), [key], most=1)
        for collection, key in ((names.files, "path"), (names.pictures, "id"))
    )


# Entities by their keys, however many


def entities_with(
    connection: Connection,
    names: Names,
    collection: str,
    key: str,
    texts: Iterable[str],
    fields: Sequence[str],
) -> list[Entity]:
    """The entities with the keys of some texts, in no order.

    Args:
        connection: to the server.
        names: of the library.
        collection: where they are.
        key: the name of the primary key.
        texts: as `Names.key` takes them.
        fields: what is asked of each.
    """
    return [
        told
        for where in _by_keys(names, key, texts)
        for told in connection.query(collection, where, fields)
    ]


def drop_with(
    connection: Connection, names: Names, collection: str, key: str, texts: Iterable[str]
) -> None:
    """Remove the entities with the keys of some texts; as for `entities_with`."""
    for where in _by_keys(names, key, texts):
        connection.delete(collection, where)


def _by_keys(names: Names, key: str, texts: Iterable[str]) -> Iterator[str]:
    """Expressions for the entities with some keys, none of them too long."""
    wanted = iter(dict.fromkeys(texts))
    while part := list(islice(wanted, _CHUNK)):
        yield names.one_of(key, part)


# The library and its spaces

LIBRARY, SPACE, VERDICT, WRITER, PENDING = "library", "space", "verdict", "writer", "pending"
"""The kinds of records."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record: its key's end, its kind, and what it tells, as JSON has it."""

    key: str
    kind: str
    told: dict[str, Any]


def record_entity(names: Names, record: Record) -> Entity:
    """The entity of a record."""
    key = names.key(f"{record.kind}/{record.key}")
    return names.unsearched({"key": key, "kind": record.kind, "told": record.told})


def read_records(connection: Connection, names: Names, kind: str) -> list[dict[str, Any]]:
    """What all records of a kind tell, in the order of their keys."""
    where = names.ours(expressions.is_("kind", kind))
    return [
        _told(found) for page in connection.pages(names.records, where, ["told"]) for found in page
    ]


def read_record(
    connection: Connection, names: Names, kind: str, key: str = ""
) -> dict[str, Any] | None:
    """What one record tells; None if it is not there."""
    found = connection.query(names.records, names.one_of("key", [f"{kind}/{key}"]), ["told"])
    return _told(found[0]) if found else None


def write_records(connection: Connection, names: Names, records: Iterable[Record]) -> None:
    """Write records, in place of those with the same keys."""
    connection.upsert(names.records, [record_entity(names, record) for record in records])


def drop_records(connection: Connection, names: Names, kind: str, keys: Iterable[str]) -> None:
    """Remove records."""
    drop_with(connection, names, names.records, "key", (f"{kind}/{key}" for key in keys))


@contextmanager
def as_written(what: str) -> Iterator[None]:
    """Read what a record tells.

    Args:
        what: it is of, for people.

    Raises:
        LibraryDamagedError: that is not what Lookgraph writes.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, LookgraphError):
            raise
        raise LibraryDamagedError(
            f"The record of {what} is not what Lookgraph writes ({type(error).__name__}: {error}). "
            "Somebody has changed it: put the collection back from a backup."
        ) from error


def _told(entity: Entity) -> dict[str, Any]:
    told = entity["told"]
    found = json.loads(told) if isinstance(told, str | bytes) else told
    if not isinstance(found, dict):
        raise LibraryDamagedError("A record of the library is not what Lookgraph writes.")
    return found


def space_record(stored: StoredSpace) -> Record:
    """The record of a space."""
    space, graph = stored.space, stored.graph
    return Record(
        space.name,
        SPACE,
        {
            "number": stored.number,
            "model": space.model,
            "fingerprint": space.fingerprint,
            "preprocessing": space.preprocessing,
            "metric": str(space.metric),
            "dimension": space.dimension,
            "precision": str(space.precision),
            "network": stored.network,
            "index": str(stored.index),
            "made": stored.made,
            "indexed": stored.indexed,
            "graph": None
            if graph is None
            else [graph.neighbours, graph.threshold, graph.most, graph.mutual],
            "graph_edges": stored.graph_edges,
            "graph_pictures": stored.graph_pictures,
        },
    )


def stored_spaces(connection: Connection, names: Names) -> tuple[StoredSpace, ...]:
    """All spaces, in the order in which they were made."""
    found = map(_space_of, read_records(connection, names, SPACE))
    return tuple(sorted(found, key=lambda its: its.number))


def find_space(connection: Connection, names: Names, space: Space) -> StoredSpace | None:
    """What is kept of a space; None if it is not there."""
    told = read_record(connection, names, SPACE, space.name)
    return _space_of(told) if told else None


def _space_of(told: dict[str, Any]) -> StoredSpace:
    with as_written("a space"):
        return _space_in(told)


def _space_in(told: dict[str, Any]) -> StoredSpace:
    graph = told["graph"]
    return StoredSpace(
        Space(
            told["model"],
            told["fingerprint"],
            int(told["preprocessing"]),
            Metric(told["metric"]),
            int(told["dimension"]),
            Precision(told["precision"]),
        ),
        int(told["number"]),
        told["network"],
        IndexKind(told["index"]),
        told["made"],
        int(told["indexed"]),
        None if graph is None else GraphWanted(*graph),
        told["graph_edges"],
        int(told["graph_pictures"]),
    )
