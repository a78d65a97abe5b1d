"""Walks through an ONNX graph: what an output needs of it, and other names for its values."""

from collections.abc import Iterator, MutableSequence, Sequence
from typing import TypeVar

import onnx

_T = TypeVar("_T")


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs in a node's attributes: the branches of If, the bodies of Loop and Scan."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def prune(graph: onnx.GraphProto, output: str) -> None:
    """Take out of a graph, in place, what a value does not need: nodes, inputs and weights.

    Args:
        graph: the graph.
        output: the value's name.
    """
    makers = {name: at for at, node in enumerate(graph.node) for name in node.output}
    needed, kept, waiting = {output}, set[int](), [output]
    while waiting:
        at = makers.get(waiting.pop())
        if at is not None and at not in kept:
            kept.add(at)
            used = set(_used(graph.node[at]))
            waiting.extend(used - needed)
            needed |= used
    _keep(graph.node, [at in kept for at in range(len(graph.node))])
    _keep(graph.input, [value.name in needed for value in graph.input])
    _keep(graph.initializer, [value.name in needed for value in graph.initializer])
    sparse = graph.sparse_initializer
    _keep(sparse, [value.values.name in needed for value in sparse])


def _keep(values: MutableSequence[_T], which: Sequence[bool]) -> None:
    for at in reversed(range(len(which))):
        if not which[at]:
            del values[at]


def rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Give values of a graph, and of the graphs inside of it, other names, in place."""
    del graph.quantization_annotation[:]  # only training reads it
    for value in [*graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        value.name = names.get(value.name, value.name)
    for sparse in graph.sparse_initializer:
        sparse.values.name = names.get(sparse.values.name, sparse.values.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for inner in subgraphs(node):
            rename(inner, names)


def value_names(graph: onnx.GraphProto) -> Iterator[str]:
    """The names of all values of a graph and of the graphs inside of it, some more than once."""
    for value in [*graph.input, *graph.initializer]:
        yield value.name
    for sparse in graph.sparse_initializer:
        yield sparse.values.name
    for node in graph.node:
        yield from node.output
        for inner in subgraphs(node):
            yield from value_names(inner)


def _used(node: onnx.NodeProto) -> Iterator[str]:
    """The names of what a node takes; for its inner graphs, some of their own are among them."""
    yield from node.input
    for graph in subgraphs(node):
        yield from (value.name for value in graph.output)
        for inner in graph.node:
            yield from _used(inner)
