"""All pairs of pictures that are much alike, by the cosine of their embeddings."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from lookgraph.errors import GraphTooLargeError
from lookgraph.graph.edges import Edges, joined
from lookgraph.graph.groups import Linkage
from lookgraph.graph.pairs import TooMany, Wanted, pairs
from lookgraph.stores.base import Alike
from lookgraph.types import Integers, Metric, Rows

_ROWS = 2048
"""Small groups of rows are compared together until there are so many."""

_MOST = 20_000_000
"""More pairs than these are no duplicates."""


def alike(
    rows: Rows,
    live: Integers,
    linkage: Linkage | None,
    threshold: float,
    ids_of: Callable[[Integers], Sequence[str]],
    progress: Callable[[float], None],
) -> Alike:
    """All pairs of pictures with files whose cosine reaches a threshold.

    Where there is a graph of nearest neighbours, only rows that hang together in it are compared:
    a pair that it does not know is one of which both have its full number of nearer neighbours.

    Args:
        rows: the embeddings, float16, shape (n, d); may be a memory map.
        live: the numbers of the rows of pictures with files, in order.
        linkage: how all rows hang together through their nearest neighbours; None compares
            everything.
        threshold: the least cosine.
        ids_of: gives the ids of the pictures of some rows.
        progress: told the share that is done, 0 to 1.

    Raises:
        GraphTooLargeError: more than 20 million pairs reach it.
    """
    found: list[Edges] = []
    left, done = _MOST, 0
    parts = list(_parts(live, linkage, threshold))
    total = sum(len(part) ** 2 for part in parts)
    for part in parts:
        share = len(part) ** 2 / total

        def tell(its: float, before: float = done / total, share: float = share) -> None:
            progress(before + its * share)

        some = pairs(
            rows,
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
    numbers, places = np.unique([edges.first, edges.second], return_inverse=True)
    first, second = places.reshape(2, -1).astype(np.int32)
    return Alike(tuple(ids_of(numbers)), Edges(first, second, edges.scores))


def _parts(live: Integers, linkage: Linkage | None, threshold: float) -> Iterator[Integers]:
    """The rows to be compared with each other, in parts between which nothing is alike."""
    if linkage is None:
        if len(live) > 1:
            yield live
        return
    is_live = np.zeros(len(linkage.order), np.bool_)
    is_live[live] = True
    waiting: list[Integers] = []
    count = 0
    for group in linkage.groups(threshold):
        waiting.append(group[is_live[group]].astype(np.int64))
        count += len(waiting[-1])
        if count >= _ROWS:
            yield np.sort(np.concatenate(waiting))
            waiting.clear()
            count = 0
    if waiting:
        yield np.sort(np.concatenate(waiting))
