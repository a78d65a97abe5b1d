"""Search: a picture or several, and what looks like them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import streamlit as st

from lookgraph.errors import LibraryNotFoundError, LookgraphError, PictureError
from lookgraph.interfaces.app.address import MOST, MOST_PICTURES, Asked, read
from lookgraph.interfaces.app.elements import element
from lookgraph.interfaces.app.shared import Shared, shared
from lookgraph.interfaces.app.values import waiting
from lookgraph.library import Library
from lookgraph.pages.frame import showable, split
from lookgraph.queries import PictureId, PictureLike
from lookgraph.results import Hits, closeness
from lookgraph.stores.base import Status
from lookgraph.types import Entry, Hit, Picture, Ranking


def show() -> None:
    """What the address asks, and the answer."""
    here = shared()
    asked = read({name: st.query_params.get_all(name) for name in st.query_params})
    status = here.library.status()
    if not status.pictures:
        raise LibraryNotFoundError(f"The library of {here.library.root} holds no picture.")
    question = _question(here, asked, status)
    if asked.is_empty:
        answer = _browse(here.library, asked, status)
    else:
        try:
            answer = _answer(here, asked)
        except LibraryNotFoundError:
            raise
        except LookgraphError as error:
            answer = {"error": showable(str(error)), "tiles": []}
    element("search", "asking", "cropping", "tiles")(
        data={"at": asked.address(), "question": question, **answer}, key="search"
    )


def _question(here: Shared, asked: Asked, status: Status) -> dict[str, object]:
    """What is asked, for the panel that asks."""
    among, spaces, space = asked.among, status.spaces, here.library.space(asked.model)
    return {
        "pictures": [_picture(here, id_) for id_ in asked.pictures],
        "texts": [showable(text) for text in asked.texts],
        "crop": asked.crop,
        "rank": "cosine" if asked.rank is Ranking.COSINE else "graph",
        "least": asked.least,
        "under": showable(among.under),
        "name": showable(among.name),
        "from": among.taken_from or "",
        "to": among.taken_to or "",
        "side": among.min_side,
        "models": [one.space.name for one in spaces],
        "model": space.name,
        "hasGraph": any(one.space == space and one.graph is not None for one in spaces),
        "takesText": here.library.takes_text(asked.model),
        "most": MOST_PICTURES,
        "clear": replace(asked, pictures=(), texts=(), crop=None, way=()).address(),
        "way": [
            {"id": id_, "name": _name(here, id_), "address": asked.back_to(place).address()}
            for place, id_ in enumerate(asked.way)
        ],
    }


def _picture(here: Shared, id_: str) -> dict[str, object]:
    """A picture of the question; without a size if it is gone."""
    if entries := here.library.files(id_):
        picture = entries[0].picture
        assert picture
        return {"id": id_, "name": showable(entries[0].path), "width": picture.width,
                "height": picture.height, "isOurs": True}  # fmt: skip
    if upload := here.uploads.get(id_):
        return {"id": id_, "name": showable(upload.name), "width": upload.width,
                "height": upload.height, "isOurs": False}  # fmt: skip
    return {"id": id_, "name": "A picture that is gone", "width": 0, "height": 0, "isOurs": False}


def _name(here: Shared, id_: str) -> str:
    return str(_picture(here, id_)["name"])


def _answer(here: Shared, asked: Asked) -> dict[str, object]:
    hits = here.library.search(
        *_likes(here, asked), text=asked.texts, k=min(asked.k, MOST), crop=asked.crop,
        model=asked.model, among=asked.among, rank=asked.rank,
    )  # fmt: skip
    return {
        "tiles": list(_tiles(hits)),
        "told": _told(hits),
        "notes": [showable(note) for note in (hits.fault, hits.graph_fault) if note],
        "isRanked": hits.ranked_by == "graph",
        "walk": _link(asked.walked()),
        "add": _link(asked) if len(asked.pictures) < MOST_PICTURES else None,
        "more": _more(asked, len(hits)),
    }


def _likes(here: Shared, asked: Asked) -> Iterator[PictureLike]:
    for id_ in asked.pictures:
        upload = here.uploads.get(id_)
        if here.library.files(id_):
            yield PictureId(id_)
        elif upload:
            yield upload.file
        else:
            raise PictureError(
                "The picture of this address is not here any more: it was taken out of the "
                "library, or was sent too long ago. Drop it here again."
            )


def _tiles(hits: Hits) -> Iterator[dict[str, object]]:
    by_score = sorted(hits, key=lambda hit: -hit.score)
    before = {hit.id: place for place, hit in enumerate(by_score)}
    for place, hit in enumerate(hits):
        is_asked = hits.question.is_about(hit.id)
        yield _tile(hit.id, hit.path, hit, hit.copies, is_asked=is_asked) | {
            "rank": hit.rank,
            "told": closeness(hit),
            "score": hit.score,
            "share": hit.score if hit.distance is None else None,
            "rankScore": hit.rank_score,
            "moved": before[hit.id] - place if hit.rank_score is not None else 0,
        }


def _tile(
    id_: str, path: str, of: Hit | Picture, copies: Sequence[str] = (), *, is_asked: bool = False
) -> dict[str, object]:
    folder, name = split(showable(path))
    parts = (of.format, f"{of.width:,} × {of.height:,}", (of.taken or "").replace("T", " "))
    return {
        "id": id_,
        "folder": folder,
        "name": name,
        "copies": [showable(copy) for copy in copies],
        "details": " · ".join(part for part in parts if part),
        "isAsked": is_asked,
    }


def _told(hits: Hits) -> str:
    count = f"{len(hits):,} look-alikes" if len(hits) != 1 else "1 look-alike"
    by = "by the graph" if hits.ranked_by == "graph" else f"by {hits.ranked_by}"
    return f"{count}, ranked {by}, in {hits.took_ms:,.0f} ms"


def _more(asked: Asked, found: int) -> str | None:
    if found < asked.k or asked.k >= MOST:
        return None
    return replace(asked, k=min(asked.k * 2, MOST)).address()


def _browse(library: Library, asked: Asked, status: Status) -> dict[str, object]:
    """The library's first pictures, to begin with."""
    entries = library.pictures(asked.among.under, most=asked.k + 1)
    return {
        "tiles": [_entry_tile(entry) for entry in entries[: asked.k]],
        "told": f"{status.pictures:,} pictures. Choose one, or bring your own.",
        "notes": [],
        "isRanked": False,
        "walk": _link(asked.walked()),
        "add": None,
        "more": _more(asked, len(entries) - 1),
    }


def _entry_tile(entry: Entry) -> dict[str, object]:
    assert entry.picture
    return _tile(entry.picture.id, entry.path, entry.picture)


def _link(asked: Asked) -> str:
    """An address that waits for the id of one more picture."""
    return waiting(asked.address(), "picture")
