"""Downloads a published file: what is cut off goes on, and nothing is used that is not right."""

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lookgraph.errors import DownloadError, StorageError
from lookgraph.models.checksums import digest_of, is_right
from lookgraph.models.downloads.parts import Part, set_apart, size_of_part, storing
from lookgraph.models.downloads.servers import NoRest, Passing, ask
from lookgraph.models.downloads.turns import turn
from lookgraph.models.model import Published

Tell: TypeAlias = Callable[[int, int], None]
"""Is told how many bytes are here, and of how many; 0 if that is not known."""

_MOST_BYTES = 4 << 30
"""Of a file whose size nobody has said: no network that we know is as large."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        timeout: seconds for a connection, and for each piece of an answer.
        pauses: seconds before each further try. They begin anew when a try brought something.
        longest: the most seconds to wait where the server names a time.
    """

    timeout: float = 30.0
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    longest: float = 60.0


PATIENCE = Patience()


def download(
    published: Published, folder: Path, progress: Tell, patience: Patience = PATIENCE
) -> Path:
    """Fetch a file, unless it is here, or go on where another run was cut off.

    It grows as ``NAME.part`` and gets its name when it is whole and its checksum is right. If
    another process fetches the same, this one waits for it.

    Args:
        published: what to fetch.
        folder: where to keep it; made if it is not there.
        progress: called as the file grows.
        patience: how long to wait for the server.

    Returns:
        the file, in the folder.

    Raises:
        DownloadError: it cannot be had, or is not what was published. What has come of it stays.
        StorageError: the disk is full or cannot be written to.
    """
    file = folder / published.file
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = file.with_name(f"{file.name}.lock")
    with turn(lock, lambda: progress(size_of_part(file), published.bytes)):
        if _is_here(published, file):
            return file
        with closing(Part(published, file)) as part:
            if not published.bytes or part.size != published.bytes:
                _complete(published, file, part, progress, patience)
            part.finish()
    return file


def _is_here(published: Published, file: Path) -> bool:
    """Whether the file is here and right; a wrong one is set apart."""
    if not file.exists():
        return False
    with storing(file):
        if is_right(digest_of(file, published.algorithm), published):
            return True
        set_apart(file, file)
    return False


def _complete(
    published: Published, file: Path, part: Part, progress: Tell, patience: Patience
) -> None:
    pauses, most, answered = iter(patience.pauses), part.size, False
    while True:
        try:
            _receive(published, part, progress, patience.timeout)
            return
        except Passing as trouble:
            answered = answered or trouble.answered
            if part.size > most:
                pauses, most = iter(patience.pauses), part.size
            if isinstance(trouble, NoRest):
                part.start("")
            pause = next(pauses, None)
            if pause is None or not answered:
                raise DownloadError(_given_up(published, file, trouble)) from trouble
            time.sleep(max(pause, min(trouble.wait, patience.longest)))


def _receive(published: Published, part: Part, progress: Tell, timeout: float) -> None:
    """Ask once, and take what comes."""
    start = part.size if part.validator else 0
    with ask(published.url, timeout, start, part.validator) as answer:
        _refuse_other_size(published, answer.total)  # before anything is dropped for it
        if answer.start == 0:
            part.start(answer.validator)
        total = published.bytes or answer.total or 0
        _refuse_without_room(published, part, total)
        progress(part.size, total)
        while data := answer.read():
            _refuse_too_much(published, part, len(data), total or _MOST_BYTES)
            part.add(data)
            progress(part.size, total)
    if part.size < total:
        raise Passing("the connection was closed before the end")


def _refuse_other_size(published: Published, total: int | None) -> None:
    if published.bytes and total is not None and total != published.bytes:
        raise DownloadError(
            f"{published.url} has {total:,} bytes instead of {published.bytes:,}: it is not the "
            "file that was published, or a login page or a proxy's answer stands in its place"
        )


def _refuse_too_much(published: Published, part: Part, more: int, most: int) -> None:
    if part.size + more > most:
        part.start("")
        raise DownloadError(
            f"{published.url} goes on after {most:,} bytes: it is not the file that was published"
        )


def _refuse_without_room(published: Published, part: Part, total: int) -> None:
    missing = total - part.size
    with storing(part.folder):
        free = shutil.disk_usage(part.folder).free
    if free < missing:
        raise StorageError(
            f"{part.folder} has {free:,} bytes free, and {published.file} needs {missing:,} more. "
            "Make room there, or set LOOKGRAPH_CACHE to a folder that has it."
        )


def _given_up(published: Published, file: Path, trouble: Passing) -> str:
    again = " Run the command again to go on." if trouble.answered else ""
    return (
        f"{published.file} cannot be downloaded: {trouble}.{again} Without a network, put "
        f"{published.url} at {file}, or name a file that you have with --weights FILE."
    )
