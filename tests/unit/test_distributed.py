"""What Ray runs, without Ray: manifests, sources, stages and parts."""

import os
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from lookgraph.choosing import choose_new
from lookgraph.config import usable_cores
from lookgraph.errors import ClusterError, ExchangeError, LibraryLockedError, UsageError
from lookgraph.ingest.discover import Change, ChangeKind
from lookgraph.ingest.pipeline import Folder, embed_files
from lookgraph.models.embedder import SettledEmbedder
from lookgraph.models.runtimes.base import Choice
from lookgraph.types import Entry, Patterns, Picture, Skip, SkipKind, Stamp
from tests.conftest import needs_module
from tests.pictures import GRID_SPACE, GridNetwork, drawn, save

needs_module("pyarrow")
needs_module("fsspec")

from lookgraph.distributed import manifest, parts, sources, stages  # noqa: E402
from lookgraph.distributed.engine import check_address  # noqa: E402
from lookgraph.exchange.parquet import as_batch, rows_of_batch  # noqa: E402
from lookgraph.exchange.rows import Row  # noqa: E402


@pytest.fixture(scope="module")
def settled() -> SettledEmbedder:
    return choose_new(None, None, None, Choice("onnxruntime")).settle(usable_cores(), 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in range(7):
        save(drawn(seed), tmp_path / "pictures" / f"{seed}.png")
    whole = (tmp_path / "pictures" / "0.png").read_bytes()
    (tmp_path / "pictures" / "cut.png").write_bytes(whole[:100])
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/pictures/\xe9.png")).write_bytes(whole + b"x")
    return tmp_path / "pictures"


def files_of(folder: Path) -> list[tuple[str, Stamp]]:
    found = [(file.name, file.stat()) for file in sorted(folder.iterdir())]
    return [(name, Stamp(stat.st_size, stat.st_mtime_ns)) for name, stat in found]


def test_the_stages_give_what_the_threads_give(folder: Path, settled: SettledEmbedder) -> None:
    files = files_of(folder)
    changes = [Change(ChangeKind.NEW, path, stamp) for path, stamp in files]
    embedder = settled.load(usable_cores())
    wanted = {
        outcome.entry: None if outcome.embedding is None else outcome.embedding.tobytes()
        for outcome in embed_files(folder, changes, embedder, lambda _: None, 1)
    }
    looked = stages.look(stages.as_files(files), Folder(folder), settled, 2)
    (batch,) = stages.Embedding(stages.Shipped(settled))(looked).to_batches()
    found = {
        row.entry: None if row.embedding is None else row.embedding.tobytes()
        for row in rows_of_batch(batch, settled.space)
    }
    assert found == wanted
    assert sum(value is None for value in found.values()) == 1

    ids = stages.identify(stages.as_files(files), Folder(folder), 2)["id"].to_pylist()
    known = {entry.path: entry.picture.id for entry in wanted if entry.picture}
    assert {path: id_ for (path, _), id_ in zip(files, ids, strict=True) if path in known} == known


def test_what_fails_for_all_is_said_and_not_lost(
    folder: Path, tmp_path: Path, settled: SettledEmbedder
) -> None:
    files = stages.as_files(files_of(folder))
    looked = stages.look(files, Folder(tmp_path / "gone"), settled, 1)
    assert looked.column_names == [stages.FAILURE]
    assert f"{tmp_path / 'gone'} is not there" in looked[stages.FAILURE][0].as_py()
    assert stages.Embedding(stages.Shipped(settled))(looked) is looked
    looked = stages.look(files, Folder(folder), settled, 1)
    lost = stages.Shipped(settled.at(tmp_path / "gone.onnx"))
    assert stages.Embedding(lost)(looked).column_names == [stages.FAILURE]


def test_objects_are_listed_as_a_walk_would() -> None:
    import fsspec

    storage = fsspec.filesystem("memory")
    storage.store.clear()
    for name in ("b/2.jpg", "a-b.jpg", "a/1.jpg", ".x.jpg", "c/.y/3.jpg", "c/Thumbs.db", "d/4.png"):
        storage.pipe_file(f"/shelf/{name}", b"abc")
    left_out: list[Entry] = []
    found = list(manifest.in_bucket("memory://shelf", Patterns(), left_out.append))
    assert [file.path for file in found] == ["a-b.jpg", "a/1.jpg", "b/2.jpg", "d/4.png"]
    assert {file.stamp.size for file in found} == {3}
    assert left_out == []
    patterns = Patterns(include=("*.jpg",), exclude=("a",))
    found = list(manifest.in_bucket("memory://shelf", patterns, left_out.append))
    assert [file.path for file in found] == ["a-b.jpg", "b/2.jpg"]
    with pytest.raises(ClusterError, match="nothing below memory://other"):
        list(manifest.in_bucket("memory://other", Patterns(), left_out.append))


def test_an_object_opens_as_a_file() -> None:
    import fsspec

    storage = fsspec.filesystem("memory")
    storage.pipe_file("/shelf/a.jpg", b"\xff\xd8\xff" + b"1" * 100)
    with sources.Bucket("memory://shelf").open("a.jpg") as opened:
        assert opened.file.read() == b"\xff\xd8\xff" + b"1" * 100
        assert opened.stamp() == opened.stamp()
    with pytest.raises(FileNotFoundError), sources.Bucket("memory://shelf").open("b.jpg"):
        pass


def test_times_of_objects_are_whole_seconds() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678900, timezone.utc)
    wanted = Stamp(7, 1767323045 * 1_000_000_000)
    for told in (moment, moment.timestamp(), moment.isoformat(), "2026-01-02T03:04:05Z"):
        assert sources.stamp_of({"size": 7, "mtime": told}) == wanted
    assert sources.stamp_of({"size": 7, "LastModified": moment, "mtime": 0.0}) == wanted
    assert sources.stamp_of({"size": 7}) == Stamp(7, 0)


def row(path: str, size: int = 1, skip: Skip | None = None) -> Row:
    if skip:
        return Row(Entry(path, Stamp(size, 5), skip=skip), None)
    numbers = GridNetwork().embed([GridNetwork().prepare(drawn(size))])[0]
    return Row(Entry(path, Stamp(size, 5), Picture(f"{size:064x}", "PNG", 4, 3)), numbers)


def test_parts_say_what_is_done(tmp_path: Path, settled: SettledEmbedder) -> None:
    folder = tmp_path / "parts"
    bad = Skip(SkipKind.DAMAGED, "it is cut off")
    gone = Skip(SkipKind.UNREADABLE, "it cannot be read")
    with parts.own(folder):
        with pytest.raises(LibraryLockedError), parts.own(folder):
            pass
        for batch in ([row("b"), row("a"), row("c", 1, gone)], [row("b", 2), row("d", 1, bad)]):
            writer = parts.Parts(folder, GRID_SPACE)
            writer.add(as_batch(batch, GRID_SPACE))
            writer.flush()
            writer.flush()
    assert sorted(path.name for path in folder.glob("*.parquet")) == [
        "part-000001.parquet", "part-000002.parquet",
    ]  # fmt: skip
    (folder / "part-000003.parquet.part").write_bytes(b"half")
    known = parts.known_files(folder, GRID_SPACE)
    assert [(file.path, file.stamp.size, file.settled) for file in known] == [
        ("a", 1, True), ("b", 2, True), ("c", 1, False), ("d", 1, True),
    ]  # fmt: skip
    assert [entry.skip for entry in parts.left_out(folder, GRID_SPACE)] == [gone, bad]
    with pytest.raises(ExchangeError, match="name another folder"):
        parts.known_files(folder, settled.space)
    (folder / "part-000003.parquet").write_bytes(b"half")
    with pytest.raises(ExchangeError, match="is no Parquet file"):
        parts.known_files(folder, GRID_SPACE)


def test_rows_survive_a_part(tmp_path: Path) -> None:
    from lookgraph.exchange import parquet

    rows = [row("a", 3), row("b", 4, Skip(SkipKind.DAMAGED, "cut")), row("c", 5)]
    writer = parts.Parts(tmp_path, GRID_SPACE)
    writer.add(as_batch(rows, GRID_SPACE))
    writer.flush()
    space, found = parquet.read(tmp_path / "part-000001.parquet")
    assert space == GRID_SPACE
    for one, other in zip(found, rows, strict=True):
        assert one.entry == other.entry
        np.testing.assert_equal(one.embedding, other.embedding)


@pytest.mark.parametrize("address", ["", "local", "ray:/x", "ray://", "http://x:1"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(UsageError, match="say ray, or ray://HOST:PORT"):
        check_address(address)


def test_other_processes_are_not_given_a_gpu() -> None:
    with pytest.raises(UsageError, match="leave --device gpu out"):
        choose_new(None, None, None, Choice("auto", "gpu")).settle(1, 1)
