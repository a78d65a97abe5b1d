"""Other ways to rank through the graph, beside the one that is used, with queries held out.

    python -m benchmarks.further --photographs ../shared/photos

Each is measured with all pictures put in order anew, and with only the hundred best by cosine. One
split is there to choose by, and four others to see whether the choice was luck. Everything is
computed with whole matrices, which a library does not have.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measure import Figure
from benchmarks.ranking import embedded
from benchmarks.ways import COSINE, NOW, WAYS, Material, Way, unit
from lookgraph.evaluation.measures import average_precision, precision_at
from lookgraph.evaluation.split import split
from lookgraph.ranking.propagation import SHORTLIST
from lookgraph.types import Array, Integers, Rows

_HELD_OUT = 0.2
_CHOOSING, _CONFIRMING = (0,), (1, 2, 3, 4)
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way gave in one mode, for each query of some splits: shapes (m,)."""

    photographs: Integers
    precision: Array
    average: Array


def measured(
    rows: Rows, labels: Integers, way: Way, only: int | None, seeds: Sequence[int]
) -> Measured:
    """P@10 and average precision of each query.

    Args:
        rows: of all photographs.
        labels: the folder of each.
        way: how they are ranked.
        only: so many of the best by cosine are put in order anew; None for all.
        seeds: of the splits.
    """
    found = []
    for seed in seeds:
        asking, answering = split(labels, _HELD_OUT, seed)
        wide = unit(rows.astype(np.float32))
        of = Material(wide[answering], wide[asking])
        near, scores = of.asked(), way(of)
        order = np.argsort(-near, axis=1, kind="stable")
        few = order[:, : only or len(answering)]
        anew = np.argsort(-np.take_along_axis(scores, few, axis=1), axis=1, kind="stable")
        order[:, : few.shape[1]] = np.take_along_axis(few, anew, axis=1)
        relevant = labels[answering][order] == labels[asking, None]
        found.append((asking, precision_at(10, relevant), average_precision(relevant)))
    return Measured(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def gain(photographs: Integers, before: Array, after: Array) -> tuple[float, float, float]:
    """How much more in the mean, in percent, and between what that lies 95 times of 100.

    Photographs are drawn again, each with all the splits in which it was a query.
    """
    of = np.unique(photographs, return_inverse=True)[1]
    old, new = np.bincount(of, before), np.bincount(of, after)
    drawn = np.random.default_rng(0).integers(len(old), size=(_RESAMPLES, len(old)))
    gains = 100 * (new[drawn].sum(axis=1) / old[drawn].sum(axis=1) - 1)
    low, high = np.percentile(gains, [2.5, 97.5])
    return float(100 * (new.sum() / old.sum() - 1)), float(low), float(high)


def further(folder: Path, work: Path) -> Iterator[Figure]:
    """What each way gives more than the present one.

    Args:
        folder: of photographs, in folders named by what they show.
        work: a folder for their library.
    """
    yield from compared(*embedded(folder, work))


def compared(rows: Rows, labels: Integers) -> Iterator[Figure]:
    """What each way gives more than the present one, on some embeddings with labels."""
    for seeds, whose in ((_CHOOSING, "choosing"), (_CONFIRMING, "confirming")):
        for only, among in ((SHORTLIST, "shortlist"), (None, "all")):
            plain, now = (measured(rows, labels, WAYS[name], only, seeds) for name in (COSINE, NOW))
            for name, way in WAYS.items():
                its = measured(rows, labels, way, only, seeds)
                yield _figure(f"{whose}, {among}: {name}", plain, now, its)


def _figure(name: str, plain: Measured, now: Measured, its: Measured) -> Figure:
    detail = {"P@10": float(its.precision.mean()), "mAP": float(its.average.mean())}
    for than, other in (("cosine", plain), ("now", now)):
        for measure in ("precision", "average"):
            values = gain(its.photographs, getattr(other, measure), getattr(its, measure))
            for end, value in zip(("", " low", " high"), values, strict=True):
                detail[f"{measure} than {than}{end}"] = value
    return Figure(name, detail["average than now"], "%", None, True, detail)


def main() -> None:
    """Print what each way gives, as a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photographs", type=Path, required=True)
    options = parser.parse_args()
    print("| | P@10 | than now | mAP | than now | than cosine |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="lookgraph-bench-") as work:
        for figure in further(options.photographs.resolve(), Path(work)):
            print(row_of(figure), flush=True)


def row_of(figure: Figure) -> str:
    """A figure as a row of the table."""
    told = figure.detail

    def more(what: str) -> str:
        low, high = told[f"{what} low"], told[f"{what} high"]
        return f"{told[what]:+.1f} % ({low:+.1f} to {high:+.1f})"

    return (
        f"| {figure.name} | {told['P@10']:.3f} | {more('precision than now')} | {told['mAP']:.3f}"
        f" | {more('average than now')} | {more('average than cosine')} |"
    )


if __name__ == "__main__":
    main()
