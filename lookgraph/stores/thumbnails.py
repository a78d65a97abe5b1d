"""Small copies of pictures, as files. They can be made again."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

THUMBNAILS = "thumbnails"
"""The folder of them, below that of the library."""


class KeptThumbnails:
    """The small copies that have been made, below a folder that need not be there yet."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet.

        Args:
            folder: for what can be made again, as `lookgraph.stores.base.Store.cache` is.
        """
        self._folder = folder / THUMBNAILS

    def get(self, id_: str, side: int) -> bytes | None:
        """The copy of a picture in a size; None if none is kept."""
        try:
            return self._file(id_, side).read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, id_: str, side: int, made: bytes) -> None:
        """Keep one, whole or not at all, also if several processes have made the same."""
        file = self._file(id_, side)
        with suppress(OSError):  # a disk that is full or read-only costs time, and nothing else
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor, aside = tempfile.mkstemp(dir=file.parent)
            try:
                with os.fdopen(descriptor, "wb") as out:
                    out.write(made)
                Path(aside).replace(file)
            except OSError:
                Path(aside).unlink(missing_ok=True)
                raise

    def _file(self, id_: str, side: int) -> Path:
        return self._folder / str(side) / id_[:2] / f"{id_}.jpg"
