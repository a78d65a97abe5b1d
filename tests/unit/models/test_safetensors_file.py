"""safetensors: tensors come out as they were, and every other file is refused."""

import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from .damage import changed, is_read, read, refusal

DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


def whole(header: bytes, elements: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + elements


def written(arrays: dict[str, np.ndarray[Any, Any]]) -> bytes:
    """As the safetensors library writes it: aligned with spaces, metadata first."""
    codes = {name: code for code, name in DTYPES.items()}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    elements = b""
    for name, array in arrays.items():
        begin = len(elements)
        elements += array.tobytes()
        header[name] = {
            "dtype": codes[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [begin, len(elements)],
        }
    text = json.dumps(header).encode()
    return whole(text + b" " * (-len(text) % 8), elements)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(max_size=12).filter(lambda name: name != "__metadata__"),
        st.sampled_from(sorted(DTYPES.values())).flatmap(
            lambda kind: some.arrays(kind, some.array_shapes(min_dims=0, max_side=4))
        ),
        max_size=5,
    )
)
def test_tensors_come_out_as_they_were(
    tmp_path: Path, arrays: dict[str, np.ndarray[Any, Any]]
) -> None:
    found = read(written(arrays), tmp_path)

    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
        assert not found[name].flags.writeable


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    wide = np.array([[1.0, -3.140625, 1e38]], np.float32)
    bits = (wide.view(np.uint32) >> 16).astype("<u2").tobytes()
    header = b'{"a":{"dtype":"BF16","shape":[1,3],"data_offsets":[0,6]}}'

    found = read(whole(header, bits), tmp_path)["a"]

    kept = (wide.view(np.uint32) & 0xFFFF0000).view(np.float32)
    np.testing.assert_array_equal(found, kept, strict=True)


@pytest.mark.parametrize("size", [0x80, 0x280, 0x28A80])
def test_a_headers_length_does_not_pose_as_another_format(size: int, tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'

    found = read(whole(header.ljust(size), b"x"), tmp_path)

    assert found["a"].tolist() == [120]


DATA = np.arange(6, dtype=np.float32)
GOOD = written({"a": DATA.reshape(2, 3), "b": DATA})


def one(entry: str, elements: bytes = DATA.tobytes()) -> bytes:
    return whole(b'{"a":{' + entry.encode() + b"}}", elements)


F32 = '"dtype":"F32","shape":'

REFUSED = {
    "a header longer than the file": (struct.pack("<Q", 2**63) + b"{}", "a header of"),
    "a header of 5 MB": (whole(b"{" + b" " * 5_000_000 + b"}"), "a header of 5000002 bytes"),
    "no JSON": (whole(b"{not JSON"), "not JSON"),
    "no UTF-8": (whole(b'{"\xff":1}'), "not JSON"),
    "UTF-16": (whole('{"a":1}'.encode("utf-16-le")), "not JSON"),
    "deep JSON": (whole(b'{"a":' + b"[" * 500_000), "nested too deep"),
    "deep dicts": (whole(b'{"a":' * 500_000), "nested too deep"),
    "a name twice": (whole(b'{"a":1,"a":1}'), "names something twice"),
    "many digits": (one(F32 + "[" + "9" * 100_000 + '],"data_offsets":[0,24]'), "more than 19"),
    "a tensor that is a number": (whole(b'{"a":1}'), "no shape and place of a tensor as 'a'"),
    "another type": (one('"dtype":"F8_E4M3","shape":[24],"data_offsets":[0,24]'), "'F8_E4M3'"),
    "a type that is a list": (one('"dtype":["F32"],"shape":[6],"data_offsets":[0,24]'), "no shape"),
    "no shape": (one('"dtype":"F32","data_offsets":[0,24]'), "no shape"),
    "no place": (one(F32 + "[6]"), "no shape"),
    "a shape that is a text": (one(F32 + '"6","data_offsets":[0,24]'), "no shape"),
    "a fraction": (one(F32 + '[6.0],"data_offsets":[0,24]'), "no shape"),
    "true": (one('"dtype":"U8","shape":[true],"data_offsets":[0,1]', b"a"), "no shape"),
    "a negative size": (one(F32 + '[-2,-3],"data_offsets":[0,24]'), "no shape"),
    "no elements": (one(F32 + '[0],"data_offsets":[0,0]', b""), "no shape"),
    "many dimensions": (one(F32 + '[1,1,1,1,1,1,1,1,6],"data_offsets":[0,24]'), "no shape"),
    "three offsets": (one(F32 + '[6],"data_offsets":[0,24,24]'), "no shape"),
    "a negative offset": (one(F32 + '[6],"data_offsets":[-24,0]'), "no shape"),
    "an end before the begin": (one(F32 + '[6],"data_offsets":[24,0]'), "no shape"),
    "another size": (one(F32 + '[5],"data_offsets":[0,24]'), "two sizes of the tensor 'a'"),
    "a size that overflows": (
        one(F32 + '[4294967296,4294967296],"data_offsets":[0,24]'),
        "two sizes of the tensor 'a'",
    ),
    "a tensor beyond the file": (one(F32 + '[7],"data_offsets":[0,28]'), "beyond the file: 'a'"),
    "a tensor far beyond": (
        one('"dtype":"U8","shape":[9000000000000000000],"data_offsets":[0,9000000000000000000]'),
        "beyond the file: 'a'",
    ),
    "bytes of no tensor": (one(F32 + '[5],"data_offsets":[4,24]'), "bytes of no tensor"),
    "bytes at the end": (GOOD + b"\x00", "bytes of no tensor"),
    "tensors at one place": (
        whole(
            b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},'
            b'"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}',
            bytes(2),
        ),
        "tensors that share bytes",
    ),
    "10,001 tensors": (
        whole(b"{" + b",".join(b'"%d":0' % number for number in range(10_001)) + b"}"),
        "more than 10000 tensors",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses(kind: str, tmp_path: Path) -> None:
    data, reason = REFUSED[kind]

    tracemalloc.start()
    try:
        assert reason in refusal(data, tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000 + 3 * len(data)


def test_a_file_that_ends_anywhere_too_early_is_refused(tmp_path: Path) -> None:
    assert is_read(GOOD, tmp_path)
    for end in range(len(GOOD)):
        assert not is_read(GOOD[:end], tmp_path)


@pytest.mark.slow
def test_changed_bytes_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    outcomes = [is_read(copy, tmp_path) for copy in changed(GOOD, 3_000)]

    assert outcomes.count(True) > 100
    assert outcomes.count(False) > 1_000
