"""The words that every part shares: frozen values, and what is asked of a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Vector: TypeAlias = NDArray[np.float32]
"""One embedding, shape (d,)."""

Matrix: TypeAlias = NDArray[np.float32]
"""Embeddings, shape (n, d)."""

Rows: TypeAlias = NDArray[np.float16]
"""Stored embeddings, shape (n, d), often a memory map."""

LARGEST = 65504.0
"""The largest number that a stored embedding can hold: float16's (IEEE 754, binary16)."""

Pixels: TypeAlias = NDArray[np.uint8]
"""A picture, shape (height, width, 3), sRGB."""

Integers: TypeAlias = NDArray[np.int64]
Array: TypeAlias = NDArray[Any]


class Word(str, Enum):
    """An enum whose members are their strings (`enum.StrEnum`, which Python 3.10 lacks)."""

    def __str__(self) -> str:
        return str(self.value)


class Metric(Word):
    """How two embeddings of a space are compared."""

    COSINE = "cosine"
    """The cosine of the angle between them. Embeddings are kept at length 1."""
    L2 = "l2"
    """The Euclidean distance between them; the score is the distance with a minus before it."""
    INNER_PRODUCT = "inner-product"
    """The sum of the products of their numbers."""


class Precision(Word):
    """The numbers that a network computes with. Those that it gives are float32 in any case."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    INT8 = "int8"


class Ranking(Word):
    """What puts the hits of a search in order."""

    AUTO = "auto"
    """The graph, where the library has one and the metric is the cosine."""
    GRAPH = "graph"
    """How like the query they and their neighbours are (`lookgraph.ranking.propagation`)."""
    COSINE = "cosine"
    """How like the query they are by themselves, by the space's metric."""


class VerdictKind(Word):
    """What somebody has said of two pictures."""

    SAME = "same"
    """They show the same."""
    DIFFERENT = "different"
    """They do not, however much they look alike."""


class IndexKind(Word):
    """How a library is searched."""

    AUTO = "auto"
    """By codes where comparing everything would take long on this machine."""
    EXACT = "exact"
    """By comparing everything."""
    IVF = "ivf"
    """By codes: FAISS' inverted lists of scalar-quantised rows, with an exact second look."""
    HNSW = "hnsw"
    """By the server's index of vectors, with an exact second look. For libraries in Neo4j."""
    GDS = "gds"
    """By comparing everything with Neo4j's Graph Data Science, as the recipe does. Likewise."""


@dataclass(frozen=True, slots=True)
class Space:
    """What makes embeddings comparable: those of different spaces never meet.

    Attributes:
        model: the network's name, of characters that are safe in a file's name.
        fingerprint: what tells its weights from others, in hexadecimal: mostly their SHA-256.
        preprocessing: the version of the way from a file to the network's input.
        metric: how two embeddings are compared.
        dimension: the numbers in an embedding.
        precision: the numbers that the network computes with.
    """

    model: str
    fingerprint: str
    preprocessing: int
    metric: Metric
    dimension: int
    precision: Precision = Precision.FLOAT32

    @property
    def name(self) -> str:
        """A short name that is different for different spaces, and safe as a file's name."""
        name = f"{self.model}-{self.fingerprint[:8]}-p{self.preprocessing}-{self.metric}"
        return name if self.precision is Precision.FLOAT32 else f"{name}-{self.precision}"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture by its content.

    Attributes:
        id: the SHA-256 of the file's bytes, in hexadecimal: the same wherever the file lies.
        format: as Pillow names it: JPEG, PNG, WEBP, AVIF, GIF, BMP, TIFF, HEIF.
        width: in pixels, after the EXIF orientation is applied.
        height: likewise.
        taken: when it was taken as EXIF says, ``YYYY-MM-DDTHH:MM:SS``; None if it does not say.
    """

    id: str
    format: str
    width: int
    height: int
    taken: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody has said of two pictures, by their content: it holds wherever they lie.

    Attributes:
        first: the id of one of them, the lower one.
        second: that of the other.
        kind: what was said.
        said: when, ``YYYY-MM-DDTHH:MM:SSZ``.
    """

    first: str
    second: str
    kind: VerdictKind
    said: str


class SkipKind(Word):
    """Why a file has no embedding."""

    NO_PICTURE = "no-picture"
    """Neither its content nor its name is a picture's. Nobody needs to hear of it."""
    DAMAGED = "damaged"
    """It should be a picture, and it cannot be decoded."""
    TOO_LARGE = "too-large"
    """More pixels than are safe to decode."""
    NEEDS_EXTRA = "needs-extra"
    """An optional dependency would decode it."""
    UNREADABLE = "unreadable"
    """The file system refused it."""
    CHANGING = "changing"
    """It changed while it was read."""

    @property
    def passing(self) -> bool:
        """Whether the cause may pass while the file stays the same: such a file is tried again."""
        return self in {SkipKind.NEEDS_EXTRA, SkipKind.UNREADABLE, SkipKind.CHANGING}


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a file was left out, as a kind and in words."""

    kind: SkipKind
    reason: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells, without opening it, that a file is still the same."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the library: what it is, or why it was left out. Exactly one of the two is set.

    Attributes:
        path: relative to the library's folder, with ``/`` between its parts. Bytes that are no
            UTF-8 are there as surrogate escapes (PEP 383), so that nothing is lost.
        stamp: the file's size and time when it was read.
        picture: what it is.
        skip: why it was left out.
    """

    path: str
    stamp: Stamp
    picture: Picture | None = None
    skip: Skip | None = None


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as the library remembers it.

    Attributes:
        path: as in `Entry`.
        stamp: what it was when it was read.
        settled: whether nothing is to be done as long as the stamp stays the same.
    """

    path: str
    stamp: Stamp
    settled: bool


@dataclass(frozen=True, slots=True)
class Patterns:
    """Which files belong to the library, as globs.

    A pattern without a slash is matched against the name of a file or folder, one with a slash
    against the whole path; ``*`` does not stop at slashes. Case counts.

    Attributes:
        include: a file must match one of these; empty lets all in.
        exclude: a file or folder that matches one of these is left out.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pictures may answer a search: those for which all of it holds.

    Attributes:
        under: a folder's path, relative to the library's, that a file of it lies below; empty for
            any.
        name: a glob that the same file's name matches, or its whole path if the glob has a slash,
            as in `Patterns`; empty for any.
        taken_from: the earliest that it was taken, as far as that is given: ``2024``,
            ``2024-06``, up to ``2024-06-30T12:00:00``; None for any. A picture without a date
            matches only if neither this nor `taken_to` is given.
        taken_to: the latest, likewise; all of that year, month or day counts.
        min_side: the pixels that its shorter side has at least.
        ids: the ids of those that may; None for any.
    """

    under: str = ""
    name: str = ""
    taken_from: str | None = None
    taken_to: str | None = None
    min_side: int = 0
    ids: frozenset[str] | None = None


EVERYTHING = Selection()
"""All pictures may answer."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A row near a query: its number and its score, where higher is closer."""

    row: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture that answers a search.

    Attributes:
        rank: its place, from 1.
        score: how near its embedding is to the query's by the space's metric; higher is closer.
            For cosine it lies in [-1, 1]; for L2 it is the distance with a minus before it.
        rank_score: what it was ranked by, where that is the graph; None if it is the score.
        distance: the Euclidean distance, for L2; lower is closer. None for other metrics.
        id: the SHA-256 of its bytes.
        path: relative to the library's folder; the first in alphabetical order.
        file: the same, absolute: what can be opened.
        copies: the paths of further files with the very same bytes.
        format: as in `Picture`.
        width: in pixels.
        height: in pixels.
        taken: as in `Picture`.
    """

    rank: int
    score: float
    distance: float | None
    id: str
    path: str
    file: str
    copies: tuple[str, ...]
    format: str
    width: int
    height: int
    taken: str | None
    rank_score: float | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.path).name


class Prepares(Protocol):
    """From a picture to what a network sees of it. It can be pickled: other processes do it too."""

    def __call__(self, image: "Image.Image") -> Pixels:
        """From a picture in mode RGB to its pixels: uint8, shape (height, width, 3)."""
        ...


class Wants(Protocol):
    """What a network sees of pictures."""

    @property
    def decode_side(self) -> int:
        """The pixels that `prepare` wants on the shorter side, at least."""
        ...

    @property
    def prepare(self) -> "Prepares":
        """What makes of a picture what the network sees."""
        ...


class Embeds(Wants, Protocol):
    """What is needed of a network; safe to be called from several threads."""

    @property
    def batch(self) -> int:
        """How many pictures at a time `embed` is given."""
        ...

    def embed(self, prepared: Sequence[Pixels]) -> Matrix:
        """From n prepared pictures to embeddings, shape (n, d).

        A row that is zero or not finite is of a picture that the network cannot place.
        """
        ...
