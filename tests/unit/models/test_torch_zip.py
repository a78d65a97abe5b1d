"""torch's zip format: what torch writes is read exactly, and every other archive is refused."""

import io
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from lookgraph.models.checkpoints import read_checkpoint
from lookgraph.models.checkpoints.zip_members import read_members

from .damage import changed, is_read, read, refusal
from .legacy import ORDERED_DICT, STORAGES, integer, named, state, tensor, text, tuple_of
from .zipped import archive, checkpoint, parts, patched, storage

ARCHIVES = Path(__file__).parent / "archives"
ENTRY, LOCAL, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"

DATA = np.arange(6, dtype=np.float32)
WHERE = storage("0", "Float", 6)
BODY = state({"a": tensor(WHERE, 0, (2, 3), (3, 1))})
PARTS = parts(BODY, {"0": DATA})
GOOD = archive(PARTS)


def expected() -> dict[str, Any]:
    with np.load(ARCHIVES / "torch.npz") as file:
        return dict(file)


def strided(array: np.ndarray[Any, Any]) -> tuple[int, ...]:
    return tuple(step // array.itemsize for step in array.strides)


@pytest.mark.parametrize("release", ["1.12.1", "2.15.0"])
def test_what_torch_writes_is_what_torch_has(release: str) -> None:
    tensors = read_checkpoint(ARCHIVES / f"state-{release}.pth")

    values = expected()
    del values["passing"]  # A buffer that is not persistent is in no state.
    assert list(tensors) == list(values)
    for name, value in values.items():
        assert tensors[name].dtype == value.dtype, name
        np.testing.assert_array_equal(tensors[name], value, err_msg=name, strict=True)
    assert np.shares_memory(tensors["again.weight"], tensors["blocks.0.conv.weight"])


@pytest.mark.parametrize("release", ["1.12.1", "2.15.0"])
def test_parameters_are_read_as_the_tensors_that_they_are(release: str) -> None:
    tensors = read_checkpoint(ARCHIVES / f"parameters-{release}.pth")

    values = expected()
    assert list(tensors) == ["halves", "turned"]
    for name, found in tensors.items():
        np.testing.assert_array_equal(found, values[name], strict=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(max_size=12),
        st.sampled_from(sorted(STORAGES)).flatmap(
            lambda kind: some.arrays(kind, some.array_shapes(min_dims=0, max_side=4))
        ),
        max_size=5,
    )
)
def test_arrays_of_all_types_come_out_as_they_were(
    tmp_path: Path, arrays: dict[str, np.ndarray[Any, Any]]
) -> None:
    tensors = {
        name: tensor(
            storage(str(number), STORAGES[array.dtype.name], array.size),
            0, array.shape, strided(array),
        )
        for number, (name, array) in enumerate(arrays.items())
    }  # fmt: skip
    storages = {str(number): array for number, array in enumerate(arrays.values())}

    found = read(checkpoint(state(tensors), storages), tmp_path)

    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def test_tensors_lie_in_the_map_of_the_file(tmp_path: Path) -> None:
    large = np.arange(5_000_000, dtype=np.float32)
    body = state(
        {
            "a": tensor(storage("0", "Float", large.size), 0, large.shape, (1,)),
            "b": tensor(storage("0", "Float", large.size), 1, (5,), (2,)),
        }
    )
    file = tmp_path / "large.pth"
    file.write_bytes(checkpoint(body, {"0": large}))

    tracemalloc.start()
    try:
        tensors = read_checkpoint(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 200_000
    np.testing.assert_array_equal(tensors["a"], large)
    assert tensors["b"].tolist() == [1, 3, 5, 7, 9]
    assert np.shares_memory(tensors["a"], tensors["b"])
    assert not tensors["a"].flags.writeable


def test_bfloat16_is_widened_once_for_all_the_tensors_of_a_storage(tmp_path: Path) -> None:
    wide = np.array([1.0, -3.140625, 1e38, np.inf, -0.0, np.nan], np.float32)
    bits = (wide.view(np.uint32) >> 16).astype(np.uint16)
    where = storage("0", "BFloat16", 6)
    body = state({"a": tensor(where, 0, (6,), (1,)), "b": tensor(where, 1, (2,), (3,))})

    tensors = read(checkpoint(body, {"0": bits}), tmp_path)

    kept = (wide.view(np.uint32) & 0xFFFF0000).view(np.float32)
    np.testing.assert_array_equal(tensors["a"], kept, strict=True)
    np.testing.assert_array_equal(tensors["b"], kept[[1, 4]], strict=True)
    assert np.shares_memory(tensors["a"], tensors["b"])
    assert not tensors["a"].flags.writeable


@pytest.mark.parametrize("file", sorted(ARCHIVES.glob("*.p*")), ids=lambda file: file.name)
def test_members_lie_where_the_standard_library_finds_them(file: Path) -> None:
    data = file.read_bytes()

    members = read_members(data)

    with zipfile.ZipFile(file) as opened:
        assert list(members) == opened.namelist()
        for info in opened.infolist():
            member = members[info.filename]
            assert member.size == info.compress_size
            assert member.is_stored == (info.compress_type == zipfile.ZIP_STORED)
            if member.is_stored:
                found = data[member.begin : member.end]
                assert "debug_pkl" in info.filename or found == opened.read(info)


def without(name: str) -> bytes:
    return archive({key: value for key, value in PARTS.items() if key != name})


def with_value(value: bytes) -> bytes:
    return checkpoint(state({"a": value}), {"0": DATA})


def twice(name: str) -> bytes:
    """An archive with two members of one name."""
    buffer = io.BytesIO(GOOD)
    with zipfile.ZipFile(buffer, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr(f"archive/{name}", b"other")
    return buffer.getvalue()


def quoted() -> bytes:
    """A member whose bytes are another member with its header (Fifield 2019, "zip bomb")."""
    inner = archive({"data/1": DATA.tobytes()})
    kernel = inner[: inner.index(ENTRY)]
    data = bytearray(archive({"data/2": kernel, "data/1": DATA.tobytes(), **PARTS}))
    second = data.index(ENTRY, data.index(ENTRY) + 1)
    struct.pack_into("<I", data, second + 42, data.index(LOCAL, 4))
    return bytes(data)


REBUILD = named("torch._utils", "_rebuild_parameter")
A_TENSOR = tensor(WHERE, 0, (6,), (1,))

REFUSED = {
    "no pickle": (without("data.pkl"), "without torch's 'data.pkl'"),
    "no elements": (without("data/0"), "without torch's 'data/0'"),
    "big-endian numbers": (archive({**PARTS, "byteorder": b"big"}), "not little-endian"),
    "more elements than the storage has": (
        archive({**PARTS, "data/0": bytes(28)}),
        "two sizes of the storage '0'",
    ),
    "fewer elements than the storage has": (
        archive({**PARTS, "data/0": bytes(20)}),
        "two sizes of the storage '0'",
    ),
    "a storage of 2**60 elements": (
        with_value(tensor(storage("0", "Float", 2**60), 0, (6,), (1,))),
        "two sizes of the storage '0'",
    ),
    "a tensor beyond its storage": (with_value(tensor(WHERE, 1, (6,), (1,))), "beyond its storage"),
    "bytes after the pickle": (
        archive({**PARTS, "data.pkl": PARTS["data.pkl"] + b"N."}),
        "bytes after the pickle",
    ),
    "a pickle that is cut": (archive({**PARTS, "data.pkl": PARTS["data.pkl"][:-1]}), "data end"),
    "a list of tensors": (checkpoint(b"]", {}), "list instead of a dict"),
    "a number among the tensors": (with_value(b"K\x01"), "int instead of a tensor as 'a'"),
    "a dict that holds itself": (
        checkpoint(b"}q\x00" + text("a") + b"h\x00s", {}),
        "dict instead of a tensor as 'a'",
    ),
    "a parameter of no tensor": (
        with_value(REBUILD + tuple_of(b"N", b"\x89", ORDERED_DICT) + b"R"),
        "a call of torch._utils._rebuild_parameter",
    ),
    "a parameter with too few arguments": (
        with_value(REBUILD + tuple_of(A_TENSOR) + b"R"),
        "a call of torch._utils._rebuild_parameter",
    ),
    "an object among the tensors": (
        with_value(named("__torch__", "Net") + b")\x81"),
        "Instance instead of a tensor as 'a'",
    ),
    "an object of another class": (
        with_value(named("subprocess", "Popen") + b")\x81"),
        "the global subprocess.Popen",
    ),
    "a storage without type": (
        with_value(
            tensor(
                tuple_of(
                    text("storage"),
                    named("torch.storage", "UntypedStorage"),
                    text("0"),
                    text("cpu"),
                    integer(24),
                )
                + b"Q",
                0,
                (6,),
                (1,),
            )
        ),
        "the global torch.storage.UntypedStorage",
    ),
    "no folder": (archive({"data.pkl": b"", "version": b""}, folder=""), "of 2 folders and files"),
    "two folders": (archive({"a/data.pkl": b"", "b/version": b""}, folder=""), "of 2 folders"),
    "a folder above": (archive({**PARTS, "../x": b""}), "a member of the name 'archive/../x'"),
    "folders above": (archive(PARTS, folder="../"), "a member of the name '../data.pkl'"),
    "an absolute folder": (archive(PARTS, folder="/archive/"), "of the name '/archive/data.pkl'"),
    "a bomb of zeros": (
        archive({**PARTS, "data/1": bytes(50_000_000)}, packed=("data/1",)),
        "a compressed member: 'archive/data/1'",
    ),
    "a compressed pickle": (
        archive(PARTS, packed=("data.pkl",)),
        "a compressed member: 'archive/data.pkl'",
    ),
    "two members of a name": (twice("data/0"), "two members of the name 'archive/data/0'"),
    "quoted members": (quoted(), "members that overlap: 'archive/data/2'"),
    "an encrypted member": (patched(GOOD, ENTRY, 8, "H", 1), "an encrypted member"),
    "a member encrypted by its header": (patched(GOOD, LOCAL, 6, "H", 1), "an encrypted member"),
    "a strongly encrypted member": (patched(GOOD, ENTRY, 8, "H", 0x41), "an encrypted member"),
    "a member beyond the file": (
        patched(GOOD, ENTRY, 42, "I", len(GOOD)),
        "a member outside of the file",
    ),
    "a member in the middle of another": (
        patched(GOOD, ENTRY, 42, "I", 7),
        "a member that its header does not describe",
    ),
    "a member of another name": (
        GOOD.replace(b"archive/data.pkl", b"archive/data.txt", 1),
        "a member that its header does not describe",
    ),
    "another way of compression": (
        patched(GOOD, LOCAL, 8, "H", 8),
        "a member that its header does not describe",
    ),
    "two sizes": (patched(GOOD, ENTRY, 24, "I", 3), "two sizes of the member"),
    "a size that reaches into the next": (
        patched(GOOD, ENTRY, 20, "II", 9_000, 9_000),
        "members that overlap: 'archive/data.pkl'",
    ),
    "a size that reaches into the directory": (
        patched(archive({"data.pkl": b"N."}), ENTRY, 20, "II", 99, 99),
        "a member beyond its place",
    ),
    "a size of zip64": (
        patched(GOOD, ENTRY, 20, "II", 2**32 - 1, 2**32 - 1),
        "members that overlap",
    ),
    "a name of 65,535 bytes": (patched(GOOD, ENTRY, 28, "H", 2**16 - 1), "directory is damaged"),
    "a name that is not UTF-8": (
        GOOD.replace(b"archive/version", b"archive/\xff\xfe\xfd\xfc\xfb\xfa\xf9"),
        "not UTF-8",
    ),
    "65,535 members": (
        patched(GOOD, END, 8, "HH", 2**16 - 1, 2**16 - 1),
        "more than 20000 members",
    ),
    "a member too many": (patched(GOOD, END, 8, "HH", 5, 5), "ends too early"),
    "a member too few": (patched(GOOD, END, 8, "HH", 3, 3), "left over"),
    "a directory beyond the file": (patched(GOOD, END, 16, "I", 2**32 - 1), "not in the file"),
    "a large directory": (patched(GOOD, END, 12, "I", 2**32 - 1), "not in the file"),
    "a directory elsewhere": (patched(GOOD, END, 16, "I", 0), "directory is damaged"),
    "another disk": (patched(GOOD, END, 4, "H", 1), "in parts"),
    "a comment": (patched(GOOD, END, 20, "H", 3) + b"abc", "without its end"),
    "a comment's length": (patched(GOOD, END, 20, "H", 3), "with a comment"),
    "bytes at the end": (GOOD + b"\x00", "without its end"),
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
    assert peak < 300_000


def test_what_the_refused_are_made_from_is_read(tmp_path: Path) -> None:
    assert read(GOOD, tmp_path)["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_payload_does_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "made"
    call = named("os", "mkdir") + tuple_of(text(str(trap))) + b"R"

    for body in (call, state({"a": call}), BODY + b"}" + text("b") + call + b"sb"):
        assert "the global os.mkdir" in refusal(checkpoint(body, {"0": DATA}), tmp_path)

    assert not trap.exists()
    pickle.loads(parts(call, {})["data.pkl"])
    assert trap.exists(), "the trap itself is broken"


def test_many_tensors_of_one_storage_are_refused(tmp_path: Path) -> None:
    items = b"".join(text(str(number)) + b"h\x00" for number in range(10_000))
    body = b"}(" + text("first") + A_TENSOR + b"q\x00" + items + b"u"

    assert "more than 10000 tensors" in refusal(checkpoint(body, {"0": DATA}), tmp_path)


def test_an_archive_that_ends_anywhere_too_early_is_refused(tmp_path: Path) -> None:
    for end in range(len(GOOD)):
        assert not is_read(GOOD[:end], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["by hand", "state-1.12.1.pth", "state-2.15.0.pth"])
def test_changed_bytes_are_read_or_refused_and_nothing_else(name: str, tmp_path: Path) -> None:
    data = GOOD if name == "by hand" else (ARCHIVES / name).read_bytes()

    outcomes = [is_read(copy, tmp_path) for copy in changed(data, 2_000)]

    assert outcomes.count(True) > 100
    assert outcomes.count(False) > 200
