"""What a library remembers of a mirror, so that the next export need not read it from there."""

import hashlib
import json
import math
import zipfile
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lookgraph.aside import written_aside
from lookgraph.stores.contents import MIRRORS_FOLDER, VerdictFacts
from lookgraph.stores.neo4j.client.address import Address
from lookgraph.stores.neo4j.mirror.mirrored import LibraryFacts, Mirrored, MirroredSpace, SpaceFacts
from lookgraph.stores.neo4j.relations import Relations
from lookgraph.types import Array

_FORMAT = 3
_PAST = 100
"""States of the mirror that are remembered by name."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a mirror.

    Attributes:
        states: that exports from here have left it in, the last one last.
        counts: of its nodes and relations in that one.
        mirrored: what it held in the last of them.
    """

    states: tuple[str, ...]
    counts: tuple[int, ...]
    mirrored: Mirrored


def memory_file(folder: Path, address: Address) -> Path:
    """Where it is kept.

    Args:
        folder: the library's.
        address: of the mirror.
    """
    name = hashlib.sha256(str(address).encode()).hexdigest()[:16]
    return folder / MIRRORS_FOLDER / f"{name}.npz"


def remember(file: Path, memory: Memory) -> None:
    """Keep it, in place of what was kept before."""
    file.parent.mkdir(exist_ok=True)
    mirrored = memory.mirrored
    told = {
        "format": _FORMAT,
        "states": memory.states[-_PAST:],
        "counts": memory.counts,
        "library": mirrored.library,
        "next_row": mirrored.next_row,
        "pictures": mirrored.pictures,
        "files": mirrored.files,
        "verdicts": [[*pair, *facts] for pair, facts in mirrored.verdicts.items()],
        "spaces": [astuple(space.facts) for space in mirrored.spaces],
    }
    arrays: dict[str, Any] = {
        "told": np.frombuffer(json.dumps(told).encode(), np.uint8),
        "rows": np.array([mirrored.rows[id_] for id_ in mirrored.pictures], np.int64),
    }
    for number, space in enumerate(mirrored.spaces):
        sums, norms, relations = space.sums, space.norms, space.relations
        arrays |= {
            f"sums{number}": np.array([sums.get(id_, -1) for id_ in mirrored.pictures], np.int64),
            f"norms{number}": np.array([norms.get(id_, np.nan) for id_ in mirrored.pictures]),
            f"first{number}": relations.first,
            f"second{number}": relations.second,
            f"scores{number}": relations.scores,
        }
    with written_aside(file) as aside, aside.open("wb") as out:
        np.savez(out, **arrays)


def recall(file: Path) -> Memory | None:
    """What is remembered; None if nothing is, or nothing that can be used."""
    try:
        with file.open("rb") as source, np.load(source) as found:
            return _from_arrays({name: found[name] for name in found.files})
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None  # it is read from the mirror then


def _from_arrays(arrays: dict[str, Array]) -> Memory | None:
    told: dict[str, Any] = json.loads(arrays["told"].tobytes())
    if told["format"] != _FORMAT:
        return None
    pictures = told["pictures"]
    root, include, exclude = told["library"]
    mirrored = Mirrored(
        LibraryFacts(root, tuple(include), tuple(exclude)),
        int(told["next_row"]),
        dict(zip(pictures, arrays["rows"].tolist(), strict=True)),
        pictures,
        told["files"],
        {(first, second): VerdictFacts(*facts) for first, second, *facts in told["verdicts"]},
        tuple(
            _space(SpaceFacts(*facts), list(pictures), arrays, number)
            for number, facts in enumerate(told["spaces"])
        ),
    )
    return Memory(tuple(told["states"]), tuple(told["counts"]), mirrored)


def _space(facts: SpaceFacts, ids: list[str], arrays: dict[str, Array], n: int) -> MirroredSpace:
    sums, norms = arrays[f"sums{n}"], arrays[f"norms{n}"]
    return MirroredSpace(
        facts,
        {id_: its for id_, its in zip(ids, sums.tolist(), strict=True) if its >= 0},
        {id_: its for id_, its in zip(ids, norms.tolist(), strict=True) if not math.isnan(its)},
        Relations(arrays[f"first{n}"], arrays[f"second{n}"], arrays[f"scores{n}"]),
    )
