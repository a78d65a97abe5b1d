"""Checksums of files that may be large."""

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from lookgraph.models.model import Published

if TYPE_CHECKING:
    from hashlib import _Hash

Algorithm: TypeAlias = Literal["sha256", "md5"]

_PART = 1 << 20
_TITLES = {"sha256": "SHA-256", "md5": "MD5"}


def new_digest(algorithm: Algorithm) -> "_Hash":
    """A checksum of nothing yet. Some builds of Python have MD5 only for what is not security."""
    return hashlib.new(algorithm, usedforsecurity=False)


def digest_of(file: Path, algorithm: Algorithm = "sha256") -> str:
    """The checksum of a file, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    digest = new_digest(algorithm)
    with file.open("rb") as stream:
        for part in iter(partial(stream.read, _PART), b""):
            digest.update(part)
    return digest.hexdigest()


def is_right(digest: str, published: Published) -> bool:
    """Whether a checksum is the published one, or begins as its published head."""
    return digest.startswith(published.digest)


def difference(digest: str, published: Published) -> str:
    """What is wrong with a checksum, for people."""
    return f"{_TITLES[published.algorithm]} {digest} instead of {published.digest}"
