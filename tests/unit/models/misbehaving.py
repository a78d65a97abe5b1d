"""A web server that does what it is told to, well or badly."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

Turn: TypeAlias = Callable[["Handler"], None]
"""How one request is answered."""


@dataclass
class Server:
    """What it has, and what happened.

    Attributes:
        content: the file that it serves under every path.
        tag: the file's ETag; empty for none.
        turns: how the next requests are answered; those after that are answered well.
        always: how those after that are answered instead.
        ranges: the Range of each request so far; empty for none.
        released: lets go of answers that stall.
    """

    content: bytes
    tag: str = '"one"'
    turns: list[Turn] = field(default_factory=list)
    always: Turn | None = None
    ranges: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def url(self, name: str = "w.pth") -> str:
        return f"http://127.0.0.1:{self.port}/{name}"


class Handler(BaseHTTPRequestHandler):
    """One request to `shared`."""

    shared: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.shared
        server.ranges.append(self.headers.get("Range", ""))
        server.paths.append(self.path)
        turn = server.turns.pop(0) if server.turns else server.always or well
        self.close_connection = True
        with suppress(ConnectionError):
            turn(self)

    def head(self, code: int, **headers: object) -> None:
        self.send_response(code)
        if self.shared.tag:
            self.send_header("ETag", self.shared.tag)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()

    def begin(self) -> bytes:
        """Answer with the head; what is to follow, by what the client asks for (RFC 9110, 14)."""
        content, asked = self.shared.content, self.headers.get("Range")
        if asked is None or self.headers.get("If-Range", self.shared.tag) != self.shared.tag:
            self.head(200, Content_Length=len(content))
            return content
        match = re.fullmatch(r"bytes=(\d+)-", asked)
        assert match
        start = int(match[1])
        if start >= len(content):
            self.head(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
            return b""
        self.head(
            206,
            Content_Range=f"bytes {start}-{len(content) - 1}/{len(content)}",
            Content_Length=len(content) - start,
        )
        return content[start:]

    def log_message(self, format: str, *args: object) -> None:
        pass


def well(handler: Handler) -> None:
    handler.wfile.write(handler.begin())


def cut(count: int) -> Turn:
    """Close the connection after so many bytes."""

    def turn(handler: Handler) -> None:
        handler.wfile.write(handler.begin()[:count])

    return turn


def stall(count: int) -> Turn:
    """Send nothing more after so many bytes, and keep the connection."""

    def turn(handler: Handler) -> None:
        handler.wfile.write(handler.begin()[:count])
        handler.wfile.flush()
        handler.shared.released.wait(30)

    return turn


def silent(handler: Handler) -> None:
    """Close the connection without an answer."""


def answer(code: int, **headers: object) -> Turn:
    def turn(handler: Handler) -> None:
        handler.head(code, Content_Length=0, **headers)

    return turn


def whole(handler: Handler) -> None:
    """Know nothing of ranges."""
    handler.head(200, Content_Length=len(handler.shared.content))
    handler.wfile.write(handler.shared.content)


def whole_but_cut(count: int) -> Turn:
    def turn(handler: Handler) -> None:
        handler.head(200, Content_Length=len(handler.shared.content))
        handler.wfile.write(handler.shared.content[:count])

    return turn


def with_range(text: str) -> Turn:
    """Answer with a part, and say of it what is not so."""

    def turn(handler: Handler) -> None:
        handler.head(206, Content_Range=text, Content_Length=len(handler.shared.content))
        handler.wfile.write(handler.shared.content)

    return turn


def without_length(handler: Handler) -> None:
    """The end of the connection is the end of the file."""
    handler.head(200)
    handler.wfile.write(handler.shared.content)


def chunked(count: int) -> Turn:
    """In chunks, without an end after so many bytes."""

    def turn(handler: Handler) -> None:
        handler.head(200, Transfer_Encoding="chunked")
        content = handler.shared.content[:count]
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
        if count >= len(handler.shared.content):
            handler.wfile.write(b"0\r\n\r\n")

    return turn


def endless(handler: Handler) -> None:
    handler.head(200)
    while True:
        handler.wfile.write(bytes(1 << 16))


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Answer requests as long as the block runs."""
    handler = type("Ours", (Handler,), {"shared": server})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        server.port = httpd.server_port
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            httpd.shutdown()
            thread.join()
