"""EfficientNet-Lite.

It (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite) is
EfficientNet (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excitation and with ReLU6.
The names of the tensors are those of the PyTorch package ``efficientnet-lite-pytorch``.
"""

from collections.abc import Mapping
from typing import NamedTuple

import onnx

from lookgraph.models.model import Model
from lookgraph.models.networks.onnx_graph import OnnxGraph
from lookgraph.types import Array

_EPSILON = 1e-3
"""Of batch normalisation, as in TensorFlow's EfficientNets."""


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


def efficientnet_lite0(state: Mapping[str, Array], model: Model) -> onnx.ModelProto:
    """EfficientNet-Lite0 up to the average pool behind its head: 1280 numbers, none negative.

    Args, result and errors are those of `build_network`.
    """
    graph = OnnxGraph(state)
    top, side = graph.normalised_input(model.preparation), model.preparation.height
    top, side = _convolution(graph, top, "_conv_stem", "_bn0", (_LITE0_STEM, 3, 3), side, 2)
    top, channels, number = graph.relu6(top), _LITE0_STEM, 0
    for stage in _LITE0_STAGES:
        for block in range(stage.blocks):
            only_first = stage if block == 0 else stage._replace(stride=1)
            top, side = _block(graph, top, f"_blocks.{number}", only_first, channels, side)
            channels, number = stage.channels, number + 1
    shape = (model.dimension, channels, 1)
    top, _ = _convolution(graph, top, "_conv_head", "_bn1", shape, side)
    graph.leave_out("_fc.weight", "_fc.bias")
    return graph.finish(graph.node("GlobalAveragePool", [graph.relu6(top)]), model)


def _block(
    graph: OnnxGraph, below: str, name: str, stage: _Stage, channels: int, side: int
) -> tuple[str, int]:
    """An inverted residual: widen, filter each channel by itself, narrow, add what came in."""
    top, width = below, channels * stage.expansion
    if stage.expansion != 1:
        shape = (width, channels, 1)
        top, _ = _convolution(graph, top, f"{name}._expand_conv", f"{name}._bn0", shape, side)
        top = graph.relu6(top)
    top, after = _convolution(
        graph,
        top,
        f"{name}._depthwise_conv",
        f"{name}._bn1",
        (width, 1, stage.kernel),
        side,
        stage.stride,
        groups=width,
    )
    shape = (stage.channels, width, 1)
    top, _ = _convolution(
        graph, graph.relu6(top), f"{name}._project_conv", f"{name}._bn2", shape, after
    )
    if stage.stride == 1 and channels == stage.channels:
        top = graph.node("Add", [top, below])
    return top, after


def _convolution(
    graph: OnnxGraph,
    below: str,
    name: str,
    norm: str,
    shape: tuple[int, int, int],
    side: int,
    stride: int = 1,
    groups: int = 1,
) -> tuple[str, int]:
    """A convolution and its batch normalisation.

    Args:
        graph: what it is added to.
        below: the name of its input.
        name: of its weights in the state,
        norm: and of its batch normalisation.
        shape: channels out, channels in for each group, and the kernel's side.
        side: the side of its input, in pixels.
        stride: of the kernel.
        groups: of channels.

    Returns:
        The name and the side of its output.
    """
    after, pads = _same(side, shape[2], stride)
    weight, bias = graph.folded(name, norm, (*shape, shape[2]), _EPSILON)
    top = graph.convolution(below, name, weight, bias, stride=stride, pads=pads, groups=groups)
    return top, after


def _same(side: int, kernel: int, stride: int) -> tuple[int, list[int]]:
    """TensorFlow's SAME padding: the side after it, and the pixels to add on each side."""
    after = -(-side // stride)
    pad = max((after - 1) * stride + kernel - side, 0)
    before = pad // 2
    return after, [before, before, pad - before, pad - before]
