"""The model held against what was measured at sizes that can be run."""

from dataclasses import dataclass

from benchmarks.scale.inputs import Inputs, Point
from benchmarks.scale.space import Line, through
from benchmarks.scale.tail import fitted


@dataclass(frozen=True, slots=True)
class Check:
    """A predicted number beside the measured one."""

    what: str
    predicted: float
    measured: float
    unit: str

    @property
    def error(self) -> float:
        """Percent by which the prediction is too high."""
        return 100 * (self.predicted / self.measured - 1)


def known(measured: Inputs) -> list[Check]:
    """What follows from other results: smaller sizes predict the largest, p95 predicts p99."""
    small, middle, large = measured.points
    build = _line(small, middle, "build")
    memory = _line(small, middle, "resident")
    root = through((small.rows**0.5, small.p50), (middle.rows**0.5, middle.p50))
    served = fitted(measured.served50.value, measured.served95.value)
    batched = 1e6 / measured.batch.value
    return [
        Check("memory of the index, 1,000,000", memory.at(large.rows) / 1e6,
              large.resident / 1e6, "MB"),
        Check("building the index, 1,000,000, by a line", build.at(large.rows), large.build, "s"),
        Check("a query, 1,000,000, p50, by a root", 1e3 * root.at(large.rows**0.5),
              1e3 * large.p50, "ms"),
        Check("nearest 20, 1,000,000, from 100,000", 10 * measured.graph_small.value,
              measured.graph_large.value, "s"),
        Check("nearest 20, 1,000,000, from batches", batched, measured.graph_large.value, "s"),
        Check("the service, p99, from p50 and p95", served.quantile(0.99),
              measured.served99.value, "ms"),
    ]  # fmt: skip


def _line(one: Point, other: Point, what: str) -> Line:
    return through((one.rows, getattr(one, what)), (other.rows, getattr(other, what)))
