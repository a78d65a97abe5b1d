"""The library's own record, and making what a library needs."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lookgraph.errors import LibraryFormatError, LibraryNotFoundError, UsageError
from lookgraph.stores.keys import key_of, path_of
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import (
    Names,
    files_schema,
    pictures_schema,
    records_schema,
    unsearched_index,
)
from lookgraph.stores.milvus.records import LIBRARY, Record, as_written, read_record, write_records
from lookgraph.types import Patterns

FORMAT = 1
"""The version of how a library is kept in Milvus."""


@dataclass(frozen=True, slots=True)
class LibraryRecord:
    """What is kept of a library as a whole.

    Attributes:
        format: the version of how it is kept.
        generation: another number after each change.
        rows: the lowest that no embedding has been given.
        spaces: how many have been made.
        root: the key of its folder's path; None before it is told.
        include: keys of its patterns.
        exclude: likewise.
    """

    format: int = FORMAT
    generation: int = 0
    rows: int = 0
    spaces: int = 0
    root: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def folder(self) -> Path | None:
        """The folder that the paths are relative to."""
        return None if self.root is None else Path(path_of(self.root))

    @property
    def patterns(self) -> Patterns:
        """Which of its files belong to the library."""
        return Patterns(tuple(map(path_of, self.include)), tuple(map(path_of, self.exclude)))


def read_library(connection: Connection, names: Names) -> LibraryRecord | None:
    """The library's record; None if there is no library.

    Raises:
        LibraryFormatError: a newer Lookgraph made it.
    """
    if not connection.has(names.records):
        return None
    _be_ours(connection, names)
    told = read_record(connection, names, LIBRARY)
    if told is None:
        return None
    with as_written("the library"):
        found = LibraryRecord(**{name: told[name] for name in LibraryRecord.__slots__})
        is_newer = found.format > FORMAT
    if is_newer:
        raise LibraryFormatError(
            f"The library in {connection.address} was made by a newer Lookgraph. Update this one: "
            "pip install --upgrade lookgraph"
        )
    return replace(found, include=tuple(found.include), exclude=tuple(found.exclude))


def the_library(connection: Connection, names: Names) -> LibraryRecord:
    """The library's record.

    Raises:
        LibraryNotFoundError: there is no library.
    """
    found = read_library(connection, names)
    if found is None:
        raise LibraryNotFoundError(
            f"There is no library in {connection.address}. Make one: "
            "lookgraph index FOLDER --library ADDRESS"
        )
    return found


def write_library(connection: Connection, names: Names, library: LibraryRecord) -> None:
    """Keep what is known of the library as a whole."""
    write_records(connection, names, [Record("", LIBRARY, asdict(library))])


def with_folder(library: LibraryRecord, root: Path, patterns: Patterns) -> LibraryRecord:
    """The same, of another folder or with other patterns."""
    return replace(
        library,
        root=key_of(str(root)),
        include=tuple(map(key_of, patterns.include)),
        exclude=tuple(map(key_of, patterns.exclude)),
    )


def make_library(connection: Connection, names: Names) -> None:
    """Make the collections and the record of a library, where they are missing.

    Raises:
        UsageError: a collection of this name is somebody else's.
    """
    if read_library(connection, names) is None:
        for collection, schema, asked in (
            (names.records, records_schema(names), ("kind",)),
            (names.files, files_schema(names), ("picture", "skip")),
            (names.pictures, pictures_schema(names), ("files", "spaces", "behind")),
        ):
            index = unsearched_index() if connection.is_lite else unsearched_index(*asked)
            connection.create(collection, schema, index)
        write_library(connection, names, LibraryRecord())


def _be_ours(connection: Connection, names: Names) -> None:
    """Refuse a collection of somebody else's, and one that is shared, or is not.

    Raises:
        UsageError: with what to do.
    """
    fields = connection.fields(names.records)
    if not {"key", "kind", "told"} <= fields:
        raise UsageError(
            f"{connection.address}: there is a collection {names.records} that Lookgraph has not "
            "made. Name another one in the address."
        )
    if ("tenant" in fields) != (names.tenant is not None):
        words = (
            "is shared by tenants: say whose library is meant, ?tenant=NAME behind the address"
            if "tenant" in fields
            else "is not shared by tenants: leave ?tenant= out, or name another collection"
        )
        raise UsageError(f"{connection.address}: the collection {names.records} {words}.")
