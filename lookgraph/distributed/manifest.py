"""What is to be read: the files of a folder, or the objects below an address."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from lookgraph.distributed.engine import first_line
from lookgraph.distributed.sources import file_system, stamp_of
from lookgraph.errors import ClusterError, LookgraphError, StorageError
from lookgraph.ingest.discover import (
    FoundFile,
    UnreadFolder,
    admits_file,
    excludes,
    passed_over,
    walk,
)
from lookgraph.types import Entry, Patterns, Skip, SkipKind, Stamp


def in_folder(
    root: Path, patterns: Patterns, leave_out: Callable[[Entry], None]
) -> Iterator[FoundFile]:
    """The files below a folder, as `discover.walk` finds them.

    Args:
        root: the folder.
        patterns: which of them.
        leave_out: is told of folders that cannot be listed.

    Raises:
        StorageError: the folder itself cannot be.
    """

    def unread(folder: UnreadFolder) -> None:
        if not folder.path:
            raise StorageError(f"{root} cannot be listed: {folder.reason}.")
        reason = f"the folder cannot be listed: {folder.reason}"
        leave_out(Entry(folder.path, Stamp(0, 0), skip=Skip(SkipKind.UNREADABLE, reason)))

    yield from walk(root, patterns, unread)


def in_bucket(
    url: str, patterns: Patterns, leave_out: Callable[[Entry], None]
) -> Iterator[FoundFile]:
    """The objects below an address, in the order of their paths' bytes.

    What is hidden in a folder is passed over here, too. The names of all are held in memory.

    Args:
        url: the address; its keys' rest behind it are the paths.
        patterns: which of them.
        leave_out: is told of objects whose keys are no paths below a folder.

    Raises:
        ClusterError: the address cannot be listed, or nothing is there.
    """
    storage, root = file_system(url)
    found = _listed(storage, root, url)
    for key in sorted(found, key=os.fsencode):
        path, info = key.removeprefix(f"{root}/"), found[key]
        if info.get("type") != "file" or path.endswith("/"):
            continue
        if not _is_path(path):
            reason = "its name in the storage is no path below a folder"
            named = path.replace("/", "%2F").replace("\0", "%00")
            skip = Skip(SkipKind.UNREADABLE, reason)
            leave_out(Entry(f"%{named}", stamp_of(info), skip=skip))
        elif _belongs(path, patterns):
            yield FoundFile(path, stamp_of(info))


def _belongs(path: str, patterns: Patterns) -> bool:
    """Whether a walk would come to this path."""
    names = path.split("/")
    folders = itertools.accumulate(names[:-1], "{}/{}".format)
    return (
        not any(map(passed_over, names))
        and not any(excludes(patterns, folder) for folder in folders)
        and admits_file(patterns, path)
    )


def _listed(storage: Any, root: str, url: str) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = storage.find(root, detail=True)
    except LookgraphError:
        raise
    except Exception as error:
        # Every storage has errors of its own, and not all of them are OSErrors.
        raise ClusterError(
            f"{url} cannot be listed ({type(error).__name__}: {first_line(error)}). Look at the "
            "name, the endpoint and the credentials that the environment has for it."
        ) from error
    if not found or root in found:
        raise ClusterError(f"There is nothing below {url}. Name a bucket, or a folder in one.")
    return found


def _is_path(key: str) -> bool:
    """Whether a key can be the path of a file below a folder, and of that one only."""
    path = PurePosixPath(key)
    return str(path) == key and not path.is_absolute() and not {"..", "."} & set(path.parts) \
        and "\0" not in key  # fmt: skip
