"""What was measured on one machine, read from the results of the other benchmarks."""

import json
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import RESULTS

_DAY = "2026-11-21"
"""Results are named by their day, so that a new run of another benchmark changes no table here."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that the model is fed with: what it is of, its unit, and where it is from."""

    what: str
    value: float
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Point:
    """What one size of library took: bytes, and seconds."""

    rows: int
    resident: float
    build: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that was measured; times are of one core unless ``unit`` says otherwise.

    Attributes:
        embedding: pictures of 400 x 533 a second and core, with the default network.
        large: the same of 12 megapixels.
        resnet50: with ResNet50, bfloat16.
        vgg16: with VGG16, bfloat16.
        inference: the default network alone, without decoding.
        commit: pictures a second that the one writer commits.
        search: a query among a million, p50.
        search95: the same, p95.
        batch: queries among a million in batches, both cores together.
        graph_small: nearest 20 of each of 100,000, both cores.
        graph_large: of each of a million, both cores.
        products: new rows times all, 1 % of 100,000, both cores.
        hiccup: the slowest single query that was seen right after a commit.
        hnsw: bytes a picture of FAISS HNSW32 with float32.
        half_hnsw: of usearch with float16.
        look: seconds to compare 100,000 files with the library.
        served50: the service under half of its load, p50.
        served95: the same, p95.
        served99: the same, p99.
        points: what libraries of three sizes took.
    """

    embedding: Number
    large: Number
    resnet50: Number
    vgg16: Number
    inference: Number
    commit: Number
    search: Number
    search95: Number
    batch: Number
    graph_small: Number
    graph_large: Number
    products: Number
    hiccup: Number
    hnsw: Number
    half_hnsw: Number
    look: Number
    served50: Number
    served95: Number
    served99: Number
    points: tuple[Point, ...]

    def numbers(self) -> list[Number]:
        """All single numbers, in order."""
        return [
            value for name in self.__slots__ if isinstance(value := getattr(self, name), Number)
        ]


def _read(name: str, day: str = _DAY) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((RESULTS / f"{day}-{name}.json").read_text())
    return read


def _figure(part: str, name: str, detail: str | None = None, day: str = _DAY) -> tuple[float, str]:
    """A figure's value or one of its details, and where it stands."""
    (found,) = [one for one in _read(part, day)["figures"] if one["name"] == name]
    source = f"{day}-{part}.json, “{name}”"
    if detail is None:
        return float(found["value"]), source
    return float(found["detail"][detail]), f"{source}, “{detail}”"


def inputs() -> Inputs:
    """Read them. Rates were measured on two cores, and are told for one."""

    def number(
        what: str, unit: str, where: tuple[float, str], factor: float = 1.0, more: str = ""
    ) -> Number:
        value, source = where
        return Number(what, value * factor, unit, source + more)

    halved = "; halved: two cores"
    points = _read("growth")["points"]
    largest = points[-1]["index"]
    growth = f"{_DAY}-growth.json, rows 1000000, index"
    bound, twelve = "indexing against its bound", "indexing against one at a time, 12 megapixels"
    served, each = "at half of that, p95", "pictures/s a core"
    day = "2026-11-22"
    return Inputs(
        number("embedding, 400 x 533", each, _figure("indexing", bound, "a second"), 0.5, halved),
        number("embedding, 12 megapixels", each,
               _figure("indexing", twelve, "a second"), 0.5, halved),
        number("embedding, ResNet50, bfloat16", each,
               _figure("networks", "resnet50, bfloat16, keeps", "a second"), 0.5, halved),
        number("embedding, VGG16, bfloat16", each,
               _figure("networks", "vgg16, bfloat16, keeps", "a second"), 0.5, halved),
        number("the network alone", each,
               _figure("batches", "batches of 4 against the best", "2 at a time"), 0.5, halved),
        number("committing, one writer", "pictures/s",
               _inverse(_figure("large", "pictures", "to commit them all, s"), 1e6)),
        Number("a query among a million, p50", 1e3 * largest["p50"], "core-ms", f"{growth}, “p50”"),
        Number("a query among a million, p95", 1e3 * largest["p95"], "core-ms", f"{growth}, “p95”"),
        number("queries among a million, in batches", "/s on two cores",
               _figure("large", "Lookgraph: p50", "in batches, /s")),
        number("nearest 20 of each of 100,000", "s on two cores",
               _figure("graph", "100,000: nearest 20 of each")),
        number("nearest 20 of each of 1,000,000", "s on two cores",
               _figure("graph", "1,000,000: nearest 20 of each")),
        Number("1,000 new rows times 100,000", 1.4, "s on two cores", "README.md, “The graph”"),
        number("the slowest query right after a commit", "ms",
               _figure("large", "one more, found after its commit", "worst")),
        number("FAISS HNSW32, float32", "bytes a picture",
               _figure("large", "FAISS HNSW32, float32: p50", "bytes a picture")),
        number("usearch HNSW, float16", "bytes a picture",
               _figure("large", "usearch, float16: p50", "bytes a picture")),
        number("looking at 100,000 unchanged files", "s",
               _figure("starting", "index again, 100,000 files")),
        number("the service at half its load, p50", "ms", _figure("service", served, "p50", day)),
        number("the service at half its load, p95", "ms", _figure("service", served, None, day)),
        number("the service at half its load, p99", "ms", _figure("service", served, "p99", day)),
        tuple(
            Point(one["rows"], one["index"]["resident"], one["build"],
                  one["index"]["p50"], one["index"]["p95"])
            for one in points
        ),
    )  # fmt: skip


def _inverse(where: tuple[float, str], count: float) -> tuple[float, str]:
    return count / where[0], where[1]
