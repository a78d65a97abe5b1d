"""Whole processes and figures: how they are measured and how they are told."""

import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lookgraph.config import usable_cores

RESULTS = Path(__file__).parent / "results"
"""Where what was measured is written down."""


@dataclass(frozen=True, slots=True)
class Process:
    """A finished process.

    Attributes:
        wall: seconds from start to end.
        cpu: seconds of processor.
        peak_mb: its peak memory.
        said: what it printed, without the line's end.
    """

    wall: float
    cpu: float
    peak_mb: float
    said: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside what it must reach.

    Attributes:
        name: what was measured.
        value: the number.
        unit: what it counts.
        target: what it must reach; None for a number that is only told.
        at_least: whether more is better.
        detail: the numbers that it was made from, by name.
    """

    name: str
    value: float
    unit: str
    target: float | None
    at_least: bool
    detail: dict[str, float] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Whether it is good enough."""
        if self.target is None:
            return True
        # NumPy's numbers compare to booleans that JSON does not know.
        return bool(self.value >= self.target if self.at_least else self.value <= self.target)


def lookgraph(*arguments: str | Path) -> list[str]:
    """The installed command with these arguments."""
    return [str(Path(sys.executable).with_name("lookgraph")), *map(str, arguments)]


_WATCHER = """
import json, os, resource, subprocess, sys, time
began = time.perf_counter()
process = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
wall = time.perf_counter() - began
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
words = process.stderr.decode(errors="replace")[-2000:]
said = process.stdout.decode(errors="replace")[-2000:].strip()
print(json.dumps([process.returncode, words, wall, cpu, peak, said]))
"""


def run(command: Sequence[str], allowed: Sequence[int] = (0,)) -> Process:
    """Run a command to its end; its memory is that of its largest process.

    A small process of its own watches it, because a new process counts as as large as the one
    that it was forked from.

    Raises:
        RuntimeError: it ended with a status that is not allowed.
    """
    watcher = [sys.executable, "-S", "-c", _WATCHER, *command]
    told = subprocess.run(watcher, check=True, stdout=subprocess.PIPE).stdout
    code, words, wall, cpu, peak, said = json.loads(told)
    if code not in allowed:
        raise RuntimeError(f"{command} ended with {code}: {words}")
    return Process(wall, cpu, peak, said)


def median(command: Sequence[str], times: int = 5) -> Process:
    """The run of median wall time, after one that does not count."""
    run(command)
    runs = sorted((run(command) for _ in range(times)), key=lambda process: process.wall)
    return runs[len(runs) // 2]


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def machine() -> dict[str, object]:
    """What the figures were measured on, and with."""
    packages = (
        "lookgraph",
        "numpy",
        "onnxruntime",
        "pillow",
        "faiss-cpu",
        "hnswlib",
        "usearch",
        "ray",
    )
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{package: _version(package) for package in packages},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = {line.partition(": ")[2] for line in lines if line.startswith("model name")}
    return ", ".join(sorted(names)) or platform.processor()
