"""The graph and the map as whole documents: screens show them in a frame."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from lookgraph.errors import LookgraphError, PictureError
from lookgraph.graphs.results import Plane
from lookgraph.interfaces.app.values import is_id
from lookgraph.library import Library
from lookgraph.pages.frame import document, source, text
from lookgraph.pages.map import served_map, told_pictures
from lookgraph.pages.served import Served, Start, address_of
from lookgraph.pages.tiles import Tile
from lookgraph.pages.walk import MOSTS, Dot, Line, walk_page
from lookgraph.queries import PictureId
from lookgraph.results import bare_tile, details_of

_DEPTH = 4
"""So many edges away, at most, where there are not enough pictures nearer."""

_IDS = ("picture", "from")

_PATIENCE_SECONDS = 20.0
"""Some proxies give up on an answer after 30 or 60 seconds, so a longer one is asked for again."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a document is asked for.

    Attributes:
        picture: the id of the one in the middle, or, of the map, the one that is shown first.
        start: the id of the one that a path is to begin at; None while nobody wants one.
        model: whose embeddings are compared; None for the library's first.
        most: so many pictures, one of `lookgraph.pages.walk.MOSTS`; None for the first.
    """

    picture: str | None
    start: str | None
    model: str | None
    most: int | None


class Documents:
    """The routes of the graph and the map.

    Attributes:
        routes: of both.
    """

    def __init__(self, library: Library, patience: float = _PATIENCE_SECONDS) -> None:
        """Nothing is made yet.

        Args:
            library: that they show.
            patience: seconds after which who waits for a map is told to ask again.
        """
        self._library = library
        self._patience = patience
        self._maps = _Maps(library)
        self.routes = [
            Route("/documents/graph", self._graph, methods=["GET"]),
            Route("/documents/map", self._map, methods=["GET"]),
            Route("/documents/map/pictures", self._pictures, methods=["GET"]),
        ]

    async def _graph(self, request: Request) -> Response:
        """What is around a picture."""
        made = anyio.to_thread.run_sync(_graph, self._library, _asked(request))
        return await _answer(made)

    async def _map(self, request: Request) -> Response:
        """All pictures in the plane; where they are being laid out for long, word of that."""
        asked = _asked(request)

        async def made() -> str:
            found = await self._maps.get(asked.model, self._patience)
            if found is None:
                return _WAITING
            return await anyio.to_thread.run_sync(_map, self._library, asked, found)

        return await _answer(made())

    async def _pictures(self, request: Request) -> Response:
        """What the points of a map are, if it still is the one that was shown."""
        told = request.query_params
        try:
            made = await anyio.to_thread.run_sync(
                _pictures, self._library, told.get("model"), told.get("state", "")
            )
        except LookgraphError:
            made = None  # the document tells what is wrong
        if made is None:
            return Response(status_code=409, headers=_HEADERS)
        return Response(made, media_type="application/json", headers=_HEADERS)


class _Maps:
    """Maps that are being laid out: who asks for one that somebody waits for waits for the same."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._under_way: dict[str | None, asyncio.Task[Plane]] = {}

    async def get(self, model: str | None, patience: float) -> Plane | None:
        """That of a model; None if it takes longer than so many seconds."""
        task = self._under_way.get(model)
        if task is None:
            task = asyncio.create_task(anyio.to_thread.run_sync(self._lay_out, model))
            task.add_done_callback(lambda _: self._under_way.pop(model))
            self._under_way[model] = task
        done, _ = await asyncio.wait({task}, timeout=patience)
        return task.result() if done else None

    def _lay_out(self, model: str | None) -> Plane:
        return self._library.graph(model).plane()


async def _answer(made: Awaitable[str]) -> Response:
    try:
        return HTMLResponse(await made, headers=_HEADERS)
    except LookgraphError as error:
        return HTMLResponse(_quiet("That did not work", str(error)), 404, _HEADERS)


def _asked(request: Request) -> Asked:
    """What a request asks; a path is never looked for, so only whole ids are let in."""
    told = request.query_params
    most = next((most for most in MOSTS if str(most) == told.get("most")), None)
    picture, start = (id_ if is_id(id_ := told.get(name, "")) else None for name in _IDS)
    return Asked(picture, start, told.get("model"), most)


def _graph(library: Library, asked: Asked) -> str:
    if asked.picture is None:
        raise PictureError("The address names no picture.")
    graph = library.graph(asked.model)
    found = graph.around(PictureId(asked.picture), depth=_DEPTH, most=asked.most or MOSTS[0])
    centre = found.pictures[0]
    pictures, edges = len(found.pictures) - 1, len(found.edges)
    here = {"picture": centre.id, **({"most": str(asked.most)} if asked.most else {})}
    return walk_page(
        [
            Dot(bare_tile(hit), depth)
            for hit, depth in zip(found.pictures, found.depths, strict=True)
        ],
        [Line(edge.first, edge.second, edge.score) for edge in found.edges],
        centre=0,
        heading=centre.name,
        note=f"{_counted(pictures, 'picture')} around it, {_counted(edges, 'edge')}",
        distances=centre.distance is not None,
        served=_served(library, asked, [hit.id for hit in found.pictures], "/graph", here),
        most=asked.most,
    )


def _map(library: Library, asked: Asked, found: Plane) -> str:
    here = {"picture": asked.picture} if asked.picture else {}
    x, y = found.at.T.tolist()
    return served_map(
        x,
        [1 - place for place in y],
        found.group_of,
        groups=found.groups,
        heading="All pictures",
        note=f"{_counted(len(found.at), 'picture')}, like beside like",
        served=_served(library, asked, None, "/map", here, asked.picture),
        pictures=address_of("/documents/map/pictures", {"state": found.state}, model=asked.model),
    )


def _pictures(library: Library, model: str | None, state: str) -> str | None:
    """What the pictures of a map are, as JSON; None if it is another by now."""
    found = library.graph(model).map()
    if found.state != state:
        return None
    tiles = [Tile(None, at.path, "", "", details=details_of(at.picture)) for at in found.places]
    return told_pictures(tiles, [at.picture.id for at in found.places])


def _served(
    library: Library,
    asked: Asked,
    ids: list[str] | None,
    path: str,
    here: dict[str, str],
    chosen: str | None = None,
) -> Served:
    start = None
    if asked.start and (files := library.files(asked.start)):
        start = Start(asked.start, files[0].path, address_of(path, here, model=asked.model))
    status = library.graph(asked.model).status()
    return Served(ids, asked.model, chosen, start, status.behind if status else 0)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + "s" * (number != 1)


def _quiet(title: str, words: str, head: str = "") -> str:
    body = f'{head}<main class="quietly"><h1>{text(title)}</h1><p>{text(words)}</p></main>\n'
    return document(title, body, style=source("served.css"), is_served=True)


_WAITING = _quiet(
    "Laying the pictures out …",
    "There are many of them. The map comes by itself, and next time at once.",
    '<meta http-equiv="refresh" content="0">',
)
