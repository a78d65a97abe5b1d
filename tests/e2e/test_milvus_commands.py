"""The commands on a library in Milvus: what users see."""

from pathlib import Path

import pytest

from tests.conftest import needs_module
from tests.e2e.commands import SAME_BITS, Argument, fill, lookgraph, spread
from tests.milvus_server import free_port, new_name

needs_module("pymilvus")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shelf(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty photographs, and a library of them beside them."""
    folder = fill(tmp_path_factory.mktemp("milvus") / "photos", spread(photographs, 40))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    lookgraph("index", folder, *SAME_BITS, code=3)
    lookgraph("graph", "build", "--library", folder)
    return folder


def hits(*arguments: Argument) -> list[tuple[str, float, float | None]]:
    found = lookgraph("search", *arguments, "--json").json
    return [(hit["path"], hit["score"], hit.get("rank_score")) for hit in found["hits"]]


def same_hits(
    found: list[tuple[str, float, float | None]], right: list[tuple[str, float, float | None]]
) -> None:
    assert [path for path, _, _ in found] == [path for path, _, _ in right]
    assert [score for _, score, _ in found] == pytest.approx([score for _, score, _ in right])
    assert [rank for _, _, rank in found] == pytest.approx([rank for _, _, rank in right], abs=1e-5)


def test_a_server_holds_what_a_folder_holds(
    shelf: Path, milvus_server: str, tmp_path: Path
) -> None:
    address = f"{milvus_server}/{new_name()}"
    done = lookgraph("index", shelf, "--library", address, *SAME_BITS, code=3)
    assert "40 embedded" in done.err
    assert "broken.jpg" in done.err
    done = lookgraph("index", shelf, "--library", address, code=3)
    assert "41 unchanged" in done.err
    lookgraph("graph", "build", "--library", address)
    picture = sorted(shelf.rglob("*.jpg"))[3]
    wished: list[list[Argument]] = [["-k", "7"], ["-k", "5", "--rank", "cosine"], []]
    for wishes in wished:
        right = hits(picture, "--library", shelf, *wishes)
        same_hits(hits(picture, "--library", address, *wishes), right)
    told = lookgraph("status", "--library", address).out.decode()
    assert "40 in 40 files" in told
    assert "an index is made from ten thousand pictures on" in told
    for command in (["groups"], ["duplicates"]):
        right, found = (
            lookgraph(*command, "--library", place, "--json").json for place in (shelf, address)
        )
        assert len(right["groups"]) == len(found["groups"])
    assert "BAD" not in lookgraph("doctor", address).out.decode()


def test_a_library_goes_to_a_file_and_back(shelf: Path, tmp_path: Path) -> None:
    address = f"milvus://{tmp_path}/shelf.db"
    done = lookgraph("export", address, "--library", shelf, "--json").json
    assert (done["pictures"], done["pictures_there"], done["files"]) == (40, 0, 41)
    done = lookgraph("export", address, "--library", shelf)
    assert "40 were there. All are there now, with the right checksums" in done.err
    picture = sorted(shelf.rglob("*.jpg"))[5]
    same_hits(hits(picture, "--library", address), hits(picture, "--library", shelf))
    lookgraph("import", address, shelf, "--library", tmp_path / "back")
    same_hits(hits(picture, "--library", tmp_path / "back"), hits(picture, "--library", shelf))


@pytest.mark.parametrize(
    ("library", "told", "code"),
    [
        ("milvus://127.0.0.1:{port}/shop?timeout=3", "No Milvus answers at", 1),
        ("milvus://me:secret@host/shop", "has a password in it", 2),
        ("milvus://host/shop?color=red", "color= in the address is not known", 2),
        ("milvus://{folder}/none.db", "There is no library in milvus://", 1),
        ("milvus://{folder}/photos", "ends in .db", 2),
    ],
)
def test_what_cannot_be_is_told_in_a_line(
    tmp_path: Path, library: str, told: str, code: int
) -> None:
    address = library.format(port=free_port(), folder=tmp_path)
    done = lookgraph("status", "--library", address, code=code)
    assert told in done.err
    assert "Traceback" not in done.err
    assert "secret" not in done.err
    assert len(done.err.splitlines()) <= 3
    assert list(tmp_path.iterdir()) == []
