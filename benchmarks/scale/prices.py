"""Public list prices, as far as they could be found: check before you spend.

On-demand Linux in us-east-1, in US dollars, without discounts, taxes and traffic to the internet.
"""

from dataclasses import dataclass

HOURS = 730
"""Of a month, as clouds count it."""

REMEMBERED = "AWS list price, us-east-1, Linux, on demand; from memory, as of early 2025"
READ = (
    "us-east-1; devnotes.tech quotes the first step and the requests, the other steps from memory"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """One type of machine.

    Attributes:
        name: the vendor's.
        cores: physical ones; two virtual processors of one core count once.
        memory: bytes.
        disk: bytes of local NVMe; 0 for none.
        reads: of 4 KiB from it, a second.
        hour: dollars.
        source: of all this.
    """

    name: str
    cores: int
    memory: float
    disk: float
    reads: float
    hour: float
    source: str

    @property
    def month(self) -> float:
        """Dollars for a month."""
        return self.hour * HOURS

    @property
    def core_hour(self) -> float:
        """Dollars for an hour of one core."""
        return self.hour / self.cores


EMBEDS = Machine("c7a.16xlarge", 64, 128 * 2**30, 0, 0, 3.28448, REMEMBERED)
"""Zen 4, as what the rates were measured on, and a core for each virtual processor."""

SEARCHES = Machine("i4i.8xlarge", 16, 256 * 2**30, 7.5e12, 800_000, 2.7456, REMEMBERED)
"""Memory for codes and local NVMe for rows."""


ALONE = Machine("i4i.xlarge", 2, 32 * 2**30, 0.937e12, 100_000, 0.3432, REMEMBERED)
"""The same, for a library that one machine holds."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Objects: dollars a GB and month by the size of all, and for a thousand requests."""

    steps: tuple[tuple[float, float], ...]
    put: float
    get: float
    source: str

    def month(self, size: float) -> float:
        """Dollars a month for so many bytes."""
        total, below = 0.0, 0.0
        for limit, price in self.steps:
            total += max(0.0, min(size, limit) - below) / 1e9 * price
            below = limit
        return total

    def listing(self, objects: float) -> float:
        """Dollars to list so many objects, a thousand a request; listing costs as writing."""
        return objects / 1000 / 1000 * self.put

    def writing(self, objects: float) -> float:
        """Dollars to write so many."""
        return objects / 1000 * self.put

    def reading(self, objects: float) -> float:
        """Dollars to read so many."""
        return objects / 1000 * self.get


OBJECTS = Storage(
    ((50e12, 0.023), (500e12, 0.022), (float("inf"), 0.021)), put=0.005, get=0.0004, source=READ
)
