"""Where a library is found and kept, what indexing reports, and what notebooks show."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookgraph import indexing
from lookgraph.errors import LibraryFormatError, LibraryNotFoundError, StorageError, UsageError
from lookgraph.library import Library
from lookgraph.models.embedder import Embedder
from lookgraph.models.runtimes.base import Choice
from lookgraph.stores.local import LocalStore
from lookgraph.types import Metric, Patterns, Selection, Skip, SkipKind, Space
from tests.conftest import RunCode
from tests.pictures import GridNetwork, drawn, save


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for i, path in enumerate(["a.png", "b.png", "sub/c.png", "sub/deep/d.png"]):
        save(drawn(i, 320, 240), folder / path)
    return folder


def paths(library: Library) -> list[str]:
    return [file.path for file in library.store.known_files(library.new_space())]


def counts(report: indexing.IndexReport) -> tuple[int, ...]:
    return (report.embedded, report.recognised, report.unchanged, report.forgotten,
            report.skipped, report.other)  # fmt: skip


def test_indexing_reports_what_it_did(folder: Path) -> None:
    library = Library.open(folder)
    (folder / "bad.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_bytes(b"notes")
    assert counts(library.index(dry_run=True)) == (6, 0, 0, 0, 0, 0)
    assert not (folder / ".lookgraph").exists()
    assert counts(library.index()) == (4, 0, 0, 0, 1, 1)
    assert counts(library.index()) == (0, 0, 6, 0, 0, 0)
    shutil.move(folder / "a.png", folder / "moved.png")
    shutil.copy(folder / "b.png", folder / "copy.png")
    (folder / "bad.jpg").unlink()
    os.utime(folder / "sub" / "c.png")
    assert counts(library.index(dry_run=True)) == (3, 0, 3, 2, 0, 0)
    assert counts(library.index()) == (0, 3, 3, 2, 0, 0)
    status = library.status()
    assert (status.pictures, status.files, status.skipped, status.other) == (4, 5, 0, 1)


def test_progress_ends_when_all_is_done(folder: Path) -> None:
    (folder / "bad.jpg").write_bytes(b"no picture")
    told: list[indexing.Progress] = []
    library = Library.open(folder)
    library.index(progress=told.append)
    assert told[0] == indexing.Progress(0, 5, 0, library.space())
    assert told[-1] == indexing.Progress(5, 5, 4, library.space())
    told.clear()
    Library.open(folder).index(progress=told.append)
    assert told == []


def test_the_nearest_library_above_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Library.open(folder).index()
    deep = Library.open(folder / "sub" / "deep")
    assert deep.root == folder
    assert deep.search(folder / "a.png")[0].path == "a.png"
    monkeypatch.chdir(folder / "sub")
    assert Library.open().root == folder
    # One that lies nearer comes first.
    save(drawn(9, 320, 240), folder / "sub" / "e.png")
    own = Library(LocalStore(folder / "sub" / ".lookgraph"), folder / "sub", Choice())
    own.index()
    assert paths(own) == ["c.png", "deep/d.png", "e.png"]
    assert Library.open(folder / "sub" / "deep").root == folder / "sub"
    assert Library.open(folder).root == folder


def test_without_a_library_the_folder_itself_is_the_root(folder: Path) -> None:
    library = Library.open(folder / "sub")
    assert library.root == folder / "sub"
    with pytest.raises(LibraryNotFoundError):
        library.status()
    library.index()
    assert (folder / "sub" / ".lookgraph" / "library.db").is_file()
    assert paths(library) == ["c.png", "deep/d.png"]


def test_a_folder_that_is_not_there_is_refused(folder: Path) -> None:
    for wrong in (folder / "missing", folder / "a.png"):
        with pytest.raises(UsageError, match="is no folder"):
            Library.open(wrong)


def test_a_library_that_is_kept_elsewhere(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "libraries" / "mine"
    library = Library.open(folder, at=place)
    assert counts(library.index()) == (4, 0, 0, 0, 0, 0)
    assert not (folder / ".lookgraph").exists()
    again = Library.open(tmp_path, at=place)
    assert again.root == folder
    hit = again.search(folder / "a.png")[0]
    assert (hit.path, hit.file) == ("a.png", str(folder / "a.png"))
    # Its own files are no part of the folder, wherever it lies.
    inside = Library.open(folder, at=folder / "sub" / "library")
    inside.index()
    assert counts(inside.index()) == (0, 0, 4, 0, 0, 0)


def test_a_folder_with_a_library_can_be_named_as_its_place(folder: Path, tmp_path: Path) -> None:
    Library.open(folder).index()
    assert Library.open(tmp_path, at=folder).root == folder
    assert Library.open(tmp_path, at=folder / ".lookgraph").root == folder


def test_a_folder_that_moved_still_answers(folder: Path, tmp_path: Path) -> None:
    Library.open(folder).index()
    folder.rename(tmp_path / "moved")
    library = Library.open(tmp_path / "moved")
    hit = library.search(tmp_path / "moved" / "b.png")[0]
    assert (hit.path, hit.file) == ("b.png", str(tmp_path / "moved" / "b.png"))
    assert counts(library.index()) == (0, 0, 4, 0, 0, 0)


def test_a_folder_that_is_not_there_now_is_not_forgotten(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "library"
    Library.open(folder, at=place).index()
    folder.rename(tmp_path / "unplugged")
    library = Library.open(tmp_path, at=place)
    with pytest.raises(StorageError, match="is not there"):
        library.index()
    assert library.status().files == 4


def test_a_part_of_the_folder_is_indexed_alone(folder: Path, tmp_path: Path) -> None:
    library = Library.open(folder)
    library.index()
    (folder / "a.png").unlink()
    (folder / "sub" / "c.png").unlink()
    save(drawn(7), folder / "sub" / "f.png")
    save(drawn(8), folder / "g.png")
    assert counts(library.index(folder / "sub")) == (1, 0, 1, 1, 0, 0)
    assert paths(library) == ["a.png", "b.png", "sub/deep/d.png", "sub/f.png"]
    assert counts(library.index(folder)) == (1, 0, 3, 1, 0, 0)
    shutil.rmtree(folder / "sub")
    assert counts(library.index(folder / "sub")) == (0, 0, 0, 2, 0, 0)
    with pytest.raises(UsageError, match="is not in"):
        library.index(tmp_path)


def test_patterns_are_kept_until_others_are_given(folder: Path) -> None:
    library = Library.open(folder)
    library.index(exclude=["deep"], include=["*.png"])
    assert library.store.patterns == Patterns(("*.png",), ("deep",))
    assert paths(library) == ["a.png", "b.png", "sub/c.png"]
    library.index(exclude=["a.*"])
    assert library.store.patterns == Patterns(("*.png",), ("a.*",))
    assert paths(library) == ["b.png", "sub/c.png", "sub/deep/d.png"]
    library.index()
    assert paths(library) == ["b.png", "sub/c.png", "sub/deep/d.png"]
    library.index(exclude=[])
    assert paths(library) == ["a.png", "b.png", "sub/c.png", "sub/deep/d.png"]


def test_what_was_left_out_is_listed_with_the_reason(folder: Path) -> None:
    (folder / "bad.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_bytes(b"no picture")
    library = Library.open(folder)
    library.index()
    (entry,) = library.skipped()
    assert entry.path == "bad.jpg"
    reason = "its content is no picture in a known format"
    assert entry.skip == Skip(SkipKind.DAMAGED, reason)


def test_a_library_of_another_network_says_to_index(folder: Path) -> None:
    library = Library.open(folder)
    other = Space("other", "f" * 64, 1, Metric.COSINE, 48)
    job = indexing.Job(folder, Patterns(), "", other, None, library.store.folder)
    indexing.run(library.store, job, lambda _: GridNetwork(), lambda _: None)
    with pytest.raises(LibraryFormatError, match=r"other-ffffffff-p1-cosine.*lookgraph index"):
        library.search(folder / "a.png")
    assert counts(library.index()) == (4, 0, 0, 0, 0, 0)
    assert library.search(folder / "a.png")[0].path == "a.png"
    assert library.store.spaces() == (other, library.new_space())


def test_a_folder_that_cannot_be_listed_keeps_what_was_in_it(
    folder: Path, as_somebody_else: RunCode
) -> None:
    Library.open(folder).index()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    (folder / "sub").chmod(0)
    code = (
        "store = LocalStore(folder / '.lookgraph')\n"
        "job = indexing.Job(folder, Patterns(), '', store.spaces()[0], None, store.folder)\n"
        "indexing.run(store, job, None, None)\n"
        "print([file.path for file in store.known_files(job.space)])\n"
        "print([(entry.path, entry.skip.reason) for entry in store.skipped()])\n"
    )
    try:
        told = as_somebody_else(
            "from pathlib import Path\n"
            "from lookgraph import indexing\n"
            "from lookgraph.stores.local import LocalStore\n"
            "from lookgraph.types import Patterns\n"
            f"folder = Path({str(folder)!r})",
            code,
        )
    finally:
        (folder / "sub").chmod(0o777)
    assert told.splitlines() == [
        "['a.png', 'b.png', 'sub/', 'sub/c.png', 'sub/deep/d.png']",
        "[('sub/', 'the folder cannot be listed: Permission denied')]",
    ]
    library = Library.open(folder)
    # Once it can be listed again nothing is left of that, even when it is indexed alone.
    library.index(folder / "sub")
    assert list(library.skipped()) == []
    assert paths(library) == ["a.png", "b.png", "sub/c.png", "sub/deep/d.png"]


def test_an_interrupted_run_keeps_what_was_done_and_goes_on(folder: Path, tmp_path: Path) -> None:
    for i in range(40):
        save(drawn(i + 100), folder / f"x{i:02}.png")

    class Interrupted(GridNetwork):
        calls = 0

        def embed(self, prepared):  # type: ignore[no-untyped-def]
            self.calls += 1
            if self.calls == 6:
                raise KeyboardInterrupt
            return super().embed(prepared)

    store = LocalStore(tmp_path / "library")
    space = Space("grid", "5" * 64, 1, Metric.COSINE, 48)
    job = indexing.Job(folder, Patterns(), "", space, None, store.folder)
    with pytest.raises(KeyboardInterrupt):
        indexing.run(store, job, lambda _: Interrupted(), lambda _: None)
    done = store.status().files
    assert 4 <= done < 44
    report = indexing.run(store, job, lambda _: GridNetwork(), lambda _: None)
    assert (report.embedded, report.unchanged) == (44 - done, done)


def test_an_example_is_one_of_the_pictures_and_always_the_same(folder: Path) -> None:
    library = Library.open(folder)
    (folder / ".lookgraph").mkdir()
    library.index()
    example = library.example()
    assert example in {folder / path for path in paths(library)}
    assert library.example() == example
    for file in folder.rglob("*.png"):
        file.unlink()
    library.index()
    assert library.example() is None


def test_notebooks_show_the_hits(folder: Path) -> None:
    save(drawn(0, 320, 240), folder / "<b>&.png", compress_level=1)
    library = Library.open(folder)
    library.index()
    shown = library.search(folder / "a.png", k=4)._repr_html_()
    assert shown.count('src="data:image/jpeg;base64,') == 4
    assert "b.png" in shown
    assert "&lt;b&gt;&amp;.png" in shown
    assert "<b>&.png" not in shown
    # What is gone since is shown without a picture.
    hits = library.search(folder / "a.png", k=4)
    (folder / "b.png").unlink()
    assert hits._repr_html_().count('src="data:image/jpeg;base64,') == 3


def test_hits_are_a_sequence(folder: Path) -> None:
    library = Library.open(folder)
    library.index()
    hits = library.search(folder / "a.png", k=3)
    assert len(hits) == 3
    assert list(hits) == list(hits.hits) == [hits[0], hits[1], hits[2]]
    assert hits[1:] == hits.hits[1:]
    assert hits[-1].rank == 3


def test_what_is_embedded_once_is_searched_with_often(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library.open(folder)
    library.index()
    questions: list[dict[str, Any]] = [
        {"crop": (10, 20, 200, 150)}, {"without": str(folder / "b.png")},
        {"without": [folder / "b.png", folder / "sub/c.png"]},
    ]  # fmt: skip
    for asked in questions:
        query = library.embed(folder / "a.png", **asked)
        assert query.space == library.space()
        assert query.embedding.shape == (query.space.dimension,)
        assert np.linalg.norm(query.embedding) == pytest.approx(1, abs=1e-6)
        wanted = library.search(folder / "a.png", k=4, **asked)
        over = library.search_over(folder / "a.png", score=0.1, **asked)
        with monkeypatch.context() as patch:
            patch.setattr(Embedder, "embed", None)  # it is not to be embedded again
            found = library.search(query, k=4)
            assert library.search(query, k=4, among=Selection(under="sub")).hits[0].rank == 1
            assert library.search_over(query, score=0.1).hits == over.hits
        assert (found.question, found.space, found.hits) == (
            wanted.question, wanted.space, wanted.hits,
        )  # fmt: skip
        assert found.took_ms > 1000 * query.seconds > 0
    (stored,) = (
        one.embedding
        for one in library.store.embedded(library.space())
        if one.entries[0].path == "a.png"
    )
    assert library.embed(folder / "a.png").embedding == pytest.approx(stored, abs=1e-3)


def test_a_question_that_is_embedded_is_all_that_is_asked_for(folder: Path) -> None:
    library = Library.open(folder)
    library.index()
    query, file = library.embed(folder / "a.png"), folder / "b.png"
    for pictures, more in (
        ((query, file), {}), ((file, query), {}), ((query, query), {}), ((query,), {"text": "hat"}),
        ((query,), {"without": [file]}), ((query,), {"crop": (0, 0, 9, 9)}),
        ((query,), {"model": "efficientnet-lite0"}),
    ):  # fmt: skip
        with pytest.raises(UsageError, match="embedded already is all that can be asked for"):
            library.search(*pictures, **more)


def test_a_folder_that_is_not_there_is_an_error_and_forgets_nothing(folder: Path) -> None:
    library = Library.open(folder)
    library.index()
    with pytest.raises(UsageError, match="sbu is no folder"):
        library.index(folder / "sbu")
    assert paths(library) == ["a.png", "b.png", "sub/c.png", "sub/deep/d.png"]


def test_where_all_pictures_are_gone_their_embeddings_wait_for_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is not mounted leaves an empty folder behind."""
    monkeypatch.setattr(indexing, "_WASTE_ROWS", 0)
    library = Library.open(folder)
    library.index()
    for name in ("a.png", "b.png", "sub"):
        (folder / name).rename(folder.parent / name)
    assert counts(library.index()) == (0, 0, 0, 4, 0, 0)
    assert [status.unused_rows for status in library.status().spaces] == [4]
    for name in ("a.png", "b.png", "sub"):
        (folder.parent / name).rename(folder / name)
    assert counts(library.index()) == (0, 4, 0, 0, 0, 0)
    (folder / "a.png").unlink()
    (folder / "b.png").unlink()
    library.index()
    assert [status.unused_rows for status in library.status().spaces] == [0]
