"""The exact scores of pairs of rows.

The numbers of a row are float16, so the products of two rows' numbers add up without any rounding
in float64, in whatever order: the score of a pair is the same wherever in a matrix it stands.
"""

from functools import cached_property

import numpy as np

from lookgraph.index.products import dots
from lookgraph.types import Array, Integers, Matrix, Metric, Vector


def exact_scores(metric: Metric, one: Array, other: Array) -> Array:
    """The score of each of some rows with another, shape (n,), float64.

    Args:
        metric: how they are compared.
        one: the rows, shape (n, d), float32 or float64, of float16's precision.
        other: what each is compared with, likewise.
    """
    if metric is Metric.COSINE:
        return _cosines(_unit_dots(one, other), _unit_dots(one, one) * _unit_dots(other, other))
    one, other = one.astype(np.float64), other.astype(np.float64)
    if metric is Metric.L2:
        apart = one - other
        return np.asarray(0.0 - np.sqrt(dots(apart, apart)))
    return dots(one, other)


class ExactCosines:
    """The cosines of all pairs of two blocks' rows, of which those that count are many."""

    def __init__(self, rows: Matrix) -> None:
        """Nothing is compared yet.

        Args:
            rows: of one block, shape (n, d), float32, of float16's precision; none all zero.
        """
        self._rows = rows

    @cached_property
    def _wide(self) -> Array:
        return self._rows.astype(np.float64)

    @cached_property
    def _squares(self) -> Array:
        return _unit_dots(self._rows, self._rows)

    def at_least(self, bound: Matrix, other: "ExactCosines") -> tuple[Integers, Integers, Vector]:
        """The pairs that may reach a bound.

        Args:
            bound: to be broadcast to shape (n, m), float32; a rounding lower than what counts.
            other: the other block, of m rows; or this one, for pairs of its rows.

        Returns:
            the places of this block's rows, those of the other's, and their cosines, rounded once.
            A row of one block is given with those before it alone.
        """
        # NumPy computes only half of a block's products with itself.
        products = self._wide @ other._wide.T
        lengths = np.sqrt(self._squares)[:, np.newaxis] * np.sqrt(other._squares)
        near = products >= bound * lengths
        if other is self:
            near = np.tril(near, -1)
        first, second = np.divmod(np.flatnonzero(near), products.shape[1])
        squares = self._squares[first] * other._squares[second]
        return first, second, _cosines(products[first, second], squares).astype(np.float32)


def _cosines(products: Array, squares: Array) -> Array:
    return np.asarray(np.clip(products / np.sqrt(squares), -1.0, 1.0))


def _unit_dots(one: Array, other: Array) -> Array:
    """The inner products in float64, in a ninth of the time of converting to it first.

    einsum converts as many numbers at a time as stay in the cache, and adds them in an order that
    depends on where they lie. Of numbers up to about 1 that makes no difference: nothing is
    rounded.
    """
    return np.asarray(np.einsum("nd,nd->n", one, other, dtype=np.float64))
