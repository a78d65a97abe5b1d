"""Asks servers for files, or for the rest of one (HTTP: RFC 9110).

urllib takes proxies from the environment by itself: ``http_proxy``, ``https_proxy``, ``no_proxy``.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from lookgraph.errors import DownloadError

_CHUNK = 1 << 18
_SCHEMES = ("http", "https")
_PARTIAL, _NO_SUCH_RANGE, _PERMANENT = 206, 416, 308
_MAY_PASS = {408, 429}


class Passing(Exception):  # noqa: N818 - not an error yet: it is tried again
    """A trouble that may pass. It never leaves `downloads`.

    Attributes:
        wait: how many seconds the server asks for.
        answered: whether there was a server.
    """

    def __init__(self, what: str, wait: float = 0.0, answered: bool = True) -> None:
        super().__init__(what)
        self.wait = wait
        self.answered = answered


class NoRest(Passing):
    """There is no rest to the part that is here: it is of another file, or wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sends.

    Attributes:
        start: where its bytes belong in the file: where it was asked to start, or 0.
        total: the bytes of the whole file; None if the server does not say.
        validator: what tells this version of the file from others; empty if there is nothing.
        stream: what `read` reads.
    """

    start: int
    total: int | None
    validator: str
    stream: HTTPResponse

    def read(self) -> bytes:
        """The next bytes, as many as have come; none at the end.

        Raises:
            Passing: the connection is cut or stalls.
        """
        try:
            return self.stream.read1(_CHUNK)
        except (OSError, HTTPException) as error:
            raise Passing(f"the connection broke off ({_reason(error)})") from error


@contextmanager
def ask(url: str, timeout: float, start: int, validator: str) -> Iterator[Answer]:
    """Ask for a file from some byte on; a file that has changed comes from its beginning.

    Args:
        url: http or https.
        timeout: seconds to wait for a connection, and for each piece of the answer.
        start: the first byte to send.
        validator: `Answer.validator` of the answer that brought the bytes before.

    Raises:
        Passing: it may be there later.
        NoRest: it should be asked for from its beginning.
        DownloadError: the server refuses, or leads to where we do not go.
    """
    rest = {"Range": f"bytes={start}-", "If-Range": validator} if start else {}
    with _open(url, {"User-Agent": "lookgraph", **rest}, timeout) as stream:
        found = _validator(stream.headers)
        if stream.status != _PARTIAL:
            yield Answer(0, stream.length, found, stream)
            return
        said = stream.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", said.strip())
        if not match or int(match[1]) != start or found not in {"", validator}:
            raise NoRest(f"the server sent another part than was asked for ({said[:80]})")
        total = None if match[2] == "*" else int(match[2])
        yield Answer(start, total, validator, stream)


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to web servers, and never from a secure one to another."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        before, after = (urlsplit(url).scheme.lower() for url in (req.full_url, newurl))
        if after not in _SCHEMES or (before, after) == ("https", "http"):
            raise HTTPError(req.full_url, code, f"it leads to {newurl}", headers, fp)
        # Python 3.10 does not know of 308, which for us is the same as 307.
        code = 307 if code == _PERMANENT else code
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]

    http_error_308 = HTTPRedirectHandler.http_error_302


def _open(url: str, headers: dict[str, str], timeout: float) -> HTTPResponse:
    if urlsplit(url).scheme not in _SCHEMES:
        raise DownloadError(f"{url} is on no web server")
    try:
        opener = build_opener(_Redirects)
        answer: HTTPResponse = opener.open(Request(url, headers=headers), timeout=timeout)  # noqa: S310 - the scheme is known
    except HTTPError as error:
        error.close()
        raise _refusal(url, error) from error
    except URLError as error:
        host = urlsplit(url).hostname
        what = f"{host} cannot be reached ({_reason(error.reason)})"
        raise Passing(what, answered=False) from error
    except (OSError, HTTPException) as error:
        raise Passing(f"the server does not answer ({_reason(error)})") from error
    except ValueError as error:  # of an address that a redirect leads to
        raise DownloadError(f"{url} leads to no address: {error}") from error
    return answer


def _refusal(url: str, error: HTTPError) -> Exception:
    said = f"the server answers {error.code} {error.reason}".strip().splitlines()[0]
    if error.code == _NO_SUCH_RANGE:
        return NoRest(said)
    if error.code in _MAY_PASS or error.code >= 500:
        return Passing(said, wait_for(error.headers.get("Retry-After", ""), _now()))
    return DownloadError(
        f"{url} cannot be downloaded: {said}. A newer Lookgraph may know where it is now; a file "
        "that you have is taken with --weights FILE."
    )


def wait_for(retry_after: str, now: datetime) -> float:
    """The seconds that a Retry-After asks for, as seconds or as a date; 0 if it is neither."""
    if re.fullmatch(r"\s*\d{1,9}\s*", retry_after):
        return float(retry_after)
    try:
        then = parsedate_to_datetime(retry_after)
        return max(0.0, (then.replace(tzinfo=then.tzinfo or timezone.utc) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _validator(headers: Message) -> str:
    """What If-Range may carry (RFC 9110, 13.1.5): a strong ETag, or else the date of change."""
    tag = headers.get("ETag", "").strip()
    if tag:
        return tag if tag.startswith('"') else ""
    return headers.get("Last-Modified", "").strip()


def _reason(error: object) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
