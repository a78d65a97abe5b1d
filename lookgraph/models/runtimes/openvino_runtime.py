"""OpenVINO, the extra ``[openvino]``.

Importing it, compiling EfficientNet-Lite0 and embedding one picture takes 0.3 s on two cores, and
0.09 s with ONNX Runtime. Its cache of compiled networks would save 0.1 s of that, for a file as
large as the network; it is not used.
"""

import importlib.util
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from lookgraph.config import usable_cores
from lookgraph.errors import MissingExtraError, ModelError
from lookgraph.models.processor import this_processor
from lookgraph.models.runtimes.base import input_of
from lookgraph.types import Matrix, Pixels, Precision

_TELEMETRY = "openvino_telemetry"


def is_installed() -> bool:
    """Whether the extra is there."""
    return importlib.util.find_spec("openvino") is not None


def devices(precision: Precision) -> tuple[str, ...]:
    """Where it can execute a network.

    Raises:
        MissingExtraError: it is not installed.
    """
    core = _openvino().Core()
    # Where the processor lacks it, the plugin may still offer bfloat16, and compute it slowly.
    if precision is Precision.BFLOAT16 and (
        this_processor().bfloat16 is False
        or "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    ):
        return ()
    gpu = any(name.startswith("GPU") for name in core.available_devices)
    return ("gpu", "cpu") if precision is Precision.FLOAT32 and gpu else ("cpu",)


class OpenVinoRuntime:
    """A network in OpenVINO. Any number of threads may call `run` at once.

    It computes in threads of its own, which share the cores, while the caller waits: as many
    streams as callers, and as many threads as cores, so no core is asked for twice. The batch stays
    free: at four pictures a call, that is as fast as a network for four (204 and 203 a second
    in float32), and at one 7 % slower.

    Args:
        network: a file that `cache.network_file` or `quantise.int8_file` gives.
        precision: the numbers that it computes with.
        callers: how many threads will call at once.
        device: ``cpu`` or ``gpu``.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        ModelError: the file cannot be loaded, or there is no such device.
    """

    def __init__(
        self, network: Path, precision: Precision, callers: int, device: str = "cpu"
    ) -> None:
        cores = usable_cores()
        settings: dict[str, str] = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision is Precision.BFLOAT16 else "f32",
            "NUM_STREAMS": str(min(callers, cores)),
        }
        if device == "cpu":
            # Pinned threads would pile up on the cores that another process is pinned to.
            settings |= {"INFERENCE_NUM_THREADS": str(cores), "ENABLE_CPU_PINNING": "NO"}
        try:
            self._network = _openvino().Core().compile_model(str(network), device.upper(), settings)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot load {network}: {error}") from error
        shape = self._network.input(0).get_partial_shape()
        self.input = input_of([None if side.is_dynamic else side.get_length() for side in shape])
        self._own = threading.local()

    def run(self, pixels: Pixels) -> Matrix:
        """The network's output.

        Args:
            pixels: uint8, shape (n, height, width, 3) with the height and width of its input.

        Returns:
            float32, shape (n, d), not normalised.

        Raises:
            ModelError: the pixels are of another shape or type, or memory is short.
        """
        self.input.check(pixels)
        return self.input.feed(self._run, pixels)

    def _run(self, pixels: Pixels) -> Matrix:
        try:
            return cast(Matrix, self._request().infer([pixels])[0])
        except RuntimeError as error:
            raise ModelError(f"the network failed on {pixels.shape}: {error}") from error

    def _request(self) -> Any:
        """The calling thread's own: a request is for one at a time."""
        if not hasattr(self._own, "request"):
            self._own.request = self._network.create_infer_request()
        return self._own.request


def _openvino() -> ModuleType:
    """The module, imported so that it tells nobody.

    ``import openvino`` imports its conversion tools, and these send an event to Google Analytics
    unless the user has said no (openvino/tools/ovc/__init__.py in 2026.4). Without the package
    for it, which they allow, they have a stub instead.
    """
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    if not is_installed():
        raise MissingExtraError("OpenVINO", "openvino")
    before = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # as the import system has it
    try:
        openvino = importlib.import_module("openvino")
        # A tensor's first `data` in a process makes a table of NumPy's types, and lets go of the
        # interpreter on the way: two threads that are both first wait for each other for ever.
        openvino.Tensor(np.zeros(1, np.uint8)).data  # noqa: B018
        return openvino
    finally:
        del sys.modules[_TELEMETRY]
        if before is not None:
            sys.modules[_TELEMETRY] = before
