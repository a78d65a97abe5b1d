"""A network of one convolution, small enough to check with NumPy."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lookgraph.types import Array, Matrix, Pixels

SIDE = 8
DIMENSION = 16


def weights() -> tuple[Array, Array]:
    """Of the convolution, shapes (DIMENSION, 3) and (DIMENSION,)."""
    random = np.random.default_rng(3)
    weight = random.standard_normal((DIMENSION, 3)) / 128
    return weight.astype(np.float32), random.standard_normal(DIMENSION).astype(np.float32)


def write_network(
    file: Path, batch: int | str = "n", side: int | str = SIDE, scale: float = 1.0
) -> Path:
    """From ``pictures``, uint8 (batch, side, side, 3), to ``embeddings``, (batch, DIMENSION)."""
    weight, bias = weights()
    nodes = [
        helper.make_node("Transpose", ["pictures"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["first"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["floats", "weight", "bias"], ["filtered"]),
        helper.make_node("Relu", ["filtered"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["embeddings"]),
    ]
    shape = [batch, side, side, 3]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, [batch, DIMENSION])],
        [
            numpy_helper.from_array(weight[:, :, None, None] * np.float32(scale), "weight"),
            numpy_helper.from_array(bias, "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, file)
    return file


def embed(pixels: Pixels) -> Matrix:
    """What it gives, by NumPy."""
    weight, bias = weights()
    filtered = pixels.astype(np.float64) @ weight.T.astype(np.float64) + bias
    return np.asarray(np.maximum(filtered, 0).mean(axis=(1, 2)), np.float32)


def some_pictures(count: int, side: int = SIDE) -> Pixels:
    """Noise in different colours, shape (count, side, side, 3)."""
    random = np.random.default_rng(count)
    colours = random.integers(0, 200, (count, 1, 1, 3))
    return (colours + random.integers(0, 56, (count, side, side, 3))).astype(np.uint8)
