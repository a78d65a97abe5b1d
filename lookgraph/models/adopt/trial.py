"""Runs an adopted network on pictures that we draw, before anybody relies on it.

ONNX Runtime executes what the file says: such a network can take all memory and time there is, so
it deserves the trust that a program does.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
import onnx
import onnxruntime

from lookgraph.config import usable_cores
from lookgraph.errors import ModelError
from lookgraph.models.networks.onnx_graph import INPUT
from lookgraph.models.probe import probe_picture
from lookgraph.types import Matrix, Pixels

_SILENT = 4
_LONGEST = 300
_MOST_OFF = 0.2
"""How much of an embedding may depend on the pictures beside it. Networks that are quantised as
they run have one scale for all pictures of a batch; what normalises over a batch is far beyond."""


def output_shape(network: onnx.ModelProto) -> tuple[int, ...]:
    """The shape of what a network makes of as many pictures as it takes, or of one.

    Args:
        network: its one input is ``pictures``, and it has one output.

    Raises:
        ModelError: it cannot be loaded or run.
    """
    first, _ = _probes(network)
    return _Session(network).run([first] * (_batch(network) or 1)).shape


def try_out(network: onnx.ModelProto) -> None:
    """See that an adopted network gives what it should.

    Raises:
        ModelError: it cannot be loaded or run; it gives other shapes than it states, no finite
            numbers, nothing but zeros, the same for different pictures, or something else for a
            picture among others.
    """
    session, batch = _Session(network), _batch(network)
    one, two = _probes(network)
    together = session.run([one, *[two] * max(1, batch - 1)][: batch or 2])
    alone = session.run([two] * (batch or 1))
    dimension = network.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    for values, count in ((together, batch or 2), (alone, batch or 1)):
        _check_values(values, (count, dimension), batch)
    if not together[0].any() and not alone[0].any():
        raise ModelError("it gives nothing but zeros")
    if np.array_equal(together[0], alone[0]):
        raise ModelError("it gives the same for different pictures")
    if len(together) > 1:
        there, here = together[1].astype(np.float64), alone[0].astype(np.float64)
        if np.linalg.norm(there - here) > _MOST_OFF * np.linalg.norm(here):
            raise ModelError(
                "what it gives for a picture depends on the pictures beside it: "
                "was it exported while it was set to be trained?"
            )


def _check_values(values: Matrix, shape: tuple[int, int], batch: int) -> None:
    if values.shape != shape:
        hint = "" if batch else f". {_HINT}"
        raise ModelError(f"it gives the shape {values.shape} where {shape} should be{hint}")
    if not np.isfinite(values).all():
        raise ModelError("it gives numbers that are not finite (NaN or infinity)")


_HINT = (
    "Its input states that any number of pictures goes in at once; if that is not so, "
    "export it with a batch of 1"
)


class _Session:
    """A network in ONNX Runtime; whatever becomes of it there becomes a ModelError."""

    def __init__(self, network: onnx.ModelProto) -> None:
        onnxruntime.set_default_logger_severity(_SILENT)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        options.log_severity_level = _SILENT
        self._free = not _batch(network)
        try:
            self._session = onnxruntime.InferenceSession(
                network.SerializeToString(),
                options,
                providers=["CPUExecutionProvider"],
                enable_fallback=0,  # it would print that it tries the same again
            )
        except Exception as error:
            raise ModelError(f"ONNX Runtime cannot load it: {_said(error)}") from error

    def run(self, pictures: Sequence[Pixels]) -> Matrix:
        try:
            (values,) = self._session.run(None, {INPUT: np.stack(pictures)})
        except Exception as error:
            hint = f". {_HINT}" if self._free and len(pictures) > 1 else ""
            raise ModelError(f"it failed on {len(pictures)}: {_said(error)}{hint}") from error
        return cast(Matrix, values)


def _probes(network: onnx.ModelProto) -> tuple[Pixels, Pixels]:
    """The drawn picture, and another: upside down, brighter and of less contrast."""
    sides = network.graph.input[0].type.tensor_type.shape.dim
    height, width = sides[1].dim_value, sides[2].dim_value
    one = probe_picture(max(height, width))[:height, :width]
    return one, 255 - one[::-1] // 2


def _batch(network: onnx.ModelProto) -> int:
    """How many pictures go in at once; 0 for any number."""
    return int(network.graph.input[0].type.tensor_type.shape.dim[0].dim_value)


def _said(error: Exception) -> str:
    """The end of a message: ONNX Runtime begins with where in its sources it is."""
    words = " ".join(str(error).split())
    text = "".join(one for one in words if one.isprintable()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"...{text[-_LONGEST:]}"
