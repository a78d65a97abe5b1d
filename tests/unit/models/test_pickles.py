"""Pickles: plain values come out as they went in, and nothing else comes out at all."""

import pickle
import struct
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.models.checkpoints.pickles import (
    PLAIN,
    Admitted,
    Instance,
    Name,
    RefusedError,
    read_pickle,
)

from .legacy import integer, named, pickled, text, tuple_of

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**900), 2**900)
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(max_size=9), inner)
    ),
    max_leaves=40,
)


@given(VALUES)
def test_what_the_standard_library_pickles_comes_out_the_same(value: object) -> None:
    data = b"before" + pickle.dumps(value, 2) + b"after"

    assert read_pickle(data, 6) == (value, len(data) - 5)


def test_shared_values_are_shared_again() -> None:
    shared = ["a long enough text to be remembered"]

    value, _ = read_pickle(pickle.dumps([shared] * 300, 2), 0)

    assert value == [shared] * 300


def executing(folder: str) -> dict[str, bytes]:
    """Pickles that make a folder when the standard library reads them."""
    argument = text(folder)
    line = f"V{folder}\n".encode()
    mkdir = named("os", "mkdir")
    return {
        "GLOBAL and REDUCE": pickled(mkdir + tuple_of(argument) + b"R"),
        "protocol 0": b"cos\nmkdir\n(" + line + b"tR.",
        "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93" + tuple_of(argument) + b"R.",
        "INST": b"(" + line + b"ios\nmkdir\n.",
        "OBJ": b"(" + mkdir + argument + b"o.",
        "functools.partial": pickled(
            named("functools", "partial") + tuple_of(mkdir, argument) + b"R" + b")R"
        ),
        "BUILD of setstate": pickled(
            named("types", "SimpleNamespace")
            + b")R}"
            + text("__setstate__")
            + mkdir
            + b"sb"
            + argument
            + b"b"
        ),
        "inside an admitted name": pickled(
            named("collections", "OrderedDict") + tuple_of(mkdir + tuple_of(argument) + b"R") + b"R"
        ),
    }


@pytest.mark.parametrize("kind", executing("x"))
def test_nothing_is_executed_that_the_standard_library_would(kind: str, tmp_path: Path) -> None:
    admitted = Admitted(
        frozenset({Name("collections", "OrderedDict")}), lambda name, arguments: {}, PLAIN.resolve
    )
    trap = tmp_path / "made"
    data = executing(str(trap))[kind]

    with pytest.raises(RefusedError):
        read_pickle(data, 0, admitted)
    assert not trap.exists()

    with suppress(TypeError, pickle.UnpicklingError):  # After the call, the rest may fail.
        pickle.loads(data)
    assert trap.exists(), "the trap itself is broken"


REFUSED = {
    "nothing": b"",
    "no opcode": b"\x00",
    "another protocol": b"\x80\x04N.",
    "a persistent id": pickled(text("outside") + b"Q"),
    "a persistent id of protocol 0": b"Poutside\n.",
    "EXT1": b"\x82\x01.",
    "EXT2": b"\x83\x01\x00.",
    "EXT4": b"\x84\x01\x00\x00\x00.",
    "NEWOBJ": b"\x80\x02cbuiltins\nobject\n)\x81.",
    "NEWOBJ_EX": b"\x80\x04cbuiltins\nobject\n)}\x92.",
    "a set": b"\x80\x04\x8f.",
    "a buffer": b"\x80\x05\x97.",
    "a global": pickled(named("builtins", "eval")),
    "a global without end": pickled(b"c" + b"a" * 10_000),
    "a global that is no ASCII": pickled("cé\né\n".encode()),
    "a call of a text": pickled(text("os.system") + b")R"),
    "a call without arguments": pickled(b"R"),
    "state for a list": pickled(b"]}b"),
    "state that is a list": pickled(b"}]b"),
    "an append to a tuple": pickled(b")Na"),
    "an item for a list": pickled(b"](NNu"),
    "an integer as key": pickled(b"}K\x01Ns"),
    "a tuple as key": pickled(b"})Ns"),
    "a key without value": pickled(b"}(" + text("a") + b"u"),
    "a tuple without mark": pickled(b"t"),
    "a tuple of too few": pickled(b"N\x86"),
    "a tuple of what is below the mark": pickled(b"N(N\x86"),
    "an open mark": pickled(b"(N"),
    "values left over": pickled(b"NN"),
    "no value": pickled(b""),
    "a memo number that is not there": pickled(b"h\x00"),
    "a memo number out of turn": pickled(b"Nq\x01"),
    "a memo of nothing": pickled(b"q\x00"),
    "text that is not UTF-8": pickled(b"X\x01\x00\x00\x00\xff"),
    "a decimal integer": b"I1\n.",
    "a float that is cut": b"\x80\x02G" + struct.pack(">d", 1.0)[:7],
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses(kind: str) -> None:
    with pytest.raises(RefusedError):
        read_pickle(REFUSED[kind], 0)


def doubled(levels: int) -> bytes:
    """A tuple of two of a tuple of two of …: 2 to the power of `levels` leaves."""
    step = (b"q%c" + b"h%c\x86") * levels
    return b")" + step % tuple(number for level in range(levels) for number in (level, level))


BOMBS = {
    "a long text": pickled(b"X\xff\xff\xff\xff"),
    "a longer text": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f.",
    "many bytes": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.",
    "a byte array": b"\x80\x05\x96" + b"\xff" * 7 + b"\x7f.",
    "a long frame": b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f.",
    "a long integer": pickled(b"\x8b\xff\xff\xff\x7f"),
    "many digits": b"I" + b"9" * 100_000 + b"\n.",
    "a large memo number": pickled(b"Nr\xff\xff\xff\xff"),
    "doubled tuples as a key": pickled(b"}" + doubled(200) + b"Ns"),
    "doubled tuples as a global": pickled(doubled(200) + b")R"),
    "doubled tuples as a persistent id": pickled(doubled(200) + b"Q"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_refuses_a_bomb_at_once_and_in_little_memory(kind: str) -> None:
    tracemalloc.start()
    before = time.perf_counter()
    try:
        with pytest.raises(RefusedError):
            read_pickle(BOMBS[kind], 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 300_000
    assert time.perf_counter() - before < 1


def test_doubled_tuples_cost_no_more_than_their_opcodes() -> None:
    value, _ = read_pickle(pickled(b"]" + doubled(200) + b"a"), 0)

    assert isinstance(value, list)
    assert len(value) == 1


@pytest.mark.parametrize("nested", [b"]" * 200_000 + b"a" * 199_999, b")" + b"\x85" * 200_000])
def test_deep_nesting_does_not_exhaust_the_stack(nested: bytes) -> None:
    value, end = read_pickle(pickled(nested), 0)

    assert len(value) == 1  # type: ignore[arg-type]
    assert end == len(nested) + 3


def test_a_list_that_holds_itself_can_be_read() -> None:
    value, _ = read_pickle(pickled(b"]q\x00h\x00a"), 0)

    assert value[0] is value  # type: ignore[index]


def test_the_number_of_opcodes_is_limited() -> None:
    with pytest.raises(RefusedError, match="more than 1000000 opcodes"):
        read_pickle(b"N" * 1_000_001, 0)


def test_a_call_of_an_admitted_name_is_left_to_the_caller() -> None:
    name = Name("torch", "Size")
    admitted = Admitted(
        frozenset({name}), lambda called, arguments: (str(called), arguments), PLAIN.resolve
    )

    data = pickled(named("torch", "Size") + tuple_of(integer(-3)) + b"R")

    assert read_pickle(data, 0, admitted) == (("torch.Size", (-3,)), len(data))


OBJECTS = Admitted(
    frozenset({Name("collections", "OrderedDict")}),
    PLAIN.construct,
    PLAIN.resolve,
    is_class=lambda name: name.module == "code",
)
NET = named("code", "Net")


def test_an_object_is_its_class_and_what_it_held() -> None:
    inner = NET + b")\x81}" + text("size") + integer(3) + b"sb"
    data = pickled(NET + b")\x81}(" + text("inner") + inner + text("word") + text("w") + b"ub")

    value, end = read_pickle(data, 0, OBJECTS)

    assert isinstance(value, Instance)
    assert str(value.name) == "code.Net"
    assert list(value.attributes) == ["inner", "word"]
    found = value.attributes["inner"]
    assert isinstance(found, Instance)
    assert found.attributes == {"size": 3}
    assert end == len(data)


@pytest.mark.parametrize(
    ("body", "reason"),
    {
        "of another class": (named("os", "Popen") + b")\x81", "the global os.Popen"),
        "of what is no class": (
            named("collections", "OrderedDict") + b")\x81",
            "an object of collections.OrderedDict",
        ),
        "of a text": (text("code.Net") + b")\x81", "str instead of Name"),
        "with arguments": (NET + tuple_of(b"N") + b"\x81", "an object with arguments"),
        "by a call": (NET + b")R", "a reference to something outside"),
        "with a list of attributes": (NET + b")\x81]b", "list instead of dict"),
        "with a number as attribute": (NET + b")\x81}NNsb", "NoneType as a key"),
        "with an item": (NET + b")\x81" + text("a") + b"Ns", "Instance instead of dict"),
        "with an element": (NET + b")\x81Na", "Instance instead of list"),
    }.values(),
)
def test_no_object_is_made(body: bytes, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        read_pickle(pickled(body), 0, OBJECTS)


def test_attributes_that_many_objects_share_cost_nothing() -> None:
    many = b"(" + b"".join(text(str(number)) + b"N" for number in range(20_000)) + b"u"
    objects = (NET + b")\x81h\x00ba") * 2_000

    tracemalloc.start()
    try:
        read_pickle(pickled(b"]}q\x00" + many + b"a" + objects), 0, OBJECTS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 10_000_000
