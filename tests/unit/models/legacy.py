"""Writes torch's legacy checkpoints by hand, opcode by opcode."""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

STORAGES = {
    "float16": "Half",
    "float32": "Float",
    "float64": "Double",
    "int8": "Char",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "uint8": "Byte",
    "bool": "Bool",
}


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def integer(value: int) -> bytes:
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def tuple_of(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def integers(*values: int) -> bytes:
    return tuple_of(*map(integer, values))


def pickled(body: bytes) -> bytes:
    return b"\x80\x02" + body + b"."


ORDERED_DICT = named("collections", "OrderedDict") + b")R"


def storage(key: str, kind: str, count: int) -> bytes:
    parts = text("storage"), named("torch", f"{kind}Storage"), text(key), text("cpu")
    return tuple_of(*parts, integer(count), b"N") + b"Q"


def tensor(storage: bytes, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    arguments = storage, integer(offset), integers(*shape), integers(*strides)
    return (
        named("torch._utils", "_rebuild_tensor_v2")
        + tuple_of(*arguments, b"\x89", ORDERED_DICT)
        + b"R"
    )


def state(tensors: Mapping[str, bytes]) -> bytes:
    return ORDERED_DICT + b"(" + b"".join(text(k) + v for k, v in tensors.items()) + b"u"


HEAD = (
    pickled(integer(0x1950A86A20F9469CFC6C))
    + pickled(integer(1001))
    + pickled(b"}(" + text("little_endian") + b"\x88u")
)


def checkpoint(body: bytes, storages: Mapping[str, NDArray[Any]], head: bytes = HEAD) -> bytes:
    keys = pickled(b"](" + b"".join(map(text, storages)) + b"e")
    contents = (
        struct.pack("<q", array.size) + np.ascontiguousarray(array).tobytes()
        for array in storages.values()
    )
    return head + pickled(body) + keys + b"".join(contents)
