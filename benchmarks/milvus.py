"""A library in Milvus Lite against the bare driver, side by side: importing, and searching.

Each imports the same file of embeddings, in a process of its own that is timed as a whole, and then
answers the same queries, comparing everything (``FLAT``). The bare driver writes what a tutorial
would: an id, a path and the embedding; and asks for the id and the path. The numbers are random,
which changes nothing: no step looks at them but the comparison. The sides take turns, and the
best of each counts: a machine that others use, too, wavers by a fifth from minute to minute.
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
_TURNS = 3

SPACE = Space("efficientnet-lite0", "0" * 64, 1, Metric.COSINE, _DIMENSION)


def figures(work: Path, rows: int = ROWS) -> Iterator[Figure]:
    """Measure all.

    Args:
        work: a folder for what is needed on the way.
        rows: how many embeddings.
    """
    file = work / "embeddings.npz"
    npz.write(_made(rows), SPACE, file)
    side = [sys.executable, "-m", "benchmarks.milvus_sides"]
    told: dict[str, list[dict[str, float]]] = {who: [] for who in _SIDES}
    for _ in range(_TURNS):
        for who in _SIDES:
            done = run([*side, who, str(file), str(work / f"{who}.db")])
            seconds = {"process": done.wall, "processor": done.cpu}
            told[who].append(json.loads(done.said.splitlines()[-1]) | seconds)
            shutil.rmtree(work / f"{who}.db")
    bare, ours = ({key: min(one[key] for one in told[who]) for key in told[who][0]}
                  for who in _SIDES)  # fmt: skip
    yield Figure(
        f"import of {rows:,} x {_DIMENSION}, of the speed of bare inserts",
        bare["import"] / ours["import"], "of it", 0.8, True,
        {
            "seconds": ours["import"], "bare_seconds": bare["import"],
            "process_seconds": ours["process"], "bare_process_seconds": bare["process"],
            "processor": ours["processor"], "bare_processor": bare["processor"],
        },
    )  # fmt: skip
    for key, name in (("p50", "a search"), ("p50_index", "a search by lists (IVF_FLAT)")):
        yield Figure(
            f"{name}, of the time of the bare driver", ours[key] / bare[key], "times", 1.15, False,
            {"milliseconds": 1000 * ours[key], "bare_milliseconds": 1000 * bare[key]},
        )  # fmt: skip


def _made(rows: int) -> Iterator[Row]:
    numbers = np.random.default_rng(5).standard_normal((rows, _DIMENSION), dtype=np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    for place, embedding in enumerate(numbers):
        picture = Picture(f"{place:064x}", "JPEG", 640, 480)
        yield Row(Entry(f"{place % 100:02}/{place}.jpg", Stamp(100_000, place), picture), embedding)
