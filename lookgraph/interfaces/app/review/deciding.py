"""What people do while they review duplicates: said, moved, undone; and where to go on."""

from collections.abc import Sequence
from pathlib import Path

from lookgraph.duplicates.finding import Tier
from lookgraph.duplicates.reviewing import Review, Reviewed
from lookgraph.errors import UsageError
from lookgraph.interfaces.app.review.address import View
from lookgraph.interfaces.app.review.reviews import Reviews
from lookgraph.library import Library
from lookgraph.queries import PictureId
from lookgraph.types import VerdictKind

_CHANGED = "This group is not what it was: somebody else may have decided on it. Look again."


def places(review: Review, tier: Tier) -> list[int]:
    """Where the groups of a tier stand among all that were found."""
    return [place for place, group in enumerate(review.found) if group.tier is tier]


def open_places(review: Review, now: Sequence[Reviewed | None], tier: Tier) -> list[int]:
    """The places, among their tier's, of the groups on which somebody has still to decide.

    Args:
        review: what was found.
        now: its groups at this moment, `Review.groups`.
        tier: of those that count.
    """
    return [
        at
        for at, place in enumerate(places(review, tier))
        if (group := now[place]) is not None and group.is_open
    ]


def group_at(review: Review, view: View) -> Reviewed | None:
    """The group that a view shows, as it is at this moment."""
    if view.tier is None or view.at is None:
        return None
    its = places(review, view.tier)
    return review.group(its[view.at], view.keep) if view.at < len(its) else None


def onward(review: Review, view: View) -> View:
    """Where to go on after a decision: the same group while it is open, then the next."""
    assert view.tier
    still = open_places(review, review.groups(), view.tier)
    at = view.at or 0
    if at in still:
        is_there = view.keep == 0 or group_at(review, view) is not None
        return View(view.tier, at, view.keep if is_there else 0, None, view.model, view.threshold)
    then = next((one for one in still if one > at), still[0] if still else None)
    return View(view.tier, then, 0, None, view.model, view.threshold)


def say(
    library: Library,
    reviews: Reviews,
    review: Review,
    view: View,
    pair: tuple[str, str],
    kind: VerdictKind,
    by: str,
) -> str:
    """Keep what somebody says of the copy to keep and the other one.

    Args:
        library: whose pictures they are.
        reviews: remembers it.
        review: what was found.
        view: what they looked at.
        pair: the ids of what they saw there.
        kind: what they say.
        by: what their browser calls itself.

    Returns:
        what was done, for people.
    """
    group = _checked(review, view, pair)
    kept, other = group.group.keep, _other(group, view)
    first, second = PictureId(pair[0]), PictureId(pair[1])
    (library.same if kind is VerdictKind.SAME else library.different)(first, second)
    words = f"{_name(kept.path)} and {_name(other)} are {_told(kind)}"
    reviews.did(by, words, view, lambda: library.withdraw(first, second))
    return words


def _told(kind: VerdictKind) -> str:
    return "the same" if kind is VerdictKind.SAME else "different"


def move(
    library: Library, reviews: Reviews, review: Review, view: View, pair: tuple[str, str], by: str
) -> str:
    """Move all of a group but the copy to keep to the folder; see `say`."""
    group = _checked(review, view, pair)
    words = ""
    moved = library.move_duplicates([group.group], reviews.folder)
    if manifest := moved.manifest:
        count = len(moved.moved)
        what = _name(group.group.others[0].copy.path) if count == 1 else f"{count} files"
        words = f"{what} moved to {reviews.folder.name}"
        reviews.did(by, words, view, lambda: bring_back(library, manifest))
    if moved.left:
        file, reason = moved.left[0]
        raise UsageError(f"{file.name} stays where it is: {reason}. Index the library first.")
    return words


def bring_back(library: Library, manifest: Path) -> None:
    """Move back what was moved at one time.

    Raises:
        LookgraphError: not all of it could be.
    """
    moved = library.move_back(manifest)
    if moved.left:
        file, reason = moved.left[0]
        raise UsageError(f"{file} stays where it is: {reason}.")


def _checked(review: Review, view: View, pair: tuple[str, str]) -> Reviewed:
    """The group that somebody saw, if it still is what they saw."""
    group = group_at(review, view)
    if group is None or view.other not in group.numbers[1:]:
        raise UsageError(_CHANGED)
    other = group.group.others[group.numbers.index(view.other) - 1].copy
    if (group.group.keep.picture.id, other.picture.id) != pair:
        raise UsageError(_CHANGED)
    return group


def _other(group: Reviewed, view: View) -> str:
    assert view.other is not None
    return group.group.others[group.numbers.index(view.other) - 1].copy.path


def _name(path: str) -> str:
    return Path(path).name
