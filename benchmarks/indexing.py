"""How fast pictures become searchable, how near to what the processor allows, in which memory."""

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import material
from benchmarks.measure import Figure, lookgraph, middle, run
from lookgraph.config import LIBRARY_FOLDER, usable_cores
from lookgraph.ingest.decode import decode
from lookgraph.ingest.pipeline import BATCH
from lookgraph.models.embedder import open_embedder
from lookgraph.models.registry import DEFAULT_MODEL

_SAMPLE = 320
_TIMES = 3


def figures(folder: Path, work: Path) -> Iterator[Figure]:
    """Measure all, in a folder for what is needed on the way."""
    photographs = material.copy_of(folder, work / "photographs")
    yield from _against_bound_and_loop(photographs)
    large = material.large_ones(folder, work / "large", 160)
    yield _against_loop("12 megapixels", large, target=6.0)
    shutil.rmtree(large)
    yield from _memory(folder, work)


def _index_anew(folder: Path) -> float:
    """Seconds of a whole `lookgraph index` from nothing."""
    shutil.rmtree(folder / LIBRARY_FOLDER, ignore_errors=True)
    return run(lookgraph("index", folder, "--quiet")).wall


def _loop(folder: Path) -> float:
    return run([sys.executable, "-m", "benchmarks.one_by_one", str(folder)]).wall


def _against_bound_and_loop(folder: Path) -> Iterator[Figure]:
    count = len(material.photographs(folder))
    _index_anew(folder)
    ours, loops, bounds = [], [], []
    for _ in range(_TIMES):
        bounds.append(_bound(folder))
        ours.append(count / _index_anew(folder))
        loops.append(count / _loop(folder))
    rates = {"a second": middle(ours), "bound": middle(bounds), "loop": middle(loops)}
    shares = [100 * rate / bound for rate, bound in zip(ours, bounds, strict=True)]
    yield Figure("indexing against its bound", middle(shares), "%", 85, True, rates)
    times = [rate / loop for rate, loop in zip(ours, loops, strict=True)]
    yield Figure("indexing against one at a time", middle(times), "times", 1.4, True, rates)


def _against_loop(what: str, folder: Path, target: float) -> Figure:
    count = len(material.photographs(folder))
    _index_anew(folder)
    pairs = [(count / _index_anew(folder), count / _loop(folder)) for _ in range(_TIMES)]
    rates = {
        "a second": middle([ours for ours, _ in pairs]),
        "loop": middle([loop for _, loop in pairs]),
    }
    times = middle([ours / loop for ours, loop in pairs])
    return Figure(f"indexing against one at a time, {what}", times, "times", target, True, rates)


def _bound(folder: Path) -> float:
    """Pictures a second if all cores did nothing but decode and infer.

    What one core spends on a sample is what a thread's own clock says.
    """
    embedder = open_embedder(DEFAULT_MODEL, 1)
    files = material.photographs(folder)
    sample = files[:: max(1, len(files) // _SAMPLE)][:_SAMPLE]
    began = time.thread_time()
    pixels = []
    for file in sample:
        with file.open("rb") as opened:
            pixels.append(embedder.prepare(decode(opened, embedder.shorter_side).image))
    for start in range(0, len(sample), BATCH):
        embedder.embed(np.stack(pixels[start : start + BATCH]))
    return usable_cores() * len(sample) / (time.thread_time() - began)


def _memory(folder: Path, work: Path) -> Iterator[Figure]:
    peaks = {}
    for count in (2_000, 20_000):
        place = material.many(folder, work / f"many-{count}", count)
        peaks[f"{count} pictures"] = run(lookgraph("index", place, "--quiet")).peak_mb
        shutil.rmtree(place)
    few, many = peaks.values()
    yield Figure("peak memory while indexing", max(few, many), "MB", 700, False, peaks)
    yield Figure("its growth from 2,000 to 20,000", 100 * (many / few - 1), "%", 10, False, peaks)
