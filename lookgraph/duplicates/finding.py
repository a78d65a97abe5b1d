"""Finding what is there more than once, in three tiers that never mix.

1. *Identical*: files with the very same bytes.
2. *Same*: different files of one photograph: re-encoded, resized, lightly cropped, with a
   watermark, in another light, in grey. Both the embeddings and, independently of them, the pixels
   say so (`lookgraph.perceptual`), or a person did.
3. *Alike*: pictures with a high score that are not the same.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, overload

import numpy as np

from lookgraph.duplicates.copies import Copy, Rule, choice, rules
from lookgraph.duplicates.looking import agreements_of, signatures_of
from lookgraph.duplicates.moving import Wish
from lookgraph.duplicates.stars import stars
from lookgraph.errors import UsageError
from lookgraph.graph.edges import Edges
from lookgraph.perceptual.agreement import SAME
from lookgraph.stores.base import Alike, Store
from lookgraph.stores.judged import same_as
from lookgraph.types import Entry, Space, Verdict, VerdictKind, Word

FLOOR = 0.7
"""Pictures with a lower score are not looked at for being the same."""

ALIKE = 0.9
"""The least score of look-alikes, if nothing else is asked for."""


_BEST = 20
"""So many pairs of each picture are looked at, beside those that score over `ALIKE`."""


class Tier(Word):
    """How much two files have in common."""

    IDENTICAL = "identical"
    SAME = "same"
    ALIKE = "alike"


def as_tier(word: Tier | str) -> Tier:
    """The tier that is meant by a word.

    Raises:
        UsageError: there is no such tier.
    """
    try:
        return Tier(word)
    except ValueError:
        words = ", ".join(map(str, Tier))
        raise UsageError(f"There is no tier {word!r}, but these: {words}.") from None


@dataclass(frozen=True, slots=True)
class Other:
    """A file that is there beside the one to keep.

    Attributes:
        copy: itself.
        score: the cosine of its embedding and that of the one to keep; None if their bytes are
            the same.
        agreement: the share of their detail that agrees, 0 to 1, and 0 where a part of it has
            another colour; None where it was not looked at, as of identical bytes, and of pictures
            whose files are gone.
    """

    copy: Copy
    score: float | None = None
    agreement: float | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A group of files, each of which matches the one to keep.

    Attributes:
        tier: how.
        keep: the one to keep.
        reason: what tells it from the next best, for people.
        others: the rest, the next best first.
    """

    tier: Tier
    keep: Copy
    reason: str
    others: tuple[Other, ...]


@dataclass(frozen=True, slots=True)
class Duplicates(Sequence[Duplicate]):
    """What is there more than once: the identical first, then the same, then the like.

    Attributes:
        space: whose embeddings were compared.
        threshold: the least score of look-alikes.
        groups: in each tier in order of the paths that are to be kept.
        unseen: paths of pictures that may be the same as others, but no file of which could be
            looked at: it is gone or has changed since it was indexed.
        took_ms: how long it took, in milliseconds.
    """

    space: Space
    threshold: float
    groups: tuple[Duplicate, ...]
    unseen: tuple[str, ...]
    took_ms: float

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[Duplicate]:
        return iter(self.groups)

    @overload
    def __getitem__(self, index: int) -> Duplicate: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Duplicate, ...]: ...
    def __getitem__(self, index: int | slice) -> Duplicate | tuple[Duplicate, ...]:
        return self.groups[index]


def wishes_of(found: Iterable[Duplicate]) -> list[Wish]:
    """All files but those to keep, each once."""
    wishes = {
        other.copy.path: Wish(other.copy, group.keep) for group in found for other in group.others
    }
    return list(wishes.values())


class _Pair(NamedTuple):
    """What is known of two pictures."""

    score: float
    agreement: float | None


_Pairs = dict[frozenset[str], _Pair]
"""By the ids of both."""


def find_duplicates(
    store: Store,
    space: Space,
    tiers: Sequence[Tier],
    threshold: float,
    prefer: Sequence[str],
    progress: Callable[[float], None],
) -> Duplicates:
    """Find what is there more than once; see `lookgraph.Library.duplicates`."""
    started = time.perf_counter()
    finder = _Finder(store, rules(prefer))
    groups = sorted(finder.identical(), key=_by_path) if Tier.IDENTICAL in tiers else []
    unseen: tuple[str, ...] = ()
    if Tier.SAME in tiers or Tier.ALIKE in tiers:
        least = min(FLOOR, threshold) if Tier.ALIKE in tiers else FLOOR
        looked = store.alike(space, least, lambda share: progress(share / 2))
        pairs, unseen = _look(store, looked, lambda share: progress(0.5 + share / 2))
        said = said_of(store.verdicts())
        same = list(finder.same(pairs, said))
        groups += sorted(same, key=_by_path) if Tier.SAME in tiers else []
        if Tier.ALIKE in tiers:
            hidden = {other.copy.picture.id for group in same for other in group.others}
            groups += sorted(finder.alike(pairs, said, hidden, threshold), key=_by_path)
    progress(1.0)
    took_ms = (time.perf_counter() - started) * 1000
    return Duplicates(space, threshold, tuple(groups), unseen, took_ms)


def _by_path(group: Duplicate) -> str:
    return group.keep.path


def _look(
    store: Store, alike: Alike, progress: Callable[[float], None]
) -> tuple[_Pairs, tuple[str, ...]]:
    """Pairs that are alike with how much of their detail agrees; and what could not be seen."""
    alike = Alike(alike.ids, _worth_looking(alike.edges))
    made = signatures_of(store, alike.ids, progress)
    agreements = agreements_of(alike.edges, made, progress).tolist()
    ends = zip(alike.edges.first.tolist(), alike.edges.second.tolist(), strict=True)
    pairs: _Pairs = {}
    for (one, other), score, agreement in zip(
        ends, alike.edges.scores.tolist(), agreements, strict=True
    ):
        seen = made[one] is not None and made[other] is not None
        both = frozenset((alike.ids[one], alike.ids[other]))
        pairs[both] = _Pair(score, agreement if seen else None)
    blind = (id_ for id_, its in zip(alike.ids, made, strict=True) if its is None)
    return pairs, tuple(path for id_ in blind for path in store.paths(id_)[:1])


def _worth_looking(edges: Edges) -> Edges:
    """Of each picture's pairs the best, and all that score high.

    There may be thousands over the floor, and the same picture is among the first of them: its
    score is lower only where there are more pictures that are nearly the same.
    """
    best = np.zeros(len(edges), np.bool_)
    for ends in (edges.first, edges.second):
        order = np.lexsort((-edges.scores, ends))
        starts = np.searchsorted(ends[order], ends[order])
        best[order] |= np.arange(len(order)) - starts < _BEST
    return edges[best | (edges.scores >= ALIKE)]


class _Finder:
    """Makes groups of one library's pictures."""

    def __init__(self, store: Store, by: Sequence[Rule]) -> None:
        self._store = store
        self._root = store.root
        self._by = by
        self._best: dict[str, Copy | None] = {}

    def identical(self) -> Iterator[Duplicate]:
        """The files of each picture that several hold."""
        for entries in self._store.copies():
            chosen = choice([self._copy(entry) for entry in entries], self._by)
            keep, *others = chosen.copies
            yield Duplicate(Tier.IDENTICAL, keep, chosen.reason, tuple(map(Other, others)))

    def same(self, pairs: _Pairs, said: "Said") -> Iterator[Duplicate]:
        """Different files of one photograph."""
        both_say = {both for both, pair in pairs.items() if (pair.agreement or 0) >= SAME}
        matching = (both_say | said.same) - said.apart
        yield from self._groups(Tier.SAME, matching, said.apart, pairs)

    def alike(
        self,
        pairs: _Pairs,
        said: "Said",
        hidden: set[str],
        threshold: float,
    ) -> Iterator[Duplicate]:
        """What is alike and not the same. Of what is the same, the one to keep stands for all."""
        matching = {
            both
            for both, pair in pairs.items()
            if pair.score >= threshold and (pair.agreement or 0) < SAME and not both & hidden
        }
        matching -= said.same | said.apart
        yield from self._groups(Tier.ALIKE, matching, said.apart, pairs)

    def _groups(
        self,
        tier: Tier,
        matching: Iterable[frozenset[str]],
        apart: Iterable[frozenset[str]],
        pairs: _Pairs,
    ) -> Iterator[Duplicate]:
        links, ids = _links(matching), set[str]()
        ids.update(links)
        copies = {copy.picture.id: copy for id_ in ids if (copy := self._kept(id_))}
        if len(copies) < 2:
            return
        order = [copy.picture.id for copy in choice(list(copies.values()), self._by).copies]
        number = {id_: at for at, id_ in enumerate(order)}
        for star in stars(
            range(len(order)), _numbered(links, number), _numbered(_links(apart), number)
        ):
            keep, *others = [copies[order[at]] for at in (star.keep, *star.others)]
            reason = choice([keep, *others], self._by).reason
            its = tuple(_other(keep, copy, pairs) for copy in others)
            yield Duplicate(tier, keep, reason, its)

    def _kept(self, id_: str) -> Copy | None:
        """Of a picture's files the one to keep; None if it has none now."""
        if id_ not in self._best:
            copies = [self._copy(entry) for entry in self._store.files(id_)]
            ordered = choice(copies, self._by).copies if len(copies) > 1 else copies
            self._best[id_] = ordered[0] if ordered else None
        return self._best[id_]

    def _copy(self, entry: Entry) -> Copy:
        assert entry.picture
        return Copy(entry, entry.picture, (self._root / entry.path).is_symlink())


def _other(keep: Copy, copy: Copy, pairs: _Pairs) -> Other:
    pair = pairs.get(frozenset((keep.picture.id, copy.picture.id)))
    return Other(copy, pair.score, pair.agreement) if pair else Other(copy)


def _links(pairs: Iterable[frozenset[str]]) -> dict[str, set[str]]:
    """What each is in a pair with."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        found[one].add(other)
        found[other].add(one)
    return found


def _numbered(links: dict[str, set[str]], number: dict[str, int]) -> dict[int, set[int]]:
    return {
        number[id_]: {number[other] for other in others if other in number}
        for id_, others in links.items()
        if id_ in number
    }


class Said(NamedTuple):
    """Pairs of ids that people have said to be the same, and to be different."""

    same: set[frozenset[str]]
    apart: set[frozenset[str]]


def said_of(verdicts: Sequence[Verdict]) -> Said:
    """All pairs that are the same, and all that are different, by what people have said.

    What is the same as the same is the same; what is different from one of them is from all.
    """
    class_of = same_as(verdicts)
    same = {frozenset(pair) for its in class_of.values() for pair in combinations(its, 2)}
    apart = {
        frozenset((one, other))
        for verdict in verdicts
        if verdict.kind is VerdictKind.DIFFERENT
        for one in class_of[verdict.first]
        for other in class_of[verdict.second]
    }
    return Said(same, apart)
