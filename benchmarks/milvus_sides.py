"""One side of `benchmarks.milvus`, in a process of its own.

::

    python -m benchmarks.milvus_sides bare|lookgraph FILE.npz LIBRARY.db

prints seconds as JSON: of importing the file, and of the median of searches by comparing everything
and by an index.
"""

import json
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.milvus import SPACE
from lookgraph.exchange import npz, read
from lookgraph.types import IndexKind, Vector

_AT_ONCE = 500
_QUERIES = 30
_K = 10
_COLLECTION = "photos"


def bare(file: Path, library: Path) -> None:
    """The driver alone."""
    from pymilvus import DataType, MilvusClient

    client = MilvusClient(str(library))
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("path", DataType.VARCHAR, max_length=1024)
    schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=SPACE.dimension)

    def index(kind: str, **params: int) -> None:
        made = client.prepare_index_params()
        made.add_index("embedding", index_type=kind, metric_type="COSINE", params=params)
        client.create_index(_COLLECTION, made)
        client.load_collection(_COLLECTION)

    began = time.perf_counter()
    client.create_collection(_COLLECTION, schema=schema)
    index("FLAT")
    _, rows = npz.read(file)
    while part := list(islice(rows, _AT_ONCE)):
        told = [
            {"id": one.entry.picture.id, "path": one.entry.path, "embedding": one.embedding}
            for one in part
            if one.entry.picture
        ]
        client.insert(_COLLECTION, told)
    client.flush(_COLLECTION)
    seconds = time.perf_counter() - began

    def ask(query: Vector) -> None:
        client.search(
            _COLLECTION, [query], limit=_K, output_fields=["id", "path"],
            search_params={"params": {"nprobe": 158}},
        )  # fmt: skip

    flat = _p50(ask)
    client.release_collection(_COLLECTION)
    client.drop_index(_COLLECTION, "embedding")
    index("IVF_FLAT", nlist=632)
    _tell(seconds, flat, _p50(ask))


def lookgraph(file: Path, library: Path) -> None:
    """The store."""
    from lookgraph.stores.milvus import open_store

    store = open_store(f"milvus://{library}", None)
    with store.write() as writer:
        writer.add_space(SPACE, None)
        writer.renew_index(SPACE, IndexKind.EXACT, lambda _: None)
    began = time.perf_counter()
    read(store, lambda _: True, file, Path("/photos"))
    seconds = time.perf_counter() - began

    def ask(query: Vector) -> None:
        store.search(SPACE, query[np.newaxis], _K)

    flat = _p50(ask)
    with store.write() as writer:
        writer.renew_index(SPACE, IndexKind.IVF, lambda _: None)
    _tell(seconds, flat, _p50(ask))


def _p50(ask: Callable[[Vector], None]) -> float:
    queries = np.random.default_rng(6).standard_normal((_QUERIES, SPACE.dimension), np.float32)
    seconds = []
    for query in queries:
        began = time.perf_counter()
        ask(query)
        seconds.append(time.perf_counter() - began)
    return median(seconds)


def _tell(seconds: float, flat: float, by_index: float) -> None:
    sys.stdout.write(json.dumps({"import": seconds, "p50": flat, "p50_index": by_index}) + "\n")


if __name__ == "__main__":
    {"bare": bare, "lookgraph": lookgraph}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
