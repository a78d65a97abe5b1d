"""Builds an ONNX network node by node, from the weights of a state."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lookgraph.errors import CheckpointError
from lookgraph.models.registry import Model
from lookgraph.types import Array

INPUT = "pictures"
OUTPUT = "embeddings"

# Old enough for every release of onnx and onnxruntime that is admitted.
_OPSET = 17
_IR_VERSION = 9

_EPSILON = 1e-3
"""Of batch normalisation, as in TensorFlow's EfficientNets."""


class OnnxGraph:
    """A network that grows node by node and takes its weights from a state."""

    def __init__(self, state: Mapping[str, Array]) -> None:
        self.left = dict(state)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []

    def node(self, kind: str, inputs: list[str], *, output: str = "", **attributes: Any) -> str:
        """Add a node; the name of its output."""
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: Array | float) -> str:
        """Add a float32 constant once; its name."""
        if all(constant.name != name for constant in self.constants):
            tensor = numpy_helper.from_array(np.asarray(value, np.float32, order="C"), name)
            self.constants.append(tensor)
        return name

    def normalised_input(self, model: Model) -> str:
        """The input's bytes as (value - mean) / deviation, channels first.

        This cannot go into the first convolution: its zero padding comes after the mean is gone.
        """
        top = self.node("Transpose", [INPUT], perm=[0, 3, 1, 2])
        top = self.node("Cast", [top], to=TensorProto.FLOAT)
        top = self.node("Sub", [top, self.constant("mean", model.mean)])
        return self.node("Div", [top, self.constant("deviation", model.deviation)])

    def convolution(
        self,
        below: str,
        name: str,
        norm: str,
        shape: tuple[int, int, int],
        side: int,
        stride: int = 1,
        groups: int = 1,
        activate: bool = True,
    ) -> tuple[str, int]:
        """A convolution with its batch normalisation folded in, then ReLU6.

        Args:
            below: the name of its input.
            name: of its weights in the state,
            norm: and of its batch normalisation.
            shape: channels out, channels in for each group, and the kernel's side.
            side: the side of its input, in pixels.
            stride: of the kernel.
            groups: of channels.
            activate: whether ReLU6 follows.

        Returns:
            The name and the side of its output.
        """
        weight, bias = self.folded(name, norm, (*shape, shape[2]))
        inputs = [
            below,
            self.constant(f"{name}.weight", weight),
            self.constant(f"{name}.bias", bias),
        ]
        after, pads = _same(side, shape[2], stride)
        top = self.node("Conv", inputs, strides=[stride, stride], pads=pads, group=groups)
        if activate:
            top = self.node("Clip", [top, self.constant("zero", 0.0), self.constant("six", 6.0)])
        return top, after

    def folded(self, name: str, norm: str, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """A convolution's weights and bias that include the batch normalisation after it."""
        weight = self.tensor(f"{name}.weight", shape)
        gain, shift, mean, variance = (
            self.tensor(f"{norm}.{part}", shape[:1])
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        self.leave_out(f"{norm}.num_batches_tracked")
        scale = gain / np.sqrt(variance + _EPSILON)
        return weight * scale[:, None, None, None], shift - mean * scale

    def tensor(self, name: str, shape: tuple[int, ...]) -> Array:
        """Take a tensor out of the state, as float64 so that folding costs no precision."""
        if name not in self.left:
            raise CheckpointError(f"the checkpoint has no tensor {name}")
        value = self.left.pop(name)
        if value.shape != shape:
            raise CheckpointError(
                f"the checkpoint's tensor {name} has shape {value.shape} instead of {shape}"
            )
        return value.astype(np.float64)

    def leave_out(self, *names: str) -> None:
        """Take tensors out of the state that the network does not need."""
        for name in names:
            self.left.pop(name, None)

    def finish(self, top: str, model: Model) -> onnx.ModelProto:
        """The whole network, checked; `top` has shape (n, dimension, 1, 1)."""
        self.node("Flatten", [top], output=OUTPUT)
        if self.left:
            raise CheckpointError(f"the checkpoint's tensor {min(self.left)} has no place")
        pictures: list[str | int | None] = ["n", model.crop, model.crop, 3]
        graph = helper.make_graph(
            self.nodes,
            model.name,
            [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, pictures)],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", model.dimension])],
            self.constants,
        )
        network = helper.make_model(
            graph,
            producer_name="lookgraph",
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )
        onnx.checker.check_model(network)
        return network


def _same(side: int, kernel: int, stride: int) -> tuple[int, list[int]]:
    """TensorFlow's SAME padding: the side after it, and the pixels to add on each side."""
    after = -(-side // stride)
    pad = max((after - 1) * stride + kernel - side, 0)
    before = pad // 2
    return after, [before, before, pad - before, pad - before]
