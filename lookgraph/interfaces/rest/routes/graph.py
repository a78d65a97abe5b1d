"""What the similarity graph says: what is around a picture, ways, groups, duplicates."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query

from lookgraph.interfaces.rest import shapes
from lookgraph.interfaces.rest.routes.router import router as new_router
from lookgraph.interfaces.rest.shapes import Id
from lookgraph.queries import PictureId

if TYPE_CHECKING:
    from lookgraph.interfaces.rest.service import Service

_Model = Annotated[str | None, Query(description="Whose embeddings are compared.")]
_Threshold = Annotated[float | None, Query(description="The least score that counts.")]
_Start = Annotated[int, Query(ge=0, description="So many groups are left out before.")]


def routes(service: "Service") -> APIRouter:
    """Those of the graph."""
    router = new_router("graph")
    most = service.settings.limits.k

    @router.get("/images/{id}/neighbours")
    async def neighbours(
        id: Annotated[Id, Path()],
        depth: Annotated[int, Query(ge=1, le=10, description="Edges away, at most.")] = 2,
        limit: Annotated[int, Query(ge=1, le=most)] = 100,
        threshold: _Threshold = None,
        model: _Model = None,
    ) -> shapes.Neighbourhood:
        """What is around a picture."""
        found = await service.ask(
            lambda library: library.graph(model).around(
                PictureId(id), depth=depth, most=limit, threshold=threshold
            )
        )
        return shapes.Neighbourhood.of(found)

    @router.get("/path")
    async def path(
        source: Annotated[Id, Query()], target: Annotated[Id, Query()], model: _Model = None
    ) -> shapes.Way:
        """The way from one picture to another whose weakest link is strongest."""
        found = await service.ask(
            lambda library: library.graph(model).path(PictureId(source), PictureId(target))
        )
        return shapes.Way.of(found)

    @router.get("/groups")
    async def groups(
        threshold: _Threshold = None,
        communities: bool = False,
        smallest: Annotated[int, Query(ge=1)] = 2,
        start: _Start = 0,
        limit: Annotated[int, Query(ge=1, le=most)] = 50,
        shown: Annotated[int, Query(ge=1, le=most, description="Pictures of each.")] = 50,
        model: _Model = None,
    ) -> shapes.Groups:
        """Pictures that hang together, the largest groups first."""
        found = await service.ask(
            lambda library: library.graph(model).groups(
                threshold, smallest=smallest, communities=communities
            )
        )
        return shapes.Groups.of(found, start, limit, shown)

    @router.get("/duplicates")
    async def duplicates(
        tier: Annotated[list[str], Query()] = ["identical", "same"],  # noqa: B006
        threshold: _Threshold = None,
        start: _Start = 0,
        limit: Annotated[int, Query(ge=1, le=most)] = 50,
        model: _Model = None,
    ) -> shapes.DuplicatesFound:
        """Pictures that are there more than once, with the file to keep. Nothing is moved."""
        found = await service.ask(
            lambda library: library.duplicates(tiers=tier, threshold=threshold, model=model)
        )
        return shapes.DuplicatesFound.of(found, start, limit)

    return router
