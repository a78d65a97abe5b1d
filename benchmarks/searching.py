"""Search a large library in a process of its own, and print what it takes.

    python -m benchmarks.searching LIBRARY JOB [EXACTLY]

``JOB`` is a file that `Job.write` wrote. With ``EXACTLY``, so many of its queries are compared with
everything, without filters and batches.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.job import IN_FOLDER, Job, K, module
from benchmarks.large_library import SPACE, folder_of, id_of, number_of
from benchmarks.measure import run
from benchmarks.searches import (
    Ask,
    Searched,
    Together,
    measure,
    measure_together,
    one_by_one,
    recall,
    resident,
)
from lookgraph.config import LIBRARY_FOLDER, RECALL
from lookgraph.stores.local import LocalStore
from lookgraph.types import EVERYTHING, Integers, Matrix, Selection

_FRESH = range(20, 40)


@dataclass(frozen=True, slots=True)
class Filtered:
    """What searching among a part of the pictures takes.

    Attributes:
        recall: the share of the true neighbours among them that is found.
        p50: seconds of a query, the median.
        p95: likewise; one in twenty takes longer.
        fresh: seconds of a query with a filter that was not asked for before, the median.
    """

    recall: float
    p50: float
    p95: float
    fresh: float


@dataclass(frozen=True, slots=True)
class Ours:
    """What the library takes."""

    searched: Searched
    together: Together
    in_folder: Filtered
    by_ids: Filtered


def ours(library: Path, job: Path) -> Ours:
    """Measure all in a process of its own."""
    told = _told(library, job)
    return Ours(
        Searched(**told["searched"]),
        Together(**told["together"]),
        Filtered(**told["in_folder"]),
        Filtered(**told["by_ids"]),
    )


def exactly(library: Path, job: Path, queries: int) -> Searched:
    """Likewise, for exact search and so many queries."""
    return Searched(**_told(library, job, str(queries))["searched"])


def _told(library: Path, job: Path, *more: str) -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.searching", str(library), str(job), *more]
    told: dict[str, dict[str, Any]] = json.loads(run(command).said)
    return told


def asking(store: LocalStore, among: Selection = EVERYTHING, least: float = RECALL) -> Ask:
    """The library's way of searching, from vectors to numbers of pictures."""

    def ask(queries: Matrix) -> Integers:
        answers = store.search(SPACE, queries, K, among, least)
        found = [[number_of(match.picture.id) for match in answer.matches] for answer in answers]
        return np.array(found)

    return ask


def main() -> None:
    """Measure, and print JSON."""
    store = LocalStore(Path(sys.argv[1]) / LIBRARY_FOLDER)
    job = Job.read(Path(sys.argv[2]))
    module("faiss")
    before = resident()
    if len(sys.argv) > 3:
        few = _few(job, int(sys.argv[3]))
        print(json.dumps({"searched": asdict(measure(asking(store, least=1.0), few, before))}))
        return
    searched = measure(asking(store), job, before)
    folders = [Selection(under=folder_of(number)) for number in (IN_FOLDER, *_FRESH)]
    found = Ours(
        searched,
        measure_together(asking(store), job, before),
        _filtered(store, job, job.truth_in, folders),
        _filtered(store, job, job.truth_among, _by_ids(job)),
    )
    print(json.dumps(asdict(found)))


def _few(job: Job, count: int) -> Job:
    few = slice(count)
    return replace(job, queries=job.queries[few], others=job.others[few], truth=job.truth[few])


def _by_ids(job: Job) -> list[Selection]:
    """The pictures that are searched among, and further selections, each of other ones."""
    parts = [job.among, *(job.among + number for number in range(1, len(_FRESH)))]
    return [Selection(ids=frozenset(map(id_of, part.tolist()))) for part in parts]


def _filtered(
    store: LocalStore, job: Job, truth: Integers, selections: Sequence[Selection]
) -> Filtered:
    """Search among the first selection again and again, and among the others once each."""
    fresh = [
        one_by_one(asking(store, among), job.others[i : i + 1])[1][0]
        for i, among in enumerate(selections[1:])
    ]
    one_by_one(asking(store, selections[0]), job.others[:10])
    found, seconds = one_by_one(asking(store, selections[0]), job.queries)
    p50, p95 = np.quantile(seconds, [0.5, 0.95])
    return Filtered(recall(found, truth), float(p50), float(p95), float(np.median(fresh)))


if __name__ == "__main__":
    main()
