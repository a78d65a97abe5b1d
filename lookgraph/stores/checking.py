"""What every store asks of embeddings before it keeps them."""

from collections.abc import Iterable, Mapping

import numpy as np

from lookgraph.errors import UsageError
from lookgraph.types import LARGEST, Entry, Space, Vector


def check_embeddings(
    space: Space, entries: Iterable[Entry], fresh: Mapping[str, Vector | None]
) -> None:
    """Refuse embeddings that are missing, or that no search could compare.

    Args:
        space: that they are to be of.
        entries: the files of their pictures.
        fresh: the new ones, by the pictures' ids; None where none was given.

    Raises:
        UsageError: says of which picture or file.
    """
    if lacking := [id_ for id_, embedding in fresh.items() if embedding is None]:
        raise UsageError(f"No embedding was given for the picture {lacking[0]}.")
    for id_, embedding in fresh.items():
        if embedding is not None and embedding.shape != (space.dimension,):
            raise UsageError(
                f"The embedding of the picture {id_} has shape {embedding.shape}, "
                f"and those of {space.name} have ({space.dimension},)."
            )
    for entry in entries:
        embedding = fresh.get(entry.picture.id) if entry.picture else None
        if embedding is not None:
            _check(embedding, entry.path)


def _check(embedding: Vector, path: str) -> None:
    largest = np.abs(embedding).max(initial=0)
    if not 0 < largest <= LARGEST:  # false for NaN too
        raise UsageError(
            f"The embedding of {path} is zero or not finite, or has a number over {LARGEST:.0f}."
        )
