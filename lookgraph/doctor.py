"""Is everything as it should be? This machine, the network, and one library."""

import importlib.util
import os
import platform
import sqlite3
from collections.abc import Iterator
from importlib.metadata import version

import numpy as np

from lookgraph.config import cache_folder, usable_cores
from lookgraph.errors import LookgraphError
from lookgraph.library import Library
from lookgraph.models.cache import network_file
from lookgraph.models.embedder import open_embedder
from lookgraph.models.probe import probe_picture
from lookgraph.models.registry import DEFAULT_MODEL, find_model
from lookgraph.models.runtimes import Choice
from lookgraph.models.runtimes.gpus import Gpu, this_machines_gpus
from lookgraph.models.runtimes.trial import Chosen, choose, versions
from lookgraph.stores.base import Check
from lookgraph.types import Precision

_PACKAGES = ("lookgraph", "numpy", "onnx", "pillow")
_MANY = 100_000
"""Pictures that a trial is worth for."""

_TOLERANCE = 1e-4
"""Another processor or runtime adds up in another order, which moves the numbers by some 1e-6."""

_EXTRAS = {
    "heif": "pillow_heif",
    "parquet": "pyarrow",
    "keras": "h5py",
    "openvino": "openvino",
    "text": "tokenizers",
    "faiss": "faiss",
    "communities": "graspologic_native",
    "neo4j": "neo4j",
    "milvus": "pymilvus",
    "client": "httpx",
    "serve": "fastapi",
}

_GPU_PACKAGES = {
    "NVIDIA": "onnxruntime-gpu instead of onnxruntime would use it",
    "AMD": "on Windows, onnxruntime-directml instead of onnxruntime would use it; on Linux, no "
    "runtime that Lookgraph knows does",
    "Intel": "the extra lookgraph[openvino] with Intel's compute driver would use it",
    "Apple": "a build of onnxruntime with CoreML would use it",
}
"""What would use a maker's GPU."""


def check_all(library: Library) -> list[Check]:
    """Look at everything; at what is in the library only if there is one."""
    return [_versions(), _processor(), *_runtimes(), _extras(), _network(), *_library(library)]


def mend(library: Library) -> str:
    """Drop embeddings that are damaged and embed their pictures again; says what was done.

    Raises:
        LookgraphError: as `Library.index` does, and where there is no library to mend.
    """
    library.status()  # a writer would make one
    with library.store.write() as writer:
        dropped = sum(writer.compact(space) for space in library.store.spaces())
    report = library.index()
    return (
        f"{dropped:,} damaged embeddings were dropped, {report.embedded:,} pictures embedded again."
    )


def _versions() -> Check:
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    packages += map(" ".join, versions().items())
    python = f"Python {platform.python_version()}"
    return Check(
        "versions", None, ", ".join([*packages, python, f"SQLite {sqlite3.sqlite_version}"])
    )


def _processor() -> Check:
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    cores = f"{usable_cores()} of {os.cpu_count()} cores usable, {platform.machine()}"
    return Check("processor", None, f"{cores}, {' '.join(found) or 'no extensions seen'}")


def _runtimes() -> Iterator[Check]:
    """What executes the default network, after a trial if there was none, and what might."""
    model = find_model(DEFAULT_MODEL)
    try:
        chosen = choose(network_file(model), Precision.FLOAT32, usable_cores(), Choice(), _MANY)
    except LookgraphError as error:
        yield Check("runtime", False, str(error))
        return
    yield Check("runtime", None, chosen.reason)
    yield Check("gpu", None, gpu_words(this_machines_gpus(), chosen))


def gpu_words(gpus: list[Gpu], chosen: Chosen) -> str:
    """Which GPUs there are, whether one is used, and if not, what would use it."""
    if not gpus:
        return "none seen"
    makers = " and ".join(gpu.maker for gpu in gpus)
    if chosen.candidate.device == "gpu":
        return f"{makers}: used, by {chosen.candidate.runtime}"
    tried = {candidate: rate for candidate, rate in chosen.rates if candidate.device == "gpu"}
    if any(tried.values()):
        reason = "the processor is faster, see runtime"
    elif tried:
        reason = f"{next(iter(tried)).runtime} finds none that works; look at its driver"
    else:
        reason = "; ".join(f"for {gpu.maker}, {_GPU_PACKAGES[gpu.maker]}" for gpu in gpus)
    return f"a GPU is there and unused ({makers}): {reason}"


def _extras() -> Check:
    present = [name for name, module in _EXTRAS.items() if importlib.util.find_spec(module)]
    return Check("extras", None, ", ".join(present) or "none")


def _network() -> Check:
    """Embed the probe picture and compare with what the registry pins."""
    model = find_model(DEFAULT_MODEL)
    try:
        embedder = open_embedder(model, model.space(), callers=1)
        embedding = embedder.embed([probe_picture()])[0]
    except LookgraphError as error:
        return Check("network", False, str(error))
    off = float(np.abs(embedding[: len(model.check)] - np.array(model.check)).max())
    return Check(
        "network",
        off <= _TOLERANCE,
        f"{model.name}: a test picture's embedding is within {off:.1e} of its pinned numbers "
        f"(cache: {cache_folder()})",
        "Empty the cache folder, and install onnxruntime again.",
    )


def _library(library: Library) -> Iterator[Check]:
    store = library.store
    try:
        status = library.status() if store.exists() else None
    except LookgraphError as error:
        yield Check("library", False, str(error))
        return
    if status is None:
        yield Check("library", None, f"none in {library.root if store.folder else store.place}")
        yield from store.checks()
        return
    yield Check("library", None, f"{status.pictures:,} pictures in {library.root}")
    yield from store.checks()
    for space in store.spaces():
        damaged = len(store.damaged(space))
        rows = f"{space.name}: {damaged:,} of {status.pictures:,} embeddings are damaged"
        yield Check("embeddings", not damaged, rows, "Run `lookgraph doctor --repair`.")
