"""How a space is searched: by comparing everything, or by one of the server's indexes.

Milvus Lite has FLAT, HNSW and IVF_FLAT, and takes another type's name without having it. What else
there is, such as DISKANN, IVF_RABITQ or GPU_CAGRA, only a server has: the address names it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from pymilvus.milvus_client.index import IndexParams

from lookgraph.config import RECALL
from lookgraph.errors import UsageError
from lookgraph.stores.milvus.address import Address
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.client.lock import Turn
from lookgraph.stores.milvus.collections import Names, vectors_index
from lookgraph.stores.milvus.records import StoredSpace
from lookgraph.types import IndexKind, Space

FLAT, HNSW, IVF = "FLAT", "HNSW", "IVF_FLAT"
_LITE = (FLAT, HNSW, IVF)

INDEXED = 10_000
"""With more embeddings than these, comparing everything takes long, and an index is made."""

_LISTS = 2
"""Lists of an inverted file for each root of the number of embeddings."""

_OUTGROWN = 4
"""With so many times the embeddings that they were made for, the lists are too few."""


def check_kind(address: Address, kind: IndexKind, *, is_lite: bool) -> None:
    """Refuse a way of searching that there is not.

    Raises:
        UsageError: with the reason.
    """
    if kind is IndexKind.GDS:
        raise UsageError(f"{kind} is a way of Neo4j's: Milvus has exact, ivf and hnsw.")
    if is_lite and address.index is not None and address.index not in _LITE:
        raise UsageError(
            f"Milvus Lite has no {address.index}: it takes {', '.join(_LITE)}. A server has more."
        )


def wanted_kind(address: Address, kind: IndexKind, count: int, *, is_lite: bool) -> str:
    """The type of the index for so many embeddings, as Milvus calls it."""
    if kind is IndexKind.EXACT or (kind is IndexKind.AUTO and count <= INDEXED):
        return FLAT
    if kind is IndexKind.AUTO:
        # To make a graph of 20,000 takes Milvus Lite a minute, and lists of them two seconds.
        return address.index or (IVF if is_lite else HNSW)
    if address.index is not None:
        return address.index
    return IVF if kind is IndexKind.IVF else HNSW


def server_index(space: Space, made: str, count: int = 0) -> IndexParams:
    """What the server is told of an index of so many embeddings."""
    params: dict[str, int] = {}
    if made.startswith("IVF"):
        params = {"nlist": _lists(count)}
    elif made.startswith("HNSW"):
        params = {"M": 32, "efConstruction": 200}
    return vectors_index(made, space.metric, params)


def search_params(made: str, most: int, count: int, recall: float) -> Mapping[str, float]:
    """How far an index is to look, so that enough of what is wanted is found.

    Args:
        made: its type.
        most: how many are wanted.
        count: of how many embeddings it is.
        recall: the share of them that is enough.
    """
    further = 1 if recall <= RECALL else 2
    if made.startswith("IVF"):
        return {"nprobe": min(_lists(count), further * max(16, _lists(count) // 4))}
    if made.startswith("HNSW"):
        return {"ef": further * max(128, 2 * most)}
    if made == "DISKANN":
        return {"search_list": further * max(100, 2 * most)}
    return {}


def _lists(count: int) -> int:
    return max(16, min(65_536, int(_LISTS * math.sqrt(count))))


def renew_index(
    connection: Connection,
    names: Names,
    stored: StoredSpace,
    kind: IndexKind | None,
    turn: Turn,
    progress: Callable[[float], None],
) -> StoredSpace:
    """Make or renew the index of a space; what is to be kept of it.

    Args:
        connection: to the server.
        names: of the library.
        stored: the space.
        kind: how it is to be searched; None for what was kept.
        turn: of the writer.
        progress: is told which share is done, 0 to 1.
    """
    kept = kind or stored.index
    check_kind(connection.address, kept, is_lite=connection.is_lite)
    collection = names.vectors(stored.space)
    if connection.is_lite:
        # What is in no segment yet takes it ten times as long to search. Servers see to that
        # themselves, and refuse to be told so more than once in ten seconds.
        connection.flush(collection)

    def due(count: int) -> str | None:
        """The type of the index to be made for so many embeddings; None if there is none."""
        made = wanted_kind(connection.address, kept, count, is_lite=connection.is_lite)
        is_outgrown = made.startswith("IVF") and count > _OUTGROWN * stored.indexed
        return made if made != stored.made or is_outgrown else None

    # No space has more than there are pictures. To count vectors takes Milvus Lite longer: it is
    # putting them together after the flush.
    if due(connection.count(names.pictures, "")) and (
        made := due(count := connection.count(collection, ""))
    ):
        turn.check()
        progress(0.0)
        connection.reindex(collection, "embedding", server_index(stored.space, made, count))
        progress(1.0)
        return replace(stored, index=kept, made=made, indexed=count)
    return replace(stored, index=kept)
