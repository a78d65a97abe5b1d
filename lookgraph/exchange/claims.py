"""Which nodes of a database speak of which file, where several may."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lookgraph.exchange.finding import Place, find_file, leads_out


class Named(Protocol):
    """A node that may speak of a file."""

    @property
    def key(self) -> str:
        """The database's name of it."""
        ...

    @property
    def path(self) -> str:
        """Of the file, as somebody kept it; empty if it has none."""
        ...


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A node or a file that was not taken: its path, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The nodes that speak of one file.

    Attributes:
        file: relative to the library's folder.
        keys: of the nodes, in their order.
        is_one_path: whether all of them have the same path. If not, nothing tells whose file it is.
        dropped: what their path, or the first one's, has in front of the file's.
    """

    file: str
    keys: tuple[str, ...]
    is_one_path: bool
    dropped: str


def claims_of(root: Path, under: str, nodes: Iterable[Named]) -> tuple[list[Claim], list[LeftOut]]:
    """Find the files of nodes.

    A file belongs to the paths that fit it best: ``dogs/1.jpg`` is not ``1.jpg`` in the folder
    ``cats`` where ``cats/1.jpg`` is, too.

    Args:
        root: the library's folder, an absolute path.
        under: the relative path of the part of it that they are in; empty for all of it.
        nodes: in their order.

    Returns:
        a claim for each file, and the nodes without one.
    """
    folder = root / under
    found: dict[str, list[tuple[Named, Place]]] = {}
    left_out = []
    for node in nodes:
        place = find_file(folder, node.path) if node.path else None
        if place is None:
            left_out.append(LeftOut(node.path, _reason(folder, node.path)))
        else:
            found.setdefault(place.file, []).append((node, place))
    claims = [
        _claim(f"{under}/{file}" if under else file, of_it, left_out)
        for file, of_it in found.items()
    ]
    return claims, left_out


def _claim(file: str, found: Sequence[tuple[Named, Place]], left_out: list[LeftOut]) -> Claim:
    best = max(place.fit for _, place in found)
    fitting = [(node, place) for node, place in found if place.fit == best]
    first = fitting[0][1]
    left_out += [
        LeftOut(node.path, f"{file} in the folder is the file of {fitting[0][0].path}")
        for node, place in found
        if place.fit != best
    ]
    return Claim(
        file,
        tuple(node.key for node, _ in fitting),
        is_one_path=len({place.kept for _, place in fitting}) == 1,
        dropped="/".join(first.kept[: first.dropped]),
    )


def _reason(folder: Path, path: str) -> str:
    if not path:
        return "it has no path"
    if leads_out(folder, path):
        return f"it leads out of {folder}, and no file in there is called like its end"
    return f"there is no such file in {folder}"
