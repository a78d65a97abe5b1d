"""What people say of pairs of pictures, kept so that nothing contradicts itself."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from lookgraph.errors import PictureError, UsageError
from lookgraph.queries import PictureLike
from lookgraph.stores.base import Store
from lookgraph.types import Verdict, VerdictKind


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and where its pictures are.

    Attributes:
        verdict: what was said.
        first: the paths of the files that hold the first picture; empty if there is none now.
        second: those of the second one.
    """

    verdict: Verdict
    first: tuple[str, ...]
    second: tuple[str, ...]


class Judge:
    """Keeps what somebody says of pairs of pictures of one library."""

    def __init__(self, store: Store, find: Callable[[PictureLike], str]) -> None:
        """Nothing is read yet. ``find`` gives the id of a picture that is in the library."""
        self._store = store
        self._find = find

    def say(self, one: PictureLike, other: PictureLike, kind: VerdictKind) -> Verdict:
        """Keep that two pictures show the same, or do not; see `lookgraph.Library.same`."""
        ids = self._find(one), self._find(other)
        if ids[0] == ids[1]:
            raise UsageError(
                f"Both have the very same bytes: {', '.join(self._store.paths(ids[0]))}. They are "
                "one picture, of which nothing has to be said."
            )
        first, second = sorted(ids)
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        verdict = Verdict(first, second, kind, now)
        with self._store.write() as writer:
            known = [its for its in self._store.verdicts() if _pair(its) != (first, second)]
            self._refuse(contradiction(known, verdict), verdict)
            writer.judge(verdict)
        return verdict

    def _refuse(self, against: Sequence[Verdict], verdict: Verdict) -> None:
        if not against:
            return
        said = "; ".join(f"{self._name(its.first)} and {self._name(its.second)}, {its.kind}"
                         for its in against)  # fmt: skip
        raise UsageError(
            f"That {self._name(verdict.first)} and {self._name(verdict.second)} are "
            f"{verdict.kind} contradicts what was said: {said}. Take one of these back first: "
            "lookgraph verdicts --withdraw A B"
        )

    def _name(self, id_: str) -> str:
        paths = self._store.paths(id_)
        return paths[0] if paths else id_[:12]

    def withdraw(self, one: PictureLike, other: PictureLike) -> Verdict:
        """Forget what was said of two pictures; see `lookgraph.Library.withdraw`."""
        known = {_pair(its): its for its in self._store.verdicts()}
        judged = sorted({id_ for pair in known for id_ in pair})
        first, second = sorted((self._any(one, judged), self._any(other, judged)))
        verdict = known.get((first, second))
        if verdict is None:
            raise PictureError(
                f"Nothing was said of {self._name(first)} and {self._name(second)}. "
                "See: lookgraph verdicts"
            )
        with self._store.write() as writer:
            writer.withdraw(first, second)
        return verdict

    def _any(self, picture: PictureLike, judged: Iterable[str]) -> str:
        """The id of a picture; of one that is not in the library now, by how its id begins."""
        prefix = picture if isinstance(picture, str) and len(picture) >= 8 else None
        found = [id_ for id_ in judged if prefix and id_.startswith(prefix)]
        return found[0] if len(found) == 1 else self._find(picture)

    def all(self) -> tuple[Judged, ...]:
        """All verdicts, the newest first."""
        found = sorted(self._store.verdicts(), key=lambda its: its.said, reverse=True)
        paths = self._store.paths
        return tuple(Judged(its, paths(its.first), paths(its.second)) for its in found)


def _pair(verdict: Verdict) -> tuple[str, str]:
    return verdict.first, verdict.second


def contradiction(known: Iterable[Verdict], verdict: Verdict) -> tuple[Verdict, ...]:
    """Those verdicts that cannot all be true if one more is; none if they can.

    What is the same as the same is the same; what is different from one of the same is different
    from all of them.
    """
    links: defaultdict[str, list[Verdict]] = defaultdict(list)
    apart: list[Verdict] = []
    for its in known:
        if its.kind is VerdictKind.SAME:
            links[its.first].append(its)
            links[its.second].append(its)
        else:
            apart.append(its)
    from_first = _ways(links, verdict.first)
    if verdict.kind is VerdictKind.DIFFERENT:
        return from_first.get(verdict.second, ())
    from_second = _ways(links, verdict.second)
    for its in apart:
        for one, other in (_pair(its), _pair(its)[::-1]):
            if one in from_first and other in from_second:
                return (*from_first[one], its, *from_second[other])
    return ()


def _ways(links: defaultdict[str, list[Verdict]], start: str) -> dict[str, tuple[Verdict, ...]]:
    """All that is the same as one picture, and by which verdicts: the fewest that say so."""
    ways: dict[str, tuple[Verdict, ...]] = {start: ()}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for verdict in links[here]:
            there = verdict.second if verdict.first == here else verdict.first
            if there not in ways:
                ways[there] = (*ways[here], verdict)
                waiting.append(there)
    return ways
