"""The format safetensors (its README): a length, a header in JSON, and the tensors' bytes."""

import json
import struct
from math import prod
from typing import Any

import numpy as np

from lookgraph.models.checkpoints.pickles import Data, RefusedError
from lookgraph.models.checkpoints.views import MOST_DIMENSIONS, check_number, view, widened
from lookgraph.types import Array

OPENING = b"{"
"""What the header begins with, behind the 8 bytes of its length."""

LONGEST_HEADER = 4_000_000
"""Some 100 bytes a tensor are usual. The format itself allows for 100 MB."""

_DTYPES: dict[str, np.dtype[np.generic]] = {
    "F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"), "I64": np.dtype("<i8"), "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"), "I8": np.dtype("i1"), "U8": np.dtype("u1"), "BOOL": np.dtype("?"),
}  # fmt: skip


def read(data: Data) -> dict[str, Array]:
    """The tensors by name: views of the data.

    Raises:
        RefusedError: it is anything else.
    """
    entries, first = _header(data)
    entries.pop("__metadata__", None)
    check_number(len(entries))
    spans: list[tuple[int, int]] = []
    tensors: dict[str, Array] = {}
    for name, entry in entries.items():
        dtype, shape, begin, end = _entry(name, entry)
        if end > len(data) - first:
            raise RefusedError(f"a tensor beyond the file: {name[:80]!r}")
        spans.append((begin, end))
        stored = view(data, dtype, first + begin, shape)
        tensors[name] = widened(stored) if entry["dtype"] == "BF16" else stored
    _check_without_gaps(spans, len(data) - first)
    return tensors


def _header(data: Data) -> tuple[dict[str, Any], int]:
    """The header's JSON, and where it ends."""
    (size,) = struct.unpack_from("<Q", data)
    if size > min(len(data) - 8, LONGEST_HEADER):
        raise RefusedError(f"a header of {size} bytes")
    try:
        text = data[8 : 8 + size].decode()
        header = json.loads(text, object_pairs_hook=_without_twins, parse_int=_integer)
    except RecursionError:
        raise RefusedError("a header that is nested too deep") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RefusedError(f"a header that is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise RefusedError("a header without tensors")
    return header, 8 + size


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RefusedError("a header that names something twice")
    return found


def _integer(digits: str) -> int:
    if len(digits) > 19:
        raise RefusedError("a number of more than 19 digits")
    return int(digits)


def _entry(name: str, entry: object) -> tuple[np.dtype[np.generic], tuple[int, ...], int, int]:
    """The dtype, shape, begin and end of a tensor that agrees with itself."""
    match entry:
        case {"dtype": str(code), "shape": [*shape], "data_offsets": [begin, end]} if (
            code in _DTYPES
            and len(shape) <= MOST_DIMENSIONS
            and all(type(number) is int and number > 0 for number in shape)
            and type(begin) is int
            and type(end) is int
            and 0 <= begin < end
        ):
            if prod(shape) * _DTYPES[code].itemsize != end - begin:
                raise RefusedError(f"two sizes of the tensor {name[:80]!r}")
            return _DTYPES[code], tuple(shape), begin, end
        case {"dtype": str(code)} if code not in _DTYPES:
            raise RefusedError(f"elements of the type {code[:80]!r}")
    raise RefusedError(f"no shape and place of a tensor as {name[:80]!r}")


def _check_without_gaps(spans: list[tuple[int, int]], size: int) -> None:
    """Every byte belongs to one tensor, as the format asks for."""
    ordered = sorted(spans)
    begins = [begin for begin, _ in ordered]
    ends = [end for _, end in ordered]
    if [*begins, size] != [0, *ends]:
        raise RefusedError("tensors that share bytes, or bytes of no tensor")
