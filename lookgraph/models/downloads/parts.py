"""What there is of a file while it is downloaded: ``NAME.part``, and ``NAME.part.json`` beside it.

The second says what the first is a part of, so that nobody else's rest is put to it.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lookgraph.errors import DownloadError, StorageError
from lookgraph.models.checksums import difference, is_right, new_digest
from lookgraph.models.model import Published

_PIECE = 1 << 20


class Part:
    """The first bytes of a file, on disk; one process at a time may have it open.

    Attributes:
        folder: where they are.
        size: how many there are.
        validator: what tells the version of the file that they are of; empty if it is not known.
    """

    def __init__(self, published: Published, file: Path) -> None:
        self.folder = file.parent
        self.size = 0
        self.validator = ""
        self._published = published
        self._file = file
        self._path = _part_file(file)
        self._about = file.with_name(f"{file.name}.part.json")
        self._digest = new_digest(published.algorithm)
        with storing(self._path):
            self._stream = self._path.open("a+b")
            self._read()

    def start(self, validator: str) -> None:
        """Drop what there is and begin anew.

        Args:
            validator: of the version that comes now; empty if it cannot be known again.
        """
        told = {"url": self._published.url, "validator": validator}
        with storing(self._path):
            self._stream.truncate(0)
            self._about.write_text(json.dumps(told), encoding="utf-8")
        self.size, self.validator = 0, validator
        self._digest = new_digest(self._published.algorithm)

    def add(self, data: bytes) -> None:
        """Put bytes to the end; they are the kernel's at once, whatever becomes of us."""
        with storing(self._path):
            self._stream.write(data)
            self._stream.flush()
        self.size += len(data)
        self._digest.update(data)

    def finish(self) -> None:
        """Give the whole file its name, if its checksum is right.

        Raises:
            DownloadError: it is not; the file is kept apart, as ``NAME.bad``.
        """
        found = self._digest.hexdigest()
        with storing(self._path):
            os.fsync(self._stream.fileno())
            self._stream.close()
            if is_right(found, self._published):
                self._path.replace(self._file)
            else:
                set_apart(self._path, self._file)
            self._about.unlink(missing_ok=True)
        if not is_right(found, self._published):
            raise DownloadError(
                f"{self._published.url} has {difference(found, self._published)}: it is not the "
                f"file that was published. It is not used, and kept as {bad_file(self._file)}"
            )

    def close(self) -> None:
        """Let go of it; what has come stays."""
        with suppress(OSError):  # every byte has been handed over before
            self._stream.close()
            if self.size == 0:
                self._path.unlink(missing_ok=True)
                self._about.unlink(missing_ok=True)

    def _read(self) -> None:
        """Take up what an earlier run left, if it is known what that is."""
        self.validator = self._known()
        if not self.validator:
            self._stream.truncate(0)
            return
        self._stream.seek(0)
        while data := self._stream.read(_PIECE):
            self._digest.update(data)
            self.size += len(data)

    def _known(self) -> str:
        try:
            told = json.loads(self._about.read_text(encoding="utf-8"))
            ours = told["url"] == self._published.url
            return str(told["validator"]) if ours else ""
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return ""  # there is none, or it was being written when the process was killed


def size_of_part(file: Path) -> int:
    """How many bytes of a file are here while it comes."""
    try:
        return _part_file(file).stat().st_size
    except OSError:
        return 0


def _part_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.part")


def bad_file(file: Path) -> Path:
    """Where a file is kept apart whose checksum was wrong."""
    return file.with_name(f"{file.name}.bad")


def set_apart(found: Path, file: Path) -> None:
    """Move what is not this file to where it is never used."""
    found.replace(bad_file(file))


@contextmanager
def storing(file: Path) -> Iterator[None]:
    """Say what to do where the disk fails."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{file} cannot be written: {error.strerror or error}. Make room there, or set "
            "LOOKGRAPH_CACHE to a folder that can be written."
        ) from error
