"""Exact search against the same in float64, without blocks, threads or shortcuts."""

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lookgraph.errors import UsageError
from lookgraph.index.exact import nearest
from lookgraph.types import Array, Integers, Neighbour, Rows, Vector
from tests.pictures import unit


def cosines(rows: Array, query: Vector) -> Array:
    rows64, query64 = np.asarray(rows, np.float64), query.astype(np.float64)
    lengths = np.sqrt((rows64**2).sum(axis=1)) * np.sqrt((query64**2).sum())
    return np.asarray((rows64 * query64).sum(axis=1) / lengths)


def random_rows(count: int, dimension: int, seed: int = 0) -> Rows:
    rows = np.random.default_rng(seed).standard_normal((count, dimension))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float16)


def check(rows: Rows, query: Vector, k: int, hidden: Integers | None = None) -> list[Neighbour]:
    """Hold an answer against the oracle; give it back."""
    answer = nearest(rows, query, k, hidden)
    scores = cosines(rows, query)
    shown = np.setdiff1d(np.arange(len(rows)), [] if hidden is None else hidden)
    assert len(answer) == min(k, len(shown))
    numbers = [found.row for found in answer]
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) <= set(shown.tolist())
    # Each has its own score, and no row that is left out has a higher one.
    for found in answer:
        assert found.score == pytest.approx(scores[found.row], abs=1e-12)
        assert -1 <= found.score <= 1
    best = np.sort(scores[shown])[::-1][:k]
    assert [found.score for found in answer] == pytest.approx(best, abs=1e-12)
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


SMALL = st.integers(-3, 3).map(float)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Rows, Vector, int, Integers]:
    dimension = draw(st.integers(1, 5))
    vectors = npst.arrays(np.float64, dimension, elements=SMALL).filter(np.any)
    distinct = draw(st.lists(vectors, min_size=1, max_size=6))
    order = draw(st.lists(st.integers(0, len(distinct) - 1), min_size=1, max_size=30))
    rows = np.stack([distinct[i] / np.linalg.norm(distinct[i]) for i in order]).astype(np.float16)
    hidden = draw(st.sets(st.integers(0, len(rows) - 1)))
    query = draw(vectors).astype(np.float32) * draw(st.sampled_from([1e-20, 0.5, 1, 3e10]))
    return rows, query.astype(np.float32), draw(st.integers(1, 40)), np.array(sorted(hidden), int)


@given(questions())
@settings(max_examples=300)
def test_small_sets_with_many_equal_rows(asked: tuple[Rows, Vector, int, Integers]) -> None:
    check(*asked)


@pytest.mark.parametrize("k", [1, 10, 100, 4999, 5000, 6000])
def test_many_random_rows(k: int) -> None:
    rows = random_rows(5000, 64)
    check(rows, random_rows(1, 64, seed=1)[0].astype(np.float32), k)


def test_near_ties_closer_than_float16_can_tell_are_put_right() -> None:
    """Rows whose float32 scores are as good as equal, but whose lengths differ by rounding."""
    rng = np.random.default_rng(2)
    centre = rng.standard_normal(1280)
    near = centre + rng.standard_normal((3000, 1280)) * 1e-3
    rows = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float16)
    answer = check(rows, centre.astype(np.float32), 50)
    wanted = np.argsort(-cosines(rows, centre.astype(np.float32)), kind="stable")[:50]
    assert [found.row for found in answer] == wanted.tolist()


def test_equal_rows_tie_wherever_they_lie() -> None:
    rows = random_rows(4100, 33, seed=3)
    twins = [0, 1, 7, 1023, 1024, 1025, 2047, 2048, 3071, 3072, 4095, 4096, 4099]
    rows[twins] = rows[500]
    query = rows[500].astype(np.float32) + 0.01
    answer = check(rows, query, len(twins) + 1)
    assert [found.row for found in answer] == sorted([*twins, 500])
    assert len({found.score for found in answer}) == 1
    answer = check(rows, query, 4, hidden=np.array([0, 7, 1024]))
    assert [found.row for found in answer] == [1, 500, 1023, 1025]


def test_when_all_rows_are_the_same_the_first_ones_come() -> None:
    rows = np.repeat(random_rows(1, 16, seed=4), 3000, axis=0)
    answer = check(rows, rows[0].astype(np.float32), 5)
    assert [found.row for found in answer] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 2048, 2049])
def test_the_last_row_is_found_wherever_blocks_end(count: int) -> None:
    rows = random_rows(count, 20, seed=5)
    query = rows[-1].astype(np.float32)
    assert check(rows, query, 1)[0].row == count - 1


def test_scores_of_a_row_itself_and_of_its_opposite() -> None:
    rows = np.array([unit(1, 2, 3), unit(-1, -2, -3), unit(3, 0, -1)], np.float16)
    first, second, third = nearest(rows, rows[0].astype(np.float32), 3)
    assert (first.row, second.row, third.row) == (0, 2, 1)
    assert first.score == pytest.approx(1, abs=1e-15)
    assert second.score == pytest.approx(0, abs=1e-3)
    assert third.score == pytest.approx(-1, abs=1e-15)


def test_the_length_of_the_query_does_not_count() -> None:
    rows = random_rows(50, 8, seed=6)
    query = random_rows(1, 8, seed=7)[0].astype(np.float32)
    once = nearest(rows, query, 50)
    # By a power of two, so that nothing is rounded; 2**-120 squared is too small for float32.
    assert nearest(rows, query * np.float32(2.0**-120), 50) == once
    assert nearest(rows, query * np.float32(2.0**120), 50) == once


def test_hidden_rows_do_not_come() -> None:
    rows = random_rows(30, 8, seed=8)
    query = rows[3].astype(np.float32)
    assert check(rows, query, 30, np.array([3, 4, 29]))[0].row != 3
    assert check(rows, query, 5, np.arange(30)) == []
    assert check(rows, query, 1, np.array([], np.int64))[0].row == 3


def test_no_rows_give_no_neighbours() -> None:
    assert nearest(np.empty((0, 4), np.float16), unit(1, 0, 0, 0), 3) == []


def test_a_file_mapped_into_memory_gives_the_same() -> None:
    rows = random_rows(2500, 32, seed=9)
    query = random_rows(1, 32, seed=10)[0].astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.f16"
        file.write_bytes(rows.tobytes())
        mapped = np.memmap(file, np.float16, "r", shape=rows.shape)
        assert nearest(mapped, query, 20) == check(rows, query, 20)


@pytest.mark.parametrize("damage", [np.nan, np.inf, -np.inf, 0.0])
def test_a_damaged_row_takes_no_other_with_it(damage: float) -> None:
    rows = random_rows(40, 8, seed=11)
    query = rows[5].astype(np.float32)
    rows[7], rows[8, 3] = damage, damage * 2
    rows[8] *= 0 if damage == 0 else 1
    whole = check(np.delete(rows, [7, 8], axis=0), query, 38)
    shifted = [found.row if found.row < 7 else found.row + 2 for found in whole]
    for k in (1, 10, 40):
        answer = nearest(rows, query, k)
        assert [found.row for found in answer] == shifted[:k]
        assert [found.score for found in answer] == [found.score for found in whole][:k]


@pytest.mark.parametrize("k", [0, -1, -100])
def test_k_below_one_is_refused(k: int) -> None:
    with pytest.raises(UsageError, match=f"k is {k}, but must be at least 1"):
        nearest(random_rows(3, 4), unit(1, 0, 0, 0), k)


@pytest.mark.parametrize(
    "query", [np.zeros(4), np.array([np.nan, 1, 1, 1]), np.array([np.inf, 0, 0, 0])]
)
def test_a_query_without_a_direction_is_refused(query: Array) -> None:
    with pytest.raises(UsageError, match="zero or not finite"):
        nearest(random_rows(3, 4), query.astype(np.float32), 1)


@pytest.mark.parametrize("shape", [(3,), (5,), (1, 4), (4, 1), ()])
def test_a_query_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="shape"):
        nearest(random_rows(3, 4), np.ones(shape, np.float32), 1)
