"""The steps of `benchmarks.milvus`, in processes of their own.

::

    python -m benchmarks.milvus_sides bare|lookgraph FILE.npz LIBRARY.db
    python -m benchmarks.milvus_sides search BARE.db LIBRARY.db

print seconds as JSON: of importing the file; and of the median of searches on either side, by
comparing everything and by an index.
"""

import json
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.milvus import SPACE
from lookgraph.config import RECALL
from lookgraph.exchange import npz, read
from lookgraph.types import IndexKind, Vector

_AT_ONCE = 500
_QUERIES = 40
_K = 10
_COLLECTION = "photos"


def bare(file: Path, library: Path) -> None:
    """Import with the driver alone."""
    from pymilvus import DataType, MilvusClient

    client = MilvusClient(str(library))
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("path", DataType.VARCHAR, max_length=1024)
    schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=SPACE.dimension)
    began = time.perf_counter()
    client.create_collection(_COLLECTION, schema=schema)
    _index(client, "FLAT", 0)
    _, rows = npz.read(file)
    while part := list(islice(rows, _AT_ONCE)):
        told = [
            {"id": one.entry.picture.id, "path": one.entry.path, "embedding": one.embedding}
            for one in part
            if one.entry.picture
        ]
        client.insert(_COLLECTION, told)
    client.flush(_COLLECTION)
    _tell(seconds=time.perf_counter() - began)


def lookgraph(file: Path, library: Path) -> None:
    """Import with the store."""
    from lookgraph.stores.milvus import open_store

    store = open_store(f"milvus://{library}", None)
    with store.write() as writer:
        writer.add_space(SPACE, None)
        writer.renew_index(SPACE, IndexKind.EXACT, lambda _: None)
    began = time.perf_counter()
    read(store, lambda _: True, file, Path("/photos"))
    _tell(seconds=time.perf_counter() - began)


def search(bares: Path, library: Path) -> None:
    """Ask both sides the same, in turn."""
    from pymilvus import MilvusClient

    from lookgraph.stores.milvus import open_store
    from lookgraph.stores.milvus.indexes import search_params

    client, store = MilvusClient(str(bares)), open_store(f"milvus://{library}", None)

    client.load_collection(_COLLECTION)
    count = int(client.get_collection_stats(_COLLECTION)["row_count"])
    looks = {"params": search_params("IVF_FLAT", _K, count, RECALL)}

    def ask(query: Vector) -> None:
        client.search(
            _COLLECTION, [query], limit=_K, output_fields=["id", "path"],
            search_params=looks,
        )  # fmt: skip

    def ask_store(query: Vector) -> None:
        store.search(SPACE, query[np.newaxis], _K)

    flat = _medians(ask, ask_store)
    client.release_collection(_COLLECTION)
    client.drop_index(_COLLECTION, "embedding")
    _index(client, "IVF_FLAT", count)
    with store.write() as writer:
        writer.renew_index(SPACE, IndexKind.IVF, lambda _: None)
    by_lists = _medians(ask, ask_store)
    _tell(bare=flat[0], store=flat[1], bare_lists=by_lists[0], store_lists=by_lists[1])


def _index(client: Any, kind: str, count: int) -> None:
    """The index that the store makes for so many embeddings."""
    from lookgraph.stores.milvus.indexes import server_index

    client.create_index(_COLLECTION, server_index(SPACE, kind, count))
    client.load_collection(_COLLECTION)


def _medians(*sides: Callable[[Vector], None]) -> list[float]:
    queries = np.random.default_rng(6).standard_normal((_QUERIES, SPACE.dimension), np.float32)
    seconds: list[list[float]] = [[] for _ in sides]
    for query in queries:
        for ask, its in zip(sides, seconds, strict=True):
            began = time.perf_counter()
            ask(query)
            its.append(time.perf_counter() - began)
    return [median(its[1:]) for its in seconds]  # the first one brings it into memory


def _tell(**seconds: float) -> None:
    sys.stdout.write(json.dumps(seconds) + "\n")


if __name__ == "__main__":
    step = {"bare": bare, "lookgraph": lookgraph, "search": search}[sys.argv[1]]
    step(Path(sys.argv[2]), Path(sys.argv[3]))
