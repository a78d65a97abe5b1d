"""What people ask the similarity graph of a library."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from lookgraph.errors import PictureError, UsageError
from lookgraph.graph.edges import Adjacency, at_least
from lookgraph.results import hit_of
from lookgraph.stores.local import LocalStore
from lookgraph.stores.views import GraphView
from lookgraph.types import Array, Hit, Metric, Space


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures that hang together.

    Attributes:
        pictures: the most central one first, which is most alike to the others; then those that
            are nearest to it. Each one's score is that to the first.
    """

    pictures: tuple[Hit, ...]

    @property
    def name(self) -> str:
        """The path of the most central picture."""
        return self.pictures[0].path


@dataclass(frozen=True, slots=True)
class Groups(Sequence[Group]):
    """The groups of a library at a threshold, the largest first.

    Attributes:
        space: whose embeddings were compared.
        threshold: pictures hang together where a chain of pairs with at least this score leads
            from one to the other; for L2, minus the greatest distance.
        groups: of at least two pictures, or as many as was asked for.
        others: how many pictures are in none of them.
        took_ms: how long it took, in milliseconds.
    """

    space: Space
    threshold: float
    groups: tuple[Group, ...]
    others: int
    took_ms: float

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups)

    @overload
    def __getitem__(self, index: int) -> Group: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Group, ...]: ...
    def __getitem__(self, index: int | slice) -> Group | tuple[Group, ...]:
        return self.groups[index]


@dataclass(frozen=True, slots=True)
class Chain(Sequence[Hit]):
    """A way through the graph from one picture to another.

    Attributes:
        space: whose embeddings were compared.
        steps: the pictures, from the first to the last; each one's score is that to the one before
            it, and the first one's that to itself.
        took_ms: how long it took, in milliseconds.
    """

    space: Space
    steps: tuple[Hit, ...]
    took_ms: float

    @property
    def weakest(self) -> float:
        """The lowest score between two pictures that follow each other; no way has a higher one."""
        return min(step.score for step in (self.steps[1:] or self.steps))

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.steps)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.steps[index]


def check_threshold(space: Space, threshold: float) -> None:
    """Refuse a threshold that no score of a space can be compared with.

    Raises:
        UsageError: it is no number, or outside of what scores can be.
    """
    if not np.isfinite(threshold):
        raise UsageError(f"The threshold is {threshold}, but must be a number.")
    if space.metric is Metric.COSINE and not -1 <= threshold <= 1:
        raise UsageError(f"The threshold is {threshold}, but cosines lie between -1 and 1.")
    if space.metric is Metric.L2 and threshold > 0:
        raise UsageError(
            f"The threshold is {threshold}, but scores of {space.name} are distances with a minus: "
            "at most 0."
        )


def groups_of(
    store: LocalStore, space: Space, threshold: float | None, smallest: int, *, started: float
) -> Groups:
    """The groups of a library.

    Args:
        store: the library.
        space: whose graph.
        threshold: as `Groups` has it; None for the one with the most groups.
        smallest: groups of fewer pictures are left out; at least 1.
        started: when it was asked, by `time.perf_counter`.
    """
    if smallest < 1:
        raise UsageError(f"The smallest group has {smallest} pictures, but must have at least 1.")
    with store.graph(space) as view:
        if threshold is None:
            threshold = view.graph.linkage.busiest() or 0.0
        check_threshold(space, threshold)
        live = view.live()
        strength = _strengths(view.graph.around, threshold)
        groups = [group[live[group]] for group in view.graph.linkage.groups(threshold, smallest)]
        groups = [group for group in groups if len(group) >= smallest]
        found = tuple(_group(store.root, view, group, strength) for group in groups)
        others = int(np.count_nonzero(live)) - sum(map(len, groups))
        took_ms = (time.perf_counter() - started) * 1000
        return Groups(space, threshold, found, others, took_ms)


def _strengths(around: Adjacency, threshold: float) -> Array:
    """How much each row is alike to its neighbours over a threshold, in all; shape (n,)."""
    counted = np.where(at_least(around.scores, threshold), around.scores.astype(np.float64), 0)
    sums = np.concatenate([[0.0], np.cumsum(counted - min(threshold, 0.0) * (counted != 0))])
    return np.asarray(sums[around.starts[1:]] - sums[around.starts[:-1]])


def _group(root: Path, view: GraphView, rows: Array, strength: Array) -> Group:
    central = int(rows[np.argmax(strength[rows])])
    others = rows[rows != central]
    scores = view.scores_to(central, others)
    order = np.lexsort((others, -scores))
    listed = np.array([central, *others[order]])
    its_own = view.scores_to(central, listed[:1])
    matches = view.matches(listed, np.concatenate([its_own, scores[order]]))
    metric = view.view.stored.space.metric
    return Group(tuple(hit_of(root, rank, match, metric) for rank, match in enumerate(matches, 1)))


def path_between(
    store: LocalStore, space: Space, source: str, target: str, *, started: float
) -> Chain | None:
    """The way from one picture to another whose weakest link is strongest.

    Args:
        store: the library.
        space: whose graph.
        source: the id of a picture in the library.
        target: likewise.
        started: when it was asked, by `time.perf_counter`.

    Returns:
        the way; None where none leads there.

    Raises:
        PictureError: a picture is not in the graph yet.
    """
    with store.graph(space) as view:
        rows = [_row(view, id_) for id_ in (source, target)]
        found = view.graph.path(*rows)
        if found is None:
            return None
        its_own = view.scores_to(rows[0], np.array(rows[:1]))
        matches = view.matches(np.array(found.rows), np.concatenate([its_own, found.scores]))
        steps = (
            hit_of(store.root, rank, match, space.metric) for rank, match in enumerate(matches, 1)
        )
        return Chain(space, tuple(steps), (time.perf_counter() - started) * 1000)


def export_graph(store: LocalStore, space: Space, file: Path) -> tuple[int, int]:
    """Write the graph of a library as `lookgraph.exchange.graphs.write_graph` does.

    Args:
        store: the library.
        space: whose graph.
        file: where to.

    Returns:
        how many pictures, and how many edges.
    """
    from lookgraph.exchange.graphs import Link, Node, write_graph

    with store.graph(space) as view:
        rows = np.flatnonzero(view.live())
        named = view.view.named(rows.tolist())
        nodes = [
            Node(picture, paths[0]) for picture, paths in (named[row] for row in rows.tolist())
        ]
        place = np.full(len(view.held.usable), -1)
        place[rows] = np.arange(len(rows))
        edges = view.graph.edges()
        first, second = place[edges.first], place[edges.second]
        kept = (first >= 0) & (second >= 0)
        ends = zip(first[kept].tolist(), second[kept].tolist(), strict=True)
        scores = edges.scores[kept].tolist()
        links = (Link(*pair, score) for pair, score in zip(ends, scores, strict=True))
        write_graph(nodes, links, file)
        return len(nodes), len(scores)


def _row(view: GraphView, id_: str) -> int:
    row = view.view.row_of(id_)
    if row is None or row >= len(view.held.usable) or not view.held.usable[row]:
        raise PictureError(
            f"The picture {id_[:12]} is not in the graph. Renew it: lookgraph graph build"
        )
    return row
