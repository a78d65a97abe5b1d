"""What somebody asks a library for, and asking it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookgraph.interfaces.rest.shapes import Found
from lookgraph.queries import Box, PictureId, Query
from lookgraph.types import Selection

if TYPE_CHECKING:
    from lookgraph.library import Library


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the library, but for the pictures that are sent.

    Attributes:
        ids: of pictures of the library.
        texts: what pictures should show.
        without: ids of pictures to move away from.
        crop: the part of each picture that counts.
        k: how many hits.
        least: all with this score instead.
        model: whose embeddings are compared.
        rank: by what.
        recall: as `Library.search` has it.
        among: which pictures may answer.
        query: all that it is asked with, embedded; None if it is not yet.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    without: Sequence[str]
    crop: Box | None
    k: int
    least: float | None
    model: str | None
    rank: str
    recall: float
    among: Selection
    query: Query | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether it is, or the library has the embeddings of all that it is asked with."""
        return self.query is not None or (not self.texts and self.crop is None)


def embedded(library: "Library", asked: Asked, sent: Sequence[bytes]) -> Query:
    """What is asked with, embedded, if it is not yet.

    Args:
        library: that is asked.
        asked: for what.
        sent: files of pictures that are asked with too.

    Raises:
        LookgraphError: as `Library.embed`.
    """
    return asked.query or library.embed(
        *map(PictureId, asked.ids), *sent, text=asked.texts,
        without=map(PictureId, asked.without), crop=asked.crop, model=asked.model,
    )  # fmt: skip


def answer(library: "Library", asked: Asked, sent: Sequence[bytes] = ()) -> bytes:
    """Ask; gives the JSON of a `Found`.

    Args:
        library: that is asked.
        asked: for what.
        sent: files of pictures that are asked with too.

    Raises:
        LookgraphError: as `Library.search`.
    """
    query = embedded(library, asked, sent)
    if asked.least is not None:
        hits = library.search_over(query, score=asked.least, among=asked.among)
    else:
        hits = library.search(
            query, k=asked.k, among=asked.among, recall=asked.recall, rank=asked.rank
        )
    return Found.of(hits).model_dump_json().encode()
