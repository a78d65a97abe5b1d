"""The quality of retrieval: held-out pictures ask, and those of their own class are right."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookgraph.errors import UsageError
from lookgraph.evaluation.bootstrap import Measure, with_intervals
from lookgraph.evaluation.measures import average_precision, precision_at
from lookgraph.evaluation.ranking import rankings
from lookgraph.evaluation.split import split
from lookgraph.types import Integers, Matrix, Metric


@dataclass(frozen=True, slots=True)
class Quality:
    """How well pictures of a class find those of the same class.

    Attributes:
        p1: the precision at 1: how often the nearest picture is of the query's class.
        p10: the precision at 10.
        map: the mean average precision over the whole ranking.
        queries: how many pictures asked.
        database: how many were searched.
        classes: how many classes the pictures are of.
        asking: the numbers of the pictures that asked, shape (queries,).
        each: what was measured for each of them, shape (queries, 3): precision at 1 and at 10,
            and average precision.
        seed: of the split and of the intervals.
    """

    p1: Measure
    p10: Measure
    map: Measure
    queries: int
    database: int
    classes: int
    asking: Integers = field(repr=False, compare=False)
    each: NDArray[np.float64] = field(repr=False, compare=False)
    seed: int


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much each measure of one evaluation is above another's; negative where below."""

    p1: Measure
    p10: Measure
    map: Measure


def evaluate(
    embeddings: Matrix,
    labels: Integers,
    metric: Metric,
    held_out: float = 0.2,
    seed: int = 0,
    groups: Integers | None = None,
) -> Quality:
    """Hold queries out, rank the rest for each exactly, and measure.

    Args:
        embeddings: shape (n, d).
        labels: the class of each picture, shape (n,).
        metric: how embeddings are compared.
        held_out: the share of each class that asks, above 0 and below 1.
        seed: of the split and of the intervals; the same gives the same.
        groups: equal numbers for pictures with the same content, shape (n,). They are on one side
            of the split, so that no query finds itself.

    Raises:
        UsageError: if the shapes do not fit, the share is not between 0 and 1, no class has two
            different pictures, or an embedding is not finite, or zero where it needs a direction.
    """
    for name, given in (("labels", labels), ("groups", groups)):
        if given is not None and given.shape != embeddings.shape[:1]:
            raise UsageError(f"The {name} have shape {given.shape}, not {embeddings.shape[:1]}.")
    asking, database = split(labels, held_out, seed, groups)
    each = np.empty((len(asking), 3))
    for some, order in rankings(embeddings[asking], embeddings[database], metric):
        relevant = labels[database][order] == labels[asking[some], None]
        each[some, 0] = precision_at(1, relevant)
        each[some, 1] = precision_at(10, relevant)
        each[some, 2] = average_precision(relevant)
    p1, p10, mean_average = with_intervals(each, seed)
    return Quality(
        p1,
        p10,
        mean_average,
        queries=len(asking),
        database=len(database),
        classes=len(np.unique(labels)),
        asking=asking,
        each=each,
        seed=seed,
    )


def compare(a: Quality, b: Quality) -> Difference:
    """What ``a`` has more than ``b``, each query set against itself (a paired bootstrap).

    Where an interval does not hold 0, the difference is hardly chance.

    Raises:
        UsageError: if not the same pictures asked in both.
    """
    if not np.array_equal(a.asking, b.asking):
        raise UsageError(
            "The two evaluations have different queries, so they cannot be compared. Evaluate both"
            " on the same pictures, in the same order, with the same share and seed."
        )
    return Difference(*with_intervals(a.each - b.each, a.seed))
