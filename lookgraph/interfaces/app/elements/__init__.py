"""What screens are made of: components whose scripts run in the browser.

Each has its own script and style beside this file. A script gets data and draws it, the same every
time; what people do there leads to another address (`go` in ``common.js``), which the screens read,
or, where something is to be done, is told to the screen as a trigger.
"""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import streamlit as st

from lookgraph.pages.frame import source

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


@cache
def element(name: str, *parts: str) -> "ComponentRenderer":
    """The component of a name: ``NAME.js`` and ``NAME.css``, after what all have in common.

    Args:
        name: of the component.
        parts: of further scripts that it is made of.
    """
    scripts = ("common", *parts, name)
    return st.components.v2.component(
        f"lookgraph.{name}",
        html='<div class="root"></div>',
        css=_source("common.css") + _source(f"{name}.css"),
        js=source("dom.js") + "".join(_source(f"{script}.js") for script in scripts),
    )


def _source(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
