"""Evaluation as a whole against the same written out one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookgraph.errors import UsageError
from lookgraph.evaluation import ranking
from lookgraph.evaluation.bootstrap import Measure
from lookgraph.evaluation.quality import compare, evaluate
from lookgraph.evaluation.ranking import rankings
from lookgraph.evaluation.split import split
from lookgraph.types import Array, Integers, Matrix, Metric


def pictures(count: int, dimension: int, seed: int, spread: float = 1.0) -> tuple[Matrix, Integers]:
    """Embeddings in five classes that overlap, as much as the spread says."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, count)
    centres = rng.standard_normal((5, dimension))
    embeddings = centres[labels] + spread * rng.standard_normal((count, dimension))
    return embeddings.astype(np.float32), labels


def score(a: Array, b: Array, metric: Metric) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    if metric is Metric.L2:
        return -float(np.linalg.norm(a - b))
    product = float(np.dot(a, b))
    return (
        product
        if metric is Metric.INNER_PRODUCT
        else product / float(np.linalg.norm(a) * np.linalg.norm(b))
    )


def measured_slowly(
    embeddings: Matrix, labels: Integers, metric: Metric, asking: Integers, database: Integers
) -> Array:
    each = []
    for query in asking:
        order = sorted(database, key=lambda x: -score(embeddings[query], embeddings[x], metric))
        right = [labels[x] == labels[query] for x in order]
        precisions = [sum(right[: i + 1]) / (i + 1) for i in range(len(right)) if right[i]]
        each.append([right[0], sum(right[:10]) / 10, sum(precisions) / len(precisions)])
    return np.array(each, np.float64)


@pytest.mark.parametrize("metric", Metric)
def test_every_query_is_measured_as_one_by_one(metric: Metric) -> None:
    embeddings, labels = pictures(120, 6, seed=0, spread=2)
    embeddings *= np.linspace(0.2, 5, 120, dtype=np.float32)[:, None]  # so that metrics differ
    quality = evaluate(embeddings, labels, metric, seed=3)
    asking, database = split(labels, 0.2, 3)
    wanted = measured_slowly(embeddings, labels, metric, asking, database)
    assert quality.asking.tolist() == asking.tolist()
    assert quality.each == pytest.approx(wanted, abs=1e-12)
    means = [quality.p1.mean, quality.p10.mean, quality.map.mean]
    assert means == pytest.approx(wanted.mean(axis=0).tolist())
    for measure in (quality.p1, quality.p10, quality.map):
        assert 0 <= measure.low < measure.mean < measure.high <= 1
    assert (quality.queries, quality.database, quality.classes) == (len(asking), len(database), 5)


@pytest.mark.parametrize("metric", Metric)
def test_blocks_do_not_show(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, labels = pictures(90, 4, seed=1)
    whole = evaluate(embeddings, labels, metric)
    monkeypatch.setattr(ranking, "_SCORES", 300)
    monkeypatch.setattr(ranking, "_ROWS", 7)
    assert evaluate(embeddings, labels, metric) == whole


@given(seed=st.integers(0, 2**32), metric=st.sampled_from(Metric))
@settings(max_examples=25)
def test_the_order_and_the_names_of_things_do_not_count(seed: int, metric: Metric) -> None:
    """The database shuffled, the axes shuffled, and other numbers for the classes."""
    rng = np.random.default_rng(seed)
    embeddings, labels = pictures(60, 5, seed)
    queries, rest = embeddings[:10], embeddings[10:]
    shuffle, axes = rng.permutation(50), rng.permutation(5)
    ((_, order),) = rankings(queries, rest, metric)
    ((_, other),) = rankings(queries[:, axes], rest[shuffle][:, axes], metric)
    assert (shuffle[other] == order).all()
    quality = evaluate(embeddings, labels, metric)
    assert evaluate(embeddings, labels * 3 + 100, metric) == quality


@pytest.mark.parametrize("metric", Metric)
def test_classes_apart_from_each_other_are_found_without_a_mistake(metric: Metric) -> None:
    labels = np.repeat(np.arange(3), 20)
    embeddings = np.eye(3, dtype=np.float32)[labels] + np.float32(0.01)
    quality = evaluate(embeddings, labels, metric)
    assert quality.p1 == quality.p10 == quality.map == Measure(1.0, 1.0, 1.0)


def test_random_embeddings_find_a_class_as_often_as_it_is_there() -> None:
    rng = np.random.default_rng(5)
    embeddings = rng.standard_normal((2000, 8)).astype(np.float32)
    quality = evaluate(embeddings, np.arange(2000) % 4, Metric.COSINE)
    assert quality.p1.low < 0.25 < quality.p1.high
    assert quality.p10.low < 0.25 < quality.p10.high
    # What average precision is to be expected of 400 among 1,600 in random order: a place is
    # relevant with a chance of a quarter, and then so are 399 of the other 1,599.
    place = np.arange(1, 1601)
    expected = ((1 + (place - 1) * 399 / 1599) / place).mean()
    assert quality.map.low < expected < quality.map.high


def test_a_query_does_not_find_its_own_bytes() -> None:
    """Every picture is there twice; only by copies would the nearest be of the same class."""
    rng = np.random.default_rng(6)
    embeddings = np.repeat(rng.standard_normal((200, 16)).astype(np.float32), 2, axis=0)
    labels = np.repeat(np.arange(200) % 20, 2)
    flattered = evaluate(embeddings, labels, Metric.COSINE)
    honest = evaluate(embeddings, labels, Metric.COSINE, groups=np.repeat(np.arange(200), 2))
    assert flattered.p1.mean > 0.6
    assert honest.p1.mean < 0.2


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    embeddings, labels = pictures(100, 6, seed=7, spread=2)
    quality = evaluate(embeddings, labels, Metric.COSINE, seed=1)
    again = evaluate(embeddings, labels, Metric.COSINE, seed=1)
    assert again == quality
    assert (again.each == quality.each).all()
    assert evaluate(embeddings, labels, Metric.COSINE, seed=2) != quality


# Two evaluations


def test_a_worse_space_is_seen_to_be_worse() -> None:
    embeddings, labels = pictures(600, 12, seed=8)
    noise = np.random.default_rng(9).standard_normal(embeddings.shape) * 2
    good = evaluate(embeddings, labels, Metric.COSINE)
    bad = evaluate((embeddings + noise).astype(np.float32), labels, Metric.L2)
    difference = compare(good, bad)
    for more, a, b in (
        (difference.p1, good.p1, bad.p1),
        (difference.p10, good.p10, bad.p10),
        (difference.map, good.map, bad.map),
    ):
        assert more.mean == pytest.approx(a.mean - b.mean)
        assert 0 < more.low < more.mean < more.high
        # Paired, it is surer than the two intervals side by side.
        assert more.high - more.low < (a.high - a.low) + (b.high - b.low)
    back = compare(bad, good)
    assert back.map.mean == -difference.map.mean
    assert back.map.low == pytest.approx(-difference.map.high)


def test_what_is_the_same_differs_by_nothing() -> None:
    quality = evaluate(*pictures(80, 4, seed=10), Metric.COSINE)
    difference = compare(quality, quality)
    assert difference.p1 == difference.p10 == difference.map == Measure(0.0, 0.0, 0.0)


def test_evaluations_with_other_queries_cannot_be_compared() -> None:
    embeddings, labels = pictures(80, 4, seed=11)
    one = evaluate(embeddings, labels, Metric.COSINE, seed=0)
    other = evaluate(embeddings, labels, Metric.COSINE, seed=1)
    with pytest.raises(UsageError, match="different queries"):
        compare(one, other)


# What is refused


@pytest.mark.parametrize("metric", Metric)
def test_numbers_that_are_not_finite_are_refused(metric: Metric) -> None:
    embeddings, labels = pictures(40, 4, seed=12)
    embeddings[7, 2] = np.nan
    with pytest.raises(UsageError, match="not finite"):
        evaluate(embeddings, labels, metric)


def test_a_zero_embedding_is_refused_where_it_has_no_cosine() -> None:
    embeddings, labels = pictures(40, 4, seed=13)
    embeddings[7] = 0
    with pytest.raises(UsageError, match="zero"):
        evaluate(embeddings, labels, Metric.COSINE)
    assert evaluate(embeddings, labels, Metric.L2).queries == 8


def test_labels_and_groups_must_be_as_many_as_the_embeddings() -> None:
    embeddings, labels = pictures(40, 4, seed=14)
    with pytest.raises(UsageError, match=r"labels have shape \(39,\)"):
        evaluate(embeddings, labels[1:], Metric.COSINE)
    with pytest.raises(UsageError, match=r"groups have shape \(39,\)"):
        evaluate(embeddings, labels, Metric.COSINE, groups=labels[1:])
