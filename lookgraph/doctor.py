"""Is everything as it should be? This machine, the network, and one library."""

import importlib.util
import os
import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from lookgraph.config import cache_folder, usable_cores
from lookgraph.errors import LookgraphError
from lookgraph.library import Library
from lookgraph.models.embedder import open_embedder
from lookgraph.models.probe import probe_picture
from lookgraph.models.registry import DEFAULT_MODEL, find_model

_PACKAGES = ("lookgraph", "numpy", "onnx", "onnxruntime", "pillow")
_TOLERANCE = 1e-4
"""Another processor or runtime adds up in another order, which moves the numbers by some 1e-6."""

_EXTRAS = {"heif": "pillow_heif", "parquet": "pyarrow"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        ok: whether it is as it should be; None where there is nothing to judge.
        found: what was found.
        advice: what to do if it is not.
    """

    name: str
    ok: bool | None
    found: str
    advice: str = ""


def check_all(library: Library) -> list[Check]:
    """Look at everything; the library only if there is one."""
    checks = [_versions(), _processor(), _extras(), _network()]
    if library.store.exists():
        checks += _library(library)
    else:
        checks.append(Check("library", None, f"none in {library.root}"))
    return checks


def mend(library: Library) -> str:
    """Drop embeddings that are damaged and embed their pictures again; says what was done.

    Raises:
        LookgraphError: as `Library.index` does, and where there is no library to mend.
    """
    library.status()  # a writer would make one
    with library.store.write() as writer:
        dropped = writer.compact(library.space)
    report = library.index()
    return (
        f"{dropped:,} damaged embeddings were dropped, {report.embedded:,} pictures embedded again."
    )


def _versions() -> Check:
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    python = f"Python {platform.python_version()}"
    return Check(
        "versions", None, ", ".join([*packages, python, f"SQLite {sqlite3.sqlite_version}"])
    )


def _processor() -> Check:
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    cores = f"{usable_cores()} of {os.cpu_count()} cores usable, {platform.machine()}"
    return Check("processor", None, f"{cores}, {' '.join(found) or 'no extensions seen'}")


def _extras() -> Check:
    present = [name for name, module in _EXTRAS.items() if importlib.util.find_spec(module)]
    return Check("extras", None, ", ".join(present) or "none")


def _network() -> Check:
    """Embed the probe picture and compare with what the registry pins."""
    model = find_model(DEFAULT_MODEL)
    try:
        embedding = open_embedder(model.name, usable_cores()).embed(probe_picture()[np.newaxis])[0]
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
    try:
        status = library.status()
    except LookgraphError as error:
        yield Check("library", False, str(error))
        return
    yield Check("library", None, f"{status.pictures:,} pictures in {library.root}")
    if fault := library.store.fault():
        yield Check("database", False, fault, "Put it back from a backup, or index again.")
    else:
        yield Check("database", True, "whole, and its counts agree")
    for space in library.store.spaces():
        damaged = len(library.store.damaged(space))
        rows = f"{space.name}: {damaged:,} of {status.pictures:,} embeddings are damaged"
        yield Check("embeddings", not damaged, rows, "Run `lookgraph doctor --repair`.")
