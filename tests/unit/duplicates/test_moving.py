"""Files are moved away and back, and whatever happens, none is lost."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lookgraph.duplicates.copies import Copy
from lookgraph.duplicates.moving import Moved, Wish, move_away, move_back
from lookgraph.errors import StorageError, UsageError
from lookgraph.types import Entry, Picture, Stamp
from tests.conftest import PROJECT

NAMES = ("a.jpg", "b/c.jpg", "b/d e.png", "noending", "x\udcff.jpg")


def fill(root: Path) -> list[Wish]:
    """Files, each of which is to be moved because `kept.jpg` is there."""
    keep = copy(root, "kept.jpg")
    return [Wish(copy(root, name), keep) for name in NAMES]


def copy(root: Path, name: str) -> Copy:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(os.fsencode(name))
    found = file.stat()
    picture = Picture(hashlib.sha256(os.fsencode(name)).hexdigest(), "JPEG", 1, 1)
    return Copy(Entry(name, Stamp(found.st_size, found.st_mtime_ns), picture), picture)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith("lookgraph-moved-")
    }


def away(root: Path, wishes: list[Wish], folder: Path) -> Moved:
    return move_away(root, wishes, folder, lambda _: None)


def back(folder: Path) -> Moved:
    return move_back(folder, lambda _: None)


def test_what_was_moved_away_comes_back(tmp_path: Path) -> None:
    root, folder = tmp_path / "pictures", tmp_path / "moved"
    wishes = fill(root)
    before, stamps = files(root), {name: (root / name).stat().st_mtime_ns for name in NAMES}
    moved = away(root, wishes, folder)
    assert moved.left == ()
    assert set(files(root)) == {"kept.jpg"}
    assert files(folder) == {name: before[name] for name in NAMES}
    (manifest,) = folder.glob("lookgraph-moved-*.json")
    told = json.loads(manifest.read_bytes())
    assert {line["was"]: line["kept"] for line in told["files"]} == dict.fromkeys(NAMES, "kept.jpg")
    assert back(folder).left == ()
    assert files(root) == before
    assert {name: (root / name).stat().st_mtime_ns for name in NAMES} == stamps
    assert not folder.exists()


def test_what_lies_where_files_are_moved_to_is_left_alone(tmp_path: Path) -> None:
    root, folder = tmp_path / "pictures", tmp_path / "moved"
    wishes = fill(root)
    before = files(root)
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "c.jpg").write_bytes(b"mine")
    (folder / "noending").write_bytes(b"mine too")
    away(root, wishes, folder)
    found = files(folder)
    assert found["b/c.jpg"] == b"mine"
    assert found["b/c.2.jpg"] == before["b/c.jpg"]
    assert found["noending.2"] == before["noending"]
    back(folder)
    assert files(root) == before
    assert files(folder) == {"b/c.jpg": b"mine", "noending": b"mine too"}


def test_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    root, folder = tmp_path / "pictures", tmp_path / "moved"
    keep = copy(root, "kept.jpg")
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"mine")
    wishes = [Wish(copy(root, name), keep) for name in ("a.jpg", "a.2.jpg")]
    before = files(root)
    away(root, wishes, folder)
    assert sorted(files(folder).values()) == sorted(
        [b"mine", *(before[name] for name in ("a.jpg", "a.2.jpg"))]
    )
    back(folder)
    assert files(root) == before


@pytest.mark.parametrize("which", ["a.jpg", "kept.jpg"])
@pytest.mark.parametrize("what", ["changed", "gone", "link"])
def test_a_file_stays_unless_it_and_the_one_to_keep_are_what_they_were(
    tmp_path: Path, which: str, what: str
) -> None:
    root, folder = tmp_path / "pictures", tmp_path / "moved"
    wish = fill(root)[0]
    file = root / which
    if what == "changed":
        file.write_bytes(b"something else")
    elif what == "gone":
        file.unlink()
    else:
        file.rename(tmp_path / "elsewhere.jpg")
        file.symlink_to(tmp_path / "elsewhere.jpg")
    before = files(root)
    moved = away(root, [wish], folder)
    assert moved.moved == ()
    ((left, reason),) = moved.left
    assert left == root / "a.jpg"
    assert what in reason
    assert files(root) == before
    assert not folder.exists()


def test_a_folder_in_the_librarys_is_refused(tmp_path: Path) -> None:
    wishes = fill(tmp_path / "pictures")
    (tmp_path / "way").symlink_to(tmp_path / "pictures")
    for folder in (tmp_path / "pictures" / "moved", tmp_path / "pictures", tmp_path / "way" / "x"):
        with pytest.raises(UsageError, match="would be found again"):
            away(tmp_path / "pictures", wishes, folder)


def test_a_file_that_took_the_place_of_one_is_left_alone(tmp_path: Path) -> None:
    root, folder = tmp_path / "pictures", tmp_path / "moved"
    away(root, fill(root), folder)
    (root / "a.jpg").write_bytes(b"new")
    done = back(folder)
    assert [left for left, _ in done.left] == [folder / "a.jpg"]
    assert (root / "a.jpg").read_bytes() == b"new"
    assert (folder / "a.jpg").exists()
    (root / "a.jpg").unlink()
    assert back(folder).left == ()
    assert not folder.exists()


def test_moved_twice_all_comes_back(tmp_path: Path) -> None:
    root, folder = tmp_path / "pictures", tmp_path / "moved"
    wishes = fill(root)
    before = files(root)
    away(root, wishes[:2], folder)
    away(root, wishes[2:], folder)
    assert len(list(folder.glob("lookgraph-moved-*.json"))) == 2
    back(folder)
    assert files(root) == before
    assert not folder.exists()


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"[]",
        b'{"format": 1}',
        b'{"format": 9, "library": "/x", "files": []}',
        b'{"format": 1, "library": "/x", "files": [{"id": "0", "was": "../y", "to": "a",'
        b' "kept": "k"}]}',
        b'{"format": 1, "library": "/x", "files": [{"id": "0", "was": "y", "to": "/etc/x",'
        b' "kept": "k"}]}',
    ],
)
def test_a_list_of_somebody_elses_is_refused(tmp_path: Path, told: bytes) -> None:
    (tmp_path / "lookgraph-moved-1.json").write_bytes(told)
    with pytest.raises(UsageError, match=r"lookgraph-moved-1\.json"):
        back(tmp_path)


def test_where_nothing_was_moved_there_is_nothing_to_undo(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was moved there"):
        back(tmp_path)


_DYING = """
import os, signal, sys
from pathlib import Path
from lookgraph.duplicates import moving
from tests.unit.duplicates.test_moving import fill, copy, NAMES
from lookgraph.duplicates.moving import Wish

root, folder, deadly, way = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
steps = 0

def counted(call):
    def step(*arguments, **named):
        global steps
        steps += 1
        if steps == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **named)
    return step

wishes = fill(root)[:2] if way != "back" else []
if way == "copy":
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")
    os.link = refuse
for module, name in ((os, "link"), (Path, "unlink"), (Path, "replace"), (os, "fsync"),
                     (Path, "mkdir"), (Path, "rmdir")):
    setattr(module, name, counted(getattr(module, name)))
if way == "back":
    moving.move_back(folder, lambda _: None)
else:
    moving.move_away(root, wishes, folder, lambda _: None)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["link", "copy", "back"])
def test_killed_at_any_step_nothing_is_lost_and_all_comes_back(tmp_path: Path, way: str) -> None:
    deadly, died = 1, True
    while died:
        root, folder = tmp_path / f"{deadly}" / "pictures", tmp_path / f"{deadly}" / "moved"
        wishes = fill(root)[:2]
        before = files(root)
        if way == "back":
            away(root, wishes, folder)
        done = subprocess.run(
            [sys.executable, "-c", _DYING, root, folder, str(deadly), way],
            cwd=PROJECT, check=False, capture_output=True,
        )  # fmt: skip
        died = done.returncode == -9
        assert died or done.returncode == 0, done.stderr
        whole = {**files(root), **files(folder)} if folder.exists() else files(root)
        assert {before[name] for name in before} <= set(whole.values())
        if folder.exists() and list(folder.glob("lookgraph-moved-*.json")):
            back(folder)
        assert files(root) == before
        deadly += 1
    assert deadly > 8


def test_on_another_disk_a_copy_is_whole_before_the_file_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    root, folder = tmp_path / "pictures", tmp_path / "moved"
    wishes = fill(root)
    before, stamp = files(root), (root / "a.jpg").stat().st_mtime_ns
    monkeypatch.setattr(os, "link", refuse)
    away(root, wishes, folder)
    assert files(folder) == {name: before[name] for name in NAMES}
    assert (folder / "a.jpg").stat().st_mtime_ns == stamp
    back(folder)
    assert files(root) == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    wishes = fill(tmp_path / "pictures")
    (tmp_path / "moved").write_bytes(b"a file")
    with pytest.raises(StorageError, match="moved"):
        away(tmp_path / "pictures", wishes, tmp_path / "moved" / "x")
