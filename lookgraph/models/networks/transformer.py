"""The blocks of a transformer, as vision transformers and their text towers have them.

Vaswani et al. 2017, arXiv:1706.03762, with the normalisation before each half of a block, as in
Dosovitskiy et al. 2020, arXiv:2010.11929.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lookgraph.models.networks.onnx_graph import OnnxGraph
from lookgraph.types import Array

_HEAD = 64
"""The values in a head, in every network here."""

_WIDENING = 4
"""The values between the two dense layers of a block, for each that enters it."""


class Style(NamedTuple):
    """How a family names the tensors of a block, and where its blocks differ.

    Attributes:
        attention_norm: the normalisation before the attention.
        attention_input: what ``weight`` and ``bias`` of the queries, keys and values, one after
            the other, have before them.
        attention_output: the dense layer behind the attention.
        dense_norm: the normalisation before the dense layers,
        widen: the first of these,
        narrow: and the second.
        scales: a factor for each value that leaves either half; None where there are none.
        activation: between the dense layers.
        epsilon: added to the variances in the normalisations.
    """

    attention_norm: str
    attention_input: str
    attention_output: str
    dense_norm: str
    widen: str
    narrow: str
    scales: tuple[str, str] | None
    activation: Callable[[OnnxGraph, str], str]
    epsilon: float


def block(
    graph: OnnxGraph, below: str, name: str, style: Style, width: int, mask: str | None = None
) -> str:
    """A block of a transformer.

    Args:
        graph: what it is added to.
        below: its input, shape (n, tokens, width).
        name: of the block in the state, with a dot at its end.
        style: of its family.
        width: the values in a token.
        mask: added to the attention's scores, shape (tokens, tokens); None for nothing.
    """
    scales = style.scales or (None, None)
    top = layer_norm(graph, below, name + style.attention_norm, width, style.epsilon)
    top = _attention(graph, top, name, style, width, mask)
    top = _dense(graph, top, name + style.attention_output, (width, width), name, scales[0])
    below = graph.node("Add", [below, top])
    top = layer_norm(graph, below, name + style.dense_norm, width, style.epsilon)
    top = _dense(graph, top, name + style.widen, (_WIDENING * width, width))
    top = style.activation(graph, top)
    shape = (width, _WIDENING * width)
    top = _dense(graph, top, name + style.narrow, shape, name, scales[1])
    return graph.node("Add", [below, top])


def _attention(
    graph: OnnxGraph, below: str, name: str, style: Style, width: int, mask: str | None
) -> str:
    """What each token takes from the others, shape (n, tokens, width)."""
    name += style.attention_input
    weight = graph.tensor(f"{name}weight", (3 * width, width)).astype(np.float32)
    bias = graph.tensor(f"{name}bias", (3 * width,)).astype(np.float32)
    # The scores are divided by the root of 64, which is exact, so the queries can be instead.
    weight[:width] /= math.sqrt(_HEAD)
    bias[:width] /= math.sqrt(_HEAD)
    apart = graph.constant("heads_apart", [0, 0, width // _HEAD, _HEAD])
    heads = []
    # (n, heads, tokens, 64), and the keys transposed.
    for number, axes in enumerate(([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])):
        part = slice(number * width, (number + 1) * width)
        top = dense(graph, below, f"{name}{number}", weight[part], bias[part])
        heads.append(graph.node("Transpose", [graph.node("Reshape", [top, apart])], perm=axes))
    scores = graph.node("MatMul", heads[:2])
    if mask:
        scores = graph.node("Add", [scores, mask])
    top = graph.node("MatMul", [graph.node("Softmax", [scores], axis=-1), heads[2]])
    top = graph.node("Transpose", [top], perm=[0, 2, 1, 3])
    return graph.node("Reshape", [top, graph.constant("heads_together", [0, 0, width])])


def _dense(
    graph: OnnxGraph,
    below: str,
    name: str,
    shape: tuple[int, int],
    block_name: str = "",
    scale: str | None = None,
) -> str:
    """A dense layer of the state; a scale of what leaves it goes into its weight and bias."""
    weight: Array = graph.tensor(f"{name}.weight", shape)
    bias: Array = graph.tensor(f"{name}.bias", shape[:1])
    if scale:
        factors = graph.tensor(block_name + scale, shape[:1]).astype(np.float64)
        weight, bias = factors[:, None] * weight, factors * bias
    return dense(graph, below, name, weight, bias)


def dense(graph: OnnxGraph, below: str, name: str, weight: Array, bias: Array | None = None) -> str:
    """A fully connected layer for each token.

    Args:
        graph: what it is added to.
        below: its input, shape (…, values in).
        name: for its constants.
        weight: shape (values out, values in), as torch keeps it.
        bias: shape (values out); None for none.
    """
    top = graph.node("MatMul", [below, graph.constant(f"{name}.weight", weight.T)])
    if bias is None:
        return top
    return graph.node("Add", [top, graph.constant(f"{name}.bias", bias)])


def layer_norm(graph: OnnxGraph, below: str, name: str, width: int, epsilon: float) -> str:
    """Layer normalisation of the last axis (Ba et al. 2016, arXiv:1607.06450)."""
    parts = [
        graph.constant(f"{name}.{part}", graph.tensor(f"{name}.{part}", (width,)))
        for part in ("weight", "bias")
    ]
    return graph.node("LayerNormalization", [below, *parts], axis=-1, epsilon=epsilon)


def gelu(graph: OnnxGraph, below: str) -> str:
    """GELU, x times the normal distribution function of x (arXiv:1606.08415), exactly."""
    top = graph.node("Div", [below, graph.constant("root_of_two", math.sqrt(2))])
    top = graph.node("Add", [graph.node("Erf", [top]), graph.constant("one", 1.0)])
    top = graph.node("Mul", [below, top])
    return graph.node("Mul", [top, graph.constant("half", 0.5)])


def quick_gelu(graph: OnnxGraph, below: str) -> str:
    """CLIP's approximation of GELU: x times the logistic function of 1.702 x."""
    top = graph.node("Mul", [below, graph.constant("steepness", 1.702)])
    return graph.node("Mul", [below, graph.node("Sigmoid", [top])])
