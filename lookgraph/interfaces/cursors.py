"""Where a page of files begins, as the service and its clients tell each other."""

import base64
import os


def cursor(path: str) -> str:
    """A path as a parameter of a request; it need not be UTF-8."""
    return base64.urlsafe_b64encode(os.fsencode(path)).decode()


def path_of(cursor: str) -> str:
    """The path that `cursor` was given.

    Raises:
        ValueError: it is no cursor.
    """
    return os.fsdecode(base64.urlsafe_b64decode(cursor.encode()))
