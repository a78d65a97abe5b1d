"""What the library knows of files, and of pictures by their files."""

from collections.abc import Iterator, Sequence

from lookgraph.stores.keys import key_of, path_of
from lookgraph.stores.milvus import expressions
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.records import (
    FILE,
    PICTURE,
    StoredFile,
    StoredPicture,
    StoredSpace,
    file_of,
    files_at,
    picture_of,
    pictures_with,
)
from lookgraph.types import Entry, KnownFile, SkipKind


def below(names: Names, folder: str, after: str = "") -> str:
    """An expression for the files below a folder's path, and behind another path.

    Args:
        names: of the library.
        folder: relative; empty for all.
        after: likewise; empty for none.
    """
    parts = []
    if folder:
        parts.append(expressions.at_least("path", names.key(key_of(folder) + "/")))
        parts.append(expressions.before("path", names.key(key_of(folder) + "0")))  # next after "/"
    if after:
        parts.append(expressions.after("path", names.key(key_of(after))))
    return names.ours(*parts)


def known_files(
    connection: Connection, names: Names, stored: StoredSpace | None, under: str
) -> Iterator[KnownFile]:
    """The files below a relative path, in the order of their paths' bytes, page by page."""
    for page in connection.pages(names.files, below(names, under), FILE):
        for told in page:
            file = file_of(names, told)
            yield KnownFile(path_of(file.key), file.stamp, file.settled(stored))


def entries(
    connection: Connection, names: Names, under: str, after: str, most: int
) -> tuple[Entry, ...]:
    """So many files that hold a picture, below a path and behind one, in their paths' order."""
    where = expressions.both(below(names, under, after), expressions.is_("skip", ""))
    pages = connection.pages(names.files, where, FILE, most=most)
    return _entries(connection, names, [file_of(names, told) for page in pages for told in page])


def _entries(
    connection: Connection, names: Names, files: Sequence[StoredFile]
) -> tuple[Entry, ...]:
    pictures = pictures_with(connection, names, [its.picture for its in files if its.picture])
    return tuple(
        its.entry(pictures[its.picture].picture if its.picture else None)
        for its in files
        if its.picture is None or its.picture in pictures
    )


def file_at(connection: Connection, names: Names, path: str) -> Entry | None:
    """The file at a relative path."""
    found = _entries(connection, names, list(files_at(connection, names, [key_of(path)]).values()))
    return found[0] if found else None


def keys_of(connection: Connection, names: Names, its: StoredPicture) -> tuple[str, ...]:
    """The keys of the paths of all files that hold a picture, in order."""
    if its.has_all_keys:
        return its.keys
    where = names.ours(expressions.is_("picture", its.picture.id))
    pages = connection.pages(names.files, where, ["path"])
    return tuple(names.text(told["path"]) for page in pages for told in page)


def files_of(connection: Connection, names: Names, its: StoredPicture) -> tuple[Entry, ...]:
    """The files that hold a picture, in alphabetical order."""
    keys = keys_of(connection, names, its)
    files = files_at(connection, names, keys)
    return tuple(files[key].entry(its.picture) for key in keys if key in files)


def copies(connection: Connection, names: Names) -> Iterator[tuple[Entry, ...]]:
    """The files of each picture that several hold, in alphabetical order."""
    where = names.ours(expressions.over("files", 1))
    for page in connection.pages(names.pictures, where, PICTURE):
        for told in page:
            files = files_of(connection, names, picture_of(names, told))
            if len(files) > 1:
                yield files


def skipped(connection: Connection, names: Names) -> Iterator[Entry]:
    """The files that were left out for a reason that concerns people, by path."""
    where = names.ours(
        expressions.is_not("skip", ""), expressions.is_not("skip", str(SkipKind.NO_PICTURE))
    )
    for page in connection.pages(names.files, where, FILE):
        for told in page:
            yield file_of(names, told).entry(None)


def ids(connection: Connection, names: Names, prefix: str) -> list[str]:
    """The ids of pictures with files that begin so, in order; at most two."""
    where = names.ours(
        expressions.at_least("id", names.key(prefix)),
        expressions.before("id", names.key(prefix) + "g"),  # next after the digits
        expressions.over("files", 0),
    )
    pages = connection.pages(names.pictures, where, ["id"], most=2)
    return [names.text(told["id"]) for page in pages for told in page]
