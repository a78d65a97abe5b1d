"""Bytes of one picture, by where they are kept."""

from dataclasses import dataclass

from benchmarks.scale.assumed import HISTORY, THUMBNAIL
from benchmarks.scale.inputs import Inputs, Point

DIMENSIONS = 1280
ROW = 2 * DIMENSIONS
"""Bytes of an embedding in float16."""

SECTOR = 4096
NEIGHBOURS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """``fixed`` + ``slope`` for each row."""

    fixed: float
    slope: float

    def at(self, rows: float) -> float:
        """The value for so many rows."""
        return self.fixed + self.slope * rows


def through(one: tuple[float, float], other: tuple[float, float]) -> Line:
    """The line through two points (rows, value)."""
    slope = (other[1] - one[1]) / (other[0] - one[0])
    return Line(one[1] - slope * one[0], slope)


def resident(points: tuple[Point, ...]) -> Line:
    """Memory of our index: between the smallest and the largest library that was measured."""
    first, last = points[0], points[-1]
    return through((first.rows, first.resident), (last.rows, last.resident))


@dataclass(frozen=True, slots=True)
class Index:
    """Bytes of a row that one kind of index keeps in memory, and on local disk."""

    name: str
    memory: float
    disk: float
    source: str


def rabitq(dimensions: int = DIMENSIONS) -> float:
    """Bytes of a code of one bit a number, two float32 of its own, an id and its share of lists.

    J. Gao and C. Long, "RaBitQ", SIGMOD 2024. FACTS.md measured 192 to 208 with lists.
    """
    return dimensions / 8 + 2 * 4 + 8 + 16


def diskann(dimensions: int = DIMENSIONS, degree: int = 56, ratio: float = 0.125) -> Index:
    """What Milvus' DiskANN keeps with its default settings, of float16 rows.

    S. J. Subramanya et al., "DiskANN", NeurIPS 2019: codes in memory, and each row together with
    the numbers of its ``degree`` neighbours in as few sectors of the disk as hold them.
    """
    node = 2 * dimensions + 4 + 4 * degree
    in_sector = max(1, SECTOR // node)
    sectors = -(-node // SECTOR)
    disk = sectors * SECTOR / in_sector
    source = "Milvus' docs: MaxDegree 56, PQCodeBudgetGBRatio 0.125"
    return Index("DiskANN", ratio * 2 * dimensions, disk, source)


def indexes(measured: Inputs) -> list[Index]:
    """The kinds of index that a library of this size could have."""
    ours = resident(measured.points).slope
    return [
        Index("Lookgraph: 192 numbers of 8 bits", ours, ROW, "measured, slope of growth.json"),
        Index("IVF_RABITQ, 1 bit", rabitq(), ROW, "by hand; FACTS.md measured 192 to 208"),
        diskann(),
        Index("HNSW, float16", measured.half_hnsw.value, 0, measured.half_hnsw.source),
        Index("HNSW, float32", measured.hnsw.value, 0, measured.hnsw.source),
    ]


@dataclass(frozen=True, slots=True)
class Tier:
    """Bytes of a picture in one place, one copy."""

    name: str
    where: str
    size: float
    source: str


def edges_size(ids: int, neighbours: int = NEIGHBOURS) -> float:
    """Bytes of a row's nearest: numbers of so many bytes, scores and one norm in float32."""
    return neighbours * (ids + 4) + 4


def tiers(measured: Inputs, database: float) -> list[Tier]:
    """Where a picture's bytes are.

    Args:
        measured: the inputs.
        database: bytes of a picture in SQLite, measured.
    """
    ours = resident(measured.points).slope
    return [
        Tier("codes", "memory of search nodes", ours, "growth.json"),
        Tier("rows, float16", "NVMe of search nodes", ROW, "1,280 x 2"),
        Tier("20 nearest, scores, norm", "NVMe of search nodes", edges_size(8), "20 x (8 + 4) + 4"),
        Tier("metadata", "database", HISTORY.value * database, "measured in SQLite, 3 copies"),
        Tier("rows, codes, nearest again", "objects", ROW + ours + edges_size(8), "the truth"),
        Tier("thumbnail", "objects", THUMBNAIL.value, "assumed"),
    ]
