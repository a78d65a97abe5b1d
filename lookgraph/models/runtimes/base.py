"""What every runtime has in common. Importing this loads nothing heavy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lookgraph.errors import ModelError, UsageError
from lookgraph.types import Matrix, Pixels

RUNTIMES = ("onnxruntime", "openvino")
DEVICES = ("cpu", "gpu")


class Runtime(Protocol):
    """What executes a network; safe to be called from several threads."""

    def run(self, pixels: Pixels) -> Matrix:
        """From uint8, shape (n, height, width, 3), to float32, shape (n, d)."""
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to execute a network: a runtime on a device."""

    runtime: str
    device: str

    def __str__(self) -> str:
        return self.runtime if self.device == "cpu" else f"{self.runtime} on the GPU"


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to execute a network.

    Attributes:
        runtime: ``onnxruntime``, ``openvino``, or ``auto`` for the faster.
        device: ``cpu``, ``gpu``, or ``auto`` for the faster of those that a runtime can use.

    Raises:
        UsageError: another word.
    """

    runtime: str = "auto"
    device: str = "auto"

    def __post_init__(self) -> None:
        _check("runtime", self.runtime, RUNTIMES)
        _check("device", self.device, DEVICES)

    def admits(self, candidate: Candidate) -> bool:
        """Whether it is what the user wants."""
        runtime, device = candidate.runtime, candidate.device
        return self.runtime in ("auto", runtime) and self.device in ("auto", device)


def _check(what: str, word: str, words: tuple[str, ...]) -> None:
    possible = ("auto", *words)
    if word not in possible:
        raise UsageError(f"there is no {what} {word!r}; there is: {', '.join(possible)}")


@dataclass(frozen=True, slots=True)
class Input:
    """The shape of a network's input, (n, height, width, 3); None where any number will do."""

    batch: int | None
    height: int | None
    width: int | None

    def check(self, pixels: Pixels) -> None:
        """Hold pictures to it.

        Raises:
            ModelError: they are of another shape or type.
        """
        wanted = (None, self.height, self.width, 3)
        fits = pixels.ndim == len(wanted) and all(
            side in (None, given) for side, given in zip(wanted, pixels.shape, strict=True)
        )
        if not fits or pixels.dtype != np.uint8:
            shape = f"(n, {self.height or 'height'}, {self.width or 'width'}, 3)"
            raise ModelError(
                f"the network failed: it takes uint8 {shape}, not {pixels.dtype} {pixels.shape}"
            )

    def feed(self, run: Callable[[Pixels], Matrix], pixels: Pixels) -> Matrix:
        """Run pictures; where the batch is fixed, in parts, the last one filled up.

        Args:
            run: from as many pictures as the batch has to their embeddings.
            pixels: one picture or more, of the shape that `check` wants.
        """
        size = self.batch
        if size is None or len(pixels) == size:
            return run(pixels)
        parts = []
        for start in range(0, len(pixels), size):
            part = pixels[start : start + size]
            filling = np.repeat(part[-1:], size - len(part), axis=0)
            parts.append(run(np.concatenate([part, filling]))[: len(part)])
        return np.concatenate(parts)


def input_of(shape: list[int | None]) -> Input:
    """The input with such a shape.

    Raises:
        ModelError: it is no shape of pictures.
    """
    if len(shape) != 4 or shape[3] not in (None, 3):
        raise ModelError(f"a network's input must be (n, height, width, 3), not {shape}")
    return Input(*shape[:3])
