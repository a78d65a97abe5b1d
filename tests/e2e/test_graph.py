"""``lookgraph graph``, ``groups`` and ``path``, on the drawn catalogue."""

import shutil
from pathlib import Path

import networkx
import pytest

from lookgraph import Library
from tests.e2e.commands import lookgraph


@pytest.fixture(scope="module")
def linked(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shelf, with a graph."""
    copy = Path(shutil.copytree(shelf, tmp_path_factory.mktemp("linked") / "shelf"))
    lookgraph("index", copy)
    built = lookgraph("graph", "build", "--library", copy, "--neighbours", "3", "--json").json
    assert built["pictures"] == Library.open(copy).status().pictures
    assert built["behind"] == 0
    return copy


def pictures(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.jpg"))


def test_without_a_graph_a_sentence_says_how_to_make_one(shelf: Path) -> None:
    for arguments in (["groups"], ["path", *pictures(shelf)[:2]]):
        said = lookgraph(*arguments, cwd=shelf, code=1).err
        assert said.endswith("Make one: lookgraph graph build\n")


def test_a_library_without_pictures_has_no_graph_and_a_sentence_says_so(tmp_path: Path) -> None:
    lookgraph("index", tmp_path)
    said = lookgraph("graph", "build", cwd=tmp_path, code=2).err
    assert "no pictures" in said


def test_groups_hang_together_and_leave_nobody_out(linked: Path) -> None:
    told = lookgraph("groups", "--threshold", "0.7", "--json", cwd=linked).json
    sizes = [len(group["pictures"]) for group in told["groups"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) + told["others"] == Library.open(linked).status().pictures
    everything = lookgraph("groups", "--threshold", "-1", "--json", cwd=linked).json
    everybody = lookgraph(
        "groups", "--threshold", "1", "--smallest", "1", "--json", cwd=linked
    ).json
    assert everything["others"] == everybody["others"] == 0
    assert len(everything["groups"]) < len(everybody["groups"])
    lines = lookgraph("groups", "--threshold", "0.7", cwd=linked).out.decode().splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        str(number) for number, size in enumerate(sizes, 1) for _ in range(size)
    ]


def test_each_group_is_named_by_its_most_central_picture(linked: Path) -> None:
    library = Library.open(linked)
    for group in library.graph().groups(0.6):
        assert group.pictures[0].score == pytest.approx(1, abs=1e-6)
        scores = [hit.score for hit in group.pictures]
        assert scores == sorted(scores, reverse=True)
        found = {hit.id: hit.score for hit in library.search(group.pictures[0].id, k=999)}
        assert scores == pytest.approx([found[hit.id] for hit in group.pictures], abs=1e-6)


def test_a_path_leads_from_one_to_the_other(linked: Path, tmp_path: Path) -> None:
    source, *_, target = pictures(linked)
    told = lookgraph("path", source, target, "--json", cwd=linked).json
    files = [step["file"] for step in told["steps"]]
    assert (files[0], files[-1]) == (str(source), str(target))
    library = Library.open(linked)
    for one, other in zip(told["steps"], told["steps"][1:], strict=False):
        found = {hit.id: hit.score for hit in library.search(one["id"], k=999)}
        assert found[other["id"]] == pytest.approx(other["score"], abs=1e-6)
    assert told["weakest"] == min(step["score"] for step in told["steps"][1:])
    back = lookgraph("path", target, source, "--json", cwd=linked).json
    assert back["weakest"] == told["weakest"]
    page = tmp_path / "film.html"
    lookgraph("path", source, target, "--html", page, cwd=linked)
    film = page.read_text()
    assert film.count("data:image/jpeg") == len(files)
    assert film.count('class="link"') == len(files) - 1
    assert "http" not in film.replace("http-equiv", "")


def test_a_path_to_itself_has_no_steps(linked: Path) -> None:
    (picture, *_) = pictures(linked)
    told = lookgraph("path", picture, picture, "--json", cwd=linked).json
    assert len(told["steps"]) == 1


def test_a_picture_from_elsewhere_has_no_path(linked: Path, tmp_path: Path) -> None:
    from tests.pictures import drawn, save

    stranger = save(drawn(999), tmp_path / "stranger.jpg")
    source = pictures(linked)[0]
    said = lookgraph("path", source, stranger, "--library", linked, cwd=linked, code=1).err
    assert "is not in the library of" in said


@pytest.mark.parametrize("threshold", ["1.5", "-2", "nan", "inf"])
def test_a_threshold_outside_of_the_cosines_is_refused(linked: Path, threshold: str) -> None:
    for arguments in (
        ["groups", "--threshold", threshold],
        ["graph", "build", "--threshold", threshold],
    ):
        said = lookgraph(*arguments, cwd=linked, code=2).err
        assert "The threshold is" in said


def test_a_graph_that_would_be_too_large_says_which_threshold_fits(linked: Path) -> None:
    arguments = ("graph", "build", "--neighbours", "0", "--threshold")
    said = lookgraph(*arguments, "-1", "--max-edges", "50", cwd=linked, code=1).err
    count = Library.open(linked).status().pictures
    assert said.startswith(f"lookgraph: {count * (count - 1) // 2:,} pairs reach -1.0")
    fitting = said.split("--threshold ")[1].split()[0]
    built = lookgraph(*arguments, fitting, "--max-edges", "50", "--json", cwd=linked).json
    assert 0 < built["edges"] <= 50
    lookgraph("graph", "build", "--neighbours", "3", cwd=linked)


def test_indexing_keeps_the_graph_in_step(linked: Path, tmp_path: Path) -> None:
    from tests.pictures import drawn, save

    copy = Path(shutil.copytree(linked, tmp_path / "copy"))
    save(drawn(998), copy / "new.jpg")
    pictures(copy)[0].unlink()
    lookgraph("index", copy)
    told = lookgraph("status", copy, "--json").json
    assert told["pictures"] == Library.open(copy).status().pictures
    library = Library.open(copy)
    status = library.graph().status()
    assert status is not None
    assert (status.behind, status.pictures) == (0, told["pictures"])


def test_the_graph_goes_to_other_tools(linked: Path, tmp_path: Path) -> None:
    built = lookgraph("graph", "build", "--library", linked, "--neighbours", "3", "--json").json
    file = tmp_path / "graph.graphml"
    said = lookgraph("graph", "export", file, cwd=linked).err
    pictures, edges = built["pictures"], built["edges"]
    assert said == f"Wrote {pictures} pictures and {edges} edges to {file}.\n"
    graph = networkx.read_graphml(file)
    assert (len(graph), graph.number_of_edges()) == (pictures, edges)
    library = Library.open(linked)
    groups = {frozenset(hit.id for hit in group.pictures) for group in library.graph().groups(-1)}
    assert groups == {
        frozenset(one) for one in networkx.connected_components(graph) if len(one) > 1
    }
    said = lookgraph("graph", "export", tmp_path / "graph.txt", cwd=linked, code=1).err
    assert "it must end in one of .graphml, .gexf, .csv, .json" in said


def test_a_search_is_ranked_by_the_graph_unless_it_is_told_otherwise(linked: Path) -> None:
    query = pictures(linked)[2]
    plain = lookgraph("search", query, "-k12", "--rank", "cosine", "--json", cwd=linked).json
    assert plain["rank"] == "cosine"
    assert all("rank_score" not in hit for hit in plain["hits"])
    told = lookgraph("search", query, "-k12", "--json", cwd=linked).json
    assert told["rank"] == "graph"
    assert told["hits"][0]["file"] == str(query)
    ranks = [hit["rank_score"] for hit in told["hits"][1:]]
    assert ranks == sorted(ranks, reverse=True)
    of_each = {hit.id: hit.score for hit in Library.open(linked).search(query, k=999)}
    assert {hit["id"]: hit["score"] for hit in told["hits"]}.items() <= of_each.items()
    each = Library.open(linked).search_each([query], k=12)
    assert [hit.id for hit in each[0]] == [hit["id"] for hit in told["hits"]]
    assert lookgraph("search", query, "--rank", "nonsense", cwd=linked, code=2).err


def test_ranking_by_a_graph_that_is_not_there_is_refused(shelf: Path) -> None:
    query = pictures(shelf)[0]
    said = lookgraph("search", query, "--rank", "graph", cwd=shelf, code=1).err
    assert said.endswith("Make one: lookgraph graph build\n")
    assert lookgraph("search", query, "--json", cwd=shelf).json["rank"] == "cosine"


def test_building_again_keeps_what_the_graph_is(linked: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(linked, tmp_path / "copy"))
    given = ("--neighbours", "2", "--threshold", "0.5", "--json")
    made = lookgraph("graph", "build", "--library", copy, *given).json
    again = lookgraph("graph", "build", "--library", copy, "--json").json
    assert again == made
    assert again["wanted"]["neighbours"] == 2
    assert again["wanted"]["threshold"] == 0.5
    other = lookgraph("graph", "build", "--library", copy, "--neighbours", "1", "--json").json
    assert other["wanted"]["threshold"] is None
    assert other["edges"] < made["edges"]
    said = lookgraph("graph", "build", "--library", copy, "--neighbours", "0", code=2).err
    assert said == "lookgraph: A graph needs neighbours or a threshold, and at least one edge.\n"
