"""The map of a library."""

import hashlib

import numpy as np

from lookgraph.graph.layout import layout
from lookgraph.graphs.grouping import components, most_central, strengths
from lookgraph.graphs.kept import KeptPlaces, digest_of
from lookgraph.graphs.results import Place, Plane
from lookgraph.graphs.seen import Seen
from lookgraph.types import Array, Matrix

_NAMED = 100
"""Groups that are told apart on a map; the rest of the pictures are in none there."""


def plane(seen: Seen, threshold: float, kept: KeptPlaces) -> tuple[Plane, Array]:
    """All pictures in the plane, and their rows."""
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
    named = seen.view.matches(central, np.zeros(len(central)))
    state = hashlib.sha256(digest_of(seen.graph.around) + rows.tobytes() + group_of.tobytes())
    names = tuple(match.paths[0] for match in named)
    numbers = tuple(group if group >= 0 else None for group in group_of[rows].tolist())
    return Plane(seen.space, at[rows], numbers, names, state.hexdigest()), rows


def places(seen: Seen, found: Plane, rows: Array) -> tuple[Place, ...]:
    """What the pictures of a plane are."""
    return tuple(
        Place(match.picture, match.paths[0], x, y, group)
        for match, (x, y), group in zip(
            seen.view.matches(rows, np.zeros(len(rows))),
            found.at.tolist(),
            found.group_of,
            strict=True,
        )
    )


def _found(seen: Seen, kept: KeptPlaces) -> Matrix:
    """The places of all rows, from an earlier time or new."""
    around = seen.graph.around
    found = kept.get(around)
    if found is None:
        found = layout(seen.view.rows, around)
        kept.keep(around, found)
    return found
