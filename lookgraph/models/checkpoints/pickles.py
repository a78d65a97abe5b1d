"""A reader of pickles that builds plain values only and calls nothing that the pickle names.

It interprets the opcodes itself. A subclass of `pickle.Unpickler` with a guarded ``find_class``
would be shorter, but its machine still calls ``__setstate__``, hashes whatever becomes a key
(nested tuples take exponential time), reserves memory for any length or memo number that it is
told, and has opcodes that nobody here needs. Here, an opcode that is not in the table is refused,
and the table holds what protocol 2 writes for containers, texts, numbers, objects and references:

- A length is checked against what is left before anything is read, so no number in the pickle
  reserves memory. Every opcode makes at most one value, and their number is limited.
- Keys are texts, whose hash is salted and takes linear time. Nothing is ever traversed, compared
  or printed, so shared, deep and cyclic values cost no more than the opcodes that made them.
- Globals become `Name`; what may be made of one, the caller says. An object of a class becomes an
  `Instance`, which is the class's name and a dict.

The opcodes are described in the standard library's ``pickletools``.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from mmap import mmap
from typing import TypeAlias, TypeVar, cast

Data: TypeAlias = bytes | mmap
"""The bytes of a file, or the map of one."""

MOST_OPCODES = 1_000_000
"""A network of a few hundred tensors takes some 15,000."""

_T = TypeVar("_T")


class RefusedError(ValueError):
    """The pickle holds something that is not admitted."""


@dataclass(frozen=True, slots=True)
class Name:
    """A global that the pickle names: only its name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Instance:
    """An object of a class that the pickle names: only the name and what the object held."""

    name: Name
    attributes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a pickle may hold beyond plain values.

    Attributes:
        names: the globals that it may name.
        construct: makes a value of a global and its arguments, or raises RefusedError.
        resolve: makes a value of a persistent id, or raises RefusedError.
        is_class: whether a global beside `names` may be named as the class of an object.
    """

    names: frozenset[Name]
    construct: Callable[[Name, tuple[object, ...]], object]
    resolve: Callable[[object], object]
    is_class: Callable[[Name], bool] = lambda name: False


def _none(what: object, _arguments: object = None) -> object:
    raise RefusedError(f"a reference to something outside: {type(what).__name__}")


PLAIN = Admitted(names=frozenset(), construct=_none, resolve=_none)
"""For pickles of plain values."""


def read_pickle(data: Data, start: int, admitted: Admitted = PLAIN) -> tuple[object, int]:
    """Read one pickle.

    Args:
        data: bytes that hold a pickle.
        start: where it begins.
        admitted: what it may hold beyond plain values.

    Returns:
        Its value, and the position after its end. The value consists of dict with text keys,
        list, tuple, str, int, float, bool, None, Instance, and what `admitted` made.

    Raises:
        RefusedError: it is not a pickle, or holds something that is not admitted.
    """
    machine = _Machine(data, start, admitted)
    return machine.run(), machine.position


class _Machine:
    """The pickle machine: a stack, the stacks below the open marks, and a memo."""

    def __init__(self, data: Data, start: int, admitted: Admitted) -> None:
        self.data = data
        self.position = start
        self.admitted = admitted
        self.stack: list[object] = []
        self.below: list[list[object]] = []
        self.memo: list[object] = []

    def run(self) -> object:
        for _ in range(MOST_OPCODES):
            at = self.position
            opcode = self.take(1)
            if opcode == b".":
                return self.finish()
            step = _STEPS.get(opcode)
            if step is None:
                raise RefusedError(f"opcode {opcode!r} at byte {at}")
            step(self)
        raise RefusedError(f"more than {MOST_OPCODES} opcodes")

    def finish(self) -> object:
        value = self.pop(object)
        if self.stack or self.below:
            raise RefusedError(f"values left over at byte {self.position}")
        return value

    # What the steps are made of.

    def take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise RefusedError(f"the data end inside a value at byte {self.position}")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def number(self, code: str) -> int:
        return cast(int, struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0])

    def pop(self, kind: type[_T]) -> _T:
        if not self.stack:
            raise RefusedError(f"a value is missing at byte {self.position}")
        value = self.stack.pop()
        if not isinstance(value, kind):
            raise RefusedError(
                f"{type(value).__name__} instead of {kind.__name__} at byte {self.position}"
            )
        return value

    def top(self, kind: type[_T]) -> _T:
        value = self.pop(kind)
        self.stack.append(value)
        return value

    def since_mark(self) -> list[object]:
        if not self.below:
            raise RefusedError(f"a mark is missing at byte {self.position}")
        values, self.stack = self.stack, self.below.pop()
        return values

    # The steps.

    def protocol(self) -> None:
        if self.number("B") != 2:
            raise RefusedError("a pickle protocol other than 2")

    def text(self) -> None:
        raw = self.take(self.number("I"))
        try:
            self.stack.append(raw.decode())
        except UnicodeDecodeError:
            raise RefusedError(f"text that is not UTF-8 at byte {self.position}") from None

    def float(self) -> None:
        self.stack.append(struct.unpack(">d", self.take(8))[0])

    def long(self) -> None:
        self.stack.append(int.from_bytes(self.take(self.number("B")), "little", signed=True))

    def line(self) -> str:
        end = self.data.find(b"\n", self.position, self.position + 256)
        if end < 0:
            raise RefusedError(f"a name without end at byte {self.position}")
        raw = self.take(end + 1 - self.position)[:-1]
        return raw.decode("latin-1").encode("unicode_escape").decode()  # It goes into messages.

    def named(self) -> None:
        name = Name(self.line(), self.line())
        if name not in self.admitted.names and not self.admitted.is_class(name):
            raise RefusedError(f"the global {name}")
        self.stack.append(name)

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def put(self, number: int) -> None:
        # Picklers number their memo 0, 1, 2, …; so it can be a list, and no number reserves memory.
        if number != len(self.memo):
            raise RefusedError(f"memo number {number} at byte {self.position}")
        self.memo.append(self.top(object))

    def get(self, number: int) -> None:
        if number >= len(self.memo):
            raise RefusedError(f"memo number {number} at byte {self.position}")
        self.stack.append(self.memo[number])

    def tuple_of(self, count: int) -> None:
        values = [self.pop(object) for _ in range(count)]
        self.stack.append(tuple(reversed(values)))

    def tuple_since_mark(self) -> None:
        values = tuple(self.since_mark())
        self.stack.append(values)

    def append(self, values: list[object]) -> None:
        self.top(list).extend(values)

    def set_items(self, values: list[object]) -> None:
        if len(values) % 2:
            raise RefusedError(f"a key without a value at byte {self.position}")
        target = self.top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str):
                raise RefusedError(f"{type(key).__name__} as a key at byte {self.position}")
            target[key] = value

    def set_item(self) -> None:
        value = self.pop(object)
        self.set_items([self.pop(object), value])

    def persistent(self) -> None:
        self.stack.append(self.admitted.resolve(self.pop(object)))

    def reduce(self) -> None:
        arguments = self.pop(tuple)
        self.stack.append(self.admitted.construct(self.pop(Name), arguments))

    def new_object(self) -> None:
        if self.pop(tuple):
            raise RefusedError(f"an object with arguments at byte {self.position}")
        name = self.pop(Name)
        if not self.admitted.is_class(name):
            raise RefusedError(f"an object of {name}")
        self.stack.append(Instance(name))

    def build(self) -> None:
        attributes = self.pop(dict)
        target = self.top(object)
        if isinstance(target, Instance):
            # Kept and not copied: a pickle may give the same dict to any number of objects.
            target.attributes = attributes
        elif not isinstance(target, dict):
            # An OrderedDict has attributes, too: torch puts version numbers there, for nobody here.
            raise RefusedError(f"attributes of {type(target).__name__} at byte {self.position}")


_STEPS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": _Machine.protocol,
    b"N": lambda machine: machine.stack.append(None),
    b"\x88": lambda machine: machine.stack.append(True),
    b"\x89": lambda machine: machine.stack.append(False),
    b"G": _Machine.float,
    b"J": lambda machine: machine.stack.append(machine.number("i")),
    b"K": lambda machine: machine.stack.append(machine.number("B")),
    b"M": lambda machine: machine.stack.append(machine.number("H")),
    b"\x8a": _Machine.long,
    b"X": _Machine.text,
    b"c": _Machine.named,
    b"(": _Machine.mark,
    b"q": lambda machine: machine.put(machine.number("B")),
    b"r": lambda machine: machine.put(machine.number("I")),
    b"h": lambda machine: machine.get(machine.number("B")),
    b"j": lambda machine: machine.get(machine.number("I")),
    b")": lambda machine: machine.tuple_of(0),
    b"\x85": lambda machine: machine.tuple_of(1),
    b"\x86": lambda machine: machine.tuple_of(2),
    b"\x87": lambda machine: machine.tuple_of(3),
    b"t": _Machine.tuple_since_mark,
    b"]": lambda machine: machine.stack.append([]),
    b"a": lambda machine: machine.append([machine.pop(object)]),
    b"e": lambda machine: machine.append(machine.since_mark()),
    b"}": lambda machine: machine.stack.append({}),
    b"s": _Machine.set_item,
    b"u": lambda machine: machine.set_items(machine.since_mark()),
    b"Q": _Machine.persistent,
    b"R": _Machine.reduce,
    b"\x81": _Machine.new_object,
    b"b": _Machine.build,
}
