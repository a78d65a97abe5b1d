"""Building the graph, and finding its groups, where rows are spread over machines."""

from dataclasses import dataclass

from benchmarks.scale.assumed import ROUNDS
from benchmarks.scale.inputs import Inputs
from benchmarks.scale.plan import Size
from benchmarks.scale.prices import EMBEDS
from benchmarks.scale.space import DIMENSIONS, NEIGHBOURS, ROW, edges_size, resident

CORES = 2
"""That the inputs' times of both cores are of."""

EDGE = 8 + 8 + 4
"""Bytes of an edge in a list: two numbers, and a score."""


@dataclass(frozen=True, slots=True)
class Building:
    """What building takes.

    Attributes:
        hours: of cores, if each row is looked for in its segments.
        dollars: for them.
        near: hours of cores, if it is looked for only in the ``copies`` cells that it lies in.
        asked: bytes that travel, if each row is sent to every segment that it is looked for in.
        coded: the same with codes in place of rows.
        copied: the same if rows lie in ``copies`` segments each, and only meet there.
        answers: bytes of what comes back and is merged.
        edges: how many, each row's own.
        kept: bytes of all nearest.
        listed: bytes of all edges as a list.
        forest: bytes of what is left, at most, if each cell sends only its own strongest forest.
        joined: bytes that joining components moves, in all rounds, from the forests.
    """

    hours: float
    dollars: float
    near: float
    asked: float
    coded: float
    copied: float
    answers: float
    edges: float
    kept: float
    listed: float
    forest: float
    joined: float


def building(size: Size, measured: Inputs, visits: int, copies: int) -> Building:
    """Nearest of every row, looked for in so many segments, and the groups.

    A part's maximum spanning forest is all of it that can be in that of the whole (the cycle
    property), and has fewer edges than the part has rows. Joining is by stars: R. Kiveris et al.,
    "Connected Components in MapReduce and Beyond", 2014.
    """
    n = size.rows
    each = CORES * measured.graph_large.value / 1e6 / 3600
    hours = n * visits * each
    code = resident(measured.points).slope
    return Building(
        hours,
        hours * EMBEDS.core_hour,
        n * copies * each,
        n * visits * ROW,
        n * visits * code,
        n * copies * ROW,
        n * visits * NEIGHBOURS * (8 + 4),
        n * NEIGHBOURS,
        n * edges_size(8),
        n * NEIGHBOURS * EDGE,
        n * copies * EDGE,
        n * copies * EDGE * ROUNDS.value,
    )


def following(size: Size, measured: Inputs, share: float = 0.01) -> float:
    """Core-hours to keep a graph in step as now: new rows times all, for a share of new rows."""
    speed = 2 * 1_000 * 100_000 * DIMENSIONS / measured.products.value / CORES
    return 2 * share * size.rows * size.rows * DIMENSIONS / speed / 3600


def renewing(size: Size, measured: Inputs, visits: int, share: float = 0.01) -> float:
    """Core-hours, if new rows are looked for in segments instead."""
    return share * building(size, measured, visits, 1).hours
