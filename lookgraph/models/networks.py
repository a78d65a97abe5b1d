"""From a state to a network that ONNX Runtime executes.

EfficientNet-Lite (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite)
is EfficientNet (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excitation and with ReLU6.
The names of the tensors are those of the PyTorch package ``efficientnet-lite-pytorch``.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import onnx

from lookgraph.models.onnx_graph import OnnxGraph
from lookgraph.models.registry import Model
from lookgraph.types import Array


class _Stage(NamedTuple):
    """A row of blocks; the stride is that of the first, those of the others are 1."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_LITE0_STEM = 32
_LITE0_STAGES = (
    _Stage(blocks=1, kernel=3, stride=1, expansion=1, channels=16),
    _Stage(blocks=2, kernel=3, stride=2, expansion=6, channels=24),
    _Stage(blocks=2, kernel=5, stride=2, expansion=6, channels=40),
    _Stage(blocks=3, kernel=3, stride=2, expansion=6, channels=80),
    _Stage(blocks=3, kernel=5, stride=1, expansion=6, channels=112),
    _Stage(blocks=4, kernel=5, stride=2, expansion=6, channels=192),
    _Stage(blocks=1, kernel=3, stride=1, expansion=6, channels=320),
)


def build_network(state: Mapping[str, Array], model: Model) -> onnx.ModelProto:
    """The network of a row of the registry.

    Args:
        state: its weights by name, as `checkpoints.read_checkpoint` gives them.
        model: the row.

    Returns:
        A network from ``pictures``, uint8 (n, crop, crop, 3), sRGB, to ``embeddings``, float32
        (n, dimension), not normalised. n is free.

    Raises:
        CheckpointError: a tensor is missing, has another shape, or is one too many.
    """
    return BUILDERS[model.architecture](state, model)


def efficientnet_lite0(state: Mapping[str, Array], model: Model) -> onnx.ModelProto:
    """EfficientNet-Lite0 up to the average pool behind its head: 1280 numbers, none negative.

    Args, result and errors are those of `build_network`.
    """
    graph = OnnxGraph(state)
    top = graph.normalised_input(model)
    top, side = graph.convolution(top, "_conv_stem", "_bn0", (_LITE0_STEM, 3, 3), model.crop, 2)
    channels, number = _LITE0_STEM, 0
    for stage in _LITE0_STAGES:
        for block in range(stage.blocks):
            only_first = stage if block == 0 else stage._replace(stride=1)
            top, side = _block(graph, top, f"_blocks.{number}", only_first, channels, side)
            channels, number = stage.channels, number + 1
    shape = (model.dimension, channels, 1)
    top, _ = graph.convolution(top, "_conv_head", "_bn1", shape, side)
    graph.leave_out("_fc.weight", "_fc.bias")
    return graph.finish(graph.node("GlobalAveragePool", [top]), model)


def _block(
    graph: OnnxGraph, below: str, name: str, stage: _Stage, channels: int, side: int
) -> tuple[str, int]:
    """An inverted residual: widen, filter each channel by itself, narrow, add what came in."""
    top, width = below, channels * stage.expansion
    if stage.expansion != 1:
        shape = (width, channels, 1)
        top, _ = graph.convolution(top, f"{name}._expand_conv", f"{name}._bn0", shape, side)
    top, after = graph.convolution(
        top,
        f"{name}._depthwise_conv",
        f"{name}._bn1",
        (width, 1, stage.kernel),
        side,
        stage.stride,
        groups=width,
    )
    shape = (stage.channels, width, 1)
    top, _ = graph.convolution(
        top, f"{name}._project_conv", f"{name}._bn2", shape, after, activate=False
    )
    if stage.stride == 1 and channels == stage.channels:
        top = graph.node("Add", [top, below])
    return top, after


BUILDERS: dict[str, Callable[[Mapping[str, Array], Model], onnx.ModelProto]] = {
    "efficientnet-lite0": efficientnet_lite0,
}
