"""VGG16 (Simonyan and Zisserman 2014, arXiv:1409.1556, configuration D) to its first dense layer.

The convolutions are the same everywhere. torchvision and Keras name the tensors and order their
axes in their own ways, and flatten the last of the pictures in their own ways, too.
"""

import re
from collections.abc import Mapping

import onnx

from lookgraph.errors import CheckpointError, ModelError
from lookgraph.models.model import Model
from lookgraph.models.networks.onnx_graph import OnnxGraph
from lookgraph.types import Array

_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""The channels of each convolution; behind each block the sides are halved."""

_SIDE = 224
_FLAT = 512 * (_SIDE // 32) ** 2
"""The values that the convolutions leave."""


def vgg16_torch(state: Mapping[str, Array], model: Model) -> onnx.ModelProto:
    """VGG16 of torchvision up to the ReLU behind ``classifier.0``: 4096 numbers, none negative.

    torchvision pools to 7 x 7 before that, which changes nothing on pictures of 224 x 224.

    Args, result and errors are those of `build_network`.
    """
    _check_sides(model)
    graph = OnnxGraph(state)
    top, channels, number = graph.normalised_input(model.preparation), 3, 0
    for block in _BLOCKS:
        for width in block:
            name = f"features.{number}"
            weight = graph.tensor(f"{name}.weight", (width, channels, 3, 3))
            bias = graph.tensor(f"{name}.bias", (width,))
            top = graph.relu(graph.convolution(top, name, weight, bias, pads=[1] * 4))
            channels, number = width, number + 2
        top, number = graph.max_pool(top, kernel=2, stride=2), number + 1
    weight = graph.tensor("classifier.0.weight", (model.dimension, _FLAT))
    bias = graph.tensor("classifier.0.bias", (model.dimension,))
    flat = graph.node("Flatten", [top])
    top = graph.dense(flat, "classifier.0", weight, bias, transposed=True)
    for rest in ("classifier.3", "classifier.6"):
        graph.leave_out(f"{rest}.weight", f"{rest}.bias")
    return graph.finish(graph.relu(top), model)


def vgg16_keras(state: Mapping[str, Array], model: Model) -> onnx.ModelProto:
    """VGG16 of Keras up to ``fc1`` with its ReLU: 4096 numbers, none negative.

    Args, result and errors are those of `build_network`. The tensors are told by layer and kind:
    the published file has ``block1_conv1_W_1:0`` where later releases of Keras write
    ``block1_conv1/kernel:0``.
    """
    _check_sides(model)
    graph = OnnxGraph(_by_layer(state))
    top, channels = graph.normalised_input(model.preparation), 3
    for number, block in enumerate(_BLOCKS, start=1):
        for place, width in enumerate(block, start=1):
            name = f"block{number}_conv{place}"
            weight = graph.tensor(f"{name}/kernel", (3, 3, channels, width)).transpose(3, 2, 0, 1)
            bias = graph.tensor(f"{name}/bias", (width,))
            top = graph.relu(graph.convolution(top, name, weight, bias, pads=[1] * 4))
            channels = width
        top = graph.max_pool(top, kernel=2, stride=2)
    weight = graph.tensor("fc1/kernel", (_FLAT, model.dimension))
    bias = graph.tensor("fc1/bias", (model.dimension,))
    # Keras flattens with the channels last. Turning these few values round, and not the rows of
    # the weight, saves a copy of 411 MB.
    flat = graph.node("Flatten", [graph.node("Transpose", [top], perm=[0, 2, 3, 1])])
    top = graph.dense(flat, "fc1", weight, bias)
    for rest in ("fc2", "predictions"):
        graph.leave_out(f"{rest}/kernel", f"{rest}/bias")
    return graph.finish(graph.relu(top), model)


def _check_sides(model: Model) -> None:
    sides = (model.preparation.width, model.preparation.height)
    if sides != (_SIDE, _SIDE):
        raise ModelError(
            f"{model.name} cannot take pictures of {sides[0]} x {sides[1]}: "
            f"VGG16's first fully connected layer needs {_SIDE} x {_SIDE}"
        )


_KERAS_NAME = re.compile(
    r"(?:^|/)(?P<layer>[a-z]+\d?(?:_conv\d)?)"
    r"(?:_(?P<old>[Wb])(?:_\d+)?|/(?P<new>kernel|bias))(?::0)?\Z"
)
_KINDS = {"W": "kernel", "b": "bias"}


def _by_layer(state: Mapping[str, Array]) -> dict[str, Array]:
    """Keras' tensors as ``LAYER/kernel`` and ``LAYER/bias``, whichever release named them.

    Raises:
        CheckpointError: two are the same tensor.
    """
    named: dict[str, Array] = {}
    for name, tensor in state.items():
        found = _KERAS_NAME.search(name)
        plain = f"{found['layer']}/{found['new'] or _KINDS[found['old']]}" if found else name
        if plain in named:
            raise CheckpointError(f"the checkpoint has two tensors {plain}; one is {name}")
        named[plain] = tensor
    return named
