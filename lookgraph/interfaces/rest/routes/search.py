"""Look-alikes: of pictures of the library, by their ids; of pictures that are sent; of words."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, File, Query, Response, UploadFile

from lookgraph.config import RECALL
from lookgraph.interfaces.rest.problems import ProblemError
from lookgraph.interfaces.rest.questions import Asked, answer, embedded
from lookgraph.interfaces.rest.routes.router import router as new_router
from lookgraph.interfaces.rest.shapes import Found, Id
from lookgraph.types import Selection

if TYPE_CHECKING:
    from lookgraph.interfaces.rest.service import Service

_MOMENT = r"^\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d)?)?)?)?)?$"


async def _selection(
    under: Annotated[str, Query(description="Only files below this folder.")] = "",
    name: Annotated[str, Query(description="Only files whose name this glob matches.")] = "",
    taken_from: Annotated[str | None, Query(pattern=_MOMENT, examples=["2024-06"])] = None,
    taken_to: Annotated[str | None, Query(pattern=_MOMENT, examples=["2024-08"])] = None,
    min_side: Annotated[int, Query(ge=0, description="Pixels of the shorter side.")] = 0,
) -> Selection:
    return Selection(under.strip("/"), name, taken_from, taken_to, min_side)


async def _asked(
    among: Annotated[Selection, Depends(_selection)],
    id: Annotated[list[Id], Query(description="Pictures of the library.")] = [],  # noqa: B006
    text: Annotated[list[str], Query(description="Words, if the network knows them.")] = [],  # noqa: B006
    without: Annotated[list[Id], Query(description="Pictures to move away from.")] = [],  # noqa: B006
    crop: Annotated[
        str | None, Query(pattern=r"^\d{1,6},\d{1,6},\d{1,6},\d{1,6}$", examples=["10,20,300,200"])
    ] = None,
    k: Annotated[int, Query(ge=1)] = 10,
    min_score: Annotated[float | None, Query(description="All that score so much.")] = None,
    model: Annotated[str | None, Query(description="Whose embeddings are compared.")] = None,
    rank: Annotated[str, Query(pattern="^(auto|graph|cosine)$")] = "auto",
    recall: Annotated[float, Query(gt=0, le=1)] = RECALL,
) -> Asked:
    x, y, width, height = (int(its) for its in crop.split(",")) if crop else (0, 0, 0, 0)
    part = (x, y, width, height) if crop else None
    return Asked(id, text, without, part, k, min_score, model, rank, recall, among)


def routes(service: "Service") -> APIRouter:
    """Those of searches."""
    router = new_router("search")

    async def told(asked: Asked, sent: Sequence[bytes]) -> Response:
        _check(service, asked, len(sent))
        searchers = service.searchers
        found = b""
        if searchers and searchers.ready:
            if sent or not asked.is_embedded:
                query = await service.ask(lambda library: embedded(library, asked, sent))
                asked = replace(asked, query=query)
            found = await searchers.answer(asked)
        found = found or await service.ask(lambda library: answer(library, asked, sent))
        return Response(found, media_type="application/json")

    @router.get("/search", response_model=Found)
    async def search(asked: Annotated[Asked, Depends(_asked)]) -> Response:
        """Find look-alikes of pictures of the library, or pictures that show what words say."""
        return await told(asked, ())

    @router.post("/search", response_model=Found)
    async def search_with(
        picture: Annotated[list[UploadFile], File(description="Files of pictures.")],
        asked: Annotated[Asked, Depends(_asked)],
    ) -> Response:
        """Find look-alikes of pictures that are sent."""
        return await told(asked, [await one.read() for one in picture])

    return router


def _check(service: "Service", asked: Asked, sent: int) -> None:
    limits = service.settings.limits
    if asked.k > limits.k:
        raise ProblemError(422, f"k is {asked.k}, but at most {limits.k} come at once.")
    count = sent + len(asked.ids) + len(asked.texts) + len(asked.without)
    if not count - len(asked.without):
        raise ProblemError(422, "Nothing is asked for: send a picture, an id or a text.")
    if count > limits.pictures:
        raise ProblemError(422, f"At most {limits.pictures} pictures make one question.")
