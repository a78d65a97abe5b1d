"""Measured: the same query in 1, 2 and 4 processes, each with a part of the rows.

It is predicted from what each process takes alone: parts are begun in turn as cores become free,
and the query takes until the last is done. The machine may be used by others too. So each round
measures the parts alone and then together, and every few rounds it is measured how many cores are
left: what as many processes as cores count in a time, by what one does.
"""

import heapq
import importlib
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

import numpy as np

from lookgraph.config import usable_cores
from lookgraph.types import Array, Matrix, Vector

SHARDS = (1, 2, 4)
_QUERIES, _WARM = 350, 10
_LISTS, _PROBES = 128, 128
_EVERY, _COUNT = 5, 300_000
_PAUSE = 0.01
"""Seconds between two queries: light load."""

QUANTILES = (0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Fanned:
    """Times of a query over so many processes, in ms, by `QUANTILES`."""

    shards: int
    measured: tuple[float, ...]
    predicted: tuple[float, ...]


def fanned(rows: Matrix, queries: Matrix) -> tuple[list[Fanned], float]:
    """Measure and predict each number of shards, and tell how many cores there were.

    Args:
        rows: shape (n, d), a fourth of them in each process.
        queries: shape (q, d).
    """
    parts = np.array_split(rows, max(SHARDS))
    context = multiprocessing.get_context("spawn")
    ends, processes = [], []
    for part in parts:
        mine, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, part), daemon=True)
        process.start()
        ends.append(mine)
        processes.append(process)
    for end in ends:
        end.recv()
    try:
        return _all(ends, queries)
    finally:
        for end in ends:
            end.send(None)
        for process in processes:
            process.join()


def _all(ends: Sequence[Connection], queries: Matrix) -> tuple[list[Fanned], float]:
    """Rounds take turns, so that a busy neighbour disturbs what is compared alike."""
    cores: list[float] = []
    predicted: dict[int, list[float]] = {count: [] for count in SHARDS}
    measured: dict[int, list[float]] = {count: [] for count in SHARDS}
    for number in range(_WARM + _QUERIES):
        query = queries[number % len(queries)]
        if number % _EVERY == 0:
            one, all_ = (_ask(ends[:count], _COUNT) for count in (1, usable_cores()))
            cores.append(usable_cores() * one / all_)
        alone = np.array([_ask([end], query, _PAUSE) for end in ends])
        for count in SHARDS:
            chosen = [(number + i) % len(ends) for i in range(count)]
            took = _ask([ends[i] for i in chosen], query, _PAUSE)
            if number >= _WARM:
                measured[count].append(took)
                predicted[count].append(slowest(alone[chosen], cores[-1]))
    found = [Fanned(count, _told(measured[count]), _told(predicted[count])) for count in SHARDS]
    return found, float(np.mean(cores))


def slowest(times: Array, cores: float) -> float:
    """When the last of some parts is done, if they are begun in turn.

    Args:
        times: of the parts, shape (n,).
        cores: that there are; with 1.3, it is 70 % of the time with one and 30 % of that with two.
    """
    few = max(1, int(cores))
    more = cores - few if cores > few else 0.0
    return (1 - more) * _makespan(times, few) + more * _makespan(times, few + 1)


def _makespan(times: Array, cores: int) -> float:
    ends = [0.0] * cores
    for one in times:
        heapq.heappush(ends, heapq.heappop(ends) + float(one))
    return max(ends)


def _told(times: Sequence[float]) -> tuple[float, ...]:
    return tuple(1e3 * float(value) for value in np.quantile(times, QUANTILES))


def _ask(ends: Sequence[Connection], query: Vector | int, pause: float = 0.0) -> float:
    """Seconds until all have answered, and their hits are one list; a number is counted to."""
    time.sleep(pause)
    began = time.perf_counter()
    for end in ends:
        end.send(query)
    waiting, hits = list(ends), []
    while waiting:
        for ready in wait(waiting):
            assert isinstance(ready, Connection)
            hits += ready.recv()
            waiting.remove(ready)
    sorted(hits, reverse=True)[:10]
    return time.perf_counter() - began


def _serve(end: Connection, part: Matrix) -> None:
    """A searcher: one thread, lists of 8 bits a number as in `lookgraph.index.codes`."""
    faiss = importlib.import_module("faiss")
    faiss.omp_set_num_threads(1)
    index = faiss.index_factory(part.shape[1], f"IVF{_LISTS},SQ8", faiss.METRIC_INNER_PRODUCT)
    rows = np.ascontiguousarray(part)
    index.train(rows)
    index.add(rows)
    index.nprobe = _PROBES
    end.send("ready")
    while (query := end.recv()) is not None:
        if isinstance(query, int):
            end.send([(sum(range(query)), 0)])
            continue
        scores, numbers = index.search(query[None], 10)
        end.send(list(zip(scores[0].tolist(), numbers[0].tolist(), strict=True)))
