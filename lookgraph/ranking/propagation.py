"""One step of score propagation over the graph of nearest neighbours.

A picture ranks high if it and the pictures that are like it are like the query. With x a row, j its
nearest neighbours and w = max(score, 0) ** 3 their weights, the query q is expanded to
q' = q + sum_j w_qj j over its own nearest rows, and

    rank score(x) = (s(x) + sum_j w_xj s(j)) / |x + sum_j w_xj j|,   s = cosine to q'.

That is the cosine of the expanded query to the expanded row. It is alpha query expansion (F.
Radenovic, G. Tolias and O. Chum, "Fine-tuning CNN image retrieval with no human annotation", 2018)
on both sides (R. Arandjelovic and A. Zisserman, "Three things everyone should know to improve
object retrieval", 2012), without a second matrix: a row keeps one norm.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookgraph.graph.neighbours import Neighbours
from lookgraph.index.coded import RowSource
from lookgraph.index.products import dots
from lookgraph.index.widening import as_float32
from lookgraph.types import Array, Integers, Matrix, Neighbour, Rows, Vector

NEIGHBOURS = 10
"""So many of the nearest speak for a row, and for the query."""

SHORTLIST = 100
"""So many rows are ranked anew."""

_POWER = 3
_AT_ONCE = 256


def weights(scores: Array) -> Matrix:
    """How much neighbours with these scores count."""
    return np.asarray(np.maximum(scores, 0) ** _POWER, np.float32)


def speaking(neighbours: Neighbours) -> Neighbours:
    """Those that speak for each row."""
    return Neighbours(neighbours.numbers[:, :NEIGHBOURS], neighbours.scores[:, :NEIGHBOURS])


def norms(rows: Rows, neighbours: Neighbours) -> Vector:
    """The length of each row together with its weighted neighbours, shape (n,).

    Args:
        rows: shape (n, d), float16, of unit length up to rounding; may be a memory map.
        neighbours: that speak for each, shape (n, k).
    """
    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        numbers, weight = neighbours.numbers[part], weights(neighbours.scores[part])
        others = as_float32(rows[numbers])  # where there is none, the weight is 0
        whole = as_float32(rows[part]) + np.einsum("nk,nkd->nd", weight, others)
        found[part] = np.linalg.norm(whole, axis=1)
    return found


@dataclass(frozen=True, slots=True)
class Propagation:
    """What it takes to rank through the graph.

    Attributes:
        rows: all of them, of unit length up to rounding.
        neighbours: that speak for each of the first rows, shape (n, k). Nobody speaks for later
            ones: they are not in the graph yet.
        norms: of each of the first rows, as `norms` gives them.
    """

    rows: RowSource
    neighbours: Neighbours
    norms: Vector

    def scores(
        self,
        query: Vector,
        nearest: Sequence[Neighbour],
        candidates: Integers,
        itself: int | None = None,
    ) -> Vector:
        """The rank scores of some rows, shape (len(candidates),).

        Args:
            query: shape (d,), not zero.
            nearest: the rows nearest to it, which speak for it.
            candidates: the rows to be ranked, at least one.
            itself: the row that is the query, where it is one. It speaks neither for itself nor for
                others: they would be ranked by how near they are to it, twice.
        """
        numbers, weight = self._neighbours(candidates)
        own = np.array([one.row for one in nearest if one.row != itself], np.int64)
        its = weights(np.array([one.score for one in nearest if one.row != itself]))
        wanted = np.unique(np.concatenate([candidates, numbers[weight > 0], own]))
        # Some hundred rows, here and there: to read each by itself would take four times as long.
        taken = as_float32(self.rows.mapped[wanted])
        expanded = query / np.linalg.norm(query) + its @ taken[np.searchsorted(wanted, own)]
        near = dots(taken, (expanded / np.linalg.norm(expanded)).astype(np.float32))
        # Of rows that are not wanted, as their weight is 0, the place does not matter.
        places = np.minimum(np.searchsorted(wanted, numbers), len(wanted) - 1)
        at = np.searchsorted(wanted, candidates)
        squares = self._squares(candidates)
        speaks = (numbers == itself) & (weight > 0)
        if itself is not None and speaks.any():
            # |v - w x|**2 = |v|**2 - 2 w v.x + w**2 |x|**2, with v the row and all its neighbours.
            row = taken[np.searchsorted(wanted, itself)]
            along = dots(taken, row)
            whole = along[at] + (weight * along[places]).sum(axis=1)
            without = np.where(speaks, weight, 0).sum(axis=1)
            squares = squares - 2 * without * whole + without**2 * dots(row, row)
            weight = np.where(speaks, 0, weight)
        lengths = np.sqrt(np.maximum(squares, np.finfo(np.float32).tiny))
        return np.asarray((near[at] + (weight * near[places]).sum(axis=1)) / lengths)

    def _neighbours(self, candidates: Integers) -> tuple[Integers, Matrix]:
        """The neighbours that speak for some rows, and how much each counts."""
        shape = (len(candidates), self.neighbours.numbers.shape[1])
        numbers, weight = np.full(shape, -1, np.int64), np.zeros(shape, np.float32)
        known = candidates < len(self.norms)
        numbers[known] = self.neighbours.numbers[candidates[known]]
        weight[known] = weights(self.neighbours.scores[candidates[known]])
        weight[numbers < 0] = 0
        return numbers, weight

    def _squares(self, candidates: Integers) -> Vector:
        squares = np.ones(len(candidates), np.float32)
        known = candidates < len(self.norms)
        squares[known] = self.norms[candidates[known]] ** 2
        return squares
