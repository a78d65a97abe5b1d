"""Searches that are ranked through the graph, against the formula with whole matrices."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from lookgraph.errors import GraphNotFoundError
from lookgraph.graph.edges import Numbers
from lookgraph.graph.verdicts import NO_VERDICTS, Verdicts
from lookgraph.stores.base import Answer, GraphWanted
from lookgraph.stores.graphs import GRAPH_FOLDER
from lookgraph.stores.local import LocalStore
from lookgraph.types import (
    Array,
    IndexKind,
    Metric,
    Ranking,
    Selection,
    Vector,
    Verdict,
    VerdictKind,
)
from tests.conftest import needs_module
from tests.integration.indexed import (
    add,
    embeddings,
    forget,
    numbers,
    picture,
    queries,
    renew,
    scores,
    space,
)
from tests.integration.test_graph_following import link
from tests.unit.ranking.test_judged import same_and_different

COUNT, SHORTLIST, SPEAKING = 700, 100, 10
SPACE = space()

Said: TypeAlias = dict[int | None, tuple[set[int], set[int]]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    made = LocalStore(tmp_path_factory.mktemp("ranked") / "library")
    add(made, SPACE, range(COUNT))
    link(made, Metric.COSINE, GraphWanted(20))
    return made


def unit(rows: Array) -> Array:
    wide = rows.astype(np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=-1, keepdims=True))


def best_ten(row: int) -> list[int]:
    near = scores(Metric.COSINE, embeddings(Metric.COSINE)[row])[:COUNT]
    order = [int(other) for other in np.lexsort((np.arange(COUNT), -near)) if other != row]
    return order[:SPEAKING]


def wanted(
    query: Vector, k: int, itself: int | None = None, verdicts: Verdicts = NO_VERDICTS
) -> list[tuple[int, float]]:
    """The best of the shortlist and of what is the same, by the formula."""
    rows, near = unit(embeddings(Metric.COSINE)[:COUNT]), scores(Metric.COSINE, query)[:COUNT]
    order = [int(row) for row in np.lexsort((np.arange(COUNT), -near))]
    judged: Said = {row: said(verdicts, row) for row in named(verdicts)}

    def together(start: Array, row: int | None, others: list[int], scored: Array) -> Array:
        its, apart = judged.get(row, (set(), set()))
        heard = {other: max(0.0, scored[other]) ** 3 for other in others if other not in apart}
        heard |= dict.fromkeys(its, 1.0)
        more = [w * rows[j] for j, w in heard.items() if j not in (row, itself)]
        return np.asarray(start + sum(more))

    own = [row for row in order if row != itself][:SPEAKING]
    expanded = unit(together(unit(query), itself, own, near))
    its, apart = judged.get(itself, (set(), set()))
    most = max(SHORTLIST, k + len(apart))
    listed = [row for row in order[:most] if row not in apart]
    pulled = set().union(its, *(judged[row][0] for row in listed if row in judged))
    found = []
    for row in pulled | set(listed):
        whole = together(rows[row], row, best_ten(row), rows @ rows[row])
        found.append((row, float(expanded @ whole / np.linalg.norm(whole))))
    return sorted(found, key=lambda one: (one[0] != itself, one[0] not in its, -one[1]))[:k]


def named(verdicts: Verdicts) -> set[int]:
    return {*verdicts.same.reshape(-1).tolist(), *verdicts.different.reshape(-1).tolist()}


def said(verdicts: Verdicts, row: int) -> tuple[set[int], set[int]]:
    return same_and_different(verdicts, row, COUNT)


def found(answer: Answer) -> list[tuple[int, float]]:
    assert answer.is_ranked
    return [(numbers()[match.picture.id], match.rank_score or 0) for match in answer.matches]


def same(answer: Answer, expected: list[tuple[int, float]]) -> None:
    """The same rank scores in the same order; and each is that of its picture."""
    told = found(answer)
    assert [score for _, score in told] == pytest.approx([s for _, s in expected], abs=2e-4)
    of_each = dict(expected)
    assert len(of_each.keys() & dict(told)) >= len(told) - 1  # two may tie at the end


def test_queries_from_outside(store: LocalStore) -> None:
    asked = queries(Metric.COSINE)[1::2]
    for query, answer in zip(
        asked, store.search(SPACE, asked, 12, ranking=Ranking.GRAPH), strict=True
    ):
        same(answer, wanted(query, 12))
        for match in answer.matches:
            number = numbers()[match.picture.id]
            assert match.score == pytest.approx(scores(Metric.COSINE, query)[number], abs=1e-9)


def test_a_picture_of_the_library_comes_first_and_does_not_speak(store: LocalStore) -> None:
    for number in (3, 8, 9, 44):  # 8 and 9 are alike
        query = embeddings(Metric.COSINE)[number]
        (answer,) = store.search(
            SPACE, query[np.newaxis], 12, ranking=Ranking.GRAPH, asked=[picture(number).id]
        )
        assert numbers()[answer.matches[0].picture.id] == number
        same(answer, wanted(query, 12, number))


def judge(store: LocalStore, verdicts: Verdicts) -> None:
    with store.write() as writer:
        for kind, pairs in (
            (VerdictKind.SAME, verdicts.same),
            (VerdictKind.DIFFERENT, verdicts.different),
        ):
            for pair in pairs.tolist():
                first, second = sorted(picture(number).id for number in pair)
                writer.judge(Verdict(first, second, kind, "2026-01-02T03:04:05Z"))


def pairs(*listed: tuple[int, ...]) -> Numbers:
    return np.array(listed, np.int32).reshape(-1, 2)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalStore, Verdicts]:
    """Picture 3 is the same as the 150th from it, and as one more by that; its nearest is not."""
    made = LocalStore(tmp_path_factory.mktemp("judged") / "library")
    add(made, SPACE, range(COUNT))
    link(made, Metric.COSINE, GraphWanted(20))
    near = best_ten(3)
    far = int(np.argsort(-scores(Metric.COSINE, embeddings(Metric.COSINE)[3])[:COUNT])[150])
    other = best_ten(far)[3]
    verdicts = Verdicts(
        pairs((3, far), tuple(sorted((far, other))), (20, 21)),
        pairs((3, near[0]), tuple(sorted((other, near[1]))), (44, 84), (44, 124), (44, 164)),
    )
    judge(made, verdicts)
    return made, verdicts


def test_what_is_the_same_follows_and_what_is_different_is_left_out(
    judged: tuple[LocalStore, Verdicts],
) -> None:
    store, verdicts = judged
    for number in (3, 8, 20, 44, int(verdicts.same[0, 1])):
        query = embeddings(Metric.COSINE)[number]
        (answer,) = store.search(
            SPACE, query[np.newaxis], 12, ranking=Ranking.GRAPH, asked=[picture(number).id]
        )
        same(answer, wanted(query, 12, number, verdicts))
        told, (its, apart) = [row for row, _ in found(answer)], said(verdicts, number)
        assert told[0] == number
        assert set(told[: len(its)]) == its
        assert not apart & set(told)
        near = scores(Metric.COSINE, query)
        for row, match in zip(told, answer.matches, strict=True):
            assert match.score == pytest.approx(near[row], abs=1e-9)


@pytest.mark.parametrize("number", [3, 44])
def test_all_that_are_not_left_out_come(judged: tuple[LocalStore, Verdicts], number: int) -> None:
    store, verdicts = judged
    query, asked = embeddings(Metric.COSINE)[number], [picture(number).id]
    apart = said(verdicts, number)[1]
    for k in (SHORTLIST - 1, SHORTLIST, COUNT):
        (answer,) = store.search(SPACE, query[np.newaxis], k, ranking=Ranking.GRAPH, asked=asked)
        told = {row for row, _ in found(answer)}
        assert len(told) == len(answer.matches) == min(k, COUNT - len(apart))
        assert not told & apart


def test_queries_from_outside_hear_what_was_said(judged: tuple[LocalStore, Verdicts]) -> None:
    store, verdicts = judged
    asked = queries(Metric.COSINE)[1::2] + 2 * embeddings(Metric.COSINE)[3]
    answers = store.search(SPACE, asked, 12, ranking=Ranking.GRAPH)
    for query, answer in zip(asked, answers, strict=True):
        same(answer, wanted(query, 12, None, verdicts))


def test_what_is_the_same_as_one_that_was_found_is_found(
    judged: tuple[LocalStore, Verdicts],
) -> None:
    store, verdicts = judged
    query, far = embeddings(Metric.COSINE)[3], int(verdicts.same[0, 1])
    (answer,) = store.search(SPACE, query[np.newaxis], 140, ranking=Ranking.GRAPH)
    (plain,) = store.search(SPACE, query[np.newaxis], 140)
    assert picture(far).id not in {match.picture.id for match in plain.matches}
    assert picture(far).id in {match.picture.id for match in answer.matches}
    same(answer, wanted(query, 140, None, verdicts))


def test_what_may_not_answer_is_not_pulled(judged: tuple[LocalStore, Verdicts]) -> None:
    store, verdicts = judged
    query, far = embeddings(Metric.COSINE)[3], int(verdicts.same[0, 1])
    among = Selection(ids=frozenset(picture(row).id for row in range(COUNT) if row != far))
    (answer,) = store.search(
        SPACE, query[np.newaxis], 12, among, ranking=Ranking.GRAPH, asked=[picture(3).id]
    )
    told = [row for row, _ in found(answer)]
    assert far not in told
    assert set(told[:2]) == said(verdicts, 3)[0] - {far}


def test_auto_is_the_graph_where_there_is_one_and_cosine_stays(store: LocalStore) -> None:
    asked = queries(Metric.COSINE)[1:2]
    (by_graph,) = store.search(SPACE, asked, 5, ranking=Ranking.GRAPH)
    (auto,) = store.search(SPACE, asked, 5, ranking=Ranking.AUTO)
    assert auto == by_graph
    (plain,) = store.search(SPACE, asked, 5, ranking=Ranking.COSINE)
    assert not plain.is_ranked
    assert [match.rank_score for match in plain.matches] == [None] * 5
    near = [match.score for match in plain.matches]
    assert near == sorted(near, reverse=True)


def test_without_a_graph_and_with_other_metrics(tmp_path: Path) -> None:
    for metric in Metric:
        store, which = LocalStore(tmp_path / metric / "library"), space(metric)
        add(store, which, range(60))
        if metric is not Metric.COSINE:
            link(store, metric, GraphWanted(5))
        (auto,) = store.search(which, queries(metric)[:1], 5, ranking=Ranking.AUTO)
        assert (auto.is_ranked, auto.graph_fault) == (False, None)
        with pytest.raises(GraphNotFoundError):
            store.search(which, queries(metric)[:1], 5, ranking=Ranking.GRAPH)


def test_new_and_removed_pictures_are_ranked_before_the_graph_is_renewed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "library")
    add(store, SPACE, range(200))
    link(store, Metric.COSINE, GraphWanted(20))
    query = embeddings(Metric.COSINE)[300]
    add(store, SPACE, range(200, 320))
    forget(store, range(10, 20))
    (answer,) = store.search(SPACE, query[np.newaxis], 400, ranking=Ranking.GRAPH)
    listed = [number for number, _ in found(answer)]
    assert sorted(listed) == [number for number in range(320) if not 10 <= number < 20]
    near = scores(Metric.COSINE, query)
    assert near[listed[0]] > np.sort(near[listed])[-20]
    rank_scores = [score for _, score in found(answer)]
    assert rank_scores == sorted(rank_scores, reverse=True)
    assert max(rank_scores) <= 1 + 1e-5


def test_among_some_pictures_only_these_come(store: LocalStore) -> None:
    asked = queries(Metric.COSINE)[1:2]
    among = Selection(under="a/b")
    (answer,) = store.search(SPACE, asked, 300, among, ranking=Ranking.GRAPH)
    (plain,) = store.search(SPACE, asked, 300, among)
    ids = {match.picture.id for match in answer.matches}
    assert ids == {match.picture.id for match in plain.matches}


def test_through_the_index(tmp_path: Path) -> None:
    needs_module("faiss")
    store = LocalStore(tmp_path / "library")
    add(store, SPACE, range(6000))
    renew(store, SPACE, IndexKind.IVF)
    link(store, Metric.COSINE, GraphWanted(20))
    asked = queries(Metric.COSINE)[1::2]
    exact = store.search(SPACE, asked, 10, recall=1, ranking=Ranking.GRAPH)
    coded = store.search(SPACE, asked, 10, ranking=Ranking.GRAPH)
    assert {answer.by for answer in coded} == {IndexKind.IVF}
    pairs = zip(exact, coded, strict=True)
    shares = [len(dict(found(one)).keys() & dict(found(other))) / 10 for one, other in pairs]
    assert np.mean(shares) > 0.85  # the recall that is promised is that of the first ten


def test_a_damaged_graph_is_named_and_done_without(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "library")
    add(store, SPACE, range(60))
    link(store, Metric.COSINE, GraphWanted(20))
    (file,) = (store.folder / GRAPH_FOLDER).glob("*.norms.npy")
    file.write_bytes(file.read_bytes()[:-1])
    (answer,) = store.search(SPACE, queries(Metric.COSINE)[:1], 5, ranking=Ranking.AUTO)
    assert not answer.is_ranked
    assert answer.fault is None
    assert answer.graph_fault is not None
    assert "norms.npy is not what was written" in answer.graph_fault
