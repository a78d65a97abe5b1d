"""From a question to a place in a space, and from what is found there to hits."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lookgraph.choosing import Chooser, Chosen, ModelLike
from lookgraph.config import usable_cores
from lookgraph.errors import PictureError, UsageError
from lookgraph.ingest.decode import Decodes, Here
from lookgraph.models.batched import Batched
from lookgraph.queries import Asked, Asker, Box, PictureLike, Query, direction
from lookgraph.results import Hits, Question, Subject, hit_of
from lookgraph.stores.base import Answer, Store
from lookgraph.types import Embeds, Metric, Ranking, Space, Vector

if TYPE_CHECKING:
    from lookgraph.models.texts import TextEmbedder


@dataclass(frozen=True, slots=True)
class Asking:
    """How pictures that somebody asks with become embeddings.

    Attributes:
        decoder: decodes their files.
        together: so many pictures, of several threads, the network takes at once.
    """

    decoder: Decodes = field(default_factory=Here)
    together: int = 1


class Searcher:
    """Understands questions to one library. A network that it had to open stays open."""

    def __init__(self, store: Store, chooser: Chooser, asking: Asking) -> None:
        self._store = store
        self._chooser = chooser
        self._asking = asking
        self._lock = threading.Lock()
        self._networks: dict[Space, Embeds] = {}
        self._texts: dict[Space, TextEmbedder] = {}

    def query(
        self,
        pictures: Sequence[PictureLike | Query],
        text: str | Sequence[str],
        without: str | bytes | Iterable[PictureLike],
        crop: Box | None,
        model: ModelLike | None,
    ) -> Query:
        """A question, embedded, if it is not yet."""
        started = time.perf_counter()
        if isinstance(without, str | bytes):
            without = (without,)  # one picture, not its letters
        texts = (text,) if isinstance(text, str) else tuple(text)
        likes = [picture for picture in pictures if not isinstance(picture, Query)]
        if len(likes) < len(pictures):
            return _alone(pictures, (*texts, *without, crop, model))
        root = self._store.root
        chosen = self._chooser.to_search(model, with_text=bool(texts))
        space = chosen.space
        asker = Asker(self._store, root, space, lambda: self._network(chosen), self._asking.decoder)
        asked = [asker.ask(picture, crop) for picture in likes]
        asked += [Asked(Subject(one, is_text=True), self._word(chosen, one)) for one in texts]
        avoided = [asker.ask(picture, None) for picture in without]
        embedding = direction(
            [one.embedding for one in asked], [one.embedding for one in avoided], space.metric
        )
        question = Question(
            pictures=tuple(one.subject for one in asked),
            without=tuple(one.subject for one in avoided),
            crop=crop,
        )
        return Query(question, space, embedding, time.perf_counter() - started)

    def id_of(self, picture: PictureLike, model: ModelLike | None) -> str:
        """The id of a picture that must be in the library.

        Raises:
            PictureError: it is not.
        """
        chosen = self._chooser.to_search(model)
        root = self._store.root
        asker = Asker(
            self._store, root, chosen.space, lambda: self._network(chosen), self._asking.decoder
        )
        subject = asker.ask(picture, None).subject
        if subject.id is None:
            raise PictureError(f"{subject.name} is not in the library of {root}.")
        return subject.id

    def hits(self, query: Query, answer: Answer, k: int | None, seconds: float) -> Hits:
        """What was found, for people.

        Args:
            query: the question.
            answer: what the store found.
            k: how many were asked for; None for all over a score.
            seconds: that all of it took.
        """
        root = self._store.root
        return Hits(
            question=query.question,
            space=query.space,
            ranked_by="graph" if answer.is_ranked else str(query.space.metric),
            k=k,
            took_ms=seconds * 1000,
            hits=tuple(
                hit_of(root, rank, match, query.space.metric)
                for rank, match in enumerate(answer.matches, 1)
            ),
            searched=answer.by,
            fault=answer.fault,
            graph_fault=answer.graph_fault,
        )

    def _network(self, chosen: Chosen) -> Embeds:
        """For a query: opened once, for one caller at a time, which may use all cores.

        Where several ask, each core runs a batch of its own: two on one core each take less time
        than one after the other on two.
        """
        with self._lock:
            if chosen.space not in self._networks:
                together, cores = self._asking.together, usable_cores()
                network = chosen.open(1 if together == 1 else cores, 1)
                if together > 1:
                    network = Batched(network, together, cores)
                self._networks[chosen.space] = network
            return self._networks[chosen.space]

    def _word(self, chosen: Chosen, text: str) -> Vector:
        if chosen.space not in self._texts:
            self._texts[chosen.space] = chosen.open_texts()
        embedding: Vector = self._texts[chosen.space].embed([text])[0]
        return embedding


def _alone(asked: Sequence[PictureLike | Query], others: Iterable[object]) -> Query:
    """What is embedded already, if nothing else is asked for."""
    (first, *more) = asked
    if more or any(other is not None for other in others) or not isinstance(first, Query):
        raise UsageError("A question that is embedded already is all that can be asked for.")
    return first


def check_wishes(k: int, recall: float) -> None:
    """Refuse what no search can fulfil."""
    if k < 1:
        raise UsageError(f"k is {k}, but must be at least 1.")
    if not 0 < recall <= 1:
        raise UsageError(f"The recall is {recall}, but must be above 0, and at most 1.")


def as_ranking(rank: Ranking | str) -> Ranking:
    """What is meant by a word.

    Raises:
        UsageError: there is no such ranking.
    """
    try:
        return Ranking(rank)
    except ValueError:
        words = ", ".join(map(str, Ranking))
        raise UsageError(f"There is no ranking {rank!r}, but these: {words}.") from None


def least_score(space: Space, score: float | None, distance: float | None) -> float:
    """The least score that counts, whichever of the two was given."""
    if (score is None) == (distance is None):
        raise UsageError("Give either a score or a distance.")
    if distance is not None and space.metric is not Metric.L2:
        raise UsageError(f"{space.name} compares by {space.metric}: give a score, not a distance.")
    least = -distance if distance is not None else score
    if least is None or not np.isfinite(least):
        raise UsageError("A score or distance must be a finite number.")
    return least
