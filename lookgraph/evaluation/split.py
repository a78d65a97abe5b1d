"""Which pictures ask, and which are asked for."""

import numpy as np
from numpy.typing import NDArray

from lookgraph.errors import UsageError
from lookgraph.types import Integers


def split(
    labels: Integers, share: float, seed: int, groups: Integers | None = None
) -> tuple[Integers, Integers]:
    """Hold a share of each class out of the database, as queries.

    A group, such as the copies of one picture, is on one side as a whole; one whose pictures are
    of several classes is in the database, as what it shows is unclear. Of a class with two groups
    or more, the share of its groups is held out, rounded, but at least one; at least one stays.

    Args:
        labels: the class of each picture, shape (n,).
        share: how much of each class is held out, above 0 and below 1.
        seed: of the choice; the same gives the same split.
        groups: the group of each picture, shape (n,); without it, each is for itself.

    Returns:
        The numbers of the queries and of the pictures in the database, each ascending.

    Raises:
        UsageError: if the share is not between 0 and 1, or no class can give a query.
    """
    if not 0 < share < 1:
        raise UsageError(f"The share held out is {share}, but must be between 0 and 1.")
    if groups is None:
        groups = np.arange(len(labels))
    rng = np.random.default_rng(seed)
    mixed = _of_several_classes(labels, groups)
    queries = [
        _held_out(np.unique(groups[labels == label]), mixed, share, rng)
        for label in np.unique(labels)
    ]
    asking = np.isin(groups, np.concatenate(queries)) if queries else np.zeros(0, np.bool_)
    if not asking.any():
        raise UsageError(
            "No class has two different pictures, one to ask with and one to be found."
            " Put pictures that show the same kind of thing into one folder."
        )
    return np.flatnonzero(asking), np.flatnonzero(~asking)


def _of_several_classes(labels: Integers, groups: Integers) -> Integers:
    pairs = np.unique(np.stack([groups, labels], axis=1), axis=0)
    found, counts = np.unique(pairs[:, 0], return_counts=True)
    return found[counts > 1]


def _held_out(
    groups: Integers, mixed: Integers, share: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The groups of a class that are held out."""
    whole = np.setdiff1d(groups, mixed)
    count = min(max(1, int(share * len(groups) + 0.5)), len(groups) - 1, len(whole))
    return rng.permutation(whole)[:count]
