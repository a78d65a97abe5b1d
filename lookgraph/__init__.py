"""Find look-alike images, and the graph that connects them.

::

    from lookgraph import Library

    library = Library.open("photos")
    library.index()
    library.search("dress.jpg", k=5)
"""

from typing import TYPE_CHECKING, Any

from lookgraph.errors import LookgraphError

if TYPE_CHECKING:
    from lookgraph.indexing import IndexReport, Progress
    from lookgraph.interfaces.client import Client
    from lookgraph.library import Library
    from lookgraph.results import Hits
    from lookgraph.types import Hit, Selection

__version__ = "0.1.0"

__all__ = [
    "Client",
    "Hit",
    "Hits",
    "IndexReport",
    "Library",
    "LookgraphError",
    "Progress",
    "Selection",
    "__version__",
]

_HOMES = {
    "Client": "lookgraph.interfaces.client",
    "Hit": "lookgraph.types",
    "Hits": "lookgraph.results",
    "IndexReport": "lookgraph.indexing",
    "Library": "lookgraph.library",
    "Progress": "lookgraph.indexing",
    "Selection": "lookgraph.types",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that ``import lookgraph`` stays light."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
