"""From a float32 network to one that computes with whole numbers of 8 bits.

Static quantisation as in Jacob et al. 2018 (arXiv:1712.05877): the weights of convolutions and
matrix products have one scale for each channel, activations one scale and zero for each tensor,
from the ranges that they take on some pictures. The network keeps its inputs and outputs.

Where a processor would cut off sums of products of 8 bits, the weights get 7 (ONNX Runtime's
``reduce_range``). The default network then keeps 57 % of the ten nearest of `agreement`'s pictures;
with 8 bits there, 25 %.
"""

import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lookgraph.errors import ModelError
from lookgraph.models.kept import keep
from lookgraph.models.processor import this_processor
from lookgraph.types import Pixels

VERSION = 1
"""Raise it whenever another network comes out."""


def int8_file(network: Path) -> Path:
    """The quantised form of a network, which `keep_int8` made.

    Args:
        network: a file that `cache.network_file` gives.

    Raises:
        ModelError: there is none.
    """
    for file in sorted(_folder(network).glob(f"{network.stem}-{_form()}-*.onnx")):
        if file.stem.endswith(f"-{zlib.crc32(file.read_bytes()):08x}"):
            return file
    raise ModelError(f"{network.name} is not quantised on this machine yet: index at int8 first")


def keep_int8(network: Path, pictures: Iterable[Pixels]) -> Path:
    """Quantise a network and keep it beside the other; the file.

    Args:
        network: a file that `cache.network_file` gives.
        pictures: some hundred prepared ones, shape (height, width, 3), to see what ranges the
            activations take.

    Raises:
        ModelError: it cannot be quantised, or the folder cannot be written.
    """
    data = quantise(network, pictures)
    file = _folder(network) / f"{network.stem}-{_form()}-{zlib.crc32(data):08x}.onnx"
    try:
        keep(file, data)
    except OSError as error:
        raise ModelError(f"cannot write the network to {file.parent}: {error.strerror}") from error
    return file


def _is_reduced() -> bool:
    return this_processor().int8 is False


def _form() -> str:
    """What of a file's name tells how it was quantised."""
    return f"q{VERSION}r" if _is_reduced() else f"q{VERSION}"


def _folder(network: Path) -> Path:
    return network.parent / "int8"


def quantise(network: Path, pictures: Iterable[Pixels]) -> bytes:
    """The network with its convolutions and products in int8.

    They stand between QuantizeLinear and DequantizeLinear (QDQ), which ONNX Runtime and OpenVINO
    both execute in whole numbers.

    Args and errors are those of `keep_int8`.
    """
    import onnx
    from onnxruntime import quantization

    with tempfile.TemporaryDirectory(prefix="lookgraph-") as folder:
        shaped, out = Path(folder) / "shaped.onnx", Path(folder) / "int8.onnx"
        try:
            model = onnx.shape_inference.infer_shapes(onnx.load(network))
            # What the quantiser would otherwise warn about, on stderr.
            quantization.quant_utils.add_pre_process_metadata(model)
            onnx.save(model, shaped)
            quantization.quantize_static(
                shaped,
                out,
                _Reader(pictures, model.graph.input[0].name),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                reduce_range=_is_reduced(),
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                calibrate_method=quantization.CalibrationMethod.MinMax,
            )
        except Exception as error:
            raise ModelError(f"{network.name} cannot be quantised: {error}") from error
        return out.read_bytes()


class _Reader:
    """Gives the quantiser one picture at a time (its `CalibrationDataReader`)."""

    def __init__(self, pictures: Iterable[Pixels], name: str) -> None:
        self._pictures: Iterator[Pixels] = iter(pictures)
        self._name = name

    def get_next(self) -> dict[str, Any] | None:
        picture = next(self._pictures, None)
        return None if picture is None else {self._name: picture[np.newaxis]}
