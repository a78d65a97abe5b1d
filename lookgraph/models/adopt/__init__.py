"""Brings somebody's ONNX network to the contract of ours: uint8 pictures in, embeddings out.

The nodes that prepare pictures are put before it, those that make one embedding of its output
behind it, and all that is not needed in between is left out. A fixed batch stays fixed.

An ONNX file is a program: nothing is read or written for it outside of its folder, but ONNX
Runtime executes it, and it can take all the memory and time there is.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import onnx

from lookgraph.errors import ModelError, UsageError
from lookgraph.models.adopt.back import dimension, put_back
from lookgraph.models.adopt.front import put_front
from lookgraph.models.adopt.graphs import prune
from lookgraph.models.adopt.options import Options
from lookgraph.models.adopt.ports import (
    Shape,
    channels_last,
    choose_input,
    choose_output,
    input_sides,
    stated_shape,
)
from lookgraph.models.adopt.preparing import preparation
from lookgraph.models.adopt.reading import Network, read_network
from lookgraph.models.adopt.trial import output_shape, try_out
from lookgraph.models.model import Adoption, Model, Own, Preparation
from lookgraph.models.names import own_name


def describe(file: Path, options: Options) -> Model:
    """What somebody's network is. It is run only if its graph leaves the dimension open.

    Args:
        file: an ONNX file, with its weights in it or beside it in the same folder.
        options: what they say of it; what the graph says need not be said.

    Raises:
        UsageError: what they say does not fit the graph, or is not enough.
        ModelError: the file cannot be read, or is no network that pictures can be embedded with.
    """
    with _about(file):
        network = read_network(file)
        graph = network.model.graph
        output = choose_output(graph, options.output)
        stated = stated_shape(graph, output)
        prune(graph, output)
        port = choose_input(graph, options.input)
        last = channels_last(port, options.layout)
        sides = input_sides(port, last, options.size)
        how = preparation(options, *sides, of_bytes=port.type == onnx.TensorProto.UINT8)
        adoption = Adoption(port.name, last, output, options.pool)
        put_front(network.model, port, adoption, how)
        shape = _shape(network.model, stated, adoption)
        return Model(
            name=own_name(options.name or file.stem),
            summary=f"an ONNX network of one's own: {file.name}",
            architecture="onnx",
            dimension=dimension(shape, adoption) or 0,
            metric=options.metric,
            preparation=how,
            licence=options.licence,
            weights=Own(file.absolute(), _fingerprint(network, how, adoption)),
            adoption=adoption,
        )


def adopt(model: Model, file: Path) -> onnx.ModelProto:
    """The network that `describe` told of, in the contract of ours, tried out on two pictures.

    Args:
        model: what `describe` gave.
        file: the same file.

    Returns:
        A network from ``pictures``, uint8 (n, height, width, 3), sRGB, red first, to
        ``embeddings``, float32 (n, dimension), not normalised. n is free, or the number that the
        file's network takes.

    Raises:
        ModelError: the file has changed, or the network does not do what it should.
    """
    if model.adoption is None:
        raise ModelError(f"{model.name} is not of an ONNX file")
    with _about(file):
        network = read_network(file)
        if _fingerprint(network, model.preparation, model.adoption) != model.weights.fingerprint:
            raise ModelError("it has changed since its embeddings were first asked for")
        graph = network.model.graph
        stated = stated_shape(graph, model.adoption.output)
        prune(graph, model.adoption.output)
        port = choose_input(graph, model.adoption.input)
        put_front(network.model, port, model.adoption, model.preparation)
        shape = _shape(network.model, stated, model.adoption)
        put_back(network.model, model.adoption, shape, network.opset)
        try_out(network.model)
        return network.model


@contextmanager
def _about(file: Path) -> Iterator[None]:
    """Put the file's name before whatever is wrong with it."""
    try:
        yield
    except (ModelError, UsageError) as error:
        raise type(error)(f"{file}: {error}") from error


def _shape(network: onnx.ModelProto, stated: Shape | None, adoption: Adoption) -> Shape:
    """An output's shape as it is stated, where that says how long an embedding is."""
    if stated is not None and dimension(stated, adoption):
        return stated
    return output_shape(network)


def _fingerprint(network: Network, how: Preparation, adoption: Adoption) -> str:
    """What tells a network's embeddings from all others, in hexadecimal."""
    told = {"network": network.digest, **asdict(how), **asdict(adoption)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
