"""How well a lower precision keeps the neighbours, and that it is refused where it does not."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lookgraph import catalogue
from lookgraph.errors import ModelError, UsageError
from lookgraph.models import agreement as module
from lookgraph.models.agreement import admit, mixtures, top_agreement
from lookgraph.models.cache import network_file
from lookgraph.models.model import Model
from lookgraph.models.runtimes import open_runtime, openvino_runtime
from lookgraph.types import Matrix, Metric, Precision
from tests.conftest import needs_module


def by_hand(exact: Matrix, other: Matrix, metric: Metric, k: int) -> float:
    """The same, row by row as the words say it."""

    def nearest(rows: Matrix, number: int) -> set[int]:
        def score(i: int) -> float:
            a, b = rows[number].astype(float), rows[i].astype(float)
            if metric is Metric.L2:
                return -float(np.sqrt(((a - b) ** 2).sum()))
            product = float((a * b).sum())
            lengths = float(np.sqrt((a * a).sum() * (b * b).sum()))
            return product / lengths if metric is Metric.COSINE else product

        others = [i for i in range(len(rows)) if i != number]
        return set(sorted(others, key=score, reverse=True)[:k])

    same = [len(nearest(exact, i) & nearest(other, i)) / k for i in range(len(exact))]
    return sum(same) / len(same)


@given(st.integers(0, 2**32 - 1), st.sampled_from(list(Metric)), st.integers(1, 5))
def test_it_is_the_mean_overlap_of_the_nearest(seed: int, metric: Metric, k: int) -> None:
    random = np.random.default_rng(seed)
    exact = random.standard_normal((12, 4)).astype(np.float32)
    other = exact + 0.3 * random.standard_normal((12, 4)).astype(np.float32)
    found = top_agreement(exact, other, metric, k)
    assert found == pytest.approx(by_hand(exact, other, metric, k))
    assert top_agreement(exact, exact, metric, k) == 1


def test_the_metric_matters() -> None:
    """Of a row at 0°, one at 10° and twice as long, and one at 20° and as long."""
    rows = np.array([[1, 0], [2, 0.35], [0.94, 0.34]], np.float32)
    scaled = rows * np.array([[1], [0.5], [1]], np.float32)
    assert top_agreement(rows, scaled, Metric.COSINE, 1) == 1
    assert top_agreement(rows, scaled, Metric.L2, 1) < 1


def test_mixtures_are_the_same_every_time_and_different_from_each_other() -> None:
    drawn = [np.full((20, 30, 3), 10 * i, np.uint8) for i in range(25)]
    drawn[3][5:9, 7:20] = 255
    made = mixtures(drawn, 40)
    assert len(made) == 40
    assert {(one.shape, one.dtype.name) for one in made} == {((20, 30, 3), "uint8")}
    assert len({one.tobytes() for one in made}) > 30
    for one, again in zip(made, mixtures(drawn, 40), strict=True):
        np.testing.assert_array_equal(one, again)
    grey = [np.full((8, 8, 3), 100, np.uint8), np.full((8, 8, 3), 200, np.uint8)]
    levels = {int(level) for one in mixtures(grey, 60) for level in np.unique(one)}
    assert len(levels) > 5, "different shares of both"
    assert all(100 <= level <= 200 for level in levels)


def drawn() -> Iterator[Image.Image]:
    for number, (_, image) in enumerate(catalogue.pictures()):
        if number % 3 == 0:
            yield image


def never() -> Iterator[Image.Image]:
    raise AssertionError("the answer was kept")


@pytest.mark.slow
def test_bfloat16_is_refused_for_the_default_network(
    model: Model, network: Path, cache: Path
) -> None:
    """On photographs it keeps 94.3 %; the drawn pictures must not be laxer than that."""
    needs_module("openvino")
    if not openvino_runtime.devices(Precision.BFLOAT16):
        pytest.skip("needs a processor with bfloat16")
    borrow(network, cache)
    space = model.space(precision=Precision.BFLOAT16)
    said = (
        r"efficientnet-lite0 in bfloat16 keeps (8\d|9[0-4])\.\d % of float32's ten nearest, and at "
    )
    with pytest.raises(UsageError, match=said + "least 99 % is asked: use float32"):
        admit(model, space, drawn)
    with pytest.raises(UsageError, match=said):
        admit(model, space, never)


@pytest.mark.slow
def test_int8_is_refused_for_the_default_network_and_damaged_answers_are_found_again(
    model: Model, network: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On photographs it keeps 86 %."""
    borrow(network, cache)
    monkeypatch.setattr(module, "_PICTURES", 60)
    space = model.space(precision=Precision.INT8)
    with pytest.raises(UsageError, match=r"in int8 keeps [6789]\d\.\d % of float32's"):
        admit(model, space, drawn)
    (file,) = cache.glob("precisions/*.json")
    kept = file.read_bytes()
    for damaged in (b"", b"[]", b'{"agreement": 1.5}', b'{"agreement": "nan"}', b"{}"):
        file.write_bytes(damaged)
        with pytest.raises(AssertionError, match="the answer was kept"):
            admit(model, space, never)
    with pytest.raises(UsageError):
        admit(model, space, drawn)
    assert file.read_bytes() == kept


def test_where_it_keeps_enough_it_is_admitted_and_can_be_opened(
    model: Model, network: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    borrow(network, cache)
    monkeypatch.setattr(module, "LEAST", 0.3)
    monkeypatch.setattr(module, "_PICTURES", 24)
    space = model.space(precision=Precision.INT8)
    with pytest.raises(ModelError, match="is not quantised on this machine yet"):
        open_runtime(network_file(model), space, callers=1)
    found = admit(model, space, lambda: islice(drawn(), 12))
    assert 0.3 <= found < 1
    assert admit(model, space, never) == found
    (file,) = cache.glob("precisions/*.json")
    assert json.loads(file.read_bytes()) == {"agreement": found}
    side = model.preparation.height
    runtime = open_runtime(network_file(model), space, callers=1)
    assert runtime.run(np.zeros((2, side, side, 3), np.uint8)).shape == (2, model.dimension)
    # Without the network, the answer alone is not enough.
    (int8,) = cache.glob("networks/int8/*")
    int8.unlink()
    with pytest.raises(AssertionError, match="the answer was kept"):
        admit(model, space, never)


def test_float32_needs_no_check(model: Model) -> None:
    assert admit(model, model.space(), never) == 1


def borrow(network: Path, cache: Path) -> None:
    """Put the network that all tests share into this test's own cache."""
    (cache / "networks").mkdir(parents=True)
    (cache / "networks" / network.name).symlink_to(network)
