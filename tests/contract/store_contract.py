"""What every store must do, as values. A test module subclasses `StoreContract` for each store.

It gives the fixtures `store`, empty and not made yet, and `elsewhere`: code that makes the same
store, as `store`, in another process.
"""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookgraph.errors import LibraryLockedError, LibraryNotFoundError, UsageError
from lookgraph.stores.base import Embedded, Match, SpaceStatus, Store, Writer
from lookgraph.types import (
    Entry,
    KnownFile,
    Metric,
    Patterns,
    Picture,
    Precision,
    Selection,
    Skip,
    SkipKind,
    Space,
    Stamp,
    Vector,
    Verdict,
    VerdictKind,
)
from tests.pictures import unit

SPACE = Space("grid", "a" * 64, 1, Metric.COSINE, 3)
OTHER = Space("grid", "b" * 64, 1, Metric.COSINE, 2)
QUERY = unit(1, 2, 3)

BYTES = "f\udcff/\udc80.jpg"
"""A path whose bytes, ``66 ff 2f 80 2e 6a 70 67``, are no UTF-8."""


def picture(name: str, taken: str | None = None) -> Picture:
    return Picture(hashlib.sha256(name.encode()).hexdigest(), "JPEG", 100 + len(name), 50, taken)


def entry(path: str, name: str, mtime_ns: int = 5) -> Entry:
    return Entry(path, Stamp(len(name), mtime_ns), picture(name))


def left_out(path: str, kind: SkipKind = SkipKind.DAMAGED) -> Entry:
    return Entry(path, Stamp(7, 8), skip=Skip(kind, f"because of {kind}"))


VECTORS = {
    "x": unit(1, 0, 0),
    "y": unit(0, 1, 0),
    "z": unit(0, 0, 1),
    "xy": unit(3, 4, 0),
    "near x": unit(9, 1, 0),
    "not x": unit(-1, 0, 0),
}
NAMES = tuple(VECTORS)


def stored(vector: Vector) -> Vector:
    """What is left of an embedding once it is kept as float16."""
    return vector.astype(np.float16).astype(np.float32)


def cosine(vector: Vector, query: Vector) -> float:
    kept, asked = stored(vector).astype(np.float64), query.astype(np.float64)
    return float(kept @ asked / np.linalg.norm(kept) / np.linalg.norm(asked))


def commit(store: Store, entries: Sequence[Entry], space: Space = SPACE, **others: Vector) -> None:
    """Store files, with the embeddings of `VECTORS` or of these names."""
    vectors = VECTORS | others
    embeddings = {picture(name).id: vector for name, vector in vectors.items()}
    with store.write() as writer:
        writer.commit(space, entries, embeddings)


def forget(store: Store, *paths: str) -> None:
    with store.write() as writer:
        writer.forget(paths)


def names_of(matches: Iterable[Match | Embedded]) -> list[str]:
    names = {picture(name).id: name for name in NAMES}
    return [names[match.picture.id] for match in matches]


def nearest(store: Store, space: Space, query: Vector, k: int) -> list[Match]:
    """What one query finds."""
    (answer,) = store.search(space, query[np.newaxis], k)
    return list(answer.matches)


def known(store: Store, space: Space = SPACE, under: str = "") -> list[str]:
    return [file.path for file in store.known_files(space, under)]


class StoreContract:
    """Subclasses give the fixtures `store` and `elsewhere`."""

    # Before there is a library

    def test_nothing_is_known_before_the_first_write(self, store: Store) -> None:
        assert known(store) == []
        for read in (
            lambda: store.root,
            lambda: store.patterns,
            store.spaces,
            store.status,
            lambda: nearest(store, SPACE, unit(1, 0, 0), 1),
            lambda: store.entry("a"),
            lambda: store.embedding(SPACE, "0" * 64),
            lambda: store.ids("0"),
            lambda: store.paths("0" * 64),
            store.verdicts,
            lambda: store.files("0" * 64),
            lambda: list(store.copies()),
            lambda: list(store.skipped()),
            lambda: list(store.embedded(SPACE)),
            lambda: store.damaged(SPACE),
        ):
            with pytest.raises(LibraryNotFoundError, match="lookgraph index"):
                read()

    def test_an_empty_store_answers_with_nothing(self, store: Store) -> None:
        with store.write():
            pass
        assert store.spaces() == ()
        assert nearest(store, SPACE, unit(1, 0, 0), 5) == []
        assert store.entry("a") is None
        assert store.embedding(SPACE, "0" * 64) is None
        assert store.ids("") == []
        assert store.paths("0" * 64) == ()
        assert list(store.skipped()) == []
        assert list(store.embedded(SPACE)) == []
        assert store.damaged(SPACE) == []
        status = store.status()
        assert (status.pictures, status.files, status.skipped, status.other) == (0, 0, 0, 0)
        assert status.spaces == ()

    # Files and pictures

    def test_what_was_stored_is_read_again(self, store: Store) -> None:
        dated = Entry("d/e.png", Stamp(3, 2**60), picture("x", "2021-05-04T13:14:15"))
        commit(store, [dated, entry(BYTES, "y"), left_out("bad.jpg")])
        assert store.entry("d/e.png") == dated
        assert store.entry(BYTES) == entry(BYTES, "y")
        assert store.entry("bad.jpg") == left_out("bad.jpg")
        assert store.entry("d") is None
        assert store.entry("D/e.png") is None
        assert store.spaces() == (SPACE,)
        for name in ("x", "y"):
            embedding = store.embedding(SPACE, picture(name).id)
            assert embedding is not None
            assert embedding.dtype == np.float32
            assert np.array_equal(embedding, stored(VECTORS[name]))
        assert store.embedding(SPACE, picture("z").id) is None
        assert store.embedding(OTHER, picture("x").id) is None

    def test_what_is_read_at_once_is_what_is_read_anyway(self, store: Store) -> None:
        commit(store, [entry("a", "x"), entry("b", "y")])
        with store.at_once():
            assert store.entry("a") == entry("a", "x")
            assert names_of(nearest(store, SPACE, VECTORS["y"], 1)) == ["y"]
        commit(store, [entry("a", "y")])
        assert store.entry("a") == entry("a", "y")

    def test_a_path_gets_other_content(self, store: Store) -> None:
        commit(store, [entry("a", "x"), entry("b", "y")])
        commit(store, [entry("a", "z", 6), left_out("b")])
        assert store.entry("a") == entry("a", "z", 6)
        assert store.entry("b") == left_out("b")
        assert names_of(nearest(store, SPACE, unit(1, 1, 1), 9)) == ["z"]
        assert store.paths(picture("x").id) == ()
        commit(store, [entry("b", "xy")])
        assert store.entry("b") == entry("b", "xy")
        assert list(store.skipped()) == []
        assert sorted(names_of(nearest(store, SPACE, unit(1, 1, 1), 9))) == ["xy", "z"]

    def test_copies_are_one_picture_with_paths_in_the_order_of_their_bytes(
        self, store: Store
    ) -> None:
        paths = ["z", "a/b", "a-b", "a0", "ä", BYTES, "B"]
        commit(store, [entry(path, "x") for path in paths])
        wanted = ("B", "a-b", "a/b", "a0", BYTES, "z", "ä")
        assert store.paths(picture("x").id) == wanted
        (match,) = nearest(store, SPACE, unit(1, 0, 0), 9)
        assert match == Match(picture("x"), wanted, 1.0)
        (only,) = store.embedded(SPACE)
        assert only.entries == tuple(entry(path, "x") for path in wanted)
        forget(store, "B", "z")
        (match,) = nearest(store, SPACE, unit(1, 0, 0), 9)
        assert match.paths == ("a-b", "a/b", "a0", BYTES, "ä")

    def test_every_file_is_known_in_the_order_of_its_bytes(self, store: Store) -> None:
        paths = ["z", "a/b/c", "a-b", "a0", "a.b", "ä", BYTES, "a/b", "B", "\udcff" * 40, "a b"]
        commit(store, [entry(path, "x", i) for i, path in enumerate(paths)])
        wanted = ["B", "a b", "a-b", "a.b", "a/b", "a/b/c", "a0", BYTES, "z", "ä", "\udcff" * 40]
        assert list(store.known_files(SPACE)) == [
            KnownFile(path, Stamp(1, paths.index(path)), True) for path in wanted
        ]
        assert known(store, under="a") == ["a/b", "a/b/c"]
        assert known(store, under="a/b") == ["a/b/c"]
        assert known(store, under="f\udcff") == [BYTES]
        assert known(store, under="nowhere") == []

    def test_files_that_hold_pictures_come_a_page_at_a_time(self, store: Store) -> None:
        assert store.entries() == ()
        paths = ["B", "a b", "a-b", "a/b", "a/b/c", "a0", BYTES, "z", "ä", "\udcff" * 40]
        files = [entry(path, NAMES[place % len(NAMES)]) for place, path in enumerate(paths)]
        commit(store, [*files, left_out("a/damaged")])
        for most in (1, 3, 10, 11):
            found: list[Entry] = []
            while page := store.entries(after=found[-1].path if found else "", most=most):
                assert len(page) <= most
                found += page
            assert found == files
        assert [its.path for its in store.entries("a")] == ["a/b", "a/b/c"]
        assert [its.path for its in store.entries("a", after="a/b")] == ["a/b/c"]
        assert [its.path for its in store.entries("a", after="B")] == ["a/b", "a/b/c"]
        assert store.entries("a", after="z") == ()

    def test_files_are_known_however_many_there_are(self, store: Store) -> None:
        # Each of the first is how the next begins; \x01 is the least that can follow.
        paths = ["a" * i + end for i in range(1, 20) for end in ("", "\x01")]
        paths = sorted(paths) + [f"b{i:03}/{i % 7}" for i in range(60)]
        commit(store, [entry(path, NAMES[i % len(NAMES)]) for i, path in enumerate(paths)])
        assert known(store) == paths
        # The writer may commit while the files are read.
        with store.write() as writer:
            read = []
            for file in store.known_files(SPACE):
                read.append(file.path)
                writer.commit(SPACE, [entry(file.path, "x", 77)], {})
        assert read == paths
        assert {file.stamp.mtime_ns for file in store.known_files(SPACE)} == {77}

    @pytest.mark.parametrize("kind", SkipKind)
    def test_what_was_left_out_is_settled_unless_the_cause_may_pass(
        self, store: Store, kind: SkipKind
    ) -> None:
        commit(store, [left_out("bad", kind)])
        settled = {
            SkipKind.NO_PICTURE: True,
            SkipKind.DAMAGED: True,
            SkipKind.TOO_LARGE: True,
            SkipKind.NEEDS_EXTRA: False,
            SkipKind.UNREADABLE: False,
            SkipKind.CHANGING: False,
        }
        assert list(store.known_files(SPACE)) == [KnownFile("bad", Stamp(7, 8), settled[kind])]
        wanted = [] if kind is SkipKind.NO_PICTURE else [left_out("bad", kind)]
        assert list(store.skipped()) == wanted

    def test_a_picture_is_settled_in_the_spaces_that_it_has_an_embedding_in(
        self, store: Store
    ) -> None:
        commit(store, [entry("a", "x"), entry("b", "y")])
        commit(store, [entry("b", "y")], OTHER, y=unit(1, 1))
        settled = {
            space: [file.settled for file in store.known_files(space)] for space in (SPACE, OTHER)
        }
        assert settled == {SPACE: [True, True], OTHER: [False, True]}

    def test_ids_are_found_by_their_beginning(self, store: Store) -> None:
        commit(store, [entry(name, name) for name in NAMES])
        ids = sorted(picture(name).id for name in NAMES)
        assert store.ids("") == ids[:2]
        for id_ in ids:
            for length in (1, 2, 7, 8, 63, 64):
                wanted = [other for other in ids if other.startswith(id_[:length])]
                assert store.ids(id_[:length]) == wanted[:2]
        assert store.ids("0123456789abcdef") == []
        gone = next(name for name in NAMES if picture(name).id == ids[0])
        forget(store, gone)
        assert store.ids(ids[0]) == []

    def test_what_was_skipped_comes_by_path(self, store: Store) -> None:
        commit(store, [left_out(path) for path in ("b", BYTES, "a/b", "a-b")])
        commit(store, [left_out("c", SkipKind.NO_PICTURE), entry("d", "x")])
        assert list(store.skipped()) == [left_out(path) for path in ("a-b", "a/b", "b", BYTES)]

    # Search

    def test_the_nearest_come_first_with_the_cosine_of_what_is_stored(self, store: Store) -> None:
        commit(store, [entry(f"{name}.jpg", name) for name in NAMES])
        for query in (unit(1, 0, 0), np.array([5, 2, 1], np.float32), unit(-1, -1, 3)):
            scores = {name: cosine(VECTORS[name], query) for name in NAMES}
            best = sorted(NAMES, key=lambda name: (-scores[name], NAMES.index(name)))
            for k in (1, 3, 6, 100):
                matches = nearest(store, SPACE, query, k)
                assert names_of(matches) == best[:k]
                assert [m.score for m in matches] == pytest.approx(
                    [scores[name] for name in best[:k]], abs=1e-12
                )
                assert [m.paths for m in matches] == [(f"{name}.jpg",) for name in best[:k]]

    def test_equal_ones_come_as_they_were_stored(self, store: Store) -> None:
        same = unit(1, 2, 2)
        commit(store, [entry("3", "z")], z=same)
        commit(store, [entry("1", "x"), entry("2", "y")], x=same, y=same)
        matches = nearest(store, SPACE, unit(1, 0, 0), 9)
        assert names_of(matches) == ["z", "x", "y"]
        assert len({match.score for match in matches}) == 1
        assert names_of(nearest(store, SPACE, unit(1, 0, 0), 2)) == ["z", "x"]
        assert names_of(store.embedded(SPACE)) == ["z", "x", "y"]

    @pytest.mark.parametrize("k", [0, -1])
    def test_k_below_one_is_refused(self, store: Store, k: int) -> None:
        commit(store, [entry("a", "x")])
        with pytest.raises(UsageError):
            nearest(store, SPACE, unit(1, 0, 0), k)

    def test_many_queries_at_once_find_what_each_finds_alone(self, store: Store) -> None:
        commit(store, [entry(f"{name}.jpg", name) for name in NAMES])
        queries = np.stack([unit(1, 0, 0), unit(-1, -1, 3), QUERY])
        answers = store.search(SPACE, queries, 4)
        assert [list(answer.matches) for answer in answers] == [
            nearest(store, SPACE, query, 4) for query in queries
        ]
        assert [answer.fault for answer in answers] == [None] * 3

    def test_all_over_a_score_come_and_no_others(self, store: Store) -> None:
        commit(store, [entry(f"{name}.jpg", name) for name in NAMES])
        ranked = nearest(store, SPACE, QUERY, 9)
        for match in ranked:
            found = store.search_over(SPACE, QUERY, match.score).matches
            assert list(found) == [one for one in ranked if one.score >= match.score]
        assert store.search_over(SPACE, QUERY, 0.99).matches == ()
        assert len(store.search_over(SPACE, QUERY, -1).matches) == len(NAMES)

    @pytest.mark.parametrize(
        ("among", "wanted"),
        [
            (Selection(), "abcdef"),
            (Selection(under="in"), "bc"),
            (Selection(under="in/deep"), "c"),
            (Selection(under="i"), ""),
            (Selection(name="*.png"), "ce"),
            (Selection(name="[a-c].*"), "abc"),
            (Selection(name="in/*"), "bc"),
            (Selection(name="B.jpg"), ""),
            (Selection(taken_from="2024"), "cde"),
            (Selection(taken_to="2023"), "ab"),
            (Selection(taken_to="2023-04"), "a"),
            (Selection(taken_from="2023-05-01", taken_to="2024-02"), "bc"),
            (Selection(taken_from="2024-02-29T10:00:01"), "de"),
            (Selection(min_side=50), "abcdef"),
            (Selection(min_side=51), ""),
            (Selection(ids=frozenset({picture("x").id, "0" * 64})), "a"),
            (Selection(ids=frozenset()), ""),
            (Selection(under="in", name="*.png", taken_from="2024", min_side=10), "c"),
        ],
    )
    def test_a_selection_holds_before_the_ranking(
        self, store: Store, among: Selection, wanted: str
    ) -> None:
        paths = dict(
            zip(NAMES, ("a.jpg", "in/b.jpg", "in/deep/c.png", "d", "e.png", "f"), strict=True)
        )
        taken = ("2023-04-30T23:59:59", "2023-05-01T00:00:00", "2024-02-29T10:00:00",
                 "2024-03-01T00:00:00", "2025-01-01T00:00:00", None)  # fmt: skip
        entries = [
            Entry(path, Stamp(1, 1), replace(picture(name), taken=when))
            for (name, path), when in zip(paths.items(), taken, strict=True)
        ]
        commit(store, entries)
        letters = {picture(name).id: Path(path).name[0] for name, path in paths.items()}
        for recall in (0.5, 1):
            for k in (1, 9):
                (answer,) = store.search(SPACE, QUERY[np.newaxis], k, among, recall)
                found = [letters[match.picture.id] for match in answer.matches]
                assert len(found) == min(k, len(wanted))
                assert sorted(found) == sorted(wanted) or k == 1
                ranked = nearest(store, SPACE, QUERY, 9)
                everyone = [letters[match.picture.id] for match in ranked]
                assert found == [one for one in everyone if one in wanted][:k]
        over = store.search_over(SPACE, QUERY, -1, among).matches
        assert sorted(letters[match.picture.id] for match in over) == sorted(wanted)

    def test_a_selection_takes_a_picture_by_any_of_its_files(self, store: Store) -> None:
        commit(store, [entry("a/1.jpg", "x"), entry("b/2.png", "x"), entry("c/3.gif", "y")])
        for among, wanted in (
            (Selection(under="b"), ["x"]),
            (Selection(name="*.jpg"), ["x"]),
            (Selection(under="b", name="*.jpg"), []),  # it must be the same file
        ):
            (answer,) = store.search(SPACE, QUERY[np.newaxis], 9, among)
            assert names_of(answer.matches) == wanted
        forget(store, "b/2.png")
        (answer,) = store.search(SPACE, QUERY[np.newaxis], 9, Selection(under="b"))
        assert answer.matches == ()

    @pytest.mark.parametrize(
        "bad", [[0, 0, 0], [np.nan, 1, 0], [np.inf, 0, 0], [1, -np.inf, 0], [7e4, 0, 0]]
    )
    def test_an_embedding_that_nothing_can_be_compared_with_is_refused(
        self, store: Store, bad: list[float]
    ) -> None:
        commit(store, [entry("a", "x")])
        with pytest.raises(UsageError, match=r"embedding of in/b\.jpg is zero or not finite"):
            commit(store, [entry("c", "z"), entry("in/b.jpg", "y")], y=np.array(bad, np.float32))
        assert names_of(nearest(store, SPACE, QUERY, 9)) == ["x"]

    # Forgetting and returning

    def test_what_is_forgotten_is_gone_from_every_answer(self, store: Store) -> None:
        commit(store, [entry("a", "x"), entry("b", "y"), left_out("c")])
        forget(store, "a", "c", "never was")
        assert names_of(nearest(store, SPACE, unit(1, 0, 0), 9)) == ["y"]
        assert names_of(store.embedded(SPACE)) == ["y"]
        assert known(store) == ["b"]
        assert store.entry("a") is None
        assert store.embedding(SPACE, picture("x").id) is None
        assert store.paths(picture("x").id) == ()
        assert store.ids(picture("x").id) == []
        assert list(store.skipped()) == []
        status = store.status()
        assert (status.pictures, status.files, status.skipped) == (1, 1, 0)
        assert (status.spaces[0].pictures, status.spaces[0].unused_rows) == (1, 1)

    def test_content_that_returns_needs_no_new_embedding(self, store: Store) -> None:
        commit(store, [entry("a", "x"), entry("b", "y")])
        forget(store, "a")
        with store.write() as writer:
            assert writer.find(SPACE, picture("x").id) == picture("x")
            assert writer.find(SPACE, picture("z").id) is None
            assert writer.find(OTHER, picture("x").id) is None
            writer.commit(SPACE, [entry("elsewhere", "x")], {})
        assert names_of(nearest(store, SPACE, unit(1, 0, 0), 9)) == ["x", "y"]
        assert store.paths(picture("x").id) == ("elsewhere",)
        (status,) = store.status().spaces
        assert (status.pictures, status.unused_rows) == (2, 0)

    def test_an_embedding_that_is_there_already_is_kept(self, store: Store) -> None:
        commit(store, [entry("a", "x")])
        commit(store, [entry("b", "x")], x=unit(0, 0, 1))
        embedding = store.embedding(SPACE, picture("x").id)
        assert embedding is not None
        assert np.array_equal(embedding, stored(unit(1, 0, 0)))

    def test_a_picture_without_an_embedding_changes_nothing(self, store: Store) -> None:
        commit(store, [entry("a", "x")])
        with store.write() as writer, pytest.raises(UsageError, match=picture("z").id):
            writer.commit(
                SPACE,
                [entry("a", "y"), entry("b", "z"), left_out("c")],
                {picture("y").id: VECTORS["y"]},
            )
        with store.write() as writer, pytest.raises(UsageError):
            writer.commit(OTHER, [entry("a", "x")], {})
        assert known(store) == ["a"]
        assert store.entry("a") == entry("a", "x")
        assert names_of(nearest(store, SPACE, unit(0, 1, 0), 9)) == ["x"]
        assert store.spaces() == (SPACE,)
        commit(store, [entry("b", "y")])
        assert names_of(nearest(store, SPACE, unit(0, 1, 0), 9)) == ["y", "x"]

    def test_an_embedding_of_another_dimension_changes_nothing(self, store: Store) -> None:
        commit(store, [entry("a", "x")])
        with store.write() as writer, pytest.raises(UsageError, match=picture("y").id):
            writer.commit(SPACE, [entry("b", "y")], {picture("y").id: unit(1, 2, 3, 4)})
        assert known(store) == ["a"]
        commit(store, [entry("b", "y")])
        assert names_of(nearest(store, SPACE, unit(0, 1, 0), 9)) == ["y", "x"]

    def test_the_files_of_a_picture_are_told(self, store: Store) -> None:
        several = [entry("b", "x", 3), entry(BYTES, "x"), entry("a", "x", 4)]
        others = [entry("c", "y"), entry("e", "z"), entry("d", "z"), left_out("bad.jpg")]
        commit(store, [*several, *others])
        assert store.files(picture("x").id) == (several[2], several[0], several[1])
        assert store.files("0" * 64) == ()
        every = {its[0].picture: its for its in store.copies()}
        assert every == {
            picture("x"): store.files(picture("x").id),
            picture("z"): (others[2], others[1]),
        }
        forget(store, "d")
        assert [its[0].picture for its in store.copies()] == [picture("x")]

    # Verdicts

    def test_what_was_said_last_of_two_pictures_is_kept(self, store: Store) -> None:
        first, second, third = sorted(picture(name).id for name in ("x", "y", "z"))
        old = Verdict(first, second, VerdictKind.SAME, "2026-01-02T03:04:05Z")
        new = replace(old, kind=VerdictKind.DIFFERENT, said="2026-02-03T04:05:06Z")
        other = Verdict(second, third, VerdictKind.SAME, "2026-01-01T00:00:00Z")
        with store.write() as writer:
            for verdict in (other, old, new):
                writer.judge(verdict)
        assert store.verdicts() == (new, other)
        with store.write() as writer:
            assert writer.withdraw(first, second)
            assert not writer.withdraw(first, third)
        assert store.verdicts() == (other,)

    def test_verdicts_outlive_the_pictures_and_the_spaces(self, store: Store) -> None:
        """The same content may come back, under another name, and be embedded by another."""
        commit(store, [entry("a", "x"), entry("b", "y")])
        first, second = sorted(picture(name).id for name in ("x", "y"))
        verdict = Verdict(first, second, VerdictKind.SAME, "2026-01-02T03:04:05Z")
        with store.write() as writer:
            writer.judge(verdict)
        forget(store, "a", "b")
        with store.write() as writer:
            writer.compact(SPACE)
            writer.remove_space(SPACE)
        assert store.verdicts() == (verdict,)

    # Compaction

    def test_compacting_drops_what_is_unused_and_keeps_every_answer(self, store: Store) -> None:
        commit(store, [entry(name, name) for name in NAMES])
        commit(store, [entry("x", "x")], OTHER, x=unit(1, 1))
        forget(store, "y", "xy")
        before = {
            "search": nearest(store, SPACE, unit(1, 2, 3), 9),
            "known": list(store.known_files(SPACE)),
            "other": nearest(store, OTHER, unit(1, 0), 9),
        }
        assert store.status().spaces[0].unused_rows == 2
        with store.write() as writer:
            assert writer.compact(SPACE) == 0
            assert writer.find(SPACE, picture("y").id) is None
            assert writer.find(SPACE, picture("z").id) == picture("z")
        assert store.status().spaces[0].unused_rows == 0
        assert before == {
            "search": nearest(store, SPACE, unit(1, 2, 3), 9),
            "known": list(store.known_files(SPACE)),
            "other": nearest(store, OTHER, unit(1, 0), 9),
        }
        # It can be written to as before.
        commit(store, [entry("y", "y")])
        assert names_of(nearest(store, SPACE, unit(0, 1, 0), 1)) == ["y"]

    def test_compacting_everything_away_and_beginning_again(self, store: Store) -> None:
        commit(store, [entry("a", "x"), entry("b", "y")])
        forget(store, "a", "b")
        with store.write() as writer:
            assert writer.compact(SPACE) == 0
            assert writer.compact(OTHER) == 0
        assert nearest(store, SPACE, unit(1, 0, 0), 9) == []
        assert store.status().spaces == (SpaceStatus(SPACE, 0, 0, 0),)
        commit(store, [entry("c", "z")])
        assert names_of(nearest(store, SPACE, unit(1, 0, 0), 9)) == ["z"]

    # Spaces

    def test_spaces_lie_side_by_side(self, store: Store) -> None:
        commit(store, [entry("a", "x"), entry("b", "y")])
        commit(store, [entry("b", "y"), entry("c", "z")], OTHER, y=unit(1, 1), z=unit(1, 0))
        assert store.spaces() == (SPACE, OTHER)
        assert names_of(nearest(store, SPACE, unit(0, 1, 0), 9)) == ["y", "x"]
        assert names_of(nearest(store, OTHER, unit(1, 0), 9)) == ["z", "y"]
        embedding = store.embedding(OTHER, picture("y").id)
        assert embedding is not None
        assert np.array_equal(embedding, stored(unit(1, 1)))
        forget(store, "b")
        assert names_of(nearest(store, OTHER, unit(1, 0), 9)) == ["z"]
        first, second = store.status().spaces
        assert (first.space, first.pictures, first.unused_rows) == (SPACE, 1, 1)
        assert (second.space, second.pictures, second.unused_rows) == (OTHER, 1, 1)
        # What one space gives up the other keeps.
        with store.write() as writer:
            writer.compact(SPACE)
            assert writer.find(SPACE, picture("y").id) is None
            assert writer.find(OTHER, picture("y").id) == picture("y")

    def test_spaces_differ_by_metric_and_precision_too(self, store: Store) -> None:
        spaces = (
            SPACE,
            replace(SPACE, metric=Metric.L2),
            replace(SPACE, precision=Precision.BFLOAT16),
        )
        for space, name in zip(spaces, ("x", "y", "z"), strict=True):
            commit(store, [entry(name, name)], space)
        assert store.spaces() == spaces
        assert [names_of(nearest(store, space, QUERY, 9)) for space in spaces] == [
            ["x"],
            ["y"],
            ["z"],
        ]

    @pytest.mark.parametrize("metric", list(Metric))
    def test_a_search_goes_by_the_metric_of_the_space(self, store: Store, metric: Metric) -> None:
        # By cosine "far" is nearest, by distance "near", by inner product "long".
        vectors = {
            "far": np.array([40, 20, 10], np.float32),
            "near": np.array([5, 1, 1], np.float32),
            "long": np.array([99, 0, 90], np.float32),
        }
        space, query = replace(SPACE, metric=metric), np.array([4, 2, 1], np.float32)
        kept = {name: vector / np.linalg.norm(vector) for name, vector in vectors.items()}
        kept = kept if metric is Metric.COSINE else vectors
        commit(store, [entry(name, name) for name in kept], space, **kept)
        matches = nearest(store, space, query, 3)
        scores: dict[Metric, Callable[[Vector, Vector], float]] = {
            Metric.COSINE: cosine,
            Metric.L2: lambda vector, query: -float(np.linalg.norm(stored(vector) - query)),
            Metric.INNER_PRODUCT: lambda vector, query: float(stored(vector) @ query),
        }
        score = scores[metric]
        wanted = sorted(kept, key=lambda name: -score(kept[name], query))
        names = {picture(name).id: name for name in kept}
        assert [names[match.picture.id] for match in matches] == wanted
        assert wanted[0] == {"cosine": "far", "l2": "near", "inner-product": "long"}[metric]
        for match in matches:
            assert match.score == pytest.approx(score(kept[names[match.picture.id]], query))

    def test_a_space_says_what_its_network_is(self, store: Store) -> None:
        with store.write() as writer:
            writer.add_space(SPACE, "a network of mine")
            writer.add_space(OTHER, None)
        assert store.spaces() == (SPACE, OTHER)
        assert (store.network(SPACE), store.network(OTHER)) == ("a network of mine", None)
        assert store.network(replace(SPACE, metric=Metric.L2)) is None
        commit(store, [entry("a", "x")])
        assert store.network(SPACE) == "a network of mine"
        with store.write() as writer:
            writer.add_space(OTHER, "another")
        assert (store.network(SPACE), store.network(OTHER)) == ("a network of mine", "another")
        assert store.spaces() == (SPACE, OTHER)

    def test_a_space_that_is_removed_leaves_the_others_and_the_files(self, store: Store) -> None:
        commit(store, [entry("a", "x"), entry("b", "y"), entry("gone", "z")])
        commit(store, [entry("a", "x")], OTHER, x=unit(1, 1))
        forget(store, "gone")
        with store.write() as writer:
            writer.remove_space(SPACE)
            assert writer.find(SPACE, picture("x").id) is None
        assert store.spaces() == (OTHER,)
        assert nearest(store, SPACE, QUERY, 9) == []
        assert names_of(nearest(store, OTHER, unit(1, 0), 9)) == ["x"]
        assert store.status().files == 2
        assert {file.path: file.settled for file in store.known_files(SPACE)} == {
            "a": False,
            "b": False,
        }
        # It can be filled again, and what was in it is not there.
        commit(store, [entry("b", "y")])
        assert names_of(nearest(store, SPACE, QUERY, 9)) == ["y"]

    def test_a_space_that_is_not_there_is_removed_without_ado(self, store: Store) -> None:
        commit(store, [entry("a", "x")])
        with store.write() as writer:
            writer.remove_space(OTHER)
        assert names_of(nearest(store, SPACE, QUERY, 9)) == ["x"]

    def test_the_status_counts_what_is_there(self, store: Store) -> None:
        commit(store, [entry("a", "x"), entry("a2", "x"), entry("b", "y"), left_out("c")])
        commit(store, [left_out("d", SkipKind.NO_PICTURE), left_out("e", SkipKind.NEEDS_EXTRA)])
        status = store.status()
        assert (status.pictures, status.files) == (2, 3)
        assert (status.skipped, status.other) == (2, 1)
        assert [(s.pictures, s.unused_rows) for s in status.spaces] == [(2, 0)]

    # The settings

    def test_the_folder_and_the_patterns_are_remembered(self, store: Store, tmp_path: Path) -> None:
        patterns = Patterns(("*.jpg", "ä*"), ("old/*", "'\"\n"))
        with store.write() as writer:
            writer.remember(tmp_path / "pictures", patterns)
        assert store.root == tmp_path / "pictures"
        assert store.patterns == patterns
        with store.write() as writer:
            writer.remember(tmp_path / "ph\udcff", Patterns())
        assert store.root == tmp_path / "ph\udcff"
        assert store.patterns == Patterns()

    # Several processes and threads

    def test_readers_see_what_is_committed_while_a_writer_is_inside(
        self, store: Store, elsewhere: str
    ) -> None:
        commit(store, [entry("a", "x")])
        code = (
            f"{elsewhere}\n"
            "import numpy as np\n"
            "from tests.contract.store_contract import SPACE\n"
            "(answer,) = store.search(SPACE, np.ones((1, 3), np.float32), 9)\n"
            "print([match.paths for match in answer.matches])"
        )
        with store.write() as writer:
            assert run(code) == "[('a',)]\n"
            writer.commit(SPACE, [entry("b", "x")], {})
            assert run(code) == "[('a', 'b')]\n"
            writer.forget(["a"])
            assert store.paths(picture("x").id) == ("b",)
        assert run(code) == "[('b',)]\n"

    def test_a_second_writer_is_told_who_the_first_is(self, store: Store, elsewhere: str) -> None:
        code = (
            f"{elsewhere}\n"
            "import os, sys\n"
            "from lookgraph.errors import LibraryLockedError\n"
            "with store.write():\n"
            "    print(os.getpid(), flush=True)\n"
            "    sys.stdin.readline()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT,
        ) as other:  # fmt: skip
            assert other.stdout
            process = other.stdout.readline().strip()
            with (
                pytest.raises(LibraryLockedError, match=rf"process {process} on \S+ since 20\d\d"),
                store.write(),
            ):
                pass
            # Even when it is killed, the next one may write.
            other.kill()
        commit(store, [entry("a", "x")])
        assert known(store) == ["a"]

    def test_a_writer_in_the_same_process_waits_its_turn_too(self, store: Store) -> None:
        with (
            store.write() as writer,
            pytest.raises(LibraryLockedError),
            store.write(),
        ):
            writer.forget([])
        commit(store, [entry("a", "x")])
        assert known(store) == ["a"]

    def test_pictures_are_looked_up_from_many_threads_during_commits(self, store: Store) -> None:
        ids = [picture(name).id for name in NAMES]
        with store.write() as writer, ThreadPoolExecutor(4) as pool:
            lookups = []
            for name in NAMES:
                writer.commit(SPACE, [entry(name, name)], {picture(name).id: VECTORS[name]})
                lookups.append(pool.map(lambda id_: writer.find(SPACE, id_), ids * 5))
            assert [found for found in lookups[-1] if found] == [
                picture(name) for name in NAMES
            ] * 5

    def test_an_error_inside_lets_the_next_writer_in(self, store: Store) -> None:
        def fail(writer: Writer) -> None:
            writer.commit(SPACE, [entry("a", "x")], {picture("x").id: VECTORS["x"]})
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"), store.write() as writer:
            fail(writer)
        # What was committed before it stays.
        assert known(store) == ["a"]
        forget(store, "a")
        assert known(store) == []


PROJECT = Path(__file__).parent.parent.parent


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
