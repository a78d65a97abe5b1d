"""Who speaks for a row, and how much: its nearest, and those that are said to be the same."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.index.widening import as_float32
from lookgraph.ranking.judged import Judged
from lookgraph.types import Array, Integers, Matrix, Rows, Vector

_AT_ONCE = 128
"""Rows are widened so many by so many: what they become is still in the cache when it is used."""


@dataclass(frozen=True, slots=True)
class Speakers:
    """Rows that speak for each of some others.

    Attributes:
        numbers: shape (n, k); any number from -1 on where nobody speaks.
        weights: how much each counts, likewise; 0 where nobody speaks.
    """

    numbers: Integers
    weights: Matrix

    def without(self, row: int) -> tuple["Speakers", NDArray[np.bool_]]:
        """The same, but that one row is silent; and for which it spoke, shape (n,)."""
        spoke = (self.numbers == row) & (self.weights > 0)
        return Speakers(self.numbers, np.where(spoke, 0, self.weights)), spoke.any(axis=1)

    def as_said(self, rows: Integers, judged: Judged) -> tuple["Speakers", NDArray[np.bool_]]:
        """The same, but as people have said; and of which rows they said something, shape (n,).

        Those that are the same speak with weight 1, all of them, and those that are different not.

        Args:
            rows: those that are spoken for, shape (n,).
            judged: what was said.
        """
        said = {place: judged[row] for place, row in enumerate(rows.tolist()) if row in judged}
        most = max((len(its.same) for its in said.values()), default=0)
        more = np.full((len(rows), most), -1)
        weights, added = self.weights.copy(), np.zeros(more.shape, np.float32)
        for place, its in said.items():
            known = np.isin(self.numbers[place], np.concatenate([its.same, its.different]))
            weights[place, known] = 0
            more[place, : len(its.same)] = its.same
            added[place, : len(its.same)] = its.same != rows[place]
        of_said = np.zeros(len(rows), np.bool_)
        of_said[list(said)] = True
        numbers = np.concatenate([self.numbers, more], axis=1)
        return Speakers(numbers, np.concatenate([weights, added], axis=1)), of_said


def weights_of(scores: Array) -> Matrix:
    """How much neighbours with these scores count: the third power, or nothing below 0."""
    above = np.maximum(scores, 0).astype(np.float32)
    return np.asarray(above * above * above)


def sums(rows: Rows, speakers: Speakers) -> Matrix:
    """Those that speak for each of some rows, together, by their weights; shape (n, d).

    A product with a matrix would start the threads of BLAS (`lookgraph.index.products`).
    """
    others = as_float32(rows[speakers.numbers])
    return np.asarray(np.einsum("nk,nkd->nd", speakers.weights, others))


def lengths(rows: Rows, numbers: Integers, speakers: Speakers) -> Vector:
    """The length of each of some rows together with what speaks for it, shape (n,)."""
    found = np.empty(len(numbers), np.float32)
    many = max(1, _AT_ONCE // (speakers.numbers.shape[1] + 1))
    for start in range(0, len(numbers), many):
        part = slice(start, start + many)
        its = Speakers(speakers.numbers[part], speakers.weights[part])
        found[part] = np.linalg.norm(as_float32(rows[numbers[part]]) + sums(rows, its), axis=1)
    return found
