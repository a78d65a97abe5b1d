"""From pictures to embeddings: one network, ready to use."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lookgraph.models.cache import network_file
from lookgraph.models.preprocess import fit
from lookgraph.models.registry import Model, find_model
from lookgraph.types import Matrix, Pixels, Space

if TYPE_CHECKING:
    from lookgraph.models.runtimes import OnnxRuntime


class Embedder:
    """A network with its preparation of pictures. Any number of threads may use it at once.

    Attributes:
        model: its row in the registry.
    """

    def __init__(self, model: Model, runtime: "OnnxRuntime") -> None:
        self.model = model
        self._runtime = runtime

    @property
    def space(self) -> Space:
        """What its embeddings can be compared with."""
        return self.model.space

    @property
    def shorter_side(self) -> int:
        """The pixels that `prepare` wants on the shorter side."""
        return self.model.shorter_side

    def prepare(self, image: Image.Image) -> Pixels:
        """What the network sees of a picture in mode RGB: uint8, shape (crop, crop, 3)."""
        return fit(image, self.model)

    def embed(self, pixels: Pixels) -> Matrix:
        """The embeddings of prepared pictures.

        Args:
            pixels: uint8, shape (n, crop, crop, 3); n from 0.

        Returns:
            float32, shape (n, dimension), each row of length 1; or all NaN where the network gave
            no direction, so that one picture does not take the others with it.

        Raises:
            ModelError: the pixels are of another shape or type, or memory is short.
        """
        return normalise(self._runtime.run(pixels))


def open_embedder(name: str, threads: int) -> Embedder:
    """Load a network; the first time on a machine, it is built, which takes about a second.

    Args:
        name: of a row in the registry.
        threads: how many the network uses for one call of `Embedder.embed`.

    Raises:
        UsageError: there is no such row.
        ModelError: the network cannot be built, kept or loaded.
    """
    from lookgraph.models.runtimes import OnnxRuntime

    model = find_model(name)
    return Embedder(model, OnnxRuntime(network_file(model), threads))


def normalise(embeddings: Matrix) -> Matrix:
    """Rows of length 1, shape (n, d); all NaN where a row is zero or not finite."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    lengths[~np.isfinite(lengths) | (lengths == 0)] = np.nan
    normalised: Matrix = embeddings / lengths
    return normalised
