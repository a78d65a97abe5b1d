"""What it takes to change a large library, with somebody searching in it all along."""

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.embeddings import Crops, extended
from benchmarks.job import Job
from benchmarks.large_library import FOLDERS, add, index, path_of, rows_file, rows_of
from benchmarks.measure import Figure, middle
from benchmarks.searches import one_by_one
from benchmarks.searching import asking
from lookgraph.stores.local import LocalStore
from lookgraph.types import Matrix

_SINGLES = 20
_GONE = 13
"""The number of the folder that is deleted."""

_MILLION = 1_000_000


def changes(
    store: LocalStore, job: Job, crops: Crops, count: int, build: float
) -> Iterator[Figure]:
    """Add 1 % and single pictures, and delete 1 %.

    Args:
        store: the library.
        job: queries.
        crops: what the new embeddings are made from.
        count: how many pictures the library has.
        build: the seconds that it took to build its index.
    """
    reader = LocalStore(store.folder)
    one_by_one(asking(reader), job.queries[:100])
    more = count // 100
    new = np.concatenate(list(extended(crops, more + _SINGLES, seed=5)))
    yield _adding(store, reader, new[:more], count, build)
    yield _one_more(store, reader, new[more:], count + more)
    yield from _deleting(store, reader, job, count)


def _adding(store: LocalStore, reader: LocalStore, new: Matrix, count: int, build: float) -> Figure:
    began = time.perf_counter()
    add(store, range(count, count + len(new)), new)
    committed = time.perf_counter() - began
    renewed = index(store)
    # A new one may be just like another, which is then the first.
    found = (asking(reader)(new) == np.arange(count, count + len(new))[:, np.newaxis]).any(axis=1)
    detail = {"commit, s": committed, "renew, s": renewed, "found": float(found.mean())}
    share = 100 * (committed + renewed) / build
    return Figure("adding 1 %, of the build's time", share, "%", 2, False, detail)


def _one_more(store: LocalStore, reader: LocalStore, new: Matrix, count: int) -> Figure:
    """From the end of a commit until a reader that was there before has found the picture."""
    commits, seconds = [], []
    for i, row in enumerate(new):
        began = time.perf_counter()
        add(store, [count + i], row[np.newaxis])
        committed = time.perf_counter()
        while count + i not in asking(reader)(row[np.newaxis]):
            pass
        seconds.append(time.perf_counter() - committed)
        commits.append(committed - began)
    detail = {"worst": 1e3 * max(seconds), "its commit": 1e3 * middle(commits)}
    return Figure(
        "one more, found after its commit", 1e3 * middle(seconds), "ms", 10, False, detail
    )


def _deleting(store: LocalStore, reader: LocalStore, job: Job, count: int) -> Iterator[Figure]:
    numbers = range(_GONE, count, FOLDERS)
    gone = rows_of(rows_file(store), count)[_GONE::FOLDERS].astype(np.float32)
    began = time.perf_counter()
    with store.write() as writer:
        writer.forget(map(path_of, numbers))
    seconds = time.perf_counter() - began
    _, (first,) = one_by_one(asking(reader), gone[:1])
    found, after = one_by_one(asking(reader), np.concatenate([gone[:500], job.queries]))
    back = int(((found < count) & (found % FOLDERS == _GONE)).sum())
    detail = {
        "first query after it, ms": 1e3 * first,
        "p50 after it, ms": 1e3 * middle(after),
    }
    target = 2 * count / _MILLION
    yield Figure("deleting 1 %", seconds, "s", target, False, detail)
    yield Figure("deleted pictures that come back", back, "", 0, False)
