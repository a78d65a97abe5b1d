"""What `lookgraph serve` bears, as a whole process beside what asks it on the same cores.

What asks is cheap (`benchmarks.load`), and told beside the figures. Of what takes its time by
chance, the best of a few runs counts: others may use the machine.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks import large_library, material
from benchmarks.embeddings import of_crops
from benchmarks.job import need
from benchmarks.large import CROPS
from benchmarks.large_library import SPACE, id_of
from benchmarks.load import Load, at_rate, by_clients, get, post_file
from benchmarks.measure import Figure, lookgraph, middle, run
from benchmarks.speed import Subject
from lookgraph.stores.base import GraphWanted

_TIMES = 3
_CLIENTS = (4, 8, 16)
_AT_ONCE = 16
_IDS = 2_000
_USUAL = 150
_UPLOADS = 400
_SECONDS = 10.0
_AT_ONE_GO = 100_000
_FIRST = 1_000
_WARM_SECONDS = 10.0


def figures(folder: Path, work: Path, kept: Path) -> Iterator[Figure]:
    """Measure searches by ids.

    Args:
        folder: of photographs.
        work: a folder for what is needed on the way.
        kept: the file for `benchmarks.embeddings.of_crops`.
    """
    need(("faiss", "fastapi", "uvicorn"))
    library = work / "library"
    store = large_library.make(library, of_crops(folder, CROPS, kept), CROPS)
    large_library.index(store)
    with store.write() as writer:
        writer.renew_graph(SPACE, GraphWanted(), lambda _: None)
    with _serving(library) as service:
        yield from _by_ids(service)
    with _serving(library) as service:
        yield _memory(service)


def uploads(folder: Path, work: Path) -> Iterator[Figure]:
    """Measure searches by pictures that are sent.

    Args:
        folder: of photographs.
        work: a folder for what is needed on the way.
    """
    photographs = material.copy_of(folder, work / "photographs")
    run(lookgraph("index", photographs, "--quiet"))
    yield from _uploads(photographs)


class _Service:
    """One that runs.

    Attributes:
        url: where.
    """

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.url = url
        self._process = process

    def memory(self) -> float:
        """Resident MB of the process and those that it has started."""
        return sum(_resident(pid) for pid in [self._process.pid, *_children(self._process.pid)])


def _children(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in told for child in file.read_text().split()]


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


_ALONE = """
import sys
import lookgraph.interfaces.cli as cli
import lookgraph.interfaces.cli.serve
sys.modules["lookgraph.interfaces.cli.serve"]._TOGETHER = 1
if __name__ == "__main__":
    cli.main()
"""
"""The service without batches: each question runs the network in its own thread, on all cores."""


@contextmanager
def _serving(library: Path, *, batches: bool = True) -> Iterator[_Service]:
    """A service of a library, that has warmed up."""
    arguments = lookgraph("serve", "--library", library, "--port", "0")
    if not batches:
        arguments = [sys.executable, "-c", _ALONE, *arguments[1:]]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        said = process.stderr.readline()
        url = next(word for word in said.split() if word.startswith("http")).removesuffix("/v1,")
        time.sleep(_WARM_SECONDS)  # until its processes are ready too
        yield _Service(process, url)
    finally:
        process.terminate()
        process.wait()


def _by_ids(service: _Service) -> Iterator[Figure]:
    generator = np.random.default_rng(0)

    def questions(count: int) -> list[bytes]:
        numbers = generator.integers(0, CROPS, count).tolist()
        return [get(f"/v1/search?id={id_of(number)}") for number in numbers]

    by_clients(service.url, questions(_IDS), _AT_ONCE)
    alone = by_clients(service.url, questions(_IDS), 1)
    loads = [
        (clients, by_clients(service.url, questions(_IDS), clients))
        for _ in range(_TIMES)
        for clients in _CLIENTS
    ]
    clients, best = max(loads, key=lambda one: one[1].rate)
    detail = {
        "clients": clients,
        "middle of all runs": middle([load.rate for _, load in loads]),
        "asking, ms of processor each": 1e3 * best.client / _IDS,
        "one client, p50 ms": _ms(alone, 0.5),
    }
    name = f"service, by id, {CROPS:,} pictures"
    yield Figure(name, best.rate, "/s", 300, True, detail)
    half = best.rate / 2
    runs = [at_rate(service.url, questions(round(half * _SECONDS)), half) for _ in range(_TIMES)]
    least = min(runs, key=lambda load: _ms(load, 0.95))
    usual = at_rate(service.url, questions(round(_USUAL * _SECONDS)), _USUAL)
    detail = {
        "asked a second": half,
        f"p95 at {_USUAL}/s": _ms(usual, 0.95),
        "p50": _ms(least, 0.5),
        "p99": _ms(least, 0.99),
        "middle p95 of all runs": middle([_ms(load, 0.95) for load in runs]),
    }
    yield Figure("at half of that, p95", _ms(least, 0.95), "ms", 15, False, detail)


def _ms(load: Load, share: float) -> float:
    return 1e3 * float(np.quantile(load.spent, share))


def _memory(service: _Service) -> Figure:
    generator = np.random.default_rng(1)

    def ask(count: int) -> Load:
        numbers = generator.integers(0, CROPS, count).tolist()
        return by_clients(
            service.url, [get(f"/v1/search?id={id_of(number)}") for number in numbers], _AT_ONCE
        )

    ask(_FIRST)
    first = service.memory()
    load = ask(_AT_ONE_GO - _FIRST)
    last = service.memory()
    detail = {"after the first thousand, MB": first, "at the end": last, "a second": load.rate}
    return Figure(
        f"memory, growth over {_AT_ONE_GO:,} searches", 100 * (last / first - 1), "%", 10, False,
        detail,
    )  # fmt: skip


def _uploads(photographs: Path) -> Iterator[Figure]:
    """Uploads of pictures whose bytes the library has not seen, with batches and without."""
    contents = [file.read_bytes() for file in material.photographs(photographs)]
    numbers = iter(range(10**9))

    def questions() -> list[bytes]:
        return [
            post_file("/v1/search", contents[number % len(contents)] + f"{number}".encode())
            for number, _ in zip(numbers, range(_UPLOADS), strict=False)
        ]

    subject = Subject(photographs)
    bounds, together, alone = [], [], []
    with _serving(photographs) as on, _serving(photographs, batches=False) as off:
        for service in (on, off):
            by_clients(service.url, questions(), _AT_ONCE)
        for _ in range(_TIMES):  # side by side
            bounds.append(subject.bound())
            together.append(by_clients(on.url, questions(), _AT_ONCE).rate)
            alone.append(by_clients(off.url, questions(), _AT_ONCE).rate)
    detail = {"a second": middle(together), "bound": middle(bounds)}
    yield Figure(
        "service, by upload, against its bound", 100 * _share(together, bounds), "%", 80, True,
        detail,
    )  # fmt: skip
    detail = {"on, a second": middle(together), "off": middle(alone)}
    yield Figure(
        f"batches on against off, {_AT_ONCE} clients", _share(together, alone), "times", 1.5, True,
        detail,
    )  # fmt: skip


def _share(ones: Sequence[float], others: Sequence[float]) -> float:
    return middle([one / other for one, other in zip(ones, others, strict=True)])
