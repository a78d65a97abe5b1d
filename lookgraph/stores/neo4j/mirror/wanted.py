"""What a mirror should hold, with the embeddings."""

from collections import defaultdict
from functools import cached_property

import numpy as np

from lookgraph.stores.contents import Contents, FileFacts
from lookgraph.stores.neo4j.mirror.mirrored import Mirrored
from lookgraph.types import Vector


class Wanted:
    """What a mirror should hold.

    Attributes:
        mirrored: all but the embeddings.
    """

    def __init__(self, contents: Contents, mirrored: Mirrored) -> None:
        """Nothing is read yet.

        Args:
            contents: of the library.
            mirrored: what a mirror of it should hold.
        """
        self.mirrored = mirrored
        self._contents = contents

    @cached_property
    def keys_of(self) -> dict[str, list[str]]:
        """The keys of each picture's files, in order."""
        keys: dict[str, list[str]] = defaultdict(list)
        for key, facts in self.mirrored.files.items():
            if (id_ := FileFacts.id_in(facts)) is not None:
                keys[id_].append(key)
        return keys

    def embedding(self, place: int, id_: str) -> Vector:
        """The embedding of a picture in the space of this place, shape (d,), float32."""
        row = self._row_of[place][id_]
        return np.asarray(self._contents.spaces[place].rows[row], np.float32)

    @cached_property
    def _row_of(self) -> list[dict[str, int]]:
        return [
            dict(zip(held.ids, held.numbers.tolist(), strict=True))
            for held in self._contents.spaces
        ]
