"""The command line on a real terminal."""

import re
from pathlib import Path

import pytest

from tests.e2e.commands import in_a_terminal, lookgraph
from tests.pictures import drawn, save


def plain(seen: bytes) -> str:
    """What is left of a terminal's input without its control sequences (ECMA-48, 5.4)."""
    text = re.sub(rb"\x1b[\]_][^\x07\x1b]*(?:\x07|\x1b\\)", b"", seen)
    return re.sub(rb"\x1b\[[0-?]*[ -/]*[@-~]", b"", text).decode().replace("\r\n", "\n")


def test_indexing_shows_a_bar(folder: Path) -> None:
    done = in_a_terminal("index", folder, cwd=folder)
    assert done.code == 0
    assert b"\x1b[" in done.out
    seen = plain(done.out)
    assert re.search(r"Indexing with efficientnet-lite0 \S+ +0/5 ", seen)
    assert re.search(
        r"Indexing with \S+ \N{BOX DRAWINGS HEAVY HORIZONTAL}+ 5/5 \d+/s 0:00:00 left", seen
    )
    assert re.search(rf"5 pictures in {folder}: 5 embedded\. \d+\.\d s\n$", seen)


def test_a_run_with_nothing_to_do_shows_no_bar(folder: Path) -> None:
    lookgraph("index", folder)
    seen = plain(in_a_terminal("index", folder, cwd=folder).out)
    assert "Indexing" not in seen
    assert re.search(rf"5 pictures in {folder}: 5 unchanged\. \d+\.\d s\n$", seen)
    assert in_a_terminal("index", folder, "--quiet", cwd=folder).out == b""


ROW = re.compile(r"^ *(\d+) +(-?[01]\.\d{3}) +(\S+)(?: +(.*?))? *$", re.MULTILINE)


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_searching_shows_a_table(folder: Path, term: str) -> None:
    save(drawn(0), folder / "same.png")
    lookgraph("index", folder)
    done = in_a_terminal("search", "a.png", cwd=folder, term=term)
    assert done.code == 0
    seen = plain(done.out)
    assert re.search(r"^ *# +score +picture *$", seen, re.MULTILINE)
    rows = ROW.findall(seen)
    hits = lookgraph("search", "a.png", "--json", cwd=folder).json["hits"]
    assert rows == [
        (str(hit["rank"]), f"{hit['score']:.3f}", hit["path"],
         "the picture itself" if hit["rank"] == 1 else "")
        for hit in hits
    ]  # fmt: skip
    assert seen.splitlines()[-1] == f"The library of {folder} has no more than 5 pictures."
    assert (b"\x1b" in done.out) == (term != "dumb")


def test_a_dumb_terminal_gets_no_control_sequences(folder: Path) -> None:
    done = in_a_terminal("index", folder, cwd=folder, term="dumb")
    assert (done.code, b"\x1b" in done.out) == (0, False)
    assert done.out.decode().splitlines()[-1].startswith(f"5 pictures in {folder}: 5 embedded. ")


def test_names_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    name = "red\x1b[31m\x07 new\nline caf\udce9.png"
    save(drawn(1), tmp_path / name)
    lookgraph("index", tmp_path)
    done = in_a_terminal("search", tmp_path / name, cwd=tmp_path)
    assert b"\x1b[31m" not in done.out
    assert "red\\x1b[31m\\x07 new\\nline caf\N{REPLACEMENT CHARACTER}.png" in plain(done.out)


def test_a_terminal_that_takes_pictures_gets_them(shelf: Path) -> None:
    query = sorted(shelf.rglob("*.jpg"))[0]
    done = in_a_terminal("search", query, "-k3", cwd=shelf, term="xterm-kitty")
    assert re.match(rb"\x1b_Ga=T,f=100,[^;]*m=1[^;]*;iVBORw0KGgo", done.out)
    assert [row[0] for row in ROW.findall(plain(done.out))] == ["1", "2", "3"]
