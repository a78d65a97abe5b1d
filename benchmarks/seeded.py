"""Weights of the recipes' networks made from a seed, for machines that the real ones are not on.

How fast a network is does not depend on what its weights are. What it sees does: a figure of
quality, or of how much of float32's answers a lower precision keeps, is about these weights only.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lookgraph.types import Array

_RESNET50 = ((3, 64), (4, 128), (6, 256), (3, 512))
_VGG16 = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def write(name: str, file: Path) -> Path:
    """Write weights for a row of the registry as a safetensors file."""
    tensors = {"resnet50": _resnet50, "vgg16": _vgg16}[name]
    generator = np.random.default_rng(0)
    header: dict[str, object] = {}
    at = 0
    data = []
    for tensor, shape in tensors():
        numbers = _numbers(generator, tensor, shape)
        header[tensor] = {
            "dtype": "F32", "shape": list(shape), "data_offsets": [at, at + numbers.nbytes],
        }  # fmt: skip
        at += numbers.nbytes
        data.append(numbers)
    told = json.dumps(header).encode()
    with file.open("wb") as out:
        out.write(struct.pack("<Q", len(told)) + told)
        for numbers in data:
            out.write(numbers.tobytes())
    return file


def _numbers(generator: np.random.Generator, name: str, shape: tuple[int, ...]) -> Array:
    """As He et al. 2015 (arXiv:1502.01852) begin; each block adds a little to its input."""
    if len(shape) == 1:
        level = 1.0 if "var" in name or name.endswith("weight") else 0.0
        level *= 0.2 if ".bn3.weight" in name else 1.0
        return np.full(shape, level, np.float32)
    inputs = np.prod(shape[1:]) if name.endswith("weight") else np.prod(shape[:-1])
    numbers = generator.standard_normal(shape, np.float32)
    return np.asarray(numbers * np.sqrt(2 / inputs, dtype=np.float32))


def _resnet50() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Torchvision's names."""
    yield from _normalised("conv1", "bn1", (64, 3, 7, 7))
    below = 64
    for stage, (blocks, width) in enumerate(_RESNET50, 1):
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            yield from _normalised(f"{name}.conv1", f"{name}.bn1", (width, below, 1, 1))
            yield from _normalised(f"{name}.conv2", f"{name}.bn2", (width, width, 3, 3))
            yield from _normalised(f"{name}.conv3", f"{name}.bn3", (4 * width, width, 1, 1))
            if block == 0:
                down = f"{name}.downsample"
                yield from _normalised(f"{down}.0", f"{down}.1", (4 * width, below, 1, 1))
            below = 4 * width


def _normalised(
    name: str, norm: str, shape: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{norm}.{part}", shape[:1]


def _vgg16() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Keras' names and order of axes: height, width, channels in, channels out."""
    below = 3
    for block, (layers, width) in enumerate(_VGG16, 1):
        for layer in range(1, layers + 1):
            name = f"block{block}_conv{layer}"
            yield f"{name}_W_1:0", (3, 3, below, width)
            yield f"{name}_b_1:0", (width,)
            below = width
    yield "fc1_W_1:0", (7 * 7 * 512, 4096)
    yield "fc1_b_1:0", (4096,)
