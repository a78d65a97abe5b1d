"""The default network computes what the original one does."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image

from lookgraph.errors import CheckpointError, ModelError
from lookgraph.models.checkpoints import read_checkpoint
from lookgraph.models.embedder import Embedder, normalise, open_embedder
from lookgraph.models.model import Model
from lookgraph.models.networks import build_network
from lookgraph.models.probe import probe_picture
from lookgraph.models.runtimes.onnx_runtime import OnnxRuntime
from lookgraph.models.weights import locate_weights
from lookgraph.types import Metric

from .reference import FILE, SIZES, digest, drawn, resized_then_cut

State = Mapping[str, NDArray[Any]]
Pictures = Sequence[NDArray[np.uint8]]


@pytest.fixture(scope="session")
def state(model: Model) -> State:
    return read_checkpoint(locate_weights(model))


@pytest.fixture(scope="session")
def pictures(embedder: Embedder) -> Pictures:
    return [embedder.prepare(Image.fromarray(drawn(*size))) for size in SIZES]


@pytest.fixture(scope="session")
def expected() -> NDArray[np.float32]:
    """Of the original network in torch, see `make_reference`."""
    with np.load(FILE) as reference:
        embeddings: NDArray[np.float32] = reference["embeddings"]
    return embeddings


def test_embeddings_are_those_of_the_original_network(
    embedder: Embedder, pictures: Pictures, expected: NDArray[np.float32]
) -> None:
    """Measured: 8e-5 and a cosine of 1 - 8e-8; from the values that our preparation rounds."""
    embeddings = embedder.embed(pictures)

    assert embeddings.dtype == np.float32
    assert (embeddings * expected).sum(axis=1).min() > 0.9999
    np.testing.assert_allclose(embeddings, expected, rtol=0, atol=1e-3)


def test_with_its_preparation_they_are_the_same_to_the_last_digits(
    embedder: Embedder, expected: NDArray[np.float32]
) -> None:
    """Measured: 5e-7 on AVX-512."""
    pictures = [resized_then_cut(Image.fromarray(drawn(*size))) for size in SIZES]

    np.testing.assert_allclose(embedder.embed(pictures), expected, rtol=0, atol=1e-5)


def test_the_probe_is_embedded_as_by_the_original_network(embedder: Embedder) -> None:
    """No preparation here, so only the arithmetic's order differs: measured 2e-7 on AVX-512."""
    with np.load(FILE) as reference:
        expected = reference["probe"]

    (embedding,) = embedder.embed([probe_picture()])

    np.testing.assert_allclose(embedding, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(embedder.model.check, expected[:8], rtol=0, atol=1e-7)


def test_the_probe_is_the_same_picture_everywhere() -> None:
    assert digest(probe_picture()) == (
        "2c471433be45e717bfbc4bf6b898c15b8825c967a339e3c94ac3a2c708f9da65"
    )


def test_another_picture_is_far_from_the_probes_pinned_numbers(embedder: Embedder) -> None:
    (other,) = embedder.embed([probe_picture()[::-1]])

    assert np.abs(other[:8] - embedder.model.check).max() > 1e-2


def test_a_batch_gives_what_its_pictures_give_one_by_one(
    embedder: Embedder, pictures: Pictures
) -> None:
    singles = np.concatenate([embedder.embed([picture]) for picture in pictures])

    np.testing.assert_allclose(embedder.embed(pictures), singles, rtol=0, atol=1e-5)


def test_no_pictures_give_no_embeddings(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 1280)


def test_inputs_and_outputs_are_as_promised(state: State, model: Model) -> None:
    network = build_network(state, model)

    onnx.checker.check_model(network, full_check=True)
    ((given,), (made,)) = network.graph.input, network.graph.output
    assert onnx.helper.printable_value_info(given) == "%pictures[UINT8, nx224x224x3]"
    assert onnx.helper.printable_value_info(made) == "%embeddings[FLOAT, nx1280]"


def test_a_missing_tensor_is_named(state: State, model: Model) -> None:
    name = "_blocks.3._bn1.running_var"

    with pytest.raises(CheckpointError, match=rf"no tensor {name}$"):
        build_network({key: value for key, value in state.items() if key != name}, model)


def test_a_tensor_of_another_shape_is_named(state: State, model: Model) -> None:
    wrong = {**state, "_conv_head.weight": np.zeros((1280, 192, 1, 1), np.float32)}

    with pytest.raises(CheckpointError, match=r"_conv_head\.weight has shape .* instead of .* 320"):
        build_network(wrong, model)


def test_a_tensor_without_a_place_is_named(state: State, model: Model) -> None:
    more = {**state, "_blocks.0._se_reduce.weight": np.zeros(1, np.float32)}

    with pytest.raises(CheckpointError, match=r"_blocks\.0\._se_reduce\.weight has no place"):
        build_network(more, model)


def test_threads_share_a_runtime_and_get_their_own_answers(
    embedder: Embedder, pictures: Pictures
) -> None:
    alone = [embedder.embed([picture]).tobytes() for picture in pictures]

    with ThreadPoolExecutor(4) as pool:
        jobs = [(n, pool.submit(embedder.embed, pictures[n : n + 1])) for n in [0, 1, 2] * 8]

    assert all(job.result().tobytes() == alone[n] for n, job in jobs)


def test_two_threads_in_the_runtime_change_nothing(
    network: Path, embedder: Embedder, pictures: Pictures
) -> None:
    two = normalise(OnnxRuntime(network, threads=2).run(np.stack(pictures)))

    np.testing.assert_allclose(two, embedder.embed(pictures), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "pixels", [np.zeros((225, 224, 3), np.uint8), np.zeros((224, 224, 3), np.float32)]
)
def test_other_pixels_are_refused_without_noise_on_stderr(
    embedder: Embedder, pixels: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError, match=r"the network failed.*\(1, 22"):
        embedder.embed([pixels])
    assert capfd.readouterr().err == ""


def test_a_file_that_is_no_network_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "network.onnx"
    file.write_bytes(b"no network")

    with pytest.raises(ModelError, match=r"cannot load .*network\.onnx"):
        OnnxRuntime(file, threads=1)
    assert capfd.readouterr().err == ""


def test_a_row_without_direction_does_not_take_the_others_with_it() -> None:
    given = np.array(
        [[3, 4, 0], [0, 0, 0], [1, np.nan, 1], [np.inf, 1, 0], [0, 0, 1e-15]], np.float32
    )

    rows = normalise(given)

    np.testing.assert_allclose(rows[0], [0.6, 0.8, 0], atol=1e-7)
    assert np.isnan(rows[1:4]).all()
    np.testing.assert_allclose(rows[4], [0, 0, 1], atol=1e-7)


def test_pictures_of_one_colour_have_usable_embeddings(embedder: Embedder) -> None:
    plain = [np.full((224, 224, 3), value, np.uint8) for value in (0, 127, 128, 255)]

    embeddings = embedder.embed(plain)

    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)


def test_a_network_is_opened_for_a_space(network: Path, model: Model, pictures: Pictures) -> None:
    space = model.space(Metric.L2)
    opened = open_embedder(model, space, callers=1)

    assert opened.space == space
    (embedding,) = opened.embed(pictures[:1])
    assert embedding.shape == (1280,)
    assert np.linalg.norm(embedding) > 2
