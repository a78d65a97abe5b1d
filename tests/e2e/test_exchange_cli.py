"""``lookgraph export`` and ``lookgraph import``, to another library and back."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import needs_module
from tests.e2e.commands import held, lookgraph


@pytest.fixture(params=[".npz", ".parquet"])
def ending(request: pytest.FixtureRequest) -> str:
    if request.param == ".parquet":
        needs_module("pyarrow")
    return str(request.param)


def test_what_was_imported_is_not_embedded_again(shelf: Path, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"rows{ending}"
    done = lookgraph("export", file, "--library", shelf)
    assert (done.out, done.err) == (b"", f"Wrote 24 files with embeddings to {file}.\n")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]

    other = Path(
        shutil.copytree(shelf, tmp_path / "other", ignore=shutil.ignore_patterns(".lookgraph"))
    )
    done = lookgraph("import", file, other)
    assert (done.out, done.err) == (b"", f"Read 24 files with embeddings from {file}.\n")
    assert held(other) == held(shelf)
    told = lookgraph("index", other, "--json").json
    told.pop("seconds")
    assert told == {
        "dry_run": False, "embedded": 0, "recognised": 0, "unchanged": 24, "forgotten": 0,
        "skipped": 0, "other": 0,
    }  # fmt: skip
    query = sorted(other.rglob("*.jpg"))[3]
    assert lookgraph("search", query, cwd=other).out == lookgraph("search", query, cwd=shelf).out


def test_files_that_other_tools_read(shelf: Path, tmp_path: Path) -> None:
    parquet = needs_module("pyarrow.parquet")
    lookgraph("export", tmp_path / "rows.npz", cwd=shelf)
    lookgraph("export", tmp_path / "rows.parquet", cwd=shelf)
    wanted = sorted(str(path.relative_to(shelf)) for path in shelf.rglob("*.jpg"))
    arrays = np.load(tmp_path / "rows.npz")
    order = np.argsort(arrays["path"])
    assert [arrays["path"][i].decode() for i in order] == wanted
    assert arrays["embedding"].dtype == np.float16
    assert arrays["embedding"].shape == (24, 1280)
    table = parquet.read_table(tmp_path / "rows.parquet").sort_by("path")
    assert [path.decode() for path in table["path"].to_pylist()] == wanted
    numbers = np.array(table["embedding"].to_pylist(), np.float32)
    np.testing.assert_array_equal(numbers, arrays["embedding"][order].astype(np.float32))


def test_files_that_are_not_there_leave_when_the_folder_is_indexed(
    shelf: Path, tmp_path: Path
) -> None:
    lookgraph("export", tmp_path / "rows.npz", cwd=shelf)
    (tmp_path / "empty").mkdir()
    lookgraph("import", tmp_path / "rows.npz", tmp_path / "empty")
    assert len(held(tmp_path / "empty")) == 24
    told = lookgraph("index", tmp_path / "empty", "--json").json
    assert (told["forgotten"], held(tmp_path / "empty")) == (24, {})


def test_how_it_ends(shelf: Path, tmp_path: Path) -> None:
    for name in ("none.npz", "none.parquet"):
        (tmp_path / name).write_bytes(b"This is something else. " * 10)
    said = {
        ("export", tmp_path / "rows.csv"): (1, "the name must end in .npz or .parquet."),
        ("export", tmp_path / "no" / "rows.npz"): (1, "cannot be written: No such file"),
        ("import", tmp_path / "none.npz"): (1, "is no NPZ file that Lookgraph wrote"),
        ("import", tmp_path / "none.parquet"): (1, "is no Parquet file"),
        ("import", tmp_path / "gone.npz"): (2, "does not exist."),
        ("import",): (2, "Missing argument 'FILE'."),
    }
    before = held(shelf)
    for arguments, (code, words) in said.items():
        done = lookgraph(*arguments, cwd=shelf, code=code)
        assert (words in done.err, done.out) == (True, b""), done.err
    assert held(shelf) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["none.npz", "none.parquet"]
    lookgraph("export", tmp_path / "rows.npz", cwd=tmp_path, code=1)
