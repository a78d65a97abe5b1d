"""What the screen of duplicates shows, as its script in the browser draws it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lookgraph.duplicates.copies import Copy, facts, why
from lookgraph.duplicates.finding import Other, Tier
from lookgraph.duplicates.moving import Away
from lookgraph.duplicates.reviewing import Review, Reviewed
from lookgraph.interfaces.app.review.address import View
from lookgraph.interfaces.app.review.deciding import group_at, open_places, places
from lookgraph.interfaces.app.shared import Shared
from lookgraph.judging import Judged
from lookgraph.pages.frame import showable, split
from lookgraph.types import VerdictKind

_TITLES = {
    Tier.IDENTICAL: "Identical",
    Tier.SAME: "Same",
    Tier.ALIKE: "Look-alikes",
}
_FACTS = {
    "resolution": "Pixels",
    "format": "Format",
    "size": "Bytes",
    "oldest": "Date",
    "path": "Path",
}
_BEFORE, _LISTED = 4, 60
"""Of the groups that are open: so many before the one that is shown, and so many in all."""

_JUDGED = 100
"""Verdicts that are listed, the newest; and as many moves."""


def around(here: Shared, view: View, counts: Mapping[Tier | None, int]) -> dict[str, object]:
    """What is on the screen whatever it shows.

    Args:
        here: what all share.
        view: what is shown.
        counts: of the groups that are open, as far as they are known.
    """
    return {
        "tabs": [
            {
                "title": title,
                "address": replace(view, tier=tier, at=None, keep=0, other=None).address(),
                "isHere": tier is view.tier,
                "count": counts.get(tier),
            }
            for tier, title in [*_TITLES.items(), (None, "Decided")]
        ],
        "deeds": [
            {"number": deed.number, "by": deed.by, "words": showable(deed.words)}
            for deed in here.reviews.deeds()
        ],
        "folder": showable(str(here.reviews.folder)),
        "isFolderChosen": here.reviews.is_folder_chosen,
    }


def reviewing(here: Shared, view: View, review: Review) -> dict[str, object]:
    """The group that a view names, or the next one that is open, and those around it."""
    assert view.tier
    now = review.groups()
    open_of = {tier: open_places(review, now, tier) for tier in _TITLES}
    still, its = open_of[view.tier], places(review, view.tier)
    if view.at is None and still:
        view = replace(view, at=still[0])
    group = group_at(review, view)
    return around(here, view, {tier: len(open_) for tier, open_ in open_of.items()}) | {
        "done": len(its) - len(still),
        "total": len(its),
        "isBehind": review.is_behind(),
        "unseen": len(review.found.unseen),
        "list": _list(view, still, [now[place] for place in its]),
        "group": _group(view, group, still) if group else None,
        "ended": None if group else _ended(here, still, view),
    }


def _list(view: View, still: list[int], groups: Sequence[Reviewed | None]) -> dict[str, object]:
    """The open groups of a tier around the one that is shown."""
    before = sum(at < (view.at or 0) for at in still)
    start = max(0, before - _BEFORE)
    shown = []
    for at in still[start : start + _LISTED]:
        group = groups[at]
        assert group
        shown.append(
            {
                "number": at + 1,
                "address": replace(view, at=at, keep=0, other=None).address(),
                "isHere": at == view.at,
                "ids": [group.group.keep.picture.id, group.group.others[0].copy.picture.id],
                "name": showable(Path(group.group.keep.path).name),
                "files": len(group.numbers),
            }
        )
    return {"before": start, "shown": shown, "after": len(still) - start - len(shown)}


def _group(view: View, group: Reviewed, still: list[int]) -> dict[str, object]:
    """Two copies side by side, and what can be done with them."""
    at = view.at or 0
    undecided = [
        number for number, is_it in zip(group.numbers[1:], group.undecided, strict=True) if is_it
    ]
    number = view.other if view.other in group.numbers[1:] else [*undecided, group.numbers[1]][0]
    place = group.numbers.index(number) - 1
    other, keep = group.group.others[place], group.group.keep
    back = next((one for one in reversed(still) if one < at), still[-1] if still else None)
    then = next((one for one in still if one > at), still[0] if still else None)

    def to(place: int | None) -> str | None:
        return (
            None if place in (None, at) else replace(view, at=place, keep=0, other=None).address()
        )

    return {
        "number": at + 1,
        "tier": str(view.tier),
        "at": at + 1,
        "keep": group.numbers[0],
        "other": number,
        "cards": [_card(keep), _card(other.copy)],
        "facts": [
            {
                "name": _FACTS[fact.name],
                "shown": [showable(shown) for shown in fact.shown],
                "better": list(fact.better),
                "differs": fact.differs,
            }
            for fact in facts((keep, other.copy))
        ],
        "why": why(keep, other.copy),
        "whyNot": why(other.copy, keep),
        "common": _common(keep, other),
        "isSame": not group.undecided[place],
        "others": [
            {
                "address": replace(view, at=at, keep=group.numbers[0], other=one).address(),
                "isHere": one == number,
                "isSame": not is_open,
                "id": its.copy.picture.id,
                "name": showable(Path(its.copy.path).name),
            }
            for one, its, is_open in zip(
                group.numbers[1:], group.group.others, group.undecided, strict=True
            )
        ],
        "instead": replace(view, at=at, keep=number, other=group.numbers[0]).address(),
        "canJudge": keep.picture.id != other.copy.picture.id,
        "back": to(back),
        "then": to(then),
    }


def _card(copy: Copy) -> dict[str, object]:
    folder, name = split(showable(copy.path))
    return {"id": copy.picture.id, "name": name, "folder": folder, "isLink": copy.is_link}


def _common(keep: Copy, other: Other) -> str:
    if keep.picture.id == other.copy.picture.id:
        return "the very same bytes"
    parts = []
    if other.score is not None:
        parts.append(f"score {other.score:.3f}")
    if other.agreement is not None:
        parts.append(f"{other.agreement:.0%} of the detail agrees")
    return ", ".join(parts)


def _ended(here: Shared, still: list[int], view: View) -> dict[str, object]:
    """What is said where there is no group to show."""
    first = replace(view, at=None, keep=0, other=None).address()
    sums = _sums(here.library.verdicts(), here.library.moved_away(here.reviews.folder))
    return {"first": first if still else None} | sums


def _sums(judged: Sequence[Judged], moved: Sequence[Away]) -> dict[str, object]:
    said = [one.verdict.kind for one in judged]
    return {
        "same": said.count(VerdictKind.SAME),
        "different": said.count(VerdictKind.DIFFERENT),
        "moved": sum(len(away.paths) for away in moved),
    }


def decided(here: Shared) -> dict[str, object]:
    """All that was said, and what was moved away, to be taken back."""
    judged = here.library.verdicts()
    moved = here.library.moved_away(here.reviews.folder)
    return _sums(judged, moved) | {
        "verdicts": [
            {
                "kind": str(one.verdict.kind),
                "said": one.verdict.said.replace("T", " ").rstrip("Z"),
                "ids": [one.verdict.first, one.verdict.second],
                "names": [
                    showable(Path(paths[0]).name) if paths else None
                    for paths in (one.first, one.second)
                ],
            }
            for one in judged[:_JUDGED]
        ],
        "moves": [
            {
                "manifest": away.manifest.name,
                "paths": [showable(path) for path in away.paths[:10]],
                "count": len(away.paths),
                "kept": [showable(path) for path in away.kept[:10]],
            }
            for away in moved[:_JUDGED]
        ],
    }
