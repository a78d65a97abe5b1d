"""Indexing on Ray beside indexing without it, as whole processes; and with workers killed."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import material
from benchmarks.measure import Figure, lookgraph
from lookgraph import Library

_EVERY_SECONDS = 20.0
_TURNS = 2
_COUNT = 16_880
"""Pictures, of the 1,688 photographs ten of each: Ray takes seconds to start."""


@dataclass(frozen=True, slots=True)
class _Run:
    """A whole process that has indexed a folder.

    Attributes:
        seconds: from its start to its end.
        kills: how many of its workers were killed.
        pictures: how many the library has, each with its embedding.
        files: how many of their files it knows.
    """

    seconds: float
    kills: int
    pictures: int
    files: int


def figures(folder: Path, work: Path, count: int) -> Iterator[Figure]:
    """Measure with so many pictures, all of other bytes; 0 for ten of each of 1,688."""
    place = material.many(folder, work / "photographs", count or _COUNT)
    few = material.many(folder, work / "few", 1000)
    _run(few)  # what is done once on a machine, for all ways
    # In turn, and the better of two: what else the machine does only ever adds.
    runs = [(_run(place), _run(place, "--on", "ray")) for _ in range(_TURNS)]
    here, on_ray = (min(ways, key=lambda run: run.seconds) for ways in zip(*runs, strict=True))
    detail = {
        "pictures": on_ray.pictures,
        "a second": on_ray.pictures / on_ray.seconds,
        "without": here.pictures / here.seconds,
    }
    for turn, ways in enumerate(runs, 1):
        for way, run in zip(("without", "on Ray"), ways, strict=True):
            detail[f"turn {turn}, {way}, s"] = run.seconds
    share = 100 * here.seconds / on_ray.seconds
    yield Figure("indexing on Ray against indexing", share, "%", 85, True, detail)
    killed = _run(place, "--on", "ray", every=_EVERY_SECONDS)
    detail = {"s": killed.seconds, "without kills": on_ray.seconds, "kills": killed.kills}
    times = killed.seconds / on_ray.seconds
    yield Figure(f"one killed every {_EVERY_SECONDS:.0f} s", times, "times", 1.5, False, detail)
    missing = here.pictures - killed.pictures + here.files - killed.files
    detail = {"pictures": killed.pictures, "files": killed.files}
    yield Figure("what is missing after kills", missing, "", 0, False, detail)


def _run(place: Path, *options: str, every: float | None = None) -> _Run:
    """Index a folder in a process of its own; kill one of its workers every so many seconds."""
    shutil.rmtree(place / ".lookgraph", ignore_errors=True)
    began, kills = time.perf_counter(), 0
    # Whether an index is worth it is found by timing, which comes out now so, now so.
    same = ("--quiet", "--runtime", "onnxruntime", "--index", "exact")
    command = lookgraph("index", place, *same, *options)
    process = subprocess.Popen(command)
    while True:
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(every)
            break
        kills += _kill_one(process.pid)
    seconds = time.perf_counter() - began
    if code:
        raise RuntimeError(f"{command} ended with {code}")
    status = Library.open(place).status()
    return _Run(seconds, kills, status.spaces[0].pictures, status.files)


def _kill_one(process: int) -> int:
    """Kill one of the processes below another that decode or embed for Ray; how many it was."""
    parents, working = {}, []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(folder.name)
            parents[pid] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            name = (folder / "cmdline").read_bytes()
            if b"MapWorker" in name or b"MapBatches" in name:
                working.append(pid)
    for pid in working:
        above = pid
        while above not in (0, process):
            above = parents.get(above, 0)
        if above == process:
            os.kill(pid, signal.SIGKILL)
            return 1
    return 0
