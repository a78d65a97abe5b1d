"""Networks in int8: near float32, with fewer bytes, by either runtime."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from lookgraph.errors import ModelError
from lookgraph.models.quantise import int8_file, keep_int8, quantise
from lookgraph.models.runtimes.onnx_runtime import OnnxRuntime
from lookgraph.models.runtimes.openvino_runtime import OpenVinoRuntime
from lookgraph.types import Pixels, Precision
from tests.conftest import needs_module
from tests.unit.models.small_network import embed, some_pictures, write_network


@pytest.fixture(scope="module")
def pictures() -> Pixels:
    return some_pictures(64)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network") / "small.onnx")


@pytest.fixture(scope="module")
def int8(small: Path, pictures: Pixels) -> Path:
    return keep_int8(small, pictures)


def test_the_convolution_has_weights_of_8_bits_with_a_scale_each(int8: Path) -> None:
    network = onnx.load(int8)
    tensors = {tensor.name: tensor for tensor in network.graph.initializer}
    assert tensors["weight_quantized"].data_type == onnx.TensorProto.INT8
    assert list(tensors["weight_scale"].dims) == [16]
    assert [one.name for one in network.graph.input] == ["pictures"]
    assert [one.name for one in network.graph.output] == ["embeddings"]


def test_it_is_near_float32_by_either_runtime(int8: Path, pictures: Pixels) -> None:
    wanted = embed(pictures)
    # A step of the activations is a 255th of their range; the weights have the like.
    near = 0.02 * float(wanted.max())
    found = OnnxRuntime(int8, threads=1).run(pictures)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=near)
    assert np.abs(found - wanted).max() > 1e-4
    needs_module("openvino")
    other = OpenVinoRuntime(int8, Precision.INT8, callers=1).run(pictures)
    np.testing.assert_allclose(other, wanted, rtol=0, atol=near)


def test_the_ranges_are_those_of_the_pictures(small: Path, pictures: Pixels) -> None:
    """A network that has seen dark pictures only cuts off what is bright."""
    dark = quantise(small, pictures // 8)
    file = small.with_name("dark.onnx")
    file.write_bytes(dark)
    found = OnnxRuntime(file, threads=1).run(pictures)
    assert np.abs(found - embed(pictures)).max() > 0.1 * embed(pictures).max()


def test_it_is_found_again_and_the_float32_network_is_left_alone(small: Path, int8: Path) -> None:
    assert int8_file(small) == int8
    assert int8.parent != small.parent, "cache.network_file looks at what lies beside it"


def test_a_damaged_one_is_not_used(small: Path, int8: Path) -> None:
    whole = int8.read_bytes()
    int8.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        with pytest.raises(ModelError, match=r"small\.onnx is not quantised on this machine yet"):
            int8_file(small)
    finally:
        int8.write_bytes(whole)


def test_what_is_no_network_and_no_pictures_are_refused(tmp_path: Path, small: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"bad\.onnx cannot be quantised"):
        quantise(bad, some_pictures(2))
    with pytest.raises(ModelError, match=r"small\.onnx cannot be quantised"):
        quantise(small, [])


def test_nothing_is_said(small: Path, pictures: Pixels, capfd: pytest.CaptureFixture[str]) -> None:
    quantise(small, pictures[:4])
    assert capfd.readouterr() == ("", "")
