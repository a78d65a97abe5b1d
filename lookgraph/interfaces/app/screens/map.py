"""Map: all pictures in the plane, like beside like."""

import streamlit as st

from lookgraph.errors import GraphNotFoundError
from lookgraph.interfaces.app.elements import element
from lookgraph.interfaces.app.shared import shared
from lookgraph.pages.served import address_of

_CARRIED = ("picture", "from")


def show() -> None:
    """Show it."""
    asked, library = st.query_params, shared().library
    model = asked.get("model")
    status = library.graph(model).status()
    if status is None:
        raise GraphNotFoundError(library.space(model).name)
    wanted = {name: asked[name] for name in _CARRIED if name in asked}
    element("document")(
        data={
            "address": address_of("/documents/map", wanted, model=model),
            "title": "Map",
            "waiting": f"Laying out {status.pictures:,} pictures …",
        },
        key="map",
    )
