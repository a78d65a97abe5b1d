"""ResNet50 and VGG16 are built as their papers have them, and from nothing else.

What they compute is held by `test_recipes`.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from lookgraph.errors import CheckpointError, ModelError
from lookgraph.models.model import Model
from lookgraph.models.networks import build_network
from lookgraph.models.registry import find_model
from lookgraph.models.runtimes.onnx_runtime import OnnxRuntime

from .recipes import (
    Shapes,
    State,
    resnet50_shapes,
    seeded,
    vgg16_keras_shapes,
    vgg16_torch_shapes,
)

RESNET50 = find_model("resnet50")
# A first dense layer of 16 instead of 4096: otherwise each test would move half a gigabyte.
VGG16_KERAS = replace(find_model("vgg16"), dimension=16)
VGG16_TORCH = replace(find_model("vgg16-torch"), dimension=16)
NARROW = {
    "classifier.0.weight": (16, 25088),
    "classifier.0.bias": (16,),
    "fc1_W_1:0": (25088, 16),
    "fc1_b_1:0": (16,),
}


def narrowed(shapes: Shapes) -> Shapes:
    return {name: NARROW.get(name, shape) for name, shape in shapes.items()}


def zeros(shapes: Shapes) -> State:
    """Of these shapes, but without memory."""
    return {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}


SHAPES: dict[str, tuple[Model, Shapes]] = {
    "resnet50": (RESNET50, resnet50_shapes()),
    "vgg16-keras": (VGG16_KERAS, narrowed(vgg16_keras_shapes())),
    "vgg16-torch": (VGG16_TORCH, narrowed(vgg16_torch_shapes())),
}
EACH = pytest.mark.parametrize(("model", "shapes"), SHAPES.values(), ids=list(SHAPES))


def opened(network: onnx.ModelProto, folder: Path) -> OnnxRuntime:
    file = folder / "network.onnx"
    file.write_bytes(network.SerializeToString())
    return OnnxRuntime(file, threads=1)


def parameters(network: onnx.ModelProto) -> int:
    """The numbers in the weights and biases, without those that normalise the input."""
    return sum(
        math.prod(constant.dims)
        for constant in network.graph.initializer
        if constant.name not in {"mean", "deviation", "bgr"}
    )


def multiplications(network: onnx.ModelProto) -> int:
    """For one picture, in convolutions and dense layers."""
    inferred = onnx.shape_inference.infer_shapes(network, strict_mode=True)
    sides = {
        value.name: [side.dim_value for side in value.type.tensor_type.shape.dim[1:]]
        for value in inferred.graph.value_info
    }
    weights = {constant.name: constant.dims for constant in network.graph.initializer}
    return sum(
        math.prod(sides[node.output[0]][1:]) * math.prod(weights[node.input[1]])
        for node in network.graph.node
        if node.op_type in {"Conv", "Gemm"}
    )


@pytest.mark.parametrize(
    ("shapes", "count"),
    [
        (resnet50_shapes(), 25_557_032),
        (vgg16_torch_shapes(), 138_357_544),
        (vgg16_keras_shapes(), 138_357_544),
    ],
)
def test_the_states_of_these_tests_have_the_published_size(shapes: Shapes, count: int) -> None:
    """As torchvision and Keras say; what is counted while training does not count."""
    counted = {name: shape for name, shape in shapes.items() if "running_" not in name}

    batches = sum(name.endswith("num_batches_tracked") for name in counted)
    assert sum(math.prod(shape) for shape in counted.values()) - batches == count


def test_resnet50_has_the_size_and_the_cost_of_the_paper() -> None:
    """4.09 thousand million with the stride in the 3 x 3 convolutions, 3.86 with it before."""
    network = build_network(zeros(resnet50_shapes()), RESNET50)

    fc, norms = 2048 * 1000 + 1000, 2 * 26_560
    assert parameters(network) == 25_557_032 - fc - norms // 2
    assert multiplications(network) == 4_089_184_256 - 2048 * 1000


@pytest.mark.parametrize("architecture", ["vgg16-keras", "vgg16-torch"])
def test_vgg16_has_the_size_and_the_cost_of_the_paper(architecture: str) -> None:
    network = build_network(zeros(SHAPES[architecture][1]), SHAPES[architecture][0])

    assert parameters(network) == 14_714_688 + 25088 * 16 + 16
    assert multiplications(network) == 15_346_630_656 + 25088 * 16


@EACH
def test_inputs_and_outputs_are_as_promised(model: Model, shapes: Shapes) -> None:
    network = build_network(zeros(shapes), model)

    onnx.checker.check_model(network, full_check=True)
    ((given,), (made,)) = network.graph.input, network.graph.output
    assert onnx.helper.printable_value_info(given) == "%pictures[UINT8, nx224x224x3]"
    dimension = model.dimension
    assert onnx.helper.printable_value_info(made) == f"%embeddings[FLOAT, nx{dimension}]"


@EACH
def test_a_batch_gives_what_its_pictures_give_one_by_one(
    model: Model, shapes: Shapes, tmp_path: Path
) -> None:
    runtime = opened(build_network(seeded(shapes), model), tmp_path)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)

    both = runtime.run(pictures)

    assert both.shape == (2, model.dimension)
    singles = np.concatenate([runtime.run(picture[None]) for picture in pictures])
    np.testing.assert_allclose(both, singles, rtol=1e-4, atol=1e-4)
    assert np.abs(both[0] - both[1]).max() > 0.1


MISSING = [
    ("resnet50", "layer3.5.bn2.running_mean", "layer3.5.bn2.running_mean"),
    ("resnet50", "layer2.0.downsample.0.weight", "layer2.0.downsample.0.weight"),
    ("vgg16-torch", "features.28.bias", "features.28.bias"),
    ("vgg16-torch", "classifier.0.weight", "classifier.0.weight"),
    ("vgg16-keras", "block5_conv3_b_1:0", "block5_conv3/bias"),
    ("vgg16-keras", "fc1_W_1:0", "fc1/kernel"),
]


@pytest.mark.parametrize(("architecture", "missing", "name"), MISSING)
def test_a_missing_tensor_is_named(architecture: str, missing: str, name: str) -> None:
    model, shapes = SHAPES[architecture]
    state = zeros({key: shape for key, shape in shapes.items() if key != missing})

    with pytest.raises(CheckpointError, match=rf"no tensor {name}$"):
        build_network(state, model)


@pytest.mark.parametrize(
    ("architecture", "name", "shape", "said"),
    [
        ("resnet50", "conv1.weight", (64, 3, 3, 3), r"conv1\.weight has .*3, 3\) instead .*7, 7"),
        ("resnet50", "bn1.weight", (63,), r"bn1\.weight has shape \(63,\) instead of \(64,\)"),
        ("vgg16-torch", "features.2.weight", (64, 3, 3, 3), r"features\.2\.weight has shape"),
        ("vgg16-torch", "classifier.0.weight", (16, 512), r"classifier\.0\.weight has .* 25088"),
        ("vgg16-keras", "block1_conv1_W_1:0", (64, 3, 3, 3), r"block1_conv1/kernel has shape"),
        ("vgg16-keras", "fc1_W_1:0", (16, 25088), r"fc1/kernel has .* instead of \(25088, 16\)"),
    ],
)
def test_a_tensor_of_another_shape_is_named(
    architecture: str, name: str, shape: tuple[int, ...], said: str
) -> None:
    model, shapes = SHAPES[architecture]
    assert name in shapes

    with pytest.raises(CheckpointError, match=said):
        build_network(zeros({**shapes, name: shape}), model)


@pytest.mark.parametrize(
    ("architecture", "name", "said"),
    [
        ("resnet50", "layer3.6.conv1.weight", r"layer3\.6\.conv1\.weight has no place"),
        ("vgg16-torch", "features.30.weight", r"features\.30\.weight has no place"),
        ("vgg16-keras", "block3_conv4_W_1:0", r"block3_conv4/kernel has no place"),
        ("vgg16-keras", "optimizer", r"optimizer has no place"),
    ],
)
def test_a_tensor_without_a_place_is_named(architecture: str, name: str, said: str) -> None:
    """The first of these is ResNet101's."""
    model, shapes = SHAPES[architecture]

    with pytest.raises(CheckpointError, match=said):
        build_network(zeros({**shapes, name: (1,)}), model)


@EACH
def test_the_rest_of_the_classifier_may_be_missing(model: Model, shapes: Shapes) -> None:
    rest = ("fc.", "fc2_", "predictions_", "classifier.3.", "classifier.6.")
    without = {name: shape for name, shape in shapes.items() if not name.startswith(rest)}
    assert len(without) < len(shapes)

    network = build_network(zeros(without), model)

    assert network == build_network(zeros(shapes), model)


@pytest.mark.parametrize("model", [VGG16_KERAS, VGG16_TORCH])
def test_vgg16_refuses_other_sizes(model: Model) -> None:
    larger = replace(model, preparation=replace(model.preparation, width=256))

    with pytest.raises(ModelError, match=r"256 x 224: .* needs 224 x 224"):
        build_network(zeros(SHAPES[model.architecture][1]), larger)


NAMES: list[Callable[[str, str], str]] = [
    lambda layer, kind: f"{layer}/{layer}_{'W' if kind == 'kernel' else 'b'}_1:0",
    lambda layer, kind: f"{layer}/{kind}:0",
    lambda layer, kind: f"{layer}/{layer}/{kind}:0",
    lambda layer, kind: f"model_weights/{layer}/vgg16/{layer}/{kind}",
]


@pytest.mark.parametrize("name", NAMES)
def test_keras_tensors_are_told_by_layer_and_kind(name: Callable[[str, str], str]) -> None:
    state = zeros(narrowed(vgg16_keras_shapes()))
    renamed = {}
    for key, tensor in state.items():
        layer, kind, _ = key.rsplit("_", 2)
        renamed[name(layer, "kernel" if kind == "W" else "bias")] = tensor

    assert build_network(renamed, VGG16_KERAS) == build_network(state, VGG16_KERAS)


def test_two_names_for_one_tensor_are_refused() -> None:
    state = zeros(narrowed(vgg16_keras_shapes()))

    with pytest.raises(CheckpointError, match=r"two tensors fc1/bias; one is fc1/bias:0"):
        build_network({**state, "fc1/bias:0": state["fc1_b_1:0"]}, VGG16_KERAS)


def test_keras_and_torchs_vgg16_agree_on_the_same_weights(tmp_path: Path) -> None:
    """The axes of the kernels, and the order in which the last values are flattened."""
    torchs = seeded(narrowed(vgg16_torch_shapes()))
    layers = [key.rpartition("_")[0][:-2] for key in vgg16_keras_shapes() if "_W_" in key]
    kernels = [value for key, value in torchs.items() if key.endswith(".weight")]
    biases = [value for key, value in torchs.items() if key.endswith(".bias")]
    keras: State = {}
    for layer, kernel, bias in zip(layers, kernels, biases, strict=True):
        keras[f"{layer}/kernel:0"] = turned(kernel, first=layer == "fc1")
        keras[f"{layer}/bias:0"] = bias
    same = replace(VGG16_KERAS, preparation=VGG16_TORCH.preparation)
    picture = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)

    one = opened(build_network(torchs, VGG16_TORCH), tmp_path).run(picture)
    other = opened(build_network(keras, same), tmp_path).run(picture)

    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert one.max() > 0.1


def turned(kernel: NDArray[Any], *, first: bool) -> NDArray[Any]:
    """A kernel of torch's in Keras' order of axes."""
    if kernel.ndim == 4:
        return kernel.transpose(2, 3, 1, 0)
    if first:
        kernel = kernel.reshape(-1, 512, 7, 7).transpose(0, 2, 3, 1).reshape(-1, 25088)
    return kernel.T
