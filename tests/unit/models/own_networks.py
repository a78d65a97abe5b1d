"""Small ONNX networks as somebody might bring them, and what they compute, in NumPy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDES = (6, 4)
"""Height and width of their input."""

IR_VERSIONS = {7: 3, 10: 5, 11: 6, 12: 7, 13: 7, 15: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10}
"""By opset, the one that its release came with."""

Floats = NDArray[np.float64]


def weights(made: int) -> Floats:
    """Of the linear layer from all of a picture's values to so many numbers."""
    return np.random.default_rng(7).normal(size=(3 * SIDES[0] * SIDES[1], made)).round(3)


def network(
    *,
    shape: Sequence[str | int | None] | None = ("n", 3, *SIDES),
    kind: int = TensorProto.FLOAT,
    made: Sequence[int] = (5,),
    stated: Sequence[str | int | None] | None = (),
    opset: int = 17,
    names: tuple[str, str] = ("x", "y"),
) -> onnx.ModelProto:
    """A linear layer: an input, shape (n, 3, height, width) or (n, height, width, 3), to an output.

    Args:
        shape: of the input.
        kind: of the numbers; the layer computes in float32 on bytes.
        made: the shape of what is made of a picture.
        stated: what the graph says of the output's shape; () for the truth.
        opset: of the operators; the IR version is the one of its time.
        names: of the input and the output.
    """
    given, output = names
    inner = TensorProto.FLOAT if kind == TensorProto.UINT8 else kind
    weight = weights(int(np.prod(made))).astype(helper.tensor_dtype_to_np_dtype(inner))
    initialisers = [
        numpy_helper.from_array(weight, "weight"),
        numpy_helper.from_array(np.array([-1, *made], np.int64), "made"),
    ]
    nodes = [
        helper.make_node("Cast", [given], ["numbers"], to=inner),
        helper.make_node("Flatten", ["numbers"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weight"], ["linear"]),
        helper.make_node("Reshape", ["linear", "made"], [output]),
    ]
    batch = shape[0] if shape else "n"
    shown = [batch, *made] if stated == () else stated
    ir_version = IR_VERSIONS[opset]
    inputs = [helper.make_tensor_value_info(given, kind, shape)]
    if ir_version < 4:
        inputs += [
            helper.make_tensor_value_info(one.name, one.data_type, one.dims) for one in initialisers
        ]
    graph = helper.make_graph(
        nodes,
        "somebody's",
        inputs,
        [helper.make_tensor_value_info(output, inner, shown)],
        initialisers,
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)


def computed(values: NDArray[Any], made: Sequence[int] = (5,)) -> Floats:
    """What `network` makes of its input, shape (n, *made)."""
    flat = values.astype(np.float64).reshape(len(values), -1)
    return (flat @ weights(int(np.prod(made)))).reshape(len(values), *made)


def kept_apart(model: onnx.ModelProto, folder: Path, data: str = "model.data") -> Path:
    """Written with its weights in a file beside it."""
    file = folder / "model.onnx"
    onnx.save_model(
        model, file, save_as_external_data=True, location=data, size_threshold=0,
        convert_attribute=True,
    )  # fmt: skip
    return file


def point_elsewhere(file: Path, **told: str) -> None:
    """Change where a written network says that its first weights are; "" takes a key away."""
    model = onnx.load_model(file, load_external_data=False)
    tensor = model.graph.initializer[0]
    entries = {entry.key: entry.value for entry in tensor.external_data} | told
    del tensor.external_data[:]
    for key, value in entries.items():
        if value:
            tensor.external_data.add(key=key, value=value)
    file.write_bytes(model.SerializeToString())
