"""What searching takes and finds, measured by the same functions whoever's way of searching it is.

Each way is measured in a process that does nothing else.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from benchmarks.job import Job
from lookgraph.types import Integers, Matrix

BATCH = 256

Ask: TypeAlias = Callable[[Matrix], Integers]
"""From queries, shape (q, d), to the numbers of each one's k nearest rows, shape (q, k)."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What searching takes, and what it finds.

    Attributes:
        recall: the share of the true k nearest that is found.
        first: seconds of the very first query.
        p50: seconds of a query, the median.
        p95: likewise; one in twenty takes longer.
        resident: bytes of memory that loading and searching have added to the process.
    """

    recall: float
    first: float
    p50: float
    p95: float
    resident: int


@dataclass(frozen=True, slots=True)
class Together:
    """How many queries a second are answered in batches, what they find, and the memory then.

    Attributes:
        rate: queries a second.
        recall: the share of the true k nearest that is found.
        resident: as `Searched.resident`, after the batches.
    """

    rate: float
    recall: float
    resident: int


def recall(found: Integers, truth: Integers) -> float:
    """The share of the true neighbours that were found, shapes (q, k)."""
    pairs = zip(found.tolist(), truth.tolist(), strict=True)
    return float(np.mean([len({*ours} & {*true}) / len(true) for ours, true in pairs]))


def one_by_one(ask: Ask, queries: Matrix) -> tuple[Integers, list[float]]:
    """The answers to queries that come one at a time, shape (q, k), and the seconds of each."""
    found, seconds = [], []
    for i in range(len(queries)):
        began = time.perf_counter()
        found.append(ask(queries[i : i + 1])[0])
        seconds.append(time.perf_counter() - began)
    return np.stack(found), seconds


def measure(ask: Ask, job: Job, before: int) -> Searched:
    """Search with the queries, with the others, and with the queries again, which is timed.

    Args:
        ask: the way of searching.
        job: what to search for.
        before: the process's resident memory before anything was loaded.
    """
    _, (first,) = one_by_one(ask, job.queries[:1])
    one_by_one(ask, job.queries[1:])
    one_by_one(ask, job.others)
    found, seconds = one_by_one(ask, job.queries)
    p50, p95 = np.quantile(seconds, [0.5, 0.95])
    return Searched(recall(found, job.truth), first, float(p50), float(p95), resident() - before)


def measure_together(ask: Ask, job: Job, before: int, times: int = 3) -> Together:
    """Search with all queries in batches, and time the first batch, so many times.

    Args:
        ask: the way of searching.
        job: what to search for.
        before: as for `measure`.
        times: the median of so many counts.
    """
    batches = [job.queries[start : start + BATCH] for start in range(0, len(job.queries), BATCH)]
    found, seconds = np.concatenate([ask(batch) for batch in batches]), []
    for _ in range(times):
        began = time.perf_counter()
        ask(batches[0])
        seconds.append(time.perf_counter() - began)
    rate = len(batches[0]) / float(np.median(seconds))
    return Together(rate, recall(found, job.truth), resident() - before)


def resident() -> int:
    """The process's memory that is in the machine's now, in bytes (Linux)."""
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
