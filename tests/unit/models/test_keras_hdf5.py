"""Keras' HDF5: what Keras and h5py write is read exactly, and every other file is refused."""

import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookgraph.errors import MissingExtraError
from lookgraph.models.checkpoints import read_checkpoint
from tests.conftest import needs_module

from .damage import changed, is_read, refusal

h5py = needs_module("h5py")

ARCHIVES = Path(__file__).parent / "archives"

WEIGHTS = {
    "block1_conv1_W_1:0": np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2) / 8,
    "block1_conv1_b_1:0": np.array([0.5, -0.5], np.float32),
    "fc1_W_1:0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fc1_b_1:0": np.arange(3, dtype=np.float32),
}

Change = Callable[[Any], object]


def published(file: Path, change: Change = lambda opened: None, libver: str = "earliest") -> bytes:
    """A file in the layout of the published weights of VGG16, written by h5py, with a change."""
    with h5py.File(file, "w", libver=libver) as opened:
        opened.attrs["layer_names"] = np.array([b"block1_conv1", b"flatten", b"fc1"])
        for layer in ("block1_conv1", "flatten", "fc1"):
            group = opened.create_group(layer)
            names = [name for name in WEIGHTS if name.startswith(f"{layer}_")]
            group.attrs["weight_names"] = np.array([name.encode() for name in names] or [b""])
            for name in names:
                group[name] = WEIGHTS[name]
        change(opened)
    return file.read_bytes()


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name, strict=True)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_the_published_layout_is_read(libver: str, tmp_path: Path) -> None:
    file = tmp_path / "vgg16.h5"
    published(file, libver=libver)

    found = read_checkpoint(file)

    same(found, WEIGHTS)
    assert not any(array.flags.writeable for array in found.values())


def test_a_whole_model_as_keras_writes_it_is_read() -> None:
    found = read_checkpoint(ARCHIVES / "model-keras-3.15.1.h5")

    shapes = {
        "vgg16/block1_conv1/kernel": (3, 3, 3, 2),
        "vgg16/block1_conv1/bias": (2,),
        "vgg16/fc1/kernel": (8, 2),
        "vgg16/fc1/bias": (2,),
    }
    same(
        found,
        {
            name: (np.arange(np.prod(shape)) / 8).astype(np.float32).reshape(shape)
            for name, shape in shapes.items()
        },
    )


def test_the_layout_of_keras_3_is_refused_by_its_name(tmp_path: Path) -> None:
    data = (ARCHIVES / "keras-3.15.1.weights.h5").read_bytes()

    assert refusal(data, tmp_path) == (
        "the layout of Keras 3's .weights.h5, which does not name the weights. "
        "Save the whole model as .h5 instead"
    )


def test_types_are_kept(tmp_path: Path) -> None:
    values = {
        code: np.array([[1, 2, 3]], code)
        for code in ("<f2", "<f4", "<f8", "i1", "<i2", "<i4", "<i8", "u1", "<u4")
    }
    values["scalar"] = np.array(2.5, np.float32)

    def add(opened: Any) -> None:
        for name, value in values.items():
            opened["fc1"][name] = value

    file = tmp_path / "types.h5"
    published(file, add)
    found = read_checkpoint(file)

    same({name: found[name] for name in values}, values)


def test_weights_lie_in_the_map_of_the_file(tmp_path: Path) -> None:
    large = np.arange(5_000_000, dtype=np.float32)
    file = tmp_path / "large.h5"
    published(file, lambda opened: opened["fc1"].create_dataset("large", data=large))
    read_checkpoint(ARCHIVES / "model-keras-3.15.1.h5")  # The import of h5py is not counted.

    tracemalloc.start()
    try:
        found = read_checkpoint(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 200_000
    np.testing.assert_array_equal(found["large"], large)


def chunked(**options: Any) -> Change:
    zeros = np.zeros(1_000_000, np.float32)
    return lambda opened: opened["fc1"].create_dataset("w", data=zeros, **options)


def of_type(dtype: Any, value: object) -> Change:
    return lambda opened: opened["fc1"].create_dataset("w", data=value, dtype=dtype)


def virtual(opened: Any) -> None:
    layout = h5py.VirtualLayout((3,), "<f4")
    layout[:] = h5py.VirtualSource("other.h5", "w", (3,))
    opened["fc1"].create_virtual_dataset("w", layout)


def external(opened: Any) -> None:
    where = [(str(Path(opened.filename).with_suffix(".raw")), 0, 12)]
    opened["fc1"].create_dataset("w", (3,), "<f4", external=where)


def compact(opened: Any) -> None:
    kept = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    kept.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((3,))
    h5py.h5d.create(opened["fc1"].id, b"w", h5py.h5t.IEEE_F32LE, space, kept)


def linked(link: Any) -> Change:
    def change(opened: Any) -> None:
        opened["fc1"]["w"] = link

    return change


def cycle(opened: Any) -> None:
    opened["fc1"]["again"] = opened["fc1"]


def many_ways(opened: Any) -> None:
    """Groups whose links double the ways to one weight at each level."""
    group = opened["fc1"]
    for _ in range(7):
        below = group.create_group("a")
        for number in range(12):
            group[f"b{number}"] = below
        group = below


def twice(opened: Any) -> None:
    opened["flatten"]["fc1_b_1:0"] = np.zeros(3)


def many(opened: Any) -> None:
    layer, weights = opened["flatten"].id, opened["fc1"].id
    for number in range(20_000):
        layer.links.create_hard(b"%d" % number, weights, b"fc1_b_1:0")


def without_names(opened: Any) -> None:
    del opened.attrs["layer_names"]


def a_custom_float(opened: Any) -> None:
    """A float of 32 bits whose exponent counts from elsewhere."""
    dtype = h5py.h5t.IEEE_F32LE.copy()
    dtype.set_ebias(100)
    h5py.h5d.create(opened["fc1"].id, b"w", dtype, h5py.h5s.create_simple((3,)))


REFUSED: dict[str, tuple[Change, str]] = {
    "a compressed weight": (chunked(compression="gzip"), "compressed, in pieces"),
    "a weight in pieces": (chunked(chunks=(1000,)), "compressed, in pieces"),
    "a weight without pieces": (
        lambda opened: opened["fc1"].create_dataset("w", (2**40,), "<f4", chunks=(1000,)),
        "compressed, in pieces",
    ),
    "a weight in its header": (compact, "compressed, in pieces"),
    "a virtual weight": (virtual, "compressed, in pieces or in another file: 'w'"),
    "a weight in another file": (external, "compressed, in pieces or in another file: 'w'"),
    "a weight that was never written": (
        lambda opened: opened["fc1"].create_dataset("w", (2**40,), "<f4"),
        "a weight beyond the file: 'w'",
    ),
    "a soft link": (linked(h5py.SoftLink("/fc1/fc1_W_1:0")), "a link to elsewhere: b'w'"),
    "an external link": (linked(h5py.ExternalLink("x.h5", "/w")), "a link to elsewhere: b'w'"),
    "a group within itself": (cycle, "too many within each other"),
    "many ways to few weights": (many_ways, "more than 20000 groups and weights"),
    "many weights": (many, "more than 20000 groups and weights"),
    "two weights of a name": (twice, "two weights of the name 'fc1_b_1:0'"),
    "a long name": (
        lambda opened: opened["fc1"].create_group("a" * 150).create_group("b" * 50),
        "a name of more than 200 characters",
    ),
    "a name that is not UTF-8": (
        lambda opened: h5py.h5g.create(opened["fc1"].id, b"\xff"),
        "damaged HDF5",
    ),
    "a weight outside of the layers": (
        lambda opened: opened.create_dataset("w", data=np.zeros(3, np.float32)),
        "something beside groups of weights",
    ),
    "a type among the weights": (linked(np.dtype("<f4")), "something beside groups of weights"),
    "texts": (of_type("S5", [b"a"]), "not of plain little-endian numbers: 'w'"),
    "texts of any length": (of_type(h5py.string_dtype(), ["a"]), "plain little-endian"),
    "lists": (
        lambda opened: opened["fc1"].create_dataset("w", (1,), h5py.vlen_dtype(np.int32)),
        "plain little-endian",
    ),
    "references": (
        lambda opened: opened["fc1"].create_dataset("w", (1,), h5py.ref_dtype),
        "plain little-endian",
    ),
    "records": (of_type([("a", "<f4")], np.zeros(1, [("a", "<f4")])), "plain little-endian"),
    "big-endian numbers": (of_type(">f4", [1.0]), "plain little-endian"),
    "truth values": (of_type("?", [True]), "plain little-endian"),
    "floats of another kind": (a_custom_float, "plain little-endian"),
    "many dimensions": (of_type("<f4", np.zeros((1,) * 9)), "of many dimensions"),
    "no numbers": (of_type("<f4", np.zeros((0, 3))), "without numbers"),
    "no shape": (
        lambda opened: opened["fc1"].create_dataset("w", data=h5py.Empty("<f4")),
        "without a shape",
    ),
    "no names of layers": (without_names, "HDF5 without Keras' attribute layer_names"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses(kind: str, tmp_path: Path) -> None:
    change, reason = REFUSED[kind]
    data = published(tmp_path / "changed.h5", change)

    assert reason in refusal(data, tmp_path)


def test_a_file_that_ends_anywhere_too_early_is_refused(tmp_path: Path) -> None:
    data = published(tmp_path / "whole.h5")

    assert is_read(data, tmp_path)
    for end in (*range(9), *range(9, len(data), 29), len(data) - 1):
        assert not is_read(data[:end], tmp_path)


def test_a_shape_that_is_larger_than_what_was_written_is_refused(tmp_path: Path) -> None:
    data = published(tmp_path / "whole.h5")
    shape = struct.pack("<QQQQ", 2, 3, 2, 3)  # As it is, and as it may become at most.
    assert data.count(shape) == 1

    larger = data.replace(shape, struct.pack("<QQQQ", 3, 3, 3, 3))

    assert "a weight beyond the file: 'fc1_W_1:0'" in refusal(larger, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_changed_bytes_are_read_or_refused_and_nothing_else(libver: str, tmp_path: Path) -> None:
    data = published(tmp_path / "whole.h5", libver=libver)

    outcomes = [is_read(copy, tmp_path) for copy in changed(data, 2_000)]

    assert outcomes.count(True) > 100
    assert outcomes.count(False) > 200


def test_without_h5py_the_extra_is_named(tmp_path: Path) -> None:
    file = tmp_path / "vgg16.h5"
    published(file)
    code = (
        "import sys; sys.modules['h5py'] = None\n"
        "from pathlib import Path\n"
        "from lookgraph.errors import MissingExtraError\n"
        "from lookgraph.models.checkpoints import read_checkpoint\n"
        "try:\n"
        f"    read_checkpoint(Path({str(file)!r}))\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == str(MissingExtraError("Keras weights", "keras"))
