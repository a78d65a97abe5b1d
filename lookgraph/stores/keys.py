"""Paths as text that a database can keep and put in order."""

import os


def key_of(path: str) -> str:
    """A text that is in the order of the path's bytes, and that loses none of them.

    Each byte becomes the character of its number (ISO 8859-1): what is ASCII stays as it is. Bytes
    that are no UTF-8 have no text of their own there, and the order of text is that of code points.
    """
    return os.fsencode(path).decode("latin-1")


def path_of(key: str) -> str:
    """The path that `key_of` was given."""
    return os.fsdecode(key.encode("latin-1"))


def shown(path: str) -> str:
    """A path for people and for Cypher: what is no UTF-8 in it is replaced."""
    return os.fsencode(path).decode("utf-8", errors="replace")
