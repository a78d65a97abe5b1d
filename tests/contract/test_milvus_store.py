"""The store in Milvus: the contract, and what only it can suffer."""

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import needs_module
from tests.contract.graph_contract import GraphContract
from tests.contract.store_contract import StoreContract
from tests.milvus_server import new_name

needs_module("pymilvus")

from lookgraph.stores.milvus import MilvusStore, open_store  # noqa: E402

Open = Callable[[str], MilvusStore]


@pytest.fixture
def address(milvus_server: str) -> str:
    """Of a library that is not there yet."""
    return f"{milvus_server}/{new_name()}"


@pytest.fixture
def opened(address: str) -> Iterator[Open]:
    """Opens a library at the address, by what stands behind it."""
    stores: list[MilvusStore] = []

    def open_(asked: str = "") -> MilvusStore:
        stores.append(open_store(address + asked, None))
        return stores[-1]

    yield open_
    for collection in stores[0].connection.collections():
        if collection.startswith(stores[0].names.collection):
            stores[0].connection.drop(collection)
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Open) -> MilvusStore:
    return opened("")


@pytest.fixture
def elsewhere(address: str) -> str:
    return f"from lookgraph.stores.milvus import open_store\nstore = open_store({address!r}, None)"


class TestMilvusStore(StoreContract):
    """The contract as it is."""


class TestGraphOfMilvusStore(GraphContract):
    """What it does with graphs."""
