"""From texts to embeddings among those of pictures, where a network has a tower for texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lookgraph.config import usable_cores
from lookgraph.errors import ModelError, UsageError
from lookgraph.models.embedder import normalise
from lookgraph.models.model import Model
from lookgraph.models.runtimes.onnx_runtime import load_session
from lookgraph.models.tokens import ClipTokenizer
from lookgraph.types import Matrix, Metric, Space


class TextEmbedder:
    """A network's tower for texts. Any number of threads may use it at once.

    Attributes:
        space: what its embeddings can be compared with.
    """

    def __init__(self, space: Space, tokenizer: ClipTokenizer, session: Any) -> None:
        self.space = space
        self._tokenizer = tokenizer
        self._session = session

    def embed(self, texts: Sequence[str]) -> Matrix:
        """The embeddings of texts; what goes beyond the network's length does not count.

        Returns:
            float32, shape (n, dimension). For cosine each row has length 1.

        Raises:
            UsageError: a text has no words.
            ModelError: memory is short.
        """
        tokens = self._tokenizer.tokens(texts)
        embeddings = np.empty((len(texts), self.space.dimension), np.float32)
        try:
            # One by one, so that memory does not grow with their number.
            for number in range(len(texts)):
                row = tokens[number : number + 1]
                (embeddings[number : number + 1],) = self._session.run(None, {"tokens": row})
        except Exception as error:
            raise ModelError(f"the network for texts failed: {error}") from error
        return normalise(embeddings) if self.space.metric is Metric.COSINE else embeddings


def open_text_embedder(model: Model, space: Space, network: Path, vocabulary: Path) -> TextEmbedder:
    """Load a network's tower for texts.

    Args:
        model: the network.
        space: one of its spaces.
        network: the tower's file, as `cache.network_file` gives it.
        vocabulary: the file of `TextTower.vocabulary`.

    Raises:
        UsageError: the network knows no words.
        MissingExtraError: the package tokenizers is not installed.
        CheckpointError: the vocabulary cannot be read, or is another.
        ModelError: the tower cannot be loaded.
    """
    if model.text is None:
        raise UsageError(f"{model.name} knows pictures only, no words")
    tokenizer = ClipTokenizer(vocabulary, model.text.length)
    return TextEmbedder(space, tokenizer, load_session(network, usable_cores()))
