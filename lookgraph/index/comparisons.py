"""One query against blocks of rows, for each metric: quickly with a bound, and exactly.

The bounds are those of N. J. Higham, "Accuracy and Stability of Numerical Algorithms" (2nd ed.,
2002), sections 3.1 and 3.5: a sum of d products, added in any order in numbers with unit roundoff
u, is off by at most gamma(d) = d u / (1 - d u) times the sum of the products' magnitudes.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lookgraph.errors import UsageError
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


@dataclass(frozen=True, slots=True)
class _Cosine:
    """The rows are of unit length up to rounding, and their lengths are only looked at exactly."""

    query: Array

    def roughly(self, block: Matrix, scores: Vector, slack: Vector) -> None:
        # Not BLAS: it would start threads of its own on the cores that are busy already.
        np.einsum("ij,j->i", block, self.query.astype(np.float32) * UNDO, out=scores)
        scores[np.abs(scores) > 2] = -np.inf  # no cosine: the row is damaged
        # The rows are taken for unit vectors. Rounding to float16 moves a number by 2**-11 of it,
        # or by 2**-25 where it is below the normal range, and so a length by at most this.
        length = 2.0**-11 + 2.0**-25 * block.shape[1] ** 0.5
        slack[:] = length + (1 + length) * _gamma(block.shape[1])

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
        _, exponent = np.frexp(np.abs(self.query).max(initial=0))
        smaller = 2.0 ** -max(0, int(exponent) - 20)
        np.multiply(block, UNDO * np.float32(smaller), out=block)
        np.subtract(block, (self.query * smaller).astype(np.float32), out=block)
        np.einsum("ij,ij->i", block, block, out=scores)
        np.sqrt(scores, out=scores)
        # All terms are positive, so the distance is off by a part of itself; and squares below
        # float32's range by 2**-150 each, which is 2**-75 under the root.
        np.multiply(scores, np.float32(_gamma(block.shape[1])), out=slack)
        slack += np.float32(2.0**-75 * block.shape[1] ** 0.5)
        np.negative(scores, out=scores)

    def exactly(self, block: Array) -> Array:
        return np.asarray(0.0 - np.sqrt(((block - self.query) ** 2).sum(axis=1)))


@dataclass(frozen=True, slots=True)
class _InnerProduct:
    """The inner product; roughly, with the query at length 1, which leaves the order as it is."""

    query: Array
    unit: Array

    def roughly(self, block: Matrix, scores: Vector, slack: Vector) -> None:
        np.multiply(block, UNDO, out=block)
        np.einsum("ij,j->i", block, self.unit.astype(np.float32), out=scores)
        # The magnitudes of the products add up to at most the product of the lengths (Cauchy and
        # Schwarz), of which the query's is 1.
        np.einsum("ij,ij->i", block, block, out=slack)
        np.sqrt(slack, out=slack)
        slack *= np.float32(_gamma(block.shape[1]))

    def exactly(self, block: Array) -> Array:
        return np.asarray((block * self.query).sum(axis=1))
