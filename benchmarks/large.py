"""What a large library takes to make, to search and to change, and what others take for the same.

The embeddings are those of crops of photographs, and from 100,000 on others like them
(`benchmarks.embeddings`). What is searched for is none of them. An index is made however small the
library is. What others' indexes take is measured in the same run, each in a process of its own.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import large_library, material
from benchmarks.embeddings import of_crops
from benchmarks.job import K, Truth, job_for, need
from benchmarks.large_change import changes
from benchmarks.measure import Figure, lookgraph, median, run
from benchmarks.others import GRAPHS, probes_for, types_for
from benchmarks.peers import Peered, flat, peer
from benchmarks.searches import Searched, Together
from benchmarks.searching import Filtered, Ours, ours

CROPS = 100_000
_MILLION = 1_000_000
_NAMES = {
    "hnsw32": "FAISS HNSW32, float32",
    "hnswlib": "hnswlib, M 16, float32",
    "usearch": "usearch, float16",
}


def figures(folder: Path, work: Path, count: int, kept: Path) -> Iterator[Figure]:
    """Measure all.

    Args:
        folder: of photographs.
        work: a folder for what is needed on the way: 10 GB for a million pictures.
        count: how many pictures, at least 1,000.
        kept: the file for `benchmarks.embeddings.of_crops`.
    """
    need(("faiss", "hnswlib", "usearch"))
    crops = of_crops(folder, CROPS, kept)
    library, job_file = work / "library", work / "job.npz"
    began = time.perf_counter()
    store = large_library.make(library, crops, count)
    made = time.perf_counter() - began
    yield Figure("pictures", count, "", None, True, {"to commit them all, s": made})
    rows = large_library.rows_file(store)
    job, truth = job_for(large_library.rows_of(rows, count), crops)
    job.write(job_file)
    yield _difficulty(truth)
    build = large_library.index(store)
    yield Figure("building the index", build, "s", 900 * count / _MILLION, False)
    found = ours(library, job_file)
    yield from _searching(found, count)
    yield _cold(material.photographs(folder)[0], library)
    yield from changes(store, job, crops, count, build)
    yield from _batches(found.together, flat(rows, count, job_file), count)
    yield from _types(rows, count, job_file, work)
    yield from _graphs(found, build, rows, count, job_file, work)


def _difficulty(truth: Truth) -> Figure:
    """How near the first neighbours are: where the tenth is as near as the first, it is hard."""
    first, tenth, hundredth = (float(truth.scores[:, place].mean()) for place in (0, K - 1, 99))
    detail = {"first": first, "tenth": tenth, "hundredth": hundredth}
    return Figure("score of a true neighbour, 1st less 10th", first - tenth, "", None, True, detail)


def _searching(found: Ours, count: int) -> Iterator[Figure]:
    one = found.searched
    yield Figure("recall@10", one.recall, "", 0.99, True)
    yield Figure("one query, warm, p50", 1e3 * one.p50, "ms", 2, False, {"first": 1e3 * one.first})
    yield Figure("one query, warm, p95", 1e3 * one.p95, "ms", 5, False)
    batches = "after batches, with the pages of the file of rows that they touched, MB"
    detail = {"all, MB": one.resident / 1e6, batches: found.together.resident / 1e6}
    yield Figure("memory that searching adds", one.resident / count, "B", 300, False, detail)
    yield from _filtered("in a folder with 1 %", found.in_folder)
    yield from _filtered("among the ids of 1 %", found.by_ids)


def _filtered(name: str, found: Filtered) -> Iterator[Figure]:
    detail = {"p95": 1e3 * found.p95, "with a filter that is new": 1e3 * found.fresh}
    yield Figure(f"{name}, p50", 1e3 * found.p50, "ms", 5, False, detail)
    yield Figure(f"{name}, recall@10", found.recall, "", 0.99, True)


def _cold(picture: Path, library: Path) -> Figure:
    """A whole process. None of the photographs is in the library, so it is embedded."""
    command = lookgraph("search", picture, "--library", library, "--json")
    first, process = run(command), median(command)
    detail = {
        "the very first": first.wall,
        "processor seconds": process.cpu,
        "peak MB": process.peak_mb,
    }
    return Figure("one query, cold process", process.wall, "s", 1.2, False, detail)


def _batches(ours: Together, exact: Together, count: int) -> Iterator[Figure]:
    """Exact search grows with the rows, and search in lists with their root."""
    target = 20 * (count / _MILLION) ** 0.5
    detail = {"ours, /s": ours.rate, "IndexFlatIP, /s": exact.rate, "its recall": exact.recall}
    times = ours.rate / exact.rate
    yield Figure("batches of 256 against IndexFlatIP", times, "times", target, True, detail)
    yield Figure("batches of 256, recall@10", ours.recall, "", 0.99, True)


def _types(rows: Path, count: int, job: Path, work: Path) -> Iterator[Figure]:
    """What FAISS' types find as they are, without a second look at the rows."""
    probes = probes_for(count)
    for key in types_for(count):
        found = peer(f"{key}@{probes}", rows, count, job, 1.0, work)
        name = f"recall@10 of {key}"
        detail = {"nprobe": probes, **_costs(found.searched, found.build, count)}
        yield Figure(name, found.searched.recall, "", None, True, detail)


def _graphs(
    found: Ours, build: float, rows: Path, count: int, job: Path, work: Path
) -> Iterator[Figure]:
    """The peers, which look as hard as they must to find as much as we do."""
    one = found.searched
    yield _row("Lookgraph", one, found.together, build, count, {})
    peers: dict[str, Peered] = {}
    for name in GRAPHS:
        its = peers[name] = peer(name, rows, count, job, one.recall, work)
        detail = {"ef": float(its.setting)}
        yield _row(_NAMES[name], its.searched, its.together, its.build, count, detail)
    memory = peers["hnsw32"].searched.resident / one.resident
    yield Figure("memory of HNSW32 against ours", memory, "times", 15, True)
    fastest = min(its.searched.p50 for its in peers.values())
    yield Figure("p50 against the fastest peer's", one.p50 / fastest, "times", 2, False)


def _row(
    name: str,
    one: Searched,
    together: Together,
    build: float,
    count: int,
    more: dict[str, float],
) -> Figure:
    detail = {
        **_costs(one, build, count),
        "recall@10": one.recall,
        "in batches, /s": together.rate,
        **more,
    }
    return Figure(f"{name}: p50", 1e3 * one.p50, "ms", None, False, detail)


def _costs(one: Searched, build: float, count: int) -> dict[str, float]:
    return {
        "p50": 1e3 * one.p50,
        "p95": 1e3 * one.p95,
        "bytes a picture": one.resident / count,
        "build, s": build,
    }
