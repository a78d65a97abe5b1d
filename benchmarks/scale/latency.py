"""What a query takes over several machines under load: simulated for one, then the slowest."""

from dataclasses import dataclass

import numpy as np

from benchmarks.scale.assumed import HICCUPS, MERGE, NETWORK, READ, REPLICAS
from benchmarks.scale.inputs import Inputs
from benchmarks.scale.plan import Serving, Size
from benchmarks.scale.queueing import Group, pausing, responses
from benchmarks.scale.tail import Lognormal, fitted, of_each
from lookgraph.types import Array

_ENOUGH = 10
"""Answers that must be slower than what is told of the slow ones."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of a query, and what it would be with hedged requests; NaN: not enough runs."""

    p50: float
    p99: float
    hedged50: float
    hedged99: float


def group_of(measured: Inputs, service: float, servers: int, load: float) -> Group:
    """Machines that take so many ms for a query (median), for so many at a time, and so busy."""
    rate = load * REPLICAS.value * servers / service
    sigma = fitted(measured.search.value, measured.search95.value).sigma
    times = pausing(Lognormal(service, sigma), HICCUPS.value, measured.hiccup.value)
    return Group(int(REPLICAS.value), servers, rate, times)


def simulated(group: Group, count: int) -> tuple[Array, Array]:
    """Times of one machine's part, sorted: as they are, and hedged after 95 of 100 are done."""
    plain = responses(group, count)
    hedged = responses(group, count, hedge=float(np.quantile(plain, 0.95)))
    return np.sort(plain), np.sort(hedged)


def over(plain: Array, hedged: Array, machines: int) -> Latency:
    """A query that goes to so many machines at once, with the way there and the second look."""
    beyond = NETWORK.value + READ.value + MERGE.value * machines
    times = [
        beyond + _quantile(times, of_each(q, machines))
        for times in (plain, hedged)
        for q in (0.5, 0.99)
    ]
    return Latency(*times)


def latency(size: Size, measured: Inputs, served: Serving, count: int) -> Latency:
    """What a query takes in a plan, at its load."""
    group = group_of(measured, served.service, size.machine.cores // served.threads, served.load)
    return over(*simulated(group, count), served.visited)


def _quantile(times: Array, q: float) -> float:
    if (1 - q) * len(times) < _ENOUGH:
        return float("nan")
    return float(times[min(len(times) - 1, int(q * len(times)))])
