"""Libraries in Milvus: on a server, or in a file of Milvus Lite."""

from lookgraph.config import milvus_password
from lookgraph.stores.milvus.address import parse
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.store import MilvusStore

__all__ = ["MilvusStore", "open_store"]


def open_store(address: str, password: str | None) -> MilvusStore:
    """The library at an address. Nothing is asked yet.

    Args:
        address: as `lookgraph.stores.milvus.address.parse` takes it.
        password: of the address' user; None for the one in the environment.

    Raises:
        UsageError: the address is none, or has a password in it.
    """
    return MilvusStore(Connection(parse(address), password or milvus_password()))
