"""What was found more than once, as people decide on it: what is done with leaves the list."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lookgraph.duplicates.copies import Copy
from lookgraph.duplicates.finding import Duplicate, Duplicates, Other, Said, Tier, said_of
from lookgraph.stores.base import Store
from lookgraph.types import Entry


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A group as it is now.

    Attributes:
        group: of it what is still there, without what was said to be different from the copy to
            keep.
        numbers: of the copy to keep, then of each of the others: their places as they were found,
            from 0, the copy to keep first.
        undecided: of each of the others, whether nothing was said of it and the copy to keep.
            Copies with the same bytes are undecided for as long as they are there.
    """

    group: Duplicate
    numbers: tuple[int, ...]
    undecided: tuple[bool, ...]

    @property
    def is_open(self) -> bool:
        """Whether somebody has still to decide."""
        return any(self.undecided)


_Present = dict[int, Copy]
"""Copies that are there, by their numbers."""


class Review:
    """A search's result beside the library as it is now; safe to be asked from several threads."""

    def __init__(self, store: Store, found: Duplicates) -> None:
        """Use `Library.review`."""
        self.found = found
        self._store = store
        self._seen: tuple[object, tuple[_Present, ...]] | None = None
        self._contents = self._count()

    def groups(self) -> tuple[Reviewed | None, ...]:
        """All groups in the order in which they were found; None where no two files are left.

        Which files are there is asked again only when their number has changed.
        """
        status = self._store.status()
        now = status.files, status.pictures
        seen = self._seen
        if seen is None or seen[0] != now:
            seen = now, tuple(_present(self._store, group) for group in self.found)
            self._seen = seen
        said = said_of(self._store.verdicts())
        return tuple(
            _reviewed(group, present, said, 0)
            for group, present in zip(self.found, seen[1], strict=True)
        )

    def group(self, at: int, keep: int = 0) -> Reviewed | None:
        """One group, by what is there at this moment.

        Args:
            at: its place as it was found, from 0.
            keep: the number of the copy to keep, as in `Reviewed.numbers`.

        Returns:
            it; None if no two files are left together, or there is no such group or copy.
        """
        if not 0 <= at < len(self.found):
            return None
        found = self.found[at]
        return _reviewed(found, _present(self._store, found), said_of(self._store.verdicts()), keep)

    def is_behind(self) -> bool:
        """Whether pictures were indexed since this was made that the search knows nothing of."""
        return self._count() != self._contents

    def _count(self) -> int:
        status = self._store.status()
        return sum(
            one.pictures + one.unused_rows for one in status.spaces if one.space == self.found.space
        )


def _present(store: Store, group: Duplicate) -> _Present:
    """Of a picture whose file is gone, another file with the same bytes stands for it."""
    copies = (group.keep, *(other.copy for other in group.others))
    entries = {copy.picture.id: store.files(copy.picture.id) for copy in copies}
    present = {}
    for number, copy in enumerate(copies):
        its = {entry.path: entry for entry in entries[copy.picture.id]}
        entry = its.get(copy.path)
        if entry is None and group.tier is not Tier.IDENTICAL:
            entry = next(iter(its.values()), None)
        if entry is not None:
            present[number] = _again(copy, entry)
    return present


def _again(copy: Copy, entry: Entry) -> Copy:
    return copy if copy.entry == entry else replace(copy, entry=entry)


def _reviewed(found: Duplicate, present: _Present, said: Said, keep: int) -> Reviewed | None:
    if keep not in present:
        if keep or not present:
            return None
        keep = next(iter(present))  # the one to keep is gone: the next best is
    kept = present[keep]
    numbers, others, undecided = [keep], [], []
    for number, copy in present.items():
        both = frozenset((kept.picture.id, copy.picture.id))
        if number == keep or both in said.apart:
            continue
        numbers.append(number)
        others.append(_other(found, keep, number, copy))
        undecided.append(both not in said.same)
    if not others:
        return None
    group = Duplicate(found.tier, kept, found.reason if keep == 0 else "", tuple(others))
    return Reviewed(group, tuple(numbers), tuple(undecided))


def _other(found: Duplicate, keep: int, number: int, copy: Copy) -> Other:
    """What is known of two copies was found out only where one of them was the one to keep."""
    if 0 not in (keep, number):
        return Other(copy)
    was: Sequence[Other] = found.others
    return replace(was[max(keep, number) - 1], copy=copy)
