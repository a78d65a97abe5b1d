"""What executes a network."""

from pathlib import Path
from typing import cast

import onnxruntime

from lookgraph.errors import ModelError
from lookgraph.types import Matrix, Pixels

_ERRORS = 3
"""The severity from which ONNX Runtime writes to stderr."""


class OnnxRuntime:
    """A network in ONNX Runtime, on the CPU. Any number of threads may call `run` at once.

    On a few cores, one thread a session and as many callers as cores is fastest: two callers give
    twice the pictures a second, while a session with two threads gives 1.6 times.

    Args:
        network: a file that `cache.network_file` gives.
        threads: how many the session uses for one call.

    Raises:
        ModelError: the file cannot be loaded.
    """

    def __init__(self, network: Path, threads: int) -> None:
        # Without this, a machine whose graphics card it cannot name gets a warning on stderr.
        onnxruntime.set_default_logger_severity(_ERRORS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _ERRORS
        # Threads that spin while they wait take the cores from decoding.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(network), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ModelError(f"ONNX Runtime cannot load {network}: {error}") from error

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
        try:
            (output,) = self._session.run(None, {"pictures": pixels})
        except Exception as error:
            raise ModelError(f"the network failed on {pixels.shape}: {error}") from error
        return cast(Matrix, output)
