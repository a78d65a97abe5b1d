"""What an address of the search screen asks. The address is all the state that there is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from lookgraph.interfaces.app.values import is_id, number, whole
from lookgraph.queries import Box
from lookgraph.types import Ranking, Selection

MOST = 1000
"""Hits of one question."""

MOST_PICTURES = 16
"""Pictures of one question."""

_STEP = 60
_MOST_CRUMBS = 12
_MOMENT = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_CROP = re.compile(r"\d{1,6},\d{1,6},\d{1,6},\d{1,6}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the library, as an address has it.

    Attributes:
        pictures: ids, of the library's pictures or of uploaded ones.
        texts: what pictures should show.
        crop: the part of the one picture that counts.
        k: how many hits.
        least: the score from which on hits are shown.
        rank: by what.
        model: whose embeddings are compared.
        among: which pictures may answer.
        way: ids of the pictures that were asked with before, the first one first.
    """

    pictures: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    crop: Box | None = None
    k: int = _STEP
    least: float | None = None
    rank: Ranking = Ranking.AUTO
    model: str | None = None
    among: Selection = field(default_factory=Selection)
    way: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not self.pictures and not self.texts

    def walked(self) -> "Asked":
        """The question that a picture which is to come makes, on the way from this one."""
        way = tuple(one for one in self.way if one not in self.pictures) + self.pictures[:1]
        return replace(self, pictures=(), texts=(), crop=None, k=_STEP, way=way[-_MOST_CRUMBS:])

    def back_to(self, place: int) -> "Asked":
        """The question that was asked at a place of the way."""
        return replace(
            self, pictures=(self.way[place],), texts=(), crop=None, k=_STEP, way=self.way[:place]
        )

    def address(self) -> str:
        """Where it is asked; `read` gives it back."""
        among = self.among
        parts = [
            *(("text", text) for text in self.texts),
            ("crop", ",".join(map(str, self.crop)) if self.crop else ""),
            ("k", "" if self.k == _STEP else self.k),
            ("min", "" if self.least is None else f"{self.least:g}"),
            ("rank", "" if self.rank is Ranking.AUTO else self.rank),
            ("model", self.model or ""),
            ("under", among.under), ("name", among.name),
            ("from", among.taken_from or ""), ("to", among.taken_to or ""),
            ("side", among.min_side or ""),
            ("way", ",".join(self.way)),
            *(("picture", id_) for id_ in self.pictures),
        ]  # fmt: skip
        return f"/?{urlencode([(key, str(value)) for key, value in parts if value != ''])}"


def read(query: Mapping[str, Sequence[str]]) -> Asked:
    """What an address asks; what cannot be understood in it is not asked.

    Args:
        query: the values of each name behind the question mark.
    """

    def one(name: str, pattern: "re.Pattern[str] | None" = None) -> str:
        value = (query.get(name) or [""])[-1].strip()
        return value if pattern is None or pattern.fullmatch(value) else ""

    pictures = _ids(query.get("picture", ()))[:MOST_PICTURES]
    crop = one("crop", _CROP)
    rank = one("rank")
    return Asked(
        pictures=pictures,
        texts=tuple(text.strip() for text in query.get("text", ()) if text.strip())[:4],
        crop=_box(crop) if crop and len(pictures) == 1 else None,
        k=min(max(whole(one("k")) or _STEP, 1), MOST),
        least=number(one("min")),
        rank=Ranking(rank) if rank in set(map(str, Ranking)) else Ranking.AUTO,
        model=one("model") or None,
        among=Selection(
            one("under").strip("/"),
            one("name"),
            one("from", _MOMENT) or None,
            one("to", _MOMENT) or None,
            whole(one("side")) or 0,
        ),
        way=_ids(one("way").split(","))[-_MOST_CRUMBS:],
    )


def _ids(told: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id_ for id_ in told if is_id(id_)))


def _box(told: str) -> Box | None:
    x, y, width, height = map(int, told.split(","))
    return (x, y, width, height) if width and height else None
