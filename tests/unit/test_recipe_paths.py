"""Paths that notebooks have kept, and the files that they mean."""

from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookgraph.exchange.claims import Claim, LeftOut, claims_of
from lookgraph.exchange.finding import find_file, leads_out


@dataclass(frozen=True)
class Node:
    key: str
    path: str


def touch(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder ``images/cats`` with some files, and one beside it."""
    folder = tmp_path / "images" / "cats"
    touch(folder, "1.jpg", "old/1.jpg", "old/2.jpg", "a\\b.jpg", "b.jpg")
    touch(tmp_path, "secret.jpg", "images/1.jpg")
    return folder


def found(folder: Path, path: str) -> str | None:
    place = find_file(folder, path)
    return place.file if place else None


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("1.jpg", "1.jpg"),
        ("./1.jpg", "1.jpg"),
        ("old/1.jpg", "old/1.jpg"),
        ("images/cats/old/1.jpg", "old/1.jpg"),
        ("/home/me/images/cats/old/1.jpg", "old/1.jpg"),
        ("../images/cats/1.jpg", "1.jpg"),
        ("new/../old/2.jpg", "old/2.jpg"),
        ("C:\\pics\\1.jpg", "1.jpg"),
        ("C:\\pics\\old\\2.jpg", "old/2.jpg"),
        ("pics\\2.jpg", None),
        ("a\\b.jpg", "a\\b.jpg"),
        ("x\\b.jpg", "b.jpg"),
        ("new/2.jpg", None),
        ("secret.jpg", None),
        ("../../secret.jpg", None),
        ("old", None),
        ("", None),
        (".", None),
        ("/", None),
        ("..", None),
        ("1.jpg\0", None),
        ("x" * 5000, None),
    ],
)
def test_the_longest_tail_that_is_a_file_is_meant(
    folder: Path, path: str, file: str | None
) -> None:
    assert found(folder, path) == file


def test_an_absolute_path_in_the_folder_means_itself(folder: Path, tmp_path: Path) -> None:
    whole = str(folder / "1.jpg")
    touch(folder, whole.lstrip("/"))  # which, read as a relative path, would be longer
    assert found(folder, whole) == "1.jpg"
    (tmp_path / "link").symlink_to(folder)
    assert found(tmp_path / "link", whole) == "1.jpg"
    assert found(folder, str(tmp_path / "link" / "old" / "1.jpg")) == "old/1.jpg"


def test_an_absolute_path_beside_the_folder_is_none_of_its(folder: Path) -> None:
    assert found(folder / "old", str(folder / "b.jpg")) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.lists(
        st.sampled_from(
            ["..", ".", "", "1.jpg", "old", "images", "cats", "secret.jpg", "C:", "\\"]
        ),
        max_size=8,
    ).map("/".join)
)
def test_no_path_leads_out_of_the_folder(folder: Path, path: str) -> None:
    place = find_file(folder, path)
    if place:
        assert (folder / place.file).is_file()
        assert ".." not in Path(place.file).parts
        assert not Path(place.file).is_absolute()


def test_a_path_that_leads_out_is_told_from_one_that_is_missing(folder: Path) -> None:
    assert leads_out(folder, "../2.jpg")
    assert leads_out(folder, "/elsewhere/2.jpg")
    assert leads_out(folder, str(PureWindowsPath("D:/2.jpg")))
    assert not leads_out(folder, "old/3.jpg")
    assert not leads_out(folder, str(folder / "3.jpg"))


def test_nodes_are_put_together_by_their_files(folder: Path) -> None:
    nodes = [
        Node("0", "images/cats/1.jpg"),
        Node("1", "images/cats/old/2.jpg"),
        Node("2", "images/cats/1.jpg"),
        Node("3", "images/cats/3.jpg"),
        Node("4", ""),
        Node("5", "../3.jpg"),
    ]
    claims, left_out = claims_of(folder, "", nodes)
    assert claims == [
        Claim("1.jpg", ("0", "2"), is_one_path=True, dropped="images/cats"),
        Claim("old/2.jpg", ("1",), is_one_path=True, dropped="images/cats"),
    ]
    assert left_out == [
        LeftOut("images/cats/3.jpg", f"there is no such file in {folder}"),
        LeftOut("", "it has no path"),
        LeftOut(
            "../3.jpg", f"it leads out of {folder}, and no file in there is called like its end"
        ),
    ]


def test_a_file_belongs_to_the_path_that_fits_the_folder_best(folder: Path) -> None:
    nodes = [Node("0", "images/dogs/1.jpg"), Node("1", "images/cats/1.jpg")]
    claims, left_out = claims_of(folder, "", nodes)
    assert claims == [Claim("1.jpg", ("1",), is_one_path=True, dropped="images/cats")]
    assert [(one.path, "images/cats/1.jpg" in one.reason) for one in left_out] == [
        ("images/dogs/1.jpg", True)
    ]
    nodes = [Node("0", "1.jpg"), Node("1", "x/old/1.jpg"), Node("2", "old/1.jpg")]
    claims, _ = claims_of(folder, "", nodes)
    assert [(claim.file, claim.keys, claim.is_one_path) for claim in claims] == [
        ("1.jpg", ("0",), True), ("old/1.jpg", ("1", "2"), False)
    ]  # fmt: skip


def test_files_are_looked_for_in_a_part_and_named_from_the_top(folder: Path) -> None:
    claims, _ = claims_of(folder, "old", [Node("0", "cats/1.jpg")])
    assert [claim.file for claim in claims] == ["old/1.jpg"]
