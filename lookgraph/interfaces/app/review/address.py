"""What an address of the screen of duplicates shows. The address is all the state that there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from lookgraph.duplicates.finding import Tier
from lookgraph.interfaces.app.values import number, whole

_DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class View:
    """What an address of the screen shows.

    Attributes:
        tier: of the groups; None for what was decided.
        at: the place of the group among its tier's, from 0; None for the first that is open.
        keep: the number of the copy to keep.
        other: that of the copy beside it; None for the first that is undecided.
        model: whose embeddings are compared.
        threshold: the least score of look-alikes.
    """

    tier: Tier | None = None
    at: int | None = None
    keep: int = 0
    other: int | None = None
    model: str | None = None
    threshold: float | None = None

    def query(self) -> dict[str, str]:
        """What stands behind the question mark; `read_view` gives it back."""
        parts = {
            "tier": str(self.tier or _DECIDED),
            "at": "" if self.at is None else str(self.at + 1),
            "keep": str(self.keep or ""),
            "other": "" if self.other is None else str(self.other),
            "model": self.model or "",
            "threshold": "" if self.threshold is None else f"{self.threshold:g}",
        }
        return {name: value for name, value in parts.items() if value}

    def address(self) -> str:
        """Where it is shown."""
        return f"/duplicates?{urlencode(self.query())}"


def read_view(query: Mapping[str, str]) -> View:
    """What an address shows; what cannot be understood in it is left out."""
    tier = query.get("tier", str(Tier.SAME))
    at = whole(query.get("at", ""))
    return View(
        tier=None if tier == _DECIDED else _tier(tier),
        at=at - 1 if at else None,
        keep=whole(query.get("keep", "")) or 0,
        other=whole(query.get("other", "")),
        model=query.get("model") or None,
        threshold=_score(query.get("threshold", "")),
    )


def _tier(told: str) -> Tier:
    return Tier(told) if told in set(map(str, Tier)) else Tier.SAME


def _score(told: str) -> float | None:
    score = number(told)
    return score if score is not None and -1 <= score <= 1 else None
