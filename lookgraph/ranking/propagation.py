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

from lookgraph.graph.edges import Numbers
from lookgraph.graph.neighbours import Neighbours
from lookgraph.index.coded import RowSource
from lookgraph.index.products import dots
from lookgraph.types import Array, Integers, Matrix, Neighbour, Rows, Vector

_POWER = 3
_AT_ONCE = 256


def weights(scores: Array) -> Matrix:
    """How much neighbours with these scores count."""
    return np.asarray(np.maximum(scores, 0) ** _POWER, np.float32)


def norms(rows: Rows, neighbours: Neighbours) -> Vector:
    """The length of each row together with its weighted neighbours, shape (n,).

    Args:
        rows: shape (n, d), float16, of unit length up to rounding; may be a memory map.
        neighbours: of each, shape (n, k).
    """
    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        numbers, weight = neighbours.numbers[part], weights(neighbours.scores[part])
        others = rows[numbers].astype(np.float32)  # where there is none, the weight is 0
        whole = rows[part].astype(np.float32) + np.einsum("nk,nkd->nd", weight, others)
        found[part] = np.linalg.norm(whole, axis=1)
    return found


@dataclass(frozen=True, slots=True)
class Propagation:
    """What it takes to rank through the graph.

    Attributes:
        rows: all of them, of unit length up to rounding.
        neighbours: of each row.
        norms: of each row, as `norms` gives them.
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
            nearest: the rows nearest to it, which it is expanded with.
            candidates: the rows to be ranked.
            itself: the row that is the query, where it is one. It is no neighbour of itself, nor
                does it speak for others: they would be ranked by how near they are, twice.
        """
        nearest = [one for one in nearest if one.row != itself]
        numbers = self.neighbours.numbers[candidates]
        weight = weights(self.neighbours.scores[candidates])
        weight[numbers < 0] = 0
        own = np.array([one.row for one in nearest], np.int64)
        wanted = np.unique(np.concatenate([candidates, numbers[weight > 0], own]))
        taken = self.rows.take(wanted).astype(np.float32)
        expanded = query / np.linalg.norm(query)
        if len(own):
            weight_of_own = weights(np.array([one.score for one in nearest]))
            expanded = expanded + weight_of_own @ taken[np.searchsorted(wanted, own)]
        score = dots(taken, (expanded / np.linalg.norm(expanded)).astype(np.float32))
        at = np.searchsorted(wanted, candidates)
        places = np.minimum(np.searchsorted(wanted, numbers), len(wanted) - 1)
        lengths = self.norms[candidates]
        if itself is not None:
            lengths = _without(itself, numbers, weight, lengths, taken, wanted, at, places)
            weight = np.where(numbers == itself, 0, weight)
        return np.asarray((score[at] + (weight * score[places]).sum(axis=1)) / lengths)


def _without(
    itself: int,
    numbers: Numbers,
    weight: Matrix,
    lengths: Vector,
    taken: Matrix,
    wanted: Integers,
    at: Integers,
    places: Integers,
) -> Vector:
    """The norms, without what a row adds to them: |v - w x|**2 = |v|**2 - 2 w v.x + w**2 |x|**2."""
    its = np.where(numbers == itself, weight, 0).sum(axis=1)
    if not its.any():
        return lengths
    row = taken[np.searchsorted(wanted, itself)]
    along = dots(taken, row)
    whole = along[at] + (weight * along[places]).sum(axis=1)
    squares = lengths**2 - 2 * its * whole + its**2 * dots(row, row)
    return np.asarray(np.sqrt(np.maximum(squares, np.finfo(np.float32).tiny)))
