"""The projection against NumPy's singular value decomposition."""

import numpy as np
import pytest

from lookgraph.index.projection import Projection, principal
from lookgraph.types import Array, Matrix, Metric

DIRECTED = (Metric.COSINE, Metric.INNER_PRODUCT)


def sample(count: int, dimension: int, seed: int = 0) -> Matrix:
    """Rows whose directions differ in how much they hold, away from the origin."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.standard_normal((dimension, dimension)))
    spread = 0.97 ** np.arange(dimension)
    rows = (rng.standard_normal((count, dimension)) * spread) @ rotation + 0.3
    return np.asarray(rows, np.float32)


def squared_distances(rows: Array, queries: Array) -> Array:
    between = rows[:, np.newaxis].astype(np.float64) - queries.astype(np.float64)
    return np.asarray(np.square(between).sum(axis=2))


def products(rows: Array, queries: Array) -> Array:
    return np.asarray(rows.astype(np.float64) @ queries.astype(np.float64).T)


def leading(rows: Matrix, metric: Metric, count: int) -> Array:
    """The first right singular vectors, as columns."""
    wide = rows.astype(np.float64)
    if metric is Metric.L2:
        wide -= wide.mean(axis=0)
    _, _, vectors = np.linalg.svd(wide, full_matrices=False)
    return np.asarray(vectors[:count].T)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize(("dimension", "most"), [(8, 3), (33, 33), (120, 50)])
def test_the_directions_are_the_first_singular_vectors(
    dimension: int, most: int, metric: Metric
) -> None:
    rows = sample(2000, dimension)
    found = principal(rows, metric, most)
    assert found.directions.shape == (dimension, most)
    assert found.directions.dtype == np.float32
    assert found.directions.flags.f_contiguous
    wanted = leading(rows, metric, most)
    # The same space, whatever the signs, and each direction where it is told from its neighbours.
    span = found.directions.astype(np.float64)
    assert span @ span.T == pytest.approx(wanted @ wanted.T, abs=1e-3)
    assert np.abs((span * wanted).sum(axis=0))[:3] == pytest.approx(1, abs=1e-3)
    assert span.T @ span == pytest.approx(np.eye(most), abs=1e-6)


@pytest.mark.parametrize("metric", DIRECTED)
def test_what_is_kept_of_lengths_is_the_most_that_can_be(metric: Metric) -> None:
    rows = sample(1500, 60)
    singular = np.linalg.svd(rows.astype(np.float64), compute_uv=False)
    for most in (1, 5, 30, 60):
        kept = np.square(principal(rows, metric, most).of_rows(rows), dtype=np.float64).sum()
        assert kept == pytest.approx(np.square(singular[:most]).sum(), rel=1e-5)


@pytest.mark.parametrize("dimension", [1, 8, 33, 192])
def test_up_to_192_numbers_distances_are_kept(dimension: int) -> None:
    rows, queries = sample(300, dimension), sample(20, dimension, seed=1)
    found = principal(rows, Metric.L2)
    assert found.numbers == dimension + 1
    kept = squared_distances(found.of_rows(rows), found.of_queries(queries))
    wanted = squared_distances(rows, queries)
    # What float32 loses is a part of the lengths, not of the distance.
    assert kept == pytest.approx(wanted, abs=1e-5 * float(wanted.max()))


@pytest.mark.parametrize("metric", DIRECTED)
@pytest.mark.parametrize("dimension", [1, 8, 33, 192])
def test_up_to_192_numbers_products_are_kept(dimension: int, metric: Metric) -> None:
    rows, queries = sample(300, dimension), sample(20, dimension, seed=1)
    found = principal(rows, metric)
    assert found.numbers == dimension
    assert not found.origin.any()
    kept = products(found.of_rows(rows), found.of_queries(queries))
    wanted = products(rows, queries)
    assert kept == pytest.approx(wanted, abs=1e-5 * float(np.abs(wanted).max()))


@pytest.mark.parametrize("dimension", [193, 400])
def test_of_more_numbers_as_many_are_kept_as_may_be(dimension: int) -> None:
    rows = sample(800, dimension)
    for metric in Metric:
        found = principal(rows, metric)
        assert found.directions.shape == (dimension, 192)
        assert found.numbers == (193 if metric is Metric.L2 else 192)
        assert found.of_rows(rows).shape == found.of_queries(rows).shape == (800, found.numbers)


def test_the_last_number_for_l2_is_the_length_of_what_is_left_out() -> None:
    rows = sample(500, 80)
    found = principal(rows, Metric.L2, most=10)
    assert found.origin == pytest.approx(rows.mean(axis=0, dtype=np.float64), abs=1e-6)
    moved = rows.astype(np.float64) - found.origin
    directions = leading(rows, Metric.L2, 10)
    rest = moved - moved @ directions @ directions.T
    coded = found.of_rows(rows)
    assert coded[:, -1] == pytest.approx(np.linalg.norm(rest, axis=1), rel=1e-3)
    assert np.linalg.norm(coded, axis=1) == pytest.approx(np.linalg.norm(moved, axis=1), rel=1e-5)
    assert not found.of_queries(rows)[:, -1].any()


def test_the_distance_to_what_lies_in_the_directions_is_right_whatever_is_left_out() -> None:
    """A query without a rest has no product with the rows' rests, which is all that is lost."""
    rows = sample(500, 80)
    found = principal(rows, Metric.L2, most=10)
    inside = np.random.default_rng(2).standard_normal((20, 10)) @ found.directions.T.astype(float)
    queries = (inside + found.origin).astype(np.float32)
    kept = squared_distances(found.of_rows(rows), found.of_queries(queries))
    assert kept == pytest.approx(squared_distances(rows, queries), rel=1e-4)


def test_by_hand() -> None:
    origin = np.array([1, 1, 1], np.float32)
    columns = np.array([[0, 1], [1, 0], [0, 0]], np.float32)
    found = Projection(Metric.L2, origin, columns)
    one = np.array([[3, 4, 6]], np.float32)
    assert found.of_rows(one).tolist() == [[3, 2, 5]]
    assert found.of_queries(one).tolist() == [[3, 2, 0]]
    found = Projection(Metric.COSINE, np.zeros(3, np.float32), columns)
    assert found.of_rows(one).tolist() == found.of_queries(one).tolist() == [[4, 3]]


@pytest.mark.parametrize("metric", Metric)
def test_numbers_as_large_as_float16_holds_do_not_overflow(metric: Metric) -> None:
    rows = np.sign(sample(300, 40)) * np.float32(65504)
    small, large = principal(np.sign(rows), metric, 5), principal(rows, metric, 5)
    span = large.directions @ large.directions.T
    assert span == pytest.approx(small.directions @ small.directions.T, abs=1e-2)
    assert np.isfinite(large.of_rows(rows)).all()


@pytest.mark.parametrize("metric", Metric)
def test_rows_that_are_all_the_same_and_one_alone(metric: Metric) -> None:
    one = sample(1, 12)
    for rows in (one, np.repeat(one, 50, axis=0), np.zeros((5, 12), np.float32)):
        found = principal(rows, metric)
        assert np.isfinite(found.of_rows(rows)).all()
        assert found.directions.T @ found.directions == pytest.approx(np.eye(12), abs=1e-5)
        kept = np.linalg.norm(found.of_rows(rows), axis=1)
        wanted = np.linalg.norm(rows - found.origin, axis=1)
        assert kept == pytest.approx(wanted, abs=1e-5)
