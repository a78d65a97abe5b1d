"""The app as one ASGI application: Streamlit's pages, and the pictures that they show."""

import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path

import anyio.to_thread
from starlette.types import ASGIApp
from streamlit import config
from streamlit.web.server.starlette import App

from lookgraph.errors import LookgraphError
from lookgraph.ingest.decode import Decodes, thumbnail
from lookgraph.interfaces.app.assets import Assets
from lookgraph.interfaces.app.documents import Documents
from lookgraph.interfaces.app.door import Door
from lookgraph.interfaces.app.review.reviews import Reviews
from lookgraph.interfaces.app.routes import routes
from lookgraph.interfaces.app.shared import Shared, share
from lookgraph.interfaces.app.uploads import Uploads
from lookgraph.interfaces.jobs import Jobs
from lookgraph.interfaces.rest.settings import Settings
from lookgraph.library import Library

_PATIENCE_SECONDS = 10.0
"""An app that is ended while it still gets ready waits so long for that."""

_OPTIONS = {
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    # The door has looked at origins. To do it again, Streamlit would ask another host for this
    # machine's address.
    "server.enableCORS": False,
    "server.enableXsrfProtection": False,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "theme.font": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    "theme.baseRadius": "10px",
    "theme.light.primaryColor": "#0e7468",
    "theme.light.backgroundColor": "#f6f5f2",
    "theme.light.secondaryBackgroundColor": "#ffffff",
    "theme.light.textColor": "#1d1f23",
    "theme.light.borderColor": "#e2e0da",
    "theme.dark.primaryColor": "#52c7b8",
    "theme.dark.backgroundColor": "#131416",
    "theme.dark.secondaryBackgroundColor": "#1c1e21",
    "theme.dark.textColor": "#ececee",
    "theme.dark.borderColor": "#2d3035",
}
"""Streamlit's settings, whatever file of them lies about; the colours are those of `pages`."""


def make_app(library: Library, decoder: Decodes, settings: Settings) -> ASGIApp:
    """The app as an ASGI application. A process can have one.

    Args:
        library: to be shown; closed when the application ends.
        decoder: decodes pictures that people ask with.
        settings: who may look, and what may be sent.
    """
    for name, value in _OPTIONS.items():
        config.set_option(name, value)
    shared = Shared(
        library,
        Jobs(library),
        Uploads(),
        decoder,
        Reviews(library, may_choose=settings.token is None),
    )
    share(shared)

    @asynccontextmanager
    async def lifespan(_app: App) -> AsyncIterator[None]:
        getting_ready = threading.Thread(target=_get_ready, args=(library,), daemon=True)
        getting_ready.start()
        try:
            yield
        finally:
            # A process that ends while a thread is inside ONNX Runtime is aborted.
            await anyio.to_thread.run_sync(getting_ready.join, _PATIENCE_SECONDS)
            await anyio.to_thread.run_sync(shared.jobs.stop)
            await anyio.to_thread.run_sync(shared.reviews.stop)
            library.close()

    app = App(
        Path(__file__).with_name("main.py"),
        routes=[*routes(shared), *Documents(library).routes],
        lifespan=lifespan,
    )
    return Door(Assets(app), settings)


def _get_ready(library: Library) -> None:
    """Do what would otherwise keep the first who looks, or who asks with a picture, waiting."""
    # Streamlit imports the one with the first component, which takes a second, and the other when
    # it first runs `main`.
    import_module("pandas")
    import_module("lookgraph.interfaces.app.frame")
    # Whenever a screen has been made, Streamlit has all garbage collected: it need not be looked
    # for among a hundred thousand objects that are there to stay.
    gc.collect()
    gc.freeze()
    with suppress(LookgraphError):  # who asks is told
        library.embed(_any_picture())  # starts a decoder, and opens the network


def _any_picture() -> bytes:
    from PIL import Image

    return thumbnail(Image.new("RGB", (8, 8)), 8)
