"""Rows with codes: what a search is given."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lookgraph.index.codes import Bits, Codebook, Segment
from lookgraph.types import Integers, Rows


class RowSource(Protocol):
    """The rows of a space."""

    @property
    def mapped(self) -> Rows:
        """All of them, shape (n, d), in memory as they are touched."""
        ...

    def take(self, numbers: Integers) -> Rows:
        """Those with these numbers, read; shape (len(numbers), d)."""
        ...


@dataclass(frozen=True)
class Allowed:
    """Which rows may answer, of all: shape (n,)."""

    mask: NDArray[np.bool_]

    @cached_property
    def count(self) -> int:
        """How many."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def numbers(self) -> Integers:
        """Those that may, in order."""
        return np.flatnonzero(self.mask)

    @cached_property
    def others(self) -> Integers:
        """Those that may not, in order."""
        return np.flatnonzero(~self.mask)

    @cached_property
    def bits(self) -> Bits:
        """As `lookgraph.index.codes.candidates` takes them."""
        return np.packbits(self.mask, bitorder="little")


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to look, and what was found of the ten nearest when it was measured.

    Attributes:
        probes: how many lists are looked into.
        looks: how many rows are compared exactly for each neighbour that is wanted.
        recall: the share of the true ten nearest that it finds at least, 0 to 1, with a confidence
            of 95 %.
    """

    probes: int
    looks: int
    recall: float


@dataclass(frozen=True)
class Sealed:
    """Rows whose codes can be searched.

    Attributes:
        codebook: what all segments are encoded with.
        segments: the codes.
        covered: rows from this number on are in no segment.
        dropped: rows below it that are in none either, in order.
        efforts: the cheapest first, each finding more than the one before.
    """

    codebook: Codebook
    segments: tuple[Segment, ...]
    covered: int
    dropped: Integers
    efforts: tuple[Effort, ...]

    def effort(self, recall: float) -> Effort | None:
        """The cheapest that finds this share; None if only exact search does."""
        if recall >= 1:
            return None  # what found all of a sample may miss something else
        return next((effort for effort in self.efforts if effort.recall >= recall), None)
