"""``lookgraph search`` among some of the pictures, over a score, and with an index."""

import shutil
from pathlib import Path

import pytest

from lookgraph import Library, Selection
from lookgraph.types import IndexKind
from tests.conftest import needs_module
from tests.e2e.commands import lookgraph
from tests.pictures import drawn, exif, save


@pytest.fixture(scope="module")
def indexed(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shelf, searched by an index."""
    needs_module("faiss")
    copy = Path(shutil.copytree(shelf, tmp_path_factory.mktemp("indexed") / "shelf"))
    lookgraph("index", copy, "--index", "ivf")
    return copy


def pictures(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.jpg"))


def found(*arguments: str | Path, cwd: Path) -> list[str]:
    told = lookgraph("search", *arguments, "--json", cwd=cwd).json
    return [hit["path"] for hit in told["hits"]]


def test_only_pictures_below_a_folder_or_with_a_name_answer(indexed: Path) -> None:
    query, *others = pictures(indexed)
    below = others[-1].parent.relative_to(indexed)
    wanted = {str(path.relative_to(indexed)) for path in (indexed / below).rglob("*.jpg")}
    for spelling in (f"{below}", f"{below}/", f"./{below}"):
        assert set(found(query, "--under", spelling, cwd=indexed)) == wanted
    assert found(query, "--name", others[3].name, cwd=indexed) == [
        str(others[3].relative_to(indexed))
    ]
    said = lookgraph("search", query, "--name", others[3].name, cwd=indexed)
    assert said.err == "No more than 1 picture may answer.\n"
    assert lookgraph("search", query, "--name", "none", cwd=indexed).out == b""


def test_only_pictures_with_an_id_in_a_file_answer(indexed: Path, tmp_path: Path) -> None:
    query = pictures(indexed)[0]
    hits = lookgraph("search", query, "-k5", "--json", cwd=indexed).json["hits"]
    ids = tmp_path / "ids"
    ids.write_text("\n".join([hits[4]["id"], hits[2]["id"], ""]))
    assert found(query, "--ids", ids, cwd=indexed) == [hits[2]["path"], hits[4]["path"]]
    ids.write_text("nonsense")
    said = lookgraph("search", query, "--ids", ids, cwd=indexed, code=2).err
    assert "nonsense is no id, of 64 digits from 0 to f." in said


def test_all_over_a_score_come(indexed: Path) -> None:
    query = pictures(indexed)[0]
    hits = lookgraph("search", query, "-k99", "--json", "--exact", cwd=indexed).json["hits"]
    least = (hits[6]["score"] + hits[7]["score"]) / 2
    assert found(query, "--min-score", str(least), cwd=indexed) == [h["path"] for h in hits[:7]]
    none = lookgraph("search", query, "--min-score", "1.5", cwd=indexed)
    assert (none.out, none.err) == (b"", "No picture is so near.\n")
    told = lookgraph("search", query, "--max-distance", "1", cwd=indexed, code=2)
    assert "compares by cosine: give a score, not a distance." in told.err
    both = lookgraph("search", query, "-k5", "--min-score", "0.5", cwd=indexed, code=2)
    assert "-k is for the nearest" in both.err


@pytest.mark.parametrize("taken", ["20x4", "..", "2024-1", "2024...2025", "2024 .. 2025"])
def test_a_time_that_is_none_is_refused(indexed: Path, taken: str) -> None:
    told = lookgraph("search", pictures(indexed)[0], "--taken", taken, cwd=indexed, code=2)
    assert f"{taken} is no time, such as 2024" in told.err


def test_pictures_are_taken_within_both_ends(tmp_path: Path) -> None:
    for seed, taken in enumerate(("2023:12:31 23:59:59", "2024:01:01 00:00:00", None)):
        save(drawn(seed), tmp_path / f"{seed}.jpg", "JPEG", exif=exif(taken=taken))
    lookgraph("index", tmp_path)
    for span, wanted in {
        "2023": "0", "2023-12-31": "0", "2024": "1", "2023..2024": "01", "2024..": "1",
        "..2023-12-31T23": "0", "..2024-01-01": "01", "2025": "", "1999..2023-11": "",
    }.items():  # fmt: skip
        names = found(tmp_path / "0.jpg", "--taken", span, cwd=tmp_path)
        assert sorted(names) == [f"{digit}.jpg" for digit in wanted], span


def test_with_an_index_the_same_is_found_and_what_is_new_at_once(own_shelf: Path) -> None:
    needs_module("faiss")
    query = pictures(own_shelf)[0]
    before = found(query, "-k9", cwd=own_shelf)
    hidden = own_shelf / before[3]
    content = hidden.read_bytes()
    hidden.unlink()
    lookgraph("index", own_shelf, "--index", "ivf")
    (space,) = lookgraph("status", own_shelf, "--json").json["spaces"]
    assert (space["index"]["kind"], space["index"]["wanted"], space["index"]["rows"]) == (
        "ivf", "ivf", 23,
    )  # fmt: skip
    assert b"by an index of 23 embeddings in 1 segment" in lookgraph("status", own_shelf).out
    assert found(query, "-k8", cwd=own_shelf) == before[:3] + before[4:]
    hidden.write_bytes(content)
    lookgraph("index", own_shelf)
    told = lookgraph("search", query, "-k9", "--json", cwd=own_shelf).json
    assert [hit["path"] for hit in told["hits"]] == before
    lookgraph("index", own_shelf, "--index", "exact")
    assert not (own_shelf / ".lookgraph" / "index").exists()
    assert b"as `lookgraph index --index exact` said" in lookgraph("status", own_shelf).out
    assert found(query, "-k9", cwd=own_shelf) == before


def test_a_damaged_index_is_told_of_and_made_again(indexed: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(indexed, tmp_path / "own"))
    query = pictures(own)[0]
    wanted = found(query, cwd=own)
    (part,) = (own / ".lookgraph" / "index").glob("*.ivf")
    part.write_bytes(part.read_bytes()[:-1] + b"!")
    told = lookgraph("search", query, "--json", cwd=own)
    assert [hit["path"] for hit in told.json["hits"]] == wanted
    assert told.json["searched"] == "exact"
    assert "the index cannot be used" in told.err
    assert part.name in told.err
    assert "is not what was written to it" in lookgraph("doctor", own, code=1).out.decode()
    lookgraph("index", own)
    assert lookgraph("search", query, "--json", cwd=own).err == ""
    assert b"BAD" not in lookgraph("doctor", own).out


def test_many_questions_in_one_pass_give_what_each_gives(indexed: Path) -> None:
    library = Library.open(indexed)
    queries = pictures(indexed)[:5]
    among = Selection(min_side=100)
    each = library.search_each(queries, k=4, among=among)
    for query, hits in zip(queries, each, strict=True):
        alone = library.search(query, k=4, among=among)
        assert [(hit.path, hit.score) for hit in hits] == [(hit.path, hit.score) for hit in alone]
        assert hits.question == alone.question
        assert hits.searched is alone.searched is not IndexKind.AUTO
    assert library.search_each([]) == []
