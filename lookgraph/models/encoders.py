"""Networks that users bring as Python objects."""

import hashlib
import threading
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from lookgraph.errors import ModelError
from lookgraph.models.embedder import normalise
from lookgraph.models.names import own_name
from lookgraph.models.preprocess import reduced
from lookgraph.models.probe import probe_picture
from lookgraph.types import Array, Matrix, Metric, Pixels, Prepares, Space

_DECODE_SIDE = 1024
_PREPROCESSING = 1


class Encoder(Protocol):
    """What makes embeddings of pictures, as the CLIP models of sentence-transformers do.

    It may have these attributes, too:

    - ``name``: what it is called; otherwise the name of its class.
    - ``fingerprint``: a text that is another one whenever the embeddings are: what it was trained
      on, or its weights' checksum. Otherwise two objects of one class are taken for the same.
    - ``metric``: how its embeddings are compared: "cosine" (the default), "l2", "inner-product".
    - ``decode_side``: the pixels that it wants on a picture's shorter side; 1024 if it says
      nothing. Larger pictures come reduced.
    """

    def encode(self, images: list[Image.Image], /) -> ArrayLike:
        """The embeddings of pictures.

        It is called by one thread at a time.

        Args:
            images: in mode RGB, upright, of any sizes.

        Returns:
            Floating-point numbers, shape (n, d) with the same d every time: an array, or what
            NumPy makes one of, such as a tensor in the computer's own memory.
        """
        ...


class EncoderEmbedder:
    """An encoder, used as any network is. Any number of threads may use it at once.

    Args:
        encoder: the encoder; the probe picture is encoded once.
        metric: how its embeddings are compared; None for what it says.

    Attributes:
        space: what its embeddings can be compared with.
        batch: how many pictures at a time it gets.
        decode_side: the pixels on the shorter side of what it gets; all of them if there are less.
        prepare: what makes of a picture what it gets: all of it, reduced to that side.

    Raises:
        ModelError: it is not what `Encoder` says.
    """

    def __init__(self, encoder: Encoder, metric: Metric | None = None) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()
        self._name = type(encoder).__name__
        self._name = self._text("name") or self._name
        self.batch = 32
        self.decode_side = self._side()
        self.prepare: Prepares = partial(reduced, side=self.decode_side)
        self.space = Space(
            model=own_name(self._name),
            fingerprint=self._fingerprint(),
            preprocessing=_PREPROCESSING,
            metric=metric or self._metric(),
            dimension=self._probed(),
        )

    def embed(self, prepared: Sequence[Pixels]) -> Matrix:
        """The embeddings of prepared pictures.

        Args:
            prepared: any number of pictures from `prepare`.

        Returns:
            float32, shape (n, dimension). For cosine each row has length 1; a row that is not
            finite is of a picture that the encoder cannot place.

        Raises:
            ModelError: the encoder fails, or gives something else than it should.
        """
        dimension = self.space.dimension
        if not len(prepared):
            return np.empty((0, dimension), np.float32)
        embeddings = self._encode(prepared)
        if embeddings.shape[1] != dimension:
            raise self._error(
                f"gave embeddings of {embeddings.shape[1]} numbers, before {dimension}"
            )
        return normalise(embeddings) if self.space.metric is Metric.COSINE else embeddings

    def _encode(self, prepared: Sequence[Pixels]) -> Matrix:
        images = [Image.fromarray(pixels) for pixels in prepared]
        with self._lock:
            try:
                # A copy: the encoder may write its next answer to the same memory.
                values: Array = np.array(self._encoder.encode(images))
            except Exception as error:
                raise self._error(
                    f"failed on {len(images)}: {type(error).__name__}: {error}"
                ) from error
        if values.ndim != 2 or len(values) != len(images) or not values.shape[1]:
            raise self._error(f"gave the shape {values.shape} for {len(images)}; (n, d) is wanted")
        if values.dtype.kind != "f":
            raise self._error(f"gave {values.dtype}; floating-point numbers are wanted")
        with np.errstate(over="ignore"):  # becomes infinity, which is looked for
            return values.astype(np.float32, copy=False)

    def _probed(self) -> int:
        """The dimension, as a picture shows it that we draw."""
        (embedding,) = self._encode([probe_picture()])
        if not np.isfinite(embedding).all() or not embedding.any():
            raise self._error("gave zeros, or numbers that are not finite, for a picture")
        return len(embedding)

    def _text(self, attribute: str) -> str | None:
        value = getattr(self._encoder, attribute, None)
        if value is None or isinstance(value, str):
            return value
        raise self._error(f"has a {attribute} that is no text: {value!r:.80}")

    def _side(self) -> int:
        value = getattr(self._encoder, "decode_side", None)
        if value is None:
            return _DECODE_SIDE
        if type(value) is int and value > 0:
            return value
        raise self._error(f"has a decode_side that is no number of pixels: {value!r:.80}")

    def _metric(self) -> Metric:
        value = self._text("metric") or Metric.COSINE
        for metric in Metric:
            if metric == value:
                return metric
        raise self._error(f"has the metric {value!r:.80}; there is: {', '.join(Metric)}")

    def _fingerprint(self) -> str:
        kind = type(self._encoder)
        text = self._text("fingerprint") or f"{kind.__module__}.{kind.__qualname__}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def _error(self, what: str) -> ModelError:
        return ModelError(f"the encoder {self._name} {what}")
