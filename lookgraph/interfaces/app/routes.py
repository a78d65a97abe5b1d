"""What the pages ask for besides themselves: small pictures, and where to put those to ask with."""

import io
from typing import TYPE_CHECKING

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lookgraph.errors import LookgraphError
from lookgraph.ingest.decode import thumbnail
from lookgraph.ingest.decoders import DecodersError
from lookgraph.interfaces.app.shared import Shared
from lookgraph.interfaces.app.uploads import Upload
from lookgraph.interfaces.app.values import is_id
from lookgraph.interfaces.rest.settings import OF_PICTURES
from lookgraph.thumbnails import SIDES

if TYPE_CHECKING:
    from starlette.requests import Request

_LONGEST_NAME = 200
_SMALL = 64
"""Pixels; to find out what an upload is, it need not be decoded in full."""


def routes(shared: Shared) -> list[Route]:
    """Those of pictures.

    Args:
        shared: what they answer from.
    """

    async def upload(request: "Request") -> Response:
        """Hold a picture to ask with; its id comes back."""
        name = request.query_params.get("name", "")[:_LONGEST_NAME]
        try:
            made = await anyio.to_thread.run_sync(_upload, shared, await request.body(), name)
        except DecodersError as error:
            return JSONResponse({"error": str(error)}, 503)
        except LookgraphError as error:
            return JSONResponse({"error": str(error)}, 422)
        return JSONResponse({"id": shared.uploads.add(made)})

    async def show(request: "Request") -> Response:
        """A small copy of a picture, of the library's or to ask with."""
        id_ = request.path_params["id"]
        side = request.query_params.get("side", "320")
        if not is_id(id_) or side not in map(str, SIDES):
            raise HTTPException(404)
        made = await anyio.to_thread.run_sync(_thumbnail, shared, id_, int(side))
        if made is None:
            raise HTTPException(404)
        return Response(made, media_type="image/jpeg", headers=OF_PICTURES)

    return [
        Route("/shown", upload, methods=["POST"]),
        Route("/shown/{id}", show, methods=["GET"]),
    ]


def _upload(shared: Shared, file: bytes, name: str) -> Upload:
    decoded = shared.decoder.decode(io.BytesIO(file), _SMALL)
    return Upload(file, name, decoded.width, decoded.height)


def _thumbnail(shared: Shared, id_: str, side: int) -> bytes | None:
    try:
        if made := shared.library.thumbnail(id_, side):
            return made
        upload = shared.uploads.get(id_)
        if upload is None:
            return None
        return thumbnail(shared.decoder.decode(io.BytesIO(upload.file), side).image, side)
    except LookgraphError:
        return None  # the screen says why; here there is just no picture
