"""What the database knows of files, and of pictures by their files."""

from collections.abc import Iterator

from lookgraph.stores.keys import key_of, path_of
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import (
    SHOWS,
    Read,
    StoredSpace,
    entry_map,
    entry_of,
)
from lookgraph.types import Entry, KnownFile, SkipKind, Stamp

_PAGE = 5000
_LAST = "\U0010ffff"
"""Comes after every key: these are of ISO 8859-1."""


def known_files(
    read: Read, names: Names, stored: StoredSpace | None, under: str
) -> Iterator[KnownFile]:
    """The files below a relative path, in the order of their paths' bytes, page by page."""
    first = key_of(under) + "/" if under else ""
    end = key_of(under) + "0" if under else _LAST  # "0" is next after "/"
    has = f"n.`{stored.property}` IS NOT NULL" if stored else "false"
    while True:
        page = read(
            f"MATCH (f:`{names.own('File')}`) WHERE f.key >= $first AND f.key < $end"
            " WITH f ORDER BY f.key LIMIT $most"
            f" OPTIONAL MATCH (f)-[:{SHOWS}]->(n:`{names.own()}`)"
            " RETURN f.key AS key, f.size AS size, f.mtime_ns AS mtime_ns, f.skip AS skip,"
            f" coalesce({has}, false) AS has ORDER BY key",
            first=first,
            end=end,
            most=_PAGE,
        )
        for told in page:
            skip = told["skip"]
            yield KnownFile(
                path_of(told["key"]),
                Stamp(told["size"], told["mtime_ns"]),
                bool(told["has"]) if skip is None else not SkipKind(skip).passing,
            )
        if len(page) < _PAGE:
            return
        first = page[-1]["key"] + "\0"  # the least that comes after it


def entries(read: Read, names: Names, under: str, after: str, most: int) -> tuple[Entry, ...]:
    """So many files that hold a picture, below a path and behind one, in their paths' order."""
    found = read(
        f"MATCH (f:`{names.own('File')}`) WHERE f.key >= $first AND f.key < $end"
        " AND f.skip IS NULL WITH f ORDER BY f.key LIMIT $most"
        f" MATCH (f)-[:{SHOWS}]->(n:`{names.own()}`)"
        f" RETURN {entry_map(names, 'f', 'n')} AS told ORDER BY f.key",
        first=max(key_of(under) + "/" if under else "", key_of(after) + "\0" if after else ""),
        end=key_of(under) + "0" if under else _LAST,
        most=most,
    )
    return tuple(entry_of(its["told"]) for its in found)


def file_at(read: Read, names: Names, path: str) -> Entry | None:
    """The file at a relative path."""
    found = read(
        f"MATCH (f:`{names.own('File')}` {{key: $key}})"
        f" OPTIONAL MATCH (f)-[:{SHOWS}]->(n:`{names.own()}`)"
        f" RETURN {entry_map(names, 'f', 'n')} AS told",
        key=key_of(path),
    )
    return entry_of(found[0]["told"]) if found else None


def files_of(read: Read, names: Names, id_: str) -> tuple[Entry, ...]:
    """The files that hold a picture, in alphabetical order."""
    found = read(
        f"MATCH (n:`{names.own()}` {{`{names.id}`: $id}})<-[:{SHOWS}]-(f:`{names.own('File')}`)"
        f" RETURN {entry_map(names, 'f', 'n')} AS told ORDER BY f.key",
        id=id_,
    )
    return tuple(entry_of(record["told"]) for record in found)


def copies(read: Read, names: Names) -> Iterator[tuple[Entry, ...]]:
    """The files of each picture that several hold, in alphabetical order."""
    found = read(
        f"MATCH (n:`{names.own()}`) WHERE size(n.`{names.copies}`) > 0"
        f" RETURN n.`{names.id}` AS id ORDER BY n.row"
    )
    for (id_,) in found:
        files = files_of(read, names, id_)
        if len(files) > 1:
            yield files


def skipped(read: Read, names: Names) -> Iterator[Entry]:
    """The files that were left out for a reason that concerns people, by path."""
    found = read(
        f"MATCH (f:`{names.own('File')}`) WHERE f.skip <> $other"
        f" RETURN {entry_map(names, 'f', 'null')} AS told ORDER BY f.key",
        other=str(SkipKind.NO_PICTURE),
    )
    yield from (entry_of(record["told"]) for record in found)


def ids(read: Read, names: Names, prefix: str) -> list[str]:
    """The ids of pictures with files that begin so, in order; at most two."""
    found = read(
        f"MATCH (n:`{names.label}`:`{names.own()}`) WHERE n.`{names.id}` STARTS WITH $prefix"
        f" RETURN n.`{names.id}` AS id ORDER BY id LIMIT 2",
        prefix=prefix,
    )
    return [str(record["id"]) for record in found]
