"""From a state to a network that ONNX Runtime executes: one module for each family."""

from collections.abc import Callable, Mapping

import onnx

from lookgraph.models.model import Model
from lookgraph.models.networks.clip import clip_vit_b32, clip_vit_b32_text
from lookgraph.models.networks.efficientnet import efficientnet_lite0
from lookgraph.models.networks.resnet import resnet50
from lookgraph.models.networks.vgg import vgg16_keras, vgg16_torch
from lookgraph.models.networks.vit import dinov2_small
from lookgraph.types import Array

BUILDERS: dict[str, Callable[[Mapping[str, Array], Model], onnx.ModelProto]] = {
    "clip-vit-b32": clip_vit_b32,
    "clip-vit-b32-text": clip_vit_b32_text,
    "dinov2-small": dinov2_small,
    "efficientnet-lite0": efficientnet_lite0,
    "resnet50": resnet50,
    "vgg16-keras": vgg16_keras,
    "vgg16-torch": vgg16_torch,
}
"""What builds a network, by `Model.architecture` and `TextTower.architecture`."""


def build_network(
    state: Mapping[str, Array], model: Model, architecture: str | None = None
) -> onnx.ModelProto:
    """A network of a row of the registry.

    Args:
        state: its weights by name, as `checkpoints.read_checkpoint` gives them.
        model: the row.
        architecture: the key of its builder; None for the row's own. `TextTower.architecture`
            gives the network for texts instead, whose input its builder describes.

    Returns:
        A network from ``pictures``, uint8 (n, height, width, 3), sRGB, red first, to
        ``embeddings``, float32 (n, dimension), not normalised. n is free.

    Raises:
        CheckpointError: a tensor is missing, has another shape, or is one too many.
        ModelError: the network cannot be built for the size of the row's input.
    """
    return BUILDERS[architecture or model.architecture](state, model)
