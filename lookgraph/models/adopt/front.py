"""Nodes before somebody's graph, so that it takes pictures as all of our networks do.

Only operators that mean the same in every opset from 7 on.
"""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lookgraph.models.adopt.graphs import rename, value_names
from lookgraph.models.adopt.ports import Port
from lookgraph.models.model import Adoption, Preparation
from lookgraph.models.networks.onnx_graph import INPUT, OUTPUT
from lookgraph.types import Array

OURS = "lookgraph."
"""Before the names of our values."""
VALUES = f"{OURS}values"
"""The network's output as float32, of any shape."""

_INITIALISERS_ALONE = 4
"""The first IR version in which weights need not be inputs as well."""


def put_front(model: onnx.ModelProto, port: Port, adoption: Adoption, how: Preparation) -> None:
    """Make ``pictures`` a network's only input, and `VALUES` its only output.

    In place: weights may take a gigabyte.

    Args:
        model: the network, pruned.
        port: its input.
        adoption: which of its inputs and outputs are used.
        how: what becomes of a picture's values.
    """
    graph = model.graph
    names = _set_aside(graph)
    nodes = _prelude(graph, adoption.channels_last, how, port.type)
    _link(nodes, INPUT, names.get(port.name, port.name))
    own = list(graph.node)
    made = names.get(adoption.output, adoption.output)
    after = helper.make_node("Cast", [made], [VALUES], to=TensorProto.FLOAT)
    for part in (graph.node, graph.input, graph.output, model.metadata_props, model.training_info):
        del part[:]
    graph.node.extend([*nodes, *own, after])
    sides = (how.height, how.width)
    pictures = helper.make_tensor_value_info(
        INPUT, TensorProto.UINT8, [port.batch or "n", *sides, 3]
    )
    graph.input.append(pictures)
    graph.output.append(helper.make_tensor_value_info(VALUES, TensorProto.FLOAT, None))
    model.ir_version = max(model.ir_version, _INITIALISERS_ALONE)


def _set_aside(graph: onnx.GraphProto) -> dict[str, str]:
    """Rename the values that have one of our names; the new names by the old."""
    taken = set(value_names(graph))
    names: dict[str, str] = {}
    for name in taken:
        if name in {INPUT, OUTPUT} or name.startswith(OURS):
            other = f"own.{name}"
            while other in taken:
                other = f"own.{other}"
            names[name] = other
    if names:
        rename(graph, names)
    return names


def _prelude(
    graph: onnx.GraphProto, last: bool, how: Preparation, kind: int
) -> list[onnx.NodeProto]:
    """From bytes to what the network takes, not linked yet; their constants go into the graph."""
    nodes = [] if last else [_node("Transpose", perm=[0, 3, 1, 2])]
    if how.bgr:
        turned = constant(graph, "bgr", np.array([2, 1, 0], np.int64))
        nodes.append(_node("Gather", turned, axis=3 if last else 1))
    if any(how.mean) or any(value != 1 for value in how.deviation):
        sides = (3,) if last else (3, 1, 1)
        mean = constant(graph, "mean", np.reshape(how.mean, sides).astype(np.float32))
        deviation = constant(
            graph, "deviation", np.reshape(how.deviation, sides).astype(np.float32)
        )
        nodes += [_node("Cast", to=TensorProto.FLOAT), _node("Sub", mean), _node("Div", deviation)]
    return [*nodes, _node("Cast", to=kind)]


def _link(nodes: list[onnx.NodeProto], first: str, last: str) -> None:
    """Let each node take what the one before it gives."""
    top = first
    for number, node in enumerate(nodes, 1):
        node.input[0] = top
        top = last if number == len(nodes) else f"{OURS}{number}"
        node.output.append(top)


def _node(operator: str, *constants: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, ["", *constants], [], **attributes)


def constant(graph: onnx.GraphProto, name: str, value: Array) -> str:
    """Add a constant to a graph; its name."""
    graph.initializer.append(numpy_helper.from_array(value, f"{OURS}{name}"))
    return f"{OURS}{name}"
