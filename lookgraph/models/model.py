"""What a network is: how pictures are prepared for it, where its weights are, what it gives."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from lookgraph.types import Metric, Precision, Space, Word

Three: TypeAlias = tuple[float, float, float]


class Filter(Word):
    """How pictures are resized."""

    BICUBIC = "bicubic"
    """Pillow's, which averages over all pixels that become one (antialiasing)."""
    BILINEAR = "bilinear"
    """Likewise."""
    OPENCV_LINEAR = "opencv-linear"
    """OpenCV's ``INTER_LINEAR``, which looks at four pixels only, however many become one."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """The way from a picture to the network's input.

    Attributes:
        version: part of the space: raise it whenever an embedding moves.
        height: of the network's input, in pixels.
        width: likewise.
        shorter_side: the picture's shorter side after resizing, in pixels; the middle is then cut
            out. None to squash all of the picture to the input's size.
        filter: how it is resized.
        decode_side: a JPEG may be decoded smaller, but its shorter side keeps so many pixels.
        bgr: whether the network wants blue first.
        mean: subtracted from each channel, in the network's order, of values from 0 to 255,
        deviation: and what the rest is divided by.
    """

    version: int
    height: int
    width: int
    shorter_side: int | None
    filter: Filter
    decode_side: int
    bgr: bool
    mean: Three
    deviation: Three


@dataclass(frozen=True, slots=True)
class Carried:
    """Weights in a file that a Python package carries.

    Attributes:
        package: the name to give to pip.
        module: the package's top-level module.
        file: the path inside the module, with ``/`` between its parts.
        sha256: of the file, in hexadecimal.
    """

    package: str
    module: str
    file: str
    sha256: str

    @property
    def fingerprint(self) -> str:
        """What tells them from others."""
        return self.sha256


@dataclass(frozen=True, slots=True)
class Published:
    """A file to download.

    Attributes:
        url: where it is.
        algorithm: of the checksum that its publisher gives.
        digest: that checksum in hexadecimal; it may be only its head.
        bytes: the file's size, as far as it is known: 0 if it is not.
    """

    url: str
    algorithm: Literal["sha256", "md5"]
    digest: str
    bytes: int = 0

    @property
    def file(self) -> str:
        """Its name."""
        return self.url.rpartition("/")[2]

    @property
    def fingerprint(self) -> str:
        """What tells them from others."""
        return self.digest


@dataclass(frozen=True, slots=True)
class Own:
    """Somebody's own file: weights for an architecture that we know, or an ONNX network.

    Attributes:
        path: where it is.
        fingerprint: the SHA-256 of the file, and of what else changes the embeddings.
    """

    path: Path
    fingerprint: str


Weights: TypeAlias = Carried | Published | Own


@dataclass(frozen=True, slots=True)
class Adoption:
    """What of somebody's ONNX network is used, and how.

    Attributes:
        input: the name of its input,
        channels_last: whether that has the shape (n, height, width, 3).
        output: the name of its output.
        pool: what becomes of an output that has more than one vector a picture: ``first`` of
            (n, tokens, d), ``mean`` of (n, tokens, d) or (n, d, height, width); None if it has one.
    """

    input: str
    channels_last: bool
    output: str
    pool: Literal["first", "mean"] | None


@dataclass(frozen=True, slots=True)
class TextTower:
    """The part of a network that places texts among the pictures.

    Attributes:
        architecture: the key of its builder in `networks.BUILDERS`; built from the same weights.
        vocabulary: the tokenizer's file.
        length: the tokens in a text, with those for its start and end.
    """

    architecture: str
    vocabulary: Published
    length: int


@dataclass(frozen=True, slots=True)
class Model:
    """A network.

    Attributes:
        name: what users call it, and what libraries remember.
        summary: one line for people.
        architecture: the key of its builder in `networks.BUILDERS`; ``onnx`` for an adopted one.
        dimension: the numbers in an embedding.
        metric: how two embeddings are compared, unless a library is told otherwise.
        preparation: how pictures are prepared for it.
        licence: of the weights, as an SPDX identifier; empty if it is not known.
        weights: where they are.
        check: the first numbers of the embedding of `probe.probe_picture`, at length 1; empty
            if they are not known.
        text: its text tower, if it has one.
        adoption: for an adopted network, what of it is used.
    """

    name: str
    summary: str
    architecture: str
    dimension: int
    metric: Metric
    preparation: Preparation
    licence: str
    weights: Weights
    check: tuple[float, ...] = ()
    text: TextTower | None = None
    adoption: Adoption | None = None

    def space(
        self, metric: Metric | None = None, precision: Precision = Precision.FLOAT32
    ) -> Space:
        """What this network's embeddings can be compared with."""
        return Space(
            model=self.name,
            fingerprint=self.weights.fingerprint,
            preprocessing=self.preparation.version,
            metric=metric or self.metric,
            dimension=self.dimension,
            precision=precision,
        )
