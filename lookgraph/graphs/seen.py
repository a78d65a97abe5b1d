"""A view of a graph, and how its rows are shown."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookgraph.errors import PictureError, UsageError
from lookgraph.graph.graph import Graph
from lookgraph.results import hit_of
from lookgraph.stores.base import GraphView
from lookgraph.types import Array, Hit, Integers, Metric, Space


@dataclass(frozen=True, slots=True)
class Seen:
    """One state of a library's graph.

    Attributes:
        view: what the store gives.
        space: whose embeddings are compared.
        root: the library's folder.
    """

    view: GraphView
    space: Space
    root: Path

    @property
    def graph(self) -> Graph:
        """Itself, between numbers of rows."""
        return self.view.graph

    def live(self) -> NDArray[np.bool_]:
        """Which of its rows are of pictures that still have files."""
        return self.view.live()

    def hits(self, rows: Integers, scores: Array) -> tuple[Hit, ...]:
        """Some rows for people, each with a score, in their order."""
        matches = self.view.matches(rows, scores)
        metric = self.space.metric
        return tuple(
            hit_of(self.root, rank, match, metric) for rank, match in enumerate(matches, 1)
        )

    def row(self, id_: str) -> int:
        """The row of a picture.

        Raises:
            PictureError: it is not in the graph.
        """
        row = self.view.row_of(id_)
        if row is None:
            raise PictureError(
                f"The picture {id_[:12]} is not in the graph. Renew it: lookgraph graph build"
            )
        return row

    def best_scores(self, rows: Integers) -> Array:
        """The score of each row's best edge; the lowest of all where it has none."""
        around = self.graph.around
        starts, ends = around.starts[rows], around.starts[rows + 1]
        lowest = -1.0 if self.space.metric is Metric.COSINE else float(np.finfo(np.float32).min)
        found = np.full(len(rows), lowest)
        found[starts < ends] = around.scores[starts[starts < ends]]
        return found


def check_threshold(threshold: float, space: Space) -> None:
    """Refuse a threshold that no score of a space can be compared with.

    Raises:
        UsageError: with the reason.
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
