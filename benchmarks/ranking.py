"""What ranking through the graph gains, on photographs in folders named by what they show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measure import Figure
from lookgraph import Library
from lookgraph.config import LIBRARY_FOLDER
from lookgraph.evaluation.measures import average_precision, precision_at
from lookgraph.evaluation.split import split
from lookgraph.graph.neighbours import nearest_of
from lookgraph.index import batches, exact
from lookgraph.ranking.propagation import NEIGHBOURS, SHORTLIST, Propagation, norms
from lookgraph.types import Array, Integers, Matrix, Metric, Neighbour, Rows

_HELD_OUT, _SEED = 0.2, 0
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class _Held:
    """Rows in memory, as `lookgraph.index.coded.RowSource`."""

    mapped: Rows

    def take(self, numbers: Integers) -> Rows:
        """Those with these numbers."""
        return self.mapped[numbers]


def quality(folder: Path, work: Path) -> Iterator[Figure]:
    """P@10 and mAP through the graph against those by cosine, with queries held out.

    Args:
        folder: of photographs.
        work: a folder for their library.
    """
    rows, labels = embedded(folder, work)
    asking, answering = split(labels, _HELD_OUT, _SEED)
    database, of_each = rows[answering], labels[answering]

    def search(queries: Matrix, k: int) -> Sequence[Sequence[Neighbour]]:
        return batches.nearest_many(database, queries, k, Metric.COSINE)

    everything = np.arange(len(database))
    graph = nearest_of(database, everything, NEIGHBOURS, search, lambda _: None)
    ranking = Propagation(_Held(database), graph, norms(database, graph))
    found: dict[str, list[Array]] = {"by cosine": [], "shortlist": [], "all": []}
    for row in asking.tolist():
        query = rows[row].astype(np.float32)
        near = exact.nearest(database, query, len(database), Metric.COSINE)
        order = np.array([one.row for one in near])
        few, own = order[:SHORTLIST], near[:NEIGHBOURS]
        anew = few[np.argsort(-ranking.scores(query, own, few), kind="stable")]
        orders = {
            "by cosine": order,
            "shortlist": np.concatenate([anew, order[SHORTLIST:]]),
            "all": order[np.argsort(-ranking.scores(query, own, order), kind="stable")],
        }
        for way, its in orders.items():
            found[way].append(of_each[its] == labels[row])
    relevant = {way: np.stack(lists) for way, lists in found.items()}
    precision = {way: precision_at(10, lists) for way, lists in relevant.items()}
    average = {way: average_precision(lists) for way, lists in relevant.items()}
    yield _gain("P@10, shortlist", precision["by cosine"], precision["shortlist"], 2.5)
    yield _gain("P@10, all", precision["by cosine"], precision["all"], None)
    yield _gain("mAP, shortlist", average["by cosine"], average["shortlist"], None)
    yield _gain("mAP, all", average["by cosine"], average["all"], 14)


def embedded(folder: Path, work: Path) -> tuple[Rows, Integers]:
    """The embeddings of the photographs by their paths, float16, and each one's folder's number."""
    library = Library.open(folder, at=work / LIBRARY_FOLDER)
    library.index()
    # They are stored as they come, which is another order each time, and so would be the split.
    held = sorted(library.store.embedded(library.space()), key=lambda one: one.entries[0].path)
    names = [str(Path(one.entries[0].path).parent) for one in held]
    _, labels = np.unique(names, return_inverse=True)
    return np.stack([one.embedding for one in held]).astype(np.float16), labels


def _gain(name: str, before: Array, after: Array, wanted: float | None) -> Figure:
    """How much more in the mean, in percent, and within what it lies 95 times of 100."""
    generator = np.random.default_rng(_SEED)
    drawn = generator.integers(len(before), size=(_RESAMPLES, len(before)))
    gains = 100 * (after[drawn].mean(axis=1) / before[drawn].mean(axis=1) - 1)
    low, high = np.percentile(gains, [2.5, 97.5])
    detail = {
        "by cosine": float(before.mean()),
        "through the graph": float(after.mean()),
        "low": float(low),
        "high": float(high),
    }
    gain = 100 * (after.mean() / before.mean() - 1)
    return Figure(f"ranking, {name}: more by", float(gain), "%", wanted, True, detail)
