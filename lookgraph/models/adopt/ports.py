"""Which of a graph's inputs is for pictures, which of its outputs is the embedding."""

from dataclasses import dataclass
from typing import TypeAlias

import onnx
from onnx import TensorProto

from lookgraph.errors import ModelError, UsageError
from lookgraph.models.adopt.values import LARGEST_SIDE

Shape: TypeAlias = tuple[int | None, ...]
"""Sides of a tensor; None where the graph leaves it open."""

_CONVENTIONAL = {
    "image_embeds",
    "image_embedding",
    "image_embeddings",
    "embedding",
    "embeddings",
    "pooler_output",
}
"""Of several outputs, the only one of these names is taken. Hugging Face's exporter uses the first
for CLIP and the last for vision transformers."""

_TYPES = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.UINT8)
_MOST_PIXELS = 1 << 27
"""Of a batch: as float32, 1.6 GB."""


@dataclass(frozen=True, slots=True)
class Port:
    """A graph's input for pictures.

    Attributes:
        name: its name.
        type: the numbers it takes, a `TensorProto.DataType` of four.
        shape: of length 4.
    """

    name: str
    type: int
    shape: Shape

    @property
    def batch(self) -> int | None:
        """How many pictures at a time; None for any number."""
        return self.shape[0]

    def __str__(self) -> str:
        return _text(self.name, self.type, self.shape)


def choose_output(graph: onnx.GraphProto, name: str | None) -> str:
    """The name of the value that is the embedding.

    Args:
        graph: the graph.
        name: an output's, or that of any other value in it; None for what is conventional.

    Raises:
        UsageError: there is none of that name, or several to choose from.
    """
    outputs = {value.name: value for value in graph.output}
    listed = ", ".join(_described(value) for value in outputs.values()) or "none"
    if name is not None:
        if name in outputs or any(name in node.output for node in graph.node):
            return name
        raise UsageError(f"there is no output {name!r}; there is: {listed}")
    usual = outputs.keys() & _CONVENTIONAL
    if len(outputs) != 1 and len(usual) != 1:
        raise UsageError(f"say which output is the embedding (option output): {listed}")
    (chosen,) = usual if len(outputs) != 1 else outputs
    return str(chosen)


def choose_input(graph: onnx.GraphProto, name: str | None) -> Port:
    """The input for pictures of a graph that has been pruned.

    Args:
        graph: the graph.
        name: the input's; None for the only one.

    Raises:
        UsageError: there is none of that name.
        ModelError: the network needs something else than pictures.
    """
    constants = {value.name for value in graph.initializer}
    constants |= {value.values.name for value in graph.sparse_initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    listed = ", ".join(map(_described, inputs)) or "none"
    if name is not None and all(value.name != name for value in inputs):
        raise UsageError(f"the output needs no input {name!r}; it needs: {listed}")
    if len(inputs) != 1:
        raise ModelError(
            f"its output needs these inputs: {listed}; it should need pictures only. Name another "
            "output (option output), or export the part of the network that sees pictures"
        )
    return _port(inputs[0])


def stated_shape(graph: onnx.GraphProto, output: str) -> Shape | None:
    """What the graph says of an output's shape; None if it says nothing."""
    for value in graph.output:
        if value.name == output:
            return _shape(value)
    return None


def channels_last(port: Port, layout: str | None) -> bool:
    """Whether an input has the shape (n, height, width, 3) instead of (n, 3, height, width).

    Args:
        port: the input.
        layout: what somebody says of it, "nchw" or "nhwc".

    Raises:
        UsageError: it can have either, and nobody says which; or it cannot have what is said.
        ModelError: it has three channels nowhere.
    """
    ways = {"nchw": port.shape[1], "nhwc": port.shape[3]}
    possible = [way for way, channels in ways.items() if channels in {3, None}]
    stated = [way for way, channels in ways.items() if channels == 3]
    if not possible:
        raise ModelError(f"its input {port} has no three channels for red, green and blue")
    if layout:
        if layout not in possible:
            raise UsageError(f"its input {port} is not {layout}")
        return layout == "nhwc"
    for found in (stated, possible):
        if len(found) == 1:
            return found == ["nhwc"]
    raise UsageError(f"its input {port} does not say where the channels are: option layout")


def input_sides(port: Port, last: bool, size: tuple[int, int] | None) -> tuple[int, int]:
    """The height and width of an input in pixels.

    Args:
        port: the input.
        last: whether its channels are last.
        size: what somebody says of it.

    Raises:
        UsageError: the graph leaves them open and nobody says them, or it says something else.
        ModelError: they are too large, alone or for the pictures that go in together.
    """
    height, width = port.shape[1:3] if last else port.shape[2:4]
    if size is None and (height is None or width is None):
        raise UsageError(f"its input {port} takes pictures of any size: say which (option size)")
    said = size or (None, None)
    found = (height or said[0] or 0, width or said[1] or 0)
    if size not in {None, found}:
        raise UsageError(f"its input {port} is not of the size {said[0]} x {said[1]}")
    if max(found) > LARGEST_SIDE or (port.batch or 1) * found[0] * found[1] > _MOST_PIXELS:
        raise ModelError(f"its input {port} is too large")
    return found


def _port(value: onnx.ValueInfoProto) -> Port:
    kind = value.type.tensor_type.elem_type
    shape = _shape(value) or (None,) * 4
    if kind not in _TYPES:
        names = ", ".join(map(_type_name, _TYPES))
        raise ModelError(f"its input {_described(value)} is none of these: {names}")
    if len(shape) != 4:
        raise ModelError(f"its input {_described(value)} is for no pictures: four sides are wanted")
    return Port(value.name, kind, shape)


def _shape(value: onnx.ValueInfoProto) -> Shape | None:
    if not value.type.tensor_type.HasField("shape"):
        return None
    sides = (side.dim_value for side in value.type.tensor_type.shape.dim)
    return tuple(side if side > 0 else None for side in sides)


def _described(value: onnx.ValueInfoProto) -> str:
    return _text(value.name, value.type.tensor_type.elem_type, _shape(value))


def _text(name: str, kind: int, shape: Shape | None) -> str:
    sides = (
        "of unknown shape"
        if shape is None
        else f"({', '.join(str(side or '?') for side in shape)})"
    )
    shown = name if name.isprintable() else ascii(name)  # a terminal would obey some characters
    return f"{shown[:80]} {_type_name(kind)} {sides}"


def _type_name(kind: int) -> str:
    known = kind in TensorProto.DataType.values()
    return str(TensorProto.DataType.Name(kind)).lower() if known else f"type {kind}"
