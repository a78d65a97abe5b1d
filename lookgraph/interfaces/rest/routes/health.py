"""How the service is, and what the library holds."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from pydantic import BaseModel

from lookgraph.errors import LookgraphError
from lookgraph.interfaces.rest import shapes
from lookgraph.interfaces.rest.problems import ProblemError
from lookgraph.interfaces.rest.routes.router import router as new_router

if TYPE_CHECKING:
    from lookgraph.interfaces.rest.service import Service


class Health(BaseModel):
    """That the service is there."""

    status: str = "ok"


def routes(service: "Service") -> APIRouter:
    """Those of the service."""
    router = new_router("service")

    @router.get("/health")
    async def health() -> Health:
        """Whether the process answers."""
        return Health()

    @router.get("/ready")
    async def ready() -> Health:
        """Whether the library can be searched."""
        try:
            await service.ask(lambda library: library.space())
        except LookgraphError as error:
            raise ProblemError(503, str(error), "not-ready", retry_after=5) from error
        return Health()

    @router.get("/status")
    async def status() -> shapes.Status:
        """What the library holds."""
        return shapes.Status.of(await service.ask(lambda library: library.status()))

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Numbers for Prometheus."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    return router
