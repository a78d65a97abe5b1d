"""The tables of what the model is fed with."""

from benchmarks.scale import assumed, prices, space
from benchmarks.scale.inputs import Inputs
from benchmarks.scale.kept import Kept
from benchmarks.scale.words import plain, size, table


def measured_ones(measured: Inputs, found: Kept) -> str:
    """What was measured, and where."""
    rows = [(one.what, f"{plain(one.value)} {one.unit}", one.source) for one in measured.numbers()]
    line = space.resident(measured.points)
    rows.append((
        "memory of the index",
        f"{plain(line.fixed / 1e6)} MB + {plain(line.slope)} bytes a picture",
        "2026-11-21-growth.json, “resident”, least and most rows",
    ))  # fmt: skip
    database = plain(found.each("the database"))
    rows.append(("the database", f"{database} bytes a picture", f"{found.date}-scale.json"))
    return table(("what", "measured", "where"), rows)


def assumed_ones(_: Inputs, __: Kept) -> str:
    """What was assumed, and why."""
    rows = [(one.what, f"{_told(one.value)} {one.unit}".strip(), one.why) for one in assumed.ALL]
    return table(("assumed", "", "why"), rows)


def prices_paid(_: Inputs, __: Kept) -> str:
    """What machines and objects cost."""
    rows = [
        (one.name, f"{one.cores} cores, {size(one.memory)}, NVMe {size(one.disk)}",
         f"${one.hour:.4f} an hour", one.source)
        for one in (prices.EMBEDS, prices.ALONE, prices.SEARCHES)
    ]  # fmt: skip
    steps = " / ".join(f"{price}" for _, price in prices.OBJECTS.steps)
    text = f"${steps} a GB and month (to 50 TB / to 500 TB / more); a thousand: put or list "
    text += f"${prices.OBJECTS.put}, get ${prices.OBJECTS.get}"
    rows.append(("S3 Standard", "", text, prices.OBJECTS.source))
    return table(("what", "has", "price", "source"), rows)


def _told(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"
