"""What a search gives back."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from lookgraph.pages import Tile, grid
from lookgraph.stores.base import Match
from lookgraph.types import Hit, IndexKind, Metric, Picture, Space

_NOTEBOOK_SIDE = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """One picture of a question, or a text.

    Attributes:
        name: the path or id that it was given by, or a few words.
        file: where it lies; None for a picture in memory.
        id: the SHA-256 of its bytes, if the library holds it.
        is_text: whether it is no picture, and the name is what was asked with.
    """

    name: str
    file: str | None = None
    id: str | None = None
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked.

    Attributes:
        pictures: what was asked for, texts among it.
        without: what to move away from.
        crop: x, y, width, height in pixels of the part that was asked for; None for all of it.
    """

    pictures: tuple[Subject, ...]
    without: tuple[Subject, ...] = ()
    crop: tuple[int, int, int, int] | None = None

    def is_about(self, id_: str) -> bool:
        """Whether the picture with this id is among those asked for."""
        return any(subject.id == id_ for subject in self.pictures)


@dataclass(frozen=True, slots=True)
class Hits(Sequence[Hit]):
    """The answer to a search: hits, best first, and how they were found.

    Attributes:
        question: what was asked.
        space: whose embeddings were compared.
        ranked_by: ``graph``, or the space's metric.
        k: how many were asked for; None for all over a score.
        took_ms: how long the search took, from the picture to the hits, in milliseconds.
        hits: at most k.
        searched: by comparing everything, or by an index.
        fault: why the library's index could not be used; None if it could, or there is none.
        graph_fault: why its graph could not be used; likewise.
    """

    question: Question
    space: Space
    ranked_by: str
    k: int | None
    took_ms: float
    hits: tuple[Hit, ...]
    searched: IndexKind = IndexKind.EXACT
    fault: str | None = None
    graph_fault: str | None = None

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[index]

    def _repr_html_(self) -> str:
        """A grid of thumbnails, which notebooks show."""
        return grid([tile(hit, _NOTEBOOK_SIDE, self.question) for hit in self.hits])


def tile(hit: Hit, side: int, question: Question) -> Tile:
    """A hit as pages show it, with a thumbnail that fits a square of so many pixels."""
    bare = bare_tile(hit)
    return replace(
        bare, thumbnail=thumbnail_of(Path(hit.file), side), marked=question.is_about(hit.id)
    )


def bare_tile(hit: Hit) -> Tile:
    """A hit as pages show it, without a thumbnail."""
    return Tile(
        thumbnail=None,
        title=hit.path,
        score=closeness(hit),
        file=hit.file,
        share=hit.score if hit.distance is None and -1 <= hit.score <= 1 else None,
        details=details_of(hit),
        copies=hit.copies,
    )


def details_of(picture: Hit | Picture) -> str:
    """A line about a picture, such as ``JPEG · 4000 × 3000 · 2021-05-01``."""
    parts = (picture.format, f"{picture.width} × {picture.height}", (picture.taken or "")[:10])
    return " · ".join(filter(None, parts))


def asked_tile(subject: Subject, side: int) -> Tile:
    """A picture of a question as pages show it."""
    file = subject.file
    return Tile(
        thumbnail=thumbnail_of(Path(file), side) if file else None,
        title=subject.name,
        score="",
        file=file or "",
        details="" if file or subject.is_text else "a picture in memory",
        instead=_instead(subject),
    )


def _instead(subject: Subject) -> str:
    if subject.is_text:
        return f"“{subject.name}”"
    return "No longer there" if subject.file else "No preview"


def hit_of(root: Path, rank: int, match: Match, metric: Metric) -> Hit:
    """A picture that was found, for people.

    Args:
        root: the library's folder.
        rank: from 1.
        match: what the store found.
        metric: the space's.
    """
    first, *copies = match.paths
    picture = match.picture
    return Hit(
        rank=rank,
        score=match.score,
        distance=abs(match.score) if metric is Metric.L2 else None,
        id=picture.id,
        path=first,
        file=os.path.join(root, first),  # noqa: PTH118 - for many hits; a Path takes long to make
        copies=tuple(copies),
        format=picture.format,
        width=picture.width,
        height=picture.height,
        taken=picture.taken,
        rank_score=match.rank_score,
    )


def closeness(hit: Hit) -> str:
    """A hit's score for people, or its distance where the space has one."""
    return score_text(hit.score, is_distance=hit.distance is not None)


def score_text(score: float, *, is_distance: bool) -> str:
    """A score for people; where it is a distance with a minus before it, the distance."""
    return f"distance {abs(score):.4g}" if is_distance else f"{score:.3f}"


def thumbnail_of(file: Path, side: int) -> bytes | None:
    """A JPEG of the picture in a file; None if the file is gone or is no picture any more."""
    from lookgraph.ingest.decode import UnusableError, decode, thumbnail

    try:
        with file.open("rb") as opened:
            return thumbnail(decode(opened, side).image, side)
    except (OSError, UnusableError):
        return None
