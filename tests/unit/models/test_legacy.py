"""torch's legacy format: any view comes out as it was, and every other file is refused."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookgraph.errors import CheckpointError
from lookgraph.models.checkpoints import read_checkpoint

from .damage import changed, is_read
from .legacy import (
    HEAD,
    ORDERED_DICT,
    STORAGES,
    checkpoint,
    integer,
    integers,
    named,
    pickled,
    state,
    storage,
    tensor,
    text,
    tuple_of,
)

Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(data: bytes) -> Path:
        file = tmp_path / "weights.pth"
        file.write_bytes(data)
        return file

    return write


@st.composite
def views(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[Any]]:
    """An array, and a view of it as indexing and transposing make them."""
    shape = tuple(draw(st.lists(st.integers(1, 5), max_size=4)))
    kind = draw(st.sampled_from(sorted(STORAGES)))
    numbers = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    base = np.asarray(numbers * 7 % 13 > 5 if kind == "bool" else numbers, kind)
    parts: list[Any] = [
        slice(draw(st.integers(0, n - 1)), None, draw(st.integers(1, 3))) for n in shape
    ]
    return base, base[(*parts, ...)].transpose(draw(st.permutations(range(len(shape)))))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(views(), min_size=1, max_size=4))
def test_views_with_any_strides_and_types_come_out_as_they_were(
    write: Write, arrays: list[tuple[NDArray[Any], NDArray[Any]]]
) -> None:
    tensors = {}
    for number, (base, view) in enumerate(arrays):
        offset = view.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        strides = tuple(step // base.itemsize for step in view.strides)
        where = storage(f"s{number}", STORAGES[base.dtype.name], base.size)
        tensors[f"t{number}"] = tensor(where, offset // base.itemsize, view.shape, strides)
    storages = {f"s{number}": base for number, (base, _) in enumerate(arrays)}

    read = read_checkpoint(write(checkpoint(state(tensors), storages)))

    assert list(read) == list(tensors)
    for (_, view), found in zip(arrays, read.values(), strict=True):
        assert found.dtype == view.dtype
        np.testing.assert_array_equal(found, view)


def test_tensors_that_share_a_storage_share_the_files_bytes(write: Write) -> None:
    where = storage("s", "Float", 6)
    body = state({"a": tensor(where, 0, (2, 3), (3, 1)), "b": tensor(where, 1, (3,), (2,))})

    read = read_checkpoint(write(checkpoint(body, {"s": np.arange(6, dtype=np.float32)})))

    assert read["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read["b"].tolist() == [1, 3, 5]
    assert np.shares_memory(read["a"], read["b"])
    assert not read["a"].flags.writeable


DATA = np.arange(6, dtype=np.float32)
WHERE = storage("s", "Float", 6)
GOOD = checkpoint(state({"a": tensor(WHERE, 0, (2, 3), (3, 1))}), {"s": DATA})


def with_tensor(
    offset: int = 0,
    shape: tuple[int, ...] = (6,),
    strides: tuple[int, ...] = (1,),
    where: bytes = WHERE,
) -> bytes:
    return checkpoint(state({"a": tensor(where, offset, shape, strides)}), {"s": DATA})


def with_value(value: bytes) -> bytes:
    return checkpoint(state({"a": value}), {"s": DATA})


def with_reference(*parts: bytes) -> bytes:
    return with_value(tensor(tuple_of(*parts) + b"Q", 0, (6,), (1,)))


REBUILD = named("torch._utils", "_rebuild_tensor_v2")
FLOAT = named("torch", "FloatStorage")

REFUSED = {
    "a tensor longer than its storage": (with_tensor(shape=(7,)), "beyond its storage"),
    "an offset beyond the storage": (with_tensor(offset=1), "beyond its storage"),
    "a negative offset": (with_tensor(offset=-1), "beyond its storage"),
    "strides beyond the storage": (with_tensor(shape=(3, 2), strides=(3, 1)), "beyond its storage"),
    "a large stride": (with_tensor(shape=(2,), strides=(2**62,)), "beyond its storage"),
    "overlapping strides": (with_tensor(shape=(3, 3), strides=(1, 1)), "beyond its storage"),
    "a stride of zero": (with_tensor(shape=(2**40,), strides=(0,)), "other arguments"),
    "a negative stride": (with_tensor(offset=5, strides=(-1,)), "other arguments"),
    "an empty tensor": (with_tensor(shape=(0, 2**62), strides=(1, 1)), "other arguments"),
    "a negative size": (with_tensor(shape=(-6,)), "other arguments"),
    "more strides than sizes": (with_tensor(strides=(6, 1)), "other arguments"),
    "many dimensions": (with_tensor(shape=(1,) * 9, strides=(1,) * 9), "other arguments"),
    "a tensor of no storage": (with_tensor(where=text("s")), "other arguments"),
    "a shape that is a list": (
        with_value(
            REBUILD + tuple_of(WHERE, b"K\x00", b"]", integers(1), b"\x89", ORDERED_DICT) + b"R"
        ),
        "other arguments",
    ),
    "too few arguments": (with_value(REBUILD + tuple_of(WHERE) + b"R"), "other arguments"),
    "a rebuild of nothing": (with_value(REBUILD + b")R"), "other arguments"),
    "a storage with another type": (
        checkpoint(
            state(
                {
                    "a": tensor(WHERE, 0, (6,), (1,)),
                    "b": tensor(storage("s", "Int", 6), 0, (6,), (1,)),
                }
            ),
            {"s": DATA},
        ),
        "two storages with the key 's'",
    ),
    "a storage larger than the file": (
        with_tensor(where=storage("s", "Float", 2**60)),
        "too few bytes for the storage 's'",
    ),
    "a storage of another size": (
        with_tensor(where=storage("s", "Float", 4), shape=(4,)),
        "two sizes of the storage 's'",
    ),
    "a storage of negative size": (
        with_tensor(where=storage("s", "Float", -6)),
        "not to a storage",
    ),
    "a forgotten storage of negative size": (
        checkpoint(
            ORDERED_DICT + b"}" + text("a") + storage("s", "Float", -99) + b"sb",
            {"s": DATA},
        ),
        "not to a storage",
    ),
    "no storages": (
        checkpoint(state({"a": tensor(WHERE, 0, (6,), (1,))}), {}),
        "other storages than the state refers to",
    ),
    "a storage too many": (
        checkpoint(state({"a": tensor(WHERE, 0, (6,), (1,))}), {"s": DATA, "t": DATA}),
        "other storages than the state refers to",
    ),
    "a reference of another kind": (
        with_reference(text("module"), FLOAT, text("s"), text("cpu"), integer(6), b"N"),
        "not to a storage",
    ),
    "a reference that is too short": (with_reference(text("storage"), FLOAT), "not to a storage"),
    "a reference that is a text": (with_value(text("storage") + b"Q"), "not to a storage"),
    "a reference with a view": (
        with_reference(text("storage"), FLOAT, text("s"), text("cpu"), integer(6), integers(1)),
        "not to a storage",
    ),
    "a reference to no type": (
        with_reference(text("storage"), REBUILD, text("s"), text("cpu"), integer(6), b"N"),
        "not to a storage",
    ),
    "a type without a counterpart": (
        with_tensor(where=storage("s", "ComplexFloat", 6)),
        "the global torch.ComplexFloatStorage",
    ),
    "a call of a storage": (with_value(FLOAT + b")R"), "a call of torch.FloatStorage"),
    "an OrderedDict of something": (
        with_value(named("collections", "OrderedDict") + tuple_of(b"]") + b"R"),
        "a call of collections.OrderedDict",
    ),
    "a number among the tensors": (
        checkpoint(state({"a": b"K\x01"}), {}),
        "int instead of a tensor as 'a'",
    ),
    "a list of tensors": (checkpoint(b"]", {}), "list instead of a dict"),
    "a command": (
        with_value(named("os", "system") + tuple_of(text("true")) + b"R"),
        "the global os.system",
    ),
    "keys that are no list": (
        HEAD + pickled(state({})) + pickled(b"}"),
        "no list of the storages' keys",
    ),
    "keys that are no texts": (
        HEAD + pickled(state({})) + pickled(b"]}a"),
        "no list of the storages' keys",
    ),
    "another magic number": (pickled(integer(7)) + GOOD, "no magic number"),
    "another version": (
        pickled(integer(0x1950A86A20F9469CFC6C)) + pickled(integer(1002)),
        "version other than 1001",
    ),
    "big-endian numbers": (
        GOOD.replace(text("little_endian") + b"\x88", text("little_endian") + b"\x89"),
        "not little-endian",
    ),
    "bytes at the end": (GOOD + b"\x00", "bytes after the last storage"),
    "only the beginning of a pickle": (b"\x80", "the data end"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses(kind: str, write: Write) -> None:
    data, reason = REFUSED[kind]
    file = write(data)

    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(file)

    assert str(caught.value).startswith(f"{file} is not a checkpoint that can be read safely: ")
    assert reason in str(caught.value)


def test_a_file_that_ends_anywhere_too_early_is_refused(write: Write) -> None:
    assert read_checkpoint(write(GOOD))["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    for end in range(len(GOOD)):
        with pytest.raises(CheckpointError):
            read_checkpoint(write(GOOD[:end]))


@pytest.mark.slow
def test_changed_bytes_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    outcomes = [is_read(data, tmp_path) for data in changed(GOOD, 3_000)]

    # Bytes of the elements and of names may change: the checksum of the file is what notices.
    assert outcomes.count(True) > 100
    assert outcomes.count(False) > 1_500


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_in_place_of_the_state_are_refused(tmp_path: Path, junk: bytes) -> None:
    for data in (HEAD + junk, HEAD + pickled(ORDERED_DICT + junk)):
        assert not is_read(data, tmp_path)


def test_an_element_count_that_overflows_is_refused(write: Write) -> None:
    cut = len(GOOD) - DATA.nbytes - 8

    for count in (-1, 2**63 - 1, -(2**63)):
        with pytest.raises(CheckpointError, match="two sizes"):
            read_checkpoint(write(GOOD[:cut] + struct.pack("<q", count) + DATA.tobytes()))
