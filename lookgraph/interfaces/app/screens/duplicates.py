"""Duplicates: what is there more than once, side by side, to be decided on."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from lookgraph.duplicates.finding import Tier
from lookgraph.errors import LibraryLockedError, LookgraphError, PictureError, UsageError
from lookgraph.interfaces.app.elements import element
from lookgraph.interfaces.app.review.address import View, read_view
from lookgraph.interfaces.app.review.deciding import (
    bring_back,
    move,
    onward,
    say,
)
from lookgraph.interfaces.app.review.reviews import Search
from lookgraph.interfaces.app.review.shown import around, decided, reviewing
from lookgraph.interfaces.app.shared import Shared, shared
from lookgraph.pages.frame import showable
from lookgraph.places import absolute
from lookgraph.queries import PictureId
from lookgraph.types import VerdictKind

_KEY = "review"
_TOLD = "lookgraph.review.told"
_TURN = "lookgraph.review.turn"


def show() -> None:
    """The group that the address names, or the next one that is open."""
    here, view = shared(), _view()
    here.library.space(view.model)  # a library that cannot be searched is told of by itself
    if view.tier is None:
        _mount({"decided": decided(here)} | around(here, view, {}))
        return
    search = here.reviews.search(view.model, view.threshold)
    if search.is_running:
        _wait(view)
    elif search.review is None:
        _mount({"failed": showable(str(search.error))} | around(here, view, {}))
    else:
        _mount(reviewing(here, view, search.review))


def _view() -> View:
    return read_view(st.query_params.to_dict())


def _mount(data: dict[str, object]) -> None:
    told = st.session_state.pop(_TOLD, ("", ""))
    data |= {"turn": st.session_state.get(_TURN, 0), "said": told[0], "fault": told[1]}
    element("review")(data=data, key=_KEY, on_did_change=_did)


@st.fragment(run_every=0.5)
def _wait(view: View) -> None:
    """How far the search is; then the screen is shown anew."""
    search: Search = shared().reviews.search(view.model, view.threshold)
    if not search.is_running:
        st.rerun()
    element("review")(data={"searching": search.share}, key="review-searching")


def _did() -> None:
    """Do what somebody has asked for, tell it, and go on."""
    here, view = shared(), _view()
    state: Mapping[str, Any] = st.session_state[_KEY]
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    wish = state.get("did")
    if not isinstance(wish, dict):
        return
    try:
        with here.reviews.acting:
            said, then = _act(here, view, {str(name): its for name, its in wish.items()})
    except LibraryLockedError as error:
        st.session_state[_TOLD] = "", showable(f"Not now. {error} Try again in a moment.")
    except LookgraphError as error:
        st.session_state[_TOLD] = "", showable(str(error))
    else:
        st.session_state[_TOLD] = showable(said), ""
        st.query_params.from_dict(then.query())


def _act(here: Shared, view: View, wish: Mapping[str, Any]) -> tuple[str, View]:
    """What was done, for people, and where to go on."""
    what, by = str(wish.get("what")), str(wish.get("by"))[:40]
    if what == "undo":
        return _undo(here, wish, view)
    if what == "withdraw":
        first, second = map(str, wish.get("ids", ("", "")))
        here.library.withdraw(PictureId(first), PictureId(second))
        return "Taken back.", view
    if what == "back":
        return _bring_back(here, str(wish.get("manifest"))), view
    if what == "folder":
        _choose_folder(here, str(wish.get("folder")))
        return "Files are moved there from now on.", view
    if what == "again":
        here.reviews.search(view.model, view.threshold, again=True)
        return "", replace(view, at=None, keep=0, other=None)
    review = here.reviews.search(view.model, view.threshold).review
    if review is None:
        raise UsageError("The search has begun anew. Wait for it.")
    view = _seen(view, wish)
    first, second = map(str, wish.get("ids", ("", "")))
    pair = first, second
    if what == "move":
        if folder := str(wish.get("folder") or ""):
            _choose_folder(here, folder)
        said = move(here.library, here.reviews, review, view, pair, by)
    else:
        kind = VerdictKind.SAME if what == "same" else VerdictKind.DIFFERENT
        said = say(here.library, here.reviews, review, view, pair, kind, by)
    return said, onward(review, view)


def _seen(view: View, wish: Mapping[str, Any]) -> View:
    """What somebody looked at when they decided."""
    try:
        at, keep, other = (int(wish[name]) for name in ("at", "keep", "other"))
        tier = Tier(wish["tier"])
    except (KeyError, TypeError, ValueError):
        raise UsageError("It is not said what was looked at.") from None
    return replace(view, tier=tier, at=at - 1, keep=keep, other=other)


def _choose_folder(here: Shared, folder: str) -> None:
    if not Path(folder).expanduser().is_absolute():
        raise UsageError(f"{folder} is no whole path. Name the folder from / on.")
    here.reviews.choose_folder(absolute(folder))


def _undo(here: Shared, wish: Mapping[str, Any], view: View) -> tuple[str, View]:
    found = [deed for deed in here.reviews.deeds() if deed.number == wish.get("number")]
    if not found:
        raise UsageError("There is nothing to undo.")
    deed = found[0]
    try:
        deed.undo()
    except (PictureError, UsageError):  # somebody else has done so
        here.reviews.undone(deed)
        raise
    here.reviews.undone(deed)
    return f"Undone: {deed.words}.", deed.at


def _bring_back(here: Shared, name: str) -> str:
    for away in here.library.moved_away(here.reviews.folder):
        if away.manifest.name == name:
            bring_back(here.library, away.manifest)
            return f"{len(away.paths)} moved back."
    raise UsageError("It is not there any more.")
