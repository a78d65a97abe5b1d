"""From what somebody asks with, a picture in any form, to the embedding that is searched for."""

import io
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias, Union

import numpy as np

from lookgraph.errors import PictureError, UsageError
from lookgraph.ingest import colour
from lookgraph.ingest.decode import Decodes, UnusableError, reasons
from lookgraph.ingest.pipeline import content_id
from lookgraph.results import Question, Subject
from lookgraph.stores.base import Store
from lookgraph.types import Embeds, Metric, Pixels, Space, Stamp, Vector

if TYPE_CHECKING:
    from PIL import Image

PictureLike: TypeAlias = Union[str, "os.PathLike[str]", bytes, "Image.Image", Pixels]
"""A path, a file's bytes, a Pillow image, an array (height, width, 3) of uint8, or an id: at
least eight characters of a picture's SHA-256, where no file has that name."""


class PictureId(str):
    """The id of a picture, or its beginning, from somebody who must not name files."""

    __slots__ = ()


Box: TypeAlias = tuple[int, int, int, int]
"""x, y, width and height in pixels of the upright picture, from its upper left corner."""

_ID = re.compile(r"[0-9a-f]{8,64}")

_WHOLE = 64
"""Characters of an id that is no beginning of another."""

_EVERY_PIXEL = 1 << 30
"""A side that no picture has."""

_AWAY = 0.5
"""How much the direction to move away from counts, against 1 for the one that is asked for.
Embeddings share most of what they say (any two photographs have a cosine well over 0), so
taking all of it away would leave little of the question."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One picture of a question and its embedding, shape (d,)."""

    subject: Subject
    embedding: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A question, and where in the space of a network it lies.

    Attributes:
        question: what is asked for.
        space: of the network.
        embedding: shape (d,), float32; for cosine of unit length.
        seconds: that embedding it took.
    """

    question: Question
    space: Space
    embedding: Vector
    seconds: float

    @property
    def itself(self) -> str | None:
        """The id of the picture that is all of the question, if the library holds it."""
        asked = self.question
        alone = len(asked.pictures) == 1 and not asked.without and asked.crop is None
        return asked.pictures[0].id if alone else None


@dataclass(frozen=True, slots=True)
class Asker:
    """Turns pictures into embeddings of one space, through the library where it has them.

    Attributes:
        store: the library.
        root: its folder.
        space: whose embeddings are wanted.
        network: opens the network; called only when a picture must be embedded.
        decoder: decodes files.
    """

    store: Store
    root: Path
    space: Space
    network: Callable[[], Embeds]
    decoder: Decodes

    def ask(self, picture: PictureLike, crop: Box | None) -> Asked:
        """Embed one picture, or the part of it that is asked for.

        Raises:
            PictureError: it is no picture, cannot be read, or is not in the library.
            UsageError: the crop lies outside, the array has the wrong shape, an id is ambiguous.
        """
        if isinstance(picture, PictureId):
            return self._ask_by_id(picture, crop)
        if isinstance(picture, str | os.PathLike):
            path = Path(picture)
            if "\0" in str(path):
                raise PictureError(f"{str(path)!r} is no path.")
            if _ID.fullmatch(str(picture)) and not path.exists():
                return self._ask_by_id(str(picture), crop)
            return self._ask_by_path(path, crop)
        if isinstance(picture, bytes):
            subject = Subject("a picture in memory")
            return self._ask_in_file(subject, io.BytesIO(picture), crop)
        image, name = _as_image(picture)
        return Asked(Subject(name), self._embed(_cut(image, image.size, crop, name)))

    def _ask_by_id(self, prefix: str, crop: Box | None) -> Asked:
        ids = [str(prefix)] if len(prefix) == _WHOLE else self.store.ids(prefix)
        if len(ids) > 1:
            raise UsageError(f"More than one picture has an id that begins with {prefix}.")
        # The last file may go between the two calls.
        paths = self.store.paths(ids[0]) if ids else ()
        if not paths:
            raise PictureError(
                f"{prefix} is neither a file nor the id of a picture in the library."
            )
        file = self.root / paths[0]
        stored = self.store.embedding(self.space, ids[0])
        if crop is None and stored is not None:
            return Asked(Subject(prefix, str(file), ids[0]), stored)
        return self._ask_by_path(file, crop)

    def _ask_by_path(self, path: Path, crop: Box | None) -> Asked:
        try:
            if crop is None and (known := self._known(path)):
                return known
            with path.open("rb") as file:
                return self._ask_in_file(Subject(str(path), str(path.absolute())), file, crop)
        except OSError as error:
            raise PictureError(f"{path} cannot be read: {error.strerror or error}.") from error

    def _known(self, path: Path) -> Asked | None:
        """The picture's stored embedding, if the file is the library's and has not changed."""
        inside = os.path.relpath(path.absolute(), self.root)
        entry = self.store.entry(inside.replace(os.sep, "/"))
        if entry is None or entry.picture is None:
            return None
        found = path.stat()
        if entry.stamp != Stamp(found.st_size, found.st_mtime_ns):
            return None
        stored = self.store.embedding(self.space, entry.picture.id)
        if stored is None:
            return None
        return Asked(Subject(str(path), str(path.absolute()), entry.picture.id), stored)

    def _ask_in_file(self, subject: Subject, file: IO[bytes], crop: Box | None) -> Asked:
        id_ = content_id(file)
        stored = self.store.embedding(self.space, id_)
        if stored is not None:
            subject = replace(subject, id=id_)
            if crop is None:
                return Asked(subject, stored)
        network = self.network()
        try:
            if crop is None:
                seen = self.decoder.prepared(file, network.decode_side, network.prepare)
            else:
                decoded = self.decoder.decode(file, _EVERY_PIXEL)  # as the part may be small
                size = (decoded.width, decoded.height)
                seen = network.prepare(_cut(decoded.image, size, crop, subject.name))
        except UnusableError as error:
            raise PictureError(f"{subject.name}: {error}.") from error
        return Asked(subject, network.embed([seen])[0])

    def _embed(self, image: "Image.Image") -> Vector:
        network = self.network()
        embedding: Vector = network.embed([network.prepare(image)])[0]
        return embedding


def _as_image(picture: object) -> "tuple[Image.Image, str]":
    from PIL import Image

    if isinstance(picture, Image.Image):
        width, height = picture.size
        name = f"a {width} x {height} image"
        if not width or not height:
            raise UsageError(f"{name} has no pixels.")
        try:
            with reasons():
                return colour.upright(colour.to_srgb(picture), picture.getexif()), name
        except UnusableError as error:
            raise PictureError(f"{name}: {error}.") from error
    if not isinstance(picture, np.ndarray):
        raise UsageError(f"A {type(picture).__name__} is no picture, path or id.")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise UsageError(
            f"An array of shape {picture.shape} and type {picture.dtype} is no picture: "
            "it must have shape (height, width, 3) and type uint8."
        )
    height, width = picture.shape[:2]
    return Image.fromarray(picture), f"a {width} x {height} array"


def _cut(image: "Image.Image", size: tuple[int, int], crop: Box | None, name: str) -> "Image.Image":
    """The part of an image that the crop, given for a picture of that size, asks for."""
    if crop is None:
        return image
    x, y, width, height = crop
    if width < 1 or height < 1 or x < 0 or y < 0 or x + width > size[0] or y + height > size[1]:
        raise UsageError(
            f"The part {x},{y},{width},{height} does not lie in {name}, "
            f"which has {size[0]} x {size[1]} pixels."
        )
    return image.crop((x, y, x + width, y + height))


def direction(towards: Sequence[Vector], away: Sequence[Vector], metric: Metric) -> Vector:
    """One query from several embeddings: their mean, moved away from those to avoid.

    This is Rocchio's formula (1971, "Relevance feedback in information retrieval") with weights 1
    and 0.5: for cosine on the embeddings' directions, for inner product on the embeddings. Where
    distances count, the query moves half as far beyond the mean as that is from what to avoid,
    which keeps it among the pictures.

    Args:
        towards: at least one embedding, each of shape (d,).
        away: any number.
        metric: the space's.

    Returns:
        shape (d,); for cosine of unit length.

    Raises:
        UsageError: nothing is asked for, or what is asked for cancels out.
    """
    if not towards:
        raise UsageError("A search needs at least one picture to look for.")
    is_cosine = metric is Metric.COSINE
    query = _mean(towards, is_cosine)
    if away:
        avoided = _mean(away, is_cosine)
        query = query + _AWAY * ((query - avoided) if metric is Metric.L2 else -avoided)
    length = np.linalg.norm(query)
    if metric is not Metric.L2 and length < 1e-6:
        raise UsageError("The pictures cancel each other out: ask with fewer of them.")
    return np.asarray(query / length if is_cosine else query, np.float32)


def _mean(embeddings: Sequence[Vector], of_directions: bool) -> Vector:
    if of_directions:
        embeddings = [embedding / np.linalg.norm(embedding) for embedding in embeddings]
    return np.asarray(np.mean(embeddings, axis=0), np.float32)
