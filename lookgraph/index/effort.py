"""How hard one must look to find what exact search finds: measured, not guessed."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lookgraph.index import batches, codes, exact
from lookgraph.index.coded import Effort, RowSource
from lookgraph.index.codes import Codebook, Segment
from lookgraph.index.comparisons import comparison
from lookgraph.types import Array, Integers, Matrix, Metric

_QUERIES = 400
_K = 10
_LOOKS = (1, 2, 4, 6, 8, 12, 16, 24, 32)
"""Rows that are compared exactly for each neighbour."""

_TIMED = 20
_ENOUGH = 0.9995


@dataclass(frozen=True, slots=True)
class _Asked:
    """Rows that ask, and the score of the last of each one's true neighbours, itself left out."""

    numbers: Integers
    queries: Matrix
    least: list[float]


def measure(
    rows: RowSource, codebook: Codebook, segment: Segment, metric: Metric, seed: int
) -> tuple[Effort, ...]:
    """Search with some of the rows, leaving each out of its own answer.

    Args:
        rows: all of them.
        codebook: of the segment.
        segment: the codes of the rows.
        metric: how rows are compared.
        seed: of the choice of the rows.

    Returns:
        the efforts that are worth it, the cheapest first: each finds more than the one before.
        None where there are too few rows to measure with.
    """
    if len(segment) <= _K:
        return ()
    asked = _ask(rows, segment, metric, seed)
    a_look = _a_look(rows, asked, metric)
    tried = []
    for probes in _doubling(codebook.lists):
        found = codes.candidates(codebook, [segment], asked.queries, max(_LOOKS) * _K, probes, None)
        a_search = _a_search(codebook, segment, asked.queries[:_TIMED], probes)
        for looks, recall in _recalls(rows, asked, found, metric):
            cost = a_search + looks * _K * a_look
            tried.append((cost, Effort(probes, looks, recall)))
        if tried[-1][1].recall >= _ENOUGH:
            break
    return _worth_it(tried)


def _ask(rows: RowSource, segment: Segment, metric: Metric, seed: int) -> _Asked:
    coded = codes.numbers_of(segment)
    generator = np.random.default_rng(seed)
    numbers = np.sort(generator.choice(coded, min(_QUERIES, len(coded)), replace=False))
    queries = rows.take(numbers).astype(np.float32)
    sound = np.isfinite(queries).all(axis=1) & queries.any(axis=1)
    numbers, queries = numbers[sound], queries[sound]
    others = np.setdiff1d(np.arange(len(rows.mapped)), coded)
    truth = batches.nearest_many(rows.mapped, queries, _K + 1, metric, others)
    least = [
        [one.score for one in found if one.row != number][:_K][-1]
        for number, found in zip(numbers, truth, strict=True)
    ]
    return _Asked(numbers, queries, least)


def _doubling(lists: int) -> Iterator[int]:
    """How many lists are looked into: 1, 2, 4 and so on, and last all."""
    probes = 1
    while probes < lists:
        yield probes
        probes *= 2
    yield lists


def _recalls(
    rows: RowSource, asked: _Asked, found: Integers, metric: Metric
) -> Iterator[tuple[int, float]]:
    """For each number of looks, the share of the true neighbours that are among them at least."""
    hits = np.zeros((len(_LOOKS), len(asked.numbers)))
    for i, candidates in enumerate(found):
        others = candidates[(candidates >= 0) & (candidates != asked.numbers[i])]
        near = _look(rows, asked, i, others, metric) >= asked.least[i]
        hits[:, i] = [min(_K, near[: looks * _K].sum()) for looks in _LOOKS]
    shares = hits / _K
    # The mean of so many shares is near a normal distribution's: 5 % of that lies further below.
    error = 1.645 * shares.std(axis=1) / len(asked.numbers) ** 0.5
    yield from zip(_LOOKS, (shares.mean(axis=1) - error).tolist(), strict=True)


def _look(rows: RowSource, asked: _Asked, i: int, numbers: Integers, metric: Metric) -> Array:
    """The exact scores of rows for the query i."""
    compare = comparison(metric, asked.queries[i])
    with np.errstate(divide="ignore", invalid="ignore"):  # a damaged row has no score
        return compare.exactly(rows.take(numbers).astype(np.float64))


def _a_search(codebook: Codebook, segment: Segment, queries: Matrix, probes: int) -> float:
    def search() -> None:
        for query in queries:
            codes.candidates(codebook, [segment], query[np.newaxis], 10 * _K, probes, None)

    return _seconds(search) / len(queries)


def _a_look(rows: RowSource, asked: _Asked, metric: Metric) -> float:
    """Seconds to read a row and compare it."""

    def look() -> None:
        for query in asked.queries[:_TIMED]:
            exact.nearest(rows.take(asked.numbers), query, _K, metric)

    return _seconds(look) / len(asked.queries[:_TIMED]) / len(asked.numbers)


def _seconds(work: Callable[[], object]) -> float:
    """The less of two tries."""
    taken = []
    for _ in range(2):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def _worth_it(tried: list[tuple[float, Effort]]) -> tuple[Effort, ...]:
    kept: list[Effort] = []
    for _, effort in sorted(tried, key=lambda pair: pair[0]):
        if not kept or effort.recall > kept[-1].recall:
            kept.append(effort)
    return tuple(kept)
