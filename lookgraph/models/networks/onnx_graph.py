"""Builds an ONNX network node by node, from the weights of a state."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from lookgraph.errors import CheckpointError
from lookgraph.models.model import Model, Preparation
from lookgraph.types import Array

INPUT = "pictures"
OUTPUT = "embeddings"

# Old enough for every release of onnx and onnxruntime that is admitted.
_OPSET = 17
_IR_VERSION = 9


class OnnxGraph:
    """A network that grows node by node and takes its weights from a state.

    The methods that add nodes take the names of their inputs and give the name of their output.
    """

    def __init__(self, state: Mapping[str, Array]) -> None:
        self.left = dict(state)
        # Grown in place: protobuf copies what it is given, and weights may take half a gigabyte.
        self._network = helper.make_model(
            onnx.GraphProto(),
            producer_name="lookgraph",
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )
        self._graph = self._network.graph

    def node(self, kind: str, inputs: list[str], *, output: str = "", **attributes: Any) -> str:
        """Add a node of an ONNX operator; the name of its output."""
        output = output or f"{kind}_{len(self._graph.node)}"
        self._graph.node.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: Array | float | Sequence[int]) -> str:
        """Add a constant once; its name. Integers become int64, all else float32."""
        if all(constant.name != name for constant in self._graph.initializer):
            array = np.asarray(value)
            whole = array.dtype.kind == "i"
            self._graph.initializer.add(
                name=name,
                dims=array.shape,
                data_type=TensorProto.INT64 if whole else TensorProto.FLOAT,
                raw_data=array.astype("<i8" if whole else "<f4", copy=False).tobytes(),
            )
        return name

    def normalised_input(self, preparation: Preparation) -> str:
        """The input's bytes as (value - mean) / deviation, channels first, in the network's order.

        This cannot go into the first convolution: its zero padding comes after the mean is gone.
        """
        top = self.node("Transpose", [INPUT], perm=[0, 3, 1, 2])
        if preparation.bgr:
            top = self.node("Gather", [top, self.constant("bgr", [2, 1, 0])], axis=1)
        top = self.node("Cast", [top], to=TensorProto.FLOAT)
        if any(preparation.mean):
            mean = np.reshape(preparation.mean, (3, 1, 1))
            top = self.node("Sub", [top, self.constant("mean", mean)])
        if any(value != 1 for value in preparation.deviation):
            deviation = np.reshape(preparation.deviation, (3, 1, 1))
            top = self.node("Div", [top, self.constant("deviation", deviation)])
        return top

    def convolution(
        self,
        below: str,
        name: str,
        weight: Array,
        bias: Array,
        *,
        stride: int = 1,
        pads: Sequence[int] = (0, 0, 0, 0),
        groups: int = 1,
    ) -> str:
        """A convolution in two dimensions.

        Args:
            below: its input, shape (n, channels in, height, width).
            name: for its constants.
            weight: shape (channels out, channels in for each group, kernel's height, its width).
            bias: shape (channels out).
            stride: of the kernel.
            pads: zeros to add above, left, below and right.
            groups: of channels.
        """
        inputs = [
            below,
            self.constant(f"{name}.weight", weight),
            self.constant(f"{name}.bias", bias),
        ]
        return self.node("Conv", inputs, strides=[stride, stride], pads=list(pads), group=groups)

    def dense(
        self, below: str, name: str, weight: Array, bias: Array, *, transposed: bool = False
    ) -> str:
        """A fully connected layer.

        Args:
            below: its input, shape (n, values in).
            name: for its constants.
            weight: shape (values in, values out), or the other way round if it is `transposed`,
                as torch keeps it.
            bias: shape (values out).
            transposed: see `weight`.
        """
        inputs = [
            below,
            self.constant(f"{name}.weight", weight),
            self.constant(f"{name}.bias", bias),
        ]
        return self.node("Gemm", inputs, transB=int(transposed))

    def relu(self, below: str) -> str:
        """No less than 0."""
        return self.node("Relu", [below])

    def relu6(self, below: str) -> str:
        """No less than 0 and no more than 6."""
        return self.node("Clip", [below, self.constant("zero", 0.0), self.constant("six", 6.0)])

    def max_pool(self, below: str, kernel: int, stride: int, pad: int = 0) -> str:
        """The largest value under a square kernel."""
        return self.node(
            "MaxPool",
            [below],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[pad] * 4,
        )

    def tensor(self, name: str, shape: tuple[int, ...]) -> Array:
        """Take a tensor out of the state, as it is.

        Raises:
            CheckpointError: there is none, or it has another shape.
        """
        if name not in self.left:
            raise CheckpointError(f"the checkpoint has no tensor {name}")
        value = self.left.pop(name)
        if value.shape != shape:
            raise CheckpointError(
                f"the checkpoint's tensor {name} has shape {value.shape} instead of {shape}"
            )
        return value

    def folded(
        self, name: str, norm: str, shape: tuple[int, ...], epsilon: float
    ) -> tuple[Array, Array]:
        """A convolution's weight and bias that include the batch normalisation after it.

        Args:
            name: of the convolution in the state; it has no bias of its own.
            norm: of the batch normalisation.
            shape: of the weight, channels out first.
            epsilon: added to the variances.

        Returns:
            Both in float64, so that folding costs no precision.
        """
        weight = self.tensor(f"{name}.weight", shape)
        gain, shift, mean, variance = (
            self.tensor(f"{norm}.{part}", shape[:1]).astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        self.leave_out(f"{norm}.num_batches_tracked")
        scale = gain / np.sqrt(variance + epsilon)
        return weight * scale[:, None, None, None], shift - mean * scale

    def leave_out(self, *names: str) -> None:
        """Take tensors out of the state that the network does not need."""
        for name in names:
            self.left.pop(name, None)

    def finish(self, top: str, model: Model) -> onnx.ModelProto:
        """The whole network.

        Args:
            top: shape (n, dimension), or with sides of 1 after these.
            model: the row that it is of.

        Raises:
            CheckpointError: the state has a tensor that the network has no place for.
        """
        self.node("Flatten", [top], output=OUTPUT)
        if self.left:
            raise CheckpointError(f"the checkpoint's tensor {min(self.left)} has no place")
        sides = (model.preparation.height, model.preparation.width)
        pictures = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", *sides, 3])
        embeddings = helper.make_tensor_value_info(
            OUTPUT, TensorProto.FLOAT, ["n", model.dimension]
        )
        self._graph.name = model.name
        self._graph.input.append(pictures)
        self._graph.output.append(embeddings)
        return self._network
