"""From pictures in any form to what is sent to a service."""

import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lookgraph.errors import PictureError, UsageError
from lookgraph.queries import Box, PictureId, PictureLike
from lookgraph.results import Subject
from lookgraph.types import Selection

_FULL_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is sent.

    Attributes:
        asked: the parameters.
        files: of the pictures that are sent.
        subjects: what is asked for.
        without: what to move away from.
        crop: the part that counts.
    """

    asked: Mapping[str, Any]
    files: tuple[bytes, ...]
    subjects: tuple[Subject, ...]
    without: tuple[Subject, ...]
    crop: Box | None


def question_of(
    pictures: Sequence[PictureLike],
    text: str | Sequence[str],
    without: str | Iterable[str],
    crop: Box | None,
    model: str | None,
    among: Selection,
) -> Question:
    """Put a question together.

    Raises:
        PictureError: a picture cannot be read.
        UsageError: ids are said of which one must answer, which cannot be sent.
    """
    if among.ids is not None:
        raise UsageError("A service cannot be told which ids may answer.")
    texts = (text,) if isinstance(text, str) else tuple(text)
    away = (without,) if isinstance(without, str) else tuple(without)
    ids = [str(its) for its in pictures if is_id(its)]
    sent = [its for its in pictures if not is_id(its)]
    asked = {
        "id": ids,
        "text": list(texts),
        "without": list(away),
        "crop": ",".join(map(str, crop)) if crop else None,
        "model": model,
        "under": among.under or None,
        "name": among.name or None,
        "taken_from": among.taken_from,
        "taken_to": among.taken_to,
        "min_side": among.min_side or None,
    }
    subjects = [Subject(id_, id=id_) for id_ in ids]
    subjects += [Subject(_name(its)) for its in sent]
    subjects += [Subject(its, is_text=True) for its in texts]
    return Question(
        asked,
        tuple(_file(its) for its in sent),
        tuple(subjects),
        tuple(Subject(id_, id=id_) for id_ in away),
        crop,
    )


def is_id(picture: PictureLike) -> bool:
    """Whether it is an id, and not a path: all 64 characters of one."""
    if isinstance(picture, PictureId):
        return True
    return isinstance(picture, str) and bool(_FULL_ID.fullmatch(picture))


def content_of(path: "str | os.PathLike[str]") -> bytes:
    """All that is in a file.

    Raises:
        PictureError: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror or error}.") from error


def _name(picture: PictureLike) -> str:
    is_path = isinstance(picture, str | os.PathLike)
    return str(picture) if is_path else "a picture in memory"


def _file(picture: PictureLike) -> bytes:
    """A picture as a file; what is in memory is packed without loss."""
    from PIL import Image

    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, str | os.PathLike):
        return content_of(picture)
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    packed = io.BytesIO()
    picture.save(packed, "PNG", compress_level=1)
    return packed.getvalue()
