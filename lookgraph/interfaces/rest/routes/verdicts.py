"""What people say of pairs of pictures."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path

from lookgraph.interfaces.rest import shapes
from lookgraph.interfaces.rest.routes.router import router as new_router
from lookgraph.interfaces.rest.shapes import Id
from lookgraph.queries import PictureId

if TYPE_CHECKING:
    from lookgraph.interfaces.rest.service import Service
    from lookgraph.library import Library
    from lookgraph.types import Verdict


def routes(service: "Service") -> APIRouter:
    """Those of verdicts."""
    router = new_router("verdicts")

    @router.get("/verdicts")
    async def verdicts() -> shapes.Verdicts:
        """All of them, the newest first."""
        return shapes.Verdicts.of(await service.ask(lambda library: library.verdicts()))

    @router.put("/verdicts")
    async def say(said: shapes.Said) -> shapes.Verdict:
        """Keep that two pictures show the same, or do not, in place of what was said before."""
        return shapes.Verdict.of(await service.ask(lambda library: _say(library, said)))

    @router.delete("/verdicts/{first}/{second}")
    async def withdraw(
        first: Annotated[Id, Path()], second: Annotated[Id, Path()]
    ) -> shapes.Verdict:
        """Forget what was said of two pictures."""
        forgotten = await service.ask(
            lambda library: library.withdraw(PictureId(first), PictureId(second))
        )
        return shapes.Verdict.of(forgotten)

    return router


def _say(library: "Library", said: shapes.Said) -> "Verdict":
    say = library.same if said.kind == "same" else library.different
    return say(PictureId(said.first), PictureId(said.second))
