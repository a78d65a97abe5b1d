"""What the similarity graph takes to make, to follow and to ask, and what ranking through it gains.

The embeddings are those of crops of photographs (`benchmarks.embeddings`). Ranking is measured on
the photographs themselves, in folders named by what they show: a fifth of each asks, and neither is
in the graph nor answers.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks import large_library
from benchmarks.embeddings import Crops, extended, of_crops
from benchmarks.job import need
from benchmarks.large import CROPS
from benchmarks.large_library import SPACE
from benchmarks.measure import Figure, run
from benchmarks.ranking import quality
from lookgraph.graph.edges import Edges
from lookgraph.graph.pairs import Wanted, pairs
from lookgraph.index import batches
from lookgraph.index.widening import as_float32
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.local import LocalStore
from lookgraph.types import Metric, Ranking, Rows

_PAIRED = 20_000
_THRESHOLD = 0.8
_BLOCK = 1024
_NEIGHBOURS = 20
_SAMPLE = 500
_BYTES = 12
"""Of an edge: two numbers and a score."""

_ASKED = 300


def figures(folder: Path, work: Path, kept: Path, rows: int) -> Iterator[Figure]:
    """Measure all.

    Args:
        folder: of photographs, in folders named by what they show.
        work: a folder for what is needed on the way.
        kept: the file for `benchmarks.embeddings.of_crops`.
        rows: how many pictures a larger library has, which is tried too if it has more than crops.
    """
    need(("faiss",))
    crops = of_crops(folder, CROPS, kept)
    yield _pairs(crops)
    store = large_library.make(work / "library", crops, CROPS)
    large_library.index(store)
    yield _memory(store)
    build = _seconds(lambda: _renew(store, GraphWanted(_NEIGHBOURS)))
    yield Figure(f"{CROPS:,}: nearest {_NEIGHBOURS} of each", build, "s", 180, False)
    yield Figure("their recall", _recall(store), "", 0.97, True)
    yield _added(store, crops, build)
    yield from _asked(store)
    yield from _ranked(store, crops)
    yield from quality(folder, work / "photographs")
    if rows > CROPS:
        yield from _larger(work / "larger", crops, rows, build)


def _pairs(crops: Crops) -> Figure:
    """Every pair over a threshold, beside nothing but the products of the same blocks."""
    chosen = np.linspace(0, len(crops.embeddings) - 1, _PAIRED).round().astype(np.int64)
    rows = crops.embeddings[chosen].astype(np.float16)
    numbers, none = np.arange(len(rows)), np.empty(0, np.int64)
    wanted = Wanted(Metric.COSINE, _THRESHOLD, 10**9)
    found: list[int] = []

    def ours() -> None:
        edges = pairs(rows, numbers, none, wanted, lambda _: None)
        assert isinstance(edges, Edges)
        found.append(len(edges))

    bare, own = _least(lambda: _products(rows)), _least(ours)
    detail = {"products, s": bare, "ours, s": own, "pairs": float(found[0])}
    return Figure(
        f"{_PAIRED:,}: pairs over {_THRESHOLD}, of BLAS' speed", 100 * bare / own, "%", 70, True,
        detail,
    )  # fmt: skip


def _products(rows: Rows) -> None:
    """The products alone, of numbers that are float32 already."""
    wide = as_float32(rows)
    for second in range(0, len(wide), _BLOCK):
        for first in range(0, second + 1, _BLOCK):
            wide[second : second + _BLOCK] @ wide[first : first + _BLOCK].T


def _least(work: Callable[[], object], times: int = 2) -> float:
    return min(_seconds(work) for _ in range(times))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


_BUILD = """
import sys
from pathlib import Path
from benchmarks.large_library import SPACE
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
with store.write() as writer:
    writer.renew_graph(SPACE, GraphWanted(0, float(sys.argv[2])), lambda _: None)
status = store.graph_status(SPACE)
assert status
print(status.edges)
"""


def _memory(store: LocalStore) -> Figure:
    """What a process takes to find all pairs over a threshold, beside these pairs themselves."""
    done = run([sys.executable, "-c", _BUILD, str(store.folder), str(_THRESHOLD)])
    edges = int(done.said)
    taken = edges * _BYTES / 1e6
    detail = {"edges": float(edges), "they take, MB": taken, "s": done.wall}
    return Figure(
        f"{CROPS:,}: memory for pairs over {_THRESHOLD}, beyond the edges", done.peak_mb - taken,
        "MB", 1000, False, detail,
    )  # fmt: skip


def _added(store: LocalStore, crops: Crops, build: float) -> Figure:
    added = CROPS // 100
    fresh = next(extended(crops, added, seed=2))
    large_library.add(store, range(CROPS, CROPS + added), fresh)
    renewed = _seconds(lambda: _renew(store, None))
    detail = {"s": renewed}
    return Figure("adding 1 %, of that time", 100 * renewed / build, "%", 3, False, detail)


def _larger(work: Path, crops: Crops, rows: int, build: float) -> Iterator[Figure]:
    """A graph of many more pictures, and what its time was taken to be: in proportion to them."""
    store = large_library.make(work, crops, rows)
    large_library.index(store)
    spent = _seconds(lambda: _renew(store, GraphWanted(_NEIGHBOURS)))
    detail = {"projected, s": build * rows / CROPS}
    yield Figure(f"{rows:,}: nearest {_NEIGHBOURS} of each", spent, "s", None, False, detail)
    yield Figure("their recall", _recall(store), "", 0.97, True)


def _renew(store: LocalStore, wanted: GraphWanted | None) -> None:
    with store.write() as writer:
        writer.renew_graph(SPACE, wanted, lambda _: None)


def _recall(store: LocalStore) -> float:
    """The share of the true nearest of some rows that the graph has."""
    with store.graph(SPACE) as view:
        rows = view.view.rows.mapped
        some = np.sort(np.random.default_rng(0).choice(len(rows), _SAMPLE, replace=False))
        truth = batches.nearest_many(rows, as_float32(rows[some]), _NEIGHBOURS + 1, Metric.COSINE)
        shares = []
        for row, found in zip(some.tolist(), truth, strict=True):
            nearest = {one.row for one in found if one.row != row}
            known = set(view.graph.neighbours.numbers[row].tolist())
            shares.append(len(known & nearest) / _NEIGHBOURS)
        return float(np.mean(shares))


def _asked(store: LocalStore) -> Iterator[Figure]:
    with store.graph(SPACE) as view:
        graph = view.graph
        thresholds = np.linspace(0.3, 0.99, 50)
        spent = [_seconds(lambda t=t: graph.linkage.labels(t)) for t in thresholds]  # type: ignore[misc]
        yield _spent("groups at a threshold", spent, 20)
        ends = np.random.default_rng(0).integers(0, CROPS, (_ASKED, 2)).tolist()
        spent = [_seconds(lambda e=e: graph.path(*e)) for e in ends]  # type: ignore[misc]
        yield _spent("a path between two", spent, 20)


def _spent(name: str, seconds: list[float], most: float) -> Figure:
    """The 95th percentile counts: the slowest of all is the machine's."""
    p50, p95 = (1e3 * float(np.quantile(seconds, share)) for share in (0.5, 0.95))
    detail = {"p50": p50, "slowest": 1e3 * max(seconds)}
    return Figure(f"{name}, p95", p95, "ms", most, False, detail)


def _ranked(store: LocalStore, crops: Crops) -> Iterator[Figure]:
    queries = next(extended(crops, _ASKED, seed=3))
    taken: dict[Ranking, list[float]] = {Ranking.COSINE: [], Ranking.GRAPH: []}
    for query in queries:  # side by side
        for ranking, spent in taken.items():
            spent.append(
                _seconds(
                    lambda q=query, r=ranking: store.search(SPACE, q[np.newaxis], 10, ranking=r)  # type: ignore[misc]
                )
            )
    plain, graph = (1e3 * float(np.median(spent)) for spent in taken.values())
    detail = {"by cosine": plain, "by the graph": graph}
    yield Figure("ranking, what a query takes more", graph - plain, "ms", 1, False, detail)
