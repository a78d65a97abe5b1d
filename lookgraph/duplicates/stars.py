"""Groups in which every member matches the one to keep: chains are no groups."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Star:
    """One to keep, and those that match it.

    Attributes:
        keep: its number.
        others: theirs, in order of preference.
    """

    keep: int
    others: tuple[int, ...]


def stars(
    order: Sequence[int],
    matching: Mapping[int, AbstractSet[int]],
    apart: Mapping[int, AbstractSet[int]],
) -> list[Star]:
    """Take the best that is left, with all that match it and are left; and so on.

    Args:
        order: numbers, in order of preference.
        matching: which match each, both ways; those that match none may be missing.
        apart: which must not be in one group with each, likewise.

    Returns:
        groups of two or more, in order of what they keep. No number is in two of them.
    """
    place = {number: at for at, number in enumerate(order)}
    taken: set[int] = set()
    found = []
    for keep in order:
        if keep in taken:
            continue
        group = [keep]
        for other in sorted(matching.get(keep, set()) - taken, key=place.__getitem__):
            if not apart.get(other, set()) & set(group):
                group.append(other)
        if len(group) > 1:
            taken.update(group)
            found.append(Star(keep, tuple(group[1:])))
    return found
