"""``lookgraph.Client``: the methods of `lookgraph.Library`, answered by a service."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from lookgraph.config import RECALL
from lookgraph.duplicates.finding import Duplicates, Tier, as_tier
from lookgraph.errors import PictureError, ServerError
from lookgraph.indexing import IndexReport
from lookgraph.interfaces.client import reading
from lookgraph.interfaces.client.asking import Asking
from lookgraph.interfaces.client.graph import MOST, ServedGraph
from lookgraph.interfaces.client.sending import Question, content_of, is_id, question_of
from lookgraph.interfaces.cursors import cursor
from lookgraph.queries import Box, PictureLike
from lookgraph.results import Hits
from lookgraph.types import EVERYTHING, Entry, Ranking, Selection, Space, Verdict


class Client:
    """A library that a service answers for.

    ::

        client = Client("http://127.0.0.1:8765")
        for hit in client.search("dress.jpg", k=5):
            print(hit.score, hit.path)

    Pictures are sent as they are; those of the library are named by their ids. A hit's `file` is
    the address of the picture at the service.
    """

    def __init__(self, url: str, token: str | None = None, *, timeout: float = 60.0) -> None:
        """Nothing is asked yet.

        Args:
            url: of the service, such as ``http://127.0.0.1:8765``.
            token: that it wants; None if it wants none.
            timeout: seconds that one answer may take.

        Raises:
            UsageError: the address is none.
            MissingExtraError: what speaks HTTP is not installed.
        """
        self._asking = Asking(url, token, timeout)
        self._spaces: dict[str, Space] = {}

    def close(self) -> None:
        """Hang up; ``with Client(…)`` does it too."""
        self._asking.close()

    def __enter__(self) -> "Client":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """As `close`."""
        self.close()

    def search(
        self,
        *pictures: PictureLike,
        text: str | Sequence[str] = (),
        k: int = 10,
        without: str | Iterable[str] = (),
        crop: Box | None = None,
        model: str | None = None,
        among: Selection = EVERYTHING,
        recall: float = RECALL,
        rank: Ranking | str = Ranking.AUTO,
    ) -> Hits:
        """As `lookgraph.Library.search`.

        Args:
            pictures: each a path, a file's bytes, a Pillow image, an array, or an id.
            text: likewise; so are the others.
            k: likewise.
            without: ids of pictures to move away from.
            crop: likewise.
            model: likewise.
            among: likewise; but for ids.
            recall: likewise.
            rank: likewise.
        """
        question = question_of(pictures, text, without, crop, model, among)
        told = self._ask(question, k=k, recall=recall, rank=str(Ranking(rank)))
        return reading.hits(told, question, self._asking.url, self._space(told["space"]), k)

    def search_over(
        self,
        *pictures: PictureLike,
        score: float,
        text: str | Sequence[str] = (),
        without: str | Iterable[str] = (),
        crop: Box | None = None,
        model: str | None = None,
        among: Selection = EVERYTHING,
    ) -> Hits:
        """As `lookgraph.Library.search_over`.

        Args:
            pictures: as for `search`; so are the others.
            score: the least that counts.
            text: likewise.
            without: likewise.
            crop: likewise.
            model: likewise.
            among: likewise.
        """
        question = question_of(pictures, text, without, crop, model, among)
        told = self._ask(question, min_score=score)
        return reading.hits(told, question, self._asking.url, self._space(told["space"]), None)

    def _ask(self, question: Question, **wishes: object) -> reading.Told:
        asked = {**question.asked, **wishes}
        method = "POST" if question.files else "GET"
        told: reading.Told = self._asking.ask(method, "search", asked, files=question.files)
        return told

    def graph(self, model: str | None = None) -> ServedGraph:
        """As `lookgraph.Library.graph`.

        Args:
            model: whose embeddings are compared; None for the library's first network.
        """
        return ServedGraph(self._asking, model, self._space, self._id_of)

    def duplicates(
        self,
        *,
        tiers: Sequence[Tier | str] = (Tier.IDENTICAL, Tier.SAME),
        threshold: float | None = None,
        model: str | None = None,
    ) -> Duplicates:
        """As `lookgraph.Library.duplicates`; the first thousand.

        Args:
            tiers: likewise; so are the others.
            threshold: likewise.
            model: likewise.
        """
        named = [str(as_tier(tier)) for tier in tiers]
        asked = {"tier": named, "threshold": threshold, "model": model, "limit": MOST}
        told = self._asking.ask("GET", "duplicates", asked)
        return reading.duplicates(told, self._space(told["space"]))

    def pictures(self, under: str = "", after: str = "", most: int = 100) -> tuple[Entry, ...]:
        """As `lookgraph.Library.pictures`.

        Args:
            under: only those below this path.
            after: only those behind this path.
            most: so many at most, up to 1,000.
        """
        asked = {"under": under, "after": cursor(after), "limit": most}
        told = self._asking.ask("GET", "images", asked)
        return tuple(reading.entry(its) for its in told["files"])

    def thumbnail(self, id_: str, side: int = 320) -> bytes | None:
        """As `lookgraph.Library.thumbnail`.

        Args:
            id_: of the picture.
            side: pixels of the longer side: 160, 320 or 640.
        """
        return self._asking.content(f"images/{id_}/thumbnail", {"side": side})

    def same(self, one: PictureLike, other: PictureLike) -> Verdict:
        """As `lookgraph.Library.same`.

        Args:
            one: a picture of the library: an id, or what has its bytes.
            other: another one.
        """
        return self._say(one, other, "same")

    def different(self, one: PictureLike, other: PictureLike) -> Verdict:
        """As `lookgraph.Library.different`.

        Args:
            one: as for `same`.
            other: likewise.
        """
        return self._say(one, other, "different")

    def withdraw(self, one: PictureLike, other: PictureLike) -> Verdict:
        """As `lookgraph.Library.withdraw`.

        Args:
            one: as for `same`.
            other: likewise.
        """
        path = f"verdicts/{self._id_of(one)}/{self._id_of(other)}"
        return reading.verdict(self._asking.ask("DELETE", path))

    def verdicts(self) -> tuple[Verdict, ...]:
        """What was said of pairs of pictures, the newest first."""
        told = self._asking.ask("GET", "verdicts")
        return tuple(reading.verdict(its) for its in told["verdicts"])

    def _say(self, one: PictureLike, other: PictureLike, kind: str) -> Verdict:
        said = {"first": self._id_of(one), "second": self._id_of(other), "kind": kind}
        return reading.verdict(self._asking.ask("PUT", "verdicts", told=said))

    def index(
        self, *, model: str | None = None, progress: Callable[[int, int], None] | None = None
    ) -> IndexReport:
        """As `lookgraph.Library.index`, of the library's own folder.

        Args:
            model: the network to embed with; None for those that the library has.
            progress: told how many files are done, and of how many.

        Raises:
            LookgraphError: what indexing raises.
        """
        job = self._asking.ask("POST", "jobs", told={"model": model})
        with self._asking.events(f"jobs/{job['id']}/events") as events:
            for event in events:
                job = json.loads(event)
                if progress:
                    progress(job["done"], job["total"])
        if job["report"] is None:
            problem = job["problem"] or {"detail": "Indexing broke off."}
            raise ServerError(problem["detail"])
        return reading.report(job["report"])

    def _space(self, name: str) -> Space:
        if name not in self._spaces:
            status = self._asking.ask("GET", "status")
            self._spaces = {its["name"]: reading.space(its) for its in status["spaces"]}
        return self._spaces[name]

    def _id_of(self, picture: PictureLike) -> str:
        """The id of a picture: that of its bytes, if it is none."""
        if is_id(picture):
            return str(picture)
        if isinstance(picture, bytes):
            return sha256(picture).hexdigest()
        if not isinstance(picture, str | os.PathLike):
            raise PictureError("A picture of the library is named by its id, or by its file.")
        return sha256(content_of(picture)).hexdigest()
