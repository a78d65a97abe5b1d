"""What executes a network."""

from dataclasses import dataclass
from pathlib import Path

from lookgraph.models.quantise import int8_file
from lookgraph.models.runtimes.base import Candidate, Choice, Runtime
from lookgraph.models.runtimes.trial import choose, load
from lookgraph.types import Precision, Space

__all__ = ["Choice", "Runtime", "SettledRuntime", "open_runtime", "settle"]


@dataclass(frozen=True, slots=True)
class SettledRuntime:
    """What executes a network, once that is chosen: the same in every process.

    Attributes:
        file: what is loaded.
        candidate: the runtime and the device.
        precision: the numbers that it computes with.
    """

    file: Path
    candidate: Candidate
    precision: Precision

    def load(self, callers: int) -> Runtime:
        """Load the network for so many threads that will call at once; they share the cores.

        Raises:
            ModelError: it cannot be loaded.
        """
        return load(self.candidate, self.file, self.precision, callers)


def open_runtime(
    network: Path,
    space: Space,
    callers: int,
    choice: Choice | None = None,
    pictures: int = 1,
) -> Runtime:
    """Load a network.

    Args:
        network: a file that `cache.network_file` gives.
        space: at its precision; int8 must have been admitted (`agreement.admit`).
        callers: how many threads will call at once; they share the cores.
        choice: what is to execute it; None for the best there is.
        pictures: how many are waiting: only for many is it worth to measure what is best.

    Raises:
        ModelError: the network cannot be loaded; or as `settle`.
        MissingExtraError: the runtime is not installed.
    """
    return settle(network, space, callers, choice, pictures).load(callers)


def settle(
    network: Path, space: Space, callers: int, choice: Choice | None, pictures: int
) -> SettledRuntime:
    """Choose what is to execute a network, without loading it.

    Args:
        network: as for `open_runtime`; so are the others.
        space: likewise.
        callers: likewise.
        choice: likewise.
        pictures: likewise.

    Raises:
        ModelError: nothing here computes at that precision, or there is no such device.
        MissingExtraError: the runtime is not installed.
    """
    file = int8_file(network) if space.precision is Precision.INT8 else network
    chosen = choose(file, space.precision, callers, choice or Choice(), pictures)
    return SettledRuntime(file, chosen.candidate, space.precision)
