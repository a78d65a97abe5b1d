"""TorchScript archives: the tensors of their modules by name, and their code never runs."""

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from lookgraph.models.checkpoints import read_checkpoint

from .damage import changed, is_read, read, refusal
from .legacy import integer, integers, named, tensor, text, tuple_of
from .zipped import an_object, archive, parts, storage

ARCHIVES = Path(__file__).parent / "archives"

DATA = np.arange(6, dtype=np.float32)
A_TENSOR = tensor(storage("0", "Float", 6), 0, (2, 3), (3, 1))


def script(body: bytes) -> bytes:
    return archive(parts(body, {"0": DATA}))


@pytest.mark.parametrize(
    "name", ["script-1.12.1.pt", "script-2.15.0.pt", "trace-1.12.1.pt", "trace-2.15.0.pt"]
)
def test_what_torch_writes_is_what_the_modules_state_has(name: str) -> None:
    tensors = read_checkpoint(ARCHIVES / name)

    with np.load(ARCHIVES / "torch.npz") as file:
        expected = dict(file)
    assert tensors.keys() == expected.keys()  # With `passing`, the buffer that is not persistent.
    for name, value in expected.items():
        np.testing.assert_array_equal(tensors[name], value, err_msg=name, strict=True)
    state = [name for name in expected if name != "passing"]
    assert [name for name in tensors if name != "passing"] == state
    assert not any(found.flags.writeable for found in tensors.values())


def test_settings_of_all_kinds_are_left_out(tmp_path: Path) -> None:
    def call(name: str, *arguments: bytes) -> bytes:
        return named("torch.jit._pickle", name) + tuple_of(*arguments) + b"R"

    module = an_object(
        "Net",
        {
            "weight": A_TENSOR,
            "training": b"\x88",
            "nothing": b"N",
            "number": integer(-5),
            "ratio": b"G" + bytes(8),
            "word": text("weight"),
            "pair": integers(1, 2),
            "sizes": call("build_intlist", b"](" + integer(3) + b"e"),
            "ratios": call("build_doublelist", b"]"),
            "tensors": call("build_tensorlist", b"]" + A_TENSOR + b"a"),
            "words": call("restore_type_tag", b"}" + text("a") + b"Ns", text("Dict[str, int]")),
            "device": named("torch", "device") + tuple_of(text("cuda:0")) + b"R",
            "inner": an_object("Inner", {"bias": A_TENSOR, "training": b"\x89"}),
            "empty": named("__torch__.torch.nn.modules", "Identity") + b")\x81}b",
        },
    )

    tensors = read(script(module), tmp_path)

    assert list(tensors) == ["weight", "inner.bias"]
    np.testing.assert_array_equal(tensors["inner.bias"], DATA.reshape(2, 3), strict=True)


def test_code_is_not_looked_at_and_may_be_compressed(tmp_path: Path) -> None:
    code = "code/__torch__.py"
    members = parts(an_object("Net", {"a": A_TENSOR}), {"0": DATA})
    trap = tmp_path / "made"
    members[code] = f"import os\nos.mkdir({str(trap)!r})\n".encode() * 100
    members["constants.pkl"] = b"cos\nmkdir\n(V" + str(trap).encode() + b"\ntR."

    tensors = read(archive(members, packed=(code,)), tmp_path)

    assert tensors["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not trap.exists()


def test_a_payload_does_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "made"
    call = named("os", "mkdir") + tuple_of(text(str(trap))) + b"R"
    state = text("__setstate__") + named("os", "mkdir")

    for module in (
        an_object("Net", {"a": A_TENSOR, "b": call}),
        named("__torch__", "Net") + b")\x81}" + state + b"sb" + text(str(trap)) + b"b",
        an_object("Net", {"a": A_TENSOR, "b": named("os", "mkdir") + b")\x81"}),
    ):
        assert "the global os.mkdir" in refusal(script(module), tmp_path)

    assert not trap.exists()


def nested(levels: int, times: int) -> bytes:
    """Modules of `times` times the same module, `levels` times over."""
    body = an_object("Net", {"a": A_TENSOR})
    for level in range(levels):
        keep = b"q" + bytes([level])
        again = {f"{number}": b"h" + bytes([level]) for number in range(times)}
        # A memo needs the value to be on the stack: it stays there as an attribute of its own.
        body = an_object("Net", {"f": body + keep, **again})
    return body


REFUSED = {
    "modules that are shared many times": (nested(40, 1), "of more than 50000 attributes"),
    "modules within each other": (nested(100, 0), "a name of more than 200 characters"),
    "a module that holds itself": (
        named("__torch__", "Net") + b")\x81q\x00}" + text("m") + b"h\x00sb",
        "a name of more than 200 characters",
    ),
    "a module that holds itself without a name": (
        named("__torch__", "Net") + b")\x81q\x00}" + text("") + b"h\x00sb",
        "a name of more than 200 characters",
    ),
    "a long name": (an_object("Net", {"a" * 201: A_TENSOR}), "a name of more than 200 characters"),
    "two tensors of a name": (
        an_object("Net", {"a.b": A_TENSOR, "a": an_object("Net", {"b": A_TENSOR})}),
        "two tensors of the name 'a.b'",
    ),
    "an object of another class": (
        named("__torch", "Net") + b")\x81}b",
        "the global __torch.Net",
    ),
    "a class alone": (named("__torch__", "Net"), "Name instead of a dict of tensors"),
    "a call of a class": (named("__torch__", "Net") + b")R", "a call of __torch__.Net"),
    "a setting of nothing": (
        named("torch.jit._pickle", "build_intlist") + b")R",
        "a call of torch.jit._pickle.build_intlist",
    ),
    "a tensor elsewhere": (
        an_object(
            "Net",
            {"a": named("torch.jit._pickle", "build_tensor_from_id") + tuple_of(b"K\x00") + b"R"},
        ),
        "the global torch.jit._pickle.build_tensor_from_id",
    ),
    "a module with the state of a list": (
        named("__torch__", "Net") + b")\x81]b",
        "list instead of dict",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses_at_once_and_in_little_memory(kind: str, tmp_path: Path) -> None:
    body, reason = REFUSED[kind]

    tracemalloc.start()
    before = time.perf_counter()
    try:
        assert reason in refusal(script(body), tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 40_000_000
    assert time.perf_counter() - before < 2


@pytest.mark.slow
def test_changed_bytes_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    data = (ARCHIVES / "script-1.12.1.pt").read_bytes()

    outcomes = [is_read(copy, tmp_path) for copy in changed(data, 2_000)]

    assert outcomes.count(True) > 100
    assert outcomes.count(False) > 200
