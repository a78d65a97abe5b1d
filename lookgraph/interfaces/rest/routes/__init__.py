"""The routes of the service, each about one thing."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import APIRouter

from lookgraph.interfaces.rest.routes import graph, health, images, jobs, search, verdicts

if TYPE_CHECKING:
    from lookgraph.interfaces.rest.service import Service

MADE: "tuple[Callable[[Service], APIRouter], ...]" = (
    search.routes, images.routes, graph.routes, verdicts.routes, jobs.routes,
    health.routes,
)  # fmt: skip
