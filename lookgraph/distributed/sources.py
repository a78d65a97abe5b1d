"""Pictures in object storage: S3, Google Cloud Storage and whatever else fsspec knows."""

import importlib.util
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from lookgraph.errors import ClusterError, MissingExtraError
from lookgraph.ingest.decode import HEAD_BYTES, looks_like_picture, sniff
from lookgraph.ingest.pipeline import Opened
from lookgraph.types import Stamp

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_IN_MEMORY = 8 << 20
"""Larger objects are put into a file while they are read."""

_BLOCK = 4 << 20
"""Bytes that are fetched at a time."""

_TIMES = ("LastModified", "mtime", "last_modified", "updated", "created")
"""What the file systems call the time when an object was last changed."""

_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs"}


def is_url(text: str) -> bool:
    """Whether it is the address of something in object storage, and not a folder's path."""
    return _URL.match(text) is not None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Objects below an address, as a source. Paths are their keys behind the prefix.

    Attributes:
        url: the address, such as ``s3://bucket/prefix``.
    """

    url: str

    @contextmanager
    def open(self, path: str) -> Iterator[Opened]:
        """As `Source.open`. What is no picture by its name and first bytes is not fetched whole."""
        storage, root = file_system(self.url)
        with _as_os_error(), storage.open(f"{root}/{path}", block_size=_BLOCK) as remote:
            stamp = stamp_of(storage.info(f"{root}/{path}"))
            local = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed below
            try:
                head = remote.read(HEAD_BYTES)
                local.write(head)
                if sniff(head) or looks_like_picture(path):
                    shutil.copyfileobj(remote, local, _BLOCK)
                    now = stamp_of(storage.info(f"{root}/{path}"))
                else:
                    now = stamp
                local.seek(0)
            except BaseException:
                local.close()
                raise
        with local:
            # First what it was before it was read, then what it was after.
            told = iter((stamp,))
            yield Opened(local, lambda: next(told, now))


@lru_cache(maxsize=8)
def file_system(url: str) -> tuple[Any, str]:
    """The file system of an address, and where in it that is.

    Raises:
        MissingExtraError: what reads such addresses is not installed.
        ClusterError: it cannot be used.
    """
    if importlib.util.find_spec("fsspec") is None:
        raise MissingExtraError("Object storage", "ray")
    from fsspec.core import url_to_fs

    try:
        # Listings would hide that an object has changed.
        storage, root = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        scheme = url.partition("://")[0]
        package = _PACKAGES.get(scheme.lower())
        install = f" Install it: pip install {package}" if package else ""
        raise ClusterError(f"Nothing here reads {scheme}:// addresses.{install}") from error
    except Exception as error:
        raise ClusterError(f"{url} cannot be used: {error}") from error
    return storage, str(root).rstrip("/")


def stamp_of(info: dict[str, Any]) -> Stamp:
    """An object's size and time, in whole seconds: listings are finer than what is told of one."""
    found = next((info[name] for name in _TIMES if info.get(name) is not None), 0)
    if isinstance(found, str):
        found = datetime.fromisoformat(found.replace("Z", "+00:00"))
    if isinstance(found, datetime):
        zoned = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
        found = zoned.timestamp()
    return Stamp(int(info["size"]), int(found) * 1_000_000_000)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Whatever a file system makes of a failing network becomes an OSError of one object.

    Raises:
        ClusterError: there are no credentials, which would be so for all.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if "Credential" in type(error).__name__:
            raise ClusterError(
                f"The storage needs credentials, on each machine: {error}"
            ) from error
        raise OSError(f"{type(error).__name__}: {error}"[:200]) from error
