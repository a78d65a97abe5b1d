"""What people have said of pictures, as pairs of rows."""

from pathlib import Path

import pytest

from lookgraph.graph.verdicts import Verdicts
from lookgraph.stores.base import GraphWanted
from lookgraph.stores.local import LocalStore
from lookgraph.types import Metric, Verdict, VerdictKind
from tests.integration.indexed import add, compact, forget, picture, space
from tests.integration.test_graph_following import link


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    made = LocalStore(tmp_path / "library")
    add(made, space(), range(12))
    return made


def say(store: LocalStore, *pairs: tuple[int, int, VerdictKind]) -> None:
    with store.write() as writer:
        for one, other, kind in pairs:
            first, second = sorted((picture(one).id, picture(other).id))
            writer.judge(Verdict(first, second, kind, "2026-11-21T00:00:00Z"))


def rows(store: LocalStore) -> Verdicts:
    with store._snapshot(space()) as view:
        return view.verdicts()


def test_what_is_the_same_through_a_picture_that_is_gone_stays_the_same(
    store: LocalStore,
) -> None:
    same, different = VerdictKind.SAME, VerdictKind.DIFFERENT
    say(store, (1, 5, same), (5, 8, same), (9, 5, different), (9, 2, same), (3, 4, different))
    assert rows(store).same.tolist() == [[1, 5], [2, 9], [5, 8]]
    assert rows(store).different.tolist() == [[1, 2], [3, 4]]
    forget(store, [5, 9, 3])
    assert rows(store).same.tolist() == [[1, 8]]
    assert rows(store).different.tolist() == [[1, 2]]
    compact(store, space())
    # Rows 0, 1, 2, 4, 6, 7, 8, 10 and 11 are left.
    assert rows(store).same.tolist() == [[1, 6]]
    assert rows(store).different.tolist() == [[1, 2]]
    add(store, space(), [5])
    assert rows(store).same.tolist() == [[1, 6], [6, 9]]


def test_rows_that_are_not_in_the_graph_are_left_out_of_its(store: LocalStore) -> None:
    link(store, Metric.COSINE, GraphWanted(3))
    add(store, space(), [12])
    say(store, (1, 12, VerdictKind.SAME), (2, 3, VerdictKind.SAME))
    assert rows(store).same.tolist() == [[1, 12], [2, 3]]
    with store.graph(space()) as view:
        assert view.verdicts().same.tolist() == [[2, 3]]


def test_where_nothing_was_said_there_are_none(store: LocalStore) -> None:
    assert len(rows(store)) == 0
