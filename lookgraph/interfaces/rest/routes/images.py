"""The pictures of the library: what they are, small and whole."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse

from lookgraph.interfaces.cursors import cursor, path_of
from lookgraph.interfaces.rest.problems import ProblemError
from lookgraph.interfaces.rest.routes.router import router as new_router
from lookgraph.interfaces.rest.settings import OF_PICTURES
from lookgraph.interfaces.rest.shapes import File, Id, Image, Images
from lookgraph.thumbnails import SIDES

if TYPE_CHECKING:
    from lookgraph.interfaces.rest.service import Service

_Side = Annotated[
    int,
    Query(description="Pixels of the longer side.", json_schema_extra={"enum": list(SIDES)}),
]


def routes(service: "Service") -> APIRouter:
    """Those of pictures."""
    router = new_router("images")
    limits = service.settings.limits

    @router.get("/images")
    async def images(
        under: Annotated[str, Query(description="Only files below this folder.")] = "",
        after: Annotated[str, Query(description="The ``next`` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=limits.k)] = 100,
    ) -> Images:
        """The files of the library that hold pictures, by path, a page at a time."""
        last = _path(after)
        found = await service.ask(
            lambda library: library.pictures(under.strip("/"), last, limit + 1)
        )
        return Images(
            files=[File.of(entry) for entry in found[:limit]],
            next=cursor(found[limit - 1].path) if len(found) > limit else None,
        )

    @router.get("/images/{id}")
    async def image(id: Annotated[Id, Path()]) -> Image:
        """What is known of a picture."""
        entries = await service.ask(lambda library: library.files(id))
        if not entries:
            raise _not_there(id)
        return Image.of(entries)

    @router.get(
        "/images/{id}/thumbnail",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}},
    )
    async def thumbnail(
        id: Annotated[Id, Path()],
        side: _Side = 320,
    ) -> Response:
        """A small copy of a picture, JPEG."""
        made = await service.ask(lambda library: library.thumbnail(id, side))
        if made is None:
            raise _not_there(id)
        return Response(made, media_type="image/jpeg", headers=OF_PICTURES)

    @router.get("/images/{id}/original", response_class=FileResponse)
    async def original(id: Annotated[Id, Path()]) -> FileResponse:
        """The file itself, if the service gives out files."""
        if not service.settings.originals:
            raise ProblemError(403, "This service gives out no files: start it with --originals.")
        file = await service.ask(lambda library: library.file(id))
        if file is None:
            raise _not_there(id)
        return FileResponse(file, headers=OF_PICTURES, content_disposition_type="inline")

    return router


def _path(told: str) -> str:
    try:
        return path_of(told)
    except ValueError as error:
        raise ProblemError(422, "That is not the ``next`` of a page.") from error


def _not_there(id_: str) -> ProblemError:
    return ProblemError(404, f"The library has no picture {id_}.")
