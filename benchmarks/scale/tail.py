"""How long the slowest of several takes, in closed form."""

import math
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Times whose logarithm is normal.

    Attributes:
        median: of the times, in any unit.
        sigma: the deviation of the logarithm.
    """

    median: float
    sigma: float

    def quantile(self, q: float) -> float:
        """The time that a share q stays below."""
        return self.median * math.exp(self.sigma * _NORMAL.inv_cdf(q))

    def below(self, time: float) -> float:
        """The share of times below this one."""
        if time <= 0:
            return 0.0
        if self.sigma == 0:
            return float(time >= self.median)
        return _NORMAL.cdf(math.log(time / self.median) / self.sigma)


def fitted(p50: float, p95: float) -> Lognormal:
    """The lognormal with this median and this 95th percentile."""
    return Lognormal(p50, math.log(p95 / p50) / _NORMAL.inv_cdf(0.95))


def of_each(q: float, machines: int) -> float:
    """The share of single times below what a share q of the slowest of so many stays below.

    For independent times, P(max < t) = P(t)^k (J. Dean and L. A. Barroso, "The Tail at Scale",
    2013). Times that depend on each other, as where all machines get the same queries, have a
    smaller maximum, so this errs on the slow side.
    """
    return float(q ** (1 / machines))


def distinct(visits: float, machines: int) -> float:
    """How many machines so many cells lie on, if they are spread at random: mean."""
    return machines * (1 - float((1 - 1 / machines) ** visits))


def mean_of_slowest(rate: float, count: int) -> float:
    """The mean of the slowest of so many exponential times: H(count) / rate."""
    return sum(1 / i for i in range(1, count + 1)) / rate
