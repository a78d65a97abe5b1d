"""What people ask the similarity graph of a library."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lookgraph.errors import PictureError, UsageError
from lookgraph.graph.edges import Adjacency, at_least
from lookgraph.graph.verdicts import members, respecting
from lookgraph.graph_results import Chain, Group, Groups
from lookgraph.queries import PictureLike
from lookgraph.results import hit_of
from lookgraph.stores.base import GraphStatus, GraphWanted
from lookgraph.stores.local import LocalStore
from lookgraph.stores.views import GraphView
from lookgraph.types import Array, Hit, Integers, Metric, Space


class LibraryGraph:
    """The similarity graph of one space of a library.

    ::

        graph = Library.open("photos").graph()
        graph.build(threshold=0.8)
        for group in graph.groups():
            print(group.name, len(group.pictures))
    """

    def __init__(self, store: LocalStore, space: Space, find: Callable[[PictureLike], str]) -> None:
        """Use `Library.graph`. ``find`` gives the id of a picture that is in the library."""
        self.store = store
        self.space = space
        self._find = find

    def build(
        self,
        *,
        neighbours: int | None = None,
        threshold: float | None = None,
        max_edges: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> GraphStatus:
        """Make the graph, or bring it up to date. `Library.index` keeps it so from then on.

        A graph that is there stays what it is, unless one of the first three is given.

        Args:
            neighbours: each picture has an edge to so many of the nearest; 0 for none, None for 20.
            threshold: so has every pair with at least this score; None if only the nearest count.
            max_edges: more pairs over the threshold are refused; None for 50 million.
            progress: told the share that is done, from 0 to 1.

        Raises:
            GraphTooLargeError: more pairs reach the threshold; says which one would fit.
            LibraryLockedError: another process is writing.
            UsageError: a number is out of range, or there would be no edges.
        """
        is_kept = (neighbours, threshold, max_edges) == (None, None, None) and self.status()
        wanted = None if is_kept else self._wanted(neighbours, threshold, max_edges)
        with self.store.write() as writer:
            writer.renew_graph(self.space, wanted, progress or (lambda _: None))
        status = self.status()
        assert status
        return status

    def _wanted(
        self, neighbours: int | None, threshold: float | None, max_edges: int | None
    ) -> GraphWanted:
        usual = GraphWanted()
        neighbours = usual.neighbours if neighbours is None else neighbours
        most = usual.most if max_edges is None else max_edges
        if neighbours < 0 or most < 1 or (not neighbours and threshold is None):
            raise UsageError("A graph needs neighbours or a threshold, and at least one edge.")
        if threshold is not None:
            self._check(threshold)
        return GraphWanted(neighbours, threshold, most)

    def status(self) -> GraphStatus | None:
        """What the graph is; None if there is none."""
        return self.store.graph_status(self.space)

    def groups(self, threshold: float | None = None, *, smallest: int = 2) -> Groups:
        """Which pictures hang together: by chains of pairs that are at least so much alike.

        Args:
            threshold: the least score of such a pair; None for the one with the most groups.
            smallest: groups of fewer pictures are left out.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
            UsageError: the threshold is none.
        """
        started = time.perf_counter()
        if smallest < 1:
            raise UsageError(f"The smallest group has {smallest} pictures, but needs at least 1.")
        with self.store.graph(self.space) as view:
            if threshold is None:
                threshold = view.graph.linkage.busiest() or 0.0
            self._check(threshold)
            live = view.live()
            strength = _strengths(view.graph.around, threshold)
            groups = [rows[live[rows]] for rows in _grouped(view, threshold, smallest)]
            groups = [rows for rows in groups if len(rows) >= smallest]
            found = tuple(self._group(view, group, strength) for group in groups)
            others = int(np.count_nonzero(live)) - sum(map(len, groups))
            took_ms = (time.perf_counter() - started) * 1000
            return Groups(self.space, threshold, found, others, took_ms)

    def _group(self, view: GraphView, rows: Array, strength: Array) -> Group:
        central = int(rows[np.argmax(strength[rows])])
        others = rows[rows != central]
        scores = view.scores_to(central, others)
        order = np.lexsort((others, -scores))
        listed = np.array([central, *others[order]])
        its_own = view.scores_to(central, listed[:1])
        return Group(self._hits(view, listed, np.concatenate([its_own, scores[order]])))

    def path(self, source: PictureLike, target: PictureLike) -> Chain | None:
        """The way from one picture of the library to another whose weakest link is strongest.

        Args:
            source: where it begins: a path, or an id.
            target: where it ends.

        Returns:
            the pictures on the way; None where no edges lead there.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
            PictureError: a picture is not in the library, or not yet in the graph.
        """
        started = time.perf_counter()
        ids = [self._find(picture) for picture in (source, target)]
        with self.store.graph(self.space) as view:
            rows = [_row(view, id_) for id_ in ids]
            found = view.graph.path(*rows)
            if found is None:
                return None
            its_own = view.scores_to(rows[0], np.array(rows[:1]))
            scores = np.concatenate([its_own, found.scores])
            steps = self._hits(view, np.array(found.rows), scores)
            return Chain(self.space, steps, (time.perf_counter() - started) * 1000)

    def export(self, file: "str | os.PathLike[str]") -> tuple[int, int]:
        """Write the graph for other tools: GraphML, GEXF, CSV or JSON, as the name ends.

        Args:
            file: where to.

        Returns:
            how many pictures, and how many edges.

        Raises:
            ExchangeError: the name ends in nothing that we write.
            GraphNotFoundError: there is no graph: make one with `build`.
            StorageError: the file cannot be written.
        """
        from lookgraph.exchange.graphs import Link, Node, write_graph

        with self.store.graph(self.space) as view:
            rows = np.flatnonzero(view.live())
            named = view.view.named(rows.tolist())
            found = (named[row] for row in rows.tolist())
            nodes = [Node(picture, paths[0]) for picture, paths in found]
            place = np.full(len(view.held.usable), -1)
            place[rows] = np.arange(len(rows))
            edges = view.graph.edges()
            first, second = place[edges.first], place[edges.second]
            kept = (first >= 0) & (second >= 0)
            ends = zip(first[kept].tolist(), second[kept].tolist(), strict=True)
            scores = edges.scores[kept].tolist()
            links = (Link(*pair, score) for pair, score in zip(ends, scores, strict=True))
            write_graph(nodes, links, Path(file))
            return len(nodes), len(scores)

    def _hits(self, view: GraphView, rows: Integers, scores: Array) -> tuple[Hit, ...]:
        root, metric = self.store.root, self.space.metric
        matches = view.matches(rows, scores)
        return tuple(hit_of(root, rank, match, metric) for rank, match in enumerate(matches, 1))

    def _check(self, threshold: float) -> None:
        """Refuse a threshold that no score of the space can be compared with."""
        if not np.isfinite(threshold):
            raise UsageError(f"The threshold is {threshold}, but must be a number.")
        if self.space.metric is Metric.COSINE and not -1 <= threshold <= 1:
            raise UsageError(f"The threshold is {threshold}, but cosines lie between -1 and 1.")
        if self.space.metric is Metric.L2 and threshold > 0:
            raise UsageError(
                f"The threshold is {threshold}, but scores of {self.space.name} are distances "
                "with a minus: at most 0."
            )


def _grouped(view: GraphView, threshold: float, smallest: int) -> Sequence[Array]:
    """The rows of each group at a threshold, as people have said that they are."""
    graph, verdicts = view.graph, view.verdicts()
    if not len(verdicts):
        return graph.linkage.groups(threshold, smallest)
    labels = graph.linkage.labels(threshold)
    return members(respecting(labels, graph.around, threshold, verdicts), smallest)


def _strengths(around: Adjacency, threshold: float) -> Array:
    """How much each row is alike to its neighbours over a threshold, in all; shape (n,).

    What a score is over the threshold counts, and each neighbour as much as the least, so that
    more of them count for more where scores are negative too.
    """
    over = at_least(around.scores, threshold)
    counted = np.where(over, around.scores.astype(np.float64) - threshold + 1, 0)
    sums = np.concatenate([[0.0], np.cumsum(counted)])
    return np.asarray(sums[around.starts[1:]] - sums[around.starts[:-1]])


def _row(view: GraphView, id_: str) -> int:
    row = view.view.row_of(id_)
    if row is None or row >= len(view.held.usable) or not view.held.usable[row]:
        raise PictureError(
            f"The picture {id_[:12]} is not in the graph. Renew it: lookgraph graph build"
        )
    return row
