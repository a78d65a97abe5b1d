"""ONNX Runtime."""

import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias, cast

import onnxruntime

from lookgraph.errors import ModelError
from lookgraph.models.runtimes.base import input_of
from lookgraph.types import Matrix, Pixels, Precision

_ERRORS = 3
"""The severity from which ONNX Runtime writes to stderr."""

_Options: TypeAlias = dict[str, str]

_GPU: dict[str, _Options] = {
    # TF32 would round float32's factors to 10 bits.
    "CUDAExecutionProvider": {"use_tf32": "0"},
    "DmlExecutionProvider": {},
    # The neural engine and the older format compute in float16.
    "CoreMLExecutionProvider": {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"},
}
"""The execution providers for GPUs, and what makes each compute in float32."""


def devices(precision: Precision) -> tuple[str, ...]:
    """Where the installed build may execute a network. Whether a GPU works, loading shows."""
    if precision is Precision.BFLOAT16:
        return ()
    return ("gpu", "cpu") if precision is Precision.FLOAT32 and _providers() else ("cpu",)


def _providers() -> list[str]:
    """Those for GPUs that the installed build has."""
    return [name for name in _GPU if name in onnxruntime.get_available_providers()]


class OnnxRuntime:
    """A network in ONNX Runtime. Any number of threads may call `run` at once.

    On a few cores, one thread a session and as many callers as cores is fastest: two callers give
    twice the pictures a second, while a session with two threads gives 1.6 times.

    Args:
        network: a file that `cache.network_file` gives.
        threads: how many the session uses for one call.
        device: ``cpu``, or ``gpu`` for the first that works.

    Raises:
        ModelError: the file cannot be loaded, or there is no such device.
    """

    def __init__(self, network: Path, threads: int, device: str = "cpu") -> None:
        if device == "gpu":
            self._session = _on_gpu(network, threads)
        else:
            self._session = load_session(network, threads)
        # DirectML's sessions are for one thread at a time, and a GPU has one queue anyway.
        self._turn: AbstractContextManager[object] = (
            threading.Lock() if device == "gpu" else nullcontext()
        )
        shape = self._session.get_inputs()[0].shape
        self.input = input_of([side if isinstance(side, int) else None for side in shape])

    def run(self, pixels: Pixels) -> Matrix:
        """The network's output.

        Args:
            pixels: uint8, shape (n, height, width, 3) with the height and width of its input.
                Each picture takes some 10 MB for each caller; from 8 on, more are slower.

        Returns:
            float32, shape (n, d), not normalised.

        Raises:
            ModelError: the pixels are of another shape or type, or memory is short.
        """
        self.input.check(pixels)
        with self._turn:
            return self.input.feed(self._run, pixels)

    def _run(self, pixels: Pixels) -> Matrix:
        try:
            (output,) = self._session.run(None, {"pictures": pixels})
        except Exception as error:
            raise ModelError(f"the network failed on {pixels.shape}: {error}") from error
        return cast(Matrix, output)


def _on_gpu(network: Path, threads: int) -> Any:
    reasons = ["the installed onnxruntime is not built for one"] * (not _providers())
    for provider in _providers():
        try:
            session = load_session(network, threads, provider, _GPU[provider])
        except ModelError as error:
            reasons.append(str(error))
            continue
        # A provider that finds no GPU leaves everything to the CPU, without an error.
        if provider in session.get_providers():
            return session
        reasons.append(f"{provider} finds none that it can use")
    raise ModelError(f"ONNX Runtime has no GPU: {'; '.join(reasons)}")


def load_session(
    network: Path,
    threads: int,
    provider: str = "CPUExecutionProvider",
    settings: _Options | None = None,
) -> Any:
    """Load a network as it is.

    Args:
        network: an ONNX file.
        threads: how many it uses for one call.
        provider: the execution provider; what it cannot do the CPU does.
        settings: the provider's.

    Raises:
        ModelError: it cannot be loaded.
    """
    # Without this, a machine whose graphics card it cannot name gets a warning on stderr.
    onnxruntime.set_default_logger_severity(_ERRORS)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS
    # Threads that spin while they wait take the cores from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # DirectML refuses it: https://onnxruntime.ai/docs/execution-providers/DirectML-ExecutionProvider.html
    options.enable_mem_pattern = provider != "DmlExecutionProvider"
    providers: list[tuple[str, _Options]] = [(provider, settings or {})]
    if provider != "CPUExecutionProvider":
        providers.append(("CPUExecutionProvider", {}))
    try:
        # With its fallback it would print, on stdout, that it tries the same again.
        return onnxruntime.InferenceSession(
            str(network), options, providers=providers, enable_fallback=0
        )
    except Exception as error:
        raise ModelError(f"ONNX Runtime cannot load {network}: {error}") from error
