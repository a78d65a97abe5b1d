"""Measure the figures of the README on a folder of photographs, print them and write them down.

    python -m benchmarks.run --photographs ../shared/photos [--only indexing] [--out FOLDER]

The JSON file's name has the date; the machine and the versions stand in it.
"""

import argparse
import json
import tempfile
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from benchmarks import batches, indexing, networks, starting
from benchmarks.measure import Figure, machine

_PARTS = {
    "batches": batches.figures,
    "indexing": indexing.figures,
    "networks": networks.figures,
    "starting": starting.figures,
}
_RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--only", choices=_PARTS, action="append")
    parser.add_argument("--out", type=Path, default=_RESULTS)
    options = parser.parse_args()
    for name in options.only or _PARTS:
        with tempfile.TemporaryDirectory(prefix="lookgraph-bench-") as work:
            figures = []
            for figure in _PARTS[name](options.photographs.resolve(), Path(work)):
                print(_line(figure), flush=True)
                figures.append(figure)
        _write(options.out, name, figures)


def _line(figure: Figure) -> str:
    sign, verdict = ("≥" if figure.at_least else "≤"), ("" if figure.reached else "  MISSED")
    detail = ", ".join(f"{name} {value:.4g}" for name, value in figure.detail.items())
    wanted = f"{sign} {figure.target:g}"
    return f"{figure.name:<46}{figure.value:>9.4g} {figure.unit:<6}{wanted:>7}{verdict}  {detail}"


def _write(folder: Path, name: str, figures: list[Figure]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now().astimezone()
    file = folder / f"{now:%Y-%m-%d}-{name}.json"
    told = {
        "date": now.isoformat(timespec="seconds"),
        "machine": machine(),
        "figures": [{**asdict(figure), "reached": figure.reached} for figure in figures],
    }
    file.write_text(json.dumps(told, indent=2) + "\n")
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
