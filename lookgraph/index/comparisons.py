"""One query against blocks of rows, for each metric: quickly with a bound, and exactly.

The bounds are those of N. J. Higham, "Accuracy and Stability of Numerical Algorithms" (2nd ed.,
2002), sections 3.1 and 3.5: a sum of d products, added in any order in numbers with unit roundoff
u, is off by at most gamma(d) = d u / (1 - d u) times the sum of the products' magnitudes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from lookgraph.errors import UsageError
from lookgraph.index.products import dots
from lookgraph.index.widening import UNDO
from lookgraph.types import Array, Matrix, Metric, Vector


class Comparison(Protocol):
    """A query that knows how to score rows. Scores are higher for what is closer."""

    def roughly(self, block: Matrix, scores: Vector, slack: Vector) -> None:
        """Score rows in float32, and say by how much each score may be off.

        The scores may be in a unit of their own, as long as their order is the metric's.

        Args:
            block: shape (n, d), as `lookgraph.index.widening.widen` gives them; written over.
            scores: shape (n,), to be filled. Minus infinity for a row that cannot be right.
            slack: shape (n,), to be filled.
        """

    def as_rough(self, score: float) -> float:
        """A score in the unit of `roughly`."""
        ...

    def exactly(self, block: Array) -> Array:
        """The scores of rows, float64, shape (n,); not finite for those that have none.

        The products are added with `sum`, which adds every row alike, so that equal rows get
        equal scores. BLAS does not, nor does einsum where rows have more than 8,192 numbers.

        Args:
            block: shape (n, d), float64.
        """


def comparison(metric: Metric, query: Vector) -> Comparison:
    """A query made ready.

    Raises:
        UsageError: if the query is not finite, or zero where the metric needs a direction.
    """
    exact = query.astype(np.float64)
    if not np.isfinite(exact).all():
        raise UsageError("The query is not finite: it cannot be compared with anything.")
    if metric is Metric.L2:
        return _L2(exact)
    length = np.linalg.norm(exact)
    if length == 0:
        raise UsageError("The query is zero: it has no direction to compare with.")
    if metric is Metric.COSINE:
        return _Cosine(exact / length)
    return _InnerProduct(exact, exact / length)


def check_all(metric: Metric, queries: Matrix) -> None:
    """Refuse what `comparison` refuses, for all of shape (q, d) at once."""
    for query in queries[~(np.isfinite(queries).all(axis=1) & queries.any(axis=1))]:
        comparison(metric, query)


_UNIT = 2.0**-24
"""The unit roundoff of float32."""


def _gamma(dimension: int) -> float:
    """The bound for a sum of products in float32, relative to the sum of their magnitudes.

    Eight roundings more than the sum has leave room for those of the query, of a difference, of
    the slack itself and of numbers below float32's normal range. The factor 2 in the denominator
    makes it hold where that sum is known only as computed.
    """
    roundings = (dimension + 8) * _UNIT
    return roundings / (1 - 2 * roundings)


def _cosine_slack(dimension: int) -> float:
    """How much a cosine may be off where rows are taken for unit vectors.

    Rounding to float16 moves a number by 2**-11 of it, or by 2**-25 where it is below the normal
    range, and so a length by at most the sum.
    """
    length: float = 2.0**-11 + 2.0**-25 * dimension**0.5
    return length + (1 + length) * _gamma(dimension)


@dataclass(frozen=True, slots=True)
class _Cosine:
    """The rows are of unit length up to rounding, and their lengths are only looked at exactly."""

    query: Array

    def roughly(self, block: Matrix, scores: Vector, slack: Vector) -> None:
        scores[:] = dots(block, self.query.astype(np.float32) * UNDO)
        scores[np.abs(scores) > 2] = -np.inf  # no cosine: the row is damaged
        slack[:] = _cosine_slack(block.shape[1])

    def as_rough(self, score: float) -> float:
        return score

    def exactly(self, block: Array) -> Array:
        lengths = np.sqrt((block * block).sum(axis=1))
        return np.asarray(np.clip((block * self.query).sum(axis=1) / lengths, -1.0, 1.0))


@dataclass(frozen=True, slots=True)
class _L2:
    """Minus the distance, where FAISS' IndexFlatL2 gives its square."""

    query: Array

    def roughly(self, block: Matrix, scores: Vector, slack: Vector) -> None:
        # The differences themselves, as |x|**2 - 2 x q + |q|**2 cancels where rows are near.
        # Where the query is far outside of float16, all is made smaller, lest squares overflow.
        np.multiply(block, UNDO * np.float32(self._smaller), out=block)
        np.subtract(block, (self.query * self._smaller).astype(np.float32), out=block)
        np.sqrt(dots(block, block), out=scores)
        # All terms are positive, so the distance is off by a part of itself; and squares below
        # float32's range by 2**-150 each, which is 2**-75 under the root.
        np.multiply(scores, np.float32(_gamma(block.shape[1])), out=slack)
        slack += np.float32(2.0**-75 * block.shape[1] ** 0.5)
        np.negative(scores, out=scores)

    @property
    def _smaller(self) -> float:
        _, exponent = np.frexp(np.abs(self.query).max(initial=0))
        return float(2.0 ** -max(0, int(exponent) - 20))

    def as_rough(self, score: float) -> float:
        return score * self._smaller

    def exactly(self, block: Array) -> Array:
        return np.asarray(0.0 - np.sqrt(((block - self.query) ** 2).sum(axis=1)))


@dataclass(frozen=True, slots=True)
class _InnerProduct:
    """The inner product; roughly, with the query at length 1, which leaves the order as it is."""

    query: Array
    unit: Array

    def roughly(self, block: Matrix, scores: Vector, slack: Vector) -> None:
        np.multiply(block, UNDO, out=block)
        scores[:] = dots(block, self.unit.astype(np.float32))
        # The magnitudes of the products add up to at most the product of the lengths (Cauchy and
        # Schwarz), of which the query's is 1.
        np.sqrt(dots(block, block), out=slack)
        slack *= np.float32(_gamma(block.shape[1]))

    def as_rough(self, score: float) -> float:
        return score / float(np.linalg.norm(self.query))

    def exactly(self, block: Array) -> Array:
        return np.asarray((block * self.query).sum(axis=1))


def rough_scores(metric: Metric, queries: Matrix) -> Callable[[Matrix], tuple[Matrix, Matrix]]:
    """As `Comparison.roughly`, for many queries: by one product of matrices.

    Args:
        metric: how rows and queries are compared.
        queries: shape (q, d), as `comparison` takes them; for L2 within float16's range.

    Returns:
        what gives for a block of rows, shape (n, d), the scores and how much each may be off, both
        of shape (q, n). Those for L2 are minus the squares of the distances.
    """
    wide = queries.astype(np.float64)
    squares = (wide * wide).sum(axis=1, keepdims=True)
    if metric is Metric.L2:
        return partial(_rough_distances, wide.astype(np.float32), squares.astype(np.float32))
    units = (wide / np.sqrt(squares)).astype(np.float32)
    return partial(_rough_cosines if metric is Metric.COSINE else _rough_products, units)


def _rough_cosines(units: Matrix, block: Matrix) -> tuple[Matrix, Matrix]:
    scores = units @ block.T
    if scores.size and max(scores.max(), -scores.min()) > 2:  # seldom, and it takes an array more
        scores[np.abs(scores) > 2] = -np.inf
    return scores, np.full((1, 1), _cosine_slack(block.shape[1]), np.float32)


def _rough_products(units: Matrix, block: Matrix) -> tuple[Matrix, Matrix]:
    lengths = np.sqrt(dots(block, block))
    return units @ block.T, np.float32(_gamma(block.shape[1])) * lengths[np.newaxis]


def _rough_distances(queries: Matrix, squares: Matrix, block: Matrix) -> tuple[Matrix, Matrix]:
    # |x|**2 - 2 x q + |q|**2 cancels where rows are near; the slack knows.
    own = dots(block, block)[np.newaxis]
    scores = 2 * (queries @ block.T) - own - squares
    slack = np.float32(_gamma(block.shape[1])) * (np.sqrt(own) + np.sqrt(squares)) ** 2
    slack += np.float32(2.0**-100)  # for what is below the range of float32
    return scores, slack
