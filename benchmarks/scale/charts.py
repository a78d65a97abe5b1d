"""docs/scale.svg: the slowest of many machines, and what a query costs, in two plots."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.scale.inputs import Inputs
from benchmarks.scale.kept import ALL, ROUTED, WAYS, Kept, visits
from benchmarks.scale.plan import SIZES, serving

_INK, _BLUE, _ORANGE = "#7d8590", "#3b82c4", "#d9822b"
"""As in docs/growth.svg: they can be read on white as on black."""

_WIDTH, _HEIGHT, _LEFT, _TOP = 250, 150, 60, 34
_APART = 400

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line with its name at its end, ``lift`` pixels higher."""

    name: str
    colour: str
    points: Points
    dashed: bool = False
    lift: float = 0.0


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves on two logarithmic axes; ticks are values and what is written at them."""

    title: str
    below: str
    across: Sequence[tuple[float, str]]
    upward: Sequence[tuple[float, str]]
    curves: Sequence[Curve]


def drawn(measured: Inputs, found: Kept) -> str:
    """The whole file."""
    plots = (_slowest(found), _work(measured, found))
    body = "\n".join(
        line for number, plot in enumerate(plots) for line in _plot(plot, _LEFT + number * _APART)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _APART + 20} 240" '
        f'font-family="sans-serif" font-size="10" fill="{_INK}">\n'
        "<title>The slowest of many machines, and what a query costs</title>\n"
        f"{body}\n</svg>\n"
    )


def _slowest(found: Kept) -> Plot:
    def curve(key: str) -> Points:
        names = found.starting("fan-out ")
        told = [(float(name.split()[1]), found.detail(name).get(key)) for name in names]
        return [(machines, value) for machines, value in told if value is not None]

    return Plot(
        "a query over many machines, ms",
        "machines that it goes to",
        [(count, f"{count:g}") for count in (1, 4, 16, 64, 256)],
        [(1, "1"), (10, "10"), (100, "100")],
        (
            Curve("p99", _ORANGE, curve("p99")),
            Curve("p99, hedged", _BLUE, curve("hedged99"), lift=4),
            Curve("p50", _BLUE, curve("p50"), dashed=True, lift=-5),
        ),
    )


def _work(measured: Inputs, found: Kept) -> Plot:
    def curve(way: str) -> Points:
        power = found.power()
        return [(one.rows, serving(one, measured, visits(one, way, power)).work) for one in SIZES]

    names = {ALL: "every segment", ROUTED: "by likeness"}
    return Plot(
        "processor time of a query",
        "pictures",
        [(one.rows, one.name) for one in SIZES],
        [(1, "1 ms"), (100, "100 ms"), (1e4, "10 s")],
        [
            Curve(names[way], colour, curve(way))
            for way, colour in zip(WAYS, (_ORANGE, _BLUE), strict=True)
        ],
    )


def _plot(plot: Plot, left: float) -> Iterator[str]:
    bottom = _TOP + _HEIGHT
    first, last = plot.across[0][0], plot.across[-1][0]
    low = plot.upward[0][0]
    high = max(plot.upward[-1][0], *(y for curve in plot.curves for _, y in curve.points))

    def x(value: float) -> float:
        return left + _WIDTH * math.log(value / first) / math.log(last / first)

    def y(value: float) -> float:
        return bottom - _HEIGHT * math.log(value / low) / math.log(high / low)

    yield _text(left + _WIDTH / 2, _TOP - 14, plot.title, "middle", 12)
    yield _text(left + _WIDTH / 2, bottom + 34, plot.below, "middle")
    yield f'<path d="M{left} {_TOP}V{bottom}H{left + _WIDTH}" fill="none" stroke="{_INK}"/>'
    for value, name in plot.across:
        yield f'<path d="M{x(value):.1f} {bottom}v4" stroke="{_INK}"/>'
        yield _text(x(value), bottom + 16, name, "middle")
    for value, name in plot.upward:
        yield f'<path d="M{left} {y(value):.1f}h-4" stroke="{_INK}"/>'
        yield _text(left - 7, y(value) + 3.5, name, "end")
    for curve in plot.curves:
        way = "L".join(f"{x(at):.1f} {y(value):.1f}" for at, value in curve.points)
        dashes = ' stroke-dasharray="4 3"' if curve.dashed else ""
        yield f'<path d="M{way}" fill="none" stroke="{curve.colour}" stroke-width="1.8"{dashes}/>'
        at, value = curve.points[-1]
        yield _text(x(at) + 6, y(value) + 3.5 - curve.lift, curve.name, "start", 10, curve.colour)


def _text(x: float, y: float, words: str, anchor: str, size: int = 10, colour: str = _INK) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{colour}">{words}</text>'
    )
