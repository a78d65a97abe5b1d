"""What a mirror holds, whether that is read from the database or remembered, and what it should."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lookgraph.stores.contents import Contents, SpaceContents, VerdictFacts
from lookgraph.stores.keys import key_of
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import StoredSpace
from lookgraph.stores.neo4j.relations import Relations, no_relations
from lookgraph.stores.neo4j.spaces import named_space
from lookgraph.types import Integers, Metric, Precision, Space


class LibraryFacts(NamedTuple):
    """Which folder a library is of, and what of it belongs to it, as `keys.key_of` has it."""

    root: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpaceFacts:
    """The properties of a space's node; see `lookgraph.stores.neo4j.records.StoredSpace`."""

    name: str
    number: int
    model: str
    fingerprint: str
    preprocessing: int
    metric: str
    dimension: int
    precision: str
    network: str | None
    property: str
    relation: str
    norm: str
    index: str
    graph_neighbours: int | None
    graph_threshold: float | None
    graph_most: int | None
    graph_mutual: bool | None

    def kept_as(self) -> StoredSpace:
        """Where pictures have what is of it."""
        space = Space(
            self.model,
            self.fingerprint,
            self.preprocessing,
            Metric(self.metric),
            self.dimension,
            Precision(self.precision),
        )
        return StoredSpace(space, self.number, self.property, self.relation, self.norm)


@dataclass(frozen=True, slots=True)
class MirroredSpace:
    """What a mirror holds of a space.

    Attributes:
        facts: of its node.
        sums: the checksums of its embeddings, by the pictures' ids; -1 for one that is wrong.
        norms: what ranking keeps of the pictures in its graph, by their ids.
        relations: those that Lookgraph made.
    """

    facts: SpaceFacts
    sums: Mapping[str, int] = field(default_factory=dict)
    norms: Mapping[str, float] = field(default_factory=dict)
    relations: Relations = field(default_factory=no_relations)


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a mirror holds.

    Attributes:
        library: facts of its node.
        next_row: the lowest row that no picture has had.
        rows: of its pictures, by id.
        pictures: the texts of their facts, by id; those that have a file.
        files: likewise, by the keys of their paths.
        verdicts: by the ids of two pictures.
        spaces: in the order of their numbers.
    """

    library: LibraryFacts = field(default_factory=LibraryFacts)
    next_row: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[tuple[str, str], VerdictFacts] = field(default_factory=dict)
    spaces: tuple[MirroredSpace, ...] = ()

    def space(self, name: str) -> MirroredSpace | None:
        """The space of this name."""
        return next((one for one in self.spaces if one.facts.name == name), None)


def as_wanted(contents: Contents, there: Mirrored, names: Names) -> Mirrored:
    """What a mirror should hold: pictures that it holds already keep their rows.

    Args:
        contents: of the library.
        there: what the mirror holds.
        names: of labels and properties.
    """
    rows, next_row = _rows(contents, there)
    stored: list[StoredSpace] = []
    for held in contents.spaces:
        stored.append(named_space(names, held.space, stored))
    patterns = contents.patterns
    return Mirrored(
        LibraryFacts(
            None if contents.root is None else key_of(str(contents.root)),
            tuple(map(key_of, patterns.include)),
            tuple(map(key_of, patterns.exclude)),
        ),
        next_row,
        rows,
        contents.pictures,
        {path.decode("latin-1"): facts for path, facts in contents.files.items()},
        contents.verdicts,
        tuple(
            _space(contents, held, its, rows)
            for held, its in zip(contents.spaces, stored, strict=True)
        ),
    )


def _rows(contents: Contents, there: Mirrored) -> tuple[dict[str, int], int]:
    """A row for each picture: new ones in the order of the library's own rows."""
    rows = {id_: row for id_, row in there.rows.items() if id_ in contents.pictures}
    ordered = [id_ for held in contents.spaces for id_ in held.ids]
    fresh = [id_ for id_ in dict.fromkeys((*ordered, *contents.pictures)) if id_ not in rows]
    rows.update(zip(fresh, range(there.next_row, there.next_row + len(fresh)), strict=True))
    return rows, there.next_row + len(fresh)


def _space(
    contents: Contents,
    held: SpaceContents,
    kept: StoredSpace,
    rows: Mapping[str, int],
) -> MirroredSpace:
    space, wanted = held.space, held.wanted
    facts = SpaceFacts(
        space.name,
        kept.number,
        space.model,
        space.fingerprint,
        space.preprocessing,
        str(space.metric),
        space.dimension,
        str(space.precision),
        held.network,
        kept.property,
        kept.relation,
        kept.norm,
        str(contents.index),
        *(None,) * 4
        if wanted is None
        else (wanted.neighbours, wanted.threshold, wanted.most, wanted.mutual),
    )
    sums = dict(zip(held.ids, held.sums.tolist(), strict=True))
    if held.graph is None:
        return MirroredSpace(facts, sums)
    return MirroredSpace(facts, sums, _norms(held), _relations(held, rows))


def _norms(held: SpaceContents) -> dict[str, float]:
    """Of each picture in the graph; 0 where the metric is not the cosine."""
    assert held.graph
    usable = held.graph.usable
    norms = held.graph.norms if len(held.graph.norms) else np.zeros(len(usable), np.float32)
    inside = held.numbers < len(usable)
    inside[inside] = usable[held.numbers[inside]]
    ids = [id_ for id_, its in zip(held.ids, inside.tolist(), strict=True) if its]
    return dict(zip(ids, norms[held.numbers[inside]].astype(float).tolist(), strict=True))


def _relations(held: SpaceContents, rows: Mapping[str, int]) -> Relations:
    """The edges between pictures that have files, by the mirror's rows."""
    assert held.graph
    edges = held.graph.graph.edges()
    of: Integers = np.full(len(held.rows), -1)
    of[held.numbers] = [rows[id_] for id_ in held.ids]
    first, second = of[edges.first], of[edges.second]
    live = (first >= 0) & (second >= 0)
    return Relations(first[live], second[live], edges.scores[live].astype(np.float64)).upward()
