"""A library in Milvus Lite against the bare driver, side by side: importing, and searching.

Each imports the same file of embeddings, in a process of its own that is timed as a whole, in turn;
the better time of each counts, as a machine that others use, too, wavers by a fifth from minute to
minute. Then both answer the same queries in one process, again in turn. The bare driver writes what
a tutorial would: an id, a path and the embedding; and asks for the id and the path. The numbers are
random, which changes nothing: no step looks at them but the comparison.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measure import Figure, run
from lookgraph.exchange import npz
from lookgraph.exchange.rows import Row
from lookgraph.types import Entry, Metric, Picture, Space, Stamp

ROWS = 100_000
_DIMENSION = 1280
_SIDES = ("bare", "lookgraph")
_TURNS = 2

SPACE = Space("efficientnet-lite0", "0" * 64, 1, Metric.COSINE, _DIMENSION)


def figures(work: Path, rows: int = ROWS) -> Iterator[Figure]:
    """Measure all.

    Args:
        work: a folder for what is needed on the way.
        rows: how many embeddings.
    """
    file = work / "embeddings.npz"
    npz.write(_made(rows), SPACE, file)
    told: dict[str, list[dict[str, float]]] = {who: [] for who in _SIDES}
    libraries = {who: work / f"{who}.db" for who in _SIDES}
    for _ in range(_TURNS):
        for who, library in libraries.items():
            shutil.rmtree(library, ignore_errors=True)
            told[who].append(_step(who, file, library))
    bare, ours = ({key: min(one[key] for one in told[who]) for key in told[who][0]}
                  for who in _SIDES)  # fmt: skip
    yield Figure(
        f"import of {rows:,} x {_DIMENSION}, of the speed of bare inserts",
        bare["seconds"] / ours["seconds"], "of it", 0.8, True,
        ours | {f"bare_{key}": its for key, its in bare.items()},
    )  # fmt: skip
    found = _step("search", *libraries.values())
    for end, name in (("", "a search"), ("_lists", "a search by lists (IVF_FLAT)")):
        store_time, bare_time = 1000 * found["store" + end], 1000 * found["bare" + end]
        yield Figure(
            f"{name}, p50, of the time of the bare driver",
            store_time / bare_time, "times", 1.15, False,
            {"milliseconds": store_time, "bare_milliseconds": bare_time},
        )  # fmt: skip


def _step(*arguments: object) -> dict[str, float]:
    """What a step tells, and what its process took."""
    done = run([sys.executable, "-m", "benchmarks.milvus_sides", *map(str, arguments)])
    told: dict[str, float] = json.loads(done.said.splitlines()[-1])
    return told | {"process_seconds": done.wall, "processor": done.cpu}


def _made(rows: int) -> Iterator[Row]:
    numbers = np.random.default_rng(5).standard_normal((rows, _DIMENSION), dtype=np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    for place, embedding in enumerate(numbers):
        picture = Picture(f"{place:064x}", "JPEG", 640, 480)
        yield Row(Entry(f"{place % 100:02}/{place}.jpg", Stamp(100_000, place), picture), embedding)
