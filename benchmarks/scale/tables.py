"""The tables of docs/scale.md, from the inputs and from the last run of the command."""

import math
from collections.abc import Callable

from benchmarks.scale import assumed, kept, prices, sources, space
from benchmarks.scale.edges import CORES, building, following, renewing
from benchmarks.scale.inputs import Inputs
from benchmarks.scale.kept import ALL, ROUTED, Kept, visits
from benchmarks.scale.plan import SIZES, Serving, Size, embedding, money, serving
from benchmarks.scale.words import dollars, lasting, plain, size, table

COPIES = 4
"""Cells that each row lies in, to build the graph within them."""

_NAMES = tuple(one.name for one in SIZES)


def best(one: Size) -> str:
    """The way of the two that a size would take."""
    return ALL if one.alone else ROUTED


def _served(one: Size, way: str, measured: Inputs, found: Kept) -> Serving:
    return serving(one, measured, visits(one, way, found.power()))


def _checks(_: Inputs, found: Kept) -> str:
    rows = []
    for name in found.starting("check, "):
        detail = found.detail(name)
        (unit,) = [key.removeprefix("in ") for key in detail if key.startswith("in ")]
        guess, real = (f"{plain(detail[key])} {unit}" for key in ("predicted", "measured"))
        rows.append((name.removeprefix("check, "), guess, real, f"{round(found.value(name)):+d} %"))
    return table(("what", "predicted", "measured", "error"), rows)


def _tiers(measured: Inputs, found: Kept) -> str:
    rows = [
        (tier.name, tier.where, f"{tier.size:,.0f}", *(size(tier.size * n.rows) for n in SIZES))
        for tier in space.tiers(measured, found.each("the database"))
    ]
    return table(("what", "where", "bytes a picture", *_NAMES), rows)


def _indexes(measured: Inputs, _: Kept) -> str:
    rows = []
    for index in space.indexes(measured):
        totals = (size(index.memory * one.rows) for one in SIZES)
        rows.append((index.name, f"{index.memory:,.0f}", f"{index.disk:,.0f}", *totals))
    head = ("index", "memory, bytes a picture", "local disk", *(f"memory, {n}" for n in _NAMES))
    return table(head, rows)


def _embedding(measured: Inputs, _: Kept) -> str:
    rates = (
        measured.embedding, measured.large, measured.resnet50, measured.vgg16,
    )  # fmt: skip
    rows = []
    for rate in rates:
        cells = []
        for one in SIZES:
            took = embedding(one, rate)
            time = lasting(3600 * took.lasting)
            cells.append(f"{plain(took.hours, 2)}; {dollars(took.dollars)}; {time}")
        rows.append((rate.what, plain(rate.value), *cells))
    machines = (f"{one.name}, on {one.embedders * prices.EMBEDS.cores:,} cores" for one in SIZES)
    return table(("what", "a second and core", *machines), rows)


def _serving(measured: Inputs, found: Kept) -> str:
    rows = []
    for one, way in kept.plans():
        at = _served(one, way, measured, found)
        rows.append((
            f"{one.name}, {way}", f"{at.visits:,}", lasting(at.work / 1e3),
            " / ".join(f"{count:,}" for count in at.nodes.values()),
            f"2 x {at.machines:,}", at.most, plain(100 * at.load, 2),
            dollars(2 * at.machines * one.machine.month),
        ))  # fmt: skip
    head = ("plan", "segments a query", "core time", "machines for memory / disk / cores",
            "machines", "for", "busy, %", "a month")  # fmt: skip
    return table(head, rows)


def _latency(measured: Inputs, found: Kept) -> str:
    rows = []
    for one, way in kept.plans():
        at, took = _served(one, way, measured, found), found.detail(f"plan, {one.name}, {way}")
        times = (plain(took.get(key, math.nan)) for key in ("p50", "p99", "hedged50", "hedged99"))
        rows.append((f"{one.name}, {way}", f"{one.queries:,.0f}", f"{at.visited:,}", *times))
    head = ("plan", "queries a second", "machines a query", "p50, ms", "p99, ms",
            "hedged: p50", "hedged: p99")  # fmt: skip
    return table(head, rows)


def _routing(_: Inputs, found: Kept) -> str:
    rows = [
        (f"{one.cells:,}", f"{one.visits}",
         *(f"{one.copies[copies]:.3f}" for copies in (1, 2, 4, 8)))
        for one in found.routings()
    ]  # fmt: skip
    power = found.power()
    rows += [(f"{one.cells:,}, by the law", f"{power.of(one.cells)}", "", "", "", "")
             for one in SIZES]  # fmt: skip
    head = ("cells", "visited for 0.98", "pairs that meet, 1 cell a row", "2", "4", "8")
    return table(head, rows)


def _graph(measured: Inputs, found: Kept) -> str:
    made = [building(one, measured, found.power().of(one.cells), COPIES) for one in SIZES]
    lines = (
        (
            "segments that each row is looked for in",
            [f"{found.power().of(n.cells)}" for n in SIZES],
        ),
        ("core-hours", [plain(one.hours, 2) for one in made]),
        ("dollars for them", [dollars(one.dollars) for one in made]),
        (f"core-hours, each row in {COPIES} cells only", [plain(one.near, 2) for one in made]),
        ("travels, rows to every segment", [size(one.asked) for one in made]),
        ("travels, codes to every segment", [size(one.coded) for one in made]),
        (f"travels, each row in {COPIES} cells", [size(one.copied) for one in made]),
        ("answers to be merged", [size(one.answers) for one in made]),
        ("edges", [plain(one.edges) for one in made]),
        ("kept: 20 nearest, scores, norm", [size(one.kept) for one in made]),
        ("all edges as a list", [size(one.listed) for one in made]),
        (f"the cells' forests, {COPIES} cells a row", [size(one.forest) for one in made]),
        ("joining them, all rounds", [size(one.joined) for one in made]),
    )
    return table(("", *_NAMES), [(name, *cells) for name, cells in lines])


def _money(measured: Inputs, found: Kept) -> str:
    tiers = space.tiers(measured, found.each("the database"))
    rows = []
    for one in SIZES:
        at = _served(one, best(one), measured, found)
        cost = money(one, measured, at, tiers)
        graph = building(one, measured, found.power().of(one.cells), COPIES)
        rows.append((
            one.name, dollars(cost.nodes), dollars(cost.database), dollars(cost.objects),
            dollars(cost.month), dollars(1e6 * cost.month / one.rows), dollars(cost.embedding),
            dollars(graph.dollars), dollars(cost.requests),
        ))  # fmt: skip
    head = ("", "search machines", "database", "objects", "a month", "a month and million pictures",
            "once: embedding", "once: graph", "once: requests")  # fmt: skip
    return table(head, rows)


def _limits(measured: Inputs, found: Kept) -> str:
    graph = found.each("the graph in memory")
    power = found.power()

    def line(name: str, tell: Callable[[Size], str]) -> tuple[str, ...]:
        return (name, *(tell(one) for one in SIZES))

    objects = prices.OBJECTS
    keeps_up = measured.commit.value / measured.embedding.value
    rows = [
        line("the graph's arrays, in memory", lambda n: size(graph * n.rows)),
        line("row numbers, of what int32 holds", lambda n: f"{plain(100 * n.rows / 2**31, 2)} %"),
        line("one writer commits all in", lambda n: lasting(n.rows / measured.commit.value)),
        line("cores that embed, by those that one writer keeps up with",
             lambda n: f"{n.embedders * prices.EMBEDS.cores:,} / {keeps_up:.0f}"),
        line("library.db", lambda n: size(found.each("the database") * n.rows)),
        line("looking at all files for changes",
             lambda n: lasting(n.rows * measured.look.value / 1e5)),
        line("listing all objects one request after another",
             lambda n: f"{lasting(n.rows / 1000 * assumed.LISTING.value)}; "
                       f"{dollars(objects.listing(n.rows))}"),
        line("a graph in step with 1 % new, new times all",
             lambda n: f"{plain(following(n, measured), 2)} core-h"),
        line("the same through segments",
             lambda n: f"{plain(renewing(n, measured, power.of(n.cells)), 2)} core-h"),
        line("reads from disk a query, each segment its own second look, all segments",
             lambda n: plain(n.cells * assumed.SHORTLIST.value)),
        line("the same, segments by likeness",
             lambda n: plain(power.of(n.cells) * assumed.SHORTLIST.value)),
        line("partitions, of the 65,536 that Milvus allows by default",
             lambda n: f"{plain(100 * n.cells / 65_536, 2)} %"),
        line("indexes of all segments, core-hours",
             lambda n: plain(n.cells * measured.points[-1].build * CORES / 3600, 2)),
        line("centres of all cells, at whoever sends queries on",
             lambda n: size(n.cells * assumed.CENTROID.value)),
        line("writing thumbnails one by one", lambda n: dollars(objects.writing(n.rows))),
        line("another network: embedding all again, core-hours",
             lambda n: plain(embedding(n, measured.embedding).hours, 2)),
    ]  # fmt: skip
    return table(("", *_NAMES), rows)


TABLES: dict[str, Callable[[Inputs, Kept], str]] = {
    "checks": _checks,
    "tiers": _tiers,
    "indexes": _indexes,
    "embedding": _embedding,
    "routing": _routing,
    "serving": _serving,
    "latency": _latency,
    "graph": _graph,
    "money": _money,
    "limits": _limits,
    "measured": sources.measured_ones,
    "assumed": sources.assumed_ones,
    "prices": sources.prices_paid,
}
