"""Damages files of weights in many ways, and says how they were taken."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lookgraph.models.checkpoints import CheckpointError, read_checkpoint
from lookgraph.types import Array

NUMBERS = (0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)


def read(data: bytes, folder: Path) -> dict[str, Array]:
    file = folder / "weights"
    file.write_bytes(data)
    return read_checkpoint(file)


def refusal(data: bytes, folder: Path) -> str:
    """Why a file is refused, which it must be by its name."""
    with pytest.raises(CheckpointError) as caught:
        read(data, folder)
    begin = f"{folder / 'weights'} is not a checkpoint that can be read safely: "
    assert str(caught.value).startswith(begin)
    return str(caught.value).removeprefix(begin)


def is_read(data: bytes, folder: Path) -> bool:
    """Whether a file is read; if not, it must be refused.

    Its tensors then lie within it, where bfloat16 takes twice the bytes.
    """
    try:
        tensors = read(data, folder)
    except CheckpointError:
        return False
    for tensor in tensors.values():
        assert tensor.nbytes <= 2 * len(data)
        tensor.copy()
    return True


def changed(data: bytes, times: int) -> Iterator[bytes]:
    """Copies with changed bytes, numbers that are too large, repeated parts and missing ends."""
    chance = random.Random(4)
    for _ in range(times):
        copy = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 8))):
            at = chance.randrange(len(copy))
            match chance.randrange(6):
                case 0 | 1 | 2:
                    copy[at] = chance.choice((0, 1, 46, 82, 127, 128, chance.randrange(256)))
                case 3 | 4:
                    number = chance.choice((*NUMBERS, len(data), chance.randrange(len(data))))
                    raw = number.to_bytes(8, "little")[: chance.choice((2, 4, 8))]
                    copy[at : at + len(raw)] = raw
                case _:
                    source = chance.randrange(len(copy))
                    part = copy[source : source + chance.randrange(1, 64)]
                    copy[at : at + len(part)] = part
        if not chance.randrange(20):
            del copy[chance.randrange(1, len(copy)) :]
        yield bytes(copy)
