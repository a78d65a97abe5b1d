"""Machines and money for some sizes."""

import math
from dataclasses import dataclass

from benchmarks.scale.assumed import (
    CELL,
    DISK,
    HISTORY,
    HOT,
    MEMORY,
    REPLICAS,
    SHORTLIST,
    THREADS,
    UTILISATION,
)
from benchmarks.scale.inputs import Inputs, Number
from benchmarks.scale.prices import ALONE, EMBEDS, OBJECTS, SEARCHES, Machine
from benchmarks.scale.space import ROW, Tier, edges_size, resident
from benchmarks.scale.tail import distinct


@dataclass(frozen=True, slots=True)
class Size:
    """A library, and what it is asked.

    Attributes:
        name: what it is called.
        rows: how many pictures.
        queries: a second, at the busiest.
        embedders: machines that embed it.
        machine: what it is searched on.
    """

    name: str
    rows: float
    queries: float
    embedders: int
    machine: Machine

    @property
    def cells(self) -> int:
        """Into how many segments they are put."""
        return math.ceil(self.rows / CELL.value)

    @property
    def alone(self) -> bool:
        """Whether one machine holds it, so that there is nothing to be sent anywhere."""
        return self.machine is ALONE


SIZES = (
    Size("10 million", 1e7, 50, 1, ALONE),
    Size("1 billion", 1e9, 200, 10, SEARCHES),
    Size("100 billion", 1e11, 1000, 1000, SEARCHES),
)


@dataclass(frozen=True, slots=True)
class Power:
    """``factor`` times cells to the power ``exponent``: how many must be looked into."""

    factor: float
    exponent: float

    def of(self, cells: int) -> int:
        """Of so many cells."""
        return min(cells, math.ceil(self.factor * math.pow(cells, self.exponent)))


@dataclass(frozen=True, slots=True)
class Serving:
    """What answering queries takes.

    Attributes:
        visits: segments that a query is looked for in.
        work: core-milliseconds of a query.
        nodes: machines for each need alone, for one copy of all.
        visited: of these machines, that one query goes to.
        threads: cores that work on one machine's part.
        service: milliseconds that one of them takes for its part.
        load: of the cores that are there, busy.
        reads: from disk for a query, if each segment compares its own best again.
    """

    visits: int
    work: float
    nodes: dict[str, int]
    visited: int
    threads: int
    service: float
    load: float
    reads: float

    @property
    def machines(self) -> int:
        """For one copy of all."""
        return max(self.nodes.values())

    @property
    def most(self) -> str:
        """What they are needed for."""
        return max(self.nodes, key=lambda need: self.nodes[need])


def serving(size: Size, measured: Inputs, visits: int) -> Serving:
    """What it takes to answer, if a query goes to so many of the segments."""
    routed = visits < size.cells
    work = visits * measured.search.value
    busy = size.queries * work / 1e3 * (HOT.value if routed else 1.0)
    replicas = int(REPLICAS.value)
    memory = resident(measured.points).slope * size.rows
    disk = (ROW + edges_size(8)) * size.rows
    nodes = {
        "memory": math.ceil(memory / (size.machine.memory * MEMORY.value)),
        "disk": math.ceil(disk / (size.machine.disk * DISK.value)),
        "cores": math.ceil(busy / UTILISATION.value / size.machine.cores / replicas),
    }
    machines = max(nodes.values())
    visited = max(1, round(distinct(visits, machines))) if routed else machines
    here = math.ceil(visits / visited)
    threads = min(here, max(1, int(THREADS.value * size.machine.cores)))
    service = math.ceil(here / threads) * measured.search.value
    load = busy / (machines * replicas * size.machine.cores)
    reads = visits * SHORTLIST.value
    return Serving(visits, work, nodes, visited, threads, service, load, reads)


@dataclass(frozen=True, slots=True)
class Embedding:
    """Core-hours, dollars and hours on so many machines."""

    hours: float
    dollars: float
    lasting: float


def embedding(size: Size, rate: Number) -> Embedding:
    """What embedding all takes at so many pictures a second and core."""
    hours = size.rows / rate.value / 3600
    cores = size.embedders * EMBEDS.cores
    return Embedding(hours, hours * EMBEDS.core_hour, hours / cores)


@dataclass(frozen=True, slots=True)
class Money:
    """Dollars: each month, and once."""

    nodes: float
    database: float
    objects: float
    embedding: float
    requests: float

    @property
    def month(self) -> float:
        """Each month."""
        return self.nodes + self.database + self.objects


def money(size: Size, measured: Inputs, served: Serving, kept: list[Tier]) -> Money:
    """What it costs: machines with their copies, objects; embedding, and requests to objects."""
    stored = size.rows * sum(tier.size for tier in kept if tier.where == "objects")
    return Money(
        served.machines * REPLICAS.value * size.machine.month,
        _databases(size, kept) * SEARCHES.month,
        OBJECTS.month(stored),
        embedding(size, measured.embedding).dollars,
        OBJECTS.reading(size.rows) + OBJECTS.writing(size.rows),
    )


def _databases(size: Size, kept: list[Tier]) -> int:
    """Machines for the metadata, one a copy at least; alone, it is a file beside the rows."""
    stored = size.rows * sum(tier.size for tier in kept if tier.where == "database")
    if size.alone:
        return 0
    return max(int(HISTORY.value), math.ceil(stored / (SEARCHES.disk * DISK.value)))
