"""``lookgraph same``, ``different`` and ``verdicts``, on the drawn catalogue."""

import shutil
from pathlib import Path

import pytest

from lookgraph import Library
from tests.e2e.commands import lookgraph
from tests.e2e.test_graph import linked, pictures

__all__ = ["linked"]


@pytest.fixture
def shelf_of_ones_own(linked: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(linked, tmp_path / "own"))


def groups(folder: Path, threshold: float) -> list[set[str]]:
    told = lookgraph("groups", "--threshold", str(threshold), "--json", cwd=folder).json
    return [{hit["path"] for hit in group["pictures"]} for group in told["groups"]]


def far_apart(folder: Path) -> tuple[Path, Path]:
    """Two pictures that are in different groups at 0.9, if in any."""
    first, *_, last = pictures(folder)
    paths = {str(file.relative_to(folder)) for file in (first, last)}
    assert not any(paths <= group for group in groups(folder, 0.9))
    return first, last


def test_groups_keep_to_what_was_said(shelf_of_ones_own: Path) -> None:
    shelf = shelf_of_ones_own
    one, other = far_apart(shelf)
    paths = {str(one.relative_to(shelf)), str(other.relative_to(shelf))}
    lookgraph("same", one, other, cwd=shelf)
    assert sum(paths <= group for group in groups(shelf, 0.9)) == 1
    lookgraph("different", one, other, cwd=shelf)
    for threshold in (0.9, 0.0, -1.0):
        assert not any(paths <= group for group in groups(shelf, threshold))
    lookgraph("verdicts", "--withdraw", other, one, cwd=shelf)
    assert paths <= groups(shelf, -1)[0]


def test_a_verdict_survives_renaming_and_indexing_anew(shelf_of_ones_own: Path) -> None:
    shelf = shelf_of_ones_own
    one, other = far_apart(shelf)
    lookgraph("same", one, other, cwd=shelf)
    one.rename(shelf / "renamed.jpg")
    lookgraph("index", shelf)
    told = lookgraph("verdicts", "--json", cwd=shelf).json["verdicts"]
    assert [verdict["verdict"] for verdict in told] == ["same"]
    paths = {path for its in told[0]["pictures"] for path in its["paths"]}
    assert paths == {"renamed.jpg", str(other.relative_to(shelf))}
    other.unlink()
    lookgraph("index", shelf)
    lines = lookgraph("verdicts", cwd=shelf).out.decode()
    assert "renamed.jpg" in lines
    assert "(not here now)" in lines
    ids = [its["id"] for its in told[0]["pictures"]]
    lookgraph("verdicts", "--withdraw", ids[0][:12], ids[1][:12], cwd=shelf)
    assert lookgraph("verdicts", cwd=shelf).out == b""


def test_what_contradicts_itself_is_refused(shelf_of_ones_own: Path) -> None:
    shelf = shelf_of_ones_own
    one, two, three, *_ = pictures(shelf)
    lookgraph("same", one, two, three, cwd=shelf)
    said = lookgraph("different", two, three, cwd=shelf, code=2).err
    assert "contradicts what was said" in said
    assert said.endswith("lookgraph verdicts --withdraw A B\n")
    assert [its.verdict.kind for its in Library.open(shelf).verdicts()] == ["same", "same"]


def test_one_picture_is_not_compared_with_itself(shelf_of_ones_own: Path) -> None:
    shelf = shelf_of_ones_own
    one = pictures(shelf)[0]
    copy = Path(shutil.copy(one, shelf / "copy.jpg"))
    lookgraph("index", shelf)
    for other in (one, copy):
        said = lookgraph("same", one, other, cwd=shelf, code=2).err
        assert "have the very same bytes" in said


def test_what_is_not_there_is_a_sentence(shelf_of_ones_own: Path, tmp_path: Path) -> None:
    shelf = shelf_of_ones_own
    one, two, *_ = pictures(shelf)
    assert "Nothing was said" in lookgraph("verdicts", cwd=shelf).err
    said = lookgraph("verdicts", "--withdraw", one, two, cwd=shelf, code=1).err
    assert "Nothing was said of" in said
    said = lookgraph("same", one, tmp_path / "nothing.jpg", cwd=shelf, code=1).err
    assert "nothing.jpg cannot be read" in said
