"""What doctor looks at in a database: the server, the schema, and what others have changed."""

from collections.abc import Iterator

from lookgraph.stores.base import Check
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import SHOWS, StoredSpace, stored_spaces
from lookgraph.stores.neo4j.schema import has_library, missing_constraints, vector_index
from lookgraph.stores.neo4j.standing import graph_status_of, standing
from lookgraph.types import IndexKind

_OLDEST = (5, 13)


def checks(connection: Connection) -> Iterator[Check]:
    """Look at everything but the embeddings, one thing after another."""
    yield _server(connection)
    if not has_library(connection):
        return
    names = connection.address.names
    yield _kept(connection)
    yield _constraints(connection)
    yield from _pictures(connection, names)
    for stored in stored_spaces(connection.read, names):
        yield from _space(connection, stored)


def _server(connection: Connection) -> Check:
    server = connection.server
    found = f"{server.name}, " + (f"GDS {server.gds}" if server.gds else "without GDS")
    if server.version < _OLDEST:
        advice = "It has no indexes of vectors: searches compare everything. Take 5.13 or newer."
        return Check("server", False, found, advice)
    return Check("server", None, found)


def _kept(connection: Connection) -> Check:
    library = connection.address.names.own("Library")
    (found,) = connection.read(
        f"MATCH (l:`{library}` {{name: 'library'}})"
        " RETURN l.mirror_of AS mirror, l.holder AS holder"
    )
    if found["mirror"] is not None:
        return Check("kept as", None, f"a mirror of {found['mirror']}")
    return Check("kept as", None, f"a library of its own, last written to by {found['holder']}")


def _constraints(connection: Connection) -> Check:
    missing = missing_constraints(connection)
    if missing:
        found = ", ".join(f"{label}.{key}" for label, key in missing)
        advice = "Something may be there twice. `lookgraph index` makes what is missing."
        return Check("constraints", False, f"none on {found}", advice)
    return Check("constraints", True, "all are there")


def _pictures(connection: Connection, names: Names) -> Iterator[Check]:
    own = names.own()
    (foreign,) = connection.read(
        f"MATCH (n:`{names.label}`) WHERE NOT n:`{own}` RETURN count(n) AS count"
    )[0]
    if foreign:
        yield Check("other pictures", None, f"{foreign:,} :{names.label} are not Lookgraph's")
    (lost,) = connection.read(
        f"MATCH (n:`{names.label}`:`{own}`)"
        f" WHERE NOT EXISTS {{ (n)<-[:{SHOWS}]-(:`{names.own('File')}`) }} RETURN count(n)"
    )[0]
    (unlabelled,) = connection.read(
        f"MATCH (n:`{own}`)<-[:{SHOWS}]-(:`{names.own('File')}`)"
        f" WHERE NOT n:`{names.label}` RETURN count(DISTINCT n)"
    )[0]
    (fileless,) = connection.read(
        f"MATCH (f:`{names.own('File')}`) WHERE f.skip IS NULL"
        f" AND NOT EXISTS {{ (f)-[:{SHOWS}]->(:`{own}`) }} RETURN count(f)"
    )[0]
    told = {
        f"{lost:,} pictures have no file": lost,
        f"{unlabelled:,} pictures with files have lost the label {names.label}": unlabelled,
        f"{fileless:,} files have no picture": fileless,
    }
    wrong = [words for words, count in told.items() if count]
    if wrong:
        advice = "Somebody has changed what Lookgraph keeps. Run `lookgraph index`."
        yield Check("pictures", False, "; ".join(wrong), advice)
    else:
        yield Check("pictures", True, "each has its files")


def _space(connection: Connection, stored: StoredSpace) -> Iterator[Check]:
    name, names = stored.space.name, connection.address.names
    counted = standing(connection, stored)
    (lacking,) = connection.read(
        f"MATCH (n:`{names.label}`:`{names.own()}`) WHERE n.`{stored.property}` IS NULL"
        " RETURN count(n)"
    )[0]
    found = f"{name}: {counted.pictures:,} in {stored.property}"
    if lacking:
        found += f"; {lacking:,} pictures have none, which `lookgraph index` makes"
    yield Check("space", None, found)
    yield from _index(connection, stored)
    status = graph_status_of(stored, counted)
    if status is None:
        return
    if status.fault:
        yield Check("graph", False, f"{name}: {status.fault}", "Run `lookgraph index`.")
    if doubled := _doubled(connection, stored):
        advice = (
            "The better one counts. To be rid of those that Lookgraph has made: "
            "lookgraph graph build"
        )
        found = f"{name}: {doubled:,} pairs have several relations :{stored.relation}"
        yield Check("relations", None, found, advice)


def _index(connection: Connection, stored: StoredSpace) -> Iterator[Check]:
    index, name = vector_index(connection, stored.property), stored.space.name
    if index is None:
        if stored.index is IndexKind.HNSW:
            yield Check("index", False, f"{name}: there is none", "Run `lookgraph index`.")
        return
    if index.dimension not in (None, stored.space.dimension):
        yield Check(
            "index",
            False,
            f"{name}: {index.name} is of {index.dimension} numbers, and the embeddings have "
            f"{stored.space.dimension}",
            f"DROP INDEX `{index.name}`, then run `lookgraph index`.",
        )
    elif not index.is_online:
        yield Check(
            "index",
            False,
            f"{name}: {index.name} is {index.state}",
            "Wait until it is made, or run `lookgraph index`.",
        )
    else:
        yield Check("index", True, f"{name}: {index.name} has all that is there")


def _doubled(connection: Connection, stored: StoredSpace) -> int:
    """How many pairs of pictures have more than one relation."""
    own = connection.address.names.own()
    (count,) = connection.read(
        f"MATCH (a:`{own}`)-[r:`{stored.relation}`]-(b:`{own}`) WHERE a.row < b.row"
        " WITH a, b, count(r) AS relations WHERE relations > 1 RETURN count(*)"
    )[0]
    return int(count)
