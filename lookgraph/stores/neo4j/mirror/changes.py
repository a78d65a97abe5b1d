"""What is to be changed in a mirror: the differences of what it holds and what it should hold."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lookgraph.stores.contents import FileFacts, VerdictFacts
from lookgraph.stores.neo4j.mirror.mirrored import Mirrored, MirroredSpace
from lookgraph.stores.neo4j.records import StoredSpace
from lookgraph.stores.neo4j.relations import Differences, differences, no_relations

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Unit:
    """What is written together: a picture with files of it, or a file that was left out.

    Attributes:
        id: of the picture; None for a file that was left out.
        keys: of the files whose nodes are written.
        known: those of them that are there already, perhaps of another picture.
        spaces: the places of those spaces whose embeddings of the picture are written.
    """

    id: str | None
    keys: tuple[str, ...]
    known: tuple[str, ...] = ()
    spaces: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SpaceChanges:
    """What is to be changed of one space.

    Attributes:
        stored: where pictures have it.
        facts: whether those of its node are.
        lost: the ids of pictures whose embeddings go, though they stay.
        norms: those that are other now, by id; None for those that go.
        relations: those that go, and those that come.
    """

    stored: StoredSpace
    facts: bool
    lost: tuple[str, ...]
    norms: Mapping[str, float | None]
    relations: Differences

    @property
    def of_graph(self) -> bool:
        """Whether its graph is another one."""
        return bool(self.norms or len(self.relations.gone) or len(self.relations.fresh))

    def __len__(self) -> int:
        """How much there is to do, in nodes and relations."""
        relations = len(self.relations.gone) + len(self.relations.fresh)
        return self.facts + len(self.lost) + len(self.norms) + relations


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed.

    Attributes:
        library: whether facts of its node are.
        dropped: spaces that go.
        units: what is written, in the order of the rows.
        files: the keys of files that go.
        pictures: the ids of pictures that go.
        said: what was said of pairs, and is written.
        unsaid: the pairs of which nothing is said any more, or something else.
        spaces: of each that stays or comes.
    """

    library: bool
    dropped: tuple[StoredSpace, ...]
    units: tuple[Unit, ...]
    files: tuple[str, ...]
    pictures: tuple[str, ...]
    said: Mapping[tuple[str, str], VerdictFacts]
    unsaid: tuple[tuple[str, str], ...]
    spaces: tuple[SpaceChanges, ...]

    def __len__(self) -> int:
        """How much there is to do, in nodes and relations."""
        return (
            self.library
            + len(self.dropped)
            + sum(len(unit.keys) + len(unit.spaces) + 1 for unit in self.units)
            + len(self.files)
            + len(self.pictures)
            + len(self.said)
            + len(self.unsaid)
            + sum(map(len, self.spaces))
        )


def changes(there: Mirrored, wanted: Mirrored) -> Changes:
    """What makes a mirror what it should be."""
    kept = [_kept(there, its) for its in wanted.spaces]
    names = {its.facts.name for its in kept if its}
    said = _other(there.verdicts, wanted.verdicts)
    return Changes(
        there.library != wanted.library,
        tuple(its.facts.kept_as() for its in there.spaces if its.facts.name not in names),
        tuple(_units(there, wanted, kept)),
        tuple(there.files.keys() - wanted.files.keys()),
        tuple(there.rows.keys() - wanted.rows.keys()),
        said,
        tuple(pair for pair in there.verdicts if pair in said or pair not in wanted.verdicts),
        tuple(_space(it, its, wanted) for it, its in zip(kept, wanted.spaces, strict=True)),
    )


def _kept(there: Mirrored, wanted: MirroredSpace) -> MirroredSpace | None:
    """The space that is there, if pictures have it where it should be."""
    found = there.space(wanted.facts.name)
    if found is None:
        return None
    one, other = found.facts.kept_as(), wanted.facts.kept_as()
    is_kept = (one.space, one.property, one.relation, one.norm) == (
        other.space, other.property, other.relation, other.norm,
    )  # fmt: skip
    return found if is_kept else None


def _other(there: Mapping[_Key, _Value], wanted: Mapping[_Key, _Value]) -> dict[_Key, _Value]:
    """What is wanted and not there, or not so."""
    return {key: its for key, its in wanted.items() if there.get(key) != its}


def _units(there: Mirrored, wanted: Mirrored, kept: list[MirroredSpace | None]) -> list[Unit]:
    spaces: dict[str, list[int]] = defaultdict(list)
    for place, (its, new) in enumerate(zip(kept, wanted.spaces, strict=True)):
        for id_ in _other(its.sums if its else {}, new.sums):
            spaces[id_].append(place)
    touched = spaces.keys() | _other(there.pictures, wanted.pictures).keys()
    written = _other(there.files, wanted.files)
    keys: dict[str, list[str]] = defaultdict(list)
    left_out = []
    for key, facts in written.items():
        shown = FileFacts.id_in(facts)
        if shown is None:
            left_out.append(Unit(None, (key,), _known(there, [key])))
        else:
            keys[shown].append(key)
    # A picture is named by its files: those that it has had count as well.
    before = map(FileFacts.id_in, _other(wanted.files, there.files).values())
    touched |= keys.keys() | {id_ for id_ in before if id_ is not None and id_ in wanted.pictures}
    ordered = sorted(touched, key=lambda id_: wanted.rows[id_])
    pictures = (
        Unit(id_, tuple(keys[id_]), _known(there, keys[id_]), tuple(spaces[id_])) for id_ in ordered
    )
    return [*pictures, *left_out]


def _known(there: Mirrored, keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key in there.files)


def _space(there: MirroredSpace | None, wanted: MirroredSpace, mirror: Mirrored) -> SpaceChanges:
    stored = wanted.facts.kept_as()
    if there is None:
        relations = differences(no_relations(), wanted.relations)
        return SpaceChanges(stored, True, (), wanted.norms, relations)
    lost = (id_ for id_ in there.sums if id_ in mirror.rows and id_ not in wanted.sums)
    norms: dict[str, float | None] = {}
    norms.update(_other(there.norms, wanted.norms))
    norms.update(
        (id_, None) for id_ in there.norms if id_ in mirror.rows and id_ not in wanted.norms
    )
    return SpaceChanges(
        stored,
        there.facts != wanted.facts,
        tuple(lost),
        norms,
        differences(there.relations, wanted.relations),
    )
