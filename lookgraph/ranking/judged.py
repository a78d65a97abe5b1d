"""What people have said of rows, with all that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lookgraph.graph.verdicts import Verdicts, classes
from lookgraph.types import Integers


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a row, and of those that are the same.

    Attributes:
        same: the rows that are the same, itself among them, in order.
        different: the rows that are not: those of which it was said of any that is the same, and
            all that are the same as those; in order.
    """

    same: Integers
    different: Integers


Judged: TypeAlias = Mapping[int, Said]
"""What was said of each row of which something was."""


def judged(verdicts: Verdicts) -> Judged:
    """What follows from pairs: whatever is the same as one is the same as all that it is."""
    same = classes(verdicts.same.tolist())
    apart: dict[int, list[list[int]]] = {}  # by the first row of a class
    for one, other in verdicts.different.tolist():
        first, second = (same.setdefault(row, [row]) for row in (one, other))
        apart.setdefault(first[0], []).append(second)
        apart.setdefault(second[0], []).append(first)
    said = {its[0]: Said(_ordered([its]), _ordered(apart.get(its[0], []))) for its in same.values()}
    return {row: said[its[0]] for row, its in same.items()}


def _ordered(classes: list[list[int]]) -> Integers:
    return np.unique(np.array([row for its in classes for row in its], np.int64))
