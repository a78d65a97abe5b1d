"""``lookgraph index``: what it does, what it says, and how it ends."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.e2e.commands import COMMAND, Done, fill, held, lookgraph, png, snapshot, spread
from tests.pictures import drawn, save

KEYS = {
    "dry_run", "embedded", "recognised", "unchanged", "forgotten", "skipped", "other", "seconds",
}  # fmt: skip


def report(*arguments: str | Path, code: int = 0) -> dict[str, int]:
    """The counts that are not zero."""
    told = lookgraph("index", *arguments, "--json", code=code).json
    assert set(told) == KEYS
    assert 0 < told.pop("seconds") < 60
    assert told.pop("dry_run") is ("--dry-run" in arguments)
    return {name: count for name, count in told.items() if count}


def test_words_go_to_stderr_and_nothing_to_stdout(folder: Path) -> None:
    done = lookgraph("index", folder)
    assert done.out == b""
    assert re.fullmatch(rf"5 pictures in {folder}: 5 embedded\. \d+\.\d s\n", done.err)


def test_the_current_folder_is_indexed_if_none_is_named(folder: Path) -> None:
    done = lookgraph("index", cwd=folder)
    assert done.err.startswith(f"5 pictures in {folder}: 5 embedded.")
    assert (folder / ".lookgraph" / "library.db").is_file()


def test_quiet_says_nothing(folder: Path) -> None:
    assert lookgraph("index", folder, "--quiet") == Done(0, b"", "")
    assert lookgraph("index", folder, "-q") == Done(0, b"", "")
    assert len(held(folder)) == 5


def modules_loaded(*arguments: str | Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", COMMAND, *arguments],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


def test_a_second_run_finds_all_unchanged_and_loads_no_network(folder: Path) -> None:
    heavy = {"onnxruntime", "PIL.Image", "onnx", "rich"}
    assert heavy & modules_loaded("index", folder) >= {"onnxruntime", "PIL.Image"}
    assert heavy & modules_loaded("index", folder) - {"PIL.Image"} == set()
    assert report(folder) == {"unchanged": 5}
    done = lookgraph("index", folder)
    assert re.fullmatch(rf"5 pictures in {folder}: 5 unchanged\. \d+\.\d s\n", done.err)


def test_it_reports_what_became_of_every_file(folder: Path) -> None:
    assert report(folder) == {"embedded": 5}
    shutil.copy(folder / "a.png", folder / "copy.png")
    (folder / "b.png").rename(folder / "moved.png")
    os.utime(folder / "c.png", ns=(1, 1))
    save(drawn(50), folder / "sub" / "d.png")
    (folder / "sub" / "e.png").unlink()
    (folder / "notes.txt").write_text("no picture")
    assert report(folder) == {
        "embedded": 1, "recognised": 3, "unchanged": 1, "forgotten": 2, "other": 1
    }  # fmt: skip
    assert set(held(folder)) == {"a.png", "copy.png", "moved.png", "c.png", "sub/d.png"}
    assert report(folder) == {"unchanged": 6}


def test_a_picture_that_comes_back_is_not_embedded_again(folder: Path, tmp_path: Path) -> None:
    before = report(folder), held(folder)
    (folder / "a.png").rename(tmp_path / "a.png")
    assert report(folder) == {"unchanged": 4, "forgotten": 1}
    assert "a.png" not in held(folder)
    (tmp_path / "a.png").rename(folder / "a.png")
    assert report(folder) == {"unchanged": 4, "recognised": 1}
    assert held(folder) == before[1]


def test_a_dry_run_changes_nothing(folder: Path) -> None:
    before = snapshot(folder)
    assert report(folder, "--dry-run") == {"embedded": 5}
    done = lookgraph("index", folder, "--dry-run")
    assert done.err == "5 files would be read, 0 are unchanged, 0 are gone.\n"
    assert snapshot(folder) == before

    lookgraph("index", folder)
    lookgraph("status", folder)
    (folder / "a.png").unlink()
    save(drawn(50), folder / "f.png")
    before = snapshot(folder)
    assert report(folder, "--dry-run", "--exclude", "sub") == {
        "embedded": 1, "unchanged": 2, "forgotten": 3
    }  # fmt: skip
    assert lookgraph("index", folder, "--dry-run", "--quiet") == Done(0, b"", "")
    assert snapshot(folder) == before


def test_patterns_hold_until_others_are_given(folder: Path) -> None:
    (folder / "f.gif").write_bytes((folder / "a.png").read_bytes())
    assert report(folder, "--include", "*.png", "--exclude", "sub") == {"embedded": 3}
    assert set(held(folder)) == {"a.png", "b.png", "c.png"}
    assert report(folder) == {"unchanged": 3}
    told = lookgraph("status", folder, "--json").json
    assert (told["include"], told["exclude"]) == (["*.png"], ["sub"])
    assert report(folder, "--exclude", "b.*", "--exclude", "sub/e*") == {
        "embedded": 1, "unchanged": 2, "forgotten": 1
    }  # fmt: skip
    assert set(held(folder)) == {"a.png", "c.png", "sub/d.png"}
    assert report(folder, "--include", "*.gif") == {"recognised": 1, "forgotten": 3}
    assert set(held(folder)) == {"f.gif"}


def test_a_folder_below_is_indexed_into_the_library_above(folder: Path) -> None:
    lookgraph("index", folder)
    save(drawn(50), folder / "new.png")
    save(drawn(51), folder / "sub" / "new.png")
    (folder / "sub" / "d.png").unlink()
    assert report(folder / "sub") == {"embedded": 1, "unchanged": 1, "forgotten": 1}
    assert set(held(folder)) == {"a.png", "b.png", "c.png", "sub/e.png", "sub/new.png"}
    assert not (folder / "sub" / ".lookgraph").exists()
    assert report(folder) == {"embedded": 1, "unchanged": 5}


def test_an_empty_folder(tmp_path: Path) -> None:
    assert lookgraph("index", tmp_path).err.startswith(f"0 pictures in {tmp_path}: no files.")


def test_the_library_may_be_named_by_the_folder_that_it_is_made_in(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    assert report(folder, "--library", folder) == {"embedded": 5}
    assert {path.name for path in folder.iterdir()} - before == {".lookgraph"}
    assert report("--library", folder) == {"unchanged": 5}
    assert report(folder, "--library", folder / ".lookgraph") == {"unchanged": 5}


def test_a_library_elsewhere_leaves_the_folder_as_it_is(folder: Path, tmp_path: Path) -> None:
    before, library = snapshot(folder), tmp_path / "elsewhere" / "library"
    assert report(folder, "--library", library) == {"embedded": 5}
    assert snapshot(folder) == before
    assert report("--library", library) == {"unchanged": 5}
    assert set(held(folder, library)) == {"a.png", "b.png", "c.png", "sub/d.png", "sub/e.png"}


def test_a_library_elsewhere_but_in_the_folder_is_not_indexed(folder: Path) -> None:
    assert report(folder, "--library", folder / "kept") == {"embedded": 5}
    assert report(folder, "--library", folder / "kept") == {"unchanged": 5}


def test_a_library_is_not_made_among_other_files(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    done = lookgraph("index", folder, "--library", other, code=2)
    assert done.err.startswith(f"lookgraph: {other} holds other files, and no library.")
    assert [path.name for path in other.iterdir()] == ["notes.txt"]


def test_nothing_is_forgotten_where_the_folder_itself_is_gone(folder: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    lookgraph("index", folder, "--library", library)
    before = held(tmp_path, library)
    folder.rename(tmp_path / "unplugged")
    done = lookgraph("index", "--library", library, cwd=tmp_path, code=1)
    assert done.err == (f"lookgraph: {folder}, the folder that the library is of, is not there.\n")
    assert held(tmp_path, library) == before
    (tmp_path / "unplugged").rename(folder)
    assert report("--library", library) == {"unchanged": 5}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch"], "nosuch is no folder."),
        (["a.png"], "a.png is no folder."),
        (["..", "--library", "."], "is not in"),
        (["--frobnicate"], "No such option"),
    ],
)
def test_wrong_usage_ends_with_2(folder: Path, arguments: list[str], said: str) -> None:
    lookgraph("index", folder)
    done = lookgraph("index", *arguments, cwd=folder, code=2)
    assert (said in done.err, done.out) == (True, b"")


def test_the_current_folder_may_be_gone(tmp_path: Path) -> None:
    script = f"mkdir gone && cd gone && rmdir ../gone && exec {COMMAND} index"
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "lookgraph: The current folder is gone.\n")


# Bad pictures


# What root may do beyond the permissions is given up (prctl(2), PR_CAPBSET_DROP;
# capabilities(7): 1 is CAP_DAC_OVERRIDE, 2 is CAP_DAC_READ_SEARCH).
_BOUND_BY_PERMISSIONS = """
import ctypes, os, sys
for capability in (1, 2):
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(24, capability, 0, 0, 0):
        sys.exit("the capability cannot be given up")
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What to put before a command so that permissions hold for it, also where root runs it."""
    if sys.platform != "linux" and os.geteuid() == 0:
        missing("Linux, or not to be root")
    prefix = [sys.executable, "-c", _BOUND_BY_PERMISSIONS]
    closed = tmp_path_factory.mktemp("bound") / "closed"
    closed.touch(mode=0)
    found = subprocess.run([*prefix, "/bin/cat", closed], capture_output=True, check=False)
    assert found.returncode == 1, "the test itself does not work: permissions do not hold"
    return prefix


BAD = {
    "bad/empty.jpg": "the file is empty",
    "bad/text.jpg": "its content is no picture in a known format",
    "bad/header.png": "it cannot be decoded: its header is not what the format asks for",
    "bad/bomb.png": "its pixels are more than the limit of 178,956,970, and are not decoded",
    "bad/closed.jpg": "it cannot be read: Permission denied",
}


@pytest.fixture
def spoiled(photographs: Path, tmp_path: Path) -> Path:
    """Eight good photographs and six files that are none."""
    folder = fill(tmp_path / "spoiled", spread(photographs, 8))
    good = sorted(folder.rglob("*.jpg"))[0].read_bytes()
    (folder / "bad").mkdir()
    (folder / "bad" / "empty.jpg").touch()
    (folder / "bad" / "cut.jpg").write_bytes(good[: len(good) // 3])
    (folder / "bad" / "text.jpg").write_text("This is a text.\n")
    (folder / "bad" / "header.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (folder / "bad" / "bomb.png").write_bytes(png(60_000, 60_000))
    (folder / "bad" / "closed.jpg").write_bytes(good)
    (folder / "bad" / "closed.jpg").chmod(0)
    return folder


def test_bad_pictures_are_left_out_with_reasons(spoiled: Path, bound: list[str]) -> None:
    done = lookgraph("index", spoiled, code=3, prefix=bound)
    assert done.out == b""
    assert done.err.startswith(f"8 pictures in {spoiled}: 8 embedded, 6 left out. ")
    assert done.err.splitlines()[1] == "6 files left out:"

    listed = lookgraph("status", spoiled, "--skipped", prefix=bound)
    reasons = dict(line.decode().split(": ", 1) for line in listed.lines)
    assert re.fullmatch(
        r"it cannot be decoded: image file is truncated \(\d+ bytes not processed\)",
        reasons.pop("bad/cut.jpg"),
    )
    assert reasons == BAD
    assert done.err.splitlines()[2:] == [f"  {line.decode()}" for line in listed.lines]
    kinds = {
        entry["path"]: entry["kind"]
        for entry in lookgraph("status", spoiled, "--skipped", "--json").json
    }
    assert kinds == {
        "bad/empty.jpg": "damaged", "bad/cut.jpg": "damaged", "bad/text.jpg": "damaged",
        "bad/header.png": "damaged", "bad/bomb.png": "too-large", "bad/closed.jpg": "unreadable",
    }  # fmt: skip
    # Whatever was left out stays so, and is said again, also where nothing is to be done.
    again = lookgraph("index", spoiled, code=3, prefix=bound)
    assert again.err.startswith(f"8 pictures in {spoiled}: 13 unchanged, 1 left out. ")
    assert lookgraph("index", spoiled, "-q", code=3, prefix=bound).err == ""


def test_bad_pictures_do_not_touch_the_good_ones(
    spoiled: Path, bound: list[str], tmp_path: Path
) -> None:
    lookgraph("index", spoiled, code=3, prefix=bound)
    alone = Path(
        shutil.copytree(spoiled, tmp_path / "alone", ignore=lambda *_: ["bad", ".lookgraph"])
    )
    lookgraph("index", alone)
    query = sorted(alone.rglob("*.jpg"))[3]
    found = lookgraph("search", query, "--library", spoiled, "--json").json["hits"]
    wanted = lookgraph("search", query, "--library", alone, "--json").json["hits"]
    assert len(found) == 8
    assert [(hit["path"], hit["score"]) for hit in found] == [
        (hit["path"], hit["score"]) for hit in wanted
    ]


def test_a_bad_picture_is_tried_again_when_its_file_changes(
    spoiled: Path, bound: list[str]
) -> None:
    lookgraph("index", spoiled, code=3, prefix=bound)
    save(drawn(1), spoiled / "bad" / "text.jpg", "JPEG")
    save(drawn(2), spoiled / "bad" / "bomb.png")
    (spoiled / "bad" / "empty.jpg").unlink()
    lookgraph("index", spoiled, code=3)
    left = lookgraph("status", spoiled, "--skipped").lines
    assert [line.partition(b":")[0] for line in left] == [b"bad/cut.jpg", b"bad/header.png"]
    assert {"bad/text.jpg", "bad/bomb.png"} < set(held(spoiled))
    shutil.rmtree(spoiled / "bad")
    assert lookgraph("index", spoiled).err.startswith(f"8 pictures in {spoiled}: 8 unchanged, ")


def test_what_could_not_be_read_is_tried_again_though_it_is_the_same(
    folder: Path, bound: list[str]
) -> None:
    (folder / "a.png").chmod(0)
    lookgraph("index", folder, code=3, prefix=bound)
    assert held(folder).keys() == {"a.png", "b.png", "c.png", "sub/d.png", "sub/e.png"}
    assert lookgraph("status", folder, "--json").json["pictures"] == 4
    (folder / "a.png").chmod(0o644)
    done = lookgraph("index", folder, prefix=bound)
    assert done.err.startswith(f"5 pictures in {folder}: 1 embedded, 4 unchanged. ")


def test_what_lies_in_a_folder_that_cannot_be_listed_is_not_forgotten(
    folder: Path, bound: list[str]
) -> None:
    lookgraph("index", folder)
    before = held(folder)
    (folder / "sub").chmod(0)
    try:
        done = lookgraph("index", folder, code=3, prefix=bound)
        assert "  sub/: the folder cannot be listed: Permission denied\n" in done.err
        after = held(folder)
        assert {path: after[path] for path in before} == before
    finally:
        (folder / "sub").chmod(0o755)
    assert lookgraph("index", folder, prefix=bound).err.startswith(
        f"5 pictures in {folder}: 5 unchanged, 1 gone. "
    )
    assert held(folder) == before


def test_a_folder_that_cannot_be_listed_at_all_is_an_error(
    folder: Path, bound: list[str], tmp_path: Path
) -> None:
    lookgraph("index", folder, "--library", tmp_path / "library")
    folder.chmod(0o100)
    try:
        done = lookgraph("index", "--library", tmp_path / "library", code=1, prefix=bound)
    finally:
        folder.chmod(0o755)
    assert done.err == f"lookgraph: {folder} cannot be listed: Permission denied.\n"
    assert len(held(folder, tmp_path / "library")) == 5


# Names


NAMES = [
    b"with space.png",
    b'it\'s "quoted".png',
    b"new\nline.png",
    b"tab\tstop.png",
    b"escape\x1b[31m.png",
    b"-k.png",
    b"caf\xc3\xa9.png",
    "\N{PILE OF POO}\N{ZERO WIDTH JOINER}.png".encode(),
    b"latin-\xe9.png",
    "right\N{RIGHT-TO-LEFT OVERRIDE}left.png".encode(),
]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Pictures with names that anything may happen to, and a damaged one beside each."""
    for seed, name in enumerate(NAMES):
        save(drawn(seed), tmp_path / "odd" / os.fsdecode(name))
        (tmp_path / "odd" / os.fsdecode(b"bad " + name)).touch()
    return tmp_path / "odd"


def test_any_name_is_found_and_printed_as_its_bytes(odd: Path) -> None:
    lookgraph("index", odd, code=3)
    assert {os.fsencode(path) for path in held(odd)} == {
        *NAMES, *(b"bad " + name for name in NAMES)
    }  # fmt: skip
    hits = lookgraph("search", NAMES[0], "--json", cwd=odd).json["hits"]
    assert {os.fsencode(hit["path"]) for hit in hits} == set(NAMES)
    assert {os.fsencode(hit["file"]) for hit in hits} == {
        os.fsencode(odd) + b"/" + name for name in NAMES
    }
    done = lookgraph("search", NAMES[0], cwd=odd)
    assert done.out == b"".join(
        b"%.4f\t%s\n" % (hit["score"], os.fsencode(hit["path"])) for hit in hits
    )
    for name in (b"new\nline.png", b"-k.png", b"latin-\xe9.png"):
        done = lookgraph(b"search", b"-k1", b"--", name, cwd=odd)
        assert done.out == b"1.0000\t" + name + b"\n"


def test_a_terminal_is_never_told_anything_by_a_name(odd: Path) -> None:
    commands = [
        lookgraph("index", odd, code=3),
        lookgraph("index", odd / "escape\x1b[31m", code=2),
        lookgraph("search", odd / "bad escape\x1b[31m.png", cwd=odd, code=1),
        lookgraph("search", os.fsencode(odd) + b"/bad latin-\xe9.png", cwd=odd, code=1),
        lookgraph("status", odd, "--skipped"),
    ]
    for done in commands:
        for text in (done.err, done.out.decode()):
            unsafe = {c for c in text if (c < " " and c != "\n") or "\x7f" <= c <= "\x9f"}
            assert unsafe | ({"\N{RIGHT-TO-LEFT OVERRIDE}"} & set(text)) == set(), text
    listed = [line.decode() for line in commands[-1].lines]
    assert len(listed) == len(NAMES)
    assert "bad new\\nline.png: the file is empty" in listed
    assert "bad escape\\x1b[31m.png: the file is empty" in listed
    assert "bad latin-\N{REPLACEMENT CHARACTER}.png: the file is empty" in listed
