"""Between what the server answers and the values of `lookgraph.types`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from neo4j import ManagedTransaction, Record

from lookgraph.errors import LibraryDamagedError
from lookgraph.stores.base import GraphWanted, Match
from lookgraph.stores.keys import path_of
from lookgraph.stores.neo4j.names import Names
from lookgraph.types import (
    Entry,
    IndexKind,
    Metric,
    Picture,
    Precision,
    Skip,
    SkipKind,
    Space,
    Stamp,
)

SHOWS = "LOOKGRAPH_SHOWS"
"""The relation from a file to the picture in it."""


class Read(Protocol):
    """Asks a question with values: `Connection.read`, or `reading` inside of a transaction."""

    def __call__(self, query: str, /, **values: Any) -> list[Record]:
        """All of the answer."""
        ...


def reading(transaction: ManagedTransaction) -> Read:
    """To ask inside of a transaction."""

    def read(query: str, /, **values: Any) -> list[Record]:
        return list(transaction.run(query, values))

    return read


@dataclass(frozen=True, slots=True)
class StoredSpace:
    """A space as the database knows it.

    Attributes:
        space: what it is.
        number: its place in the order in which spaces were made, from 1.
        property: of pictures, that holds their embeddings.
        relation: between pictures that are alike in it.
        norm: the property of pictures that are in its graph: what ranking keeps of them; 0 where
            the metric is not the cosine.
        index: how it is to be searched.
        graph: what its graph is to be made as; None if it has none.
        graph_generation: of the library, when the graph was brought up to date; None if it is to be
            made from nothing, since a change of it was interrupted.
        graph_edges: how many relations Lookgraph made then.
    """

    space: Space
    number: int
    property: str
    relation: str
    norm: str
    index: IndexKind = IndexKind.AUTO
    graph: GraphWanted | None = None
    graph_generation: int | None = None
    graph_edges: int | None = None


def stored_spaces(read: Read, names: Names) -> tuple[StoredSpace, ...]:
    """All of them, in the order in which they were made."""
    found = read(
        f"MATCH (s:`{names.own('Space')}`) RETURN properties(s) AS space ORDER BY s.number"
    )
    return tuple(_space_of(record["space"]) for record in found)


def find_space(read: Read, names: Names, space: Space) -> StoredSpace | None:
    """What is kept of a space; None if it is not there."""
    found = read(
        f"MATCH (s:`{names.own('Space')}` {{name: $name}}) RETURN properties(s) AS space",
        name=space.name,
    )
    return _space_of(found[0]["space"]) if found else None


def _space_of(told: Mapping[str, Any]) -> StoredSpace:
    neighbours, graph = told.get("graph_neighbours"), None
    if neighbours is not None:
        threshold = told.get("graph_threshold")
        graph = GraphWanted(
            int(neighbours),
            None if threshold is None else float(threshold),
            int(told["graph_most"]),
            bool(told["graph_mutual"]),
        )
    return StoredSpace(
        Space(
            str(told["model"]),
            str(told["fingerprint"]),
            int(told["preprocessing"]),
            Metric(told["metric"]),
            int(told["dimension"]),
            Precision(told["precision"]),
        ),
        number=int(told["number"]),
        property=_name(told["property"]),
        relation=_name(told["relation"]),
        norm=_name(told["norm"]),
        index=IndexKind(told.get("index", IndexKind.AUTO)),
        graph=graph,
        graph_generation=_number(told.get("graph_generation")),
        graph_edges=_number(told.get("graph_edges")),
    )


def _number(told: Any) -> int | None:
    return None if told is None else int(told)


def _name(told: Any) -> str:
    """A name that was read, and will stand in Cypher."""
    if not re.fullmatch(r"\w+", str(told)):
        raise LibraryDamagedError(
            f"A space of the library has {told!r} for a name, which Lookgraph does not give. "
            "Somebody has changed its node: put it back from a backup."
        )
    return str(told)


def picture_map(names: Names, node: str) -> str:
    """What of a picture's node `picture_of` takes, as a map in Cypher.

    Args:
        names: of its properties.
        node: the variable that is bound to it.
    """
    told = {
        "id": names.id,
        "format": names.format,
        "width": names.width,
        "height": names.height,
        "taken": names.taken,
    }
    return "{" + ", ".join(f"{key}: {node}.`{name}`" for key, name in told.items()) + "}"


def picture_of(told: Mapping[str, Any]) -> Picture:
    """The picture that `picture_map` told of."""
    taken = told["taken"]
    return Picture(
        str(told["id"]),
        str(told["format"]),
        int(told["width"]),
        int(told["height"]),
        None if taken is None else str(taken),
    )


def match_map(names: Names, node: str) -> str:
    """What of a picture's node `match_of` takes, as a map in Cypher: also its files."""
    files = f"[(shown:`{names.own('File')}`)-[:{SHOWS}]->({node}) | shown.key]"
    return f"{{picture: {picture_map(names, node)}, files: {files}}}"


def match_of(told: Mapping[str, Any], score: float, rank_score: float | None = None) -> Match:
    """The match that `match_map` told of, with scores."""
    return Match(picture_of(told["picture"]), paths_of(told["files"]), score, rank_score)


def paths_of(keys: Sequence[str]) -> tuple[str, ...]:
    """The paths of files by their keys, in alphabetical order of their bytes."""
    return tuple(path_of(key) for key in sorted(keys))


def entry_map(names: Names, file: str, node: str) -> str:
    """What of a file's node, and of its picture's or null, `entry_of` takes, as a map in Cypher."""
    told = ", ".join(f"{key}: {file}.{key}" for key in ("key", "size", "mtime_ns", "skip"))
    picture = f"CASE WHEN {node} IS NULL THEN null ELSE {picture_map(names, node)} END"
    return f"{{{told}, reason: {file}.reason, picture: {picture}}}"


def entry_of(told: Mapping[str, Any]) -> Entry:
    """The file that `entry_map` told of."""
    skip, picture = told["skip"], told["picture"]
    return Entry(
        path_of(told["key"]),
        Stamp(int(told["size"]), int(told["mtime_ns"])),
        picture=None if picture is None else picture_of(picture),
        skip=None if skip is None else Skip(SkipKind(skip), str(told["reason"])),
    )
