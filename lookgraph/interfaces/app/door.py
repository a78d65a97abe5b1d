"""What stands before the app: who may come in, and how much they may bring."""

import hmac
import re
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookgraph.interfaces.rest.settings import SAFE, Settings

_COOKIE = "lookgraph"
_OPEN = "/_stcore/health"
"""It tells that the app runs, and nothing else."""
_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'self'; "
    "base-uri 'self'; form-action 'self'"
)
"""Streamlit's scripts need much, but no other host (CSP Level 3)."""

_REFUSED = """<!doctype html><html lang="en"><title>Lookgraph</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<body style="font:16px/1.5 system-ui;max-width:34rem;margin:15vh auto;padding:0 1.5rem">
<h1 style="font-size:1.3rem">{title}</h1><p>{words}</p>"""


class Door:
    """ASGI middleware (ASGI 3.0) around the app, its web sockets too."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Nobody has come yet.

        Args:
            app: what is behind it.
            settings: of it: hosts, the token and the size of what is sent count here.
        """
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let a web socket in."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is None:
            body = _Body(receive, self._settings.limits.upload_bytes)
            await self._app(scope, body, _Answer(send))
        elif scope["type"] == "http":
            await refused(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Scope) -> Response | None:
        """What is said to who may not come in; None to who may."""
        headers, settings = Headers(scope=scope), self._settings
        host = headers.get("host", "")
        if not settings.is_called(host):
            return _told(403, "Not here", f"Lookgraph is not called {_name(host)}.")
        origin = headers.get("origin", "")
        is_safe = scope["type"] == "http" and scope["method"] in SAFE
        if origin and not is_safe and origin.partition("://")[2] != host:
            return _told(403, "Not from there", "Other pages may not ask.")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > settings.limits.upload_bytes:
            return _told(413, "Too large", "That is more than one request may bring.")
        if settings.token is None or scope["path"] == _OPEN:
            return None
        return self._check(scope, headers, settings.token)

    def _check(self, scope: Scope, headers: Headers, token: str) -> Response | None:
        """Who comes with the token gets a cookie, and an address that can be shown to others."""
        if _is(_cookie(headers), token):
            return None
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if scope["type"] == "http" and any(key == "token" and _is(to, token) for key, to in asked):
            rest = urlencode([(key, to) for key, to in asked if key != "token"])
            answer = RedirectResponse(
                f"/{scope['path'].lstrip('/')}" + f"?{rest}" * bool(rest), 303
            )
            answer.set_cookie(_COOKIE, token, httponly=True, samesite="strict",
                              secure=scope.get("scheme") == "https")  # fmt: skip
            return answer
        return _told(
            401, "Who is there?", "Ask who started Lookgraph for the address with its token: "
            "it ends in ?token=…",
        )  # fmt: skip


class _Answer:
    """Sends an answer; a page that says nothing of other hosts may not ask any."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", _POLICY)
            headers.setdefault("Referrer-Policy", "same-origin")
            headers.setdefault("X-Content-Type-Options", "nosniff")
        await self._send(message)


class _Body:
    """What is sent, as it arrives, no more than is allowed."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._left = receive, most

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise HTTPException(413)
        return message


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _is(told: str, token: str) -> bool:
    return hmac.compare_digest(told.encode(), token.encode())


def _name(host: str) -> str:
    return re.sub(r"[^\w.:\[\]-]", "", host)[:100] or "nothing"


def _told(status: int, title: str, words: str) -> Response:
    return HTMLResponse(_REFUSED.format(title=title, words=words), status)
