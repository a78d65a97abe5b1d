"""Writes torch's zip checkpoints and TorchScript archives by hand."""

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .legacy import integer, named, pickled, text, tuple_of


def storage(key: str, kind: str, count: int) -> bytes:
    parts = text("storage"), named("torch", f"{kind}Storage"), text(key), text("cpu")
    return tuple_of(*parts, integer(count)) + b"Q"


def an_object(name: str, attributes: Mapping[str, bytes]) -> bytes:
    """An object of a class of a TorchScript archive's code."""
    items = b"".join(text(key) + value for key, value in attributes.items())
    return named("__torch__", name) + b")\x81}(" + items + b"ub"


def parts(body: bytes, storages: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    """The members of an archive by their names in its folder."""
    elements = {
        f"data/{key}": np.ascontiguousarray(array).tobytes() for key, array in storages.items()
    }
    return {"data.pkl": pickled(body), **elements, "byteorder": b"little", "version": b"3\n"}


def archive(
    members: Mapping[str, bytes], folder: str = "archive/", packed: tuple[str, ...] = ()
) -> bytes:
    """A zip archive, written by the standard library; `packed` are compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            method = zipfile.ZIP_DEFLATED if name in packed else zipfile.ZIP_STORED
            file.writestr(zipfile.ZipInfo(f"{folder}{name}"), content, method)
    return buffer.getvalue()


def checkpoint(body: bytes, storages: Mapping[str, NDArray[Any]]) -> bytes:
    return archive(parts(body, storages))


def patched(data: bytes, signature: bytes, place: int, code: str, *numbers: int) -> bytes:
    """With other numbers in the first record of the kind that has this signature."""
    copy = bytearray(data)
    struct.pack_into(f"<{code}", copy, data.index(signature) + place, *numbers)
    return bytes(copy)
