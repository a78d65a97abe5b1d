"""The files of a space's graph: its arrays, and the manifest that names them."""

import threading
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lookgraph.errors import LibraryDamagedError, LibraryFormatError
from lookgraph.graph.edges import Adjacency, Edges
from lookgraph.graph.graph import Graph
from lookgraph.graph.groups import Linkage
from lookgraph.graph.neighbours import Neighbours
from lookgraph.graph.paths import RootedForest
from lookgraph.stores.base import GraphStatus, GraphWanted
from lookgraph.stores.derived import (
    Part,
    as_part,
    check_part,
    check_size,
    read_told,
    reading,
    write_part,
    write_told,
)
from lookgraph.stores.records import StoredSpace
from lookgraph.types import Array, Integers, Vector

GRAPH_FOLDER = "graph"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class GraphManifest:
    """What a graph consists of.

    Attributes:
        space: its name.
        generation: of the file of rows that it is of.
        covered: how many rows there were; later ones are not in it.
        wanted: what it was made as.
        edges: how many there are.
        parts: its arrays.
    """

    space: str
    generation: int
    covered: int
    wanted: GraphWanted
    edges: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class StoredGraph:
    """A graph with what it was made from.

    Attributes:
        graph: itself; its arrays are mapped into memory.
        usable: which rows are in it, shape (rows,).
        norms: of each row, for ranking; empty where the metric is not the cosine.
    """

    graph: Graph
    usable: Array
    norms: Vector


def arrays_of(stored: StoredGraph) -> dict[str, Array]:
    """All arrays, by name."""
    graph = stored.graph
    return {
        "usable": stored.usable,
        "norms": stored.norms,
        "neighbours": graph.neighbours.numbers,
        "neighbour_scores": graph.neighbours.scores,
        "over_first": graph.over.first,
        "over_second": graph.over.second,
        "over_scores": graph.over.scores,
        "around_starts": graph.around.starts,
        "around": graph.around.numbers,
        "around_scores": graph.around.scores,
        "order": graph.linkage.order,
        "links": graph.linkage.links,
        "parents": graph.forest.parents,
        "parent_scores": graph.forest.scores,
        "depths": graph.forest.depths,
    }


def _from_arrays(found: dict[str, Array]) -> StoredGraph:
    return StoredGraph(
        Graph(
            Neighbours(found["neighbours"], found["neighbour_scores"]),
            Edges(found["over_first"], found["over_second"], found["over_scores"]),
            Adjacency(found["around_starts"], found["around"], found["around_scores"]),
            Linkage(found["order"], found["links"]),
            RootedForest(found["parents"], found["parent_scores"], found["depths"]),
        ),
        found["usable"],
        found["norms"],
    )


def graph_manifest_file(folder: Path, stored: StoredSpace) -> Path:
    """Where the manifest of a space's graph is, or would be."""
    return folder / GRAPH_FOLDER / f"{stored.space.name}.{stored.generation}.json"


def read_graph_manifest(folder: Path, stored: StoredSpace) -> GraphManifest | None:
    """The manifest of a space's graph; None if there is none.

    Raises:
        LibraryFormatError: a newer Lookgraph made it.
        LibraryDamagedError: it cannot be what was written.
    """
    file = graph_manifest_file(folder, stored)
    with reading(file):
        told = read_told(file, _FORMAT, "or make the graph anew: lookgraph graph build")
        if told is None:
            return None
        manifest = _as_manifest(told)
    if (manifest.space, manifest.generation) != (stored.space.name, stored.generation):
        raise LibraryDamagedError(f"{file} is of another space: {manifest.space}.")
    if manifest.covered > stored.row_count:
        raise LibraryDamagedError(f"{file} is of more embeddings than there are.")
    return manifest


def _as_manifest(told: dict[str, Any]) -> GraphManifest:
    return GraphManifest(
        space=str(told["space"]),
        generation=int(told["generation"]),
        covered=int(told["covered"]),
        wanted=GraphWanted(**told["wanted"]),
        edges=int(told["edges"]),
        parts=tuple(as_part(part) for part in told["parts"]),
    )


def write_graph(
    folder: Path, stored: StoredSpace, wanted: GraphWanted, made: StoredGraph, number: int
) -> None:
    """Put a graph in place of the one before.

    Args:
        folder: the library's.
        stored: the space, with as many rows as the graph is of.
        wanted: what it was made as.
        made: the graph.
        number: one that no file of a graph has in its name.
    """
    place = folder / GRAPH_FOLDER
    place.mkdir(exist_ok=True)
    parts = []
    for name, array in arrays_of(made).items():
        file = f"{stored.space.name}.{number}.{name}.npy"
        parts.append(write_part(place, file, len(array), partial(_save, array)))
    manifest = GraphManifest(
        stored.space.name,
        stored.generation,
        len(made.usable),
        wanted,
        len(made.graph.around.numbers) // 2,
        tuple(parts),
    )
    write_told(graph_manifest_file(folder, stored), _FORMAT, asdict(manifest))


def _save(array: Array, out: Any) -> None:
    np.save(out, array, allow_pickle=False)


def open_graph(folder: Path, manifest: GraphManifest) -> StoredGraph:
    """Map what a manifest names, once each file has been found to be whole.

    Raises:
        FileNotFoundError: a file is not there: a writer may have replaced the manifest.
        LibraryDamagedError: a file is not what was written.
    """
    found = {}
    for part in manifest.parts:
        file = check_part(folder / GRAPH_FOLDER, part)
        with reading(file):
            # What is empty cannot be mapped.
            array = np.load(file, mmap_mode="r") if part.rows else np.load(file)
            found[part.name.split(".")[-2]] = array
    with reading(folder / GRAPH_FOLDER / f"{manifest.space}.{manifest.generation}.json"):
        return _from_arrays(found)


def graph_status(
    folder: Path, stored: StoredSpace, hidden: Integers, wanted: GraphWanted | None
) -> GraphStatus | None:
    """What the graph of a space is by its manifest; None if there is none, and should be none.

    Args:
        folder: the library's.
        stored: the space.
        hidden: the rows of pictures without files.
        wanted: what it is to be made as.
    """
    try:
        manifest = read_graph_manifest(folder, stored)
        if manifest is None:
            if wanted is None:
                return None
            raise FileNotFoundError(graph_manifest_file(folder, stored))
        for part in manifest.parts:
            check_size(folder / GRAPH_FOLDER, part)
        (part,) = (part for part in manifest.parts if part.name.endswith(".usable.npy"))
        usable = np.load(check_part(folder / GRAPH_FOLDER, part))
    except (LibraryDamagedError, LibraryFormatError) as error:
        return GraphStatus(wanted or GraphWanted(), 0, 0, 0, stored.row_count, fault=str(error))
    except FileNotFoundError as error:
        fault = f"{error.filename or error} is missing"
        return GraphStatus(wanted or GraphWanted(), 0, 0, 0, stored.row_count, fault=fault)
    live = np.ones(stored.row_count, np.bool_)
    live[hidden] = False
    known = np.zeros(stored.row_count, np.bool_)
    known[: len(usable)] = usable
    return GraphStatus(
        manifest.wanted,
        int(np.count_nonzero(known & live)),
        manifest.edges,
        sum(part.bytes for part in manifest.parts),
        int(np.count_nonzero(known != live)),
    )


def graph_fault(folder: Path, stored: StoredSpace) -> str | None:
    """What is wrong with a space's graph, after every byte of it was looked at."""
    try:
        manifest = read_graph_manifest(folder, stored)
        if manifest:
            open_graph(folder, manifest)
    except FileNotFoundError as error:
        return f"{error.filename} is missing"
    except (LibraryDamagedError, LibraryFormatError) as error:
        return str(error)
    return None


class Graphs:
    """The graphs of a library that are open: each file is checked once, not at every question."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tuple[tuple[int, int], StoredGraph]] = {}
        self._lock = threading.Lock()

    def open(self, stored: StoredSpace) -> StoredGraph | None:
        """The graph of a space as its manifest now names it; None if there is none.

        Raises:
            FileNotFoundError: as `open_graph`.
            LibraryDamagedError: the manifest or a file of it is damaged.
            LibraryFormatError: a newer Lookgraph made it.
        """
        file = graph_manifest_file(self._folder, stored)
        with self._lock:
            try:
                found = file.stat()
            except FileNotFoundError:
                return None
            state = (found.st_ino, found.st_mtime_ns)
            known = self._open.get(stored.space.name)
            if known is None or known[0] != state:
                manifest = read_graph_manifest(self._folder, stored)
                if manifest is None:
                    return None
                known = (state, open_graph(self._folder, manifest))
                self._open[stored.space.name] = known
        return known[1]
