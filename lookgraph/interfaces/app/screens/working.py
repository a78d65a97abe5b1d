"""How far a job is, and a begin for one."""

import streamlit as st

from lookgraph.errors import LookgraphError
from lookgraph.interfaces.app.elements import element
from lookgraph.interfaces.app.shared import Shared, shared
from lookgraph.interfaces.jobs import BusyError, Job, Step
from lookgraph.pages.frame import showable

_LOOK_SECONDS = 0.5


def begin(steps: tuple[Step, ...], model: str | None = None) -> None:
    """Begin a job; if one is running, that one is shown."""
    try:
        shared().jobs.start(model, steps)
    except BusyError:
        return


def working(here: Shared) -> bool:
    """Show how far the running job is, until it is over.

    Args:
        here: whose jobs.

    Returns:
        whether there is one.
    """
    if here.jobs.running() is None:
        return False
    _progress()
    return True


@st.fragment(run_every=_LOOK_SECONDS)
def _progress() -> None:
    job = shared().jobs.running()
    if job is None:
        st.rerun()
    element("progress")(data=_facts(job), key="progress")


def _facts(job: Job) -> dict[str, object]:
    return {
        "title": "Indexing" if job.step is Step.INDEX else "Making the graph",
        "done": job.done,
        "total": job.total,
        "told": _told(job),
    }


def _told(job: Job) -> str:
    if not job.total:
        return "Looking at what is there …"
    if job.step is Step.GRAPH:
        return f"{job.done} %"
    return f"{job.done:,} of {job.total:,} files, {job.embedded:,} embedded"


def error_of(job: Job) -> str | None:
    """Why a job failed, for people; None if it did not."""
    return showable(str(job.error)) if isinstance(job.error, LookgraphError) else None
