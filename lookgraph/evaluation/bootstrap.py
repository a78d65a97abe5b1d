"""How far a mean over queries may be from that over all queries like them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.errors import UsageError

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over queries with its interval.

    Attributes:
        mean: over the queries.
        low: where the 95% interval begins.
        high: where it ends.
    """

    mean: float
    low: float
    high: float


def with_intervals(values: NDArray[np.float64], seed: int) -> list[Measure]:
    """The mean of each column with its 95% bootstrap interval.

    The percentile method of B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap"
    (1993), section 13.3: the rows are drawn again 1,000 times, as many as there are, with
    replacement, and the interval is between the 2.5th and the 97.5th percentile of the means.

    Args:
        values: shape (queries, columns). What was measured for each query stays together.
        seed: of the draws; the same gives the same intervals.

    Raises:
        UsageError: if there are no queries.
    """
    count = len(values)
    if count == 0:
        raise UsageError("There are no queries to take a mean over.")
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(count, size=count)].mean(axis=0) for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return [
        Measure(float(mean), float(begin), float(end))
        for mean, begin, end in zip(values.mean(axis=0), low, high, strict=True)
    ]
