"""From a database that somebody filled by the Neo4j recipe to a library.

Its nodes say where a file was and what a network made of it. The files are read, since pictures
are known by their content, but no network is needed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from lookgraph.config import usable_cores
from lookgraph.errors import ExchangeError
from lookgraph.exchange.claims import Claim, LeftOut, claims_of
from lookgraph.exchange.looking import look
from lookgraph.exchange.probing import check_network, network_of
from lookgraph.exchange.rows import to_keep
from lookgraph.models.described import as_text
from lookgraph.models.model import Model
from lookgraph.stores.base import Store, Writer
from lookgraph.stores.neo4j.recipe import Recipe
from lookgraph.types import LARGEST, Array, Entry, SkipKind, Space, Vector

_FILES = 500
"""Read and committed together. With 2,048 numbers each, their embeddings come in 9 MB."""

_SAMPLE = 100
"""Nodes whose embeddings tell of how many numbers they are."""

_PROBES = 3
"""Pictures that are embedded again."""

_ROUNDING = 1e-3
"""Half precision, which keeps the least of all, moves an embedding by less than this share."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the nodes.

    Attributes:
        space: that the embeddings are in.
        files: with an embedding.
        disagreeing: files of which one path's nodes have different embeddings: the later was taken.
        left_out: the nodes and files that were not taken.
        dropped: what paths have in front of the files', and how many have it.
        is_checked: whether the network is here, and gives such embeddings.
    """

    space: Space
    files: int
    disagreeing: int
    left_out: tuple[LeftOut, ...]
    dropped: Counter[str]
    is_checked: bool


def read_recipe(
    store: Store,
    recipe: Recipe,
    root: Path,
    model: Model | None,
    *,
    under: str = "",
    unchecked: bool = False,
    progress: Callable[[float], None] = lambda _: None,
) -> Imported:
    """Read pictures and embeddings into a library, made if need be.

    Pictures that have an embedding keep it. Files are committed in batches: after a stop, read
    again.

    Args:
        store: the library.
        recipe: the database.
        root: the folder that the library is, or will be, of.
        model: the network that made the embeddings; None for a recipe's, by their dimension.
        under: the relative path of the part of it that the files are looked for in.
        unchecked: do not ask whether the network makes such embeddings.
        progress: is told which share is done, from 0 to 1.

    Raises:
        ExchangeError: there are no such nodes, or no files for them, or another network made them.
        UsageError: the dimension does not tell which network it is.
        LibraryLockedError: another process is writing.
        LibraryError: the server or the library cannot be used.
    """
    nodes = recipe.nodes()
    model = model or _network(recipe, [node.key for node in nodes])
    claims, left_out = claims_of(root, under, nodes)
    if not claims:
        raise ExchangeError(
            f"None of the {len(nodes):,} nodes has a path that leads to a file in {root / under}. "
            "Name the folder where the pictures are now: lookgraph import ADDRESS FOLDER"
        )
    is_checked = not unchecked and check_network(model, _probes(recipe, model, root, claims))
    told = _Told(model.space(), left_out)
    with store.write() as writer:
        writer.remember(root, store.patterns)
        writer.add_space(told.space, as_text(model))
        _commit_all(writer, recipe, root, claims, told, progress)
        writer.renew_index(told.space, None, lambda _: None)
        writer.renew_graph(told.space, None, lambda _: None)
    return Imported(
        space=told.space,
        files=told.files,
        disagreeing=told.disagreeing,
        left_out=tuple(told.left_out),
        dropped=Counter(claim.dropped for claim in claims),
        is_checked=is_checked,
    )


def _network(recipe: Recipe, keys: Sequence[str]) -> Model:
    sample = recipe.embeddings(keys[:: max(1, len(keys) // _SAMPLE)])
    if found := network_of(sample):
        return found
    raise ExchangeError(
        f"There are no nodes {recipe} that have embeddings, and {len(keys):,} that have none. "
        "Other names stand in the address: ?label=LABEL&path=PROPERTY&embeddings=PROPERTY. A "
        "library of Lookgraph's own is not imported but opened: --library ADDRESS"
    )


def _probes(
    recipe: Recipe, model: Model, root: Path, claims: Sequence[Claim]
) -> list[tuple[Path, Array]]:
    """Files from here and there, with what was kept of them."""
    chosen = [claims[(2 * i + 1) * len(claims) // (2 * _PROBES)] for i in range(_PROBES)]
    found = recipe.embeddings([claim.keys[-1] for claim in chosen])
    return [
        (root / claim.file, embedding)
        for claim, embedding in zip(chosen, found, strict=True)
        if embedding is not None and isinstance(_usable(embedding, model.space()), np.ndarray)
    ]


@dataclass(slots=True)
class _Told:
    """What is said in the end, as far as it is known."""

    space: Space
    left_out: list[LeftOut]
    files: int = 0
    disagreeing: int = 0


def _commit_all(
    writer: Writer,
    recipe: Recipe,
    root: Path,
    claims: Sequence[Claim],
    told: _Told,
    progress: Callable[[float], None],
) -> None:
    looked = partial(look, root, partial(writer.find, told.space))
    waiting, done = iter(claims), 0
    with ThreadPoolExecutor(usable_cores()) as pool:
        while page := list(islice(waiting, _FILES)):
            entries = pool.map(looked, [claim.file for claim in page])  # while the server answers
            found = iter(recipe.embeddings([key for claim in page for key in claim.keys]))
            _commit(writer, page, entries, [list(islice(found, len(c.keys))) for c in page], told)
            done += len(page)
            progress(done / len(claims))


def _commit(
    writer: Writer,
    claims: Sequence[Claim],
    entries: Iterable[Entry],
    found: Sequence[Sequence[Array | None]],
    told: _Told,
) -> None:
    kept: list[Entry] = []
    embeddings: dict[str, Vector] = {}
    for claim, entry, its in zip(claims, entries, found, strict=True):
        embedding = _chosen(claim, its, told)
        if entry.picture is None:
            told.left_out.append(LeftOut(claim.file, entry.skip.reason if entry.skip else ""))
            if entry.skip and entry.skip.kind is not SkipKind.NO_PICTURE:
                kept.append(entry)
        elif isinstance(embedding, str):
            told.left_out.append(LeftOut(claim.file, embedding))
        else:
            kept.append(entry)
            embeddings.setdefault(entry.picture.id, embedding)
            told.files += 1
    writer.commit(told.space, kept, embeddings)


def _chosen(claim: Claim, found: Sequence[Array | None], told: _Told) -> Vector | str:
    """The embedding of a file, the later one where several differ; or why it has none."""
    looked = [_usable(one, told.space) for one in found]
    usable = [one for one in looked if isinstance(one, np.ndarray)]
    if not usable:
        return next(one for one in reversed(looked) if isinstance(one, str))
    last = usable[-1]
    if any(np.linalg.norm(one - last) > _ROUNDING * np.linalg.norm(last) for one in usable):
        if not claim.is_one_path:
            return "several nodes with different paths may mean it, and their embeddings differ"
        told.disagreeing += 1
    return last


def _usable(embedding: Array | None, space: Space) -> Vector | str:
    """An embedding as the library keeps it; or why it cannot."""
    if embedding is None:
        return "it has no embedding that is a list of numbers"
    if len(embedding) != space.dimension:
        return (
            f"its embedding has {len(embedding):,} numbers, and those of {space.model} have "
            f"{space.dimension:,}"
        )
    if (kept := to_keep(embedding, space)) is None:
        return f"its embedding is zero or not finite, or has a number over {LARGEST:.0f}"
    return kept
