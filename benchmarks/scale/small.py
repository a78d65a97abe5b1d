"""Measured: what a picture takes in the database and in the graph, at sizes that take seconds."""

from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np

from benchmarks import large_library
from benchmarks.embeddings import Crops
from benchmarks.scale.space import NEIGHBOURS
from lookgraph.graph.edges import Edges
from lookgraph.graph.graph import graph_of
from lookgraph.graph.neighbours import Neighbours

DATABASES = (10_000, 50_000)
GRAPHS = (5_000, 20_000)


def database(crops: Crops, count: int, work: Path) -> int:
    """Bytes of the database of a library of so many pictures, one file each."""
    store = large_library.make(work / str(count), crops, count)
    with store.write():
        pass  # the last connection empties the log into the database
    return sum(
        file.stat().st_size for file in store.folder.iterdir() if file.name.startswith("library.db")
    )


def graph(crops: Crops, count: int) -> int:
    """Bytes of the arrays of the graph of so many pictures, as it stands in memory."""
    chosen = np.linspace(0, len(crops.embeddings) - 1, count).astype(np.int64)
    rows = crops.embeddings[chosen]
    numbers = np.empty((count, NEIGHBOURS), np.int32)
    scores = np.empty((count, NEIGHBOURS), np.float32)
    for start in range(0, count, 1000):
        part = rows[start : start + 1000] @ rows.T
        part[np.arange(len(part)), start + np.arange(len(part))] = -np.inf
        best = np.argpartition(-part, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        of_best = np.take_along_axis(part, best, axis=1)
        order = np.argsort(-of_best, axis=1)
        numbers[start : start + len(part)] = np.take_along_axis(best, order, axis=1)
        scores[start : start + len(part)] = np.take_along_axis(of_best, order, axis=1)
    none = Edges(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))
    return size_of(graph_of(Neighbours(numbers, scores), none))


def size_of(thing: object) -> int:
    """Bytes of all arrays in a dataclass, those in its fields included."""
    if isinstance(thing, np.ndarray):
        return thing.nbytes
    if is_dataclass(thing):
        return sum(size_of(getattr(thing, field.name)) for field in fields(thing))
    return 0
