"""Rows as short codes in lists of what lies together. FAISS trains, encodes and scans them.

A row is projected to few numbers (`projection`), put into the list of the centroid that is nearest,
and each number of what it differs from that centroid by is rounded to 8 bits (H. Jégou, M. Douze
and C. Schmid, "Product quantization for nearest neighbor search", 2011, section IV, with a scalar
quantiser in place of the product one). A query looks into the lists of the nearest centroids.

This is the only module that imports FAISS.
"""

import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from lookgraph.config import usable_cores
from lookgraph.errors import LibraryDamagedError
from lookgraph.index.projection import Projection
from lookgraph.types import Array, Integers, Matrix, Metric

Bits = NDArray[np.uint8]
"""Row i is meant if bit i % 8 of byte i // 8 is set."""

_SAMPLE = 64
"""Rows for each list are enough to train it; FAISS asks for 39."""

_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Codebook:
    """What is learnt from a sample of rows: how to encode all.

    Attributes:
        projection: to the numbers that are coded.
        trained: a FAISS index (IVF, scalar quantiser) without rows.
        reach: how far the furthest centroid is from the origin of the rows' numbers.
    """

    projection: Projection
    trained: Any
    reach: float

    @property
    def lists(self) -> int:
        """How many lists there are."""
        return int(self.trained.nlist)


@dataclass(frozen=True, slots=True)
class Segment:
    """The codes of some rows: a FAISS index, whose ids are the rows' numbers."""

    index: Any

    def __len__(self) -> int:
        return int(self.index.ntotal)


def _faiss() -> Any:
    """The module: its own type hints lack half of what it has."""
    return import_module("faiss")


_owner = os.getpid()


def _threads() -> int:
    """How many FAISS may use: in a fork one, as OpenMP waits there for threads that are not."""
    return usable_cores() if os.getpid() == _owner else 1


def is_installed() -> bool:
    """Whether FAISS is."""
    return find_spec("faiss") is not None


def lists_for(count: int) -> int:
    """How many lists suit so many rows: the power of two next to 4 sqrt(n), if there are enough."""
    wanted = 4 * max(count, 1) ** 0.5
    enough = max(1, count // 39)
    return int(min(2 ** round(np.log2(wanted)), 2 ** int(np.log2(enough))))


def sample_size(lists: int) -> int:
    """How many rows `train` can make use of."""
    return _SAMPLE * lists


def train(projection: Projection, sample: Matrix, lists: int, seed: int) -> Codebook:
    """Find centroids for lists by k-means, and the range of each number.

    Args:
        projection: of the rows.
        sample: the numbers of some rows, float32, shape (n, m), at least one for each list.
        lists: how many.
        seed: of the choice of the first centroids.
    """
    faiss = _faiss()
    faiss.omp_set_num_threads(_threads())
    is_l2 = projection.metric is Metric.L2
    numbers = projection.numbers
    centroids = faiss.IndexFlatL2(numbers) if is_l2 else faiss.IndexFlatIP(numbers)
    trained = faiss.IndexIVFScalarQuantizer(
        centroids,
        numbers,
        lists,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_L2 if is_l2 else faiss.METRIC_INNER_PRODUCT,
    )
    trained.cp.niter, trained.cp.seed = _ROUNDS, seed
    trained.cp.spherical = not is_l2
    trained.cp.min_points_per_centroid = 1  # no warning: a small library is no mistake
    trained.train(np.ascontiguousarray(sample, np.float32))
    return _codebook(projection, trained)


def _codebook(projection: Projection, trained: Any) -> Codebook:
    centroids = trained.quantizer.reconstruct_n(0, trained.nlist)
    return Codebook(projection, trained, float(np.linalg.norm(centroids, axis=1).max()))


def encode(codebook: Codebook, parts: Iterable[tuple[Integers, Matrix]]) -> Segment:
    """Encode rows.

    Args:
        codebook: how.
        parts: the rows' numbers, shape (n,), and what they hold, float32, shape (n, d), finite.
    """
    faiss = _faiss()
    faiss.omp_set_num_threads(_threads())
    index = faiss.clone_index(codebook.trained)
    for numbers, rows in parts:
        if len(numbers):
            index.add_with_ids(codebook.projection.of_rows(rows), numbers)
    return Segment(index)


def merge(codebook: Codebook, segments: Sequence[Segment], renumbered: Integers) -> Segment:
    """Put segments together, without the rows that go.

    Args:
        codebook: the one that all were encoded with.
        segments: which.
        renumbered: shape (rows,): the new number of each row, or -1 for one that goes.
    """
    faiss = _faiss()
    merged = faiss.clone_index(codebook.trained)
    for number in range(codebook.lists):
        for segment in segments:
            ids, codes = _list(segment.index, number)
            new = renumbered[ids]
            if (new >= 0).any():
                _add_entries(merged, number, new[new >= 0], codes[new >= 0])
    return Segment(merged)


def _list(index: Any, number: int) -> tuple[Integers, Array]:
    """The ids and codes of one list, shapes (n,) and (n, code size)."""
    faiss = _faiss()
    lists = index.invlists
    size, code_size = lists.list_size(number), lists.code_size
    if size == 0:
        return np.empty(0, np.int64), np.empty((0, code_size), np.uint8)
    ids = faiss.rev_swig_ptr(lists.get_ids(number), size)
    codes = faiss.rev_swig_ptr(lists.get_codes(number), size * code_size)
    return ids, codes.reshape(size, code_size)


def _add_entries(index: Any, number: int, ids: Integers, codes: Array) -> None:
    faiss = _faiss()
    ids, codes = np.ascontiguousarray(ids), np.ascontiguousarray(codes)
    index.invlists.add_entries(number, len(ids), faiss.swig_ptr(ids), faiss.swig_ptr(codes))
    index.ntotal += len(ids)


def numbers_of(segment: Segment) -> Integers:
    """The numbers of its rows, in order, shape (n,)."""
    found = [_list(segment.index, number)[0] for number in range(segment.index.nlist)]
    return np.sort(np.concatenate(found))


def write(segment: Segment, file: IO[bytes]) -> None:
    """Write it as FAISS does."""
    faiss = _faiss()
    faiss.write_index(segment.index, faiss.PyCallbackIOWriter(file.write))


def read(file: Path) -> Segment:
    """Map a segment into memory, or read it where FAISS cannot name the file.

    The file must be whole: FAISS reads what it says, whatever it says.

    Raises:
        LibraryDamagedError: it holds none.
    """
    faiss = _faiss()
    try:
        try:
            index = faiss.read_index(str(file), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        except (TypeError, UnicodeEncodeError):  # a folder's name that is no UTF-8
            with file.open("rb") as opened:
                index = faiss.read_index(faiss.PyCallbackIOReader(opened.read))
    except RuntimeError as error:
        raise LibraryDamagedError(f"{file} is no index: {error}") from None
    if not isinstance(index, faiss.IndexIVFScalarQuantizer):
        raise LibraryDamagedError(f"{file} is no index of ours: {type(index).__name__}")
    lists = faiss.downcast_InvertedLists(index.invlists)
    if isinstance(lists, faiss.OnDiskInvertedLists):
        lists.prefetch_nthread = 0  # 32 threads for each search otherwise: faiss#5010
    return Segment(index)


def candidates(
    codebook: Codebook,
    segments: Sequence[Segment],
    queries: Matrix,
    count: int,
    probes: int,
    allowed: Bits | None,
) -> Integers:
    """The rows whose codes are nearest to each query's.

    Args:
        codebook: the one that all segments were encoded with.
        segments: where to look.
        queries: shape (q, d), finite.
        count: how many for each query.
        probes: how many lists are looked into, in each segment.
        allowed: which rows may come; None for all.

    Returns:
        their numbers, shape (q, count), the best by their codes first; -1 where there are no more.
    """
    faiss = _faiss()
    # Threads are the caller's: OpenMP's wait for each other spinning, which is slow where several
    # processes search at once.
    faiss.omp_set_num_threads(1)
    selector = None if allowed is None else faiss.IDSelectorBitmap(allowed)
    asked = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
    coded = np.ascontiguousarray(codebook.projection.of_queries(queries), np.float32)
    found = [segment.index.search(coded, count, params=asked) for segment in segments]
    if len(found) == 1:
        return np.asarray(found[0][1])
    scores = np.concatenate([scores for scores, _ in found], axis=1)
    numbers = np.concatenate([numbers for _, numbers in found], axis=1)
    if codebook.projection.metric is not Metric.L2:
        scores = -scores
    scores[numbers < 0] = np.inf
    best = np.argsort(scores, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(numbers, best, axis=1)


def write_codebook(codebook: Codebook, out: IO[bytes]) -> None:
    """Write it as NumPy's NPZ, with FAISS' own bytes in it."""
    faiss = _faiss()
    held = io.BytesIO()
    np.savez(
        held,
        origin=codebook.projection.origin,
        directions=codebook.projection.directions,
        trained=faiss.serialize_index(codebook.trained),
    )
    out.write(held.getvalue())


def read_codebook(file: Path, metric: Metric) -> Codebook:
    """Read what `write_codebook` wrote.

    Raises:
        LibraryDamagedError: it holds something else.
    """
    faiss = _faiss()
    try:
        with file.open("rb") as opened, np.load(opened) as found:
            directions = np.asfortranarray(found["directions"])
            projection = Projection(metric, found["origin"], directions)
            return _codebook(projection, faiss.deserialize_index(found["trained"]))
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, EOFError, OSError,
            BadZipFile) as error:  # fmt: skip
        raise LibraryDamagedError(f"{file} is no codebook: {error}") from None
