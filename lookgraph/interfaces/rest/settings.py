"""What a service is told when it is started."""

import re
from dataclasses import dataclass, field

OF_PICTURES = {
    "Cache-Control": "private, max-age=31536000, immutable",  # an id is that of the bytes
    "Content-Security-Policy": "sandbox",  # somebody's file is a picture to a browser, no more
    "X-Content-Type-Options": "nosniff",
}
"""The headers of answers that are a picture of an id."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""

_PORT = re.compile(r":\d*\Z")

OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")
"""What a machine calls itself."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request, and all of them together, may ask for.

    Attributes:
        upload_bytes: of one request's body.
        pictures: in one question.
        k: hits of one search; also pictures of one page or neighbourhood.
        at_once: requests that are answered at the same time; more are told to come again.
        of_one: of them, those of one client.
        seconds: that an answer may take, and that a body may take to arrive.
    """

    upload_bytes: int = 32 * 2**20
    pictures: int = 16
    k: int = 1000
    at_once: int = 64
    of_one: int = 32
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How a library is served.

    Attributes:
        token: what every request but those for health has to bring; None for nothing.
        hosts: the names that the service may be asked by; empty for any. Without a token it is
            asked by its own machine alone, also if somebody's page in a browser there tries.
        originals: whether whole files are given out, and not thumbnails alone.
        origins: web pages of other hosts that may ask from a browser.
        limits: of requests.
    """

    token: str | None = None
    hosts: tuple[str, ...] = OWN_NAMES
    originals: bool = False
    origins: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def is_called(self, host: str) -> bool:
        """Whether the service may be asked by this name, as the header Host has it."""
        return not self.hosts or _PORT.sub("", host) in self.hosts
