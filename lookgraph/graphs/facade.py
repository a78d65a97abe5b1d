"""What people ask the similarity graph of a library."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookgraph.errors import UsageError
from lookgraph.graph.suggestions import Suggestion, suggest
from lookgraph.graphs import grouping, placing, standing, walking
from lookgraph.graphs.handing import handed
from lookgraph.graphs.kept import KeptPlaces
from lookgraph.graphs.results import (
    Bridge,
    Chain,
    Gap,
    Groups,
    GroupsPage,
    Hub,
    Map,
    Neighbourhood,
    Plane,
)
from lookgraph.graphs.seen import Seen, check_threshold
from lookgraph.queries import PictureLike
from lookgraph.stores.base import GraphStatus, GraphWanted, Store
from lookgraph.types import Array, Hit, Space

if TYPE_CHECKING:
    import igraph
    import networkx
    from scipy.sparse import csr_array


class LibraryGraph:
    """The similarity graph of one space of a library.

    ::

        graph = Library.open("photos").graph()
        graph.build(threshold=0.8)
        for group in graph.groups():
            print(group.name, len(group.pictures))
    """

    def __init__(self, store: Store, space: Space, find: Callable[[PictureLike], str]) -> None:
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
        mutual: bool | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> GraphStatus:
        """Make the graph, or bring it up to date. `Library.index` keeps it so from then on.

        A graph that is there stays what it is, unless one of the first four is given.

        Args:
            neighbours: each picture has an edge to so many of the nearest; 0 for none, None for 20.
            threshold: so has every pair with at least this score; None if only the nearest count.
            max_edges: more pairs over the threshold are refused; None for 50 million.
            mutual: an edge to one of the nearest only if the picture is among its nearest too.
            progress: told the share that is done, from 0 to 1.

        Raises:
            GraphTooLargeError: more pairs reach the threshold; says which one would fit.
            LibraryLockedError: another process is writing.
            UsageError: a number is out of range, or there would be no edges, or no pictures.
        """
        is_told = any(wish is not None for wish in (neighbours, threshold, max_edges, mutual))
        wanted = None
        if is_told or not self.status():
            wanted = self._wanted(neighbours, threshold, max_edges, mutual=bool(mutual))
        with self.store.write() as writer:
            writer.renew_graph(self.space, wanted, progress or (lambda _: None))
        status = self.status()
        if status is None:
            raise UsageError("The library has no pictures that a graph could be made of.")
        return status

    def _wanted(
        self,
        neighbours: int | None,
        threshold: float | None,
        max_edges: int | None,
        *,
        mutual: bool,
    ) -> GraphWanted:
        usual = GraphWanted()
        neighbours = usual.neighbours if neighbours is None else neighbours
        most = usual.most if max_edges is None else max_edges
        if neighbours < 0 or most < 1 or (not neighbours and threshold is None):
            raise UsageError("A graph needs neighbours or a threshold, and at least one edge.")
        if threshold is not None:
            check_threshold(threshold, self.space)
        return GraphWanted(neighbours, threshold, most, mutual)

    def status(self) -> GraphStatus | None:
        """What the graph is; None if there is none."""
        return self.store.graph_status(self.space)

    def groups(
        self,
        threshold: float | None = None,
        *,
        smallest: int = 2,
        communities: bool = False,
        resolution: float = 1.0,
    ) -> Groups:
        """Which pictures hang together, through pairs that are at least so much alike.

        What people have said comes first: the same is in one group, the different in two.

        Args:
            threshold: the least score of such a pair. None for the one with the most groups; of
                communities, for all edges.
            smallest: groups of fewer pictures are left out.
            communities: whether to look for where pairs are denser than elsewhere, by the Leiden
                method, and not for chains of them.
            resolution: over 0; the higher, the smaller are the communities.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
            MissingExtraError: communities are asked for, and what finds them is not installed.
            UsageError: the threshold or the resolution is none.
        """
        started = time.perf_counter()
        if smallest < 1:
            raise UsageError(f"The smallest group has {smallest} pictures, but needs at least 1.")
        if not 0 < resolution < np.inf:
            raise UsageError(f"The resolution is {resolution}, but must be over 0.")
        with self._seen() as seen:
            threshold, rows = self._rows(seen, threshold, smallest, resolution * communities)
            found = grouping.as_groups(seen, rows, threshold)
            others = _in_none(seen, rows)
            return Groups(self.space, threshold, communities, found, others, _since(started))

    def groups_page(
        self,
        threshold: float | None = None,
        *,
        communities: bool = False,
        start: int = 0,
        most: int = 30,
        of_each: int = 60,
    ) -> GroupsPage:
        """Some of what `groups` gives, in less time: only what is shown is read.

        Args:
            threshold: as for `groups`.
            communities: likewise.
            start: so many groups, the largest, are left out before.
            most: so many groups at most.
            of_each: so many pictures of each group at most, at least one.

        Raises:
            LookgraphError: as `groups`.
        """
        started = time.perf_counter()
        if start < 0 or most < 0 or of_each < 1:
            raise UsageError("Of a page, at least one picture of each group is shown.")
        with self._seen() as seen:
            threshold, rows = self._rows(seen, threshold, 2, 1.0 * communities)
            found = grouping.as_starts(seen, rows[start : start + most], threshold, of_each)
            others = _in_none(seen, rows)
            return GroupsPage(self.space, threshold, found, len(rows), others, _since(started))

    def _rows(
        self, seen: Seen, threshold: float | None, smallest: int, resolution: float
    ) -> tuple[float, list[Array]]:
        """The threshold and the rows of each group; of communities if there is a resolution."""
        if threshold is None:
            threshold = _lowest(seen) if resolution else _busiest(seen)
        check_threshold(threshold, self.space)
        if resolution:
            return threshold, grouping.found_communities(seen, threshold, resolution, smallest)
        return threshold, grouping.components(seen, threshold, smallest)

    def suggestions(self, most: int = 5) -> list[Suggestion]:
        """Thresholds at which groups are stable, the most stable first.

        Args:
            most: so many at most.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
        """
        with self._seen() as seen:
            return suggest(seen.graph.linkage, most)

    def path(self, source: PictureLike, target: PictureLike) -> Chain | Gap:
        """The way from one picture of the library to another whose weakest link is strongest.

        Args:
            source: where it begins: a path, or an id.
            target: where it ends.

        Returns:
            the pictures on the way; where no edges lead there, the threshold at which some would.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
            PictureError: a picture is not in the library, or not yet in the graph.
        """
        started = time.perf_counter()
        ids = [self._find(picture) for picture in (source, target)]
        with self._seen() as seen:
            rows = [seen.row(id_) for id_ in ids]
            steps = walking.way(seen, *rows)
            if steps is None:
                return Gap(self.space, walking.threshold_between(seen, *rows))
            return Chain(self.space, steps, _since(started))

    def around(
        self,
        picture: PictureLike,
        *,
        depth: int = 2,
        most: int = 100,
        threshold: float | None = None,
    ) -> Neighbourhood:
        """What is around a picture of the library.

        Args:
            picture: a path, or an id.
            depth: so many edges away, at most.
            most: so many pictures; of the furthest, those with the best edges.
            threshold: the least score of an edge; None for all edges.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
            PictureError: the picture is not in the library, or not yet in the graph.
            UsageError: a number is out of range.
        """
        started = time.perf_counter()
        if depth < 1 or most < 1:
            raise UsageError("The depth and the number of pictures must be at least 1.")
        if threshold is not None:
            check_threshold(threshold, self.space)
        id_ = self._find(picture)
        with self._seen() as seen:
            found = walking.neighbourhood(seen, seen.row(id_), depth, most, threshold)
            return Neighbourhood(self.space, *found, _since(started))

    def hubs(self, most: int = 20) -> tuple[Hub, ...]:
        """The pictures that are among the nearest of most others: near to anything, like nothing.

        Args:
            most: so many at most.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
        """
        with self._seen() as seen:
            return standing.hubs(seen, most)

    def bridges(
        self, threshold: float | None = None, *, smallest: int = 2, most: int = 20
    ) -> tuple[Bridge, ...]:
        """The pairs without which a group falls apart, those that split off most first.

        Args:
            threshold: the least score of an edge; None for that with the most groups.
            smallest: so many pictures at least are on either side.
            most: so many at most.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
            UsageError: the threshold is none.
        """
        with self._seen() as seen:
            threshold = _busiest(seen) if threshold is None else threshold
            check_threshold(threshold, self.space)
            return standing.bridges(seen, threshold, smallest, most)

    def loners(self, most: int = 20) -> tuple[Hit, ...]:
        """The pictures that are like no other: those whose best score is lowest.

        Args:
            most: so many at most.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
        """
        with self._seen() as seen:
            return standing.loners(seen, most)

    def map(self, threshold: float | None = None) -> Map:
        """All pictures in the plane, like beside like; the same on every run.

        Their places are kept beside the library, until the graph is another one.

        Args:
            threshold: that of the groups that are told apart; None for that with the most.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
            UsageError: the threshold is none.
        """
        started = time.perf_counter()
        with self._seen() as seen:
            plane, rows = self._plane(seen, threshold)
            found = placing.places(seen, plane, rows)
            return Map(self.space, found, plane.groups, plane.state, _since(started))

    def plane(self, threshold: float | None = None) -> Plane:
        """As `map`, but without what the pictures are, in a tenth of the time.

        Args:
            threshold: as for `map`.

        Raises:
            LookgraphError: likewise.
        """
        with self._seen() as seen:
            return self._plane(seen, threshold)[0]

    def _plane(self, seen: Seen, threshold: float | None) -> tuple[Plane, Array]:
        threshold = _busiest(seen) if threshold is None else threshold
        check_threshold(threshold, self.space)
        return placing.plane(seen, threshold, KeptPlaces(self.store.cache, self.space))

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
        from lookgraph.exchange.graphs import write_graph

        with self._seen() as seen:
            found = handed(seen)
        write_graph(found.nodes, found.links(), Path(file))
        return len(found.nodes), len(found.edges)

    def to_networkx(self) -> "networkx.Graph":
        """A graph of NetworkX; see `lookgraph.exchange.objects.as_networkx`.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
            MissingExtraError: NetworkX is not installed.
        """
        from lookgraph.exchange.objects import as_networkx

        with self._seen() as seen:
            return as_networkx(*handed(seen))

    def to_igraph(self) -> "igraph.Graph":
        """A graph of igraph; see `lookgraph.exchange.objects.as_igraph`.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
            MissingExtraError: igraph is not installed.
        """
        from lookgraph.exchange.objects import as_igraph

        with self._seen() as seen:
            return as_igraph(*handed(seen))

    def to_scipy(self) -> "tuple[csr_array, list[str]]":
        """The scores as a sparse matrix of SciPy, and the id of the picture of each of its rows.

        Raises:
            GraphNotFoundError: there is no graph: make one with `build`.
            MissingExtraError: SciPy is not installed.
        """
        from lookgraph.exchange.objects import as_scipy

        with self._seen() as seen:
            return as_scipy(*handed(seen))

    @contextmanager
    def _seen(self) -> Iterator[Seen]:
        with self.store.graph(self.space) as view:
            yield Seen(view, self.space, self.store.root)


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _in_none(seen: Seen, groups: Sequence[Array]) -> int:
    """How many pictures are in none of the groups."""
    return int(np.count_nonzero(seen.live())) - sum(map(len, groups))


def _busiest(seen: Seen) -> float:
    """The threshold with the most groups."""
    return seen.graph.linkage.busiest() or 0.0


def _lowest(seen: Seen) -> float:
    """The score of the weakest edge."""
    scores = seen.graph.around.scores
    return float(scores.min()) if len(scores) else 0.0
