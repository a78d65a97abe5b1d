"""What is in a folder, against `os.walk`; what changed, against sets."""

import fnmatch
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lookgraph.ingest.discover import ChangeKind, FoundFile, UnreadFolder, compare, walk
from lookgraph.types import KnownFile, Patterns, Stamp
from tests.conftest import RunCode

NAMES = [
    "a", "a-b", "a.b", "a0", "a b", "b", "B", "ä", "a\u0308", "😀", "'", '"', "\n", "\\", "*",
    "[a]", "#",
    "-r", "~", "a\udcff", "\udc80", "z" * 255, "x.jpg", ".hidden", "._x.jpg", "Thumbs.db",
    "DESKTOP.INI", ".lookgraph", "..x", "...",
]  # fmt: skip
ANY_NAME = st.sampled_from(NAMES) | st.binary(min_size=1, max_size=6).filter(
    lambda name: not set(name) & {0, ord("/")} and name not in {b".", b".."}
).map(os.fsdecode)
TREES = st.sets(st.lists(ANY_NAME, min_size=1, max_size=4).map(tuple), max_size=25)
JUNK = {"thumbs.db", "desktop.ini"}
EVERYTHING = Patterns()


def grow(root: Path, tree: set[tuple[str, ...]]) -> None:
    """Make the files of a tree; a path that is a file's and a folder's becomes a folder's."""
    for parts in sorted(tree, key=len, reverse=True):
        file = root.joinpath(*parts)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(os.fsencode(parts[-1]))


def no_unread(folder: UnreadFolder) -> None:
    raise AssertionError(folder)


def found(root: Path, under: str = "", patterns: Patterns = EVERYTHING) -> list[str]:
    return [file.path for file in walk(root, patterns, no_unread, under=under)]


def hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK


def walked(root: Path) -> list[str]:
    """The oracle: every visible file, as a relative path, by the bytes of the path."""
    paths = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not hidden(name)]
        inside = os.path.relpath(folder, root)
        prefix = "" if inside == "." else f"{inside}/"
        paths += [prefix + name for name in files if not hidden(name)]
    return sorted(paths, key=os.fsencode)


@given(tree=TREES)
@settings(max_examples=80)
@example(tree={("a", "b"), ("a-b",), ("a.b", "x"), ("a0",), ("a b",), ("ab",)})
@example(tree={("a",), ("a-b", "c", "d"), ("a0", "x"), ("B",)})
def test_files_come_in_the_order_of_their_paths_bytes(tree: set[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        grow(Path(name), tree)
        assert found(Path(name)) == walked(Path(name))
        folders = {path.rpartition("/")[0] for path in walked(Path(name))} - {""}
        for under in folders:
            wanted = [path for path in walked(Path(name)) if path.startswith(f"{under}/")]
            assert found(Path(name), under) == wanted


def test_the_stamp_is_the_files_size_and_time(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"12345")
    os.utime(file, ns=(1, 1_234_567_890_123_456_789))
    (only,) = walk(tmp_path, EVERYTHING, no_unread)
    assert only == FoundFile("a.jpg", Stamp(5, 1_234_567_890_123_456_789))


PATTERNS = ["*.jpg", "a", "a*", "a/b", "a/*", "*/b", "b/", "*", "[ab]", "A", "a/b/*.jpg", "?"]


@given(
    tree=st.sets(
        st.lists(st.sampled_from(["a", "b", "ab", "c.jpg", "A"]), min_size=1, max_size=4).map(
            tuple
        ),
        max_size=20,
    ),
    include=st.lists(st.sampled_from(PATTERNS), max_size=2).map(tuple),
    exclude=st.lists(st.sampled_from(PATTERNS), max_size=2).map(tuple),
)
@settings(max_examples=80)
def test_patterns_choose_files(
    tree: set[tuple[str, ...]], include: tuple[str, ...], exclude: tuple[str, ...]
) -> None:
    def matches(path: str, pattern: str) -> bool:
        return fnmatch.fnmatchcase(path if "/" in pattern else path.rpartition("/")[2], pattern)

    def wanted(path: str) -> bool:
        parts = path.split("/")
        above = ["/".join(parts[: i + 1]) for i in range(len(parts))]
        if any(matches(part, pattern.rstrip("/")) for part in above for pattern in exclude):
            return False
        return not include or any(matches(path, pattern) for pattern in include)

    with tempfile.TemporaryDirectory() as name:
        grow(Path(name), tree)
        patterns = Patterns(include, exclude)
        everything = [path for path in walked(Path(name)) if wanted(path)]
        assert found(Path(name), "", patterns) == everything
        # A part of the folder holds what the whole holds there, and no more.
        for under in {path.rpartition("/")[0] for path in walked(Path(name))} - {""}:
            inside = [path for path in everything if path.startswith(f"{under}/")]
            assert found(Path(name), under, patterns) == inside


def test_a_hidden_folder_holds_nothing_even_when_asked_for(tmp_path: Path) -> None:
    grow(tmp_path, {(".hidden", "a.jpg"), (".hidden", "sub", "a.jpg"), ("seen", "a.jpg")})
    assert found(tmp_path, ".hidden") == []
    assert found(tmp_path, ".hidden/sub") == []
    assert found(tmp_path, "seen") == ["seen/a.jpg"]


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    grow(root, {("sub", "a.jpg"), ("z.jpg",)})
    grow(outside, {("o.jpg",), ("deep", "p.jpg")})
    (root / "b-out").symlink_to(outside)
    (root / "c-out-again").symlink_to(outside)
    (root / "sub" / "up").symlink_to(root)
    (root / "sub" / "above").symlink_to(tmp_path)
    (root / "inside").symlink_to(root / "sub")
    (root / "itself").symlink_to(root / "itself")
    (root / "nowhere").symlink_to(root / "missing")
    (outside / "loop").symlink_to(outside)
    (outside / "back").symlink_to(root)
    (root / "file-link.jpg").symlink_to(outside / "o.jpg")
    assert found(root) == [
        "b-out/deep/p.jpg", "b-out/o.jpg", "file-link.jpg", "sub/a.jpg", "z.jpg"
    ]  # fmt: skip


def test_a_link_to_a_file_has_the_stamp_of_its_target(tmp_path: Path) -> None:
    grow(tmp_path, {("a-target",)})
    (tmp_path / "link").symlink_to(tmp_path / "a-target")
    stamps = {file.path: file.stamp for file in walk(tmp_path, EVERYTHING, no_unread)}
    assert stamps["link"] == stamps["a-target"]
    assert stamps["link"].size == len("a-target")


def test_a_root_that_is_a_link_is_walked(tmp_path: Path) -> None:
    grow(tmp_path / "real", {("a", "b.jpg"), ("c.jpg",)})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert found(tmp_path / "link") == ["a/b.jpg", "c.jpg"]


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    grow(tmp_path, {("a.jpg",)})
    assert found(tmp_path) == ["a.jpg"]


def test_folders_nested_deeper_than_calls_may_be(tmp_path: Path) -> None:
    # More levels than Python's own limit; as one path they would be too long to be made.
    levels, here = 1500, Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(levels):
            Path("d").mkdir()
            os.chdir("d")
        Path("a.jpg").write_bytes(b"")
        assert found(tmp_path) == ["d/" * levels + "a.jpg"]
    finally:
        # shutil.rmtree, which pytest cleans up with, goes no deeper than the limit.
        Path("a.jpg").unlink()
        for _ in range(levels):
            os.chdir("..")
            Path("d").rmdir()
        os.chdir(here)


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, "gone") == []


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, as_somebody_else: RunCode) -> None:
    grow(tmp_path, {("a.jpg",), ("closed", "b.jpg"), ("open", "shut", "c.jpg"), ("z.jpg",)})
    shut = [tmp_path / "closed", tmp_path / "open" / "shut"]
    for folder in shut:
        folder.chmod(0)
    try:
        told = as_somebody_else(
            "from pathlib import Path\n"
            "from lookgraph.ingest.discover import walk\n"
            "from lookgraph.types import Patterns",
            "unread = []\n"
            f"files = walk(Path({str(tmp_path)!r}), Patterns(), unread.append)\n"
            "print([file.path for file in files])\n"
            "print([(folder.path, folder.reason) for folder in unread])\n",
        )
    finally:
        for folder in shut:
            folder.chmod(0o755)
    assert told.splitlines() == [
        "['a.jpg', 'z.jpg']",
        "[('closed', 'Permission denied'), ('open/shut', 'Permission denied')]",
    ]


PATHS = st.sampled_from(["a", "a-b", "a/b", "a0", "b", "b/c", "ä", "\udcff", "z"])
STAMPS = st.builds(Stamp, st.integers(0, 1), st.integers(0, 1))


@given(
    known=st.dictionaries(PATHS, st.tuples(STAMPS, st.booleans())),
    on_disk=st.dictionaries(PATHS, STAMPS),
)
@settings(max_examples=200)
def test_every_file_has_one_change(
    known: dict[str, tuple[Stamp, bool]], on_disk: dict[str, Stamp]
) -> None:
    def kind(path: str) -> ChangeKind:
        if path not in on_disk:
            return ChangeKind.GONE
        if path not in known:
            return ChangeKind.NEW
        stamp, settled = known[path]
        if stamp != on_disk[path]:
            return ChangeKind.CHANGED
        return ChangeKind.UNCHANGED if settled else ChangeKind.AGAIN

    in_order = sorted(known.keys() | on_disk.keys(), key=os.fsencode)
    old = [KnownFile(path, *known[path]) for path in in_order if path in known]
    new = [FoundFile(path, on_disk[path]) for path in in_order if path in on_disk]
    changes = list(compare(iter(old), iter(new)))
    assert [(change.path, change.kind) for change in changes] == [
        (path, kind(path)) for path in in_order
    ]
    for change in changes:
        stamp = on_disk[change.path] if change.path in on_disk else known[change.path][0]
        assert change.stamp == stamp


def test_files_are_compared_without_being_held() -> None:
    """Both sides are streams: what was read of one side is no further than a file ahead."""
    read = {"known": 0, "found": 0}

    def stream(side: str) -> Iterator[str]:
        for i in range(1_000):
            read[side] = i
            yield f"{i:04}"

    known = (KnownFile(path, Stamp(1, 1), True) for path in stream("known"))
    new = (FoundFile(path, Stamp(1, 1)) for path in stream("found"))
    for i, change in enumerate(compare(known, new)):
        assert change.kind is ChangeKind.UNCHANGED
        assert max(read.values()) <= i + 1


@pytest.mark.parametrize("name", ["tHUMBS.DB", "desktop.ini", ".DS_Store", "._a.jpg", ".a.jpg"])
def test_junk_is_passed_over(tmp_path: Path, name: str) -> None:
    grow(tmp_path, {(name,), ("sub", name), ("a.jpg",)})
    assert found(tmp_path) == ["a.jpg"]
