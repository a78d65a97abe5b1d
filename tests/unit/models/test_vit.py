"""DINOv2 and CLIP compute what their original code computes with the same weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from lookgraph.errors import CheckpointError, ModelError
from lookgraph.models.model import Model
from lookgraph.models.networks import build_network
from lookgraph.models.networks.vit import resized_positions
from lookgraph.models.registry import find_model
from lookgraph.models.runtimes.onnx_runtime import OnnxRuntime

from .recipes import Shapes, State
from .transformers import FILE, GRID, clip_shapes, dinov2_shapes, grid, of_clip, pictures, seeded

DINOV2, CLIP = find_model("dinov2-small"), find_model("clip-vit-b32")
SHAPES: dict[str, tuple[Model, Shapes]] = {
    "dinov2-small": (DINOV2, dinov2_shapes()),
    "clip-vit-b32": (CLIP, clip_shapes()),
    "clip-vit-b32-text": (CLIP, clip_shapes()),
}


def reference(name: str) -> NDArray[Any]:
    """By the original code, see `make_vit_reference`."""
    with np.load(FILE) as file:
        values: NDArray[Any] = file[name]
    return values


def zeros(shapes: Shapes) -> State:
    """Of these shapes, but without memory."""
    return {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}


def of_tower(architecture: str, shapes: Shapes) -> Shapes:
    """The rest may be missing or of any size."""
    if architecture == "dinov2-small":
        return shapes
    wanted = architecture == "clip-vit-b32"
    return {name: shape for name, shape in shapes.items() if name.startswith("visual.") == wanted}


def assert_same(embeddings: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    """Within 1e-4 in every number, and 1e-4 of the mean one where a number is smaller than that.

    Measured on AVX-512: 6e-6 of the mean number at most.
    """
    floor = 1e-4 * float(np.abs(expected).mean())
    np.testing.assert_allclose(embeddings, expected, rtol=1e-4, atol=floor)
    for one, other in zip(embeddings.astype(np.float64), expected.astype(np.float64), strict=True):
        assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) >= 0.99999
    for number, one in enumerate(expected):  # otherwise, being the same would say little
        for other in expected[:number]:
            assert np.abs(one - other).max() > 0.3 * np.abs(other).mean()


def built(state: State, model: Model, folder: Path, architecture: str | None = None) -> Path:
    file = folder / "network.onnx"
    file.write_bytes(build_network(state, model, architecture).SerializeToString())
    return file


@pytest.mark.slow
def test_dinov2_is_the_original(tmp_path: Path) -> None:
    runtime = OnnxRuntime(built(seeded(dinov2_shapes()), DINOV2, tmp_path), threads=2)

    assert_same(runtime.run(pictures()), reference("dinov2"))


@pytest.mark.slow
def test_clip_is_the_original_for_pictures(tmp_path: Path) -> None:
    """Most of its weights are float16, and computed with as float32."""
    runtime = OnnxRuntime(built(of_clip(), CLIP, tmp_path), threads=2)

    embeddings = runtime.run(pictures())

    assert_same(embeddings, reference("clip"))
    np.testing.assert_allclose(runtime.run(pictures()[1:2]), embeddings[1:2], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_clip_is_the_original_for_texts(tmp_path: Path) -> None:
    file = built(of_clip(), CLIP, tmp_path, "clip-vit-b32-text")
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    tokens = reference("tokens").astype(np.int64)

    (embeddings,) = session.run(None, {"tokens": tokens})

    assert_same(embeddings, reference("clip_text"))
    behind = np.where(np.cumsum(tokens == 49407, axis=1) > 0, 49407, tokens)
    (again,) = session.run(None, {"tokens": behind[:4]})
    np.testing.assert_allclose(again, embeddings[:4], rtol=1e-4, atol=1e-4)


def test_positions_are_resized_as_torch_does_it() -> None:
    resized = resized_positions(grid().astype(np.float64), *GRID)

    np.testing.assert_allclose(resized, reference("grid"), atol=1e-5)


def test_positions_of_the_trained_size_stay() -> None:
    positions = grid().astype(np.float64)

    np.testing.assert_array_equal(resized_positions(positions, 37, 37), positions)


@pytest.mark.parametrize(
    ("architecture", "given"),
    [
        ("dinov2-small", "%pictures[UINT8, nx224x224x3]"),
        pytest.param(
            "clip-vit-b32", "%pictures[UINT8, nx224x224x3]", marks=pytest.mark.slow
        ),
        pytest.param("clip-vit-b32-text", "%tokens[INT64, nx77]", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_inputs_and_outputs_are_as_promised(architecture: str, given: str) -> None:
    """Whatever the rest of the checkpoint looks like."""
    model, shapes = SHAPES[architecture]
    state = zeros(of_tower(architecture, shapes))
    state |= {name: np.zeros(1) for name in shapes.keys() - state.keys()}

    network = build_network(state, model, architecture)

    onnx.checker.check_model(network, full_check=True)
    ((taken,), (made,)) = network.graph.input, network.graph.output
    assert onnx.helper.printable_value_info(taken) == given
    assert onnx.helper.printable_value_info(made) == f"%embeddings[FLOAT, nx{model.dimension}]"


@pytest.mark.parametrize(
    ("architecture", "missing"),
    [
        ("dinov2-small", "cls_token"),
        ("dinov2-small", "pos_embed"),
        ("dinov2-small", "blocks.0.ls1.gamma"),
        ("dinov2-small", "blocks.11.mlp.fc2.bias"),
        ("clip-vit-b32", "visual.class_embedding"),
        ("clip-vit-b32", "visual.ln_pre.bias"),
        ("clip-vit-b32", "visual.transformer.resblocks.0.attn.in_proj_bias"),
        ("clip-vit-b32-text", "token_embedding.weight"),
        ("clip-vit-b32-text", "transformer.resblocks.0.attn.out_proj.weight"),
    ],
)
def test_a_missing_tensor_is_named(architecture: str, missing: str) -> None:
    model, shapes = SHAPES[architecture]
    state = zeros({name: shape for name, shape in shapes.items() if name != missing})
    assert len(state) == len(shapes) - 1

    with pytest.raises(CheckpointError, match=rf"no tensor {missing}$"):
        build_network(state, model, architecture)


@pytest.mark.parametrize(
    ("architecture", "name", "shape"),
    [
        ("dinov2-small", "patch_embed.proj.weight", (384, 3, 16, 16)),
        ("dinov2-small", "pos_embed", (1, 257, 384)),
        ("dinov2-small", "blocks.0.attn.qkv.weight", (384, 1152)),
        ("clip-vit-b32", "visual.conv1.weight", (768, 3, 16, 16)),
        ("clip-vit-b32", "visual.positional_embedding", (197, 768)),
        ("clip-vit-b32", "visual.transformer.resblocks.0.attn.in_proj_weight", (2304, 2304)),
        ("clip-vit-b32-text", "positional_embedding", (64, 512)),
        ("clip-vit-b32-text", "token_embedding.weight", (30000, 512)),
    ],
)
def test_a_tensor_of_another_shape_is_named(
    architecture: str, name: str, shape: tuple[int, ...]
) -> None:
    """Most of these are a larger network's."""
    model, shapes = SHAPES[architecture]
    assert name in shapes

    with pytest.raises(CheckpointError, match=rf"tensor {name} has shape \({shape[0]}, .* instead"):
        build_network(zeros({**shapes, name: shape}), model, architecture)


@pytest.mark.parametrize(
    ("architecture", "name"),
    [
        ("dinov2-small", "register_tokens"),
        ("dinov2-small", "blocks.12.norm1.weight"),
        pytest.param("clip-vit-b32", "visual.layer1.0.conv1.weight", marks=pytest.mark.slow),
        pytest.param("clip-vit-b32", "module.logit_scale", marks=pytest.mark.slow),
        pytest.param("clip-vit-b32-text", "transformer.resblocks.12.ln_1.weight",
                     marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_a_tensor_without_a_place_is_named(architecture: str, name: str) -> None:
    """Registers are those of a later DINOv2."""
    model, shapes = SHAPES[architecture]

    with pytest.raises(CheckpointError, match=rf"tensor {name} has no place"):
        build_network(zeros({**shapes, name: (1,)}), model, architecture)


@pytest.mark.parametrize(
    ("model", "width", "said"),
    [
        (DINOV2, 256, r"256 x 224: it cuts them into squares of 14 x 14"),
        (CLIP, 230, r"230 x 224: it cuts them into squares of 32 x 32"),
        (CLIP, 256, r"256 x 224: it needs 224 x 224"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(model: Model, width: int, said: str) -> None:
    larger = replace(model, preparation=replace(model.preparation, width=width))

    with pytest.raises(ModelError, match=said):
        build_network(zeros(SHAPES[model.name][1]), larger)


def test_dinov2_takes_pictures_of_other_sizes(tmp_path: Path) -> None:
    """Its positions are resized for them, rows and columns each for themselves."""
    shapes = dinov2_shapes()
    wide = replace(DINOV2, preparation=replace(DINOV2.preparation, height=28, width=56))

    runtime = OnnxRuntime(built(seeded(shapes), wide, tmp_path), threads=2)

    pixels = pictures()[:2, :28, :56]
    both = runtime.run(pixels)
    assert both.shape == (2, 384)
    assert np.abs(both[0] - both[1]).max() > 0.01
    np.testing.assert_allclose(runtime.run(pixels[1:]), both[1:], rtol=1e-4, atol=1e-4)
