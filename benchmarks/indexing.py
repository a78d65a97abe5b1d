"""How fast pictures become searchable, how near to what the processor allows, in which memory."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks import material
from benchmarks.measure import Figure, lookgraph, middle, run
from benchmarks.one_by_one import prepared as prepared_whole
from benchmarks.speed import Subject, prepared, seconds_of
from lookgraph.config import usable_cores
from lookgraph.models.embedder import open_embedder
from lookgraph.models.registry import DEFAULT_MODEL, find_model

_TIMES = 3
_LARGE = 160
_DECODED = 24


def figures(folder: Path, work: Path) -> Iterator[Figure]:
    """Measure all, in a folder for what is needed on the way."""
    yield from _against_bound_and_loop(Subject(material.copy_of(folder, work / "photographs")))
    large = material.large_ones(folder, work / "large", _LARGE)
    yield _decoding(large)
    yield _against_loop("12 megapixels", Subject(large), target=6.0)
    shutil.rmtree(large)
    yield from _memory(folder, work)


def _against_bound_and_loop(subject: Subject) -> Iterator[Figure]:
    subject.index()
    ours, loops, bounds = [], [], []
    for _ in range(_TIMES):
        bounds.append(subject.bound())
        ours.append(subject.index())
        loops.append(subject.loop())
    rates = {"a second": middle(ours), "bound": middle(bounds), "loop": middle(loops)}
    shares = [100 * rate / bound for rate, bound in zip(ours, bounds, strict=True)]
    yield Figure("indexing against its bound", middle(shares), "%", 90, True, rates)
    times = [rate / loop for rate, loop in zip(ours, loops, strict=True)]
    yield Figure("indexing against one at a time", middle(times), "times", 1.4, True, rates)


def _against_loop(what: str, subject: Subject, target: float) -> Figure:
    subject.index()
    pairs = [(subject.index(), subject.loop()) for _ in range(_TIMES)]
    rates = {
        "a second": middle([ours for ours, _ in pairs]),
        "loop": middle([loop for _, loop in pairs]),
    }
    times = middle([ours / loop for ours, loop in pairs])
    return Figure(f"indexing against one at a time, {what}", times, "times", target, True, rates)


def _decoding(large: Path) -> Figure:
    """Decoding and preparing on one core, beside the recipes' way with all of the picture."""
    model = find_model(DEFAULT_MODEL)
    embedder = open_embedder(model, model.space(), callers=usable_cores(), pictures=1000)
    files = material.photographs(large)[:_DECODED]
    ours = [seconds_of(lambda file=file: prepared(file, embedder)) for file in files]  # type: ignore[misc]
    whole = [
        seconds_of(lambda file=file: prepared_whole(file, model.preparation))  # type: ignore[misc]
        for file in files
    ]
    detail = {
        "ms": 1000 * middle(ours),
        "ms whole": 1000 * middle(whole),
        "MB a file": middle([file.stat().st_size / 1e6 for file in files]),
    }
    times = middle([slow / fast for slow, fast in zip(whole, ours, strict=True)])
    return Figure("decoding 12 megapixels against all of it", times, "times", 6, True, detail)


def _memory(folder: Path, work: Path) -> Iterator[Figure]:
    peaks = {}
    for count in (2_000, 20_000):
        place = material.many(folder, work / f"many-{count}", count)
        peaks[f"{count} pictures"] = run(lookgraph("index", place, "--quiet")).peak_mb
        shutil.rmtree(place)
    few, many = peaks.values()
    yield Figure("peak memory while indexing", max(few, many), "MB", 700, False, peaks)
    yield Figure("its growth from 2,000 to 20,000", 100 * (many / few - 1), "%", 10, False, peaks)
