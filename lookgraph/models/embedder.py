"""From pictures to embeddings: one network, ready to use."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from lookgraph.models.cache import network_file
from lookgraph.models.model import Model
from lookgraph.models.preprocess import fit
from lookgraph.models.runtimes import Choice, Runtime, SettledRuntime, settle
from lookgraph.types import Matrix, Metric, Pixels, Prepares, Space


class Embedder:
    """A network with its preparation of pictures. Any number of threads may use it at once.

    Attributes:
        model: what it is.
        space: what its embeddings can be compared with.
        batch: how many pictures at a time are fastest.
        prepare: what makes of a picture what the network sees.
    """

    def __init__(self, model: Model, space: Space, runtime: Runtime, batch: int = 4) -> None:
        self.model = model
        self.space = space
        self.batch = batch
        self.prepare: Prepares = partial(fit, preparation=model.preparation)
        self._runtime = runtime

    @property
    def decode_side(self) -> int:
        """The pixels that `prepare` wants on the shorter side."""
        return self.model.preparation.decode_side

    def embed(self, prepared: Sequence[Pixels]) -> Matrix:
        """The embeddings of prepared pictures.

        Args:
            prepared: any number of pictures from `prepare`.

        Returns:
            float32, shape (n, dimension). For cosine each row has length 1; a row is all NaN where
            the network gave no direction, so that one picture does not take the others with it.

        Raises:
            ModelError: a picture is of another shape or type, or memory is short.
        """
        if not len(prepared):
            return np.empty((0, self.space.dimension), np.float32)
        embeddings = self._runtime.run(np.stack(prepared))
        return normalise(embeddings) if self.space.metric is Metric.COSINE else embeddings


@dataclass(frozen=True, slots=True)
class SettledEmbedder:
    """An embedder that is not loaded yet, with all choices made: the same in every process.

    It can be pickled.

    Attributes:
        model: what it is.
        space: what its embeddings can be compared with.
        runtime: what executes it.
    """

    model: Model
    space: Space
    runtime: SettledRuntime

    @property
    def decode_side(self) -> int:
        """The pixels that `prepare` wants on the shorter side."""
        return self.model.preparation.decode_side

    @property
    def prepare(self) -> Prepares:
        """What makes of a picture what the network sees."""
        return partial(fit, preparation=self.model.preparation)

    def at(self, file: Path) -> "SettledEmbedder":
        """The same, from another place."""
        return replace(self, runtime=replace(self.runtime, file=file))

    def load(self, callers: int) -> Embedder:
        """Load it for so many threads that will call at once; they share the cores.

        Raises:
            ModelError: it cannot be loaded.
        """
        return Embedder(self.model, self.space, self.runtime.load(callers))


def open_embedder(
    model: Model,
    space: Space,
    *,
    callers: int,
    choice: Choice | None = None,
    pictures: int = 1,
) -> Embedder:
    """Load a network, as `settle_embedder` chooses it.

    Args:
        model: what it is.
        space: one of the model's.
        callers: how many threads will call `Embedder.embed` at once; they share the cores.
        choice: what is to execute it; None for the best there is.
        pictures: how many are waiting: only for many is it worth to measure what is best.

    Raises:
        ModelError: the network cannot be built, kept or loaded.
    """
    return settle_embedder(model, space, callers, choice, pictures).load(callers)


def settle_embedder(
    model: Model, space: Space, callers: int, choice: Choice | None, pictures: int
) -> SettledEmbedder:
    """Make all choices about a network; the first time on a machine it is built, in some seconds.

    Args:
        model: as for `open_embedder`; so are the others.
        space: likewise.
        callers: likewise.
        choice: likewise.
        pictures: likewise.

    Raises:
        ModelError: the network cannot be built or kept, or nothing here can execute it.
    """
    runtime = settle(network_file(model), space, callers, choice, pictures)
    return SettledEmbedder(model, space, runtime)


def normalise(embeddings: Matrix) -> Matrix:
    """Rows of length 1, shape (n, d); all NaN where a row is zero or not finite."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    lengths[~np.isfinite(lengths) | (lengths == 0)] = np.nan
    normalised: Matrix = embeddings / lengths
    return normalised
