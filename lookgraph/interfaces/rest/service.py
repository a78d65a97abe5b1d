"""A service of one library."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from lookgraph import __version__
from lookgraph.errors import LibraryLockedError, LookgraphError
from lookgraph.interfaces.jobs import Jobs
from lookgraph.interfaces.rest.guard import Guard
from lookgraph.interfaces.rest.metrics import Counted, Metrics
from lookgraph.interfaces.rest.problems import (
    MEDIA_TYPE,
    Problem,
    ProblemError,
    body_of,
    problem,
    problem_of,
)
from lookgraph.interfaces.rest.searchers import Searchers
from lookgraph.interfaces.rest.settings import Settings
from lookgraph.library import Library

_T = TypeVar("_T")


class Service:
    """What routes answer from.

    Attributes:
        library: that is served.
        settings: how.
        metrics: what is counted.
        searchers: who is asked first; None if there are none.
        jobs: what takes longer than an answer.
    """

    def __init__(self, library: Library, settings: Settings, searchers: Searchers | None) -> None:
        """Nobody has asked yet.

        Args:
            library: to be served.
            settings: how.
            searchers: as above.
        """
        self.library = library
        self.settings = settings
        self.searchers = searchers
        self.metrics = Metrics()
        self.jobs = Jobs(library)
        self._threads = ThreadPoolExecutor(settings.limits.at_once, "lookgraph-answer")
        self._working = threading.BoundedSemaphore(settings.limits.at_once)

    async def ask(self, question: Callable[[Library], _T]) -> _T:
        """Ask the library, in a thread. Who gives up waiting does not wait for the thread.

        Args:
            question: what is asked of it.

        Raises:
            ProblemError: too many threads are at work, perhaps for those who have given up.
        """
        if not self._working.acquire(blocking=False):
            raise ProblemError(503, "The library is busy. Ask again soon.", retry_after=5)
        answer = self._threads.submit(question, self.library)
        answer.add_done_callback(lambda _: self._working.release())
        return await asyncio.wrap_future(answer)


def make_service(
    library: Library, settings: Settings, searchers: Searchers | None = None
) -> ASGIApp:
    """The service as an ASGI application.

    Args:
        library: to be served; closed when the application ends.
        settings: how.
        searchers: who is asked first; None for the library alone.
    """
    from lookgraph.interfaces.rest import routes

    service = Service(library, settings, searchers)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(library.close)
            stack.push_async_callback(asyncio.to_thread, service.jobs.stop)
            if searchers:
                await stack.enter_async_context(searchers.running())
            yield

    app = FastAPI(
        title="Lookgraph",
        summary="Find look-alike images, and the graph that connects them.",
        version=__version__,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # its page loads scripts from another host
        redoc_url=None,
        lifespan=lifespan,
        responses={"default": {"model": Problem, "content": {MEDIA_TYPE: {}}}},
    )
    for made in routes.MADE:
        app.include_router(made(service))
    app.add_exception_handler(LookgraphError, _tell_error)
    app.add_exception_handler(HTTPException, _tell_http)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    return Counted(_for_pages(Guard(app, settings), settings), service.metrics)


def _for_pages(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Let browsers give answers to pages of other origins, where that was allowed."""
    if not settings.origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.origins,
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
    )


def _told(problem: Problem, headers: "dict[str, str] | None" = None) -> Response:
    return Response(body_of(problem), problem.status, headers, MEDIA_TYPE)


async def _tell_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, LookgraphError)
    told = problem_of(error)
    is_passing = told.status == 503 or isinstance(error, LibraryLockedError)
    return _told(told, {"Retry-After": "5"} if is_passing else None)


async def _tell_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if isinstance(error, ProblemError):
        return _told(error.problem, headers)
    return _told(problem(error.status_code, str(error.detail)), headers)


async def _tell_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(
        f"{'.'.join(str(part) for part in its['loc'])}: {its['msg']}" for its in error.errors()
    )
    return _told(problem(422, wrong, "invalid"))
