"""One step of score propagation over the graph of nearest neighbours.

A picture ranks high if it and the pictures that are like it are like the query. With x a row, j its
nearest neighbours and w = max(score, 0) ** 3 their weights, the query q is expanded to
q' = q + sum_j w_qj j over its own nearest rows, and

    rank score(x) = (s(x) + sum_j w_xj s(j)) / |x + sum_j w_xj j|,   s = cosine to q'.

That is the cosine of the expanded query to the expanded row. It is alpha query expansion (F.
Radenovic, G. Tolias and O. Chum, "Fine-tuning CNN image retrieval with no human annotation", 2018)
on both sides (R. Arandjelovic and A. Zisserman, "Three things everyone should know to improve
object retrieval", 2012), without a second matrix: a row keeps one norm.

What people have said comes before the scores. A row that is the same speaks with w = 1, whether or
not it is among the nearest, and one that is different does not speak. Then the norm is computed
from the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookgraph.graph.neighbours import Neighbours
from lookgraph.index.coded import RowSource
from lookgraph.index.products import dots
from lookgraph.index.widening import UNDO, widen
from lookgraph.ranking.judged import Judged
from lookgraph.ranking.speakers import Speakers, lengths, sums, weights_of
from lookgraph.types import Integers, Neighbour, Rows, Vector

NEIGHBOURS = 10
"""So many of the nearest speak for a row, and for the query."""

SHORTLIST = 100
"""So many rows are ranked anew."""

_AT_ONCE = 128
"""As for `lookgraph.ranking.speakers`."""


def speaking(neighbours: Neighbours) -> Neighbours:
    """Those that speak for each row."""
    return Neighbours(neighbours.numbers[:, :NEIGHBOURS], neighbours.scores[:, :NEIGHBOURS])


def norms(rows: Rows, neighbours: Neighbours, which: Integers | None = None) -> Vector:
    """The length of each row together with its weighted neighbours, shape (m,).

    Args:
        rows: shape (n, d), float16, of unit length up to rounding; may be a memory map.
        neighbours: that speak for each, shape (n, k).
        which: the numbers of the rows, shape (m,); None for all.
    """
    some = np.arange(len(rows)) if which is None else which
    numbers = neighbours.numbers[some].astype(np.int64)
    speakers = Speakers(numbers, weights_of(neighbours.scores[some]))
    return lengths(np.asarray(rows), some, speakers)


@dataclass(frozen=True, slots=True)
class Propagation:
    """What it takes to rank through the graph.

    Attributes:
        rows: all of them, of unit length up to rounding.
        neighbours: that speak for each of the first rows, shape (n, k). For later ones, which are
            not in the graph yet, only those speak that are said to be the same.
        norms: of each of the first rows, as `norms` gives them; at least one.
        judged: what people have said.
    """

    rows: RowSource
    neighbours: Neighbours
    norms: Vector
    judged: Judged = field(default_factory=dict)

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
        rows = np.asarray(self.rows.mapped)  # a memory map takes longer to index
        would, whole = self._as_stored(candidates)
        do, changed = self._heard(candidates, would, itself)
        if changed.any():
            its = Speakers(do.numbers[changed], do.weights[changed])
            whole[changed] = lengths(rows, candidates[changed], its)
        wanted, places = np.unique(
            np.concatenate([candidates, do.numbers.reshape(-1)]), return_inverse=True
        )
        near = _dots(rows, wanted, self._expanded(rows, query, nearest, itself))[places]
        own, others = near[: len(candidates)], near[len(candidates) :].reshape(do.numbers.shape)
        total = own + (do.weights * others).sum(axis=1)
        return np.asarray(total / np.maximum(whole, np.finfo(np.float32).tiny))

    def _as_stored(self, candidates: Integers) -> tuple[Speakers, Vector]:
        """The neighbours of some rows, and the length of each together with them."""
        known = candidates < len(self.norms)
        places = np.where(known, candidates, 0)
        weights = weights_of(np.asarray(self.neighbours.scores)[places])
        whole = np.asarray(self.norms)[places]
        weights[~known], whole[~known] = 0, 1
        numbers = np.asarray(self.neighbours.numbers)[places].astype(np.int64)
        return Speakers(numbers, weights), whole

    def _heard(
        self, rows: Integers, speakers: Speakers, itself: int | None
    ) -> tuple[Speakers, NDArray[np.bool_]]:
        """Who of them does speak, or others instead; and where that makes a difference."""
        changed = np.zeros(len(rows), np.bool_)
        if self.judged:
            speakers, changed = speakers.as_said(rows, self.judged)
        if itself is not None:
            speakers, spoke = speakers.without(itself)
            changed = changed | spoke
        return speakers, changed

    def _expanded(
        self, rows: Rows, query: Vector, nearest: Sequence[Neighbour], itself: int | None
    ) -> Vector:
        """The query together with those that speak for it, of length 1."""
        numbers = np.array([[one.row for one in nearest]], np.int64)
        near = Speakers(numbers, weights_of(np.array([[one.score for one in nearest]])))
        asking = np.array([-1 if itself is None else itself])
        do, _ = self._heard(asking, near, itself)
        whole = query / np.linalg.norm(query) + sums(rows, do)[0]
        return np.asarray(whole / np.linalg.norm(whole), np.float32)


def _dots(rows: Rows, numbers: Integers, query: Vector) -> Vector:
    """The inner products of some rows with a query, shape (len(numbers),).

    The rows lie here and there: to read each by itself would take four times as long.
    """
    found = np.empty(len(numbers), np.float32)
    wide = np.empty((min(_AT_ONCE, len(numbers)), rows.shape[1]), np.float32)
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        widen(rows[part], wide[: len(part)])
        found[start : start + _AT_ONCE] = dots(wide[: len(part)], query * UNDO)
    return found
