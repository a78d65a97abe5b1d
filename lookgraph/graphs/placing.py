"""The map of a library."""

import numpy as np

from lookgraph.graph.layout import layout
from lookgraph.graphs.grouping import components, most_central, strengths
from lookgraph.graphs.kept import KeptPlaces
from lookgraph.graphs.results import Place
from lookgraph.graphs.seen import Seen
from lookgraph.types import Matrix

_NAMED = 100
"""Groups that are told apart on a map; the rest of the pictures are in none there."""


def places(
    seen: Seen, threshold: float, kept: KeptPlaces
) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """All pictures in the plane, the most central ones of their groups first; and those's names."""
    rows = np.flatnonzero(seen.live())
    at = _found(seen, kept)
    strength = strengths(seen.graph.around, threshold)
    groups = components(seen, threshold, 2)[:_NAMED]
    group_of = np.full(len(strength), -1)
    for number, its in enumerate(groups):
        group_of[its] = number
    central = np.array([most_central(its, strength) for its in groups], np.int64)
    is_central = np.isin(rows, central)
    rows = rows[np.lexsort((rows, -strength[rows], ~is_central))]
    matches = seen.view.matches(rows, np.zeros(len(rows)))
    found = tuple(
        Place(match.picture, match.paths[0], x, y, group if group >= 0 else None)
        for match, (x, y), group in zip(
            matches, at[rows].tolist(), group_of[rows].tolist(), strict=True
        )
    )
    path_of = {row: place.path for row, place in zip(rows.tolist(), found, strict=True)}
    return found, tuple(path_of[row] for row in central.tolist())


def _found(seen: Seen, kept: KeptPlaces) -> Matrix:
    """The places of all rows, from an earlier time or new."""
    around = seen.graph.around
    found = kept.get(around)
    if found is None:
        found = layout(seen.view.rows, around)
        kept.keep(around, found)
    return found
