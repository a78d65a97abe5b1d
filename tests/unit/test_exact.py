"""Exact search against the same in float64, without blocks, threads or shortcuts."""

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookgraph.errors import UsageError
from lookgraph.index.exact import nearest
from lookgraph.types import Array, Integers, Metric, Neighbour, Rows, Vector
from tests.pictures import unit

RAW = (Metric.L2, Metric.INNER_PRODUCT)
"""The metrics whose rows are as the network gives them."""


@np.errstate(invalid="ignore")  # the scores of damaged rows
def oracle(rows: Array, query: Vector, metric: Metric) -> tuple[Array, Array]:
    """Every row's score, and how far rounding in float64 may move it."""
    rows64, query64 = np.asarray(rows, np.float64), query.astype(np.float64)
    products = rows64 * query64
    if metric is Metric.L2:
        scores = -np.sqrt(((rows64 - query64) ** 2).sum(axis=1))
        return scores, 1e-12 * np.abs(scores)
    if metric is Metric.INNER_PRODUCT:
        return products.sum(axis=1), 1e-12 * np.abs(products).sum(axis=1)
    lengths = np.sqrt((rows64**2).sum(axis=1)) * np.sqrt((query64**2).sum())
    return products.sum(axis=1) / lengths, np.full(len(rows), 1e-12)


def cosines(rows: Array, query: Vector) -> Array:
    return oracle(rows, query, Metric.COSINE)[0]


def random_rows(count: int, dimension: int, seed: int = 0) -> Rows:
    rows = np.random.default_rng(seed).standard_normal((count, dimension))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float16)


def check(
    rows: Rows,
    query: Vector,
    k: int,
    metric: Metric = Metric.COSINE,
    hidden: Integers | None = None,
) -> list[Neighbour]:
    """Hold an answer against the oracle; give it back."""
    answer = nearest(rows, query, k, metric, hidden)
    scores, off = oracle(rows, query, metric)
    shown = np.flatnonzero(np.isfinite(scores))
    shown = np.setdiff1d(shown, [] if hidden is None else hidden)
    assert len(answer) == min(k, len(shown))
    numbers = [found.row for found in answer]
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) <= set(shown.tolist())
    # Each has its own score, and no row that is left out has a higher one.
    for found in answer:
        assert abs(found.score - scores[found.row]) <= off[found.row]
    best = shown[np.argsort(-scores[shown], kind="stable")][:k]
    assert (np.abs([f.score for f in answer] - scores[best]) <= off[best] + off[numbers]).all()
    # Best first; rows with the same numbers have the same score and come by their number.
    assert [f.score for f in answer] == sorted((f.score for f in answer), reverse=True)
    for first, second in itertools.pairwise(answer):
        assert first.score > second.score or first.row < second.row
    scored: dict[bytes, float] = {}
    for found in answer:
        assert scored.setdefault(rows[found.row].tobytes(), found.score) == found.score
    # Of rows that are the same, those with the lowest numbers are in.
    if answer:
        same = [i for i in shown if rows[i].tobytes() == rows[answer[-1].row].tobytes()]
        taken = [row for row in numbers if row in set(same)]
        assert taken == same[: len(taken)]
    return answer


DIMENSIONS = st.one_of(st.integers(1, 40), st.just(4096))
MAGNITUDES = st.sampled_from([1e-3, 0.1, 1.0, 37.0, 800.0, 6e4])
DAMAGES = st.sampled_from([0x7C00, 0xFC00, 0x7E00, 0xFE01, 0x7C01])
"""The bits of float16 infinities and NaNs, a signalling one among them."""


@st.composite
def questions(draw: st.DrawFn, metric: Metric) -> tuple[Rows, Vector, int, Metric, Integers]:
    """Few distinct rows, each many times, some a rounding beside another, some damaged."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    dimension = draw(DIMENSIONS)
    grid = draw(st.integers(1, 3))  # few values make many ties

    def vectors(count: int) -> Array:
        found = rng.integers(-grid, grid + 1, (count, dimension)) / grid
        found[~found.any(axis=1), 0] = 1
        return np.asarray(found)

    distinct = vectors(draw(st.integers(1, 6)))
    if metric is Metric.COSINE:
        distinct /= np.linalg.norm(distinct, axis=1, keepdims=True)
    else:
        distinct *= draw(MAGNITUDES)
    rows = distinct[rng.integers(0, len(distinct), draw(st.integers(1, 30)))].astype(np.float16)
    nudged = draw(st.sets(st.integers(0, len(rows) - 1), max_size=3))
    for row in nudged if metric in RAW else ():  # cosine's are unit vectors, rounded once
        place = rng.integers(dimension)
        rows[row, place] = np.nextafter(rows[row, place], np.float16(0))
    for row in draw(st.sets(st.integers(0, len(rows) - 1), max_size=3)):
        rows.view(np.uint16)[row, rng.integers(dimension)] = draw(DAMAGES)
    hidden = draw(st.sets(st.integers(0, len(rows) - 1)))
    if draw(st.booleans()):
        query = rows[rng.integers(len(rows))].astype(np.float64)
        query = np.where(np.isfinite(query), query, 1)
        query[0] = query[0] or 1
    else:
        query = vectors(1)[0] * draw(st.one_of(MAGNITUDES, st.sampled_from([1e-20, 3e10, 3e38])))
    k = draw(st.integers(1, 40))
    return rows, query.astype(np.float32), k, metric, np.array(sorted(hidden), int)


@pytest.mark.parametrize("metric", Metric)
@given(data=st.data())
@settings(max_examples=200)
def test_small_sets_with_many_equal_rows(metric: Metric, data: st.DataObject) -> None:
    check(*data.draw(questions(metric)))


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("k", [1, 10, 100, 4999, 5000, 6000])
def test_many_random_rows(k: int, metric: Metric) -> None:
    rows = random_rows(5000, 64)
    query = random_rows(1, 64, seed=1)[0].astype(np.float32)
    check(rows, query, k, metric)


@pytest.mark.parametrize("metric", RAW)
@pytest.mark.parametrize("magnitude", [2.0**-20, 1.0, 30.0])
@pytest.mark.parametrize("dimension", [100, 1280, 4096])
def test_rows_of_the_same_numbers_in_another_order_tie(
    dimension: int, magnitude: float, metric: Metric
) -> None:
    """Summed in float64 they are exact, in float32 they differ by where roundings fall."""
    rng = np.random.default_rng(12)
    numbers = (np.arange(dimension) % 2000 * magnitude).astype(np.float16)
    rows = np.stack([rng.permutation(numbers) for _ in range(300)])
    query = np.full(dimension, 7 * magnitude, np.float32)
    for k in (1, 10, 299):
        answer = check(rows, query, k, metric)
        assert [found.row for found in answer] == list(range(k))


def test_near_ties_closer_than_float16_can_tell_are_put_right() -> None:
    """Rows whose float32 scores are as good as equal, but whose lengths differ by rounding."""
    rng = np.random.default_rng(2)
    centre = rng.standard_normal(1280)
    near = centre + rng.standard_normal((3000, 1280)) * 1e-3
    rows = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float16)
    answer = check(rows, centre.astype(np.float32), 50)
    wanted = np.argsort(-cosines(rows, centre.astype(np.float32)), kind="stable")[:50]
    assert [found.row for found in answer] == wanted.tolist()


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize(("count", "dimension"), [(4100, 33), (180, 8192), (66, 10_001)])
def test_equal_rows_tie_wherever_they_lie(count: int, dimension: int, metric: Metric) -> None:
    """Alone in the last block of a pass as well: there are 65 rows of 10,001 in one."""
    rows = random_rows(count, dimension, seed=3)
    twins = [0, 1, 7, 20, count // 2, count // 2 + 1, count - 3, count - 1]
    rows[twins] = rows[2]
    query = rows[2].astype(np.float32) * np.float32(1.01)
    answer = check(rows, query, len(twins) + 1, metric)
    assert [found.row for found in answer] == sorted([*twins, 2])
    assert len({found.score for found in answer}) == 1
    assert len({found.score for found in check(rows, query, count, metric)}) == count - len(twins)
    answer = check(rows, query, 4, metric, np.array([0, 7]))
    assert [found.row for found in answer] == [1, 2, 20, count // 2]


def test_when_all_rows_are_the_same_the_first_ones_come() -> None:
    rows = np.repeat(random_rows(1, 16, seed=4), 3000, axis=0)
    answer = check(rows, rows[0].astype(np.float32), 5)
    assert [found.row for found in answer] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("count", [1, 159, 160, 161, 320, 321, 480, 481])
def test_the_last_row_is_found_wherever_blocks_end(count: int, metric: Metric) -> None:
    """There are 160 rows of 4,096 in a block."""
    rows = random_rows(count, 4096, seed=5)
    query = rows[-1].astype(np.float32)
    assert check(rows, query, 1, metric)[0].row == count - 1


def test_scores_of_a_row_itself_and_of_its_opposite() -> None:
    rows = np.array([unit(1, 2, 3), unit(-1, -2, -3), unit(3, 0, -1)], np.float16)
    first, second, third = nearest(rows, rows[0].astype(np.float32), 3, Metric.COSINE)
    assert (first.row, second.row, third.row) == (0, 2, 1)
    assert first.score == pytest.approx(1, abs=1e-15)
    assert second.score == pytest.approx(0, abs=1e-3)
    assert third.score == pytest.approx(-1, abs=1e-15)


def test_scores_worked_by_hand() -> None:
    rows = np.array([[0, 3], [3, 4], [100, -1], [0, 0]], np.float16)
    query = np.array([0, 2], np.float32)
    answer = nearest(rows, query, 4, Metric.INNER_PRODUCT)
    assert answer == [Neighbour(1, 8.0), Neighbour(0, 6.0), Neighbour(3, 0.0), Neighbour(2, -2.0)]
    answer = nearest(rows, query, 3, Metric.L2)
    assert answer == [Neighbour(0, -1.0), Neighbour(3, -2.0), Neighbour(1, -(13**0.5))]
    answer = nearest(rows, np.array([0, 3], np.float32), 1, Metric.L2)
    assert str(answer[0].score) == "0.0"  # and not -0.0


def test_the_distance_to_a_zero_query_is_the_length() -> None:
    rows = np.array([[3, 4], [0, 0.5], [0, 0]], np.float16)
    answer = check(rows, np.zeros(2, np.float32), 3, Metric.L2)
    assert answer == [Neighbour(2, 0.0), Neighbour(1, -0.5), Neighbour(0, -5.0)]


def test_the_length_of_the_query_does_not_count() -> None:
    rows = random_rows(50, 8, seed=6)
    query = random_rows(1, 8, seed=7)[0].astype(np.float32)
    once = nearest(rows, query, 50, Metric.COSINE)
    # By a power of two, so that nothing is rounded; 2**-120 squared is too small for float32.
    assert nearest(rows, query * np.float32(2.0**-120), 50, Metric.COSINE) == once
    assert nearest(rows, query * np.float32(2.0**120), 50, Metric.COSINE) == once


@pytest.mark.parametrize("metric", Metric)
def test_hidden_rows_do_not_come(metric: Metric) -> None:
    rows = random_rows(30, 8, seed=8)
    query = rows[3].astype(np.float32)
    assert check(rows, query, 30, metric, np.array([3, 4, 29]))[0].row != 3
    assert check(rows, query, 5, metric, np.arange(30)) == []
    assert check(rows, query, 1, metric, np.array([], np.int64))[0].row == 3


@pytest.mark.parametrize("metric", Metric)
def test_no_rows_give_no_neighbours(metric: Metric) -> None:
    assert nearest(np.empty((0, 4), np.float16), unit(1, 0, 0, 0), 3, metric) == []


@pytest.mark.parametrize("metric", Metric)
def test_a_file_mapped_into_memory_gives_the_same(metric: Metric) -> None:
    rows = random_rows(2500, 32, seed=9)
    query = random_rows(1, 32, seed=10)[0].astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.f16"
        file.write_bytes(rows.tobytes())
        mapped = np.memmap(file, np.float16, "r", shape=rows.shape)
        assert nearest(mapped, query, 20, metric) == check(rows, query, 20, metric)


@pytest.mark.parametrize("damage", [np.nan, np.inf, -np.inf, 0.0])
def test_a_damaged_row_takes_no_other_with_it(damage: float) -> None:
    rows = random_rows(40, 8, seed=11)
    query = rows[5].astype(np.float32)
    rows[7], rows[8, 3] = damage, damage * 2
    rows[8] *= 0 if damage == 0 else 1
    whole = check(np.delete(rows, [7, 8], axis=0), query, 38)
    shifted = [found.row if found.row < 7 else found.row + 2 for found in whole]
    for k in (1, 10, 40):
        answer = nearest(rows, query, k, Metric.COSINE)
        assert [found.row for found in answer] == shifted[:k]
        assert [found.score for found in answer] == [found.score for found in whole][:k]


@pytest.mark.parametrize("metric", Metric)
def test_a_damaged_row_that_looks_near_takes_no_place(metric: Metric) -> None:
    """Its infinity meets a small number of the query, so that its float32 score is the highest."""
    rows = random_rows(40, 8, seed=13)
    query = rows[5].astype(np.float32)
    query[3] = 1e-5
    rows[5] = query
    rows[7], rows[9] = query, query
    rows[7, 3], rows[9, 3] = np.inf, np.nan
    if metric is Metric.L2:
        query[3] = 65535.0
    for k in (1, 2, 40):
        check(rows, query, k, metric)


def test_a_row_that_is_no_unit_vector_takes_no_place_of_another_by_cosine() -> None:
    rows = random_rows(40, 8, seed=14)
    query = rows[5].astype(np.float32)
    rows[7, 3] = 30_000 * np.sign(query[3])
    assert nearest(rows, query, 1, Metric.COSINE)[0].row == 5


@pytest.mark.parametrize("metric", Metric)
def test_where_every_row_is_damaged_there_are_no_neighbours(metric: Metric) -> None:
    rows = np.full((20_000, 6), np.nan, np.float16)
    query = unit(1, 2, 3, 4, 5, 6)
    assert nearest(rows, query, 1, metric) == []
    rows[19_999] = query
    assert [found.row for found in nearest(rows, query, 3, metric)] == [19_999]


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("k", [0, -1, -100])
def test_k_below_one_is_refused(k: int, metric: Metric) -> None:
    with pytest.raises(UsageError, match=f"k is {k}, but must be at least 1"):
        nearest(random_rows(3, 4), unit(1, 0, 0, 0), k, metric)


@pytest.mark.parametrize("metric", [Metric.COSINE, Metric.INNER_PRODUCT])
def test_a_query_without_a_direction_is_refused(metric: Metric) -> None:
    with pytest.raises(UsageError, match="query is zero"):
        nearest(random_rows(3, 4), np.zeros(4, np.float32), 1, metric)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_query_that_is_not_finite_is_refused(number: float, metric: Metric) -> None:
    with pytest.raises(UsageError, match="query is not finite"):
        nearest(random_rows(3, 4), np.array([1, number, 0, 1], np.float32), 1, metric)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("shape", [(3,), (5,), (1, 4), (4, 1), ()])
def test_a_query_of_another_shape_is_refused(shape: tuple[int, ...], metric: Metric) -> None:
    with pytest.raises(UsageError, match="shape"):
        nearest(random_rows(3, 4), np.ones(shape, np.float32), 1, metric)
