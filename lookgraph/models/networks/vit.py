"""Vision transformers: what all have before their blocks, and DINOv2.

A vision transformer (Dosovitskiy et al. 2020, arXiv:2010.11929) cuts a picture into square patches,
each of which becomes a token, and puts one more before them, in which it gathers what it sees.
DINOv2 is by Oquab et al. (2023, arXiv:2304.07193); its tensors have the names of
https://github.com/facebookresearch/dinov2.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from lookgraph.errors import ModelError
from lookgraph.models.model import Model
from lookgraph.models.networks.onnx_graph import OnnxGraph
from lookgraph.models.networks.transformer import Style, block, gelu, layer_norm
from lookgraph.types import Array

_PATCH = 14
_WIDTH = 384
_BLOCKS = 12
_TRAINED_SIDE = 37
"""Patches along a side in the pictures of 518 x 518 that the published positions are for."""

_OFFSET = 0.1
"""DINOv2 adds so many patches to a side before it computes how much smaller the picture is."""

_BEND = -0.75
"""The cubic filter's free parameter, in torch."""

_STYLE = Style(
    attention_norm="norm1",
    attention_input="attn.qkv.",
    attention_output="attn.proj",
    dense_norm="norm2",
    widen="mlp.fc1",
    narrow="mlp.fc2",
    scales=("ls1.gamma", "ls2.gamma"),
    activation=gelu,
    epsilon=1e-6,
)


def dinov2_small(state: Mapping[str, Array], model: Model) -> onnx.ModelProto:
    """DINOv2's ViT-S/14: the 384 numbers of the normalised class token.

    Args, result and errors are those of `build_network`.
    """
    rows, columns = patches(model, _PATCH)
    graph = OnnxGraph(state)
    weight = graph.tensor("patch_embed.proj.weight", (_WIDTH, 3, _PATCH, _PATCH))
    bias = graph.tensor("patch_embed.proj.bias", (_WIDTH,))
    positions = graph.tensor("pos_embed", (1, _TRAINED_SIDE**2 + 1, _WIDTH))[0].astype(np.float64)
    first = graph.tensor("cls_token", (1, 1, _WIDTH))[0] + positions[:1]
    rest = resized_positions(positions[1:], rows, columns)
    top = patch_tokens(graph, model, weight, bias, np.concatenate([first, rest]))
    for number in range(_BLOCKS):
        top = block(graph, top, f"blocks.{number}.", _STYLE, _WIDTH)
    graph.leave_out("mask_token")
    return graph.finish(
        layer_norm(graph, class_token(graph, top), "norm", _WIDTH, _STYLE.epsilon), model
    )


def patches(model: Model, side: int) -> tuple[int, int]:
    """The rows and columns of patches in a picture.

    Raises:
        ModelError: it cannot be cut into patches of this side.
    """
    height, width = model.preparation.height, model.preparation.width
    if height % side or width % side:
        raise ModelError(
            f"{model.name} cannot take pictures of {width} x {height}: "
            f"it cuts them into squares of {side} x {side}"
        )
    return height // side, width // side


def patch_tokens(
    graph: OnnxGraph, model: Model, weight: Array, bias: Array, positions: Array
) -> str:
    """The tokens of a picture, shape (n, 1 + patches, width), the class token first.

    Args:
        graph: what this is added to.
        model: the row.
        weight: shape (width, 3, side, side) with the side of a patch.
        bias: shape (width,).
        positions: what is added to each token, shape (1 + patches, width); to the class token's
            row, the token itself has been added.
    """
    width, _, side, _ = weight.shape
    below = graph.normalised_input(model.preparation)
    top = graph.convolution(below, "patches", weight, bias, stride=side)
    top = graph.node("Reshape", [top, graph.constant("patches_in_a_row", [0, width, -1])])
    top = graph.node("Transpose", [top], perm=[0, 2, 1])
    top = graph.node("Pad", [top, graph.constant("one_before", [0, 1, 0, 0, 0, 0])])
    return graph.node("Add", [top, graph.constant("positions", positions)])


def class_token(graph: OnnxGraph, tokens: str) -> str:
    """The first token, shape (n, width)."""
    return graph.node("Gather", [tokens, graph.constant("first", np.array(0))], axis=1)


def resized_positions(positions: NDArray[np.float64], rows: int, columns: int) -> Array:
    """DINOv2's positions for another number of patches than the trained one.

    As `interpolate_pos_encoding` in DINOv2's code does it: torch's bicubic interpolation without
    antialiasing, by a factor that is a little larger than what the numbers of patches say.

    Args:
        positions: shape (37 * 37, width), row by row.
        rows: of patches.
        columns: of patches.

    Returns:
        float64, shape (rows * columns, width).
    """
    if (rows, columns) == (_TRAINED_SIDE, _TRAINED_SIDE):
        return positions
    grid = positions.reshape(_TRAINED_SIDE, _TRAINED_SIDE, -1)
    down, across = _resizing(rows), _resizing(columns)
    resized: Array = np.einsum("ij,kl,jlc->ikc", down, across, grid, optimize=True)
    return resized.reshape(rows * columns, -1)


def _resizing(side: int) -> NDArray[np.float64]:
    """What each new position takes from each trained one along a side, shape (side, 37)."""
    places = (np.arange(side) + 0.5) * _TRAINED_SIDE / (side + _OFFSET) - 0.5
    before = np.floor(places).astype(int)
    matrix = np.zeros((side, _TRAINED_SIDE))
    for step in range(-1, 3):
        # Beyond the edge stands what is at the edge.
        sources = np.clip(before + step, 0, _TRAINED_SIDE - 1)
        np.add.at(matrix, (np.arange(side), sources), _cubic(places - before - step))
    return matrix


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic filter (1981, doi:10.1109/TASSP.1981.1163711) for distances up to 2."""
    x, a = np.abs(distance), _BEND
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, far)
