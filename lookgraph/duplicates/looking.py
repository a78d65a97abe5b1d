"""Which pairs of pictures are the same photograph, by what their files show."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from lookgraph.config import usable_cores
from lookgraph.graph.edges import Edges
from lookgraph.ingest.decode import UnusableError, decode
from lookgraph.perceptual import signature as signatures
from lookgraph.perceptual.agreement import agreements
from lookgraph.perceptual.signature import Signature, signature
from lookgraph.stores.base import Store
from lookgraph.stores.signatures import Signatures
from lookgraph.types import Entry, Stamp, Vector

_AT_ONCE = 256
"""Signatures that are made before they are kept."""

_SHARE_OF_READING = 0.7
"""Of the progress, where all files have to be read."""


def signatures_of(
    store: Store, ids: Sequence[str], progress: Callable[[float], None]
) -> list[Signature | None]:
    """The signature of each picture; None of one that no file holds any more as it was indexed."""
    kept = Signatures(store.cache)
    known = {id_: signatures.from_bytes(stored) for id_, stored in kept.read(ids).items()}
    lacking = [id_ for id_ in ids if known.get(id_) is None]
    root = store.root
    with ThreadPoolExecutor(usable_cores()) as workers:
        for start in range(0, len(lacking), _AT_ONCE):
            part = lacking[start : start + _AT_ONCE]
            made = dict(zip(part, workers.map(lambda id_: _made(store, root, id_), part),
                            strict=True))  # fmt: skip
            known |= made
            kept.write({id_: its.to_bytes() for id_, its in made.items() if its})
            progress(_SHARE_OF_READING * (start + len(part)) / len(lacking))
    return [known[id_] for id_ in ids]


def _made(store: Store, root: Path, id_: str) -> Signature | None:
    for entry in store.files(id_):
        if (found := _read(root, entry)) is not None:
            return found
    return None


def _read(root: Path, entry: Entry) -> Signature | None:
    """The signature of a file, unless it has changed since it was indexed, or is gone."""
    file = root / entry.path
    try:
        found = file.stat()
        if Stamp(found.st_size, found.st_mtime_ns) != entry.stamp:
            return None
        with file.open("rb") as opened:
            return signature(np.asarray(decode(opened, signatures.LONGEST).image))
    except (OSError, UnusableError):
        return None


def agreements_of(
    edges: Edges, made: Sequence[Signature | None], progress: Callable[[float], None]
) -> Vector:
    """How much of their detail the pictures of each edge have in common, shape (m,).

    Args:
        edges: between places in the signatures.
        made: the signatures; what has none agrees with nothing.
        progress: told the share that is done, `_SHARE_OF_READING` to 1.
    """
    found = np.zeros(len(edges), np.float32)
    by_first = _by_first(edges)

    def compare(first: int) -> None:
        one, rest = made[first], by_first[first]
        if one is None:
            return
        others = [(edge, its) for edge, second in rest if (its := made[second]) is not None]
        if others:
            found[[edge for edge, _ in others]] = agreements(one, [its for _, its in others])

    with ThreadPoolExecutor(usable_cores()) as workers:
        for number, _ in enumerate(workers.map(compare, by_first), 1):
            progress(_SHARE_OF_READING + (1 - _SHARE_OF_READING) * number / len(by_first))
    return found


def _by_first(edges: Edges) -> Mapping[int, list[tuple[int, int]]]:
    """The numbers of the edges of each first end, with their other ends."""
    found: dict[int, list[tuple[int, int]]] = {}
    ends = zip(edges.first.tolist(), edges.second.tolist(), strict=True)
    for edge, (first, second) in enumerate(ends):
        found.setdefault(first, []).append((edge, second))
    return found
