"""Library: what is indexed, what was left out and why, and indexing it again."""

from itertools import islice

import streamlit as st

from lookgraph.errors import LibraryNotFoundError
from lookgraph.interfaces.app.elements import element
from lookgraph.interfaces.app.screens.working import begin, error_of, working
from lookgraph.interfaces.app.shared import Shared, shared
from lookgraph.interfaces.jobs import Job, JobState, Step
from lookgraph.models.registry import MODELS
from lookgraph.models.weights import is_ready
from lookgraph.pages.frame import showable
from lookgraph.stores.base import SpaceStatus
from lookgraph.types import IndexKind

_LISTED = 500
"""Files that were left out; a longer list is for the command line."""


def show() -> None:
    """What the library holds."""
    here = shared()
    if not here.library.store.exists():
        raise LibraryNotFoundError(f"There is no library in {here.library.root}.")
    working(here)
    element("library")(
        data=_facts(here), key="library", on_index_change=_index, on_graph_change=_graph
    )


def _index() -> None:
    model = st.session_state["library"].index
    begin((Step.INDEX,), None if model in (None, "", "all") else str(model))


def _graph() -> None:
    begin((Step.GRAPH,), str(st.session_state["library"].graph))


def _facts(here: Shared) -> dict[str, object]:
    library, status = here.library, here.library.status()
    held = {one.space.model for one in status.spaces}
    return {
        "root": showable(str(library.root)),
        "place": showable(library.store.place),
        "pictures": status.pictures,
        "files": status.files,
        "skipped": status.skipped,
        "other": status.other,
        "bytes": status.bytes,
        "spaces": [_space(one) for one in status.spaces],
        "models": [
            {"name": model.name, "summary": model.summary, "isReady": is_ready(model)}
            for model in MODELS
            if model.name not in held
        ],
        "left": [
            {"path": showable(entry.path), "reason": showable(entry.skip.reason)}
            for entry in islice(library.skipped(), _LISTED)
            if entry.skip
        ],
        "isBusy": here.jobs.running() is not None,
        "last": next((_last(job) for job in here.jobs.all()), None),
    }


def _space(one: SpaceStatus) -> dict[str, object]:
    graph = one.graph
    return {
        "name": one.space.name,
        "pictures": one.pictures,
        "dimension": one.space.dimension,
        "metric": str(one.space.metric),
        "searched": "by comparing everything"
        if one.index.kind is IndexKind.EXACT
        else f"by an index ({one.index.kind})",
        "graph": None
        if graph is None
        else {"edges": graph.edges, "behind": graph.behind, "fault": graph.fault},
    }


def _last(job: Job) -> dict[str, object]:
    """How the last job went."""
    report = job.report
    if job.state is JobState.FAILED:
        return {"told": error_of(job), "isWrong": True}
    if job.state is JobState.RUNNING:
        return {"told": "", "isWrong": False}
    if report is None:
        return {"told": "The graph is made.", "isWrong": False}
    parts = [
        f"{report.embedded:,} embedded",
        f"{report.recognised:,} recognised",
        f"{report.unchanged:,} unchanged",
        f"{report.forgotten:,} gone",
        f"{report.skipped:,} left out",
    ]
    return {"told": f"Indexed: {', '.join(parts)}, in {report.seconds:,.1f} s.", "isWrong": False}
