"""How searching grows with the number of pictures: measure it, and draw docs/growth.svg.

    python -m benchmarks.growth --photographs ../shared/photos [--rows 10000 100000 1000000]
        [--embeddings FILE] [--plot FILE] [--out FOLDER]

For each size, the index beside exact search: the time of a query, what is found, the memory that
searching adds, and the time to build. The numbers stand in a JSON file beside those of
`benchmarks.run`.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import large_library
from benchmarks.embeddings import Crops, of_crops
from benchmarks.job import job_for, module, need
from benchmarks.large import CROPS
from benchmarks.measure import RESULTS, machine
from benchmarks.searches import Searched
from benchmarks.searching import exactly, ours

_SIZES = (10_000, 100_000, 1_000_000)
_EXACT_QUERIES = 50
_PLOT = Path(__file__).parents[1] / "docs" / "growth.svg"

_INDEX, _EXACT, _INK = "#3b82c4", "#d9822b", "#7d8590"
"""Colours that can be told apart, and read on white as on black."""


@dataclass(frozen=True, slots=True)
class Point:
    """One size: what building its index takes, in seconds, and what searching takes."""

    rows: int
    build: float
    index: Searched
    exact: Searched


def main() -> None:
    """Measure each size, the smallest first, and draw all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=_SIZES, metavar="N")
    parser.add_argument("--embeddings", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, default=_PLOT, metavar="FILE")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    need(("faiss", "matplotlib"))
    points = []
    with tempfile.TemporaryDirectory(prefix="lookgraph-bench-") as name:
        work = Path(name)
        kept = options.embeddings or work / "crops.npz"
        crops = of_crops(options.photographs.resolve(), CROPS, kept)
        for count in sorted(options.rows):
            points.append(measured(crops, count, work))
            print(points[-1], flush=True)
    _write(points, options.out)
    draw(points, options.plot)
    print(f"wrote {options.plot}")


def measured(crops: Crops, count: int, work: Path) -> Point:
    """Make a library, and search in it with its index and without."""
    library, file = work / "library", work / "job.npz"
    store = large_library.make(library, crops, count)
    job, _ = job_for(large_library.rows_of(large_library.rows_file(store), count), crops)
    job.write(file)
    build = large_library.index(store)
    index = ours(library, file).searched
    exact = exactly(library, file, _EXACT_QUERIES)
    shutil.rmtree(library)
    return Point(count, build, index, exact)


def _write(points: Sequence[Point], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now().astimezone()
    told = {
        "date": now.isoformat(timespec="seconds"),
        "machine": machine(),
        "points": [asdict(point) for point in points],
    }
    (folder / f"{now:%Y-%m-%d}-growth.json").write_text(json.dumps(told, indent=2) + "\n")


def draw(points: Sequence[Point], file: Path) -> None:
    """Four small plots against the number of pictures, on a ground that lets all through."""
    matplotlib = module("matplotlib")
    matplotlib.use("Agg")
    matplotlib.rcParams |= {
        "svg.fonttype": "none",
        "svg.hashsalt": "lookgraph",
        "font.family": "sans-serif",
        "text.color": _INK,
        "axes.edgecolor": _INK,
        "axes.labelcolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
    }
    figure, axes = module("matplotlib.pyplot").subplots(
        1, 4, figsize=(11, 2.6), layout="constrained"
    )
    for axis, (title, value, exact) in zip(axes, _PLOTS, strict=True):
        _draw(axis, title, points, value, exact)
    axes[1].set_yscale("linear")
    axes[1].set_ylim(0.95, 1.002)
    figure.supxlabel("pictures", fontsize=9, color=_INK)
    figure.savefig(file, transparent=True, metadata={"Date": None})


_Value = Callable[[Point], float]
_PLOTS: tuple[tuple[str, _Value, _Value | None], ...] = (
    ("one query, ms", lambda point: 1e3 * point.index.p50, lambda point: 1e3 * point.exact.p50),
    ("recall@10", lambda point: point.index.recall, lambda point: point.exact.recall),
    (
        "memory, bytes a picture",
        lambda point: point.index.resident / point.rows,
        lambda point: point.exact.resident / point.rows,
    ),
    ("building the index, s", lambda point: point.build, None),
)


def _draw(
    axis: Any, title: str, points: Sequence[Point], value: _Value, exact: _Value | None
) -> None:
    sizes = [point.rows for point in points]
    shown: list[float] = []
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_title(title, fontsize=10)
    for name, its, colour, va in (
        ("exact", exact, _EXACT, "bottom"),
        ("index", value, _INDEX, "top"),
    ):
        if its is not None:
            heights = [its(point) for point in points]
            shown += heights
            axis.plot(sizes, heights, color=colour, marker="o", markersize=4, linewidth=1.6)
            axis.annotate(
                name,
                (sizes[-1], heights[-1]),
                xytext=(6, 0),
                textcoords="offset points",
                va=va,
                color=colour,
                fontsize=9,
                annotation_clip=False,
            )
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
    # Whole powers of ten, so that each plot has at least two numbers to read it by.
    exponents = np.log10(shown)
    axis.set_ylim(10 ** np.floor(exponents.min()), 10 ** np.ceil(exponents.max()))
    axis.yaxis.set_major_formatter("{x:,g}")
    axis.tick_params(axis="y", labelsize=8)
    axis.minorticks_off()
    axis.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
