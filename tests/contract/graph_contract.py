"""What every store must do with graphs, as values against whole matrices in float64.

A test module subclasses `GraphContract` for each store. It gives the fixture `store`, as
`tests.contract.store_contract` has it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import networkx
import numpy as np
import pytest

from lookgraph.errors import GraphNotFoundError, GraphTooLargeError, LibraryNotFoundError
from lookgraph.stores.base import Answer, GraphView, GraphWanted, Store
from lookgraph.stores.signatures import Signatures
from lookgraph.types import (
    EVERYTHING,
    Array,
    Metric,
    Ranking,
    Selection,
    Space,
    Verdict,
    VerdictKind,
)
from tests.contract.store_contract import commit, entry, picture

COUNT, DIMENSION, SPEAKING = 60, 8, 10
SPACE = Space("graph", "c" * 64, 1, Metric.COSINE, DIMENSION)
ALL = range(COUNT)

Scored = dict[frozenset[int], float]
"""Pairs of pictures, by their numbers, and how alike they are."""


def _drawn() -> Array:
    """Unit rows about ten centres, as they are stored, shape (COUNT, DIMENSION)."""
    generator = np.random.default_rng(11)
    centres = generator.standard_normal((10, DIMENSION))
    found = centres[np.arange(COUNT) % 10] + 0.5 * generator.standard_normal((COUNT, DIMENSION))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found.astype(np.float16).astype(np.float64))


ROWS = _drawn()
UNIT = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
COSINES = UNIT @ UNIT.T
IDS = [picture(str(number)).id for number in ALL]
NUMBERS = {id_: number for number, id_ in enumerate(IDS)}


def scores_of(metric: Metric) -> Array:
    """Of each row with each, shape (COUNT, COUNT)."""
    if metric is Metric.L2:
        return np.asarray(-np.linalg.norm(ROWS[:, np.newaxis] - ROWS, axis=2))
    return COSINES if metric is Metric.COSINE else np.asarray(ROWS @ ROWS.T)


def path(number: int) -> str:
    return f"{'ab'[number % 2]}/{number}.jpg"


def add(store: Store, numbers: Iterable[int], space: Space = SPACE) -> None:
    numbers = list(numbers)
    vectors = {str(number): ROWS[number].astype(np.float32) for number in numbers}
    commit(store, [entry(path(number), str(number)) for number in numbers], space, **vectors)


def forget(store: Store, *numbers: int) -> None:
    with store.write() as writer:
        writer.forget([path(number) for number in numbers])


def link(store: Store, wanted: GraphWanted | None = None, space: Space = SPACE) -> list[float]:
    """Renew the graph; what was told of how far that was."""
    told: list[float] = []
    with store.write() as writer:
        writer.renew_graph(space, wanted, told.append)
    return told


def say(store: Store, *pairs: tuple[int, int, VerdictKind]) -> None:
    with store.write() as writer:
        for one, other, kind in pairs:
            first, second = sorted((IDS[one], IDS[other]))
            writer.judge(Verdict(first, second, kind, "2026-11-21T00:00:00Z"))


# What is right


def nearest(number: int, among: Sequence[int], k: int, scores: Array) -> list[int]:
    others = (other for other in among if other != number)
    return sorted(others, key=lambda other: -scores[number, other])[:k]


def edges(wanted: GraphWanted, among: Sequence[int] = ALL, scores: Array = COSINES) -> Scored:
    near = {one: nearest(one, among, wanted.neighbours, scores) for one in among}
    told = {(one, other) for one, its in near.items() for other in its}
    kept = {pair for pair in told if not wanted.mutual or pair[::-1] in told}
    if wanted.threshold is not None:
        kept |= {(i, j) for i in among for j in among if i < j and scores[i, j] >= wanted.threshold}
    return {frozenset(pair): float(scores[pair]) for pair in kept}


def pairs_over(threshold: float, among: Sequence[int] = ALL) -> Scored:
    return edges(GraphWanted(0, threshold), among)


def rank_scores(query: Array, itself: int | None, among: Sequence[int] = ALL) -> dict[int, float]:
    """By the formula of `lookgraph.ranking.propagation`, best first."""
    asked = query / np.linalg.norm(query)
    near = UNIT @ asked

    def together(start: Array, speaking: Iterable[int], scores: Array) -> Array:
        weighted = [max(0.0, scores[j]) ** 3 * UNIT[j] for j in speaking if j != itself]
        return np.asarray(start + sum(weighted))

    own = sorted((j for j in among if j != itself), key=lambda j: -near[j])[:SPEAKING]
    expanded = together(asked, own, near)
    expanded /= np.linalg.norm(expanded)
    found = {}
    for i in among:
        whole = together(UNIT[i], nearest(i, among, SPEAKING, COSINES), COSINES[i])
        found[i] = float(expanded @ whole / np.linalg.norm(whole))
    order = sorted(found, key=lambda i: (i != itself, -found[i]))
    return {i: found[i] for i in order}


# What is told


def numbers_of(view: GraphView) -> dict[int, int]:
    """The number of the picture of each live row."""
    rows = np.flatnonzero(view.live())
    matches = view.matches(rows, np.zeros(len(rows)))
    ids = (match.picture.id for match in matches)
    return {row: NUMBERS[id_] for row, id_ in zip(rows.tolist(), ids, strict=True)}


def edges_in(view: GraphView) -> Scored:
    number_of, found = numbers_of(view), view.graph.edges()
    ends = zip(found.first.tolist(), found.second.tolist(), found.scores.tolist(), strict=True)
    return {
        frozenset((number_of[one], number_of[other])): score
        for one, other, score in ends
        if one in number_of and other in number_of
    }


def alike_in(store: Store, threshold: float, space: Space = SPACE) -> Scored:
    found = store.alike(space, threshold, lambda _: None)
    numbers = [NUMBERS[id_] for id_ in found.ids]
    ends = np.stack([found.edges.first, found.edges.second], axis=1).tolist()
    pairs = [frozenset(numbers[end] for end in pair) for pair in ends]
    assert len(set(pairs)) == len(pairs)
    return dict(zip(pairs, found.edges.scores.tolist(), strict=True))


def same(told: Scored, right: Scored) -> None:
    assert told.keys() == right.keys()
    assert [told[pair] for pair in right] == pytest.approx(list(right.values()), abs=1e-6)


def found_by(answer: Answer) -> list[int]:
    return [NUMBERS[match.picture.id] for match in answer.matches]


def ask(
    store: Store, number: int, k: int, among: Selection = EVERYTHING, ranking: str = "graph"
) -> Answer:
    """Search with a picture of the library."""
    query = ROWS[number].astype(np.float32)[np.newaxis]
    (answer,) = store.search(SPACE, query, k, among, ranking=Ranking(ranking), asked=[IDS[number]])
    return answer


class GraphContract:
    """Subclasses give the fixture `store`."""

    # Making graphs

    def test_nothing_is_known_before_the_first_write(self, store: Store) -> None:
        for read in (
            lambda: store.graph(SPACE).__enter__(),
            lambda: store.graph_status(SPACE),
            lambda: store.alike(SPACE, 0.9, lambda _: None),
        ):
            with pytest.raises(LibraryNotFoundError, match="lookgraph index"):
                read()

    def test_there_is_no_graph_until_one_is_asked_for(self, store: Store) -> None:
        add(store, ALL)
        link(store)
        assert store.graph_status(SPACE) is None
        assert store.status().spaces[0].graph is None
        with (
            pytest.raises(GraphNotFoundError, match="lookgraph graph build"),
            store.graph(SPACE),
        ):
            pass

    @pytest.mark.parametrize(
        ("wanted", "metric"),
        [
            (GraphWanted(3), Metric.COSINE),
            (GraphWanted(5, mutual=True), Metric.COSINE),
            (GraphWanted(0, 0.85), Metric.COSINE),
            (GraphWanted(2, 0.9), Metric.COSINE),
            (GraphWanted(100), Metric.COSINE),
            (GraphWanted(3, -0.4), Metric.L2),
            (GraphWanted(3, 0.9), Metric.INNER_PRODUCT),
        ],
    )
    def test_the_edges_are_those_that_were_asked_for(
        self, store: Store, wanted: GraphWanted, metric: Metric
    ) -> None:
        space = replace(SPACE, metric=metric)
        add(store, ALL, space)
        shares = link(store, wanted, space)
        assert shares == sorted(shares)
        assert {0 <= share <= 1 for share in shares} == {True}
        right = edges(wanted, scores=scores_of(metric))
        with store.graph(space) as view:
            same(edges_in(view), right)
            assert sorted(numbers_of(view).values()) == list(ALL)
        status = store.graph_status(space)
        assert status
        assert (status.wanted, status.pictures, status.edges) == (wanted, COUNT, len(right))
        assert (status.behind, status.fault) == (0, None)
        assert store.status().spaces[0].graph == status

    def test_neighbours_groups_and_paths_are_of_the_edges(self, store: Store) -> None:
        add(store, ALL)
        link(store, GraphWanted(8))
        graph = networkx.Graph()
        graph.add_nodes_from(ALL)
        right = edges(GraphWanted(8))
        graph.add_edges_from(tuple(pair) for pair, score in right.items() if score >= 0.8)
        with store.graph(SPACE) as view:
            number_of = numbers_of(view)
            row_of = {number: row for row, number in number_of.items()}
            for number in ALL:
                its = view.graph.neighbours.numbers[row_of[number]].tolist()
                assert [number_of[row] for row in its] == nearest(number, ALL, 8, COSINES)
            groups = [{number_of[row] for row in rows.tolist()}
                      for rows in view.graph.linkage.groups(0.8)]  # fmt: skip
            components = [its for its in networkx.connected_components(graph) if len(its) > 1]
            assert sorted(map(sorted, groups)) == sorted(map(sorted, components))
            way = view.graph.path(row_of[0], row_of[1])
            widest = networkx.Graph()
            widest.add_weighted_edges_from((*pair, -score) for pair, score in right.items())
            tree = networkx.minimum_spanning_tree(widest)
            chain = networkx.shortest_path(tree, 0, 1)
            weakest = min(COSINES[pair] for pair in pairwise(chain))
            assert way
            assert min(way.scores) == pytest.approx(weakest, abs=1e-6)

    def test_too_many_pairs_are_refused_and_what_was_there_stays(self, store: Store) -> None:
        add(store, ALL)
        link(store, GraphWanted(2))
        with pytest.raises(GraphTooLargeError, match="pairs reach"):
            link(store, GraphWanted(0, 0.5, most=10))
        with store.graph(SPACE) as view:
            same(edges_in(view), edges(GraphWanted(2)))

    # Views

    def test_a_view_tells_what_its_rows_are(self, store: Store) -> None:
        add(store, ALL)
        commit(store, [entry("another copy", "7")], SPACE)
        link(store, GraphWanted(3))
        with store.graph(SPACE) as view:
            rows = [view.row_of(IDS[number]) for number in (7, 3, 7)]
            known = np.array([row for row in rows if row is not None])
            matches = view.matches(known, np.array([0.5, -1.0, 0.25]))
            assert [NUMBERS[match.picture.id] for match in matches] == [7, 3, 7]
            assert matches[1].picture == picture("3")
            assert matches[0].paths == ("another copy", "b/7.jpg")
            assert [match.score for match in matches] == [0.5, -1.0, 0.25]
            assert np.array_equal(view.rows[known].astype(np.float64), ROWS[[7, 3, 7]])
            assert view.rows.dtype == np.float16
            scores = view.scores_to(int(known[0]), known)
            assert scores.tolist() == pytest.approx(COSINES[7, [7, 3, 7]].tolist(), abs=1e-12)
            assert view.scores_to(int(known[0]), known[:0]).shape == (0,)
            assert view.row_of("0" * 64) is None

    def test_a_graph_knows_what_it_is_of_until_it_follows(self, store: Store) -> None:
        wanted = GraphWanted(3, 0.9)
        add(store, range(50))
        link(store, wanted)
        forget(store, 5, 6)
        add(store, range(50, COUNT))
        status = store.graph_status(SPACE)
        assert status
        assert (status.pictures, status.behind) == (48, 12)
        with store.graph(SPACE) as view:
            left = [number for number in range(50) if number not in (5, 6)]
            assert sorted(numbers_of(view).values()) == left
            for number in (5, 55):
                assert view.row_of(IDS[number]) is None
            before = edges(wanted, range(50))
            same(edges_in(view), {pair: s for pair, s in before.items() if not pair & {5, 6}})
        link(store)
        now = [number for number in ALL if number not in (5, 6)]
        for _ in range(2):
            status = store.graph_status(SPACE)
            assert status
            assert (status.wanted, status.pictures, status.behind) == (wanted, 58, 0)
            with store.graph(SPACE) as view:
                same(edges_in(view), edges(wanted, now))
                assert sorted(numbers_of(view).values()) == now
            with store.write() as writer:  # which changes nothing that can be seen
                writer.compact(SPACE)

    def test_a_view_stays_as_it_is_while_somebody_writes(self, store: Store) -> None:
        add(store, range(40))
        link(store, GraphWanted(3))
        with store.graph(SPACE) as view:
            before = edges_in(view)
            add(store, range(40, COUNT))
            link(store, GraphWanted(2))
            assert edges_in(view) == before
            row = view.row_of(IDS[3])
            assert row is not None
            assert view.scores_to(row, np.array([row])).tolist() == pytest.approx([1], abs=1e-12)
        with store.graph(SPACE) as view:
            same(edges_in(view), edges(GraphWanted(2)))

    def test_each_space_has_its_own(self, store: Store) -> None:
        other = replace(SPACE, metric=Metric.L2)
        add(store, ALL)
        add(store, range(30), other)
        link(store, GraphWanted(2))
        assert store.graph_status(other) is None
        link(store, GraphWanted(3), other)
        with store.graph(SPACE) as view:
            same(edges_in(view), edges(GraphWanted(2)))
        with store.graph(other) as view:
            same(edges_in(view), edges(GraphWanted(3), range(30), scores_of(Metric.L2)))
        with store.write() as writer:
            writer.remove_space(SPACE)
        assert store.graph_status(SPACE) is None
        with store.graph(other) as view:
            assert len(numbers_of(view)) == 30

    # Verdicts

    def test_a_view_knows_what_people_have_said_of_its_pictures(self, store: Store) -> None:
        add(store, range(50))
        link(store, GraphWanted(3))
        add(store, [55])
        same_, different = VerdictKind.SAME, VerdictKind.DIFFERENT
        say(store, (4, 1, same_), (1, 9, same_), (9, 2, different), (20, 21, different))
        say(store, (0, 55, same_))  # which is not in the graph yet
        assert verdicts_in(store) == ([{1, 4, 9}], [({1, 4, 9}, {2}), ({20}, {21})])
        forget(store, 1, 21)
        assert verdicts_in(store) == ([{4, 9}], [({2}, {4, 9})])
        with store.write() as writer:
            assert writer.withdraw(*sorted((IDS[9], IDS[2])))
        assert verdicts_in(store) == ([{4, 9}], [])
        link(store)
        assert verdicts_in(store) == ([{0, 55}, {4, 9}], [])

    # Ranking

    @pytest.mark.parametrize("number", [0, 17, 42])
    def test_a_picture_is_ranked_by_the_formula(self, store: Store, number: int) -> None:
        add(store, ALL)
        link(store, GraphWanted(12))
        right = rank_scores(ROWS[number], number)
        for k in (1, 7, COUNT + 5):
            answer = ask(store, number, k)
            assert answer.is_ranked
            told, ranks = found_by(answer), [match.rank_score for match in answer.matches]
            assert told[0] == number
            assert len(set(told)) == len(told) == min(k, COUNT)
            assert ranks == pytest.approx([right[one] for one in told], abs=2e-4)
            assert ranks == pytest.approx(list(right.values())[:k], abs=2e-4)
            scores = [match.score for match in answer.matches]
            assert scores == pytest.approx(COSINES[number, told].tolist(), abs=1e-9)
        # It is another order than that of the cosines.
        by_cosine = found_by(ask(store, number, COUNT, ranking="cosine"))
        assert by_cosine != found_by(ask(store, number, COUNT))

    def test_what_is_no_picture_of_the_library_is_ranked_too(self, store: Store) -> None:
        add(store, ALL)
        link(store, GraphWanted(12))
        queries = np.random.default_rng(4).standard_normal((3, DIMENSION)).astype(np.float32)
        answers = store.search(SPACE, queries, 9, ranking=Ranking.AUTO)
        for query, answer in zip(queries, answers, strict=True):
            right = rank_scores(query.astype(np.float64), None)
            assert [match.rank_score for match in answer.matches] == pytest.approx(
                list(right.values())[:9], abs=2e-4
            )

    def test_only_what_may_answer_is_ranked(self, store: Store) -> None:
        add(store, ALL)
        link(store, GraphWanted(12))
        forget(store, 4, 8)
        told = found_by(ask(store, 0, COUNT, Selection(under="a")))
        assert sorted(told) == [number for number in ALL[::2] if number not in (4, 8)]
        assert told[0] == 0

    def test_what_is_the_same_comes_first_and_what_is_different_not_at_all(
        self, store: Store
    ) -> None:
        add(store, ALL)
        link(store, GraphWanted(12))
        first, *_, last = list(rank_scores(ROWS[0], 0))[1:]
        say(store, (0, last, VerdictKind.SAME), (first, 0, VerdictKind.DIFFERENT))
        told = found_by(ask(store, 0, COUNT))
        assert told[:2] == [0, last]
        assert sorted(told) == [number for number in ALL if number != first]
        with store.write() as writer:
            writer.withdraw(*sorted((IDS[0], IDS[first])))
        assert first in found_by(ask(store, 0, COUNT))

    def test_without_a_graph_nothing_is_ranked_through_one(self, store: Store) -> None:
        add(store, ALL)
        with pytest.raises(GraphNotFoundError, match="lookgraph graph build"):
            ask(store, 0, 3)
        for wanted in (None, GraphWanted(12)):
            link(store, wanted)
            answer = ask(store, 0, COUNT, ranking="cosine" if wanted else "auto")
            assert not answer.is_ranked
            assert [match.rank_score for match in answer.matches] == [None] * COUNT
            assert found_by(answer) == sorted(ALL, key=lambda number: -COSINES[0, number])

    # Duplicates

    @pytest.mark.parametrize("wanted", [None, GraphWanted(20), GraphWanted(0, 0.95)])
    def test_all_pairs_over_a_score_are_alike(
        self, store: Store, wanted: GraphWanted | None
    ) -> None:
        add(store, ALL)
        link(store, wanted)
        for threshold in (0.7, 0.93):
            same(alike_in(store, threshold), pairs_over(threshold))
        assert alike_in(store, 0.9999) == {}
        forget(store, 3, 13)
        left = [number for number in ALL if number not in (3, 13)]
        same(alike_in(store, 0.7), pairs_over(0.7, left))

    @pytest.mark.parametrize("metric", [Metric.L2, Metric.INNER_PRODUCT])
    def test_pictures_are_alike_by_their_cosine_whatever_the_metric(
        self, store: Store, metric: Metric
    ) -> None:
        space = replace(SPACE, metric=metric)
        vectors = {str(number): (1 + number) * ROWS[number].astype(np.float32) for number in ALL}
        kept = np.stack([vectors[str(number)].astype(np.float16) for number in ALL])
        unit = kept / np.linalg.norm(kept.astype(np.float64), axis=1, keepdims=True)
        commit(store, [entry(path(number), str(number)) for number in ALL], space, **vectors)
        right = edges(GraphWanted(0, 0.8), scores=unit @ unit.T)
        same(alike_in(store, 0.8, space), right)

    def test_new_pictures_are_alike_too(self, store: Store) -> None:
        add(store, range(30))
        link(store, GraphWanted(20))
        add(store, range(30, COUNT))
        same(alike_in(store, 0.8), pairs_over(0.8))

    # Beside all that

    def test_what_can_be_made_again_has_a_place(self, store: Store) -> None:
        add(store, [0, 1])
        Signatures(store.cache).write({IDS[0]: b"small"})
        assert Signatures(store.cache).read(IDS[:2]) == {IDS[0]: b"small"}
        assert store.place
        assert store.folder is None or store.folder.is_dir()

    def test_all_is_well(self, store: Store) -> None:
        assert [check for check in store.checks() if check.ok is False] == []
        add(store, ALL)
        link(store, GraphWanted(3))
        checks = list(store.checks())
        assert [check for check in checks if check.ok is False] == []
        assert any(check.ok for check in checks)
        assert all(check.name and check.found for check in checks)


Said = tuple[list[set[int]], list[tuple[set[int], set[int]]]]


def verdicts_in(store: Store) -> Said:
    """Classes of what is the same, and pairs of such as are different, in order."""
    with store.graph(SPACE) as view:
        number_of, found = numbers_of(view), view.verdicts()
    chains = networkx.Graph()
    chains.add_nodes_from(ALL)
    for pair in found.same.tolist():
        assert pair == sorted(pair)
        chains.add_edge(*(number_of[row] for row in pair))
    class_of = {one: its for its in networkx.connected_components(chains) for one in its}
    same = [its for one, its in class_of.items() if len(its) > 1 and one == min(its)]
    apart = []
    for pair in found.different.tolist():
        one, other = sorted((class_of[number_of[row]] for row in pair), key=min)
        apart.append((one, other))
    return sorted(same, key=min), sorted(apart, key=lambda pair: min(map(min, pair)))
