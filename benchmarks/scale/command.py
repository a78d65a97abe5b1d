"""The figures of ``--only scale``: what is measured for it, and what is simulated."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.embeddings import Crops, extended, of_crops
from benchmarks.large import CROPS
from benchmarks.measure import Figure
from benchmarks.scale import cells, latency, shards, small
from benchmarks.scale.assumed import UTILISATION
from benchmarks.scale.checks import Check, known
from benchmarks.scale.inputs import inputs
from benchmarks.scale.kept import plans, visits
from benchmarks.scale.plan import serving
from benchmarks.scale.prices import SEARCHES
from benchmarks.scale.space import through

_QUERIES = 400_000
FANS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def figures(work: Path, embeddings: Path | None) -> Iterator[Figure]:
    """Measure and simulate.

    Args:
        work: a folder for what is needed on the way.
        embeddings: a file of `benchmarks.embeddings.of_crops`; None for made-up embeddings.
    """
    crops = cells.synthetic(CROPS) if embeddings is None else of_crops(work, CROPS, embeddings)
    measured = inputs()
    for check in [*known(measured), *_small(crops, work)]:
        yield _check(check)
    routings = cells.routings(crops)
    for one in routings:
        shares = {f"in {copies}": share for copies, share in one.copies.items()}
        detail = {"cells": one.cells, **shares}
        yield _told(f"routing, {one.cells} cells", one.visits, "cells", detail)
    yield from _shards(crops)
    power = cells.fitted(routings)
    for size, way in plans():
        served = serving(size, measured, visits(size, way, power))
        found = latency.latency(size, measured, served, _QUERIES)
        yield _timed(f"plan, {size.name}, {way}", found)
    yield from _fans()


def _small(crops: Crops, work: Path) -> Iterator[Check]:
    """The larger of two sizes, predicted from the smaller and from nothing at all."""
    less, more = small.DATABASES
    first, second = (small.database(crops, count, work) for count in (less, more))
    each = through((0, 0), (less, first))
    yield Check(f"the database, {more:,} pictures", each.at(more) / 1e6, second / 1e6, "MB")
    less, more = small.GRAPHS
    first, second = (small.graph(crops, count) for count in (less, more))
    each = through((0, 0), (less, first))
    yield Check(f"the graph in memory, {more:,} pictures", each.at(more) / 1e6, second / 1e6, "MB")


def _shards(crops: Crops) -> Iterator[Figure]:
    queries = np.concatenate(list(extended(crops, 500, seed=2)))
    found, cores = shards.fanned(crops.embeddings, queries)
    for one in found:
        for q, guess, real in zip(shards.QUANTILES, one.predicted, one.measured, strict=True):
            name = f"a query, its parts in processes: {one.shards}; p{100 * q:.0f}"
            yield _check(Check(name, guess, real, "ms"))
    yield _told("cores that others left", cores, "", {})


def _fans() -> Iterator[Figure]:
    """A machine that looks into one segment and is half busy; then more of them."""
    measured = inputs()
    group = latency.group_of(measured, measured.search.value, SEARCHES.cores, UTILISATION.value)
    plain, hedged = latency.simulated(group, _QUERIES)
    for machines in FANS:
        found = latency.over(plain, hedged, machines)
        yield _timed(f"fan-out {machines}", found)


def _timed(name: str, found: latency.Latency) -> Figure:
    """What was simulated too seldom to be told is left out."""
    known = {key: value for key, value in asdict(found).items() if math.isfinite(value)}
    return _told(name, found.p50, "ms", known)


def _check(check: Check) -> Figure:
    detail = {"predicted": check.predicted, "measured": check.measured}
    return _told(f"check, {check.what}", check.error, "%", {**detail, f"in {check.unit}": 1.0})


def _told(name: str, value: float, unit: str, detail: dict[str, float]) -> Figure:
    return Figure(name, value, unit, None, True, detail)
