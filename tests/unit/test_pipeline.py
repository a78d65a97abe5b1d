"""From changed files to embeddings: each file's own embedding, whatever the others do."""

import hashlib
import io
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookgraph.ingest.decode import decode
from lookgraph.ingest.discover import Change, ChangeKind
from lookgraph.ingest.pipeline import Outcome, content_id, embed_files
from lookgraph.types import Matrix, Picture, Pixels, SkipKind, Stamp, Vector
from tests.pictures import GridNetwork, as_bytes, drawn, exif


def unknown(_: str) -> None:
    return None


def changes_of(root: Path, *more: str) -> list[Change]:
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))
    return [Change(ChangeKind.NEW, path, Stamp(1, 1)) for path in (*paths, *more)]


def alone(content: bytes) -> Vector:
    """The oracle: the embedding of one picture, computed by itself."""
    network = GridNetwork()
    image = decode(io.BytesIO(content), network.decode_side).image
    embedding: Vector = network.embed([network.prepare(image)])[0]
    return embedding


def write_all(root: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (root / path).write_bytes(content)


BAD: dict[str, tuple[bytes, SkipKind, str]] = {
    "empty.jpg": (b"", SkipKind.DAMAGED, "the file is empty"),
    "empty": (b"", SkipKind.NO_PICTURE, "it is no picture"),
    "text.jpg": (
        b"a text",
        SkipKind.DAMAGED,
        "its content is no picture in a known format",
    ),
    "text.txt": (b"a text", SkipKind.NO_PICTURE, "it is no picture"),
    "half.png": (as_bytes(drawn(99), "PNG")[:900], SkipKind.DAMAGED, "it cannot be decoded: "),
    "half": (as_bytes(drawn(98), "JPEG")[:900], SkipKind.DAMAGED, "it cannot be decoded: "),
}


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_bad_files_never_shift_an_embedding_onto_another_picture(
    tmp_path: Path, threads: int
) -> None:
    good = {f"{i:02}.{'jpg' if i % 3 else 'dat'}": drawn(i) for i in range(23)}
    contents = {path: as_bytes(image, "PNG") for path, image in good.items()}
    known = {
        hashlib.sha256(contents[path]).hexdigest(): Picture("known", "PNG", 1, 2)
        for path in list(contents)[::5]
    }
    # Bad ones lie before, between and after good ones.
    spread = {f"{i:02}-{name}": bad for i in range(0, 24, 4) for name, bad in BAD.items()}
    write_all(tmp_path, contents | {path: content for path, (content, _, _) in spread.items()})
    changes = changes_of(tmp_path, "05-gone.jpg")

    outcomes = list(embed_files(tmp_path, changes, GridNetwork(), known.get, threads))

    found = {outcome.entry.path: outcome for outcome in outcomes}
    assert len(outcomes) == len(changes)
    assert found.keys() == {change.path for change in changes}
    for path, content in contents.items():
        entry, id_ = found[path].entry, hashlib.sha256(content).hexdigest()
        status = (tmp_path / path).stat()
        assert entry.stamp == Stamp(len(content), status.st_mtime_ns)
        assert entry.skip is None
        embedding = found[path].embedding
        if id_ in known:
            assert entry.picture == known[id_]
            assert embedding is None
        else:
            assert entry.picture == Picture(id_, "PNG", 64, 48)
            assert embedding is not None
            assert np.array_equal(embedding, alone(content))
    for path, (_, kind, reason) in spread.items():
        skip = found[path].entry.skip
        assert skip
        assert skip.kind is kind
        assert skip.reason.startswith(reason)
        assert found[path].embedding is None
    gone = found["05-gone.jpg"]
    assert gone.entry.skip
    assert gone.entry.skip.kind is SkipKind.UNREADABLE
    assert gone.entry.skip.reason == "it was gone when it was to be read"
    assert gone.entry.stamp == Stamp(1, 1)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 12])
def test_every_picture_comes_whatever_fills_the_last_batch(tmp_path: Path, count: int) -> None:
    write_all(tmp_path, {f"{i}": as_bytes(drawn(i), "PNG") for i in range(count)})
    outcomes = list(embed_files(tmp_path, changes_of(tmp_path), GridNetwork(), unknown, 2))
    assert sorted(outcome.entry.path for outcome in outcomes) == sorted(map(str, range(count)))


def test_nothing_to_do_gives_nothing(tmp_path: Path) -> None:
    assert list(embed_files(tmp_path, [], GridNetwork(), unknown, 3)) == []


def test_what_a_picture_is_stands_in_its_entry(tmp_path: Path) -> None:
    content = as_bytes(drawn(1, 60, 40), "JPEG", exif=exif(6, "2021:05:04 13:14:15"))
    write_all(tmp_path, {"a.png": content})
    (outcome,) = embed_files(tmp_path, changes_of(tmp_path), GridNetwork(), unknown, 1)
    id_ = hashlib.sha256(content).hexdigest()
    assert outcome.entry.picture == Picture(id_, "JPEG", 40, 60, "2021-05-04T13:14:15")


def only(root: Path, find: Callable[[str], Picture | None] = unknown) -> Outcome:
    (outcome,) = embed_files(root, changes_of(root), GridNetwork(), find, 1)
    return outcome


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    skip = only(tmp_path).entry.skip
    assert skip
    assert skip.kind is SkipKind.UNREADABLE
    assert skip.reason == "it cannot be read: Too many levels of symbolic links"
    (tmp_path / "loop.jpg").unlink()
    (tmp_path / "folder.jpg").mkdir()
    skip = only(tmp_path).entry.skip
    assert skip
    assert (skip.kind, skip.reason) == (SkipKind.UNREADABLE, "it cannot be read: Is a directory")


@pytest.mark.parametrize("change", ["grown", "touched"])
def test_a_file_that_changes_while_it_is_read_is_tried_again(tmp_path: Path, change: str) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(as_bytes(drawn(1), "PNG"))
    before = file.stat()

    def meddle(_: str) -> None:
        if change == "grown":
            with file.open("ab") as opened:
                opened.write(b"more")
        os.utime(file, ns=(1, before.st_mtime_ns + (change == "touched")))

    outcome = only(tmp_path, meddle)
    assert outcome.entry.skip
    assert outcome.entry.skip.kind is SkipKind.CHANGING
    assert outcome.entry.skip.kind.passing
    assert outcome.entry.stamp == Stamp(before.st_size, before.st_mtime_ns)
    assert outcome.embedding is None


class Partial(GridNetwork):
    """Gives no direction for pictures that are red in the middle."""

    def __init__(self, instead: float) -> None:
        self.instead = instead

    def embed(self, prepared: Sequence[Pixels]) -> Matrix:
        embeddings = super().embed(prepared)
        embeddings[(np.stack(prepared)[:, 2, 2] == (255, 0, 0)).all(axis=1)] = self.instead
        return embeddings


@pytest.mark.parametrize("instead", [np.nan, np.inf, 0.0])
def test_a_picture_that_the_network_cannot_place_is_left_out(
    tmp_path: Path, instead: float
) -> None:
    red = Image.new("RGB", (30, 30), (255, 0, 0))
    contents = {f"{i}.png": as_bytes(red if i in {1, 4} else drawn(i), "PNG") for i in range(7)}
    write_all(tmp_path, contents)
    for outcome in embed_files(tmp_path, changes_of(tmp_path), Partial(instead), unknown, 2):
        if outcome.entry.path in {"1.png", "4.png"}:
            assert outcome.entry.skip
            assert outcome.entry.skip.kind is SkipKind.DAMAGED
            assert "the network gives no embedding for it" in outcome.entry.skip.reason
            assert outcome.embedding is None
        else:
            assert outcome.embedding is not None
            assert np.array_equal(outcome.embedding, alone(contents[outcome.entry.path]))


class Failing(GridNetwork):
    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.calls = 0

    def embed(self, prepared: Sequence[Pixels]) -> Matrix:
        self.calls += 1
        if self.calls == 2:
            raise self.error
        return super().embed(prepared)


@pytest.fixture
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


@pytest.mark.usefixtures("no_thread_stays")
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("error", [RuntimeError("out of order"), MemoryError(), SystemExit(3)])
def test_what_the_network_raises_is_raised_to_the_caller(
    tmp_path: Path, error: BaseException, threads: int
) -> None:
    write_all(tmp_path, {f"{i:02}": as_bytes(drawn(i), "PNG") for i in range(40)})
    with pytest.raises(type(error)) as caught:
        list(embed_files(tmp_path, changes_of(tmp_path), Failing(error), unknown, threads))
    assert caught.value is error


@pytest.mark.usefixtures("no_thread_stays")
def test_what_the_list_of_changes_raises_is_raised_to_the_caller(tmp_path: Path) -> None:
    write_all(tmp_path, {f"{i:02}": as_bytes(drawn(i), "PNG") for i in range(9)})

    def changes() -> Iterator[Change]:
        yield from changes_of(tmp_path)
        raise LookupError("the library is gone")

    with pytest.raises(LookupError, match="the library is gone"):
        list(embed_files(tmp_path, changes(), GridNetwork(), unknown, 3))


@pytest.mark.usefixtures("no_thread_stays")
@pytest.mark.parametrize("threads", [1, 5])
def test_closing_early_stops_the_threads(tmp_path: Path, threads: int) -> None:
    write_all(tmp_path, {"a.txt": b"no picture"})
    taken = 0

    def endless() -> Iterator[Change]:
        nonlocal taken
        while True:
            taken += 1
            yield Change(ChangeKind.NEW, "a.txt", Stamp(1, 1))

    outcomes = embed_files(tmp_path, endless(), GridNetwork(), unknown, threads)
    next(outcomes)
    # Nobody takes more outcomes: a few wait, and no more is read.
    time.sleep(0.3)
    before = taken
    time.sleep(0.2)
    assert taken == before <= 4 * threads + 1
    outcomes.close()
    time.sleep(0.3)
    assert taken <= before + threads


def test_the_id_is_the_digest_of_all_that_is_in_the_file() -> None:
    content = np.random.default_rng(0).bytes((5 << 20) + 3)
    file = io.BytesIO(content)
    file.seek(77)
    assert content_id(file) == hashlib.sha256(content).hexdigest()
    assert content_id(io.BytesIO(b"")) == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
