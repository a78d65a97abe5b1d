"""Which runtime is the fastest here: measured once, and kept."""

import json
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lookgraph.config import cache_folder, usable_cores
from lookgraph.errors import LookgraphError, MissingExtraError, ModelError
from lookgraph.models.kept import keep
from lookgraph.models.processor import this_processor
from lookgraph.models.runtimes.base import DEVICES, RUNTIMES, Candidate, Choice
from lookgraph.models.runtimes.gpus import this_machines_gpus
from lookgraph.types import Precision

if TYPE_CHECKING:
    from lookgraph.models.runtimes.onnx_runtime import OnnxRuntime
    from lookgraph.models.runtimes.openvino_runtime import OpenVinoRuntime

Rates: TypeAlias = dict[Candidate, float]
"""Pictures a second; 0 for what could not be loaded."""

_DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "openvino")
"""The packages of the runtimes, and of their builds for GPUs."""

_WORTH_A_TRIAL = 1000
"""Pictures, from which on a trial takes less time than it can save."""

_SECONDS = 1.0
_BATCH = 4
"""Pictures in a call, as `Embedder.batch` has it."""
_SIDE = 224
"""Of pictures for a network that takes any."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What executes a network, and why.

    Attributes:
        candidate: the runtime and the device.
        reason: in words.
        rates: what was measured, in pictures a second, the fastest first; empty if nothing was.
    """

    candidate: Candidate
    reason: str
    rates: tuple[tuple[Candidate, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """What was measured.

    Attributes:
        callers: how many threads called at once.
        day: when, ``YYYY-MM-DD``.
        rates: of each candidate.
    """

    callers: int
    day: str
    rates: Rates


def choose(
    network: Path, precision: Precision, callers: int, choice: Choice, pictures: int
) -> Chosen:
    """What is to execute a network: of several candidates, the fastest.

    The first time that many pictures are waiting, this is measured, which takes a second or two
    for each candidate. A query takes what starts fastest, ONNX Runtime in 0.09 s and OpenVINO in
    0.3 s, and so do the queries of a service, which come one or a few at a time: OpenVINO adapts
    to each number of them anew. A few pictures do so, too, unless it is known what is faster.

    Args:
        network: a file that `cache.network_file` or, for int8, `quantise.int8_file` gives.
        precision: the numbers that it is to compute with.
        callers: how many threads will call at once.
        choice: what the user wants.
        pictures: how many are waiting.

    Raises:
        ModelError: nothing here computes at that precision, or there is no such device.
        MissingExtraError: the runtime is not installed.
    """
    if pictures == 1:
        return _at_once(precision, choice)
    found = candidates(precision, choice)
    if len(found) == 1:
        return _only(found[0])
    file = _file(network, precision)
    trial = read_trial(file)
    if trial is None or trial.callers != callers or not set(found) <= trial.rates.keys():
        if pictures < _WORTH_A_TRIAL:
            return _at_once(precision, choice)
        rates = {candidate: _rate(candidate, network, precision, callers) for candidate in found}
        trial = Trial(callers, date.today().isoformat(), rates)
        _keep(file, trial)
    return decide(trial, choice)


def _at_once(precision: Precision, choice: Choice) -> Chosen:
    """What needs no trial, and loads no runtime that is not used."""
    quick = Candidate("onnxruntime", "cpu")
    if precision is not Precision.BFLOAT16 and choice.admits(quick):
        return Chosen(quick, f"{quick}: it starts fast, and nothing is measured yet")
    return _only(candidates(precision, choice)[0])


def _only(candidate: Candidate) -> Chosen:
    return Chosen(candidate, f"{candidate}: nothing else that fits is installed or was asked for")


def candidates(precision: Precision, choice: Choice) -> list[Candidate]:
    """What is installed here, computes at a precision and is what the user wants; one at least.

    Raises:
        ModelError: nothing here computes at that precision, or there is no such device.
        MissingExtraError: a runtime that is not installed would, or the user names one.
    """
    from lookgraph.models.runtimes import onnx_runtime, openvino_runtime

    devices: dict[str, tuple[str, ...]] = {}
    if choice.runtime in ("auto", "onnxruntime"):
        devices["onnxruntime"] = onnx_runtime.devices(precision)
    if choice.runtime == "openvino" or (
        choice.runtime == "auto" and openvino_runtime.is_installed()
    ):
        devices["openvino"] = openvino_runtime.devices(precision)
    found = [
        Candidate(runtime, device)
        for runtime in RUNTIMES
        for device in devices.get(runtime, ())
        if choice.admits(Candidate(runtime, device))
    ]
    if not found:
        raise _nothing(precision, choice)
    return found


def _nothing(precision: Precision, choice: Choice) -> LookgraphError:
    """Why there is no candidate, and what to do."""
    from lookgraph.models.runtimes import openvino_runtime

    if choice.device == "gpu" and precision is not Precision.FLOAT32:
        return ModelError(f"a GPU computes in float32 only, not in {precision}: use --device cpu")
    if choice.device == "gpu":
        return ModelError(
            "no installed runtime can use a GPU. For NVIDIA's, install onnxruntime-gpu instead of "
            "onnxruntime; on Windows, onnxruntime-directml; for Intel's, lookgraph[openvino]"
        )
    if not openvino_runtime.is_installed():
        return MissingExtraError(f"{precision} on a CPU", "openvino")
    if choice.runtime == "onnxruntime":
        return ModelError(f"ONNX Runtime does not compute in {precision}: use --runtime openvino")
    return ModelError(f"this processor does not compute in {precision}: use float32")


def load(
    candidate: Candidate, network: Path, precision: Precision, callers: int
) -> "OnnxRuntime | OpenVinoRuntime":
    """Load a network.

    Args:
        candidate: what is to execute it.
        network: a file that `cache.network_file` or, for int8, `quantise.int8_file` gives.
        precision: the numbers that it computes with.
        callers: how many threads will call at once.

    Raises:
        ModelError: it cannot be loaded.
    """
    from lookgraph.models.runtimes.onnx_runtime import OnnxRuntime
    from lookgraph.models.runtimes.openvino_runtime import OpenVinoRuntime

    if candidate.runtime == "openvino":
        return OpenVinoRuntime(network, precision, callers, candidate.device)
    return OnnxRuntime(network, max(1, usable_cores() // callers), candidate.device)


def decide(trial: Trial, choice: Choice) -> Chosen:
    """The fastest that was measured, of what the user wants."""
    admitted = [pair for pair in trial.rates.items() if choice.admits(pair[0])]
    rates = sorted(admitted, key=lambda pair: -pair[1])
    (best, rate), *others = rates
    slower = [f"{other}'s {its:,.0f}" for other, its in others if its]
    failed = [f"; {other} does not work here" for other, its in others if not its]
    against = f" against {' and '.join(slower)}" if slower else ""
    reason = f"{best}: {rate:,.0f} a second{against}{''.join(failed)} (measured {trial.day})"
    return Chosen(best, reason, tuple(rates))


def _rate(candidate: Candidate, network: Path, precision: Precision, callers: int) -> float:
    """Pictures a second, by so many callers; 0 if it cannot be loaded."""
    try:
        runtime = load(candidate, network, precision, callers)
    except ModelError:
        return 0.0
    sides = (runtime.input.height or _SIDE, runtime.input.width or _SIDE)
    pixels = np.full((_BATCH, *sides, 3), 127, np.uint8)

    def call_until(end: float) -> int:
        calls = 0
        while not calls or time.perf_counter() < end:
            runtime.run(pixels)
            calls += 1
        return calls

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(call_until, [0.0] * callers))  # the first calls take longer
        start = time.perf_counter()
        calls = sum(pool.map(call_until, [start + _SECONDS] * callers))
        return _BATCH * calls / (time.perf_counter() - start)


def _file(network: Path, precision: Precision) -> Path:
    """Where a trial is kept: its name has all that would make it another, but for the callers."""
    here = [str(this_processor()), str(usable_cores()), *map(str, this_machines_gpus())]
    here += map(" ".join, versions().items())
    machine = zlib.crc32("\n".join(here).encode())
    return cache_folder() / "trials" / f"{network.stem}-{precision}-{machine:08x}.json"


def versions() -> dict[str, str]:
    """The versions of the runtimes that are installed."""
    found = {}
    for name in _DISTRIBUTIONS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def read_trial(file: Path) -> Trial | None:
    """A trial that was kept; None if there is none that is whole."""
    try:
        kept = json.loads(file.read_bytes())
        rates = {
            Candidate(one["runtime"], one["device"]): float(one["rate"]) for one in kept["rates"]
        }
        trial = Trial(int(kept["callers"]), str(date.fromisoformat(kept["day"])), rates)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    known = all(one.runtime in RUNTIMES and one.device in DEVICES for one in rates)
    return trial if known and all(0 <= rate < np.inf for rate in rates.values()) else None


def _keep(file: Path, trial: Trial) -> None:
    """Keep a trial. Where the cache cannot be written, it is made again the next time."""
    kept = {
        "callers": trial.callers,
        "day": trial.day,
        "rates": [
            {"runtime": candidate.runtime, "device": candidate.device, "rate": rate}
            for candidate, rate in trial.rates.items()
        ],
    }
    with suppress(OSError):
        keep(file, json.dumps(kept).encode())
