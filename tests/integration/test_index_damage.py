"""An index that is not what was written is never used in silence: the answers are exact then."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from lookgraph.errors import LibraryFormatError
from lookgraph.index import effort
from lookgraph.stores import sealing
from lookgraph.stores.local import LocalStore
from lookgraph.types import IndexKind, Metric, Space
from tests.conftest import PROJECT, needs_module
from tests.integration.indexed import (
    Model,
    add,
    assert_answers,
    assert_exact,
    by,
    compact,
    covered,
    forget,
    index_files,
    manifest_of,
    named_files,
    queries,
    renew,
    scores,
    space,
)

needs_module("faiss")

SPACE = space()
OTHER = space(fingerprint="b")
INDEXED = (IndexKind.IVF, None)


@pytest.fixture(autouse=True)
def _quickly_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "_QUERIES", 100)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Model]:
    """A library with two spaces; the index of each has two segments and some dropped rows."""
    folder, model = tmp_path_factory.mktemp("made") / "library", Model(Metric.COSINE)
    store = LocalStore(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "_LOOSE", 100)
        patch.setattr(effort, "_QUERIES", 100)
        for which, start in ((SPACE, 0), (OTHER, 300)):
            add(store, which, range(start, 1300))
            forget(store, range(0, 1300, 30))
            renew(store, which)
            add(store, which, range(1300, 1500))
            forget(store, range(1301, 1500, 30))
            renew(store, which)
            add(store, which, range(1500, 1550))
    model.add(range(1550))
    model.forget([*range(0, 1300, 30), *range(1301, 1500, 30)])
    return folder, model


@pytest.fixture
def model(made: tuple[Path, Model]) -> Model:
    return Model(Metric.COSINE, made[1].rows[:], set(made[1].gone))


@pytest.fixture
def store(made: tuple[Path, Model], tmp_path: Path) -> LocalStore:
    """The same, to be damaged."""
    return LocalStore(Path(shutil.copytree(made[0], tmp_path / "library")))


def part(store: LocalStore, which: str, of: Space = SPACE) -> Path:
    """A file of the index of a space."""
    manifest = manifest_of(store, of)
    told = json.loads(manifest.read_bytes())
    name = {
        "manifest": manifest.name,
        "codebook": told["codebook"]["name"],
        "first segment": told["segments"][0]["name"],
        "last segment": told["segments"][-1]["name"],
        "dropped": told["dropped"]["name"],
    }[which]
    return store.folder / "index" / str(name)


PARTS = ("manifest", "codebook", "first segment", "last segment", "dropped")


def assert_exact_answers(store: LocalStore, model: Model, k: int = 10) -> None:
    asked = queries(Metric.COSINE)
    for query, answer in zip(asked, store.search(SPACE, asked, k), strict=True):
        assert answer.by is IndexKind.EXACT
        assert_exact(answer, model.best(query)[:k])


def test_what_is_whole_is_used(store: LocalStore, model: Model) -> None:
    assert len(json.loads(manifest_of(store, SPACE).read_bytes())["segments"]) == 2
    assert by(store, SPACE) == by(store, OTHER) == INDEXED
    assert assert_answers(store, SPACE, model) >= 0.97


# Every file, damaged in every way


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit is flipped": flipped,
    "the first byte is another": lambda content: bytes([content[0] ^ 255]) + content[1:],
    "the last byte is another": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "it is cut in half": lambda content: content[: len(content) // 2],
    "it lacks its last byte": lambda content: content[:-1],
    "it is one byte longer": lambda content: content + b"x",
    "it is empty": lambda _: b"",
    "it is all zeros": lambda content: bytes(len(content)),
    "it is twice itself": lambda content: content + content,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "damage"),
    # The manifest's bits have a test of their own.
    [pair for pair in product(PARTS, DAMAGES) if pair != ("manifest", "a bit is flipped")],
)
def test_a_damaged_file_is_told_of_and_not_used(
    which: str, damage: str, store: LocalStore, model: Model
) -> None:
    file = part(store, which)
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert_not_used(store, model, str(file))


@pytest.mark.slow
@pytest.mark.parametrize("which", PARTS)
def test_a_damaged_file_is_made_again(which: str, store: LocalStore, model: Model) -> None:
    file = part(store, which)
    file.write_bytes(file.read_bytes()[:-1])
    assert_is_replaced(store, model, str(file))


@pytest.mark.slow
@pytest.mark.parametrize("which", PARTS[1:])
def test_a_missing_file_is_told_of_and_made_again(
    which: str, store: LocalStore, model: Model
) -> None:
    part(store, which).unlink()
    assert_is_replaced(store, model, f"files of the index of {SPACE.name} are missing")


def test_a_missing_manifest_is_no_index(store: LocalStore, model: Model) -> None:
    part(store, "manifest").unlink()
    assert by(store, SPACE) == (IndexKind.EXACT, None)
    assert_exact_answers(store, model)
    assert by(store, OTHER) == INDEXED
    renew(store, SPACE, None)
    assert by(store, SPACE) == INDEXED
    assert index_files(store) == named_files(store)


@pytest.mark.slow
@pytest.mark.parametrize("which", PARTS)
def test_a_file_of_another_space_is_told_of_and_made_again(
    which: str, store: LocalStore, model: Model
) -> None:
    file = part(store, which)
    shutil.copy(part(store, which, OTHER), file)
    assert_is_replaced(store, model, str(file))
    assert by(store, OTHER) == INDEXED


def assert_not_used(store: LocalStore, model: Model, why: str) -> None:
    how, fault = by(store, SPACE)
    assert how is IndexKind.EXACT
    assert fault is not None
    assert fault.startswith(why)
    assert_exact_answers(store, model)


def assert_is_replaced(store: LocalStore, model: Model, why: str) -> None:
    assert_not_used(store, model, why)
    assert_answers(store, SPACE, model)
    renew(store, SPACE, None)  # by what was kept
    assert by(store, SPACE) == by(LocalStore(store.folder), SPACE) == INDEXED
    assert covered(store, SPACE) == 1550
    assert index_files(store) == named_files(store)
    assert assert_answers(store, SPACE, model) >= 0.97


@pytest.mark.slow
def test_no_byte_of_the_manifest_can_change_unseen(store: LocalStore, model: Model) -> None:
    """Each is another in turn: then it is told of, or nothing is said otherwise than before."""
    file = part(store, "manifest")
    whole = file.read_bytes()
    for i in range(len(whole)):
        file.unlink()  # so that it is another file, whatever the clock says
        file.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        try:
            how, fault = by(store, SPACE)
        except LibraryFormatError:
            continue
        near = whole[max(0, i - 20) : i + 5]
        assert how is IndexKind.EXACT, f"used with another byte {i}, in {near!r}"
        assert fault, f"not told of another byte {i}, in {near!r}"
        if i % 50 == 0:
            assert_exact_answers(store, model)


@pytest.mark.parametrize(
    "content",
    [b"null", b"[]", b"{}", b"3", b'{"format": null}', b'{"format": "1"}', b'{"format": 1}',
     b'{"format": 1e999}', b'{"format": NaN}', b"\xff\xfe\x00", b"{" + b" " * 9999],
)  # fmt: skip
def test_a_manifest_that_is_something_else(content: bytes, store: LocalStore, model: Model) -> None:
    file = part(store, "manifest")
    file.write_bytes(content)
    if content == b'{"format": 1e999}':
        with pytest.raises(LibraryFormatError):
            by(store, SPACE)
    else:
        assert_not_used(store, model, str(file))


def test_an_index_is_compacted_away_where_it_is_damaged(store: LocalStore, model: Model) -> None:
    file = part(store, "first segment")
    file.write_bytes(flipped(file.read_bytes()))
    compact(store, SPACE)
    model.compact()
    assert by(store, SPACE) == (IndexKind.EXACT, None)
    assert_exact_answers(store, model)
    renew(store, SPACE)
    assert by(store, SPACE) == INDEXED
    assert_answers(store, SPACE, model)


# A newer format


def make_newer(store: LocalStore) -> set[Path]:
    """As a newer Lookgraph may leave it; gives the files of that index."""
    manifest = manifest_of(store, SPACE)
    told = json.loads(manifest.read_bytes()) | {"format": 99, "more": {"than": "we know"}}
    manifest.write_text(json.dumps(told))
    future = manifest.with_name(f"{SPACE.name}.77.future")
    future.write_bytes(b"what only the newer one knows")
    return {future, *manifest.parent.glob(f"{SPACE.name}.*")}


def test_a_newer_index_is_refused_and_left_alone(store: LocalStore, model: Model) -> None:
    files = {file: file.read_bytes() for file in make_newer(store)}
    assert len(files) == 6
    with pytest.raises(LibraryFormatError, match=r"format 99.*newer one.*--exact"):
        by(store, SPACE)
    assert by(store, OTHER) == INDEXED
    asked = queries(Metric.COSINE)

    def assert_searched_exactly() -> None:
        for query, answer in zip(asked, store.search(SPACE, asked, 10, recall=1), strict=True):
            assert_exact(answer, model.best(query)[:10])
        least = float(np.sort(scores(Metric.COSINE, asked[0]))[-100]) - 1e-9
        answer = store.search_over(SPACE, asked[0], least)
        assert_exact(answer, [one for one in model.best(asked[0]) if one[1] >= least])

    assert_searched_exactly()
    add(store, SPACE, range(1550, 1560))
    forget(store, [1])
    model.add(range(1550, 1560))
    model.forget([1])
    assert_searched_exactly()
    with pytest.raises(LibraryFormatError, match="format 99"):
        renew(store, SPACE)
    assert {file: file.read_bytes() for file in files} == files
    assert_searched_exactly()
    renew(store, SPACE, IndexKind.EXACT)  # who wants none can have none
    assert by(store, SPACE) == (IndexKind.EXACT, None)


def test_rows_are_compacted_beside_a_newer_index_or_left_as_they_are(
    store: LocalStore, model: Model
) -> None:
    files = {file: file.read_bytes() for file in make_newer(store)}
    with pytest.raises(LibraryFormatError, match="format 99"):
        compact(store, SPACE)
    assert {file: file.read_bytes() for file in files} == files
    for query in queries(Metric.COSINE):
        (answer,) = store.search(SPACE, query[None], 10, recall=1)
        assert_exact(answer, model.best(query)[:10])
    add(store, SPACE, [])
    assert len(list((store.folder / "rows").iterdir())) == 2  # one for each space


# FAISS is missing

_WITHOUT = """
import sys
from pathlib import Path
sys.modules["faiss"] = None  # "import faiss" fails, and find_spec("faiss") finds nothing
from lookgraph.errors import MissingExtraError
from lookgraph.stores.local import LocalStore
from tests.integration.indexed import *
SPACE = space()
store = LocalStore(Path(sys.argv[1]))
"""


def without_faiss(store: LocalStore, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT + code, store.folder],
        cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


_SEARCH = """
for answer in store.search(SPACE, queries(SPACE.metric), 10):
    print(answer.by, [numbers()[match.picture.id] for match in answer.matches], answer.fault)
"""


def test_without_faiss_answers_are_exact_and_say_so(store: LocalStore, model: Model) -> None:
    wanted = [[number for number, _ in model.best(q)[:10]] for q in queries(Metric.COSINE)]
    for line, best in zip(without_faiss(store, _SEARCH).splitlines(), wanted, strict=True):
        assert line.startswith(f"exact {best} the index of the library needs an optional part. ")
        assert line.endswith("pip install 'lookgraph[faiss]'")
    assert by(store, SPACE) == INDEXED


def test_without_faiss_a_library_is_written_to_and_its_index_is_kept(
    store: LocalStore, model: Model
) -> None:
    told = without_faiss(
        store,
        "add(store, SPACE, range(1550, 1560))\n"
        "forget(store, [1])\n"
        "for kind in (IndexKind.IVF, None):\n"
        "    try:\n"
        "        renew(store, SPACE, kind)\n"
        "    except MissingExtraError as error:\n"
        "        print(error.extra)\n",
    )
    assert told == "faiss\nfaiss\n"
    model.add(range(1550, 1560))
    model.forget([1])
    assert by(store, SPACE) == INDEXED
    assert_answers(store, SPACE, model)


def test_without_faiss_rows_are_compacted(store: LocalStore, model: Model) -> None:
    """The index is of rows that are gone then, so there is none."""
    without_faiss(store, "compact(store, SPACE)")
    model.compact()
    assert by(store, SPACE) == (IndexKind.EXACT, None)
    assert_exact_answers(store, model)
    renew(store, SPACE)
    assert by(store, SPACE) == INDEXED


# Another past


def test_a_database_from_a_backup_is_not_searched_by_a_later_index(
    store: LocalStore, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(store.folder / "library.db", tmp_path / "backup.db")
    monkeypatch.setattr(sealing, "_LOOSE", 100)
    used = LocalStore(store.folder)
    add(store, SPACE, range(1550, 1800))
    renew(store, SPACE)
    assert by(used, SPACE) == INDEXED
    assert covered(store, SPACE) == 1800
    for name in ("library.db-wal", "library.db-shm"):
        (store.folder / name).unlink(missing_ok=True)
    (tmp_path / "backup.db").replace(store.folder / "library.db")
    for reader in (used, store, LocalStore(store.folder)):
        assert by(reader, SPACE)[0] is IndexKind.EXACT
        assert_exact_answers(reader, model)
    # Other pictures come to lie where those were.
    add(store, SPACE, range(3000, 3400))
    model.add(range(3000, 3400))
    for reader in (used, store, LocalStore(store.folder)):
        assert_exact_answers(reader, model)
    renew(store, SPACE)
    for reader in (used, store, LocalStore(store.folder)):
        assert by(reader, SPACE) == INDEXED
        assert assert_answers(reader, SPACE, model) >= 0.97


def test_a_space_of_the_same_name_made_anew_has_no_index(store: LocalStore) -> None:
    used = LocalStore(store.folder)
    assert by(used, SPACE) == INDEXED
    with store.write() as writer:
        writer.remove_space(SPACE)
    assert not [name for name in index_files(store) if name.startswith(SPACE.name)]
    assert index_files(store) == named_files(store)
    model = Model(Metric.COSINE)
    add(store, SPACE, range(4000, 6200))
    model.add(range(4000, 6200))
    for reader in (used, store):
        assert by(reader, SPACE) == (IndexKind.EXACT, None)
        assert_exact_answers(reader, model)
    renew(store, SPACE)
    for reader in (used, store):
        assert by(reader, SPACE) == INDEXED
        assert_answers(reader, SPACE, model)


# Few pictures, or none


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[LocalStore]:
    store = LocalStore(tmp_path / "bare")
    with store.write() as writer:
        writer.add_space(SPACE, None)
    yield store
    assert index_files(store) == (named_files(store) if index_files(store) else set())


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 12, 40])
def test_an_index_of_few(count: int, bare: LocalStore) -> None:
    model = Model(Metric.COSINE)
    add(bare, SPACE, range(count))
    model.add(range(count))
    for _ in range(2):
        renew(bare, SPACE)
        assert_answers(bare, SPACE, model)
    add(bare, SPACE, range(100, 1300))
    model.add(range(100, 1300))
    renew(bare, SPACE)
    assert by(bare, SPACE) == INDEXED
    assert_answers(bare, SPACE, model)


def test_an_index_whose_pictures_have_all_gone(bare: LocalStore) -> None:
    model = Model(Metric.COSINE)
    add(bare, SPACE, range(1200))
    renew(bare, SPACE)
    forget(bare, range(1200))
    model.add(range(1200))
    model.forget(range(1200))
    assert_answers(bare, SPACE, model)
    compact(bare, SPACE)
    model.compact()
    assert_answers(bare, SPACE, model)
    for added in (range(2000, 2005), range(3000, 4100)):
        add(bare, SPACE, added)
        model.add(added)
        assert_answers(bare, SPACE, model)
        renew(bare, SPACE)
        assert_answers(bare, SPACE, model)


def test_an_index_made_while_all_pictures_have_gone(bare: LocalStore) -> None:
    model = Model(Metric.COSINE)
    add(bare, SPACE, range(1200))
    forget(bare, range(1200))
    renew(bare, SPACE)
    add(bare, SPACE, range(600))
    model.add(range(1200))
    model.forget(range(600, 1200))
    assert_answers(bare, SPACE, model)
    renew(bare, SPACE)
    assert_answers(bare, SPACE, model)
