"""How well the spaces of a library find pictures of the same class, on the same queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lookgraph.errors import UsageError
from lookgraph.evaluation.folders import classes_of
from lookgraph.evaluation.quality import Difference, Quality, compare, evaluate
from lookgraph.stores.base import Store
from lookgraph.types import Integers, Matrix, Space, Vector


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One space's result.

    Attributes:
        space: which.
        quality: what was measured.
        difference: what it has more than the first space; None for that one.
    """

    space: Space
    quality: Quality
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of all spaces that were compared.

    Attributes:
        classes: the names of the folders.
        pictures: how many pictures they hold.
        left_out: how many pictures lie in no folder, or have no embedding in one of the spaces.
        results: one for each space, in the order that was asked for.
    """

    classes: tuple[str, ...]
    pictures: int
    left_out: int
    results: tuple[Evaluated, ...]


@dataclass(frozen=True, slots=True)
class _Embedded:
    """The pictures of a space below a folder, by path; those with the same id are the same."""

    rows: dict[str, int]
    ids: list[str]
    embeddings: Matrix


def evaluate_spaces(
    store: Store, spaces: Sequence[Space], under: str, held_out: float, seed: int
) -> Evaluation:
    """Evaluate spaces on the pictures that all of them have.

    Args:
        store: the library.
        spaces: at least one.
        under: the relative path of the folder that holds the folders of the classes; empty for
            the library's.
        held_out: the share of each class that asks.
        seed: of the choice of the queries, and of the intervals.

    Raises:
        UsageError: the folders are no classes, or there is no space.
    """
    if not spaces:
        raise UsageError("There is nothing to evaluate: the library has no embeddings.")
    found = [_embedded(store, space, under) for space in spaces]
    known = set.union(*(set(one.rows) for one in found))
    paths = sorted(set.intersection(*(set(one.rows) for one in found)))
    classes = classes_of(paths)
    kept = [paths[number] for number in classes.kept]
    groups = _numbered(found[0].rows[path] for path in kept)
    qualities = [
        evaluate(
            one.embeddings[[one.rows[path] for path in kept]],
            classes.labels,
            space.metric,
            held_out,
            seed,
            groups,
        )
        for space, one in zip(spaces, found, strict=True)
    ]
    differences = [None, *(compare(quality, qualities[0]) for quality in qualities[1:])]
    return Evaluation(
        classes.names,
        len(kept),
        len(known) - len(kept),
        tuple(map(Evaluated, spaces, qualities, differences)),
    )


def _numbered(rows: Iterable[int]) -> Integers:
    """Equal numbers for equal rows, in the order in which they come."""
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(row, len(numbers)) for row in rows], np.int64)


def _embedded(store: Store, space: Space, under: str) -> _Embedded:
    folder = f"{under}/" if under else ""
    rows: dict[str, int] = {}
    ids: list[str] = []
    embeddings: list[Vector] = []
    for one in store.embedded(space):
        inside = [entry.path for entry in one.entries if entry.path.startswith(folder)]
        if inside:
            rows.update(dict.fromkeys((path[len(folder) :] for path in inside), len(ids)))
            ids.append(one.picture.id)
            embeddings.append(one.embedding)
    stacked = np.array(embeddings, np.float32).reshape(len(ids), space.dimension)
    return _Embedded(rows, ids, stacked)
