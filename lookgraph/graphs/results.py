"""What the similarity graph of a library answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from lookgraph.types import Hit, Matrix, Picture, Space


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures that hang together.

    Attributes:
        pictures: the most central one first, which is most alike to the others; then those that
            are nearest to it. Each one's score is that to the first.
    """

    pictures: tuple[Hit, ...]

    @property
    def name(self) -> str:
        """The path of the most central picture."""
        return self.pictures[0].path


@dataclass(frozen=True, slots=True)
class Groups(Sequence[Group]):
    """The groups of a library at a threshold, the largest first.

    Attributes:
        space: whose embeddings were compared.
        threshold: the least score of the pairs that count; for L2, minus the greatest distance.
        are_communities: whether pictures hang together where such pairs are denser than elsewhere.
            If not, they do where a chain of them leads from one to the other.
        groups: of at least two pictures, or as many as was asked for.
        others: how many pictures are in none of them.
        took_ms: how long it took, in milliseconds.
    """

    space: Space
    threshold: float
    are_communities: bool
    groups: tuple[Group, ...]
    others: int
    took_ms: float

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups)

    @overload
    def __getitem__(self, index: int) -> Group: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Group, ...]: ...
    def __getitem__(self, index: int | slice) -> Group | tuple[Group, ...]:
        return self.groups[index]


@dataclass(frozen=True, slots=True)
class GroupStart:
    """The first pictures of a group.

    Attributes:
        pictures: as of `Group`, but only so many as were asked for.
        size: how many there are in all.
        weakest: the lowest score that one of all of them has to the first.
    """

    pictures: tuple[Hit, ...]
    size: int
    weakest: float


@dataclass(frozen=True, slots=True)
class GroupsPage:
    """Some of the groups at a threshold, of each the first pictures.

    Attributes:
        space: whose embeddings were compared.
        threshold: as of `Groups`.
        groups: those that were asked for, the largest first.
        count: how many groups there are in all.
        others: how many pictures are in none of them.
        took_ms: how long it took, in milliseconds.
    """

    space: Space
    threshold: float
    groups: tuple[GroupStart, ...]
    count: int
    others: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class Chain(Sequence[Hit]):
    """A way through the graph from one picture to another.

    Attributes:
        space: whose embeddings were compared.
        steps: the pictures, from the first to the last; each one's score is that to the one before
            it, and the first one's that to itself.
        took_ms: how long it took, in milliseconds.
    """

    space: Space
    steps: tuple[Hit, ...]
    took_ms: float

    @property
    def weakest(self) -> float:
        """The lowest score between two pictures that follow each other; no way has a higher one."""
        return min(step.score for step in (self.steps[1:] or self.steps))

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.steps)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.steps[index]


@dataclass(frozen=True, slots=True)
class Gap:
    """That no edges lead from one picture to another.

    Attributes:
        space: whose embeddings were compared.
        threshold: with edges between all pairs that score so much, some would; None where that
            would take too long to find out.
    """

    space: Space
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Hub:
    """A picture that is among the nearest of many.

    Attributes:
        picture: its score is that to the one that is nearest to it.
        times: among the nearest of how many it is.
    """

    picture: Hit
    times: int


@dataclass(frozen=True, slots=True)
class Bridge:
    """Two pictures without whose edge a group would fall apart.

    Attributes:
        first: one of them; its score is that to the second.
        second: the other, likewise.
        sides: how many pictures hang together on the side of each.
    """

    first: Hit
    second: Hit
    sides: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge between two pictures of an answer.

    Attributes:
        first: the place of one among the pictures.
        second: that of the other, a higher one.
        score: how alike they are.
    """

    first: int
    second: int
    score: float


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What is around a picture.

    Attributes:
        space: whose embeddings were compared.
        pictures: the picture itself, then those that fewer edges lead to first; of these, those
            that are more like it. Each one's score is that to the first.
        depths: how many edges lead to each.
        edges: between them, the strongest first.
        took_ms: how long it took, in milliseconds.
    """

    space: Space
    pictures: tuple[Hit, ...]
    depths: tuple[int, ...]
    edges: tuple[Edge, ...]
    took_ms: float


@dataclass(frozen=True, slots=True)
class Place:
    """A picture on the map.

    Attributes:
        picture: what it is.
        path: of its first file, relative to the library's folder.
        x: from 0 to 1.
        y: from 0 to 1.
        group: the number of its group among the names; None if it is in none.
    """

    picture: Picture
    path: str
    x: float
    y: float
    group: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Where all pictures of a library are in the plane, like beside like, but not what they are.

    Attributes:
        space: whose embeddings were compared.
        at: from 0 to 1, float32, shape (n, 2); the most central ones of their groups first.
        group_of: the number of each one's group among the names; None for none.
        groups: the names of the groups, the largest first.
        state: hexadecimal digits, others whenever the pictures, their order or the graph are.
    """

    space: Space
    at: Matrix
    group_of: tuple[int | None, ...]
    groups: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class Map:
    """All pictures of a library in the plane, like beside like.

    Attributes:
        space: whose embeddings were compared.
        places: of all pictures, the most central ones of their groups first.
        groups: the names of the groups, the largest first.
        state: as of `Plane`.
        took_ms: how long it took, in milliseconds.
    """

    space: Space
    places: tuple[Place, ...]
    groups: tuple[str, ...]
    state: str
    took_ms: float
