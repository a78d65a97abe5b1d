"""Moving files out of a library's folder, and back: nothing is ever deleted.

Beside the files that were moved lies a manifest, written and synced before the first of them moves.
So after a crash, wherever it happened, the manifest tells of every file that may have moved.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from lookgraph.duplicates.copies import Copy
from lookgraph.errors import StorageError, UsageError
from lookgraph.ingest.pipeline import content_id
from lookgraph.stores.rows import sync_folder
from lookgraph.types import Stamp

_MANIFEST = "lookgraph-moved-"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """A file to be moved, and that which is kept in its stead."""

    copy: Copy
    keep: Copy


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of files that were to be moved.

    Attributes:
        moved: pairs of where each was and is, whole paths.
        left: the paths of those that stayed where they were, each with the reason.
        manifest: the list of what was moved away, which lies beside it; None if nothing was.
    """

    moved: tuple[tuple[Path, Path], ...]
    left: tuple[tuple[Path, str], ...]
    manifest: Path | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """Files that were moved away together, some of which still are.

    Attributes:
        manifest: the list of them; `move_back` takes it.
        paths: where they were, relative to the library's folder.
        kept: what is kept in their stead, likewise, each once.
    """

    manifest: Path
    paths: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """A file in a manifest.

    Attributes:
        id: the SHA-256 of its bytes.
        was: where it was, relative to the library's folder.
        to: where it goes, relative to the manifest's.
        kept: what is kept in its stead, relative to the library's folder.
    """

    id: str
    was: str
    to: str
    kept: str


def move_away(
    root: Path, wishes: Sequence[Wish], folder: Path, progress: Callable[[float], None]
) -> Moved:
    """Move files to a folder, where they keep their paths relative to the library's.

    A file stays where it is if it or the one that is kept has changed since it was indexed, or if
    one of them is a link.

    Args:
        root: the library's folder.
        wishes: the files.
        folder: where to; it is made if need be, and must not lie in the library's.
        progress: told the share that is done, from 0 to 1.

    Raises:
        StorageError: a file cannot be moved. What has been moved is in the manifest.
        UsageError: the folder lies in the library's.
    """
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
        raise UsageError(
            f"{folder} lies in {root}: what is moved there would be found again. Name a folder "
            "outside of it."
        )
    lines: list[_Line] = []
    left, targets = [], set[Path]()
    with _storage_errors():
        for wish in wishes:
            if reason := _against(root, wish):
                left.append((root / wish.copy.path, reason))
            else:
                to = _free(Path(wish.copy.path), folder, targets)
                targets.add(to)
                keep = wish.keep.path
                lines.append(_Line(wish.copy.picture.id, wish.copy.path, str(to), keep))
        if not lines:
            return Moved((), tuple(left))
        folder.mkdir(parents=True, exist_ok=True)
        manifest = _manifest(folder)
        _write(manifest, root, lines)
        moved = []
        for number, line in enumerate(lines, 1):
            source, target = root / line.was, folder / line.to
            _move(source, target, line.id)
            moved.append((source, target))
            progress(number / len(lines))
    return Moved(tuple(moved), tuple(left), manifest)


def _against(root: Path, wish: Wish) -> str:
    """Why a file is not to be moved; empty if it may be."""
    for copy, name in ((wish.copy, "it"), (wish.keep, wish.keep.path)):
        file = root / copy.path
        if file.is_symlink():
            return f"{name} is a link"
        try:
            found = file.stat()
        except OSError:
            return f"{name} is gone"
        if Stamp(found.st_size, found.st_mtime_ns) != copy.entry.stamp:
            return f"{name} has changed since it was indexed"
    return ""


def _free(path: Path, folder: Path, taken: AbstractSet[Path]) -> Path:
    """The path, or one that is like it, of which there is no file in the folder yet."""
    to, number = path, 1
    while to in taken or os.path.lexists(folder / to):
        number += 1
        to = path.with_suffix(f".{number}{path.suffix}")
    return to


def _manifest(folder: Path) -> Path:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H%M%S.%fZ")
    return folder / f"{_MANIFEST}{now}.json"


def _write(file: Path, root: Path, lines: Iterable[_Line]) -> None:
    told = {"format": _FORMAT, "library": str(root), "files": [asdict(line) for line in lines]}
    aside = file.with_name(file.name + ".part")
    with aside.open("w") as out:  # in ASCII, so that any file name survives
        json.dump(told, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
    sync_folder(file.parent)


def _move(source: Path, target: Path, id_: str) -> None:
    """Move a file to where none is; to another disk, once the copy there is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)  # unlike rename, it never writes over a file
    except FileExistsError:
        raise
    except OSError:  # another disk, or one without hard links
        _copy(source, target, id_)
    source.unlink()


def _copy(source: Path, target: Path, id_: str) -> None:
    aside = target.with_name(target.name + ".part")
    with source.open("rb") as old, aside.open("xb") as new:
        shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())
    shutil.copystat(source, aside)
    with aside.open("rb") as copied:
        if content_id(copied) != id_:
            aside.unlink()
            raise StorageError(f"{source} changed while it was copied to {target}.")
    if os.path.lexists(target):
        raise FileExistsError(f"{target} is there already")
    aside.replace(target)


def still_away(root: Path, folder: Path) -> tuple[Away, ...]:
    """What was moved from a library's folder to another one and still is there, the newest first.

    Raises:
        StorageError: the folder cannot be read.
        UsageError: a manifest in it is none of ours.
    """
    found = []
    with _storage_errors():
        for manifest in _manifests(folder):
            was_of, lines = _read(manifest)
            there = [line for line in lines if os.path.lexists(folder / line.to)]
            if was_of == root and there:
                kept = tuple(dict.fromkeys(line.kept for line in there))
                found.append(Away(manifest, tuple(line.was for line in there), kept))
    return tuple(found)


def _manifests(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{_MANIFEST}*.json"), reverse=True)


def move_back(place: Path, progress: Callable[[float], None]) -> Moved:
    """Move files back to where they were, by one manifest, or by all in a folder.

    Files stay where another one has taken their place. The newest manifest counts first;
    one of which no file is left goes.

    Args:
        place: the folder where they were moved to, or a manifest in it.
        progress: told the share that is done, from 0 to 1.

    Raises:
        StorageError: a file cannot be moved.
        UsageError: there is no manifest, or it is none of ours.
    """
    with _storage_errors():
        folder = place.parent if place.is_file() else place
        manifests = [place] if place.is_file() else _manifests(folder)
        if not manifests:
            raise UsageError(f"{folder} has no list of moved files: nothing was moved there.")
        told = [(file, *_read(file)) for file in manifests]
        total = sum(len(lines) for _, _, lines in told)
        moved, left = [], []
        for file, root, lines in told:
            stays = False
            for line in lines:
                source, target = folder / line.to, root / line.was
                if not os.path.lexists(source):
                    continue  # it was never moved, or somebody has taken it away
                if _is_taken(source, target):
                    left.append((source, f"{target} is there already"))
                    stays = True
                    continue
                _move(source, target, line.id)
                moved.append((source, target))
                progress((len(moved) + len(left)) / total)
            if not stays:
                file.unlink()
            _remove_empty(folder, lines)
    return Moved(tuple(moved), tuple(left))


def _is_taken(source: Path, target: Path) -> bool:
    """Whether another file is where one was. The same file is there after a crash while moving."""
    if not os.path.lexists(target):
        return False
    if source.samefile(target):
        target.unlink()
        return False
    return True


def _read(file: Path) -> tuple[Path, list[_Line]]:
    try:
        told = json.loads(file.read_bytes())
        if told["format"] > _FORMAT:
            raise UsageError(
                f"{file} was written by a newer Lookgraph: pip install --upgrade lookgraph"
            )
        root = Path(told["library"])
        lines = [_Line(*(str(its[name]) for name in _Line.__slots__)) for its in told["files"]]
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{file} is not what was written when files were moved.") from None
    for line in lines:
        for path in (line.was, line.to):
            if Path(path).is_absolute() or ".." in Path(path).parts:
                raise UsageError(f"{file} names a file elsewhere: {path}.")
    return root, lines


def _remove_empty(folder: Path, lines: Iterable[_Line]) -> None:
    """Remove the folders that were made for files, and the one for all, once they are empty."""
    parents = {parent for line in lines for parent in (folder / line.to).parents}
    ours = [parent for parent in parents if parent == folder or folder in parent.parents]
    for parent in sorted(ours, key=lambda its: len(its.parts), reverse=True):
        with suppress(OSError):
            parent.rmdir()


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{error.filename or 'A file'}: {error.strerror or error}. What has been moved can be "
            "moved back with `lookgraph duplicates --undo FOLDER`."
        ) from error
