"""Whatever happens to a library and its index, a search finds what the pictures' numbers say."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import event, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from lookgraph.errors import StorageError
from lookgraph.index import approximate, effort
from lookgraph.stores import sealing
from lookgraph.stores.local import LocalStore
from lookgraph.stores.local_writer import LocalWriter
from lookgraph.types import IndexKind, Metric, Selection
from tests.conftest import needs_module
from tests.integration.indexed import (
    Model,
    assert_answers,
    assert_exact,
    assert_sound,
    batch,
    by,
    covered,
    embeddings,
    found,
    index_files,
    named_files,
    path_of,
    picture,
    queries,
    scores,
    space,
)

needs_module("faiss")

CHANCE = st.integers(0, 10_000)
SELECTIONS = (
    Selection(under="a"),
    Selection(under="a/b", min_side=180),
    Selection(name="*7.jpg"),
    Selection(name="a*/*.jpg", taken_from="2020", taken_to="2020-06"),
    Selection(taken_from="2021-03-05"),
    Selection(min_side=290),
    Selection(ids=frozenset()),
    Selection(ids=frozenset(picture(number).id for number in range(0, 4000, 5))),
    Selection(under="nowhere"),
)

COMMON = {"_LOOSE": 20, "_SEGMENTS": 3, "_FEWEST": 60, "_NOTICED": 0.0}
"""So that a few hundred pictures take every way that a million would."""


CALLS = ("open", "replace", "unlink")


class Stop(BaseException):
    """The process ends here, as far as what it was doing is concerned."""


@contextmanager
def stopping(at: int, error: BaseException) -> Iterator[None]:
    """An exception comes from the n-th call that opens, syncs, renames or deletes a file.

    A full disk is told of by all but the last.
    """
    left = at
    with pytest.MonkeyPatch.context() as patch:

        def watched(owner: Any, name: str) -> None:
            original = getattr(owner, name)

            def stops(*arguments: Any, **options: Any) -> Any:
                nonlocal left
                left -= 1
                if left == 0:
                    raise error
                return original(*arguments, **options)

            patch.setattr(owner, name, stops)

        watched(os, "fsync")
        for name in ("open", "replace") if isinstance(error, OSError) else CALLS:
            watched(Path, name)
        yield


class Searched(RuleBasedStateMachine):
    """A library with an index, and next to it what it should hold."""

    @initialize(metric=st.sampled_from(Metric))
    def begin(self, metric: Metric) -> None:
        self.patch = pytest.MonkeyPatch()
        for name, value in COMMON.items():
            self.patch.setattr(sealing, name, value)
        self.patch.setattr(effort, "_QUERIES", 60)
        self.patch.setattr(approximate, "_FEW", 8)
        self.patch.setattr(approximate, "_SHARE", 10)
        self.place = Path(tempfile.mkdtemp())
        self.space = space(metric)
        self.model = Model(metric)
        self.store = LocalStore(self.place / "library")
        self.old = LocalStore(self.place / "library")
        """Only ever reads, from beginning to end."""
        self.next = 0
        self.step = 0
        self.newest: Sequence[int] = ()
        self.add(150)
        self.renew(IndexKind.IVF)

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.undo()
            shutil.rmtree(self.place)

    @contextmanager
    def writing(self) -> Iterator[LocalWriter]:
        with self.store.write() as writer:
            # Whatever the one before left behind, this one has cleaned up.
            assert index_files(self.store) == named_files(self.store)
            assert len(list((self.store.folder / "rows").iterdir())) <= 1
            yield writer

    # What happens to the library

    @rule(count=st.integers(1, 200))
    def add(self, count: int) -> None:
        added = range(self.next, self.next + count)
        with self.writing() as writer:
            writer.commit(self.space, *batch(self.space.metric, added))
        self.next += count
        self.model.add(added)
        self.newest = added[:8]

    def some(self, all_: Sequence[int], chance: int, share: float) -> list[int]:
        generator = np.random.default_rng(chance)
        return [number for number in all_ if generator.random() < share]

    @rule(chance=CHANCE, share=st.sampled_from([0.02, 0.1, 0.1, 0.4, 0.4, 1]))
    def delete(self, chance: int, share: float) -> None:
        gone = self.some(self.model.live, chance, share)
        with self.writing() as writer:
            writer.forget([path_of(number) for number in gone])
        self.model.forget(gone)

    @rule(chance=CHANCE, share=st.sampled_from([0.1, 0.5, 1]))
    def bring_back(self, chance: int, share: float) -> None:
        live = set(self.model.live)
        back = self.some([n for n in range(self.next) if n not in live], chance, share)
        with self.writing() as writer:
            writer.commit(self.space, *batch(self.space.metric, back))
        self.model.add(back)
        self.newest = back[:8]

    @rule(kind=st.sampled_from([IndexKind.IVF, IndexKind.IVF, IndexKind.IVF, None]))
    def renew(self, kind: IndexKind | None) -> None:
        with self.writing() as writer:
            writer.renew_index(self.space, kind, lambda _: None)
            if kind is IndexKind.IVF and self.model.live:
                newer = len(self.model.rows) - covered(self.store, self.space)
                assert 0 <= newer <= COMMON["_LOOSE"]
            assert index_files(self.store) == named_files(self.store)

    @rule(kind=st.sampled_from([IndexKind.EXACT, IndexKind.AUTO]))
    def renew_otherwise(self, kind: IndexKind) -> None:
        self.renew(kind)

    @rule()
    def compact(self) -> None:
        with self.writing() as writer:
            assert writer.compact(self.space) == 0
            assert index_files(self.store) == named_files(self.store)
        self.model.compact()

    @rule()
    def reopen(self) -> None:
        self.store = LocalStore(self.store.folder)

    # What goes wrong

    def broken_off(self, at: int, is_full: bool, work: Callable[[LocalWriter], object]) -> None:
        """Do something until a call fails."""
        error = OSError(28, "No space left on device") if is_full else Stop()
        try:
            with stopping(at, error), self.store.write() as writer:
                work(writer)
        except (Stop, StorageError) as stopped:
            note(f"stopped: {stopped!r}")
        # Who has died has no connections.
        self.store = LocalStore(self.store.folder)

    @rule(at=st.integers(1, 22), is_full=st.booleans())
    def crash_while_renewing(self, at: int, is_full: bool) -> None:
        self.broken_off(
            at, is_full, lambda w: w.renew_index(self.space, IndexKind.IVF, lambda _: None)
        )

    @rule(at=st.integers(1, 22), is_full=st.booleans())
    def crash_while_compacting(self, at: int, is_full: bool) -> None:
        self.broken_off(at, is_full, lambda writer: writer.compact(self.space))
        if self.store.status().spaces[0].unused_rows == 0:
            self.model.compact()

    @rule(at=st.integers(1, 8), is_full=st.booleans(), count=st.integers(1, 40))
    def crash_while_adding(self, at: int, is_full: bool, count: int) -> None:
        added = range(self.next, self.next + count)
        self.next += count
        self.broken_off(
            at, is_full, lambda w: w.commit(self.space, *batch(self.space.metric, added))
        )
        if self.store.entry(path_of(added[0])):
            self.model.add(added)

    # What must hold after each

    @invariant()
    def all_is_found(self) -> None:
        if not hasattr(self, "store"):
            return
        self.step += 1
        for store in (self.store, self.old):
            recall = assert_answers(store, self.space, self.model, k=3 + self.step % 10)
            how, fault = by(store, self.space)
            assert fault is None
            event(str(how))
            # 0.99 was promised on average, and was measured with few queries.
            assert recall > 0.8 or not self.model.live
            self.check_newest(store)
        self.check_selections(self.old if self.step % 2 else self.store)
        status = self.store.status().spaces[0]
        assert status.pictures == len(self.model.live)
        assert status.unused_rows == len(self.model.gone)

    def check_newest(self, store: LocalStore) -> None:
        """What came last, or back, is found by its own embedding, which nothing is nearer to."""
        newest = sorted(set(self.newest) & set(self.model.live))
        if self.space.metric is Metric.INNER_PRODUCT or not newest:
            return
        answers = store.search(self.space, embeddings(self.space.metric)[newest], 4)
        for number, answer in zip(newest, answers, strict=True):
            assert number in [one for one, _ in found(answer)]

    def check_selections(self, store: LocalStore) -> None:
        asked = queries(self.space.metric)[self.step % 16 :][:2]
        for among in (SELECTIONS[self.step % 9], SELECTIONS[self.step * 5 % 7]):
            for recall in (0.99, 1):
                answers = store.search(self.space, asked, 7, among, recall)
                for query, answer in zip(asked, answers, strict=True):
                    near = assert_sound(answer, self.model.best(query, among), 7)
                    assert near == len(answer.matches) or recall < 1
                    # No index was found to be wrong: they were made by us, and whole.
                    assert answer.fault is None
            self.check_over(store, asked[0], among)

    def check_over(self, store: LocalStore, query: Any, among: Selection) -> None:
        known = np.sort(scores(self.space.metric, query)[: self.next])
        least = float(known[-min(40, len(known))]) - 1e-9
        answer = store.search_over(self.space, query, least, among)
        assert_exact(answer, self.model.over(query, least, among))


Searched.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestSearched = pytest.mark.slow(Searched.TestCase)
