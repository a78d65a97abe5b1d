"""What a service counts, for Prometheus."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The numbers of one service."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "lookgraph_requests", "Requests that were answered.", ["route", "status"],
            registry=self._registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "lookgraph_request_seconds", "How long answers took.", ["route"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self.asking = Gauge(
            "lookgraph_requests_in_progress", "Requests that are being answered.",
            registry=self._registry,
        )  # fmt: skip

    def text(self) -> bytes:
        """All of them, in the text format of Prometheus."""
        return generate_latest(self._registry)


class Counted:
    """ASGI middleware that counts what is answered, the refused too."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Nothing is counted yet.

        Args:
            app: the service, with its guard.
            metrics: where it is counted.
        """
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._metrics.asking.track_inprogress():
            try:
                await self._app(scope, receive, told)
            finally:
                # Routes and not paths: these are somebody's to make up.
                route = getattr(scope.get("route"), "path", "none")
                self._metrics.requests.labels(route, str(status)).inc()
                self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
