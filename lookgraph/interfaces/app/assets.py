"""Streamlit's own scripts, styles and fonts, answered at once."""

import mimetypes
from pathlib import Path

import streamlit
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX = "/static/"
_FOLDER = Path(streamlit.__file__).parent / "static" / "static"

_KINDS = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
"""What some machines have other names for, with which a browser would not run a script."""

_FOREVER = {"Cache-Control": "public, immutable, max-age=31536000"}
"""A name has a digest of what is in the file, as Streamlit's bundler gives it."""


class Assets:
    """ASGI middleware (ASGI 3.0) that answers for the files that a browser loads at first.

    There are some sixty. Where Starlette answers, each takes turns of several threads, and while
    one of them computes, each turn waits for it: a second goes by until the page stands.
    """

    def __init__(self, app: ASGIApp) -> None:
        """The files are listed, and read when they are asked for.

        Args:
            app: what answers for all else.
        """
        self._app = app
        self._files = {
            _PREFIX + file.relative_to(_FOLDER).as_posix(): file
            for file in _FOLDER.rglob("*")
            if file.is_file()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_get = scope["type"] == "http" and scope["method"] == "GET"
        file = self._files.get(scope["path"]) if is_get else None
        if file is None:
            await self._app(scope, receive, send)
            return
        # A read from a disk's cache takes less than handing it to a thread.
        kind = _KINDS.get(file.suffix) or mimetypes.guess_type(file)[0]
        answer = Response(file.read_bytes(), media_type=kind, headers=_FOREVER)
        await answer(scope, receive, send)
