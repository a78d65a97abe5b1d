"""What all screens stand in: the navigation, the style, and what is shown when something fails."""

from collections.abc import Callable

import streamlit as st

from lookgraph.errors import GraphNotFoundError, LibraryNotFoundError, LookgraphError
from lookgraph.interfaces.app.elements import element
from lookgraph.interfaces.app.screens import duplicates, graph, groups, library, map, search
from lookgraph.interfaces.app.screens.quiet import failed, no_graph, no_library
from lookgraph.interfaces.app.shared import shared
from lookgraph.pages.served import address_of

_SCREENS = (
    ("Search", "", search.show),
    ("Graph", "graph", graph.show),
    ("Map", "map", map.show),
    ("Groups", "groups", groups.show),
    ("Duplicates", "duplicates", duplicates.show),
    ("Library", "library", library.show),
)

_STYLE = """<style>
.stAppHeader { display: none; }
.stMainBlockContainer { padding: 4.1rem clamp(.9rem, 2.5vw, 2.5rem) 2rem; max-width: none; }
</style>"""


def show() -> None:
    """The screen that the address names, under the bar."""
    st.set_page_config("Lookgraph", layout="wide")
    st.html(_STYLE)
    screens = [
        st.Page(_guarded(screen), title=title, url_path=path or None, default=not path)
        for title, path, screen in _SCREENS
    ]
    chosen = st.navigation(screens, position="hidden")
    element("bar")(data=_bar(chosen.url_path), key="bar")
    chosen.run()


def _bar(here: str) -> dict[str, object]:
    """The way to all screens; which network's embeddings count stays as it is."""
    model = st.query_params.get("model")
    return {
        "home": address_of("/", model=model),
        "screens": [
            {"title": title, "address": address_of(f"/{path}", model=model), "isHere": path == here}
            for title, path, _ in _SCREENS
        ],
    }


def _guarded(screen: Callable[[], None]) -> Callable[[], None]:
    """A screen that tells what failed in a sentence."""

    def show() -> None:
        try:
            screen()
        except LibraryNotFoundError:
            no_library(shared())
        except GraphNotFoundError:
            no_graph(shared())
        except LookgraphError as error:
            failed(error)

    return show
