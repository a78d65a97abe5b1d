"""What stores on servers have in common."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lookgraph.config import cache_folder
from lookgraph.errors import LibraryNotFoundError
from lookgraph.graph.groups import Linkage
from lookgraph.stores.alike import alike
from lookgraph.stores.base import Alike
from lookgraph.stores.linking import Embeddings
from lookgraph.types import Integers


def cache_for(engine: str, place: str) -> Path:
    """A folder for one library in the user's cache.

    Args:
        engine: what keeps it.
        place: its address.
    """
    return cache_folder() / engine / hashlib.sha256(place.encode()).hexdigest()[:16]


def without_folder(place: str) -> LibraryNotFoundError:
    """The error of a library whose first writer ended before it told of the folder."""
    return LibraryNotFoundError(
        f"The library in {place} does not know its folder yet. Run: "
        "lookgraph index FOLDER --library ADDRESS"
    )


def alike_held(
    held: Embeddings, linkage: Linkage | None, threshold: float, progress: Callable[[float], None]
) -> Alike:
    """As `lookgraph.stores.base.Store.alike`, of embeddings that were read.

    Args:
        held: those.
        linkage: of all of them through a graph; None if it knows only some, or there is none.
        threshold: the least cosine.
        progress: told the share that is done, 0 to 1.
    """

    def ids_of(places: Integers) -> list[str]:
        return [held.ids[place] for place in places.tolist()]

    usable = np.flatnonzero(held.live & held.sound)
    return alike(held.rows, usable, linkage, threshold, ids_of, progress)
