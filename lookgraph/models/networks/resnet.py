"""ResNet (He et al. 2015, arXiv:1512.03385) as in torchvision, whose names the tensors have.

torchvision's blocks halve the sides in their 3 x 3 convolution instead of the first 1 x 1 one,
which is known as version 1.5.
"""

from collections.abc import Mapping

import onnx

from lookgraph.models.model import Model
from lookgraph.models.networks.onnx_graph import OnnxGraph
from lookgraph.types import Array

_EPSILON = 1e-5
"""Of batch normalisation, torch's default."""

_EXPANSION = 4
"""The channels that leave a block, for each that is filtered in it."""

_RESNET50_BLOCKS = (3, 4, 6, 3)


def resnet50(state: Mapping[str, Array], model: Model) -> onnx.ModelProto:
    """ResNet50 up to its average pool: 2048 numbers, none negative.

    Args, result and errors are those of `build_network`.
    """
    graph = OnnxGraph(state)
    top = _convolution(
        graph, graph.normalised_input(model.preparation), "conv1", "bn1", (64, 3, 7), stride=2
    )
    top, channels = graph.max_pool(graph.relu(top), kernel=3, stride=2, pad=1), 64
    for number, blocks in enumerate(_RESNET50_BLOCKS):
        width = 64 << number
        for block in range(blocks):
            stride = 2 if number > 0 and block == 0 else 1
            name = f"layer{number + 1}.{block}"
            top = _bottleneck(graph, top, name, channels, width, stride)
            channels = width * _EXPANSION
    graph.leave_out("fc.weight", "fc.bias")
    return graph.finish(graph.node("GlobalAveragePool", [top]), model)


def _bottleneck(
    graph: OnnxGraph, below: str, name: str, channels: int, width: int, stride: int
) -> str:
    """Narrow, filter, widen, add what came in; that is made to fit where it does not."""
    wide = width * _EXPANSION
    top = _convolution(graph, below, f"{name}.conv1", f"{name}.bn1", (width, channels, 1))
    top = _convolution(
        graph, graph.relu(top), f"{name}.conv2", f"{name}.bn2", (width, width, 3), stride
    )
    top = _convolution(graph, graph.relu(top), f"{name}.conv3", f"{name}.bn3", (wide, width, 1))
    if channels != wide or stride != 1:
        shortcut, shape = f"{name}.downsample", (wide, channels, 1)
        below = _convolution(graph, below, f"{shortcut}.0", f"{shortcut}.1", shape, stride)
    return graph.relu(graph.node("Add", [top, below]))


def _convolution(
    graph: OnnxGraph,
    below: str,
    name: str,
    norm: str,
    shape: tuple[int, int, int],
    stride: int = 1,
) -> str:
    """A convolution and its batch normalisation.

    Args:
        graph: what it is added to.
        below: the name of its input.
        name: of its weights in the state,
        norm: and of its batch normalisation.
        shape: channels out, channels in, and the kernel's side, which is odd.
        stride: of the kernel.
    """
    kernel = shape[2]
    weight, bias = graph.folded(name, norm, (*shape, kernel), _EPSILON)
    return graph.convolution(below, name, weight, bias, stride=stride, pads=[kernel // 2] * 4)
