"""What stands before all routes: who may ask, how much, how many at once, and for how long."""

import hmac
from collections import Counter
from collections.abc import Iterable

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookgraph.interfaces.rest.problems import MEDIA_TYPE, ProblemError, body_of
from lookgraph.interfaces.rest.settings import SAFE, Settings

OPEN = frozenset({"/v1/health", "/v1/ready"})
"""Paths that tell nothing of the library, and need no token."""

_EVENTS = "/events"
"""How the paths of streams end, which take as long as they take."""

_LINGER_SECONDS = 1.0
"""What still comes after the answer is thrown away for so long, and then the connection is closed.
To hang up at once on who is sending would lose the answer."""


class Guard:
    """ASGI middleware (ASGI 3.0) around the service."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Nobody has asked yet.

        Args:
            app: the service.
            settings: of it.
        """
        self._app = app
        self._settings = settings
        self._asking: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, scope, self._settings.limits.upload_bytes)
        answering = _Answering(send, body)
        try:
            self._admit(scope)
            body.check()
            if scope["path"] in OPEN:
                await self._app(scope, body, answering)
            else:
                await self._in_turn(scope, body, answering)
        except ProblemError as error:
            if answering.begun:
                raise
            await _refuse(error, answering)

    def _admit(self, scope: Scope) -> None:
        """Refuse who may not ask."""
        headers = _Headers(scope["headers"])
        settings = self._settings
        host = headers.one(b"host")
        if not settings.is_called(host):
            raise ProblemError(403, f"The service is not called {host or 'nothing'}.", "host")
        if settings.token is None:
            origin, own = headers.one(b"origin"), f"{scope.get('scheme', 'http')}://{host}"
            if origin and scope["method"] not in SAFE and origin not in (own, *settings.origins):
                raise ProblemError(403, f"Pages of {origin} may not ask.", "origin")
            return
        if scope["path"] in OPEN:
            return
        kind, _, told = headers.one(b"authorization").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(
            told.strip().encode("latin-1"), settings.token.encode()
        ):
            raise ProblemError(401, "Send the service's token: Authorization: Bearer TOKEN")

    async def _in_turn(self, scope: Scope, body: "_Body", send: "_Answering") -> None:
        limits = self._settings.limits
        client = (scope.get("client") or ("", 0))[0]
        if self._asking.total() >= limits.at_once:
            raise ProblemError(503, "Too many are asking at once. Ask again soon.", retry_after=1)
        if self._asking[client] >= limits.of_one:
            raise ProblemError(429, f"Ask at most {limits.of_one} at once.", retry_after=1)
        self._asking[client] += 1
        try:
            await self._in_time(scope, body, send)
        finally:
            self._asking[client] -= 1
            if not self._asking[client]:
                del self._asking[client]

    async def _in_time(self, scope: Scope, body: "_Body", send: "_Answering") -> None:
        if scope["path"].endswith(_EVENTS):
            await self._app(scope, body, send)
            return

        async def told(message: Message) -> None:
            if body.refusal is None:
                await send(message)

        with anyio.move_on_after(self._settings.limits.seconds) as patience:
            await self._app(scope, body, told)
        if body.refusal is not None:
            raise body.refusal
        if patience.cancelled_caught and not send.begun:
            seconds = f"{self._settings.limits.seconds:g} seconds"
            if body.is_awaited:
                raise ProblemError(408, f"The request did not arrive within {seconds}.")
            raise ProblemError(503, f"The answer takes longer than {seconds}.", retry_after=5)


class _Body:
    """A request's body as it arrives, no longer than is allowed.

    Attributes:
        is_whole: whether all of it has come.
        is_awaited: whether more of it is waited for.
        refusal: what is to be answered, whatever else is said; None while it is not too long.
    """

    def __init__(self, receive: Receive, scope: Scope, most: int) -> None:
        self._receive = receive
        self._most = most
        self._arrived = 0
        headers = _Headers(scope["headers"])
        self._told = headers.one(b"content-length")
        self.is_whole = self._told in ("", "0") and not headers.one(b"transfer-encoding")
        self.is_awaited = False
        self.refusal: ProblemError | None = None

    def check(self) -> None:
        """Refuse what is said to be too long."""
        told = self._told
        if told.isascii() and told.isdigit() and int(told) > self._most:
            raise self._too_large()

    async def __call__(self) -> Message:
        self.is_awaited = True
        message = await self._receive()
        self.is_awaited = False
        if message["type"] == "http.request":
            self._arrived += len(message.get("body", b""))
            self.is_whole = not message.get("more_body")
            if self._arrived > self._most:
                self.refusal = self._too_large()
                raise self.refusal
        return message

    async def let_go(self) -> None:
        """Throw away what comes, but not for long."""
        with anyio.move_on_after(_LINGER_SECONDS):
            while (await self._receive()).get("more_body"):
                pass

    def _too_large(self) -> ProblemError:
        return ProblemError(413, f"A request may have at most {self._most:,} bytes.")


class _Answering:
    """Sends an answer, and knows whether one has begun. Afterwards nobody reads a body to its end.

    A server would take and drop what still comes of it, for as long as somebody sends.
    """

    def __init__(self, send: Send, body: _Body) -> None:
        self._send = send
        self._body = body
        self._hangs_up = False
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if not self.begun:
            self.begun, self._hangs_up = True, not self._body.is_whole
        if not self._hangs_up:
            await self._send(message)
        elif message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"connection", b"close")]
            await self._send({**message, "headers": headers})
        else:
            await self._send({**message, "more_body": True})
            if not message.get("more_body"):
                await self._body.let_go()
                await self._send({"type": "http.response.body", "body": b""})


class _Headers:
    """A request's headers."""

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._headers = headers

    def one(self, name: bytes) -> str:
        """The first of this name; empty if there is none."""
        found = (value for key, value in self._headers if key == name)
        return next(found, b"").decode("latin-1")


async def _refuse(error: ProblemError, send: Send) -> None:
    body = body_of(error.problem)
    told = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **(error.headers or {})}
    headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": error.problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
