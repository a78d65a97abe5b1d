"""What a change is about, kept while it is made, so that one that broke off can be put right.

A change writes embeddings, then pictures, then files: what is found is there, and what is known is
found. If it breaks off in between, a path may stand with two pictures, or a file may name a picture
that does not know it. The next writer looks at the paths that the change was about: such a path is
taken from the pictures that its file does not name, such a file is forgotten, so that the next
`lookgraph index` reads it again, and the files of a picture know the spaces that it is in.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.files import keys_of
from lookgraph.stores.milvus.records import (
    PENDING,
    PICTURE,
    Record,
    StoredPicture,
    as_written,
    drop_with,
    file_entity,
    files_at,
    picture_entity,
    picture_of,
    pictures_with,
    read_records,
    write_records,
)

_BYTES = 60_000
"""In one record: JSON has 65,536 (Milvus documentation, "JSON Field")."""

Pending: TypeAlias = Sequence[tuple[str, str]]
"""The keys of files, each with the id of a picture that may name it, or nothing."""


def begin(connection: Connection, names: Names, generation: int, about: Pending) -> None:
    """Keep what a change is about; it is over when the library has this generation."""
    records = [
        Record(str(number), PENDING, {"generation": generation, "about": part})
        for number, part in enumerate(_parts(about))
    ]
    write_records(connection, names, records)


def put_right(connection: Connection, names: Names, generation: int) -> None:
    """Put right what changes after a generation have left, if they broke off."""
    with as_written("a change"):
        about = [
            (str(key), str(id_))
            for told in read_records(connection, names, PENDING)
            if told["generation"] > generation
            for key, id_ in told["about"]
        ]
    if about:
        _put_right(connection, names, about)


def put_all_right(connection: Connection, names: Names) -> int:
    """Put right whatever files and pictures do not agree about; return of how many files."""
    wrong = disagreements(connection, names)
    if wrong:
        _put_right(connection, names, wrong)
    return len(wrong)


def disagreements(connection: Connection, names: Names) -> Pending:
    """The files that name another picture than one that names them."""
    shown = {
        names.text(told["path"]): str(told["picture"])
        for page in connection.pages(names.files, names.ours(), ["path", "picture"])
        for told in page
        if told["picture"]
    }
    wrong = [
        (key, its.picture.id)
        for page in connection.pages(names.pictures, names.ours(), PICTURE)
        for its in (picture_of(names, told) for told in page)
        for key in keys_of(connection, names, its)
        if shown.pop(key, None) != its.picture.id
    ]
    return sorted([*wrong, *shown.items()])


def _put_right(connection: Connection, names: Names, about: Pending) -> None:
    keys = [key for key, _ in about]
    files = files_at(connection, names, keys)
    shown = {key: file.picture for key, file in files.items()}
    ids = {id_ for id_ in (*(id_ for _, id_ in about), *shown.values()) if id_}
    pictures = pictures_with(connection, names, ids)
    mended = [_without(its, [key for key in keys if shown.get(key) != its.picture.id])
              for its in pictures.values()]  # fmt: skip
    connection.upsert(names.pictures, [picture_entity(names, its) for its in mended])
    lost = [
        key
        for key, id_ in shown.items()
        if id_ and (id_ not in pictures or key not in pictures[id_].keys)
    ]
    drop_with(connection, names, names.files, "path", lost)
    for its in mended:
        spaces = tuple(sorted(its.spaces))
        known = files_at(connection, names, keys_of(connection, names, its)).values()
        other = [replace(file, spaces=spaces) for file in known if file.spaces != spaces]
        connection.upsert(names.files, [file_entity(names, file) for file in other])


def _without(its: StoredPicture, gone: Iterable[str]) -> StoredPicture:
    kept = tuple(key for key in its.keys if key not in set(gone))
    return replace(its, keys=kept, files=its.files - (len(its.keys) - len(kept)))


def _parts(about: Pending) -> Iterator[Pending]:
    """The same in parts that a record can hold."""
    part: list[tuple[str, str]] = []
    size = 0
    for pair in about:
        its = len(json.dumps(pair))
        if part and size + its > _BYTES:
            yield part
            part, size = [], 0
        part.append(pair)
        size += its
    yield part
