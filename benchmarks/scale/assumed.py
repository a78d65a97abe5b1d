"""What the model needs and nobody here could measure, all in one table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assumed:
    """A number that is only assumed, and why it is this one."""

    what: str
    value: float
    unit: str
    why: str


CELL = Assumed(
    "rows in a segment",
    1e6,
    "rows",
    "the largest size that searching was measured at, so a search in one needs no extrapolation",
)
UTILISATION = Assumed("of a machine's cores busy", 0.5, "", "room for peaks and for a lost machine")
MEMORY = Assumed("of a machine's memory for codes", 0.75, "", "the rest: system, caches, growth")
DISK = Assumed(
    "of a machine's disk for rows", 0.8, "", "room to write a segment anew beside the old"
)
HOT = Assumed(
    "the busiest machine's load by the mean",
    2.0,
    "times",
    "what looks alike is asked for together, and lies together if rows are placed by likeness",
)
REPLICAS = Assumed("copies of each segment in service", 2, "", "one may be lost or be slow")
NETWORK = Assumed("there and back in one zone", 0.5, "ms", "common for a cloud's zone")
MERGE = Assumed("taking in one machine's ten hits", 0.01, "ms", "a message and ten comparisons")
HICCUPS = Assumed(
    "searches that meet a pause",
    0.001,
    "",
    "how often is not known; how long is measured: the slowest query after a commit",
)
THREADS = Assumed("of a machine's cores, for one query", 0.5, "", "so two are worked on at a time")
READ = Assumed(
    "rows from NVMe for the second look", 0.2, "ms", "side by side; what is measured is warm"
)
THUMBNAIL = Assumed("a thumbnail of 320 pixels", 20e3, "bytes", "a JPEG of quality 80 to 90")
CENTROID = Assumed("a cell's centre, where queries are sent on", 5120, "bytes", "1,280 float32")
HISTORY = Assumed("copies of the metadata", 3, "", "as replicated databases keep it")
ROUNDS = Assumed(
    "rounds of joining components",
    20,
    "",
    "some log2 of the rows: Kiveris et al., “Connected Components in MapReduce and Beyond”, 2014",
)
LISTING = Assumed(
    "one listing request", 0.1, "s", "a thousand names; requests can run side by side"
)
SHORTLIST = Assumed("rows that are compared again", 160, "a query", "README.md: so many a million")

ALL = (
    CELL, UTILISATION, MEMORY, DISK, HOT, REPLICAS, NETWORK, MERGE, HICCUPS, THREADS, READ,
    THUMBNAIL, CENTROID, HISTORY, ROUNDS, LISTING, SHORTLIST,
)  # fmt: skip
