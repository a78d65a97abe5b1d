"""From where pictures lie to what they show: a folder for each class."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookgraph.errors import UsageError
from lookgraph.types import Integers


@dataclass(frozen=True, slots=True)
class Classes:
    """Pictures with their classes.

    Attributes:
        names: of the classes, sorted.
        kept: the numbers of the paths that have a class, ascending, shape (n,).
        labels: the class of each of them, as its place in the names, shape (n,).
        left_out: how many paths have no class.
    """

    names: tuple[str, ...]
    kept: Integers
    labels: Integers
    left_out: int


def classes_of(paths: Sequence[str]) -> Classes:
    """The class of a picture is the first folder of its path: ``shoes/red/a.jpg`` is of shoes.

    Args:
        paths: relative to the folder that is evaluated, with ``/`` between their parts. Files
            directly in it have no class and are left out.

    Raises:
        UsageError: if fewer than two classes have two pictures.
    """
    folders = [path.partition("/")[0] if "/" in path else None for path in paths]
    kept = [i for i, folder in enumerate(folders) if folder is not None]
    counts = Counter(folder for folder in folders if folder is not None)
    left_out = len(paths) - len(kept)
    enough = sum(count > 1 for count in counts.values())
    if enough < 2:
        raise UsageError(
            "An evaluation needs a folder for each class, and at least two classes with two"
            " pictures or more, such as shoes/a.jpg, shoes/b.jpg, hats/c.jpg and hats/d.jpg."
            f" Of the {len(counts)} folders here, {enough} have two pictures or more;"
            f" {left_out} pictures lie in no folder."
        )
    names = tuple(sorted(counts))
    numbers = {name: number for number, name in enumerate(names)}
    labels = [numbers[folder] for folder in folders if folder is not None]
    return Classes(names, np.array(kept, np.int64), np.array(labels, np.int64), left_out)
