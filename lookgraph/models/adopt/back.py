"""Nodes behind somebody's graph, so that it gives one embedding a picture."""

from math import prod

import numpy as np
import onnx
from onnx import TensorProto, helper

from lookgraph.errors import UsageError
from lookgraph.models.adopt.front import VALUES, constant
from lookgraph.models.adopt.ports import Shape
from lookgraph.models.model import Adoption
from lookgraph.models.networks.onnx_graph import OUTPUT

_AXES_AS_INPUT = 18
"""The first opset in which ReduceMean takes its axes as an input."""


def dimension(shape: Shape, adoption: Adoption) -> int | None:
    """The numbers in an embedding; None if the shape leaves them open.

    A map has its channels where the network's input has them: (n, d, height, width), or
    (n, height, width, d).

    Args:
        shape: of the network's output.
        adoption: what is made of it.

    Raises:
        UsageError: it cannot be made of that.
    """
    sides, pool = shape[1:], adoption.pool
    if pool and len(sides) == 2:
        return sides[1]
    if pool == "mean" and len(sides) == 3:
        return sides[2] if adoption.channels_last else sides[0]
    text = f"({', '.join(['n', *(str(side or '?') for side in sides)])})"
    if pool:
        raise UsageError(f'its output has the shape {text}, of which pool = "{pool}" makes nothing')
    if not sides:
        raise UsageError(f"its output has the shape {text}: that is no embedding")
    if None in sides:
        return None
    known = [side for side in sides if side]
    if sum(side > 1 for side in known) > 1:
        raise UsageError(
            f"its output has the shape {text}, more than one vector a picture: say what becomes of "
            'them (option pool): "mean", or "first" for (n, tokens, d)'
        )
    return prod(known)


def put_back(network: onnx.ModelProto, adoption: Adoption, shape: Shape, opset: int) -> None:
    """Let a network give ``embeddings``, float32, shape (n, dimension), instead of `VALUES`.

    In place, as `front.put_front`, which has been there before.

    Args:
        network: the network.
        adoption: what is made of its output.
        shape: of its output.
        opset: its version of ONNX' operators.
    """
    graph = network.graph
    if adoption.pool == "first":
        first = constant(graph, "first", np.array(0, np.int64))
        node = helper.make_node("Gather", [VALUES, first], [OUTPUT], axis=1)
    elif adoption.pool == "mean":
        node = _mean(graph, _places(len(shape), adoption.channels_last), opset)
    else:
        node = helper.make_node("Flatten", [VALUES], [OUTPUT], axis=1)
    graph.node.append(node)
    del graph.output[:]
    batch = graph.input[0].type.tensor_type.shape.dim[0].dim_value or "n"
    sides = [batch, dimension(shape, adoption)]
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, sides))


def _mean(graph: onnx.GraphProto, axes: list[int], opset: int) -> onnx.NodeProto:
    if opset < _AXES_AS_INPUT:
        return helper.make_node("ReduceMean", [VALUES], [OUTPUT], axes=axes, keepdims=0)
    places = constant(graph, "axes", np.array(axes, np.int64))
    return helper.make_node("ReduceMean", [VALUES, places], [OUTPUT], keepdims=0)


def _places(rank: int, channels_last: bool) -> list[int]:
    """The axes of an output that are not its channels."""
    if rank == 3:
        return [1]
    return [1, 2] if channels_last else [2, 3]
