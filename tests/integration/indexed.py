"""Libraries of numbered pictures with made-up embeddings, and what a search in them must find.

Number 7 is always the same picture with the same embedding, in every process. What must be found
is computed here from the numbers alone, in float64, by nothing of ours.
"""

import fnmatch
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from lookgraph.stores.base import Answer
from lookgraph.stores.local import LocalStore
from lookgraph.types import (
    EVERYTHING,
    Array,
    Entry,
    IndexKind,
    Matrix,
    Metric,
    Picture,
    Selection,
    Space,
    Stamp,
    Vector,
)

DIMENSION = 16
PICTURES = 8192
"""There are so many different ones."""

_CENTRES = 40
_FOLDERS = ("a", "a/b", "a-b", "c")
_YEARS = (None, "2019", "2020", "2021")


def space(metric: Metric = Metric.COSINE, fingerprint: str = "a") -> Space:
    return Space("numbered", fingerprint * 64, 1, metric, DIMENSION)


@lru_cache
def embeddings(metric: Metric) -> Matrix:
    """Of all pictures, shape (PICTURES, DIMENSION), as they are stored: in float16.

    They lie about some centres, as photographs do; every tenth is the same as the one before.
    """
    found = _about_centres(PICTURES, 7)
    found[9::10] = found[8::10][: len(found[9::10])]
    if metric is Metric.COSINE:
        found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float16).astype(np.float32)


def _about_centres(count: int, seed: int) -> Array:
    generator = np.random.default_rng(6)
    centres = generator.standard_normal((_CENTRES, DIMENSION))
    spread = np.random.default_rng(seed).standard_normal((count, DIMENSION))
    return np.asarray(centres[np.arange(count) % _CENTRES] + 0.6 * spread)


@lru_cache
def queries(metric: Metric, count: int = 16) -> Matrix:
    """Half of them are pictures, and the others lie where pictures may."""
    found = _about_centres(count, 8)
    found[::2] = embeddings(metric)[: 4000 : 8000 // count][: len(found[::2])]
    return np.asarray(found, np.float32)


def scores(metric: Metric, query: Vector) -> Array:
    """Of all pictures, float64, shape (PICTURES,)."""
    rows, asked = embeddings(metric).astype(np.float64), query.astype(np.float64)
    if metric is Metric.L2:
        return np.asarray(-np.linalg.norm(rows - asked, axis=1))
    products = np.asarray(rows @ asked)
    if metric is Metric.COSINE:
        products /= np.linalg.norm(rows, axis=1) * np.linalg.norm(asked)
    return products


@lru_cache(PICTURES)
def picture(number: int) -> Picture:
    year = _YEARS[number % len(_YEARS)]
    taken = year and f"{year}-{1 + number % 12:02}-{1 + number % 28:02}T12:00:00"
    id_ = hashlib.sha256(f"picture {number}".encode()).hexdigest()
    return Picture(id_, "JPEG", 100 + number % 300, 100 + number % 200, taken)


@lru_cache
def numbers() -> dict[str, int]:
    """Of all pictures, by their ids."""
    return {picture(number).id: number for number in range(PICTURES)}


def path_of(number: int) -> str:
    return f"{_FOLDERS[number % len(_FOLDERS)]}/{number}.jpg"


def add(store: LocalStore, which: Space, added: Iterable[int]) -> None:
    with store.write() as writer:
        writer.commit(which, *batch(which.metric, added))


def batch(metric: Metric, added: Iterable[int]) -> tuple[list[Entry], dict[str, Vector]]:
    """What `lookgraph.stores.base.Writer.commit` is given."""
    listed = list(added)
    entries = [Entry(path_of(number), Stamp(number, 1), picture(number)) for number in listed]
    return entries, {picture(number).id: embeddings(metric)[number] for number in listed}


def forget(store: LocalStore, gone: Iterable[int]) -> None:
    with store.write() as writer:
        writer.forget([path_of(number) for number in gone])


def renew(store: LocalStore, which: Space, kind: IndexKind | None = IndexKind.IVF) -> None:
    with store.write() as writer:
        writer.renew_index(which, kind, lambda _: None)


def compact(store: LocalStore, which: Space) -> None:
    with store.write() as writer:
        assert writer.compact(which) == 0


@dataclass
class Model:
    """What a library should be: which pictures it holds, in the order in which they were stored.

    Attributes:
        metric: of its space.
        rows: the numbers of all that have an embedding.
        gone: those of them that have no file.
    """

    metric: Metric
    rows: list[int] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)

    @property
    def live(self) -> list[int]:
        return [number for number in self.rows if number not in self.gone]

    def add(self, added: Iterable[int]) -> None:
        for number in added:
            self.gone.discard(number)
            if number not in self.rows:
                self.rows.append(number)

    def forget(self, gone: Iterable[int]) -> None:
        self.gone |= set(gone) & set(self.rows)

    def compact(self) -> None:
        self.rows, self.gone = self.live, set()

    def selected(self, among: Selection) -> list[int]:
        return [number for number in self.live if is_selected(number, among)]

    def best(self, query: Vector, among: Selection = EVERYTHING) -> list[tuple[int, float]]:
        """All that may answer, best first; equal ones as they were stored."""
        known, chosen = scores(self.metric, query), self.selected(among)
        order = np.argsort(-np.round(known[chosen], 12), kind="stable")
        return [(chosen[i], float(known[chosen[i]])) for i in order]

    def over(self, query: Vector, score: float, among: Selection) -> list[tuple[int, float]]:
        return [one for one in self.best(query, among) if one[1] >= score]


def is_selected(number: int, among: Selection) -> bool:
    path, shown = path_of(number), picture(number)
    held = not among.under or path.startswith(f"{among.under}/")
    if among.name:
        held &= fnmatch.fnmatchcase(path if "/" in among.name else path.split("/")[-1], among.name)
    if among.taken_from or among.taken_to:
        taken = shown.taken or ""
        held &= bool(taken) and taken >= (among.taken_from or "")
        held &= among.taken_to is None or taken[: len(among.taken_to)] <= among.taken_to
    held &= min(shown.width, shown.height) >= among.min_side
    return held and (among.ids is None or shown.id in among.ids)


def found(answer: Answer) -> list[tuple[int, float]]:
    """Numbers and scores. Each match must be the picture that it says it is."""
    listed = [numbers()[match.picture.id] for match in answer.matches]
    for number, match in zip(listed, answer.matches, strict=True):
        assert match.picture == picture(number)
        assert match.paths == (path_of(number),)
    return [(number, match.score) for number, match in zip(listed, answer.matches, strict=True)]


def assert_exact(answer: Answer, wanted: Sequence[tuple[int, float]]) -> None:
    """The very pictures in this order; scores may be off by float64's rounding."""
    told = found(answer)
    assert [number for number, _ in told] == [number for number, _ in wanted]
    np.testing.assert_allclose([s for _, s in told], [s for _, s in wanted], rtol=0, atol=1e-11)


def assert_sound(answer: Answer, wanted: Sequence[tuple[int, float]], k: int) -> int:
    """k pictures that may answer, none twice, in order, each with its true score.

    Args:
        answer: what was found.
        wanted: all that may answer, best first.
        k: how many were asked for.

    Returns:
        how many are among the true k best.
    """
    told, best = found(answer), wanted[:k]
    assert len({number for number, _ in told}) == len(told) == len(best)
    known, place = dict(wanted), {number: i for i, (number, _) in enumerate(wanted)}
    for number, score in told:
        assert number in known, f"{number} may not answer"
        assert abs(score - known[number]) <= 1e-11
    assert [place[number] for number, _ in told] == sorted(place[number] for number, _ in told)
    return sum(place[number] < k for number, _ in told)


def assert_answers(store: LocalStore, which: Space, model: Model, k: int = 10) -> float:
    """Exact searches find what the model does, and others what may be; gives these ones' recall."""
    asked = queries(which.metric)
    wanted = [model.best(query) for query in asked]
    for answer, best in zip(store.search(which, asked, k, recall=1), wanted, strict=True):
        assert answer.by is IndexKind.EXACT
        assert_exact(answer, best[:k])
    near = sum(
        assert_sound(answer, best, k)
        for answer, best in zip(store.search(which, asked, k), wanted, strict=True)
    )
    return near / max(1, sum(len(best[:k]) for best in wanted))


def by(store: LocalStore, which: Space) -> tuple[IndexKind, str | None]:
    """How a search is done now, and what it says is wrong with the index."""
    (answer,) = store.search(which, queries(which.metric)[:1], 10)
    return answer.by, answer.fault


# The files of an index


def index_files(store: LocalStore) -> set[str]:
    folder = store.folder / "index"
    return {file.name for file in folder.iterdir()} if folder.is_dir() else set()


def manifest_of(store: LocalStore, which: Space) -> Path:
    (file,) = (store.folder / "index").glob(f"{which.name}.*.json")
    return file


def named_files(store: LocalStore) -> set[str]:
    """The manifests, and what they name."""
    named = set()
    for file in (store.folder / "index").glob("*.json"):
        told = json.loads(file.read_bytes())
        parts = [told["codebook"], *told["segments"], *([told["dropped"]] * bool(told["dropped"]))]
        named |= {file.name, *(part["name"] for part in parts)}
    return named


def covered(store: LocalStore, which: Space) -> int:
    told: int = json.loads(manifest_of(store, which).read_bytes())["covered"]
    return told
