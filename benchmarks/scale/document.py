"""docs/scale.md: its tables and its chart, put in where they belong."""

import re
from pathlib import Path

from benchmarks.scale import charts, kept
from benchmarks.scale.inputs import inputs
from benchmarks.scale.kept import Kept
from benchmarks.scale.tables import TABLES

DOCUMENT = Path(__file__).parents[2] / "docs" / "scale.md"
CHART = DOCUMENT.with_suffix(".svg")

_PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text: str, found: Kept) -> str:
    """A text with its tables as they are now."""
    measured = inputs()

    def put(place: re.Match[str]) -> str:
        return f"{place[1]}\n{TABLES[place[2]](measured, found)}\n\n{place[3]}"

    return _PLACE.sub(put, text)


def write(folder: Path) -> None:
    """Print all tables, and write them and the chart from the newest results in a folder."""
    found = kept.last(folder)
    measured = inputs()
    for name, make in TABLES.items():
        print(f"\n{name}\n\n{make(measured, found)}")
    DOCUMENT.write_text(filled(DOCUMENT.read_text(), found))
    CHART.write_text(charts.drawn(measured, found))
    print(f"\nwrote {DOCUMENT} and {CHART}")
