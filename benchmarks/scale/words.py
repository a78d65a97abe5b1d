"""Numbers as people read them."""

import math
from collections.abc import Sequence

_STEPS = ((1e18, "EB"), (1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_TIMES = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def plain(value: float, figures: int = 3) -> str:
    """With so many digits that count, and commas."""
    if value == 0 or not math.isfinite(value):
        return "-" if not math.isfinite(value) else "0"
    places = figures - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    return f"{rounded:,.{max(0, places)}f}"


def size(count: float) -> str:
    """Bytes."""
    for step, unit in _STEPS:
        if count >= step:
            return f"{plain(count / step)} {unit}"
    return f"{plain(count)} B"


def lasting(seconds: float) -> str:
    """A time."""
    for step, unit in _TIMES:
        if seconds >= 1.5 * step:
            return f"{plain(seconds / step, 2)} {unit}"
    return f"{plain(1e3 * seconds, 2)} ms"


def dollars(value: float) -> str:
    """Money, with two digits that count: prices are not better known."""
    return f"${plain(value, 2)}"


def row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    return "\n".join([row(*head), "|" + "---|" * len(head), *(row(*cells) for cells in rows)])
