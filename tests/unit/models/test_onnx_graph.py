"""The parts that networks are built of compute what they say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lookgraph.models.model import Model, Three
from lookgraph.models.networks.onnx_graph import OnnxGraph
from lookgraph.models.registry import find_model
from lookgraph.models.runtimes.onnx_runtime import OnnxRuntime

LITE0 = find_model("efficientnet-lite0")
PICTURE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(1, 4, 6, 3) * 3


def small(
    dimension: int,
    bgr: bool = False,
    mean: Three = (0.0, 0.0, 0.0),
    deviation: Three = (1.0, 1.0, 1.0),
) -> Model:
    """A row for pictures of 6 x 4 that are not normalised, unless it says how."""
    preparation = replace(
        LITE0.preparation, height=4, width=6, bgr=bgr, mean=mean, deviation=deviation
    )
    return replace(LITE0, dimension=dimension, preparation=preparation)


def computed(graph: OnnxGraph, top: str, model: Model, folder: Path) -> NDArray[np.float32]:
    """What becomes of `PICTURE`, flat."""
    file = folder / "network.onnx"
    file.write_bytes(graph.finish(top, model).SerializeToString())
    return OnnxRuntime(file, threads=1).run(PICTURE).reshape(-1)


@pytest.mark.parametrize("bgr", [False, True])
@pytest.mark.parametrize("mean", [(0.0, 0.0, 0.0), (1.5, 20.0, 0.0)])
@pytest.mark.parametrize("deviation", [(1.0, 1.0, 1.0), (2.0, 0.5, 1.0)])
def test_each_channel_is_normalised_in_the_networks_order(
    bgr: bool, mean: Three, deviation: Three, tmp_path: Path
) -> None:
    model = small(72, bgr=bgr, mean=mean, deviation=deviation)
    graph = OnnxGraph({})

    values = computed(graph, graph.normalised_input(model.preparation), model, tmp_path)

    ordered = PICTURE[0, :, :, ::-1] if bgr else PICTURE[0]
    expected = (ordered - np.array(mean)) / np.array(deviation)
    np.testing.assert_allclose(values, expected.transpose(2, 0, 1).reshape(-1), rtol=1e-6)


def test_nothing_is_subtracted_or_divided_where_that_changes_nothing() -> None:
    model = small(72)
    graph = OnnxGraph({})

    network = graph.finish(graph.normalised_input(model.preparation), model)

    assert [node.op_type for node in network.graph.node] == ["Transpose", "Cast", "Flatten"]


def test_a_folded_convolution_is_one_and_its_normalisation(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = ("weight", "bias", "running_mean", "running_var")
    parts = {f"bn.{name}": rng.uniform(0.5, 2, 5).astype(np.float32) for name in names}
    weight = rng.standard_normal((5, 3, 4, 6)).astype(np.float32)
    graph = OnnxGraph({"conv.weight": weight, **parts, "bn.num_batches_tracked": np.array(3)})
    model = small(5)

    folded = graph.folded("conv", "bn", weight.shape, 0.25)
    below = graph.normalised_input(model.preparation)
    values = computed(graph, graph.convolution(below, "conv", *folded), model, tmp_path)

    raw = np.einsum("ochw,hwc->o", weight, PICTURE[0].astype(np.float64))
    gain, shift, mean, variance = parts.values()
    expected = (raw - mean) / np.sqrt(variance + 0.25) * gain + shift
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-4)


def test_a_convolution_pads_and_strides(tmp_path: Path) -> None:
    """A kernel that takes one pixel, so the result is the padded picture, every second pixel."""
    weight = np.zeros((1, 3, 2, 2), np.float32)
    weight[0, 0, 0, 0] = 1
    graph, model = OnnxGraph({}), small(9)
    below = graph.normalised_input(model.preparation)

    top = graph.convolution(below, "c", weight, np.zeros(1), stride=2, pads=[2, 1, 0, 0])

    red = np.pad(PICTURE[0, :, :, 0], ((2, 0), (1, 0)))[0:5:2, 0:6:2]
    np.testing.assert_array_equal(computed(graph, top, model, tmp_path), red.reshape(-1))


@pytest.mark.parametrize(("kind", "top"), [("relu", 200), ("relu6", 6)])
def test_activations_cut_off(kind: str, top: int, tmp_path: Path) -> None:
    graph, model = OnnxGraph({}), small(72, mean=(100.0, 100.0, 100.0))
    below = graph.normalised_input(model.preparation)

    values = computed(graph, getattr(graph, kind)(below), model, tmp_path)

    shifted = PICTURE[0].astype(int).transpose(2, 0, 1).reshape(-1) - 100
    np.testing.assert_array_equal(values, shifted.clip(0, top))


def test_pooling_takes_the_largest(tmp_path: Path) -> None:
    graph, model = OnnxGraph({}), small(18)

    top = graph.max_pool(graph.normalised_input(model.preparation), kernel=2, stride=2)

    expected = PICTURE[0].reshape(2, 2, 3, 2, 3).max(axis=(1, 3)).transpose(2, 0, 1)
    np.testing.assert_array_equal(computed(graph, top, model, tmp_path), expected.reshape(-1))


@pytest.mark.parametrize("transposed", [False, True])
def test_a_dense_layer_is_a_product_and_a_sum(transposed: bool, tmp_path: Path) -> None:
    weight = np.random.default_rng(0).standard_normal((72, 7)).astype(np.float32)
    bias = np.arange(7, dtype=np.float32)
    graph, model = OnnxGraph({}), small(7)
    flat = graph.node("Flatten", [graph.normalised_input(model.preparation)])

    given = weight.T if transposed else weight
    values = computed(
        graph, graph.dense(flat, "d", given, bias, transposed=transposed), model, tmp_path
    )

    expected = PICTURE[0].transpose(2, 0, 1).reshape(-1).astype(np.float64) @ weight + bias
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_whole_numbers_stay_whole() -> None:
    graph, model = OnnxGraph({}), small(72)
    graph.constant("places", [2, 1])
    graph.constant("places", [3])

    network = graph.finish(graph.normalised_input(model.preparation), model)

    (constant,) = network.graph.initializer
    assert list(np.frombuffer(constant.raw_data, "<i8")) == [2, 1]
