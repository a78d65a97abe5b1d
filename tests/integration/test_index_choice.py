"""When a library gets an index by itself, and when it loses it again."""

from pathlib import Path

import pytest

from lookgraph.stores import sealing
from lookgraph.stores.local import LocalStore
from lookgraph.types import IndexKind
from tests.conftest import needs_module
from tests.integration.indexed import add, space

SPACE = space()


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    needs_module("faiss")
    return LocalStore(tmp_path / ".lookgraph")


def renewed(store: LocalStore, kind: IndexKind | None = None) -> IndexKind:
    """How the library is searched after a writer has had a look."""
    with store.write() as writer:
        writer.renew_index(SPACE, kind, lambda _: None)
    (status,) = store.status().spaces
    return status.index.kind


def test_an_index_comes_when_exact_search_is_slow_and_stays_while_it_may_be(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 0.0
    monkeypatch.setattr(sealing, "seconds_of_exact_search", lambda *_: seconds)
    monkeypatch.setattr(sealing, "_FEWEST", 1000)
    add(store, SPACE, range(999))
    seconds = 1.0
    assert renewed(store) is IndexKind.EXACT  # however slow, so few are not worth it
    add(store, SPACE, range(999, 1000))
    seconds = 0.0099
    assert renewed(store) is IndexKind.EXACT
    seconds = 0.0101
    assert renewed(store) is IndexKind.IVF
    seconds = 0.0051
    assert renewed(store) is IndexKind.IVF  # it does not come and go
    seconds = 0.0049
    assert renewed(store) is IndexKind.EXACT
    assert not (store.folder / "index").exists()


def test_what_was_asked_for_holds_until_something_else_is(store: LocalStore) -> None:
    add(store, SPACE, range(50))
    assert renewed(store) is IndexKind.EXACT
    assert renewed(store, IndexKind.IVF) is IndexKind.IVF
    add(store, SPACE, range(50, 60))
    assert renewed(store) is IndexKind.IVF
    assert renewed(store, IndexKind.EXACT) is IndexKind.EXACT
    assert renewed(store) is IndexKind.EXACT
    assert renewed(store, IndexKind.AUTO) is IndexKind.EXACT


def test_exact_search_is_timed_on_the_rows_themselves(store: LocalStore) -> None:
    add(store, SPACE, range(4000))
    with store._snapshot(SPACE) as view:
        few = sealing.seconds_of_exact_search(view.rows, view.stored)
    assert 1e-6 < few < 1
