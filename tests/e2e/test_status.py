"""``lookgraph status``, ``--help`` and ``--version``."""

import re
from pathlib import Path

import pytest

from lookgraph import __version__
from tests.e2e.commands import lookgraph, rows_file

SPACE = "efficientnet-lite0-57934424-p1-cosine"


def test_what_a_library_holds(folder: Path) -> None:
    (folder / "bad.jpg").touch()
    (folder / "notes.txt").write_text("no picture")
    (folder / "copy.png").write_bytes((folder / "a.png").read_bytes())
    lookgraph("index", folder, "--exclude", "nosuch", code=3)
    told = lookgraph("status", folder, "--json").json
    everything = sum(
        path.stat().st_size for path in (folder / ".lookgraph").rglob("*") if path.is_file()
    )
    (space,) = told.pop("spaces")
    assert re.fullmatch("[0-9a-f]{64}", space["space"].pop("fingerprint"))
    assert space == {
        "space": {
            "model": "efficientnet-lite0", "preprocessing": 1, "metric": "cosine",
            "dimension": 1280, "precision": "float32",
        },
        "pictures": 5, "unused_rows": 0, "bytes": rows_file(folder).stat().st_size, "name": SPACE,
        "index": {
            "wanted": "auto", "kind": "exact", "rows": 0, "segments": 0, "bytes": 0, "fault": None,
        },
        "graph": None,
    }  # fmt: skip
    assert told == {
        "folder": str(folder), "library": str(folder / ".lookgraph"), "pictures": 5, "files": 6,
        "skipped": 1, "other": 1, "bytes": everything, "include": [], "exclude": ["nosuch"],
    }  # fmt: skip
    assert rows_file(folder).stat().st_size == 5 * 2560


def test_the_same_for_people(folder: Path) -> None:
    lookgraph("index", folder)
    done = lookgraph("status", folder)
    lines = [line.decode() for line in done.lines]
    assert done.err == ""
    assert lines[0] == f"folder      {folder}"
    assert re.fullmatch(rf"library     {folder}/\.lookgraph, \d+ kB", lines[1])
    assert lines[2:] == [
        "pictures    5 in 5 files",
        f"space       {SPACE}: 5 embeddings of 1280 numbers, 13 kB",
        "searched    exactly: an index is made once that takes over 10 ms",
        "left out    none",
    ]


def test_nothing_was_left_out(folder: Path) -> None:
    lookgraph("index", folder)
    done = lookgraph("status", "--skipped", cwd=folder)
    assert (done.out, done.err) == (b"", "No file was left out.\n")
    assert lookgraph("status", "--skipped", "--json", cwd=folder).json == []


def test_unused_rows_are_counted(folder: Path) -> None:
    lookgraph("index", folder)
    (folder / "a.png").unlink()
    lookgraph("index", folder)
    told = lookgraph("status", folder, "--json").json
    assert (told["pictures"], told["files"]) == (4, 4)
    assert (told["spaces"][0]["pictures"], told["spaces"][0]["unused_rows"]) == (4, 1)


def test_where_there_is_no_library(tmp_path: Path) -> None:
    done = lookgraph("status", tmp_path, code=1)
    assert (done.out, done.err) == (
        b"",
        f"lookgraph: There is no library in {tmp_path}. Make one: lookgraph index FOLDER\n",
    )
    assert list(tmp_path.iterdir()) == []
    done = lookgraph("status", tmp_path / "gone", code=2)
    assert done.err == f"lookgraph: {tmp_path}/gone is no folder.\n"


def test_help_and_version() -> None:
    done = lookgraph("--version")
    assert (done.out.decode(), done.err) == (f"lookgraph, version {__version__}\n", "")
    done = lookgraph("--help")
    listed = re.findall(r"^  (\w+)  +\S", done.out.decode(), re.MULTILINE)
    assert listed == [
        "app", "demo", "different", "doctor", "duplicates", "evaluate", "export", "graph", "groups",
        "import", "index", "models", "path", "same", "search", "serve", "status",
        "verdicts",
    ]  # fmt: skip
    assert done.err == ""
    for command in listed:
        said = lookgraph(command, "-h").out.decode()
        assert said.startswith(f"Usage: lookgraph {command} ")
        silent = {"app", "demo", "different", "graph", "import", "same", "serve"}
        assert ("--json" in said) == (command not in silent)
        assert ("--library DIR" in said) == (command not in {"models", "graph"})
    assert "--library DIR" in lookgraph("models", "remove", "-h").out.decode()


def test_a_password_in_an_address_is_neither_taken_nor_shown() -> None:
    for command in (["status"], ["index", "."], ["doctor"], ["search", "a.png"]):
        place = "neo4j://lena:hunter2@example.org/pictures"
        done = lookgraph(*command, "--library", place, code=2)
        assert done.out == b""
        assert "Leave it out: neo4j://USER@HOST/DATABASE" in done.err
        assert "hunter2" not in done.err


@pytest.mark.parametrize("arguments", [[], ["nosuch"], ["--nosuch"], ["status", "--nosuch"]])
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    done = lookgraph(*arguments, code=2)
    assert done.out == b""
    assert done.err.startswith("Usage: lookgraph")


def test_a_database_that_is_none(folder: Path) -> None:
    lookgraph("index", folder)
    for name in ("library.db-wal", "library.db-shm"):
        (folder / ".lookgraph" / name).unlink(missing_ok=True)
    (folder / ".lookgraph" / "library.db").write_bytes(b"This is no database. " * 500)
    for command in (["status"], ["search", "a.png"], ["index"]):
        done = lookgraph(*command, cwd=folder, code=1)
        assert done.err.startswith(
            f"lookgraph: The database of {folder}/.lookgraph is damaged (file is not a database)."
        )
    done = lookgraph("doctor", cwd=folder, code=1)
    assert b"BAD library       The database of" in done.out
