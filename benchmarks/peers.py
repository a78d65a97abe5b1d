"""The same job by others' libraries, each in a process of its own.

    python -m benchmarks.peers build NAME ROWS COUNT INDEX
    python -m benchmarks.peers search NAME INDEX JOB RECALL
    python -m benchmarks.peers flat ROWS COUNT JOB

``ROWS`` is a library's file of float16 rows, ``INDEX`` the file that the index is kept in, ``JOB``
one that `Job.write` wrote. Each prints one line of JSON. What builds an index does not search in
it: a process that only loads and searches shows the memory of that.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.job import Job
from benchmarks.large_library import rows_of
from benchmarks.measure import run
from benchmarks.others import Faiss, Peer, peer_named
from benchmarks.searches import Searched, Together, measure, measure_together, recall, resident


@dataclass(frozen=True, slots=True)
class Peered:
    """What a peer takes.

    Attributes:
        build: seconds to build its index.
        setting: how hard it looks.
        searched: one query at a time.
        together: in batches.
    """

    build: float
    setting: int
    searched: Searched
    together: Together


def peer(name: str, rows: Path, count: int, job: Path, least: float, work: Path) -> Peered:
    """Build somebody's index, and search in it.

    Args:
        name: as `benchmarks.others.peer_named` takes it.
        rows: the file of rows.
        count: how many of them.
        job: what to search for.
        least: the recall that is wanted: it looks as hard as it must.
        work: a folder for its index, which is removed.
    """
    file = work / "peer"
    build = json.loads(_run("build", name, rows, count, file))
    told = json.loads(_run("search", name, file, job, least))
    file.unlink()
    return Peered(build, told[0], Searched(**told[1]), Together(**told[2]))


def flat(rows: Path, count: int, job: Path) -> Together:
    """Search in batches with FAISS' exact index."""
    return Together(**json.loads(_run("flat", rows, count, job)))


def _run(*arguments: object) -> str:
    return run([sys.executable, "-m", "benchmarks.peers", *map(str, arguments)]).said


def main() -> None:
    """Do one of the three."""
    what, *arguments = sys.argv[1:]
    print(json.dumps(_MAIN[what](*arguments)))


def _build(name: str, rows: str, count: str, file: str) -> float:
    built, read = peer_named(name), rows_of(Path(rows), int(count))
    began = time.perf_counter()
    built.build(read)
    seconds = time.perf_counter() - began
    built.save(Path(file))
    return seconds


def _search(name: str, file: str, job_file: str, least: str) -> list[object]:
    searcher, job = peer_named(name), Job.read(Path(job_file))
    before = resident()
    searcher.load(Path(file))
    setting = _tune(searcher, job, float(least))
    searched = measure(searcher.ask, job, before)
    return [setting, asdict(searched), asdict(measure_together(searcher.ask, job, before))]


def _tune(searcher: Peer, job: Job, least: float) -> int:
    """Look harder until enough is found, or no harder look is left."""
    setting = 0
    for setting in searcher.settings:
        searcher.set(setting)
        if recall(searcher.ask(job.queries), job.truth) >= least:
            break
    return setting


def _flat(rows: str, count: str, job_file: str) -> dict[str, float]:
    job, exact, before = Job.read(Path(job_file)), Faiss("Flat", "", ()), resident()
    exact.build(rows_of(Path(rows), int(count)))
    return asdict(measure_together(exact.ask, job, before))


_MAIN: dict[str, Callable[..., object]] = {"build": _build, "search": _search, "flat": _flat}


if __name__ == "__main__":
    main()
