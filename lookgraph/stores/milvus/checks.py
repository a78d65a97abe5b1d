"""What doctor looks at in Milvus: the server, the collections, and what others have changed."""

from collections.abc import Iterator

from lookgraph.stores.base import Check
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.library import read_library
from lookgraph.stores.milvus.pending import disagreements
from lookgraph.stores.milvus.records import (
    StoredSpace,
    stored_spaces,
)
from lookgraph.stores.milvus.statuses import graph_status_of


def checks(connection: Connection, names: Names) -> Iterator[Check]:
    """Look at everything but the embeddings, one thing after another."""
    if connection.address.is_file and not connection.has(names.records):
        return
    yield Check("server", None, f"Milvus {connection.version}")
    if read_library(connection, names) is None:
        return
    yield _collections(connection, names)
    yield _pictures(connection, names)
    for stored in stored_spaces(connection, names):
        yield _embeddings(connection, names, stored)
        status = graph_status_of(connection, names, stored)
        if status and status.fault:
            found = f"{stored.space.name}: {status.fault}"
            yield Check("graph", False, found, "Run `lookgraph index`.")


def _collections(connection: Connection, names: Names) -> Check:
    there = connection.collections()
    own = [name for name in there if name == names.records or name.startswith(f"{names.records}_")]
    whose = f", of the tenant {names.tenant}" if names.tenant else ""
    return Check("collections", True, ", ".join(own) + whose)


def _pictures(connection: Connection, names: Names) -> Check:
    """Whether files and pictures know each other."""
    wrong = len(disagreements(connection, names))
    if wrong:
        advice = "Somebody has changed what Lookgraph keeps. Run `lookgraph doctor --repair`."
        return Check("pictures", False, f"{wrong:,} have other files than these say", advice)
    return Check("pictures", True, "each has its files")


def _embeddings(connection: Connection, names: Names, stored: StoredSpace) -> Check:
    name, collection = stored.space.name, names.vectors(stored.space)
    if not connection.has(collection):
        advice = f"Somebody has dropped {collection}. `lookgraph index --model "
        return Check(
            "space", False, f"{name}: its embeddings are gone",
            f"{advice}{stored.space.model}` makes it anew.",
        )  # fmt: skip
    count = connection.count(collection, names.ours())
    return Check("space", None, f"{name}: {count:,} in {collection}, searched by {stored.made}")
