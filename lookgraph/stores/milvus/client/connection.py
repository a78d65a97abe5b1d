"""Questions to a Milvus server, or to a file of Milvus Lite."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pymilvus import CollectionSchema, MilvusClient
from pymilvus.milvus_client.index import IndexParams

from lookgraph.stores.milvus.address import Address
from lookgraph.stores.milvus.client.columns import Entity, write
from lookgraph.stores.milvus.client.faults import server_errors
from lookgraph.stores.milvus.client.lite import QUIET, let_go, opened_file
from lookgraph.types import Array, Matrix

# It tells of every error with a traceback on stderr otherwise, also of those that are expected.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)
logging.getLogger("milvus_lite").setLevel(logging.CRITICAL + 1)

MOST = 16_384
"""So many entities come in one answer at most (Milvus documentation, "Milvus Limits")."""

_BYTES = 32 << 20
"""In one message, about: servers take 64 MB by default."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An entity near a query.

    Attributes:
        raw: how near, as the server says: the cosine, the inner product, or the squared distance.
        entity: the fields that were asked for.
    """

    raw: float
    entity: Entity


class Connection:
    """A connection to one server; for several threads. Nothing is sent before it is asked."""

    def __init__(self, address: Address, password: str | None) -> None:
        """Nothing is asked yet.

        Args:
            address: of the library.
            password: None for a server that wants none.
        """
        self.address = address
        self._password = password
        self._lock = threading.Lock()
        self._client: MilvusClient | None = None
        self._loaded: set[str] = set()

    def close(self) -> None:
        """Hang up; the next question connects again."""
        with self._lock, server_errors(self.address):
            if self._client is not None:
                self._client.close()
                if self.address.is_file:
                    let_go(Path(self.address.uri))
            self._client = None
            self._loaded.clear()

    @cached_property
    def version(self) -> str:
        """Of the server, asked once."""
        with self._asking() as client:
            return str(client.get_server_version())

    @property
    def is_lite(self) -> bool:
        """Whether it is Milvus Lite, in this process or served, which has no indexes of scalars."""
        return self.version.startswith("milvus_lite")

    def has(self, collection: str) -> bool:
        """Whether there is such a collection."""
        if self.address.is_file and not Path(self.address.uri).exists():
            return False  # to ask would make the file
        with self._asking() as client:
            return bool(client.has_collection(collection))

    def collections(self) -> list[str]:
        """The names of all that are there."""
        with self._asking() as client:
            return sorted(client.list_collections())

    def fields(self, collection: str) -> set[str]:
        """The names of a collection's fields."""
        with self._asking() as client:
            return {its["name"] for its in client.describe_collection(collection)["fields"]}

    def create(self, collection: str, schema: CollectionSchema, index: IndexParams) -> None:
        """Make a collection with its indexes; one that is there stays."""
        with self._asking() as client:
            if not client.has_collection(collection):
                client.create_collection(
                    collection,
                    schema=schema,
                    consistency_level=self.address.consistency,
                    num_shards=self.address.shards,
                )
            if not client.list_indexes(collection):  # the last writer may have come so far
                client.create_index(collection, index, sync=False)  # there is nothing to wait for

    def drop(self, collection: str) -> None:
        """Remove a collection with all that is in it, if it is there."""
        with self._asking() as client:
            if client.has_collection(collection):
                client.drop_collection(collection)
            self._loaded.discard(collection)

    def reindex(self, collection: str, field: str, index: IndexParams) -> None:
        """Make another index of a field; the collection cannot be searched meanwhile."""
        with self._asking() as client:
            client.release_collection(collection)
            self._loaded.discard(collection)
            for name in client.list_indexes(collection, field):
                client.drop_index(collection, name)
            client.create_index(collection, index)

    def flush(self, collection: str) -> None:
        """Let the server put what was written where it is searched fast."""
        with self._asking() as client:
            client.flush(collection, timeout=self.address.timeout)

    def query(
        self, collection: str, where: str, fields: Sequence[str], most: int | None = None
    ) -> list[Entity]:
        """The entities for which an expression holds, in no order.

        Args:
            collection: where they are.
            where: the expression.
            fields: what is asked of each.
            most: so many at most, up to `MOST`; needed where the expression holds of everything.
        """
        with self._reading(collection) as client:
            limit = {} if most is None else {"limit": most}
            return list(
                client.query(
                    collection,
                    filter=where,
                    output_fields=list(fields),
                    consistency_level=self.address.consistency,
                    timeout=self.address.timeout,
                    **limit,
                )
            )

    def count(self, collection: str, where: str) -> int:
        """Of how many entities an expression holds; of all, if it is empty."""
        with self._reading(collection) as client:
            (found,) = client.query(
                collection,
                filter=where,
                output_fields=["count(*)"],
                consistency_level=self.address.consistency,
                timeout=self.address.timeout,
            )
            return int(found["count(*)"])

    def pages(
        self,
        collection: str,
        where: str,
        fields: Sequence[str],
        numbers: int = 0,
        most: int = -1,
    ) -> Iterator[list[Entity]]:
        """All entities for which an expression holds, in the order of their primary keys.

        Args:
            collection: where they are.
            where: the expression.
            fields: what is asked of each.
            numbers: how many a vector that is asked for has.
            most: so many entities at most; -1 for all.
        """
        size = min(MOST, max(1, _BYTES // (4 * numbers))) if numbers else MOST
        with self._reading(collection) as client:
            pages = client.query_iterator(
                collection,
                batch_size=size if most < 0 else min(size, most),
                limit=most,
                filter=where,
                output_fields=list(fields),
                consistency_level=self.address.consistency,
                timeout=self.address.timeout,
            )
        try:
            while True:
                with server_errors(self.address):
                    page = pages.next()
                if not page:
                    return
                yield page
        finally:
            pages.close()

    def search(
        self,
        collection: str,
        queries: Matrix | Array,
        where: str,
        most: int,
        fields: Sequence[str],
        params: Mapping[str, float],
    ) -> list[list[Listed]]:
        """What is nearest to each query, nearest first.

        Args:
            collection: where the vectors are.
            queries: shape (q, d).
            where: an expression that holds of what may be found.
            most: so many for each, up to `MOST`.
            fields: what is asked of each.
            params: of the index.
        """
        with self._reading(collection) as client:
            found = client.search(
                collection,
                data=list(queries),
                filter=where,
                limit=most,
                output_fields=list(fields),
                search_params={"params": dict(params)},
                consistency_level=self.address.consistency,
                timeout=self.address.timeout,
            )
            return [[Listed(float(hit["distance"]), hit["entity"]) for hit in its] for its in found]

    def upsert(
        self, collection: str, entities: Sequence[Entity], vectors: Matrix | None = None
    ) -> None:
        """Write entities, in place of those with the same primary keys.

        To Milvus Lite they are inserted. There, too, the last one counts; to upsert looks the old
        one up in each of the files of the collection first, for fields that are not given.

        Args:
            collection: where they go.
            entities: all of their fields but that of the vectors.
            vectors: shape (entities, dimension); None where the entities have all.
        """
        size = MOST // 4 if vectors is None else max(1, _BYTES // (4 * vectors.shape[1]))
        for start in range(0, len(entities), size):
            part = slice(start, start + size)
            with self._asking() as client:
                write(
                    client,
                    collection,
                    entities[part],
                    None if vectors is None else vectors[part],
                    insert=self.is_lite,
                    timeout=self.address.timeout,
                )

    def delete(self, collection: str, where: str) -> None:
        """Remove the entities for which an expression holds."""
        with self._reading(collection) as client:
            client.delete(collection, filter=where, timeout=self.address.timeout)

    @contextmanager
    def _asking(self) -> Iterator[MilvusClient]:
        """The client, made once. Its errors are ours."""
        with server_errors(self.address):
            with self._lock:
                if self._client is None:
                    self._client = self._made()
                client = self._client
            yield client

    @contextmanager
    def _reading(self, collection: str) -> Iterator[MilvusClient]:
        """The client, with a collection in the server's memory."""
        with self._asking() as client:
            if collection not in self._loaded:
                client.load_collection(collection, replica_number=self.address.replicas)
                self._loaded.add(collection)
            yield client

    def _made(self) -> MilvusClient:
        its = self.address
        if its.is_file:
            return opened_file(Path(its.uri))
        return MilvusClient(
            its.uri,
            user=its.user or "",
            password=self._password or "",
            db_name=its.database or "",
            timeout=its.timeout,
            grpc_options=QUIET,
        )
