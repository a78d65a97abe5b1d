"""What the command found last, read back from its results."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS
from benchmarks.scale.cells import Routing, fitted
from benchmarks.scale.plan import SIZES, Power, Size

ALL, ROUTED = "all", "by likeness"
"""Where a query goes: to every segment, or to those with what is like it."""

WAYS = (ALL, ROUTED)


@dataclass(frozen=True, slots=True)
class Kept:
    """The figures of one run, by name."""

    date: str
    figures: dict[str, dict[str, Any]]

    def detail(self, name: str) -> dict[str, float]:
        """What a figure was made from."""
        found: dict[str, float] = self.figures[name]["detail"]
        return found

    def value(self, name: str) -> float:
        """A figure's value."""
        return float(self.figures[name]["value"])

    def starting(self, start: str) -> list[str]:
        """Names of figures that start so, in order."""
        return [name for name in self.figures if name.startswith(start)]

    def each(self, what: str) -> float:
        """Bytes of a picture, from the check of a total in MB whose name ends with the count."""
        (name,) = self.starting(f"check, {what}")
        count = int("".join(filter(str.isdigit, name)))
        return self.detail(name)["measured"] * 1e6 / count

    def routings(self) -> list[Routing]:
        """What was found of cells."""
        return [
            Routing(
                int(self.detail(name)["cells"]),
                int(self.value(name)),
                {copies: self.detail(name)[f"in {copies}"] for copies in (1, 2, 4, 8)},
            )
            for name in self.starting("routing")
        ]

    def power(self) -> Power:
        """How many segments a query must visit."""
        return fitted(self.routings())


def visits(size: Size, way: str, power: Power) -> int:
    """How many segments a query goes to."""
    return size.cells if way == ALL else power.of(size.cells)


def plans() -> list[tuple[Size, str]]:
    """Each size with each way that it has."""
    return [(size, way) for size in SIZES for way in WAYS if way == ALL or not size.alone]


def last(folder: Path = RESULTS) -> Kept:
    """The newest."""
    file = max(folder.glob("*-scale.json"))
    read = json.loads(file.read_text())
    return Kept(read["date"][:10], {figure["name"]: figure for figure in read["figures"]})
