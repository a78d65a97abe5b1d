"""The recipes' networks give the embeddings that torchvision and Keras give, number for number."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lookgraph.ingest.decode import decode
from lookgraph.models.model import Model
from lookgraph.models.networks import build_network
from lookgraph.models.preprocess import fit
from lookgraph.models.registry import find_model
from lookgraph.models.runtimes.onnx_runtime import OnnxRuntime

from .recipes import (
    PHOTOGRAPHS,
    SAMPLE,
    made_pictures,
    reference_file,
    resnet50_shapes,
    seeded,
    vgg16_keras_shapes,
    vgg16_torch_shapes,
)

RECIPES = ("resnet50", "resnet50-v2", "vgg16", "vgg16-cv2", "vgg16-torch")
SHAPES = {
    "resnet50": resnet50_shapes(),
    "vgg16-keras": vgg16_keras_shapes(),
    "vgg16-torch": vgg16_torch_shapes(),
}

Files = Mapping[str, bytes]


def prepare(model: Model, data: bytes) -> NDArray[np.uint8]:
    decoded = decode(io.BytesIO(data), model.preparation.decode_side)
    return fit(decoded.image, model.preparation)


def reference(recipe: str, files: Files, kind: str) -> Iterator[tuple[bytes, NDArray[Any]]]:
    """Each file, and what the recipe's own framework makes of it, see `make_recipe_reference`."""
    with np.load(reference_file(recipe)) as saved:
        rows = dict(zip(saved["names"].tolist(), saved[kind], strict=True))
    assert len(rows) == len(made_pictures()) + len(PHOTOGRAPHS)
    return ((data, rows[name]) for name, data in files.items())


def assert_same_pixels(recipe: str, files: Files) -> None:
    for data, pixels in reference(recipe, files, "pixels"):
        prepared = prepare(find_model(recipe), data)
        np.testing.assert_array_equal(prepared[::SAMPLE, ::SAMPLE], pixels)


@pytest.fixture(scope="module")
def photographed(photographs: Path) -> Files:
    return {name: (photographs / name).read_bytes() for name in PHOTOGRAPHS}


@pytest.mark.parametrize("recipe", RECIPES)
def test_made_pictures_are_prepared_to_the_frameworks_pixels(recipe: str) -> None:
    assert_same_pixels(recipe, made_pictures())


@pytest.mark.parametrize("recipe", RECIPES)
def test_photographs_are_prepared_to_the_frameworks_pixels(
    recipe: str, photographed: Files
) -> None:
    assert_same_pixels(recipe, photographed)


@dataclass(frozen=True, slots=True)
class Built:
    """A whole network with seeded weights, and the rows that it is of."""

    runtime: OnnxRuntime
    models: tuple[Model, ...]


@pytest.fixture(scope="module", params=sorted(SHAPES))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    models = [find_model(recipe) for recipe in RECIPES]
    models = [model for model in models if model.architecture == request.param]
    network = build_network(seeded(SHAPES[request.param]), models[0])
    file = tmp_path_factory.mktemp("network") / "network.onnx"
    file.write_bytes(network.SerializeToString())
    try:
        return Built(OnnxRuntime(file, threads=2), tuple(models))
    finally:
        file.unlink()  # Up to half a gigabyte, which is in memory now.


def assert_same_embeddings(built: Built, files: Files) -> None:
    """Within 1e-3 in every number, and 1e-3 of the mean one where a number is smaller than that.

    Measured on AVX-512: 4e-6 of the mean number for ResNet50, 2e-5 for VGG16, 5e-5 for Keras'.
    """
    for model in built.models:
        known: list[NDArray[np.float32]] = []
        for data, expected in reference(model.name, files, "embeddings"):
            (embedding,) = built.runtime.run(prepare(model, data)[None])
            mean = float(np.abs(expected).mean())
            np.testing.assert_allclose(embedding, expected, rtol=1e-3, atol=1e-3 * mean)
            assert cosine(embedding, expected) >= 0.99999
            # Otherwise, being the same as the reference would say little.
            assert all(np.abs(expected - other).max() > 0.1 * mean for other in known)
            known.append(expected)


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    x, y = a.astype(np.float64), b.astype(np.float64)
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


@pytest.mark.slow
def test_made_pictures_have_the_frameworks_embeddings(built: Built) -> None:
    assert_same_embeddings(built, made_pictures())


@pytest.mark.slow
def test_photographs_have_the_frameworks_embeddings(built: Built, photographed: Files) -> None:
    assert_same_embeddings(built, photographed)
