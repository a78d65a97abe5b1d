"""Indexing, and how far it is."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import anyio
from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from lookgraph.indexing import IndexReport
from lookgraph.interfaces.jobs import BusyError, Job, JobState
from lookgraph.interfaces.rest.problems import Problem, ProblemError, problem_of
from lookgraph.interfaces.rest.routes.router import router as new_router

if TYPE_CHECKING:
    from lookgraph.interfaces.rest.service import Service

_LOOK_SECONDS = 0.25
_ALIVE_SECONDS = 15.0
"""A stream that says nothing for longer is taken for dead by what is in between."""

_JobId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", examples=["0f1e2d3c4b5a6978"])]


class Wanted(BaseModel):
    """What is to be indexed: always the library's own folder."""

    model: str | None = Field(None, description="The network; none for those of the library.")


class Report(BaseModel):
    """What indexing did, in files."""

    embedded: int
    recognised: int
    unchanged: int
    forgotten: int
    skipped: int
    seconds: float

    @staticmethod
    def of(report: IndexReport) -> "Report":
        """The library's."""
        return Report(
            embedded=report.embedded,
            recognised=report.recognised,
            unchanged=report.unchanged,
            forgotten=report.forgotten,
            skipped=report.skipped,
            seconds=round(report.seconds, 3),
        )


class JobFacts(BaseModel):
    """A run of indexing."""

    id: str
    state: str = Field(examples=["running"])
    done: int
    total: int
    embedded: int
    report: Report | None = None
    problem: Problem | None = None

    @staticmethod
    def of(job: Job) -> "JobFacts":
        """A job as it is now."""
        return JobFacts(
            id=job.id,
            state=job.state.value,
            done=job.done,
            total=job.total,
            embedded=job.embedded,
            report=Report.of(job.report) if job.report else None,
            problem=problem_of(job.error) if job.error else None,
        )


class JobList(BaseModel):
    """Runs of indexing, the newest first."""

    jobs: list[JobFacts]


def routes(service: "Service") -> APIRouter:
    """Those of jobs."""
    router = new_router("jobs")
    jobs = service.jobs

    def found(id_: str) -> Job:
        job = jobs.get(id_)
        if job is None:
            raise ProblemError(404, f"There is no job {id_}.")
        return job

    @router.post("/jobs", status_code=202)
    async def start(wanted: Wanted) -> JobFacts:
        """Bring the library in step with its folder."""
        try:
            return JobFacts.of(jobs.start(wanted.model))
        except BusyError as error:
            raise ProblemError(409, str(error), "busy", retry_after=5) from error

    @router.get("/jobs")
    async def listed() -> JobList:
        """The last jobs."""
        return JobList(jobs=[JobFacts.of(job) for job in jobs.all()])

    @router.get("/jobs/{job}")
    async def one(job: _JobId) -> JobFacts:
        """How far a job is."""
        return JobFacts.of(found(job))

    @router.get(
        "/jobs/{job}/events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def events(job: _JobId) -> StreamingResponse:
        """How far a job is, as it goes on: server-sent events, until it is over."""
        found(job)
        return StreamingResponse(
            _told(service, job),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return router


async def _told(service: "Service", id_: str) -> AsyncIterator[str]:
    """A line for each change (WHATWG HTML, section 9.2), and one now and then without any."""
    last, silent = None, 0.0
    while (job := service.jobs.get(id_)) is not None:
        if job != last:
            yield f"event: {job.state.value}\ndata: {JobFacts.of(job).model_dump_json()}\n\n"
            last, silent = job, 0.0
        elif silent >= _ALIVE_SECONDS:
            yield ": still there\n\n"
            silent = 0.0
        if job.state is not JobState.RUNNING:
            return
        await anyio.sleep(_LOOK_SECONDS)
        silent += _LOOK_SECONDS
