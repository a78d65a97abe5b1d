"""What executes a network."""

from pathlib import Path

from lookgraph.models.quantise import int8_file
from lookgraph.models.runtimes.base import Choice, Runtime
from lookgraph.models.runtimes.trial import choose, load
from lookgraph.types import Precision, Space

__all__ = ["Choice", "Runtime", "open_runtime"]


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
        ModelError: the network cannot be loaded, nothing here computes at that precision, or there
            is no such device.
        MissingExtraError: the runtime is not installed.
    """
    file = int8_file(network) if space.precision is Precision.INT8 else network
    chosen = choose(file, space.precision, callers, choice or Choice(), pictures)
    return load(chosen.candidate, file, space.precision, callers)
