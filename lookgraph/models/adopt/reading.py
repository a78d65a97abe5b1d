"""Reads somebody's ONNX file and the files beside it that hold its weights, and no others.

The format: https://github.com/onnx/onnx/blob/main/docs/IR.md and ExternalData.md beside it.
Nothing is executed here, and onnx's own checker, which is C++, sees nothing of the file.
"""

import hashlib
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, Message

from lookgraph.errors import ModelError
from lookgraph.models.adopt.graphs import subgraphs

MOST_BYTES = (1 << 31) - (1 << 20)
"""Of a network with its weights: protobuf's limit of 2 GiB, and a little for what we add."""

_OLDEST_OPSET = 7
"""The first where operators stretch their smaller operand (NumPy's broadcasting)."""
_MOST_OPERATORS = 1_000_000
_DEFAULT_DOMAINS = {"", "ai.onnx"}


@dataclass(frozen=True, slots=True)
class Network:
    """A file's network with all of its weights.

    Attributes:
        model: what the file holds, with the weights of the files beside it put into it.
        digest: the SHA-256 of the file and of those weights, in hexadecimal.
        opset: the version of ONNX' operators that it is written in.
    """

    model: onnx.ModelProto
    digest: str
    opset: int


def read_network(file: Path) -> Network:
    """Read a network.

    Args:
        file: the ONNX file. Its weights may lie in further files in the same folder.

    Raises:
        ModelError: the file cannot be read, is none, or asks for files elsewhere; without its name.
    """
    size = _size(file)
    if size > MOST_BYTES:
        raise ModelError("it is larger than 2 GiB")
    data = _read(file, 0, size)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ModelError("it is no ONNX file, or only a part of one") from error
    if not model.graph.node:
        raise ModelError("it is no ONNX file: there is no operator in it")
    opset = max(
        (one.version for one in model.opset_import if one.domain in _DEFAULT_DOMAINS), default=0
    )
    if opset < _OLDEST_OPSET:
        raise ModelError(f"its opset is {opset}; {_OLDEST_OPSET} and later are understood")
    tensors = list(_tensors(model))
    _refuse_endless(model)
    digest = hashlib.sha256(data)
    left = MOST_BYTES - size
    for tensor in tensors:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            tensor.raw_data = _external(tensor, file, left)
            del tensor.external_data[:]
            tensor.data_location = onnx.TensorProto.DEFAULT
            digest.update(tensor.raw_data)
            left -= len(tensor.raw_data)
    return Network(model, digest.hexdigest(), opset)


def _tensors(message: Message) -> Iterator[onnx.TensorProto]:
    """All there are, wherever ONNX lets a tensor stand. Protobuf admits 100 levels at most."""
    if isinstance(message, onnx.TensorProto):
        yield message
    for field, value in message.ListFields():
        if field.type not in {field.TYPE_MESSAGE, field.TYPE_STRING}:
            continue
        values = [value] if isinstance(value, (Message, str, bytes)) else value
        if field.type == field.TYPE_MESSAGE:
            for one in values:
                yield from _tensors(one)
        # Protobuf gives bytes where a text is none.
        elif any(isinstance(one, bytes) for one in values):
            raise ModelError("it is no ONNX file, or damaged: a name in it is no text")


def _external(tensor: onnx.TensorProto, file: Path, most: int) -> bytes:
    """The bytes of a tensor that are in another file."""
    told = {entry.key: entry.value for entry in tensor.external_data}
    path = _beside(told.get("location", ""), file)
    size = _size(path)
    try:
        offset = int(told.get("offset") or 0)
        length = int(told.get("length") or size - offset)
    except ValueError as error:
        raise ModelError(f"where its weights are in {path.name} cannot be understood") from error
    if offset < 0 or length < 0 or offset + length > size:
        raise ModelError(f"its weights reach beyond the end of {path.name}")
    if length > most:
        raise ModelError("it is larger than 2 GiB with its weights")
    return _read(path, offset, length)


def _beside(name: str, file: Path) -> Path:
    """A file in the same folder; links are followed where they lead to the network's own folder."""
    if not name or name in {".", ".."} or set(name) & set("/\\:\0"):
        raise ModelError(
            f"its weights are to be in {name[:80]!r}: only a name in its folder will do"
        )
    try:
        path = (file.parent / name).resolve(strict=True)
        folders = {file.parent.resolve(), file.resolve().parent}
    except (OSError, RuntimeError) as error:
        raise ModelError(f"its weights should be beside it, in {name[:80]!r}") from error
    if path.parent not in folders:
        raise ModelError(f"its weights are to be in {name[:80]!r}, which leads out of its folder")
    return path


def _size(path: Path) -> int:
    """Of a regular file, in bytes: a pipe would be waited for."""
    try:
        found = path.stat()
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):
        raise ModelError(f"{path.name} is no file")
    return found.st_size


def _read(path: Path, offset: int, length: int) -> bytes:
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(length)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror}") from error
    if len(data) != length:
        raise ModelError(f"{path.name} changes while it is read")
    return data


def _refuse_endless(model: onnx.ModelProto) -> None:
    """Refuse functions that call themselves, or that are too much once they are written out.

    ONNX Runtime writes every call out, and some of its releases notice neither.
    """
    nodes = {(one.domain, one.name): one.node for one in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    inside: set[tuple[str, str]] = set()

    def written_out(body: Iterable[onnx.NodeProto]) -> int:
        total = 0
        for node in body:
            total += 1 + sum(written_out(graph.node) for graph in subgraphs(node))
            function = (node.domain, node.op_type)
            if function in inside:
                raise ModelError(f"its function {node.op_type} calls itself")
            if function in nodes and function not in sizes:
                inside.add(function)
                sizes[function] = written_out(nodes[function])
                inside.remove(function)
            total += sizes.get(function, 0)
            if total > _MOST_OPERATORS:
                raise ModelError(f"it has more than {_MOST_OPERATORS:,} operators")
        return total

    for body in (model.graph.node, *nodes.values()):
        written_out(body)
