"""What is in the folder, and what of it has changed.

Both are streams in the order of the paths, so comparing a million files takes no more memory
than comparing ten.
"""

import fnmatch
import functools
import itertools
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lookgraph.config import LIBRARY_FOLDER
from lookgraph.types import KnownFile, Patterns, Stamp, Word

_JUNK = {"thumbs.db", "desktop.ini", LIBRARY_FOLDER}


def admits_file(patterns: Patterns, path: str) -> bool:
    """Whether the file at this relative path belongs to the library."""
    if patterns.include and not any(_matches(path, pattern) for pattern in patterns.include):
        return False
    return not excludes(patterns, path)


def excludes(patterns: Patterns, path: str) -> bool:
    """Whether the file or folder at this relative path is left out, with all that is in it."""
    return any(_matches(path, pattern.rstrip("/")) for pattern in patterns.exclude)


def _matches(path: str, pattern: str) -> bool:
    subject = path if "/" in pattern else path.rpartition("/")[2]
    return _compiled(pattern)(subject) is not None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(fnmatch.translate(pattern)).match


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file as the folder shows it. The path is as in `lookgraph.types.Entry`."""

    path: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class UnreadFolder:
    """A folder that could not be listed: what it holds is unknown, not gone."""

    path: str
    reason: str


def walk(
    root: Path,
    patterns: Patterns,
    unread: Callable[[UnreadFolder], None],
    *,
    under: str = "",
    library: Path | None = None,
) -> Iterator[FoundFile]:
    """Every file below a folder that may belong to the library, in the order of the paths' bytes.

    Hidden files and folders, ``._*``, Thumbs.db and our own folder are passed over. A link to a
    folder is followed unless it leads to a place inside the root, which is walked anyway, or to
    a folder that another link has led to already; so loops end.

    Args:
        root: the library's folder.
        patterns: what belongs to it.
        unread: is told of every folder that cannot be listed.
        under: only what lies below this relative path.
        library: a folder to pass over, wherever it is.

    Yields:
        the files; for a link to a file, its target's stamp under the link's path.
    """
    yield from _Walk(root, patterns, unread, library).below(under)


class _Child(NamedTuple):
    path: str
    is_folder: bool
    entry: "os.DirEntry[str]"


class _Walk:
    def __init__(
        self,
        root: Path,
        patterns: Patterns,
        unread: Callable[[UnreadFolder], None],
        library: Path | None,
    ) -> None:
        self.root = os.fspath(root)
        self.library = "" if library is None else os.path.relpath(library, root)
        self.inside = os.path.join(os.path.realpath(root), "")  # noqa: PTH118 - paths as text: 100,000 a second
        self.patterns = patterns
        self.unread = unread
        self.linked: set[tuple[int, int]] = set()

    def below(self, under: str) -> Iterator[FoundFile]:
        if under and not self._leads_to(under):
            return
        # A stack of our own: folders may be nested deeper than Python's calls.
        stack = [iter(self._children(under))]
        while stack:
            child = next(stack[-1], None)
            if child is None:
                stack.pop()
            elif child.is_folder:
                if self._belongs(child.path) and self._enter(child.entry):
                    stack.append(iter(self._children(child.path)))
            elif admits_file(self.patterns, child.path) and (stamp := _stat_file(child.entry)):
                yield FoundFile(child.path, stamp)

    def _leads_to(self, under: str) -> bool:
        """Whether a walk from the root comes to this folder, so that it may be walked alone."""
        names = under.split("/")
        folders = itertools.accumulate(names, "{}/{}".format)
        return all(map(self._belongs, folders)) and not any(map(passed_over, names))

    def _belongs(self, folder: str) -> bool:
        return folder != self.library and not excludes(self.patterns, folder)

    def _children(self, folder: str) -> "list[_Child]":
        try:
            with os.scandir(f"{self.root}/{folder}") as listing:
                entries = [entry for entry in listing if not passed_over(entry.name)]
        except FileNotFoundError:
            return []  # gone since its parent was listed
        except OSError as error:
            self.unread(UnreadFolder(folder, error.strerror or str(error)))
            return []
        prefix = f"{folder}/" if folder else ""
        children = [_Child(prefix + entry.name, self._is_folder(entry), entry) for entry in entries]
        # A folder sorts as its files will: "a-b" comes before "a/b", and both before "a0".
        children.sort(key=lambda child: os.fsencode(child.entry.name) + b"/" * child.is_folder)
        return children

    @staticmethod
    def _is_folder(entry: "os.DirEntry[str]") -> bool:
        try:
            return entry.is_dir()
        except OSError:
            return False  # a link into a place that we may not see

    def _enter(self, entry: "os.DirEntry[str]") -> bool:
        if not entry.is_symlink():
            return True
        target = os.path.join(os.path.realpath(entry.path), "")  # noqa: PTH118
        if target.startswith(self.inside) or self.inside.startswith(target):
            return False
        try:
            found = entry.stat()
        except OSError:
            return False
        key = (found.st_dev, found.st_ino)
        if key in self.linked:
            return False
        self.linked.add(key)
        return True


def passed_over(name: str) -> bool:
    """Whether a file or folder of this name belongs to no library: hidden ones, and our own."""
    return name.startswith(".") or name.lower() in _JUNK


def _stat_file(entry: "os.DirEntry[str]") -> Stamp | None:
    """The file's stamp; None for what is no file, or is gone, or is a link to nothing."""
    try:
        found = entry.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Stamp(found.st_size, found.st_mtime_ns)


class ChangeKind(Word):
    """What happened to a file since it was last looked at."""

    NEW = "new"
    CHANGED = "changed"
    AGAIN = "again"
    """The file is the same, but it has no embedding yet, or could not be read and may be now."""
    UNCHANGED = "unchanged"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Change:
    """A file and what happened to it."""

    kind: ChangeKind
    path: str
    stamp: Stamp


def compare(known: Iterator[KnownFile], found: Iterator[FoundFile]) -> Iterator[Change]:
    """Merge two streams, each in the order of the paths' bytes, into one of changes."""
    old, new = next(known, None), next(found, None)
    while old or new:
        if old and new and old.path == new.path:
            yield Change(_kind(old, new), new.path, new.stamp)
            old, new = next(known, None), next(found, None)
        elif new and (not old or os.fsencode(new.path) < os.fsencode(old.path)):
            yield Change(ChangeKind.NEW, new.path, new.stamp)
            new = next(found, None)
        elif old:
            yield Change(ChangeKind.GONE, old.path, old.stamp)
            old = next(known, None)


def _kind(old: KnownFile, new: FoundFile) -> ChangeKind:
    if old.stamp != new.stamp:
        return ChangeKind.CHANGED
    return ChangeKind.UNCHANGED if old.settled else ChangeKind.AGAIN
