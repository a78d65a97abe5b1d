"""What a store must do, whatever keeps it. `tests/contract` holds every store to it.

A store holds files by path, pictures by content, and an embedding for each picture and space.
Readers see what has been committed; there is one writer at a time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lookgraph.config import RECALL
from lookgraph.graph.edges import Edges
from lookgraph.graph.graph import Graph
from lookgraph.graph.verdicts import Verdicts
from lookgraph.types import (
    EVERYTHING,
    Array,
    Entry,
    IndexKind,
    Integers,
    KnownFile,
    Matrix,
    Patterns,
    Picture,
    Ranking,
    Rows,
    Selection,
    Space,
    Vector,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Match:
    """A picture near a query, with the paths of all its files in alphabetical order.

    Attributes:
        picture: what it is.
        paths: relative to the library's folder.
        score: by the space's metric.
        rank_score: what it is ranked by, where that is the graph.
    """

    picture: Picture
    paths: tuple[str, ...]
    score: float
    rank_score: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for one query.

    Attributes:
        matches: best first; equal ones as they were stored.
        by: how they were found: exactly, or by an index.
        fault: why an index that is there was not used; None if none was, or there is none.
        is_ranked: whether they are ranked through the graph.
        graph_fault: why a graph that is there was not used; likewise.
    """

    matches: tuple[Match, ...]
    by: IndexKind
    fault: str | None = None
    is_ranked: bool = False
    graph_fault: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture with its files and its embedding, shape (d,), float32 of float16 precision."""

    picture: Picture
    entries: tuple[Entry, ...]
    embedding: Vector


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How a space is searched.

    Attributes:
        wanted: what was asked for.
        kind: what it is: ``exact`` or ``ivf``.
        rows: how many embeddings the index is of; newer ones are compared exactly.
        segments: how many parts it has.
        bytes: what it takes on the disk, and at most in memory.
        fault: why it cannot be used; None if it can, or there is none.
    """

    wanted: IndexKind
    kind: IndexKind
    rows: int = 0
    segments: int = 0
    bytes: int = 0
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class GraphWanted:
    """What a graph is to be made as.

    Attributes:
        neighbours: how many of the nearest of each picture have an edge to it; 0 for none.
        threshold: every pair with at least this score has one; for L2, minus the greatest
            distance. None if only the nearest count.
        most: so many pairs over the threshold are too many.
        mutual: of neighbours, an edge only where each is among the nearest of the other.
    """

    neighbours: int = 20
    threshold: float | None = None
    most: int = 50_000_000
    mutual: bool = False


@dataclass(frozen=True, slots=True)
class GraphStatus:
    """What a graph is.

    Attributes:
        wanted: what it was made as.
        pictures: how many are in it.
        edges: between them.
        bytes: what it takes on the disk.
        behind: how many pictures were added or removed since.
        fault: why it cannot be used; None if it can.
    """

    wanted: GraphWanted
    pictures: int
    edges: int
    bytes: int
    behind: int
    fault: str | None = None


class GraphView(Protocol):
    """One state of a space's graph. Its rows are numbers of the store's own, from 0 on."""

    @property
    def graph(self) -> Graph:
        """Itself, between numbers of rows."""
        ...

    @property
    def rows(self) -> Rows:
        """The embeddings, float16, shape (n, d): of each row of the graph, and perhaps of more.

        They may be a memory map.
        """
        ...

    def live(self) -> NDArray[np.bool_]:
        """Which rows of the graph are of pictures that still have files, shape (rows,)."""
        ...

    def verdicts(self) -> Verdicts:
        """What was said of pairs of rows that are live."""
        ...

    def row_of(self, id_: str) -> int | None:
        """The row of a picture that has a file; None if it is not in the graph."""
        ...

    def matches(self, rows: Integers, scores: Array) -> tuple[Match, ...]:
        """What some rows are, each with a score."""
        ...

    def scores_to(self, row: int, others: Integers) -> Array:
        """The exact scores of a row with others, float64, shape (len(others),)."""
        ...


@dataclass(frozen=True, slots=True)
class Alike:
    """Pairs of pictures.

    Attributes:
        ids: of the pictures that are in any pair.
        edges: the pairs, as places in the ids; each has the pictures' cosine.
    """

    ids: tuple[str, ...]
    edges: Edges


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        ok: whether it is as it should be; None where there is nothing to judge.
        found: what was found.
        advice: what to do if it is not.
    """

    name: str
    ok: bool | None
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class SpaceStatus:
    """What a store holds of one space.

    Attributes:
        space: which.
        pictures: how many pictures with files have an embedding in it.
        unused_rows: embeddings of pictures that have no file any more.
        bytes: what its rows take on the disk.
        index: how it is searched.
        graph: its similarity graph; None if it has none.
    """

    space: Space
    pictures: int
    unused_rows: int
    bytes: int
    index: IndexStatus = IndexStatus(IndexKind.AUTO, IndexKind.EXACT)
    graph: GraphStatus | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What a store holds.

    Attributes:
        pictures: different ones, by content, that have a file.
        files: that hold them.
        skipped: files that were left out with a reason that concerns people.
        other: files that are no pictures.
        spaces: in the order in which they were made.
        bytes: what all of it takes on the disk.
    """

    pictures: int
    files: int
    skipped: int
    other: int
    spaces: tuple[SpaceStatus, ...]
    bytes: int


class Writer(Protocol):
    """The one process that changes a store. Each call is one transaction: all of it or nothing."""

    def find(self, space: Space, id_: str) -> Picture | None:
        """The picture with this id if it has an embedding in the space. Safe from any thread."""
        ...

    def commit(
        self, space: Space, entries: Sequence[Entry], embeddings: Mapping[str, Vector]
    ) -> None:
        """Store files and the embeddings, by id, of those pictures that have none yet.

        Raises:
            UsageError: an entry's picture has no embedding, neither stored nor given, or one of
                another dimension than the space's, or one that is zero, not finite, or too large
                for float16.
        """
        ...

    def forget(self, paths: Iterable[str]) -> None:
        """Remove files that are gone.

        Pictures that no other file holds no longer answer searches. Their embeddings wait for
        the same content to turn up again, until `compact`.
        """
        ...

    def remember(self, root: Path, patterns: Patterns) -> None:
        """Keep which folder the library is of, and what of it belongs to it."""
        ...

    def compact(self, space: Space) -> int:
        """Drop what is unused, and rows whose checksum is wrong; return how many of the latter."""
        ...

    def renew_index(
        self, space: Space, kind: IndexKind | None, progress: Callable[[float], None]
    ) -> None:
        """Make or renew what lets a space be searched fast; readers go on meanwhile.

        Args:
            space: which.
            kind: how it is to be searched, which is kept for later calls; None for what was
                kept, or ``AUTO``.
            progress: is told which share is done, from 0 to 1, if it takes long.

        Raises:
            MissingExtraError: an index is asked for, and what makes it is not installed.
        """
        ...

    def renew_graph(
        self, space: Space, wanted: GraphWanted | None, progress: Callable[[float], None]
    ) -> None:
        """Make or renew the graph of a space; readers go on meanwhile.

        Args:
            space: which.
            wanted: what it is to be made as, which is kept for later calls; None for what was
                kept: then nothing is done where there is no graph.
            progress: is told which share is done, from 0 to 1.

        Raises:
            GraphTooLargeError: more pairs reach the threshold than are wanted. What was there
                stays.
        """
        ...

    def judge(self, verdict: Verdict) -> None:
        """Keep what somebody has said of two pictures, in place of what was said of them before."""
        ...

    def withdraw(self, first: str, second: str) -> bool:
        """Forget what was said of two pictures, the lower id first; whether anything was."""
        ...

    def add_space(self, space: Space, network: str | None) -> None:
        """Make a space, if it is not there, and keep what its network is, in words of others."""
        ...

    def remove_space(self, space: Space) -> None:
        """Drop a space with all its embeddings. Files and pictures stay; so do other spaces."""
        ...


class Store(Protocol):
    """A library's keeper, for readers; `write` gives the writer."""

    def write(self) -> AbstractContextManager[Writer]:
        """Begin to write.

        Raises:
            LibraryLockedError: another process does; says which.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections. The store can be used again, which opens them anew."""
        ...

    def check_index(self, space: Space, kind: IndexKind) -> None:
        """Refuse a way of searching that the store does not have for a space, which may be new.

        Raises:
            UsageError: with the reason.
        """
        ...

    def exists(self) -> bool:
        """Whether anything has been kept yet."""
        ...

    @property
    def place(self) -> str:
        """Where the library is, for people."""
        ...

    @property
    def folder(self) -> Path | None:
        """The library's own folder, which holds none of its pictures; None if it is in none."""
        ...

    @property
    def cache(self) -> Path:
        """A folder for what can be made again from the pictures. It need not be there yet."""
        ...

    @property
    def root(self) -> Path:
        """The folder that the paths are relative to."""
        ...

    @property
    def patterns(self) -> Patterns:
        """Which of its files belong to the library."""
        ...

    def spaces(self) -> tuple[Space, ...]:
        """In the order in which they were made."""
        ...

    def network(self, space: Space) -> str | None:
        """What `Writer.add_space` was told of the space's network."""
        ...

    def known_files(self, space: Space, under: str = "") -> Iterator[KnownFile]:
        """The files below a relative path, in the order of their paths' bytes.

        They are read a page at a time: what is committed meanwhile may or may not show.
        """
        ...

    def search(
        self,
        space: Space,
        queries: Matrix,
        k: int,
        among: Selection = EVERYTHING,
        recall: float = RECALL,
        ranking: Ranking = Ranking.COSINE,
        asked: Sequence[str | None] = (),
    ) -> list[Answer]:
        """The pictures with the highest scores for each query.

        Args:
            space: whose embeddings are compared.
            queries: shape (q, d), finite, and not zero but for L2.
            k: how many for each: so many come wherever so many are among those that may.
            among: which pictures may answer.
            recall: the share of the true answers that is enough, on average; 1 for all of them.
            ranking: through the graph, the best of a longer list are put in order anew.
            asked: for each query the id of the picture that it is, or None; none if empty. It comes
                first, and does not speak for itself.

        Raises:
            GraphNotFoundError: it is to be ranked through a graph, and there is none.
        """
        ...

    def search_over(
        self, space: Space, query: Vector, score: float, among: Selection = EVERYTHING
    ) -> Answer:
        """All pictures with at least a score; for L2 it is minus the greatest distance."""
        ...

    def graph(self, space: Space) -> AbstractContextManager[GraphView]:
        """A consistent view of a space's graph, until the end of the block.

        Raises:
            GraphNotFoundError: there is none.
            LibraryDamagedError: it cannot be used.
            LibraryFormatError: a newer Lookgraph made it.
        """
        ...

    def graph_status(self, space: Space) -> GraphStatus | None:
        """What the graph of a space is; None if there is none."""
        ...

    def alike(self, space: Space, threshold: float, progress: Callable[[float], None]) -> Alike:
        """All pairs of pictures with files whose cosine reaches a threshold.

        Where the space has a graph of nearest neighbours, pairs may be left out of which neither
        is among the nearest of the other, nor linked with it by such as reach the threshold.

        Args:
            space: whose embeddings are compared.
            threshold: the least cosine.
            progress: told the share that is done, from 0 to 1.

        Raises:
            GraphTooLargeError: more pairs reach it than are duplicates.
        """
        ...

    def entries(self, under: str = "", after: str = "", most: int = 100) -> tuple[Entry, ...]:
        """The files that hold a picture, in the order of their paths' bytes, a page of them.

        Args:
            under: only those below this relative path; empty for all.
            after: only those behind this path; empty for the first page.
            most: so many at most.
        """
        ...

    def entry(self, path: str) -> Entry | None:
        """The file at a relative path."""
        ...

    def embedding(self, space: Space, id_: str) -> Vector | None:
        """The embedding of a picture, shape (d,)."""
        ...

    def at_once(self) -> AbstractContextManager[None]:
        """Where it helps, this thread reads from one state until the end of the block.

        It is not for a block that waits or writes.
        """
        ...

    def ids(self, prefix: str) -> list[str]:
        """The ids of pictures with files that begin so, in order; at most two."""
        ...

    def paths(self, id_: str) -> tuple[str, ...]:
        """The files that hold a picture, in alphabetical order."""
        ...

    def files(self, id_: str) -> tuple[Entry, ...]:
        """The files that hold a picture, in alphabetical order."""
        ...

    def copies(self) -> Iterator[tuple[Entry, ...]]:
        """The files of each picture that several hold, in alphabetical order."""
        ...

    def verdicts(self) -> tuple[Verdict, ...]:
        """All that was said of pairs of pictures, in the order of their ids."""
        ...

    def skipped(self) -> Iterator[Entry]:
        """The files that were left out for a reason that concerns people, by path."""
        ...

    def embedded(self, space: Space) -> Iterator[Embedded]:
        """Every picture that has a file and an embedding, as they were stored."""
        ...

    def damaged(self, space: Space) -> list[str]:
        """The ids of the pictures whose stored embedding does not match its checksum."""
        ...

    def checks(self) -> Iterator[Check]:
        """Look at everything but the embeddings, which `damaged` does, and say what was found.

        Where nothing has been kept yet, at what it would be kept in, if there is anything to see.
        """
        ...

    def status(self) -> Status:
        """What it holds."""
        ...
