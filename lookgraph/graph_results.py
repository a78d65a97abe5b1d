"""What the similarity graph of a library answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from lookgraph.types import Hit, Space


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
        threshold: pictures hang together where a chain of pairs with at least this score leads
            from one to the other; for L2, minus the greatest distance.
        groups: of at least two pictures, or as many as was asked for.
        others: how many pictures are in none of them.
        took_ms: how long it took, in milliseconds.
    """

    space: Space
    threshold: float
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
