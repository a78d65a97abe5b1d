"""How good one ranked list is.

The definitions are those of C. D. Manning, P. Raghavan and H. Schütze, "Introduction to
Information Retrieval" (2008), chapter 8: sections 8.3 and 8.4. A list is given by which of its
places, best first, hold something relevant; several lists at once are rows of an array.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookgraph.errors import UsageError

Relevance: TypeAlias = NDArray[np.bool_]
"""Which places of ranked lists hold something relevant, best first, shape (..., n)."""

Numbers: TypeAlias = NDArray[np.float64]


def precision_at(k: int, relevant: Relevance) -> Numbers:
    """The part of the first k places that is relevant.

    Args:
        k: how many places, at least 1. Places beyond the end of a list are not relevant.
        relevant: shape (..., n).

    Returns:
        Shape (...), in [0, 1].

    Raises:
        UsageError: if k is below 1.
    """
    if k < 1:
        raise UsageError(f"k is {k}, but must be at least 1.")
    return np.asarray(relevant[..., :k].sum(axis=-1) / k, np.float64)


def average_precision(relevant: Relevance) -> Numbers:
    """The mean, over all that is relevant, of the precision down to its place.

    Its mean over queries is the mean average precision (mAP). The lists are to hold all that
    there is: nothing is cut off.

    Args:
        relevant: shape (..., n).

    Returns:
        Shape (...), in (0, 1]; 1 where all that is relevant comes first.

    Raises:
        UsageError: if a list has nothing relevant.
    """
    total = relevant.sum(axis=-1)
    if not np.all(total):
        raise UsageError("A ranked list holds nothing relevant: it has no average precision.")
    precisions = relevant.cumsum(axis=-1) / np.arange(1, relevant.shape[-1] + 1)
    return np.asarray((precisions * relevant).sum(axis=-1) / total, np.float64)
