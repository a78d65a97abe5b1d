"""What somebody asks a library for, and asking it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookgraph.interfaces.rest.shapes import Found
from lookgraph.queries import Box, PictureId, PictureLike
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

    @property
    def is_of_ids(self) -> bool:
        """Whether the library has the embeddings of all that is asked with."""
        return not self.texts and self.crop is None


def answer(library: "Library", asked: Asked, sent: Sequence[bytes]) -> bytes:
    """Ask; gives the JSON of a `Found`.

    Args:
        library: that is asked.
        asked: for what.
        sent: files of pictures that are asked with too.

    Raises:
        LookgraphError: as `Library.search`.
    """
    pictures: list[PictureLike] = [*map(PictureId, asked.ids), *sent]
    without = [PictureId(id_) for id_ in asked.without]
    if asked.least is not None:
        hits = library.search_over(
            *pictures, score=asked.least, text=asked.texts, without=without, crop=asked.crop,
            model=asked.model, among=asked.among,
        )  # fmt: skip
    else:
        hits = library.search(
            *pictures, k=asked.k, text=asked.texts, without=without, crop=asked.crop,
            model=asked.model, among=asked.among, recall=asked.recall, rank=asked.rank,
        )  # fmt: skip
    return Found.of(hits).model_dump_json().encode()
