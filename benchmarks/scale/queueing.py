"""Copies of one machine under load, by discrete-event simulation."""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.scale.tail import Lognormal
from lookgraph.types import Array

Draw = Callable[[np.random.Generator, int], Array]
"""From a generator and a count to so many service times."""

_ARRIVE, _AGAIN, _DONE = range(3)


def exponential(mean: float) -> Draw:
    """Service times of which nothing is remembered."""
    return lambda generator, count: generator.exponential(mean, count)


def pausing(times: Lognormal, share: float, pause: float) -> Draw:
    """Lognormal times, a share of which meets a pause."""

    def draw(generator: np.random.Generator, count: int) -> Array:
        found = times.median * np.exp(times.sigma * generator.standard_normal(count))
        return np.asarray(found + pause * (generator.random(count) < share))

    return draw


@dataclass(frozen=True, slots=True)
class Group:
    """Machines that hold the same rows.

    Attributes:
        replicas: how many.
        servers: queries that one of them works on at a time.
        rate: queries that come, for all together, in a unit of time.
        service: how long one takes.
    """

    replicas: int
    servers: int
    rate: float
    service: Draw


class _Simulation:
    """One run. A query goes to a replica at random; after a while, to another one too."""

    def __init__(self, group: Group, count: int, seed: int, hedge: float | None) -> None:
        generator = np.random.default_rng(seed)
        self.group, self.hedge = group, hedge
        self.arrivals = np.cumsum(generator.exponential(1 / group.rate, count))
        self.first = generator.integers(group.replicas, size=count)
        self.services = iter(group.service(generator, 2 * count))
        self.answered = np.full(count, np.inf)
        self.free = [group.servers] * group.replicas
        self.queues: list[deque[int]] = [deque() for _ in range(group.replicas)]
        self.events = [(float(at), _ARRIVE, query, 0) for query, at in enumerate(self.arrivals)]

    def run(self) -> Array:
        while self.events:
            now, kind, query, replica = heapq.heappop(self.events)
            if kind == _ARRIVE:
                self._send(now, query, int(self.first[query]))
                if self.hedge is not None:
                    heapq.heappush(self.events, (now + self.hedge, _AGAIN, query, 0))
            elif kind == _AGAIN:
                self._send(now, query, (int(self.first[query]) + 1) % self.group.replicas)
            else:
                self.answered[query] = min(self.answered[query], now)
                self.free[replica] += 1
                self._start(now, replica)
        return np.asarray(self.answered - self.arrivals)

    def _send(self, now: float, query: int, replica: int) -> None:
        self.queues[replica].append(query)
        self._start(now, replica)

    def _start(self, now: float, replica: int) -> None:
        """Begin what waits; what has been answered already is dropped ("tied requests")."""
        queue = self.queues[replica]
        while self.free[replica] and queue:
            query = queue.popleft()
            if np.isinf(self.answered[query]):
                self.free[replica] -= 1
                done = now + float(next(self.services))
                heapq.heappush(self.events, (done, _DONE, query, replica))


def responses(group: Group, count: int, seed: int = 0, hedge: float | None = None) -> Array:
    """How long so many queries take from their arrival to the first answer.

    Queries arrive at random (Poisson), and wait in one queue for each replica.

    Args:
        group: of machines.
        count: of queries; the first tenth, while queues fill, is left out of what is returned.
        seed: of the random numbers.
        hedge: a query without an answer after this time goes to another replica too (Dean and
            Barroso's hedged requests); None for never.
    """
    return _Simulation(group, count, seed, hedge).run()[count // 10 :]
