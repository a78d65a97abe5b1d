"""The similarity graph of a library that is served elsewhere."""

from collections.abc import Callable

from lookgraph.graphs.results import Chain, Gap, Groups, Neighbourhood
from lookgraph.interfaces.client import reading
from lookgraph.interfaces.client.asking import Asking
from lookgraph.queries import PictureLike
from lookgraph.types import Space

MOST = 1000
"""A service gives out no more at once."""


class ServedGraph:
    """As `lookgraph.graphs.LibraryGraph`, as far as it is served."""

    def __init__(
        self,
        asking: Asking,
        model: str | None,
        space: Callable[[str], Space],
        id_of: Callable[[PictureLike], str],
    ) -> None:
        """Use `Client.graph`."""
        self._asking = asking
        self._model = model
        self._space = space
        self._id_of = id_of

    def around(
        self,
        picture: PictureLike,
        *,
        depth: int = 2,
        most: int = 100,
        threshold: float | None = None,
    ) -> Neighbourhood:
        """As `lookgraph.graphs.LibraryGraph.around`.

        Args:
            picture: of the library.
            depth: so many edges away, at most.
            most: so many pictures.
            threshold: the least score of an edge; None for all edges.
        """
        asked = {"depth": depth, "limit": most, "threshold": threshold, "model": self._model}
        told = self._asking.ask("GET", f"images/{self._id_of(picture)}/neighbours", asked)
        return reading.neighbourhood(told, self._asking.url, self._space(told["space"]))

    def path(self, source: PictureLike, target: PictureLike) -> Chain | Gap:
        """As `lookgraph.graphs.LibraryGraph.path`.

        Args:
            source: where it begins.
            target: where it ends.
        """
        ids = {"source": self._id_of(source), "target": self._id_of(target)}
        told = self._asking.ask("GET", "path", {**ids, "model": self._model})
        return reading.way(told, self._asking.url, self._space(told["space"]))

    def groups(
        self, threshold: float | None = None, *, smallest: int = 2, communities: bool = False
    ) -> Groups:
        """As `lookgraph.graphs.LibraryGraph.groups`; the first thousand, and as many of each.

        Args:
            threshold: the least score of a pair; None for the one with the most groups.
            smallest: groups of fewer pictures are left out.
            communities: whether to look for where pairs are denser than elsewhere.
        """
        asked = {
            "threshold": threshold,
            "smallest": smallest,
            "communities": communities,
            "limit": MOST,
            "shown": MOST,
            "model": self._model,
        }
        told = self._asking.ask("GET", "groups", asked)
        return reading.groups(told, self._asking.url, self._space(told["space"]))
