"""Groups: which pictures hang together, the largest groups first."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

from lookgraph.graph.suggestions import Suggestion
from lookgraph.graphs.results import GroupsPage, GroupStart
from lookgraph.interfaces.app.elements import element
from lookgraph.interfaces.app.shared import shared
from lookgraph.interfaces.app.values import number, waiting, whole
from lookgraph.pages.frame import showable, split
from lookgraph.pages.served import address_of
from lookgraph.results import closeness, score_text
from lookgraph.types import Hit, Metric

_GROUPS, _PICTURES = 30, 60
"""Groups and pictures of one group that are shown, until more are asked for."""

_OF_EACH = 20
"""Pictures of a group among others."""

_MOST = 5000


@dataclass(frozen=True, slots=True)
class _View:
    """What an address of the screen shows.

    Attributes:
        threshold: of the groups; None for the usual one.
        communities: whether they are communities.
        group: the number of the one group that is shown, from 1; None for all.
        shown: how many groups, or pictures of the one, at most; 0 for as many as usual.
        model: whose embeddings are compared.
    """

    threshold: float | None = None
    communities: bool = False
    group: int | None = None
    shown: int = 0
    model: str | None = None

    def address(self) -> str:
        """Where it is shown; `_read` gives it back."""
        parts = {
            "threshold": "" if self.threshold is None else f"{self.threshold:.6g}",
            "communities": "1" if self.communities else "",
            "group": str(self.group or ""),
            "shown": str(self.shown or ""),
        }
        asked = {name: value for name, value in parts.items() if value}
        return address_of("/groups", asked, model=self.model)


def _read(query: Mapping[str, str]) -> _View:
    """What an address shows; what cannot be understood in it is left out."""
    return _View(
        threshold=number(query.get("threshold", "")),
        communities=query.get("communities") == "1",
        group=whole(query.get("group", "")) or None,
        shown=min(whole(query.get("shown", "")) or 0, _MOST),
        model=query.get("model") or None,
    )


def show() -> None:
    """The groups at the threshold that the address names, or one of them."""
    view = _read(st.query_params.to_dict())
    library = shared().library
    graph = library.graph(view.model)
    page = graph.groups_page(
        view.threshold,
        communities=view.communities,
        start=view.group - 1 if view.group else 0,
        most=1 if view.group else view.shown or _GROUPS,
        of_each=(view.shown or _PICTURES) if view.group else _OF_EACH,
    )
    data = {
        "told": _told(page, view),
        "threshold": page.threshold,
        "isCosine": page.space.metric is Metric.COSINE,
        "chips": _chips(view, page, graph.suggestions()),
        "ways": _ways(view),
        "at": waiting(replace(view, threshold=None, group=None, shown=0).address(), "threshold"),
        "all": replace(view, group=None, shown=0).address(),
        "group": view.group,
        "groups": [
            _group(view, group, at) for at, group in enumerate(page.groups, view.group or 1)
        ],
        "more": _more(view, page),
    }
    element("groups")(data=data, key="groups")


def _told(page: GroupsPage, view: _View) -> str:
    name = "communities" if view.communities else "groups"
    count = f"{page.count:,} {name}" if page.count != 1 else f"1 {name[:-1]}"
    if view.communities and page.count == 1:
        count = "1 community"
    rest = f"{page.others:,} pictures are in none" if page.others != 1 else "1 picture is in none"
    return f"{count}; {rest}."


def _chips(view: _View, page: GroupsPage, suggested: list[Suggestion]) -> list[dict[str, object]]:
    """Thresholds to choose from: that with the most groups, then those that are stable."""
    usual = "All edges" if view.communities else "Most groups"
    return [
        {
            "label": usual,
            "address": replace(view, threshold=None, group=None, shown=0).address(),
            "isHere": view.threshold is None,
            "title": "",
        },
        *(
            {
                "label": f"{one.threshold:.4g}",
                "address": replace(view, threshold=one.threshold, group=None, shown=0).address(),
                "isHere": view.threshold is not None and abs(page.threshold - one.threshold) < 1e-6,
                "title": f"{one.groups:,} groups of {one.grouped:,} pictures, the largest of "
                f"{one.largest:,}: from {one.high:.4g} down to {one.low:.4g} hardly any change",
            }
            for one in suggested
        ),
    ]


def _ways(view: _View) -> list[dict[str, object]]:
    """Chains or communities; the one alone where what finds communities is not installed."""
    if importlib.util.find_spec("graspologic_native") is None:
        return []
    return [
        {
            "label": label,
            "title": title,
            "address": replace(view, communities=is_it, group=None, shown=0).address(),
            "isHere": view.communities is is_it,
        }
        for is_it, label, title in (
            (False, "Chains", "A chain of pairs over the threshold leads from each to each"),
            (True, "Communities", "Within them pairs are denser than elsewhere (Leiden)"),
        )
    ]


def _group(view: _View, group: GroupStart, number: int) -> dict[str, object]:
    first = group.pictures[0]
    folder, name = split(showable(first.path))
    return {
        "number": number,
        "name": name,
        "folder": folder,
        "size": group.size,
        "weakest": score_text(group.weakest, is_distance=first.distance is not None),
        "address": replace(view, group=number, shown=0).address(),
        "pictures": [_picture(hit) for hit in group.pictures],
    }


def _picture(hit: Hit) -> dict[str, object]:
    return {"id": hit.id, "path": showable(hit.path), "score": closeness(hit)}


def _more(view: _View, page: GroupsPage) -> dict[str, object] | None:
    """What is not shown yet, and where it would be."""
    if view.group:
        count = page.groups[0].size if page.groups else 0
        shown, step = len(page.groups[0].pictures) if page.groups else 0, _PICTURES
    else:
        count, shown, step = page.count, len(page.groups), _GROUPS
    if shown >= count or shown >= _MOST:
        return None
    then = min(max(shown * 2, shown + step), _MOST)
    return {"count": count - shown, "address": replace(view, shown=then).address()}
