"""What is shown where there is nothing to show: what is missing, and the one thing to do."""

from collections.abc import Callable

import streamlit as st

from lookgraph.errors import LookgraphError
from lookgraph.interfaces.app.elements import element
from lookgraph.interfaces.app.screens.working import begin, working
from lookgraph.interfaces.app.shared import Shared
from lookgraph.interfaces.jobs import Step
from lookgraph.pages.frame import showable


def no_library(here: Shared) -> None:
    """There is no library yet, or it has no picture."""
    if working(here):
        return
    if here.library.store.exists():
        title, act = "No picture is indexed yet", "Look again"
        words = (
            f"The library of {here.library.root} holds none. Put pictures there, then look again."
        )
    else:
        title, act = "Let us begin", "Index this folder"
        words = (
            f"{here.library.root} has no library yet. Indexing looks at every picture once, and "
            "keeps what it finds in the folder .lookgraph in there; the pictures stay as they are."
        )
    _quiet(title, words, act, lambda: begin((Step.INDEX, Step.GRAPH)))


def no_graph(here: Shared) -> None:
    """There is a library, but no graph of it."""
    if working(here):
        return
    model = st.query_params.get("model")
    _quiet(
        "There is no graph yet",
        "The graph connects each picture with those that look most like it. It takes a moment to "
        "make, and follows the library from then on.",
        "Make the graph",
        lambda: begin((Step.GRAPH,), model),
    )


def failed(error: LookgraphError) -> None:
    """It did not work, and why."""
    _quiet("That did not work", str(error))


def _quiet(
    title: str, words: str, act: str | None = None, begins: Callable[[], None] = lambda: None
) -> None:
    data = {"title": title, "words": showable(words), "act": act}
    element("quiet")(data=data, key="quiet", on_begin_change=begins)
