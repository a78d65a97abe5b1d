"""How many pictures the network should be given at a time, when every core has its own."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks import material
from benchmarks.measure import Figure
from benchmarks.speed import inference_rate, prepared
from lookgraph.config import usable_cores
from lookgraph.models.embedder import open_embedder
from lookgraph.models.registry import DEFAULT_MODEL, find_model

_PICTURES = 96
_ROUNDS = 3


def figures(folder: Path, _work: Path) -> Iterator[Figure]:
    """The share of the fastest batch's speed that the chosen one reaches."""
    model = find_model(DEFAULT_MODEL)
    embedder = open_embedder(model, model.space(), callers=usable_cores(), pictures=1000)
    pixels = [prepared(file, embedder) for file in material.photographs(folder)[:_PICTURES]]
    rates = {
        batch: max(inference_rate(embedder, pixels, batch) for _ in range(_ROUNDS))
        for batch in (1, 2, 4, 8, 16, 32)
    }
    share = 100 * rates[embedder.batch] / max(rates.values())
    detail = {f"{batch} at a time": rate for batch, rate in rates.items()}
    yield Figure(f"batches of {embedder.batch} against the best", share, "%", 95, True, detail)
