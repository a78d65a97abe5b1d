"""Dropping the embeddings that nothing needs, or that are not what was written."""

from dataclasses import replace

from lookgraph.stores.milvus import expressions
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.embeddings import numbered, stored_rows
from lookgraph.stores.milvus.files import keys_of
from lookgraph.stores.milvus.records import (
    PICTURE,
    StoredPicture,
    StoredSpace,
    drop_with,
    file_entity,
    files_at,
    picture_entity,
    picture_of,
    pictures_with,
    stored_spaces,
)

_AT_ONCE = 1000


def damaged_ids(connection: Connection, names: Names, stored: StoredSpace) -> list[str]:
    """The ids of the pictures whose embedding is not what was written, in the order of storing."""
    found = stored_rows(connection, names, stored.space)
    return [id_ for _, id_ in sorted((its.number, its.id) for its in found if not its.is_whole)]


def compact(connection: Connection, names: Names, stored: StoredSpace) -> int:
    """Drop what is unused or damaged; return how many of the latter.

    What is dropped is first no more said to be there: if this breaks off, the rest is unused.
    """
    damaged = damaged_ids(connection, names, stored)
    _unsay(connection, names, stored, damaged)
    _unsay_unused(connection, names, stored)
    ids = [id_ for _, id_ in numbered(connection, names, stored.space)]
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        known = pictures_with(connection, names, part)
        gone = [id_ for id_ in part if id_ not in known or not known[id_].is_live(stored)]
        drop_with(connection, names, names.vectors(stored.space), "id", gone)
    return len(damaged)


def _unsay(connection: Connection, names: Names, stored: StoredSpace, ids: list[str]) -> None:
    """Pictures have no embedding in the space any more; their files are read again."""
    pictures = pictures_with(connection, names, ids)
    for its in pictures.values():
        files = files_at(connection, names, keys_of(connection, names, its)).values()
        left = [replace(file, spaces=tuple(n for n in file.spaces if n != stored.number))
                for file in files]  # fmt: skip
        connection.upsert(names.files, [file_entity(names, file) for file in left])
    told = [_without(its, stored) for its in pictures.values()]
    connection.upsert(names.pictures, [picture_entity(names, its) for its in told])


def _unsay_unused(connection: Connection, names: Names, stored: StoredSpace) -> None:
    """Pictures without files have none either; those without any at all are dropped."""
    there = {its.number for its in stored_spaces(connection, names)}
    where = names.ours(expressions.equals("files", 0))
    found = [
        picture_of(names, told)
        for page in connection.pages(names.pictures, where, PICTURE)
        for told in page
    ]
    told = [_without(its, stored) for its in found]
    kept = [its for its in told if (its.spaces & there) or (its.behind & there)]
    connection.upsert(names.pictures, [picture_entity(names, its) for its in kept])
    ids = {its.picture.id for its in told} - {its.picture.id for its in kept}
    drop_with(connection, names, names.pictures, "id", ids)


def _without(its: StoredPicture, stored: StoredSpace) -> StoredPicture:
    """A picture without an embedding in the space."""
    behind = its.behind
    if its.is_live(stored) and stored.graph is not None:
        behind ^= {stored.number}
    return replace(its, spaces=its.spaces - {stored.number}, behind=behind)
