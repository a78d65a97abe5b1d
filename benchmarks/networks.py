"""The recipes' networks and the default one, in every precision that this machine computes with.

A precision that keeps fewer than 99 % of float32's ten nearest is not offered. It is measured all
the same, to know what it would bring.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks import material, seeded
from benchmarks.measure import Figure, middle
from benchmarks.speed import Subject
from lookgraph.models.agreement import LEAST
from lookgraph.types import Precision

_TIMES = 3
_EVERY = 4


def figures(folder: Path, work: Path) -> Iterator[Figure]:
    """Measure one network after the other."""
    photographs = material.copy_of(folder, work / "photographs")
    yield from _figures(Subject(photographs), target=400.0)
    fewer = material.some_of(folder, work / "fewer", _EVERY)
    for name in ("resnet50", "vgg16"):
        weights = seeded.write(name, work / f"{name}.safetensors")
        yield from _figures(Subject(fewer, name, weights), times_target=3.0)


def _figures(
    subject: Subject, target: float | None = None, times_target: float | None = None
) -> Iterator[Figure]:
    subject.index()  # builds the network
    bounds, ours, loops = [], [], []
    for _ in range(_TIMES):
        bounds.append(subject.bound())
        ours.append(subject.index())
        loops.append(subject.loop())
    rate, loop = middle(ours), middle(loops)
    detail = {"a second": rate, "bound": middle(bounds), "loop": loop}
    shares = [100 * one / bound for one, bound in zip(ours, bounds, strict=True)]
    name = subject.name
    yield Figure(f"{name}, float32, against its bound", middle(shares), "%", 90, True, detail)
    best = {"float32": rate}
    for precision in (Precision.BFLOAT16, Precision.INT8):
        _, keeps = subject.anyway(precision)  # the check is made once, and kept
        rates = [subject.anyway(precision)[0] for _ in range(_TIMES)]
        detail = {"a second": middle(rates), "loop": loop}
        yield Figure(f"{name}, {precision}, keeps", 100 * keeps, "%", 100 * LEAST, True, detail)
        if keeps >= LEAST:
            best[str(precision)] = middle(rates)
    fastest = max(best, key=lambda precision: best[precision])
    if target:
        what = f"{name}, best precision offered ({fastest})"
        yield Figure(what, best[fastest], "/s", target, True, best)
    if times_target:
        what = f"{name}, {fastest}, against one at a time"
        yield Figure(what, best[fastest] / loop, "times", times_target, True, best)
