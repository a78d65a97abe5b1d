"""``lookgraph search``: what it finds, what it says, and how it ends."""

import json
import re
import shutil
import subprocess
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from PIL import Image

from lookgraph import Library
from lookgraph.types import Hit
from tests.e2e.commands import COMMAND, SAME_BITS, lookgraph, png, rows_file
from tests.pictures import as_bytes, drawn, save


def photographs_in(shelf: Path) -> list[Path]:
    return sorted(shelf.rglob("*.jpg"))


def by_api(shelf: Path, *pictures: object, **options: object) -> list[tuple[str, float]]:
    hits: list[Hit] = list(Library.open(shelf).search(*pictures, **options))  # type: ignore[arg-type]
    return [(hit.path, hit.score) for hit in hits]


def by_command(*arguments: "str | Path") -> list[tuple[str, float]]:
    found = lookgraph("search", *arguments, "--json").json["hits"]
    return [(hit["path"], hit["score"]) for hit in found]


def test_a_picture_smaller_and_encoded_anew_finds_its_original(shelf: Path, tmp_path: Path) -> None:
    originals = photographs_in(shelf)[::4]
    for original in originals:
        with Image.open(original) as picture:
            smaller = picture.resize((picture.width // 2, picture.height // 2))
        query = tmp_path / "query.jpg"
        smaller.save(query, quality=60)
        (score, found), (next_score, _) = (
            line.split(b"\t") for line in lookgraph("search", query, "-k2", cwd=shelf).lines
        )
        assert found.decode() == str(original.relative_to(shelf))
        assert float(score) > 0.85 > 0.75 > float(next_score)


def test_a_picture_of_a_library_is_searched_for_in_it_from_anywhere(
    shelf: Path, tmp_path: Path
) -> None:
    query = photographs_in(shelf)[0]
    found = lookgraph("search", query, "--json", cwd=tmp_path).json["hits"]
    assert [(hit["path"], hit["score"]) for hit in found] == by_api(shelf, query)
    # The library of the current folder comes first, and the one that is asked for before that.
    save(drawn(1), tmp_path / "here" / "a.png")
    lookgraph("index", tmp_path / "here")
    here = lookgraph("search", query, cwd=tmp_path / "here")
    assert [line.split(b"\t")[1] for line in here.lines] == [b"a.png"]
    asked = lookgraph("search", query, "-k1", "--library", shelf, cwd=tmp_path / "here")
    assert asked.lines[0] == b"1.0000\t" + str(query).encode()


def test_scores_stand_before_paths_as_one_would_type_them(shelf: Path, tmp_path: Path) -> None:
    query = photographs_in(shelf)[0]
    wanted = by_api(shelf, query)
    inside = lookgraph("search", query, cwd=shelf)
    assert inside.out.decode() == "".join(f"{score:.4f}\t{path}\n" for path, score in wanted)
    assert inside.err == ""
    outside = lookgraph("search", query, "--library", shelf, cwd=tmp_path)
    assert outside.out.decode() == "".join(
        f"{score:.4f}\t{shelf / path}\n" for path, score in wanted
    )
    above = lookgraph("search", query, "--library", shelf, cwd=shelf.parent)
    assert above.lines[0].decode() == f"1.0000\tshelf/{wanted[0][0]}"


def test_a_picture_of_the_library_comes_first(shelf: Path) -> None:
    for query in photographs_in(shelf)[::8]:
        ((path, score),) = by_command(query, "--library", shelf, "-k1")
        assert path == str(query.relative_to(shelf))
        assert score == pytest.approx(1, abs=1e-12)


def test_the_answer_in_json(shelf: Path) -> None:
    query = photographs_in(shelf)[5]
    told = lookgraph(
        "search", query, "-k", "3", "--crop", "10,20,300,200", "--json", "--library", shelf
    ).json
    hits = told.pop("hits")
    assert 0 < told.pop("took_ms") < 60_000
    assert told == {
        "query": {
            "pictures": [str(query)],
            "texts": [],
            "not": [],
            "crop": [10, 20, 300, 200],
        },
        "library": str(shelf),
        "space": "efficientnet-lite0-57934424-p1-cosine",
        "rank": "cosine",
        "searched": "exact",
        "k": 3,
    }
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    for hit, api in zip(
        hits, Library.open(shelf).search(query, k=3, crop=(10, 20, 300, 200)), strict=True
    ):
        assert set(hit) == {
            "rank", "path", "id", "score", "file", "copies", "format", "width", "height", "taken",
        }  # fmt: skip
        assert hit["score"] == pytest.approx(api.score, abs=1e-6)
        assert {**hit, "score": 0, "copies": tuple(hit["copies"])} == {
            name: 0 if name == "score" else getattr(api, name) for name in hit
        }


def test_command_and_python_agree(shelf: Path) -> None:
    one, two, three = photographs_in(shelf)[:3]
    at = ("--library", shelf)
    assert by_command(one, "-k5", *at) == by_api(shelf, one, k=5)
    assert by_command(one, two, *at) == by_api(shelf, one, two)
    assert by_command(one, "--not", two, "--not", three, *at) == by_api(
        shelf, one, without=[two, three]
    )


def test_several_pictures_are_one_question(shelf: Path) -> None:
    one, two = photographs_in(shelf)[0], photographs_in(shelf)[-1]
    found = by_command(one, two, "-k2", "--library", shelf)
    assert {path for path, _ in found} == {str(p.relative_to(shelf)) for p in (one, two)}
    assert found[0][1] == pytest.approx(found[1][1], abs=1e-6)  # it lies half way between them


def test_what_is_not_wanted_falls_behind(shelf: Path) -> None:
    query = photographs_in(shelf)[0]
    plain = dict(by_command(query, "-k24", "--library", shelf))
    second = list(plain)[1]
    without = dict(by_command(query, "-k24", "--not", shelf / second, "--library", shelf))
    assert set(without) == set(plain)
    assert without[second] < plain[second] - 0.1
    assert list(without).index(second) > 1


def test_a_crop_is_a_picture_of_its_own(shelf: Path, tmp_path: Path) -> None:
    query = photographs_in(shelf)[3]
    with Image.open(query) as picture:
        width, height = picture.size
        part = picture.crop((width // 4, height // 4, width // 4 + 150, height // 4 + 120))
    part.save(tmp_path / "part.png")
    box = f"{width // 4},{height // 4},150,120"
    cropped = by_command(query, "--crop", box, "-k24", "--library", shelf)
    apart = by_command(tmp_path / "part.png", "-k24", "--library", shelf)
    assert [path for path, _ in cropped] == [path for path, _ in apart]
    assert [score for _, score in cropped] == pytest.approx([score for _, score in apart], abs=1e-5)
    assert cropped != by_command(query, "-k24", "--library", shelf)


def test_an_id_asks_for_its_picture(shelf: Path) -> None:
    query = photographs_in(shelf)[7]
    by_path = lookgraph("search", query, "--json", "--library", shelf).json["hits"]
    id_ = by_path[0]["id"]
    for asked in (id_, id_[:8], id_[:13]):
        told = lookgraph("search", asked, "--json", "--library", shelf).json
        assert told["query"]["pictures"] == [asked]
        assert told["hits"] == by_path
    unknown = ("0" if id_[0] != "0" else "1") * 8
    done = lookgraph("search", unknown, "--library", shelf, code=1)
    assert done.err == (
        f"lookgraph: {unknown} is neither a file nor the id of a picture in the library.\n"
    )


def test_copies_are_one_hit(own_shelf: Path) -> None:
    query = photographs_in(own_shelf)[0]
    shutil.copy(query, own_shelf / "zz.jpg")
    shutil.copy(query, own_shelf / "A.jpg")
    lookgraph("index", own_shelf)
    first, second = lookgraph("search", query, "-k2", "--json", cwd=own_shelf).json["hits"]
    inside = str(query.relative_to(own_shelf))
    assert [first["path"], *first["copies"]] == ["A.jpg", inside, "zz.jpg"]
    assert second["copies"] == []


def test_what_is_gone_is_no_hit_and_comes_back(own_shelf: Path, tmp_path: Path) -> None:
    gone, query = photographs_in(own_shelf)[3:5]
    before = by_command(query, "-k24", "--library", own_shelf)
    id_ = lookgraph("search", gone, "-k1", "--json", cwd=own_shelf).json["hits"][0]["id"]
    gone.rename(tmp_path / "gone.jpg")
    lookgraph("index", own_shelf)
    inside = str(gone.relative_to(own_shelf))
    assert by_command(query, "-k24", "--library", own_shelf) == [
        (path, score) for path, score in before if path != inside
    ]
    lookgraph("search", id_, cwd=own_shelf, code=1)
    (tmp_path / "gone.jpg").rename(gone)
    lookgraph("index", own_shelf)
    assert by_command(query, "-k24", "--library", own_shelf) == before


# How it ends


@pytest.mark.parametrize("k", ["0", "-1"])
def test_k_below_1_is_wrong_usage(shelf: Path, k: str) -> None:
    done = lookgraph("search", photographs_in(shelf)[0], "-k", k, cwd=shelf, code=2)
    assert (done.out, done.err) == (b"", f"lookgraph: k is {k}, but must be at least 1.\n")


def test_k_above_all_gives_all_and_says_so(shelf: Path) -> None:
    done = lookgraph("search", photographs_in(shelf)[0], "-k", "1000", cwd=shelf)
    assert len(done.lines) == 24
    assert done.err == f"The library of {shelf} has no more than 24 pictures.\n"
    assert lookgraph("search", photographs_in(shelf)[0], "-k", "24", cwd=shelf).err == ""


def test_where_there_is_no_library(tmp_path: Path) -> None:
    picture = save(drawn(1), tmp_path / "a.png")
    done = lookgraph("search", picture, cwd=tmp_path, code=1)
    assert (done.out, done.err) == (
        b"",
        f"lookgraph: There is no library in {tmp_path}. Make one: lookgraph index FOLDER\n",
    )
    assert lookgraph("search", picture, "--library", "gone", cwd=tmp_path, code=1).err == (
        f"lookgraph: There is no library in {tmp_path}/gone. Make one: lookgraph index FOLDER\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_an_empty_library_has_no_hits(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    picture = save(drawn(1), tmp_path / "a.png")
    lookgraph("index", tmp_path / "empty")
    done = lookgraph("search", picture, "--library", "empty", "--json", cwd=tmp_path)
    assert done.json["hits"] == []
    assert done.err == (
        f"The library of {tmp_path}/empty has no pictures yet: lookgraph index FOLDER\n"
    )


def test_what_is_no_picture_or_is_not_there(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("a text")
    (tmp_path / "cut.png").write_bytes(as_bytes(drawn(1), "PNG")[:200])
    (tmp_path / "bomb.png").write_bytes(png(60_000, 60_000))
    reasons = {
        "a.jpg": "a.jpg: its content is no picture in a known format.",
        "cut.png": "cut.png: it cannot be decoded: image file is truncated",
        "bomb.png": "bomb.png: its pixels are more than the limit of 178,956,970",
        "gone.jpg": "gone.jpg cannot be read: No such file or directory.",
        ".": ". cannot be read: Is a directory.",
    }
    for name, reason in reasons.items():
        done = lookgraph("search", name, "--library", shelf, cwd=tmp_path, code=1)
        assert (done.out, done.err[: len(reason) + 11]) == (b"", f"lookgraph: {reason}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument"),
        (["--crop", "1,2,3"], "1,2,3 is not four whole numbers"),
        (["-k", "many"], "'many' is not a valid integer"),
        (["--json", "--html", "page.html"], "--html and --json cannot be given together."),
        (["--crop", "0,0,100000,1"], "The part 0,0,100000,1 does not lie in"),
        (["--crop=-1,0,1,1"], "The part -1,0,1,1 does not lie in"),
    ],
)
def test_wrong_usage_ends_with_2(shelf: Path, arguments: list[str], said: str) -> None:
    pictures = photographs_in(shelf)[:1] if arguments else []
    done = lookgraph("search", *pictures, *arguments, cwd=shelf, code=2)
    assert (said in done.err, done.out) == (True, b"")


def test_a_reader_may_go_away(shelf: Path) -> None:
    query = photographs_in(shelf)[0]
    for json_ in ("", "--json"):
        # The pipe is closed before the command writes.
        script = f"{{ {COMMAND} search {query} {json_}; echo $? >&2; }} | true"
        done = subprocess.run(
            ["/bin/sh", "-c", script], cwd=shelf, capture_output=True, text=True, check=True
        )
        assert (done.stdout, done.stderr) == ("", "0\n")
    done = subprocess.run(
        ["/bin/sh", "-c", f"{COMMAND} search {query} | head -1"],
        cwd=shelf, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"1.0000\t{query.relative_to(shelf)}\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is full")
def test_an_answer_that_cannot_be_written_is_an_error(shelf: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [COMMAND, "search", photographs_in(shelf)[0]],
            cwd=shelf, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    said = "lookgraph: The answer cannot be written: No space left on device.\n"
    assert (done.returncode, done.stderr) == (1, said)


# Where the library is


def test_the_library_is_found_from_below_and_by_any_of_its_names(
    shelf: Path, tmp_path: Path
) -> None:
    query = photographs_in(shelf)[2]
    wanted = by_api(shelf, query, k=3)
    for cwd, at in [
        (shelf, ()),
        (query.parent, ()),
        (shelf / ".lookgraph" / "rows", ()),
        (tmp_path, ("--library", shelf)),
        (tmp_path, ("--library", shelf / ".lookgraph")),
        (shelf, ("--library", ".")),
        (shelf / ".lookgraph", ("--library", ".")),
        (query.parent, ("--library", "..")),
    ]:
        found = lookgraph("search", query, "-k3", "--json", *at, cwd=cwd).json["hits"]
        assert [(hit["path"], hit["score"]) for hit in found] == wanted


def test_a_library_elsewhere(own_shelf: Path, tmp_path: Path) -> None:
    query = photographs_in(own_shelf)[2]
    wanted = by_api(own_shelf, query, k=3)
    shutil.rmtree(own_shelf / ".lookgraph")
    lookgraph("index", own_shelf, "--library", tmp_path / "elsewhere", *SAME_BITS)
    found = lookgraph("search", query, "-k3", "--library", tmp_path / "elsewhere", "--json").json
    assert found["library"] == str(own_shelf)
    assert [(hit["path"], hit["score"]) for hit in found["hits"]] == wanted
    assert {hit["file"] for hit in found["hits"]} < {
        str(path) for path in photographs_in(own_shelf)
    }
    lookgraph("search", query, cwd=own_shelf, code=1)


def test_a_folder_that_was_moved_keeps_its_library(own_shelf: Path, tmp_path: Path) -> None:
    wanted = by_api(own_shelf, photographs_in(own_shelf)[2], k=3)
    moved = own_shelf.rename(tmp_path / "moved")
    found = lookgraph("search", photographs_in(moved)[2], "-k3", "--json", cwd=moved).json
    assert found["library"] == str(moved)
    assert [(hit["path"], hit["score"]) for hit in found["hits"]] == wanted
    assert found["hits"][0]["file"] == str(photographs_in(moved)[2])
    told = lookgraph("index", moved, "--json").json
    assert (told["unchanged"], told["embedded"], told["forgotten"]) == (24, 0, 0)


def test_a_picture_that_has_changed_is_asked_for_as_it_is_now(own_shelf: Path) -> None:
    one, two = photographs_in(own_shelf)[:2]
    wanted = by_api(own_shelf, two, k=5)
    shutil.copyfile(two, one)
    assert by_command(one, "-k5", "--library", own_shelf) == wanted


def test_a_missing_file_of_rows_is_said(own_shelf: Path) -> None:
    file = rows_file(own_shelf)
    file.unlink()
    done = lookgraph("search", photographs_in(own_shelf)[0], cwd=own_shelf, code=1)
    assert done.err == f"lookgraph: {file} is missing. Run `lookgraph doctor --repair`.\n"


# The page


class Reader(HTMLParser):
    """Takes down what a page is made of; whatever would load something from elsewhere fails."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.images: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert name not in {"srcset", "poster", "data", "action"}
            if tag == "img" and name == "src":
                self.images.append(str(value).removeprefix("data:image/jpeg;base64,"))
            elif tag == "a" and name == "href" and str(value).startswith("file://"):
                self.links.append(str(value).removeprefix("file://"))
            elif name in {"src", "href"}:
                assert str(value).startswith("data:")


def test_a_page_needs_nothing_but_itself(shelf: Path, tmp_path: Path) -> None:
    one, two = photographs_in(shelf)[:2]
    page = tmp_path / "page.html"
    done = lookgraph("search", one, "--not", two, "-k5", "--html", page, cwd=shelf)
    assert (done.out, done.err) == (b"", f"Wrote {page.as_uri()}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    reader = Reader()
    reader.feed(text)
    shown = [one, two, *(shelf / path for path, _ in by_api(shelf, one, without=[two], k=5))]
    assert [Path(unquote_to_bytes(link).decode()) for link in reader.links] == shown
    assert len(reader.images) == len(shown)
    assert {b64decode(image)[:3] for image in reader.images} == {b"\xff\xd8\xff"}
    assert reader.tags & {"script", "iframe", "object", "embed", "base", "form"} == set()
    assert re.search(r"@import|url\(|https?:", text) is None


def test_a_page_is_written_over_whole_or_not_at_all(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("before")
    query = photographs_in(shelf)[0]
    lookgraph("search", query, "-k1", "--html", "page.html", "--library", shelf, cwd=tmp_path)
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    done = lookgraph("search", query, "--html", tmp_path / "no" / "page.html", cwd=shelf, code=1)
    assert done.err == (
        f"lookgraph: {tmp_path}/no/page.html cannot be written: No such file or directory.\n"
    )


def test_json_is_ascii_for_any_path(tmp_path: Path) -> None:
    save(drawn(1), tmp_path / "caf\udce9 \N{SNOWMAN}.png")
    lookgraph("index", tmp_path)
    out = lookgraph("search", tmp_path / "caf\udce9 \N{SNOWMAN}.png", "--json", cwd=tmp_path).out
    assert out.isascii()
    assert json.loads(out)["hits"][0]["path"] == "caf\udce9 \N{SNOWMAN}.png"
