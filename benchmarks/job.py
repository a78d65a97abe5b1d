"""What every way of searching is asked, whoever's it is, and what is true."""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.embeddings import Crops, extended
from benchmarks.large_library import FOLDERS
from lookgraph.models.embedder import normalise
from lookgraph.types import Integers, Matrix, Rows

K = 10
QUERIES = 500
IN_FOLDER = 7
_OTHERS = 1_500
_DEEP = 100
_BLOCK = 20_000


@dataclass(frozen=True, slots=True)
class Truth:
    """The true neighbours of each query, best first: numbers and scores, both (q, n)."""

    numbers: Integers
    scores: Matrix


@dataclass(frozen=True, slots=True)
class Job:
    """Queries that no row was made for, and what is to be found.

    Attributes:
        queries: shape (q, d).
        others: more of them, whose neighbours nobody knows, shape (n, d).
        truth: the numbers of the true nearest rows, shape (q, k).
        among: numbers of rows that a filter lets through: 1 % of all, wherever they are.
        truth_among: as ``truth``, of these alone.
        truth_in: likewise, of those in the folder with the number `IN_FOLDER`.
    """

    queries: Matrix
    others: Matrix
    truth: Integers
    among: Integers
    truth_among: Integers
    truth_in: Integers

    def write(self, file: Path) -> None:
        """Keep it for other processes."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez(file, **held)

    @classmethod
    def read(cls, file: Path) -> "Job":
        """Read what `write` wrote."""
        with np.load(file) as found:
            return cls(**{field.name: found[field.name] for field in fields(cls)})


def nearest(rows: Rows, queries: Matrix, numbers: Integers | None = None) -> Truth:
    """The nearest hundred rows of each query by the cosine: plain NumPy, and all rows.

    Args:
        rows: shape (n, d).
        queries: shape (q, d).
        numbers: of the rows that count; None for all.
    """
    counted = np.arange(len(rows)) if numbers is None else numbers
    scores = np.empty((len(queries), 0), np.float32)
    best = np.empty((len(queries), 0), np.int64)
    for start in range(0, len(counted), _BLOCK):
        part = counted[start : start + _BLOCK]
        block = rows[start : start + _BLOCK] if numbers is None else rows[part]
        found = queries @ normalise(block.astype(np.float32)).T
        scores = np.concatenate([scores, found], axis=1)
        best = np.concatenate([best, np.broadcast_to(part, found.shape)], axis=1)
        if scores.shape[1] > _DEEP:
            order = np.argpartition(-scores, _DEEP, axis=1)[:, :_DEEP]
            scores = np.take_along_axis(scores, order, axis=1)
            best = np.take_along_axis(best, order, axis=1)
    order = np.argsort(-scores, axis=1)
    return Truth(np.take_along_axis(best, order, axis=1), np.take_along_axis(scores, order, axis=1))


def need(modules: Sequence[str]) -> None:
    """End with a sentence where a module is missing."""
    if missing := [module for module in modules if find_spec(module) is None]:
        raise SystemExit(f"This needs {', '.join(missing)}: make bench ROWS=… installs them")


def module(name: str) -> Any:
    """A module that has no type hints, or too few."""
    need([name])
    return importlib.import_module(name)


def blocks(rows: Rows) -> Iterator[tuple[Integers, Matrix]]:
    """All rows as float32 and of unit length, a part at a time, with their numbers."""
    for start in range(0, len(rows), _BLOCK):
        part = normalise(rows[start : start + _BLOCK].astype(np.float32))
        yield np.arange(start, start + len(part)), part


def job_for(rows: Rows, crops: Crops) -> tuple[Job, Truth]:
    """What is asked of rows, and the hundred true neighbours of each query."""
    queries = np.concatenate(list(extended(crops, QUERIES, seed=2)))
    others = np.concatenate(list(extended(crops, _OTHERS, seed=3)))
    count = len(rows)
    truth = nearest(rows, queries)
    in_folder = np.arange(IN_FOLDER, count, FOLDERS)
    among = np.sort(np.random.default_rng(4).choice(count, len(in_folder), replace=False))
    job = Job(
        queries,
        others,
        truth.numbers[:, :K],
        among,
        nearest(rows, queries, among).numbers[:, :K],
        nearest(rows, queries, in_folder).numbers[:, :K],
    )
    return job, truth
