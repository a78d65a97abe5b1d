"""Whole runs of `lookgraph index` beside the recipes' loop and beside what the cores allow."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import material
from benchmarks.measure import lookgraph, run
from lookgraph.config import LIBRARY_FOLDER, usable_cores
from lookgraph.ingest.decode import decode
from lookgraph.models.embedder import Embedder, open_embedder
from lookgraph.models.model import Model
from lookgraph.models.registry import DEFAULT_MODEL, find_model
from lookgraph.models.weights import own_weights
from lookgraph.types import Pixels, Precision

_SAMPLE = 320
_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A network to measure, on a folder of photographs.

    Attributes:
        folder: with the photographs alone.
        name: of the network.
        weights: somebody's own, as a file; None for the network's.
    """

    folder: Path
    name: str = DEFAULT_MODEL
    weights: Path | None = None

    @property
    def model(self) -> Model:
        """What the network is."""
        row = find_model(self.name)
        return own_weights(row, self.weights) if self.weights else row

    @property
    def count(self) -> int:
        """How many photographs there are."""
        return len(material.photographs(self.folder))

    def index(self, precision: Precision = Precision.FLOAT32) -> float:
        """Pictures a second of a whole `lookgraph index` from nothing."""
        shutil.rmtree(self.folder / LIBRARY_FOLDER, ignore_errors=True)
        own = ["--weights", str(self.weights), "--own-weights"] if self.weights else []
        arguments = ["--model", self.name, *own, "--precision", str(precision)]
        return self.count / run(lookgraph("index", self.folder, "--quiet", *arguments)).wall

    def anyway(self, precision: Precision) -> tuple[float, float]:
        """Pictures a second at a precision that may not be offered, and what it keeps."""
        shutil.rmtree(self.folder / LIBRARY_FOLDER, ignore_errors=True)
        own = [str(self.weights)] if self.weights else []
        command = [sys.executable, "-m", "benchmarks.anyway"]
        process = run([*command, str(self.folder), self.name, str(precision), *own])
        return self.count / process.wall, float(process.said)

    def loop(self) -> float:
        """Pictures a second of the recipes' loop."""
        own = [str(self.weights)] if self.weights else []
        command = [sys.executable, "-m", "benchmarks.one_by_one", str(self.folder), self.name, *own]
        return self.count / run(command).wall

    def bound(self, precision: Precision = Precision.FLOAT32) -> float:
        """Pictures a second if all cores did nothing but decode and infer."""
        model = self.model
        space = model.space(precision=precision)
        embedder = open_embedder(model, space, callers=usable_cores(), pictures=self.count)
        files = material.photographs(self.folder)
        sample = files[:: max(1, len(files) // _SAMPLE)][:_SAMPLE]
        began = time.thread_time()
        pixels = [prepared(file, embedder) for file in sample]
        decoding = (time.thread_time() - began) / len(sample)
        return usable_cores() / (decoding + usable_cores() / inference_rate(embedder, pixels))


def inference_rate(embedder: Embedder, pixels: Sequence[Pixels], batch: int = 0) -> float:
    """Pictures a second that the network alone embeds, with one caller on each core."""
    size = batch or embedder.batch
    end = time.perf_counter() + _SECONDS
    done = [0] * usable_cores()

    def embed(caller: int) -> None:
        start = 0
        while time.perf_counter() < end:
            embedder.embed(pixels[start : start + size])
            done[caller] += len(pixels[start : start + size])
            start = (start + size) % len(pixels)

    embedder.embed(pixels[:size])
    began = time.perf_counter()
    callers = [threading.Thread(target=embed, args=(i,)) for i in range(len(done))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return sum(done) / (time.perf_counter() - began)


def seconds_of(work: Callable[[], object]) -> float:
    """Of this thread's processor time."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def prepared(file: Path, embedder: Embedder) -> Pixels:
    """What the network sees of a photograph."""
    with file.open("rb") as opened:
        return embedder.prepare(decode(opened, embedder.decode_side).image)
