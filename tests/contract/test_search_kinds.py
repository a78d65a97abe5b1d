"""What every kind of search must answer, as values: against NumPy in float64, for every metric.

The kinds are exact search, search by codes in one segment, and by codes in several segments where
some rows are in none: the newest, and some that were dropped and have come back.
"""

import itertools
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookgraph.errors import UsageError
from lookgraph.index import approximate, codes, effort, exact, projection
from lookgraph.index.coded import Allowed, Effort, Sealed
from lookgraph.index.codes import Codebook, Segment
from lookgraph.index.projection import Projection
from lookgraph.types import Array, Integers, Matrix, Metric, Neighbour, Rows, Vector
from tests.conftest import needs_module

ROWS = {8: 4000, 33: 4000, 512: 1200, 4096: 1200}
"""How many, by their dimension."""

QUERIES = {8: 24, 33: 24, 512: 8, 4096: 3}

KINDS = ("exact", "ivf", "ivf in parts")
DIRECTED = (Metric.COSINE, Metric.INNER_PRODUCT)
INSIDE = 24
"""Directions that the embeddings lie in before what is negative becomes zero."""

every_metric = pytest.mark.parametrize("metric", Metric)
every_kind = pytest.mark.parametrize("kind", KINDS)


@dataclass(frozen=True)
class Held:
    """Rows in memory, as `lookgraph.index.coded.RowSource`."""

    mapped: Rows

    def take(self, numbers: Integers) -> Rows:
        return self.mapped[numbers]


@dataclass(frozen=True)
class Library:
    """Rows with or without codes, and queries that are none of them."""

    rows: Rows
    sealed: Sealed | None
    metric: Metric
    queries: Matrix

    def nearest(
        self, queries: Matrix, k: int, allowed: Array | None = None, recall: float = 0.9
    ) -> list[list[Neighbour]]:
        among = None if allowed is None else Allowed(allowed)
        return approximate.nearest(
            Held(self.rows), self.sealed, queries, k, self.metric, among, recall
        )

    def check(
        self, query: Vector, k: int, allowed: Array | None = None, recall: float = 0.9
    ) -> list[Neighbour]:
        """The answer to a query alone, once all of it but its recall has been found right."""
        (answer,) = self.nearest(query[np.newaxis], k, allowed, recall)
        hold(answer, self.rows, query, k, self.metric, allowed)
        return answer

    def share(
        self, query: Vector, k: int, allowed: Array | None = None, recall: float = 0.9
    ) -> float:
        """The share of the true neighbours that such an answer has."""
        (answer,) = self.nearest(query[np.newaxis], k, allowed, recall)
        found = hold(answer, self.rows, query, k, self.metric, allowed)
        assert found == 1 or self.sealed is not None
        return found


@np.errstate(invalid="ignore", divide="ignore")  # damaged rows
def oracle(rows: Rows, query: Vector, metric: Metric) -> tuple[Array, Array]:
    """Every row's score, not finite where it has none; and by how much float64 may be off."""
    stored, asked = rows.astype(np.float64), query.astype(np.float64)
    if metric is Metric.L2:
        scores = -np.sqrt(np.square(stored - asked).sum(axis=1))
        return scores, 1e-12 * np.abs(scores)
    products = stored * asked
    if metric is Metric.INNER_PRODUCT:
        return products.sum(axis=1), 1e-12 * np.abs(products).sum(axis=1)
    lengths = np.sqrt(np.square(stored).sum(axis=1) * np.square(asked).sum())
    return products.sum(axis=1) / lengths, np.full(len(rows), 1e-12)


def shown(scores: Array, allowed: Array | None) -> Integers:
    """The numbers of the rows that may answer."""
    mask = np.isfinite(scores)
    return np.flatnonzero(mask if allowed is None else mask & allowed)


def hold(
    answer: list[Neighbour],
    rows: Rows,
    query: Vector,
    k: int,
    metric: Metric,
    allowed: Array | None,
) -> float:
    """All that an answer must be, however it was found; gives the share of the true rows in it."""
    scores, off = oracle(rows, query, metric)
    may = shown(scores, allowed)
    numbers = [found.row for found in answer]
    assert len(answer) == min(k, len(may))
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) <= set(may.tolist())
    for found in answer:
        assert abs(found.score - scores[found.row]) <= off[found.row]
    for first, second in itertools.pairwise(answer):
        assert first.score > second.score or (
            first.score == second.score and first.row < second.row
        )
    scored: dict[bytes, float] = {}
    for found in answer:
        assert scored.setdefault(rows[found.row].tobytes(), found.score) == found.score
    if not answer:
        return 1.0
    last = may[np.argsort(-scores[may], kind="stable")][: len(answer)][-1]
    least = float(scores[last] - off[last])
    return sum(found.score >= least for found in answer) / len(answer)


def embeddings(count: int, dimension: int, metric: Metric, seed: int) -> Array:
    """Groups on few directions, with what is negative made zero, as networks make them.

    Where zeros would make too many rows the same (8), or finding the directions would take long
    (4,096), the last step is left out: then all lie in `INSIDE` directions.

    Args:
        count: how many.
        dimension: of each.
        metric: cosine's are of unit length.
        seed: of all but the groups and the directions, which are the same for all seeds.
    """
    fixed, rng = np.random.default_rng(dimension), np.random.default_rng(seed)
    centres = fixed.standard_normal((60, 8))
    first, second = fixed.standard_normal((8, INSIDE)), fixed.standard_normal((INSIDE, dimension))
    latent = centres[rng.integers(0, 60, count)] + 0.4 * rng.standard_normal((count, 8))
    made = np.maximum(latent @ first, 0) @ second
    if INSIDE < dimension < 4096:
        made = np.maximum(made, 0)
    if metric is Metric.COSINE:
        made /= np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(made)


def as_matrix(rows: Rows) -> Matrix:
    return rows.astype(np.float32)


def encoded(codebook: Codebook, rows: Rows, numbers: Integers) -> Segment:
    return codes.encode(codebook, [(numbers, as_matrix(rows[numbers]))])


def directions(rows: Rows, metric: Metric) -> Projection:
    """As `projection.principal`; without the eigenvectors of a matrix of 4,096 by 4,096."""
    if rows.shape[1] < 4096:
        return projection.principal(as_matrix(rows), metric)
    fixed = np.random.default_rng(rows.shape[1])
    fixed.standard_normal((60, 8)), fixed.standard_normal((8, INSIDE))
    columns, _ = np.linalg.qr(fixed.standard_normal((INSIDE, rows.shape[1])).T)
    origin = as_matrix(rows).mean(axis=0) * np.float32(metric is Metric.L2)
    return Projection(metric, origin, columns.astype(np.float32))


@cache
def sealed_whole(metric: Metric, dimension: int) -> tuple[Rows, Sealed]:
    """All rows in one segment."""
    needs_module("faiss")
    count = ROWS[dimension]
    rows = embeddings(count, dimension, metric, 0).astype(np.float16)
    rotation = directions(rows, metric)
    sample = rotation.of_rows(as_matrix(rows))
    codebook = codes.train(rotation, sample, codes.lists_for(count), 0)
    segment = encoded(codebook, rows, np.arange(count))
    efforts: tuple[Effort, ...] = (Effort(codebook.lists // 2, 8, 0.95),)
    if dimension < 4096:  # there it takes long
        efforts = effort.measure(Held(rows), codebook, segment, metric, 0)
    return rows, Sealed(codebook, (segment,), count, np.empty(0, np.int64), efforts)


def in_parts(rows: Rows, whole: Sealed) -> Sealed:
    """Three segments over six sevenths of the rows, less every 83rd of them."""
    covered = len(rows) * 6 // 7
    dropped = np.arange(7, covered, 83)
    coded = np.setdiff1d(np.arange(covered), dropped)
    parts = np.split(coded, [len(coded) // 2, len(coded) * 5 // 6])
    segments = tuple(encoded(whole.codebook, rows, part) for part in parts)
    return replace(whole, segments=segments, covered=covered, dropped=dropped)


@cache
def library(kind: str, metric: Metric, dimension: int = 33) -> Library:
    queries = as_matrix(embeddings(QUERIES[dimension], dimension, metric, 1).astype(np.float16))
    if kind == "exact":
        rows = embeddings(ROWS[dimension], dimension, metric, 0).astype(np.float16)
        return Library(rows, None, metric, queries)
    rows, whole = sealed_whole(metric, dimension)
    sealed = whole if kind == "ivf" else in_parts(rows, whole)
    return Library(rows, sealed, metric, queries)


def changed(of: Library, rows: Rows) -> Library:
    """The same kind of library with other numbers in its rows; what is damaged is not coded."""
    if of.sealed is None:
        return replace(of, rows=rows)
    whole = np.asarray(np.isfinite(rows).all(axis=1))
    coded = np.setdiff1d(np.arange(of.sealed.covered), of.sealed.dropped)
    ends = np.cumsum([len(segment) for segment in of.sealed.segments])[:-1]
    segments = tuple(
        encoded(of.sealed.codebook, rows, part[whole[part]]) for part in np.split(coded, ends)
    )
    dropped = np.union1d(of.sealed.dropped, np.flatnonzero(~whole[: of.sealed.covered]))
    return replace(of, rows=rows, sealed=replace(of.sealed, segments=segments, dropped=dropped))


def with_effort(of: Library, probes: int, looks: int, recall: float = 0.95) -> Library:
    """A library that always looks so hard."""
    if of.sealed is None:
        return of
    return replace(of, sealed=replace(of.sealed, efforts=(Effort(probes, looks, recall),)))


def held_to(shares: list[float], promised: float) -> None:
    """The mean is as high as promised, but for chance: three of its standard errors."""
    margin = 3 * np.std(shares) / len(shares) ** 0.5
    assert np.mean(shares) >= promised - margin


DIMENSIONS = [8, 33, pytest.param(512, marks=pytest.mark.slow)]


@every_kind
@every_metric
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_ten_neighbours_are_right_and_as_many_of_the_true_ones_as_promised(
    dimension: int, metric: Metric, kind: str
) -> None:
    of = library(kind, metric, dimension)
    for recall in (0.5, 0.9, 0.99):
        promised = 1.0
        if of.sealed is not None:
            found = of.sealed.effort(recall)
            assert found is not None
            assert found.recall >= recall
            promised = found.recall
        held_to([of.share(query, 10, recall=recall) for query in of.queries], promised)


@pytest.mark.slow
@every_kind
@every_metric
def test_four_thousand_numbers_a_row(metric: Metric, kind: str) -> None:
    """They lie in few directions, so that half of the lists hold nearly all true neighbours."""
    of = library(kind, metric, 4096)
    assert np.mean([of.share(query, 10) for query in of.queries]) >= 0.95


@every_kind
@every_metric
@pytest.mark.parametrize("k", [1, 100, 3999, 4000, 10**6])
def test_k_come_or_all(k: int, metric: Metric, kind: str) -> None:
    of = library(kind, metric)
    for query in of.queries[:3]:
        found = of.share(query, k)
        if k >= len(of.rows) - 1:
            assert found == 1


@every_kind
@every_metric
@pytest.mark.parametrize("count", [0, 1, 9, 1000, 1001, 1500, 3999, 4000])
def test_with_a_filter_k_come_where_so_many_may(count: int, metric: Metric, kind: str) -> None:
    of = library(kind, metric)
    allowed = np.zeros(len(of.rows), np.bool_)
    allowed[np.random.default_rng(count).permutation(len(of.rows))[:count]] = True
    shares = [of.share(query, 10, allowed) for query in of.queries[:15]]
    if count <= 1000:
        assert shares == [1.0] * len(shares)
    else:
        held_to(shares, 0.9)


@every_kind
@every_metric
@pytest.mark.parametrize("count", [1001, 1500])
def test_with_a_filter_that_keeps_what_is_farthest_k_come(
    count: int, metric: Metric, kind: str
) -> None:
    of = with_effort(library(kind, metric), probes=1, looks=1)
    for query in of.queries[:5]:
        allowed = np.zeros(len(of.rows), np.bool_)
        allowed[np.argsort(oracle(of.rows, query, metric)[0], kind="stable")[:count]] = True
        for k in (10, 200, count, count + 1):
            answer = of.check(query, k, allowed, recall=0.5)
            if k >= count:
                assert sorted(found.row for found in answer) == np.flatnonzero(allowed).tolist()


@every_kind
@every_metric
def test_rows_that_are_deleted_do_not_come(metric: Metric, kind: str) -> None:
    of = library(kind, metric)
    shares = []
    for query in of.queries[:20]:
        allowed = np.ones(len(of.rows), np.bool_)
        allowed[[found.row for found in of.check(query, 30)]] = False
        shares.append(of.share(query, 30, allowed))
    held_to(shares, 0.85)  # what is promised is of ten neighbours


@every_metric
@pytest.mark.parametrize("deleted", [0, 500])
def test_rows_in_no_segment_are_found_with_the_least_effort(deleted: int, metric: Metric) -> None:
    of = with_effort(library("ivf in parts", metric), probes=1, looks=1)
    assert of.sealed is not None
    loose = np.concatenate([of.sealed.dropped, np.arange(of.sealed.covered, len(of.rows))])
    assert len(loose) == 42 + 572
    allowed = np.ones(len(of.rows), np.bool_)
    allowed[np.random.default_rng(0).permutation(len(of.rows))[:deleted]] = False
    for query in of.queries[:20]:
        answer = {found.row for found in of.check(query, 50, allowed, recall=0.5)}
        scores, _ = oracle(of.rows, query, metric)
        best = np.flatnonzero(allowed)
        best = best[np.argsort(-scores[best], kind="stable")][:50]
        assert set(best.tolist()) & set(loose.tolist()) <= answer


@every_kind
@every_metric
def test_equal_rows_come_with_equal_scores_the_lower_number_first(
    metric: Metric, kind: str
) -> None:
    """In all segments, among the dropped ones and among the newest."""
    of = library(kind, metric)
    twins = [7, 8, 90, 1000, 2000, 3300, 3420, 3427, 3428, 3999]
    rows = of.rows.copy()
    longest = np.argmax(np.abs(as_matrix(rows)).sum(axis=1))
    rows[twins] = rows[longest] * np.float16(1 if metric is Metric.COSINE else 2)
    of = with_effort(changed(of, rows), probes=64, looks=8)
    query = as_matrix(rows[7])
    same = [row for row in range(len(rows)) if rows[row].tobytes() == rows[7].tobytes()]
    assert set(twins) <= set(same)
    for k in (len(same) + 5, len(same), len(same) - 1):
        answer = of.check(query, k)
        assert [found.row for found in answer[: len(same)]] == same[:k]
    assert [found.row for found in of.check(query, 3, np.arange(len(rows)) > 500)] == [
        row for row in same if row > 500
    ][:3]


@every_metric
def test_segments_put_together_without_some_rows_answer_as_before(metric: Metric) -> None:
    before = library("ivf in parts", metric)
    assert before.sealed is not None
    stay = np.random.default_rng(5).random(len(before.rows)) < 0.7
    renumbered = np.where(stay, np.cumsum(stay) - 1, -1)
    merged = codes.merge(before.sealed.codebook, before.sealed.segments, renumbered)
    sealed = replace(
        before.sealed,
        segments=(merged,),
        covered=int(stay[: before.sealed.covered].sum()),
        dropped=renumbered[before.sealed.dropped[stay[before.sealed.dropped]]],
    )
    after = replace(before, rows=before.rows[stay], sealed=sealed)
    assert len(merged) + len(sealed.dropped) + len(after.rows) - sealed.covered == stay.sum()
    for query in before.queries[:3]:
        all_of_them = before.check(query, len(before.rows), stay)
        moved = [Neighbour(int(renumbered[one.row]), one.score) for one in all_of_them]
        assert after.check(query, len(before.rows)) == moved
    held_to([after.share(query, 10) for query in after.queries], 0.9)


@every_kind
@every_metric
@pytest.mark.parametrize("count", [0, 1, 2, 11])
def test_small_libraries(count: int, metric: Metric, kind: str) -> None:
    """With an index that was made when there were more rows, if there is one."""
    of = library(kind, metric)
    if of.sealed is not None:
        split = count if kind == "ivf" else count // 2
        segment = encoded(of.sealed.codebook, of.rows, np.arange(split))
        of = replace(
            of,
            sealed=replace(
                of.sealed, segments=(segment,), covered=split, dropped=np.empty(0, np.int64)
            ),
        )
    of = replace(with_effort(of, probes=64, looks=8), rows=of.rows[:count])
    for query in of.queries[:3]:
        for k in (1, 10):
            assert of.share(query, k) == 1
    none = np.zeros(count, np.bool_)
    assert of.nearest(of.queries[:2], 3, none) == [[], []]


@every_kind
@every_metric
def test_damaged_rows_are_passed_over(metric: Metric, kind: str) -> None:
    of = library(kind, metric)
    rows = of.rows.copy()
    best = [found.row for found in of.check(of.queries[0], 6, recall=1)]
    rows[best[0], 3], rows[best[1]], rows[best[2], 5] = np.nan, np.nan, np.inf
    rows[best[3]], rows[-1, 0], rows[7, 0] = -np.inf, np.inf, np.nan
    after = changed(of, rows)
    for query in of.queries[:20]:
        after.check(query, 10)
    (answer,) = after.nearest(of.queries[:1], 100)
    assert [found.row for found in answer[:2]] == best[4:]
    assert len(after.check(of.queries[0], 4000)) == 4000 - 6


@every_kind
@every_metric
@pytest.mark.parametrize("damage", [np.nan, np.inf])
def test_rows_damaged_after_they_were_sealed_take_no_place(
    damage: float, metric: Metric, kind: str
) -> None:
    """As long as more rows are looked at than are damaged."""
    of = with_effort(library(kind, metric), probes=64, looks=4)
    rows = of.rows.copy()
    rows[[found.row for found in of.check(of.queries[0], 3, recall=0.5)], 0] = damage
    for k in (1, 10):
        replace(of, rows=rows).check(of.queries[0], k, recall=0.5)


@every_kind
@every_metric
def test_queries_that_cannot_be_compared_are_refused(metric: Metric, kind: str) -> None:
    of = library(kind, metric)
    for number in (np.nan, np.inf, -np.inf):
        queries = of.queries[:3].copy()
        queries[1, 4] = number
        with pytest.raises(UsageError, match="not finite"):
            of.nearest(queries, 3)
    queries = of.queries[:3].copy()
    queries[2] = 0
    if metric is Metric.L2:
        of.check(queries[2], 5)
    else:
        with pytest.raises(UsageError, match="query is zero"):
            of.nearest(queries, 3)
    with pytest.raises(UsageError, match="k is 0"):
        of.nearest(of.queries[:1], 0)
    with pytest.raises(UsageError, match="shape"):
        of.nearest(of.queries[:1, :-1], 1)


@every_kind
@pytest.mark.parametrize("far", [1.1e9, 1e19, 1e30, 3e38])
def test_distances_to_a_query_far_out_are_right(far: float, kind: str) -> None:
    of = library(kind, Metric.L2)
    query = of.queries[0].copy()
    query[2] = far
    assert of.share(query, 20) == 1


@every_kind
@pytest.mark.parametrize("far", [9e8])
def test_neighbours_of_a_query_far_out_are_found(far: float, kind: str) -> None:
    of = library(kind, Metric.L2)
    queries = of.queries.copy()
    queries[:, 2] += far
    held_to([of.share(query, 10) for query in queries], 0.9)


@every_kind
@pytest.mark.parametrize("metric", DIRECTED)
@pytest.mark.parametrize("length", [2.0**-120, 2.0**-20, 2.0**100])
def test_the_length_of_a_query_changes_no_order(length: float, metric: Metric, kind: str) -> None:
    of = library(kind, metric)
    for query in of.queries[:5]:
        once, other = of.check(query, 10), of.check(query * np.float32(length), 10)
        assert [found.row for found in once] == [found.row for found in other]


@every_kind
@every_metric
def test_many_queries_at_once_are_answered_as_each_alone(metric: Metric, kind: str) -> None:
    of = library(kind, metric)
    allowed = np.random.default_rng(3).random(len(of.rows)) < 0.5
    for filtered in (None, allowed):
        together = of.nearest(of.queries, 10, filtered)
        assert together == [of.check(query, 10, filtered) for query in of.queries]
    assert of.nearest(of.queries[:0], 10) == []


@every_kind
@every_metric
def test_a_query_that_needs_more_lists_changes_no_answer_beside_it(
    metric: Metric, kind: str
) -> None:
    of = with_effort(library(kind, metric), probes=1, looks=1)
    together = of.nearest(of.queries, 60, recall=0.5)
    assert together == [of.check(query, 60, recall=0.5) for query in of.queries]


@every_kind
def test_a_query_far_out_changes_no_answer_beside_it(kind: str) -> None:
    of = with_effort(library(kind, Metric.L2), probes=1, looks=1)
    queries = of.queries.copy()
    queries[0, 0] = 1e20
    together = of.nearest(queries, 10, recall=0.5)
    assert together == [of.check(query, 10, recall=0.5) for query in queries]


@every_kind
@every_metric
def test_all_of_the_true_neighbours_are_those_of_exact_search(metric: Metric, kind: str) -> None:
    of = with_effort(library(kind, metric), probes=1, looks=1, recall=0.9999)
    allowed = np.random.default_rng(4).random(len(of.rows)) < 0.4
    for query in of.queries[:10]:
        (answer,) = of.nearest(query[np.newaxis], 100, recall=1)
        assert answer == exact.nearest(of.rows, query, 100, metric)
        (answer,) = of.nearest(query[np.newaxis], 100, allowed, recall=1)
        assert answer == exact.nearest(of.rows, query, 100, metric, np.flatnonzero(~allowed))


@every_kind
@every_metric
def test_all_are_not_left_to_codes_that_missed_none_when_measured(
    metric: Metric, kind: str
) -> None:
    of = with_effort(library(kind, metric), probes=1, looks=1, recall=1.0)
    for query in of.queries[:10]:
        (answer,) = of.nearest(query[np.newaxis], 100, recall=1)
        assert answer == exact.nearest(of.rows, query, 100, metric)


@every_kind
@every_metric
def test_a_recall_that_codes_do_not_reach_gets_exact_search(metric: Metric, kind: str) -> None:
    of = with_effort(library(kind, metric), probes=1, looks=1, recall=0.5)
    for query in of.queries[:10]:
        (answer,) = of.nearest(query[np.newaxis], 100, recall=0.501)
        assert answer == exact.nearest(of.rows, query, 100, metric)


def hold_over(
    rows: Rows, query: Vector, score: float, metric: Metric, allowed: Array | None
) -> int:
    """Everything over a score comes, in order, and nothing else; gives how many."""
    among = None if allowed is None else Allowed(allowed)
    answer = approximate.over(Held(rows), query, score, metric, among)
    hold(answer, rows, query, len(answer), metric, allowed)
    scores, off = oracle(rows, query, metric)
    may = shown(scores, allowed)
    found = {one.row for one in answer}
    assert {int(row) for row in may if scores[row] >= score + off[row]} <= found
    assert all(one.score >= score for one in answer)
    return len(answer)


@every_metric
@given(data=st.data())
@settings(max_examples=150)
def test_everything_over_a_score_comes(metric: Metric, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    dimension = data.draw(st.sampled_from([1, 3, 8, 33]))
    count = data.draw(st.integers(1, 40))
    distinct = rng.integers(-2, 3, (count, dimension)) * data.draw(st.sampled_from([1e-4, 1, 3e3]))
    distinct[~distinct.any(axis=1), 0] = 1
    if metric is Metric.COSINE:
        distinct = distinct / np.linalg.norm(distinct, axis=1, keepdims=True)
    rows = distinct.astype(np.float16)[rng.integers(0, count, count)]
    if data.draw(st.booleans()):
        rows[rng.integers(count), rng.integers(dimension)] = data.draw(
            st.sampled_from([np.nan, np.inf, -np.inf])
        )
    allowed = rng.random(count) < data.draw(st.sampled_from([0, 0.5, 1]))
    query = (distinct[rng.integers(count)] + rng.integers(0, 2)).astype(np.float32)
    query[0] = query[0] or 1
    # The scores of rows themselves, so that whether they come hangs on the last bit.
    best = exact.nearest(rows, query, count, metric)
    at = [one.score for one in best] + [-np.inf, np.inf, 0.0, 0.3, -7.0]
    score = data.draw(st.sampled_from(at))
    for filtered in (None, allowed):
        found = hold_over(rows, query, score, metric, filtered)
        if filtered is None:
            assert found == sum(one.score >= score for one in best)


@every_metric
def test_everything_over_a_score_comes_of_many_rows(metric: Metric) -> None:
    of = library("exact", metric)
    allowed = np.random.default_rng(6).random(len(of.rows)) < 0.6
    for query in of.queries[:5]:
        best = exact.nearest(of.rows, query, len(of.rows), metric)
        for place in (0, 99, len(best) - 1):
            score = best[place].score
            assert hold_over(of.rows, query, score, metric, None) == place + 1
            beyond = float(np.nextafter(score, np.inf))
            assert hold_over(of.rows, query, beyond, metric, None) == place
            wanted = sum(allowed[one.row] for one in best[: place + 1])
            assert hold_over(of.rows, query, score, metric, allowed) == wanted


@every_metric
def test_a_score_that_float32_does_not_hold(metric: Metric) -> None:
    of = library("exact", metric)
    assert hold_over(of.rows, of.queries[0], -1e300, metric, None) == len(of.rows)
    assert hold_over(of.rows, of.queries[0], 1e300, metric, None) == 0
