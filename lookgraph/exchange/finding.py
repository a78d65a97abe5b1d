r"""Where, below a folder, the files are whose paths somebody else has kept.

Notebooks keep the paths that they were given: ``images/cats/1.jpg``, ``../images/1.jpg``,
``/home/me/images/1.jpg``, ``C:\images\1.jpg``. Of each, the longest tail that is a file below
the folder says which file is meant.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

_WHOLE = (1 << 20, 0)
"""How well an absolute path fits: more parts than paths have."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file that a path may mean.

    Attributes:
        file: its path relative to the folder.
        kept: the path's parts, as read.
        dropped: how many of them are not in the file's path.
        fit: how well the path fits, to be compared with other paths that mean this file: how many
            parts are the same, and how many before them are the end of the folder's own path.
    """

    file: str
    kept: tuple[str, ...]
    dropped: int
    fit: tuple[int, int]


def find_file(folder: Path, path: str) -> Place | None:
    """The file below a folder that a path means; None if none is there.

    Args:
        folder: an absolute one.
        path: as somebody kept it, by the rules of any system.
    """
    if inside := _inside(folder, path):
        kept = PurePosixPath(path).parts
        return Place(inside, kept, len(kept) - inside.count("/") - 1, _WHOLE)
    for parts in _readings(path):
        for start in range(len(parts)):
            tail = parts[start:]
            if os.path.isfile(folder.joinpath(*tail)):  # noqa: PTH113 - False for what is no path
                fit = (len(tail), _overlap(parts[:start], folder.parts))
                return Place("/".join(tail), parts, start, fit)
    return None


def leads_out(folder: Path, path: str) -> bool:
    """Whether a path, as it stands, is that of something outside of a folder."""
    if PureWindowsPath(path).drive:
        return True
    whole = os.path.normpath(folder / path)
    return not Path(whole).is_relative_to(folder)


def _inside(folder: Path, path: str) -> str | None:
    """The relative path of an absolute one."""
    if not os.path.isabs(path) or not os.path.isfile(path):  # noqa: PTH113, PTH117 - likewise
        return None
    for whole, top in (
        (Path(os.path.normpath(path)), folder),
        (Path(os.path.realpath(path)), Path(os.path.realpath(folder))),
    ):
        if whole.is_relative_to(top) and whole != top:
            return whole.relative_to(top).as_posix()
    return None


def _readings(path: str) -> Iterator[tuple[str, ...]]:
    """The names in a path, first as POSIX has it, then as Windows does, if that is another way."""
    yield _names(PurePosixPath(path))
    if "\\" in path:
        yield _names(PureWindowsPath(path))


def _names(path: PurePosixPath | PureWindowsPath) -> tuple[str, ...]:
    """Without what leads to the root or upward, so that nothing above a folder is reached."""
    names: list[str] = []
    for part in path.parts[bool(path.anchor) :]:
        if part != "..":
            names.append(part)
        elif names:
            names.pop()
    return tuple(names)


def _overlap(dropped: tuple[str, ...], folder: tuple[str, ...]) -> int:
    """How many names at the ends of two paths are the same."""
    count = 0
    for one, other in zip(reversed(dropped), reversed(folder), strict=False):
        if one != other:
            break
        count += 1
    return count
