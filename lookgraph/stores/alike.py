"""All pairs of pictures that are much alike, by the cosine of their embeddings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lookgraph.errors import GraphTooLargeError
from lookgraph.graph.edges import Edges, joined
from lookgraph.graph.pairs import TooMany, Wanted, pairs
from lookgraph.stores.graphs import StoredGraph
from lookgraph.stores.records import live_rows
from lookgraph.stores.views import View
from lookgraph.types import Integers, Metric

_ROWS = 2048
"""Small groups of rows are compared together until there are so many."""

_MOST = 20_000_000
"""More pairs than these are no duplicates."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Pairs of pictures.

    Attributes:
        ids: of the pictures that are in any pair.
        edges: the pairs, as places in the ids; each has the pictures' cosine.
    """

    ids: tuple[str, ...]
    edges: Edges


def alike(
    view: View, held: StoredGraph | None, threshold: float, progress: Callable[[float], None]
) -> Alike:
    """All pairs of pictures with files whose cosine reaches a threshold.

    Where there is a graph of nearest neighbours, only rows that hang together in it are compared:
    a pair that it does not know is one of which both have its full number of nearer neighbours.

    Args:
        view: the library.
        held: its graph; None compares everything.
        threshold: the least cosine.
        progress: told the share that is done, 0 to 1.

    Raises:
        GraphTooLargeError: more than 20 million pairs reach it.
    """
    live = live_rows(view.database, view.stored.number, view.stored.row_count)
    found: list[Edges] = []
    left, done = _MOST, 0
    parts = list(_parts(np.flatnonzero(live), held, threshold))
    total = sum(len(part) ** 2 for part in parts)
    for part in parts:
        share = len(part) ** 2 / total

        def tell(its: float, before: float = done / total, share: float = share) -> None:
            progress(before + its * share)

        some = pairs(
            view.rows.mapped,
            part,
            np.empty(0, np.int64),
            Wanted(Metric.COSINE, threshold, left),
            tell,
        )
        if isinstance(some, TooMany):
            raise GraphTooLargeError(
                f"More than {_MOST:,} pairs reach {threshold}: give a higher threshold."
            )
        found.append(some)
        left -= len(some)
        done += len(part) ** 2
    edges = joined(found)
    rows, places = np.unique([edges.first, edges.second], return_inverse=True)
    first, second = places.reshape(2, -1).astype(np.int32)
    named = view.named(rows.tolist())
    ids = tuple(named[row][0].id for row in rows.tolist())
    return Alike(ids, Edges(first, second, edges.scores))


def _parts(rows: Integers, held: StoredGraph | None, threshold: float) -> Iterator[Integers]:
    """The rows to be compared with each other, in parts between which nothing is alike."""
    if held is None:
        if len(rows) > 1:
            yield rows
        return
    is_live = np.zeros(len(held.usable), np.bool_)
    is_live[rows] = True
    waiting: list[Integers] = []
    count = 0
    for group in held.graph.linkage.groups(threshold):
        waiting.append(group[is_live[group]].astype(np.int64))
        count += len(waiting[-1])
        if count >= _ROWS:
            yield np.sort(np.concatenate(waiting))
            waiting.clear()
            count = 0
    if waiting:
        yield np.sort(np.concatenate(waiting))
