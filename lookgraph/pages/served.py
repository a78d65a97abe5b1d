"""Pages with a canvas as the app shows them: thumbnails have addresses, and so do further views."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from lookgraph.pages.frame import text


@dataclass(frozen=True, slots=True)
class Start:
    """Where a path is to begin that somebody is choosing the end of.

    Attributes:
        id: of the picture.
        title: its path or name; nothing here needs to be escaped or fit for writing.
        cancel: the address of the same view without it.
    """

    id: str
    title: str
    cancel: str


@dataclass(frozen=True, slots=True)
class Served:
    """What a page of the app has beside its pictures.

    Attributes:
        ids: of the pictures, in their order; None if the page asks for what they are.
        model: whose embeddings are compared, as addresses name it; None for the first.
        chosen: the id of the picture that is shown with its details at first; None for none.
        start: where a path is to begin; None while nobody wants one.
        behind: how many pictures have changed since the graph was made.
    """

    ids: Sequence[str] | None
    model: str | None = None
    chosen: str | None = None
    start: Start | None = None
    behind: int = 0

    def told(self) -> dict[str, object]:
        """The part of it that the page's script reads."""
        return {
            **({} if self.ids is None else {"ids": list(self.ids)}),
            "model": self.model,
            "chosen": self.chosen,
            "start": self.start and self.start.id,
        }

    def notices(self) -> str:
        """What is said above the canvas, as HTML."""
        return self._staleness() + self._choosing()

    def _staleness(self) -> str:
        if not self.behind:
            return ""
        pictures = "1 picture has" if self.behind == 1 else f"{self.behind:,} pictures have"
        return _NOTICE.format(
            said=f"{pictures} changed since the graph was made. "
            f"{_link('Bring it up to date', address_of('/library', model=self.model))}"
        )

    def _choosing(self) -> str:
        if self.start is None:
            return ""
        on_map = address_of("/map", {"from": self.start.id}, model=self.model)
        return _NOTICE.format(
            said=f'<img src="{escape(shown(self.start.id))}" alt=""> '
            f"<span>Path from <bdi>{text(self.start.title)}</bdi>: choose where it leads.</span> "
            f"{_link('Choose on the map', on_map)} {_link('Cancel', self.start.cancel)}"
        )


_NOTICE = '<p class="notice">{said}</p>\n'


def _link(words: str, address: str) -> str:
    return f'<a href="{escape(address)}" target="_top">{words}</a>'


def shown(id_: str) -> str:
    """The address of a picture's thumbnail."""
    return f"/shown/{id_}?side=160"


def address_of(
    path: str, asked: "dict[str, str] | None" = None, *, model: str | None = None
) -> str:
    """An address of the app.

    Args:
        path: of the screen.
        asked: the query.
        model: as in `Served`.
    """
    told = {**(asked or {}), **({"model": model} if model else {})}
    query = urlencode(told, errors="replace")  # what is no UTF-8 names nothing of ours
    return f"{path}?{query}" if query else path
