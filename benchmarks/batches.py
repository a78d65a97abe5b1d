"""How many pictures the network should be given at a time, when every core has its own."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import material
from benchmarks.measure import Figure
from lookgraph.config import usable_cores
from lookgraph.ingest.decode import decode
from lookgraph.ingest.pipeline import BATCH
from lookgraph.models.embedder import Embedder, open_embedder
from lookgraph.models.registry import DEFAULT_MODEL
from lookgraph.types import Pixels

_PICTURES = 96
_ROUNDS = 3


def figures(folder: Path, _work: Path) -> Iterator[Figure]:
    """The share of the fastest batch's speed that the chosen one reaches."""
    embedder = open_embedder(DEFAULT_MODEL, 1)
    pixels = np.stack(
        [_prepared(file, embedder) for file in material.photographs(folder)[:_PICTURES]]
    )
    rates = {
        batch: max(_rate(embedder, pixels, batch) for _ in range(_ROUNDS))
        for batch in (1, 2, 4, 8, 16, 32)
    }
    share = 100 * rates[BATCH] / max(rates.values())
    detail = {f"{batch} at a time": rate for batch, rate in rates.items()}
    yield Figure(f"batches of {BATCH} against the best", share, "%", 95, True, detail)


def _prepared(file: Path, embedder: Embedder) -> Pixels:
    with file.open("rb") as opened:
        return embedder.prepare(decode(opened, embedder.shorter_side).image)


def _rate(embedder: Embedder, pixels: Pixels, batch: int) -> float:
    """Pictures a second, with one caller on each core."""

    def embed_all() -> None:
        for start in range(0, len(pixels), batch):
            embedder.embed(pixels[start : start + batch])

    callers = [threading.Thread(target=embed_all) for _ in range(usable_cores())]
    began = time.perf_counter()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return len(callers) * len(pixels) / (time.perf_counter() - began)
