"""Where the pictures of a map are, kept beside the library: they take seconds to find."""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from lookgraph.graph.edges import Adjacency
from lookgraph.types import Matrix, Space

MAPS = "maps"
"""The folder of them, below that of what can be made again."""

_METHOD = b"1"
"""Of `lookgraph.graph.layout`: what was made by another one is not used."""


class KeptPlaces:
    """The places of the rows of one state of a graph: a digest of it, and then they, float32."""

    def __init__(self, folder: Path, space: Space) -> None:
        """Nothing is read yet.

        Args:
            folder: for what can be made again, as `lookgraph.stores.base.Store.cache` is; it need
                not be there yet.
            space: whose graph it is.
        """
        self._file = folder / MAPS / space.name

    def get(self, around: Adjacency) -> Matrix | None:
        """The places, shape (n, 2); None if none are kept of this very graph."""
        try:
            kept = self._file.read_bytes()
        except FileNotFoundError:
            return None
        digest = digest_of(around)
        count = len(around.starts) - 1
        if kept[: len(digest)] != digest or len(kept) != len(digest) + 8 * count:
            return None
        return np.frombuffer(kept, np.float32, offset=len(digest)).reshape(count, 2)

    def keep(self, around: Adjacency, places: Matrix) -> None:
        """Keep them in place of earlier ones, whole or not at all."""
        with suppress(OSError):  # a disk that is full or read-only costs time, and nothing else
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor, aside = tempfile.mkstemp(dir=self._file.parent)
            try:
                with os.fdopen(descriptor, "wb") as out:
                    out.write(digest_of(around) + places.astype(np.float32).tobytes())
                Path(aside).replace(self._file)
            except OSError:
                Path(aside).unlink(missing_ok=True)
                raise


def digest_of(around: Adjacency) -> bytes:
    """What identifies a graph: its edges with their scores, which tell the rows apart too."""
    told = hashlib.sha256(_METHOD)
    for array in (around.starts, around.numbers, around.scores):
        told.update(np.ascontiguousarray(array).data)
    return told.digest()
