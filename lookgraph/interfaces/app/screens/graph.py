"""Graph: what is around a picture, and the way from one to another."""

import math

import streamlit as st

from lookgraph.errors import PictureError
from lookgraph.graphs.results import Chain, Gap
from lookgraph.interfaces.app.elements import element
from lookgraph.interfaces.app.shared import shared
from lookgraph.interfaces.app.values import is_id
from lookgraph.library import Library
from lookgraph.pages.frame import showable, split
from lookgraph.pages.served import address_of
from lookgraph.queries import PictureId
from lookgraph.results import closeness
from lookgraph.types import Hit

_OFFERED = 24
_CARRIED = ("picture", "from", "most")


def show() -> None:
    """Walk from picture to picture; a path where the address has ``to``, a choice where nothing."""
    asked, library = st.query_params, shared().library
    model, picture = asked.get("model"), asked.get("picture")
    if picture is None:
        data = _beginnings(library, model)
    elif "to" in asked:
        data = _way(library, picture, asked["to"], model)
    else:
        wanted = {name: asked[name] for name in _CARRIED if name in asked}
        address = address_of("/documents/graph", wanted, model=model)
        data = {"address": address, "title": "Graph", "waiting": "Looking around …"}
        element("document")(data=data, key="graph")
        return
    element("strip")(data=data, key="strip")


def _beginnings(library: Library, model: str | None) -> dict[str, object]:
    hubs = library.graph(model).hubs(_OFFERED)
    return {
        "heading": "Where do you want to begin?",
        "note": "Each of these is among the nearest of many others. Any other picture has its "
        "place in the search and on the map.",
        "acts": [_act("Search", "/", model), _act("Map", "/map", model)],
        "steps": [_step(hub.picture, f"near to {hub.times:,}", model) for hub in hubs],
        "isPath": False,
    }


def _way(library: Library, source: str, target: str, model: str | None) -> dict[str, object]:
    if not is_id(source) or not is_id(target):
        raise PictureError("The address names no two pictures to find a way between.")
    found = library.graph(model).path(PictureId(source), PictureId(target))
    if isinstance(found, Chain):
        steps = _chain(found, model)
    else:
        steps = _ends(library, source, target, model)
    return {
        "heading": "From picture to picture",
        "note": _told(found),
        "acts": [
            _act("Around the first", "/graph", model, picture=source),
            _act("Around the last", "/graph", model, picture=target),
            _act("Another end …", "/graph", model, **{"picture": source, "from": source}),
        ],
        "steps": steps,
        "isPath": True,
    }


def _told(found: Chain | Gap) -> str:
    if isinstance(found, Chain):
        steps = "1 step" if len(found) == 2 else f"{len(found) - 1} steps"
        if len(found) == 1:
            return "They are the same picture."
        return f"{steps}. On no other way is the weakest one stronger."
    if found.threshold is None:
        return "No edges lead there. A graph with more neighbours may have some."
    at = math.floor(found.threshold * 10_000) / 10_000  # the pair itself must reach it
    return (
        "No edges lead there. Some would, if all pairs that score at least "
        f"{at:.4f} were joined: lookgraph graph build --threshold {at:.4f}"
    )


def _chain(chain: Chain, model: str | None) -> list[dict[str, object]]:
    steps = [_step(hit, split(showable(hit.path))[0], model) for hit in chain]
    for step, hit in zip(steps[1:], chain[1:], strict=True):
        step["score"] = closeness(hit)
        step["isWeakest"] = len(chain) > 2 and hit.score == chain.weakest
    return steps


def _ends(library: Library, source: str, target: str, model: str | None) -> list[dict[str, object]]:
    """Both ends, with nothing between."""
    ends = [(id_, entry.path) for id_ in (source, target) for entry in library.files(id_)[:1]]
    steps = [_tile(id_, path, split(showable(path))[0], model) for id_, path in ends]
    for step in steps[1:]:
        step["score"] = "…"
    return steps


def _step(hit: Hit, told: str, model: str | None) -> dict[str, object]:
    return _tile(hit.id, hit.path, told, model)


def _tile(id_: str, path: str, told: str, model: str | None) -> dict[str, object]:
    name = split(showable(path))[1]
    address = address_of("/graph", {"picture": id_}, model=model)
    return {"id": id_, "name": name, "told": told, "address": address}


def _act(label: str, path: str, model: str | None, **asked: str) -> dict[str, str]:
    return {"label": label, "address": address_of(path, asked, model=model)}
