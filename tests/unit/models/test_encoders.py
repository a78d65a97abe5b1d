"""Objects with ``encode(images)`` are used as any network, or refused with the reason."""

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from lookgraph.errors import ModelError
from lookgraph.models.encoders import Encoder, EncoderEmbedder
from lookgraph.models.probe import probe_picture
from lookgraph.types import Embeds, Metric, Space

Encode = Callable[[list[Image.Image]], ArrayLike]

PIXELS = [
    np.random.default_rng(n).integers(0, 256, size, np.uint8)
    for n, size in enumerate([(9, 7, 3), (3, 8, 3), (1, 1, 3)])
]


def statistics(images: list[Image.Image]) -> NDArray[np.float32]:
    """The mean and the deviation of each channel."""
    arrays = [np.asarray(image, np.float32) for image in images]
    return np.stack([np.r_[one.mean((0, 1)), one.std((0, 1))] for one in arrays])


class Statistics:
    def encode(self, images: list[Image.Image], /) -> ArrayLike:
        return statistics(images)


class Own:
    """Any way to encode, with any attributes."""

    def __init__(self, encode: Encode, **attributes: Any) -> None:
        self._encode = encode
        self.seen: list[Image.Image] = []
        self.__dict__.update(attributes)

    def encode(self, images: list[Image.Image], /) -> ArrayLike:
        self.seen += images
        return self._encode(images)


def after_the_probe(encode: Encode) -> Encode:
    """What answers well when it is asked for the first time only."""
    encoders = iter([statistics])

    def answer(images: list[Image.Image]) -> ArrayLike:
        return next(encoders, encode)(images)

    return answer


def test_an_encoder_is_what_the_pipeline_embeds_with() -> None:
    embeds: Embeds = EncoderEmbedder(Statistics())

    assert (embeds.batch, embeds.decode_side) == (32, 1024)


def test_embeddings_are_the_encoders_at_length_1() -> None:
    embeddings = EncoderEmbedder(Statistics()).embed(PIXELS)

    raw = statistics([Image.fromarray(pixels) for pixels in PIXELS])
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, raw / np.linalg.norm(raw, axis=1)[:, None], rtol=1e-6)


@pytest.mark.parametrize("metric", ["l2", "inner-product", Metric.L2])
def test_for_other_metrics_embeddings_are_as_they_are(metric: str) -> None:
    embedder = EncoderEmbedder(Own(statistics, metric=metric))

    assert embedder.space.metric is Metric(metric)
    expected = statistics([Image.fromarray(pixels) for pixels in PIXELS])
    np.testing.assert_array_equal(embedder.embed(PIXELS), expected)


def test_the_callers_metric_goes_before_the_encoders() -> None:
    assert (
        EncoderEmbedder(Own(statistics, metric="l2"), Metric.COSINE).space.metric is Metric.COSINE
    )


def test_the_encoder_gets_the_very_pictures_in_rgb() -> None:
    encoder = Own(statistics)
    embedder = EncoderEmbedder(encoder)

    embedder.embed([embedder.prepare(Image.fromarray(pixels)) for pixels in PIXELS])

    probe, *seen = encoder.seen
    np.testing.assert_array_equal(np.asarray(probe), probe_picture())
    assert {image.mode for image in seen} == {"RGB"}
    for image, pixels in zip(seen, PIXELS, strict=True):
        np.testing.assert_array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize(
    ("size", "prepared"),
    [((400, 100), (200, 50)), ((99, 1000), (50, 505)), ((50, 80), (50, 80)), ((9, 900), (9, 900))],
)
def test_a_picture_is_reduced_to_the_side_that_the_encoder_wants(
    size: tuple[int, int], prepared: tuple[int, int]
) -> None:
    embedder = EncoderEmbedder(Own(statistics, decode_side=50))
    ramp = np.linspace(0, 255, size[0])[None, :, None].repeat(size[1], 0).repeat(3, 2)

    pixels = embedder.prepare(Image.fromarray(ramp.astype(np.uint8)))

    assert embedder.decode_side == 50
    assert pixels.dtype == np.uint8
    assert pixels.shape == (prepared[1], prepared[0], 3)
    expected = np.linspace(0, 255, prepared[0])
    assert np.abs(pixels[0, :, 0] - expected).max() < 255 / prepared[0] + 2


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, list])
def test_any_floating_point_numbers_become_float32(kind: Any) -> None:
    def encode(images: list[Image.Image]) -> ArrayLike:
        values = statistics(images)
        return [list(map(float, row)) for row in values] if kind is list else values.astype(kind)

    embeddings = EncoderEmbedder(Own(encode, metric="l2")).embed(PIXELS)

    assert embeddings.dtype == np.float32
    expected = statistics([Image.fromarray(pixels) for pixels in PIXELS])
    np.testing.assert_allclose(embeddings, expected, rtol=1e-3)


def test_a_tensor_is_taken_through_the_array_protocol() -> None:
    class Tensor:
        def __init__(self, values: NDArray[np.float32]) -> None:
            self._values = values

        def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
            return self._values.astype(dtype or np.float32)

    encoder: Any = Own(lambda images: Tensor(statistics(images)), metric="l2")

    expected = statistics([Image.fromarray(pixels) for pixels in PIXELS])
    np.testing.assert_array_equal(EncoderEmbedder(encoder).embed(PIXELS), expected)


def test_what_the_encoder_does_to_its_memory_later_changes_nothing() -> None:
    memory = np.empty((1, 6), np.float32)

    def encode(images: list[Image.Image]) -> ArrayLike:
        memory[:] = statistics(images)
        return memory

    embedder = EncoderEmbedder(Own(encode, metric="l2"))
    first = embedder.embed(PIXELS[:1])
    before = first.copy()
    embedder.embed(PIXELS[1:2])

    np.testing.assert_array_equal(first, before)


def test_no_pictures_ask_nothing_of_the_encoder() -> None:
    encoder = Own(statistics)
    embedder = EncoderEmbedder(encoder)

    assert embedder.embed([]).shape == (0, 6)
    assert len(encoder.seen) == 1


# What it is called, what it is compared with


def test_its_space_is_of_its_class() -> None:
    assert EncoderEmbedder(Statistics()).space == Space(
        model="statistics",
        fingerprint=hashlib.sha256(f"{__name__}.Statistics".encode()).hexdigest(),
        preprocessing=1,
        metric=Metric.COSINE,
        dimension=6,
    )


def test_its_space_is_of_what_it_says() -> None:
    space = EncoderEmbedder(Own(statistics, name="My CLIP/L", fingerprint="ep 3")).space

    assert space.model == "my-clip-l"
    assert space.fingerprint == hashlib.sha256(b"ep 3").hexdigest()
    assert EncoderEmbedder(Own(statistics, name="resnet50")).space.model == "resnet50-own"


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({"metric": "euclid"}, "has the metric 'euclid'; there is: cosine, l2, inner-product"),
        ({"metric": 2}, "has a metric that is no text: 2"),
        ({"name": 5}, "has a name that is no text: 5"),
        ({"fingerprint": b"x"}, "has a fingerprint that is no text: b'x'"),
        ({"decode_side": 0}, "has a decode_side that is no number of pixels: 0"),
        ({"decode_side": "all"}, "has a decode_side that is no number of pixels: 'all'"),
        ({"decode_side": True}, "has a decode_side that is no number of pixels: True"),
    ],
)
def test_attributes_that_say_nothing_are_refused(attributes: Any, what: str) -> None:
    with pytest.raises(ModelError, match=f"^the encoder Own {what}"):
        EncoderEmbedder(Own(statistics, **attributes))


# What it gives

WRONG: list[tuple[Encode, str]] = [
    (lambda images: np.ones(len(images)), r"gave the shape \(1,\) for 1; \(n, d\) is wanted"),
    (lambda images: np.ones((len(images), 2, 3)), r"gave the shape \(1, 2, 3\) for 1"),
    (lambda images: np.ones((len(images) + 1, 4)), r"gave the shape \(2, 4\) for 1"),
    (lambda images: np.ones((len(images), 0)), r"gave the shape \(1, 0\) for 1"),
    (lambda images: np.ones((len(images), 4), np.int64), "gave int64; floating-point"),
    (lambda images: np.ones((len(images), 4), bool), "gave bool; floating-point"),
    (lambda images: np.ones((len(images), 4), complex), "gave complex128; floating-point"),
    (lambda images: [["a"]], "gave <U1; floating-point"),
    (lambda images: [[1.0], [1.0, 2.0]], "failed on 1: ValueError: "),
]


@pytest.mark.parametrize(("encode", "what"), WRONG)
def test_other_answers_are_refused_at_once(encode: Encode, what: str) -> None:
    with pytest.raises(ModelError, match=f"^the encoder Own {what}"):
        EncoderEmbedder(Own(encode))


@pytest.mark.parametrize(("encode", "what"), WRONG)
def test_other_answers_are_refused_later(encode: Encode, what: str) -> None:
    embedder = EncoderEmbedder(Own(after_the_probe(encode)))

    with pytest.raises(ModelError, match=f"^the encoder Own {what}"):
        embedder.embed(PIXELS[:1])


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 1e300])
def test_nothing_or_no_numbers_for_the_probe_are_refused(value: float) -> None:
    with pytest.raises(ModelError, match="gave zeros, or numbers that are not finite"):
        EncoderEmbedder(Own(lambda images: np.full((len(images), 4), value)))


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_no_numbers_for_one_picture_do_not_take_the_others_with_it(metric: str) -> None:
    def encode(images: list[Image.Image]) -> ArrayLike:
        values = statistics(images)
        values[1] = np.nan
        return values

    embedder = EncoderEmbedder(Own(after_the_probe(encode), metric=metric))

    assert np.isfinite(embedder.embed(PIXELS)).all(axis=1).tolist() == [True, False, True]


def test_another_dimension_than_before_is_refused() -> None:
    embedder = EncoderEmbedder(Own(after_the_probe(lambda images: np.ones((len(images), 7)))))

    with pytest.raises(ModelError, match="Own gave embeddings of 7 numbers, before 6"):
        embedder.embed(PIXELS)


def test_what_goes_wrong_inside_is_told_with_the_encoders_name() -> None:
    def encode(images: list[Image.Image]) -> ArrayLike:
        raise RuntimeError("out of paint")

    embedder = EncoderEmbedder(Own(after_the_probe(encode), name="Painter"))

    with pytest.raises(ModelError) as failed:
        embedder.embed(PIXELS)
    assert str(failed.value) == "the encoder Painter failed on 3: RuntimeError: out of paint"
    assert isinstance(failed.value.__cause__, RuntimeError)


def test_one_thread_at_a_time_is_inside_and_each_gets_its_own() -> None:
    inside = threading.Semaphore(1)

    def encode(images: list[Image.Image]) -> ArrayLike:
        assert inside.acquire(blocking=False), "two at once"
        time.sleep(0.002)
        values = statistics(images)
        inside.release()
        return values

    encoder: Encoder = Own(encode, metric="l2")
    embedder = EncoderEmbedder(encoder)
    expected = statistics([Image.fromarray(pixels) for pixels in PIXELS])

    with ThreadPoolExecutor(4) as pool:
        jobs = [(n, pool.submit(embedder.embed, PIXELS[n : n + 1])) for n in [0, 1, 2] * 8]

    for n, job in jobs:
        np.testing.assert_array_equal(job.result(), expected[n : n + 1])
