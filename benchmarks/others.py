"""Others' indexes, all to be used in one way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.job import K, blocks, module
from benchmarks.large_library import SPACE
from lookgraph.config import usable_cores
from lookgraph.index.codes import lists_for
from lookgraph.models.embedder import normalise
from lookgraph.types import Integers, Matrix, Rows

GRAPHS = ("hnsw32", "hnswlib", "usearch")
"""Those that are tuned until they find as much as we do."""

_EFFORTS = tuple(round(16 * 2 ** (step / 4)) for step in range(33))
"""How many candidates a graph's search keeps: 16, 19, 23, 27, 32 and so on, up to 4,096."""

_FOR_A_LIST = 40
_ROUNDS = 10
"""Rows for each list that FAISS' lists are trained with, and rounds of it: its own 256 and 25 would
take an hour."""


class Peer(Protocol):
    """Somebody's index."""

    @property
    def settings(self) -> Sequence[int]:
        """What is tried, in this order, until enough is found."""
        ...

    def build(self, rows: Rows) -> None:
        """Make it from rows, on all cores."""
        ...

    def save(self, file: Path) -> None:
        """Keep it."""
        ...

    def load(self, file: Path) -> None:
        """Take into memory what was kept."""
        ...

    def set(self, setting: int) -> None:
        """How hard to look from now on."""
        ...

    def ask(self, queries: Matrix) -> Integers:
        """As `benchmarks.job.Ask`; a single query on one core, more on all."""
        ...


class Faiss:
    """FAISS, by the name of a type for its index factory."""

    def __init__(self, key: str, parameter: str, settings: Sequence[int]) -> None:
        self.settings = settings
        self._faiss = module("faiss")
        self._key = key
        self._parameter = parameter
        self._index: Any = None

    def build(self, rows: Rows) -> None:
        """As `Peer.build`."""
        faiss = self._faiss
        faiss.omp_set_num_threads(usable_cores())
        self._index = faiss.index_factory(rows.shape[1], self._key, faiss.METRIC_INNER_PRODUCT)
        if not self._index.is_trained:
            self._train(rows)
        for _, block in blocks(rows):
            self._index.add(block)

    def _train(self, rows: Rows) -> None:
        ivf = self._faiss.extract_index_ivf(self._index)
        ivf.cp.niter = _ROUNDS
        generator = np.random.default_rng(0)
        count = min(len(rows), _FOR_A_LIST * ivf.nlist)
        chosen = np.sort(generator.choice(len(rows), count, replace=False))
        self._index.train(normalise(rows[chosen].astype(np.float32)))

    def save(self, file: Path) -> None:
        """As `Peer.save`."""
        self._faiss.write_index(self._index, str(file))

    def load(self, file: Path) -> None:
        """As `Peer.load`."""
        self._index = self._faiss.read_index(str(file))

    def set(self, setting: int) -> None:
        """As `Peer.set`."""
        space = self._faiss.ParameterSpace()
        space.set_index_parameter(self._index, self._parameter, setting)

    def ask(self, queries: Matrix) -> Integers:
        """As `Peer.ask`."""
        self._faiss.omp_set_num_threads(_threads(queries))
        return np.asarray(self._index.search(queries, K)[1])


class Hnswlib:
    """hnswlib as its documentation's example sets it up."""

    settings = _EFFORTS

    def __init__(self) -> None:
        self._index = module("hnswlib").Index("ip", SPACE.dimension)

    def build(self, rows: Rows) -> None:
        """As `Peer.build`."""
        self._index.init_index(max_elements=len(rows), ef_construction=200, M=16)
        for numbers, block in blocks(rows):
            self._index.add_items(block, numbers, num_threads=usable_cores())

    def save(self, file: Path) -> None:
        """As `Peer.save`."""
        self._index.save_index(str(file))

    def load(self, file: Path) -> None:
        """As `Peer.load`."""
        self._index.load_index(str(file))

    def set(self, setting: int) -> None:
        """As `Peer.set`."""
        self._index.set_ef(setting)

    def ask(self, queries: Matrix) -> Integers:
        """As `Peer.ask`."""
        numbers, _ = self._index.knn_query(queries, K, num_threads=_threads(queries))
        return np.asarray(numbers).astype(np.int64)


class Usearch:
    """usearch as it comes, but for its numbers: float16, which is what the rows are."""

    settings = _EFFORTS

    def __init__(self) -> None:
        index = module("usearch.index").Index
        self._index = index(ndim=SPACE.dimension, metric="ip", dtype="f16")

    def build(self, rows: Rows) -> None:
        """As `Peer.build`."""
        for numbers, block in blocks(rows):
            self._index.add(numbers, block, threads=usable_cores())

    def save(self, file: Path) -> None:
        """As `Peer.save`."""
        self._index.save(str(file))

    def load(self, file: Path) -> None:
        """As `Peer.load`."""
        self._index.load(str(file))

    def set(self, setting: int) -> None:
        """As `Peer.set`."""
        self._index.expansion_search = setting

    def ask(self, queries: Matrix) -> Integers:
        """As `Peer.ask`."""
        found = self._index.search(queries, K, threads=_threads(queries))
        return np.asarray(found.keys).reshape(len(queries), -1).astype(np.int64)


def _threads(queries: Matrix) -> int:
    return usable_cores() if len(queries) > 1 else 1


def types_for(count: int) -> tuple[str, ...]:
    """The types of FAISS that show how difficult so many rows are."""
    lists = lists_for(count)
    return f"IVF{lists},SQ8", f"IVF{lists},RaBitQfs", f"PCA128,IVF{lists},SQ8"


def probes_for(count: int) -> int:
    """How many lists these look into: 64 of a million rows' 4,096."""
    return max(1, lists_for(count) // 64)


def peer_named(name: str) -> Peer:
    """One of `GRAPHS`, or one of `types_for` with ``@`` and how many lists it looks into."""
    if name == "hnsw32":
        return Faiss("HNSW32", "efSearch", _EFFORTS)
    if name == "hnswlib":
        return Hnswlib()
    if name == "usearch":
        return Usearch()
    key, _, probes = name.rpartition("@")
    return Faiss(key, "nprobe", (int(probes),))
