"""The collections of a library: what they are called, and what fields they have.

==================  ==========  ==================================================================
collection          key         what it holds
==================  ==========  ==================================================================
``NAME``            key         the library, its spaces, verdicts, who writes, and what is under way
``NAME_files``      path        files: their stamps, and the picture in each or why it was left out
``NAME_pictures``   id          pictures: what they are, their paths, and the spaces they are in
``NAME_SPACE``      id          embeddings, with what searches are narrowed by
``NAME_SPACE_g``    id          the graph: the edges of each picture, and what ranking keeps of it
==================  ==========  ==================================================================

Every collection of Milvus has a vector; where there is nothing to search, it is two zeros.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pymilvus import CollectionSchema, DataType, FieldSchema
from pymilvus.milvus_client.index import IndexParams

from lookgraph.stores.milvus import expressions
from lookgraph.stores.milvus.client.columns import Entity
from lookgraph.types import Metric, Space

PATHS = 1000
"""So many paths are kept with a picture; a picture of more copies has them with its files alone."""

ARRAY = 4096
"""An array has so many elements at most (Milvus documentation, "Array Field")."""

SPACES = 512
"""So many spaces may be made in a library, those that were removed counted."""

_KEY = 20_000
"""Bytes of a key: a path of 4,096 bytes, each of which may take two, and a tenant's name."""
_TEXT = 65_535
_UNUSED = "unused"
_METRICS = {Metric.COSINE: "COSINE", Metric.L2: "L2", Metric.INNER_PRODUCT: "IP"}


@dataclass(frozen=True, slots=True)
class Names:
    """What the collections of a library are called, and the keys of its entities in them.

    Attributes:
        collection: what all begin with.
        tenant: whose library it is, where several share them; None for the only one.
    """

    collection: str
    tenant: str | None = None

    @property
    def records(self) -> str:
        """The collection of what is neither file nor picture."""
        return self.collection

    @property
    def files(self) -> str:
        """That of files."""
        return f"{self.collection}_files"

    @property
    def pictures(self) -> str:
        """That of pictures."""
        return f"{self.collection}_pictures"

    def vectors(self, space: Space) -> str:
        """That of a space's embeddings."""
        digest = hashlib.sha256(space.name.encode()).hexdigest()[:6]
        told = re.sub(r"\W", "_", space.name, flags=re.ASCII)[:100]
        return f"{self.collection}_{told}_{digest}"

    def graph(self, space: Space) -> str:
        """That of its graph."""
        return f"{self.vectors(space)}_g"

    def key(self, text: str) -> str:
        """The key of a text, such as a picture's id or a file's path."""
        return text if self.tenant is None else f"{self.tenant}/{text}"

    def text(self, key: str) -> str:
        """The text that `key` was given."""
        return key if self.tenant is None else key[len(self.tenant) + 1 :]

    def ours(self, *parts: str) -> str:
        """An expression that holds of entities of this library for which others hold too."""
        own = "" if self.tenant is None else expressions.is_("tenant", self.tenant)
        return expressions.both(own, *parts)

    def owned(self, entity: dict[str, Any]) -> Entity:
        """An entity that knows whose it is."""
        return entity if self.tenant is None else entity | {"tenant": self.tenant}

    def unsearched(self, entity: dict[str, Any]) -> Entity:
        """The same, of a collection that is not searched."""
        return self.owned(entity | {_UNUSED: [0.0, 0.0]})

    def one_of(self, field: str, texts: Iterable[str]) -> str:
        """An expression for the entities with the keys of some texts."""
        return self.ours(expressions.one_of(field, map(self.key, texts)))


def records_schema(names: Names) -> CollectionSchema:
    """Of what is neither file nor picture."""
    return _schema(
        names,
        FieldSchema("key", DataType.VARCHAR, is_primary=True, max_length=_KEY),
        FieldSchema("kind", DataType.VARCHAR, max_length=32),
        FieldSchema("told", DataType.JSON),
    )


def files_schema(names: Names) -> CollectionSchema:
    """Of files."""
    return _schema(
        names,
        FieldSchema("path", DataType.VARCHAR, is_primary=True, max_length=_KEY),
        FieldSchema("picture", DataType.VARCHAR, max_length=64),
        FieldSchema("size", DataType.INT64),
        FieldSchema("mtime_ns", DataType.INT64),
        FieldSchema("skip", DataType.VARCHAR, max_length=32),
        FieldSchema("reason", DataType.VARCHAR, max_length=_TEXT),
        _array("spaces", DataType.INT64, SPACES),
    )


def pictures_schema(names: Names) -> CollectionSchema:
    """Of pictures."""
    return _schema(
        names,
        FieldSchema("id", DataType.VARCHAR, is_primary=True, max_length=256),
        FieldSchema("format", DataType.VARCHAR, max_length=64),
        FieldSchema("width", DataType.INT64),
        FieldSchema("height", DataType.INT64),
        FieldSchema("taken", DataType.VARCHAR, max_length=64),
        FieldSchema("files", DataType.INT64),
        _array("paths", DataType.VARCHAR, PATHS, max_length=_KEY),
        _array("spaces", DataType.INT64, SPACES),
        _array("behind", DataType.INT64, SPACES),
    )


def vectors_schema(names: Names, dimension: int) -> CollectionSchema:
    """Of a space's embeddings."""
    return _schema(
        names,
        FieldSchema("id", DataType.VARCHAR, is_primary=True, max_length=256),
        FieldSchema("row", DataType.INT64),
        FieldSchema("checksum", DataType.INT64),
        FieldSchema("width", DataType.INT64),
        FieldSchema("height", DataType.INT64),
        FieldSchema("taken", DataType.VARCHAR, max_length=64),
        FieldSchema("embedding", DataType.FLOAT_VECTOR, dim=dimension),
    )


def graph_schema(names: Names) -> CollectionSchema:
    """Of a space's graph."""
    return _schema(
        names,
        FieldSchema("id", DataType.VARCHAR, is_primary=True, max_length=300),
        FieldSchema("part", DataType.INT64),
        FieldSchema("row", DataType.INT64),
        FieldSchema("norm", DataType.FLOAT),
        _array("near", DataType.VARCHAR, 64, max_length=64),
        _array("near_scores", DataType.FLOAT, 64),
        _array("others", DataType.INT64, ARRAY),
        _array("scores", DataType.FLOAT, ARRAY),
    )


def unsearched_index(*fields: str) -> IndexParams:
    """Of the two zeros, and of fields that are asked for by value."""
    found = _index(_UNUSED, "FLAT", Metric.L2, {})
    for field in fields:
        found.add_index(field, index_type="INVERTED")
    return found


def vectors_index(kind: str, metric: Metric, params: dict[str, int]) -> IndexParams:
    """Of a space's embeddings, by the type as Milvus calls it."""
    return _index("embedding", kind, metric, params)


def _index(field: str, kind: str, metric: Metric, params: dict[str, int]) -> IndexParams:
    found = IndexParams()
    found.add_index(field, index_type=kind, metric_type=_METRICS[metric], params=params)
    return found


def _array(name: str, kind: DataType, capacity: int, **limits: int) -> FieldSchema:
    return FieldSchema(name, DataType.ARRAY, element_type=kind, max_capacity=capacity, **limits)


def _schema(names: Names, *fields: FieldSchema) -> CollectionSchema:
    """The fields of a collection; of a shared one, with the tenant by whom it is parted."""
    every = [*fields]
    if all(field.dtype is not DataType.FLOAT_VECTOR for field in fields):
        every.append(FieldSchema(_UNUSED, DataType.FLOAT_VECTOR, dim=2))
    if names.tenant is not None:
        every.append(FieldSchema("tenant", DataType.VARCHAR, max_length=64, is_partition_key=True))
    return CollectionSchema(every)
