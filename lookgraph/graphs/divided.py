"""Groups that something else has found, as people see them and as they have judged them."""

import time
from collections.abc import Sequence

import numpy as np

from lookgraph.graph.verdicts import members, respecting
from lookgraph.graphs.grouping import as_groups
from lookgraph.graphs.results import Groups
from lookgraph.graphs.seen import Seen
from lookgraph.stores.base import Store
from lookgraph.types import Integers, Space


def divided(
    store: Store,
    space: Space,
    found: Sequence[Sequence[str]],
    *,
    threshold: float | None,
    smallest: int,
    started: float,
) -> Groups:
    """Show communities that were found elsewhere. What people have said of pairs comes first.

    Args:
        store: the library.
        space: whose graph they were found in.
        found: the ids of the pictures in each; those that have gone since are passed over.
        threshold: the least score of the edges that counted; None for all.
        smallest: communities of fewer pictures are left out.
        started: by `time.perf_counter`.

    Raises:
        GraphNotFoundError: there is no graph.
    """
    with store.graph(space) as view:
        seen = Seen(view, space, store.root)
        around, live, verdicts = seen.graph.around, seen.live(), view.verdicts()
        least = float(around.scores.min()) if len(around.scores) else 0.0
        threshold = least if threshold is None else threshold
        labels = _labels(seen, found)
        if len(verdicts):
            labels = respecting(labels, around, threshold, verdicts)
        kept = (rows[live[rows]] for rows in members(labels, smallest))
        groups = [rows for rows in kept if len(rows) >= smallest]
        others = int(np.count_nonzero(live)) - sum(map(len, groups))
        shown = as_groups(seen, groups, threshold)
        took = (time.perf_counter() - started) * 1000
        return Groups(space, threshold, True, shown, others, took)


def _labels(seen: Seen, found: Sequence[Sequence[str]]) -> Integers:
    """The community of each row; a row in none is alone."""
    count = len(seen.graph.around.starts) - 1
    labels = np.arange(count) + len(found)
    for number, ids in enumerate(found):
        rows = [row for id_ in ids if (row := seen.view.row_of(id_)) is not None]
        labels[rows] = number
    return labels
