"""What all pages have: their head, and how what comes from outside is written into them."""

import base64
import re
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path

# Bytes that are no UTF-8 arrive as surrogates, which cannot be written; control characters and
# those that turn the direction of writing could make a name look like another.
_UNSHOWABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


def document(
    heading: str,
    body: str,
    *,
    style: str = "",
    script: str = "",
    is_served: bool = False,
    fetches: bool = False,
) -> str:
    """A whole HTML document, which loads nothing from anywhere else.

    Args:
        heading: the title; not escaped yet.
        body: what is in the body, as HTML.
        style: CSS beside what all pages have.
        script: the one script that may run: our own code, with nothing from outside in it. It
            runs once the body is there.
        is_served: whether it may show pictures of the host that it comes from. A file may not
            load anything.
        fetches: whether its script may ask that host for more.

    Returns:
        the document, which can be encoded as UTF-8.
    """
    code = f"<script>{script}</script>\n" if script else ""
    policy = _policy(script, is_served, fetches)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"{'' if is_served else _NO_ICON}"
        f"<title>{text(heading)}</title>\n<style>{source('frame.css')}{style}</style>\n"
        f"</head>\n<body>\n{body}{code}</body>\n</html>\n"
    )


_NO_ICON = '<link rel="icon" href="data:,">\n'
"""A file has none that could be asked for."""


def _policy(script: str, is_served: bool, fetches: bool) -> str:
    """What may be asked for; of scripts, only this one runs (CSP Level 3, 2.3.1, 6.7.3.3)."""
    digest = base64.b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")
    images = "'self'" if is_served else "data:"
    return (
        f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'"
        + "; connect-src 'self'" * fetches
        + f"; script-src 'sha256-{digest}'" * bool(script)
    )


@cache
def source(name: str) -> str:
    """A file of CSS or JavaScript that lies beside this one."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def split(title: str) -> tuple[str, str]:
    """The folder and the name in a path."""
    folder, _, name = title.rpartition("/")
    return folder, name or title


def showable(outside: str) -> str:
    """Text from outside with U+FFFD for what cannot be shown; not escaped."""
    return _UNSHOWABLE.sub("\ufffd", outside)


def text(outside: str) -> str:
    """Text from outside, fit for HTML: escaped, and with U+FFFD for what cannot be shown."""
    return escape(showable(outside))


def data(thumbnail: bytes) -> str:
    """The ``data:`` address of a JPEG."""
    return f"data:image/jpeg;base64,{base64.b64encode(thumbnail).decode('ascii')}"


def address(file: str) -> str | None:
    """The ``file:`` address (RFC 8089) of an absolute path: its very bytes, percent-encoded."""
    try:
        return Path(file).as_uri()
    except ValueError:  # no absolute path, or one that no file system could hold
        return None
