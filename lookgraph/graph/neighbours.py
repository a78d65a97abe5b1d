"""The nearest neighbours of each row, and the edges between them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lookgraph.graph.edges import Edges, Numbers, joined
from lookgraph.index.widening import as_float32
from lookgraph.types import Integers, Matrix, Neighbour, Rows, Vector

_AT_ONCE = 1024

Search = Callable[[Matrix, int], Sequence[Sequence[Neighbour]]]
"""From queries, shape (q, d), and how many are wanted, to the nearest rows of each, best first."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest of each row, best first, itself left out.

    Attributes:
        numbers: shape (n, k); -1 where there are no more.
        scores: of each, the exact score rounded to float32; minus infinity where there is none.
    """

    numbers: Numbers
    scores: Matrix


def nearest_of(
    rows: Rows, numbers: Integers, k: int, search: Search, progress: Callable[[float], None]
) -> Neighbours:
    """The nearest neighbours of some rows; shape (len(numbers), k).

    Args:
        rows: shape (n, d), float16.
        numbers: whose neighbours; each can be searched with.
        k: how many.
        search: how.
        progress: told the share that is done, 0 to 1.
    """
    found = np.full((len(numbers), k), -1, np.int32)
    scores = np.full((len(numbers), k), -np.inf, np.float32)
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        answers = search(as_float32(rows[part]), k + 1)
        for place, (row, answer) in enumerate(zip(part.tolist(), answers, strict=True), start):
            others = [one for one in answer if one.row != row][:k]
            found[place, : len(others)] = [one.row for one in others]
            scores[place, : len(others)] = [one.score for one in others]
        progress((start + len(part)) / len(numbers))
    return Neighbours(found, scores)


def with_more(
    known: Neighbours, sources: Integers, numbers: Integers, scores: Vector
) -> Neighbours:
    """The nearest of each row, when there are more rows to choose from.

    Args:
        known: the nearest so far.
        sources: whose neighbour each of some more rows may be, shape (m,).
        numbers: those, likewise; none of them is known to the source.
        scores: their scores.
    """
    touched = np.unique(sources)
    k = known.numbers.shape[1]
    its = known.numbers[touched].reshape(-1)
    of = np.concatenate([np.repeat(touched, k)[its >= 0], sources])
    which = np.concatenate([its[its >= 0], numbers])
    near = np.concatenate([known.scores[touched].reshape(-1)[its >= 0], scores])
    order = np.lexsort((which, -near, of))
    of, which, near = of[order], which[order], near[order]
    starts = np.searchsorted(of, touched)
    place = np.arange(len(of)) - np.repeat(starts, np.diff(np.append(starts, len(of))))
    kept = place < k
    all_numbers, all_scores = known.numbers.copy(), known.scores.copy()
    all_numbers[touched], all_scores[touched] = -1, -np.inf
    all_numbers[of[kept], place[kept]] = which[kept]
    all_scores[of[kept], place[kept]] = near[kept]
    return Neighbours(all_numbers, all_scores)


def edges_between(neighbours: Neighbours, *, mutual: bool) -> Edges:
    """An edge for each pair of which one is among the nearest of the other; in no order.

    Args:
        neighbours: of all rows.
        mutual: only pairs of which each is among the nearest of the other.
    """
    found = [
        _edges_of(neighbours, start, mutual)
        for start in range(0, len(neighbours.numbers), _AT_ONCE)
    ]
    return joined(found)


def _edges_of(neighbours: Neighbours, start: int, mutual: bool) -> Edges:
    """The edges that some rows tell of: to higher rows, and to lower ones that do not tell."""
    numbers = neighbours.numbers[start : start + _AT_ONCE]
    sources = np.repeat(np.arange(start, start + len(numbers), dtype=np.int32), numbers.shape[1])
    targets = numbers.reshape(-1)
    scores = neighbours.scores[start : start + _AT_ONCE].reshape(-1)
    is_back = neighbours.numbers[targets] == sources[:, np.newaxis]
    back = is_back.any(axis=1)
    upward = sources < targets
    kept = (targets >= 0) & (upward & back if mutual else upward | ~back)
    # Both rows tell the same score, but for the last bit of its rounding, now and then.
    other = neighbours.scores[targets, is_back.argmax(axis=1)] if is_back.size else scores
    scores = np.where(back, np.maximum(scores, other), scores)[kept]
    sources, targets = sources[kept], targets[kept]
    return Edges(np.minimum(sources, targets), np.maximum(sources, targets), scores)
