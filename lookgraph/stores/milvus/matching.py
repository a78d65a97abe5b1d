"""What pictures that were found are, and their files."""

from collections.abc import Mapping
from dataclasses import replace

from lookgraph.stores.base import Match
from lookgraph.stores.milvus.client.connection import Connection
from lookgraph.stores.milvus.collections import Names
from lookgraph.stores.milvus.files import keys_of
from lookgraph.stores.milvus.records import StoredPicture, pictures_with


def matches_of(
    connection: Connection, names: Names, scores: Mapping[str, float]
) -> dict[str, Match]:
    """What some pictures are, by their ids, each with its score; those that are gone are not."""
    found = pictures_with(connection, names, scores)
    return {
        id_: with_all_keys(connection, names, its).match(scores[id_]) for id_, its in found.items()
    }


def with_all_keys(connection: Connection, names: Names, its: StoredPicture) -> StoredPicture:
    """A picture that knows all of its files."""
    if its.has_all_keys:
        return its
    return replace(its, keys=keys_of(connection, names, its))
