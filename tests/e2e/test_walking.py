"""``graph show``, ``hubs``, ``bridges``, ``loners``, and ``groups`` in further ways."""

from pathlib import Path

import networkx
import numpy as np
import pytest

from lookgraph import Library
from lookgraph.graphs.results import Gap
from tests.conftest import needs_module
from tests.e2e.commands import lookgraph
from tests.e2e.test_graph import linked, pictures

__all__ = ["linked"]


def networkx_of(folder: Path, threshold: float = -1.0) -> networkx.Graph:
    graph = Library.open(folder).graph().to_networkx()
    weak = [(a, b) for a, b, score in graph.edges(data="score") if score < threshold]
    graph.remove_edges_from(weak)
    return graph


def test_what_is_around_a_picture_is_as_far_away_as_networkx_says(linked: Path) -> None:
    picture = pictures(linked)[4]
    told = lookgraph("graph", "show", picture, "--depth", "3", "--json", cwd=linked).json
    first = told["pictures"][0]
    assert (first["file"], first["depth"]) == (str(picture), 0)
    graph = networkx_of(linked)
    away = networkx.single_source_shortest_path_length(graph, first["id"], cutoff=3)
    assert {its["id"]: its["depth"] for its in told["pictures"]} == away
    ids = [its["id"] for its in told["pictures"]]
    edges = {frozenset((ids[its["first"]], ids[its["second"]])) for its in told["edges"]}
    assert edges == set(map(frozenset, graph.subgraph(ids).edges))
    scores = {hit.id: hit.score for hit in Library.open(linked).search(first["id"], k=999)}
    for its in told["pictures"]:
        assert its["score"] == pytest.approx(scores[its["id"]], abs=1e-6)


def test_the_number_of_pictures_and_the_weakest_edge_are_kept_to(linked: Path) -> None:
    picture = pictures(linked)[4]
    arguments = ("graph", "show", picture, "--depth", "9", "--json")
    few = lookgraph(*arguments, "-n", "5", cwd=linked).json
    assert len(few["pictures"]) == 5
    strong = lookgraph(*arguments, "--threshold", "0.6", cwd=linked).json
    assert all(edge["score"] >= 0.6 for edge in strong["edges"])
    wanted = networkx.node_connected_component(networkx_of(linked, 0.6), few["pictures"][0]["id"])
    assert {its["id"] for its in strong["pictures"]} == wanted
    lines = lookgraph("graph", "show", picture, "-n", "5", cwd=linked).out.decode().splitlines()
    assert lines[0].split("\t")[:2] == ["0", "1.0000"]


def test_pages_show_the_graph_and_the_map(linked: Path, tmp_path: Path) -> None:
    count = Library.open(linked).status().pictures
    walk, plane = tmp_path / "walk.html", tmp_path / "map.html"
    lookgraph("graph", "show", pictures(linked)[0], "--depth", "9", "--html", walk, cwd=linked)
    lookgraph("graph", "show", "--map", "--html", plane, cwd=linked)
    for page in (walk, plane):
        text = page.read_text()
        assert text.count("data:image/jpeg") + text.count('"/9j/') >= count
        assert "default-src 'none'" in text


def test_the_map_is_the_same_on_every_run(linked: Path) -> None:
    told = [lookgraph("graph", "show", "--map", "--json", cwd=linked).json for _ in range(2)]
    assert told[0]["places"] == told[1]["places"]
    places = np.array([[its["x"], its["y"]] for its in told[0]["places"]])
    assert len(places) == Library.open(linked).status().pictures
    assert places.min() >= 0
    assert places.max() <= 1
    assert len(np.unique(places, axis=0)) == len(places)
    groups = lookgraph("groups", "--json", cwd=linked).json["groups"]
    assert told[0]["groups"] == [group["name"] for group in groups]
    for number, group in enumerate(groups):
        ids = {its["id"] for its in told[0]["places"] if its["group"] == number}
        assert ids == {its["id"] for its in group["pictures"]}


def test_hubs_are_named_by_as_many_as_have_them_among_their_nearest(linked: Path) -> None:
    library = Library.open(linked)
    told = lookgraph("graph", "hubs", "-n", "99", "--json", cwd=linked).json["hubs"]
    times = dict.fromkeys((its["id"] for its in told), 0)
    for file in pictures(linked):
        for hit in library.search(file, k=4, rank="cosine")[1:]:
            times[hit.id] += 1
    assert {its["id"]: its["times"] for its in told} == times
    counts = [its["times"] for its in told]
    assert counts == sorted(counts, reverse=True)
    assert len(lookgraph("graph", "hubs", "-n", "3", cwd=linked).lines) == 3


def test_loners_have_the_lowest_best_scores(linked: Path) -> None:
    library = Library.open(linked)
    told = lookgraph("graph", "loners", "-n", "5", "--json", cwd=linked).json["loners"]
    best = sorted(library.search(file, k=2, rank="cosine")[1].score for file in pictures(linked))
    assert [its["score"] for its in told] == pytest.approx(best[:5], abs=1e-6)


def test_bridges_are_those_of_networkx(linked: Path) -> None:
    graph = networkx_of(linked, 0.5)
    arguments = ("graph", "bridges", "--threshold", "0.5", "--smallest", "1", "-n", "99", "--json")
    told = lookgraph(*arguments, cwd=linked).json["bridges"]
    found = {frozenset(its["id"] for its in one["pictures"]) for one in told}
    assert found == set(map(frozenset, networkx.bridges(graph)))
    for one in told:
        ends = [its["id"] for its in one["pictures"]]
        assert graph.edges[ends]["score"] == pytest.approx(one["score"], abs=1e-6)
        without = graph.copy()
        without.remove_edge(*ends)
        sides = [len(networkx.node_connected_component(without, end)) for end in ends]
        assert sides == one["sides"]


def test_pages_show_how_pictures_stand(linked: Path, tmp_path: Path) -> None:
    for what in ("hubs", "loners", "bridges"):
        page = tmp_path / f"{what}.html"
        options = ("--threshold", "0.5", "--smallest", "1") if what == "bridges" else ()
        lookgraph("graph", what, *options, "-n", "2", "--html", page, cwd=linked)
        assert page.read_text().count("data:image/jpeg") >= 2


def test_communities_hang_together_and_keep_to_what_was_said(linked: Path) -> None:
    needs_module("graspologic_native")
    told = lookgraph("groups", "--communities", "--smallest", "1", "--json", cwd=linked).json
    again = lookgraph("groups", "--communities", "--smallest", "1", "--json", cwd=linked).json
    assert told["groups"] == again["groups"]
    assert told["communities"]
    graph = networkx_of(linked)
    ids = [[its["id"] for its in group["pictures"]] for group in told["groups"]]
    assert sorted(id_ for its in ids for id_ in its) == sorted(graph)
    assert all(networkx.is_connected(graph.subgraph(its)) for its in ids)
    fine = lookgraph(
        "groups", "--communities", "--resolution", "5", "--smallest", "1", "--json", cwd=linked
    ).json
    assert len(fine["groups"]) > len(told["groups"])
    assert lookgraph("groups", "--communities", "--resolution", "0", cwd=linked, code=2).err


def test_suggestions_say_how_stable_groups_are(linked: Path) -> None:
    told = lookgraph("groups", "--suggest", "--json", cwd=linked).json["suggestions"]
    for one in told:
        groups = lookgraph(
            "groups", "--threshold", str(one["threshold"]), "--json", cwd=linked
        ).json["groups"]
        sizes = [len(group["pictures"]) for group in groups]
        assert (one["groups"], one["grouped"]) == (len(sizes), sum(sizes))
        assert one["low"] <= one["threshold"] <= one["high"]
    assert lookgraph("groups", "--suggest", cwd=linked).err or told


def test_where_no_edges_lead_the_threshold_is_named_at_which_some_would(
    linked: Path, tmp_path: Path
) -> None:
    import shutil

    copy = Path(shutil.copytree(linked, tmp_path / "copy"))
    lookgraph("graph", "build", "--neighbours", "0", "--threshold", "0.99", cwd=copy)
    source, *_, target = pictures(copy)
    said = lookgraph("path", source, target, "--json", cwd=copy, code=1)
    threshold = said.json["threshold"]
    assert said.json["steps"] == []
    at = said.err.split("--threshold ")[1].strip()
    assert float(at) <= threshold < float(at) + 1e-4
    lookgraph("graph", "build", "--neighbours", "0", "--threshold", at, cwd=copy)
    weakest = lookgraph("path", source, target, "--json", cwd=copy).json["weakest"]
    assert weakest == pytest.approx(threshold, abs=1e-6)
    higher = str(float(at) + 2e-4)
    lookgraph("graph", "build", "--neighbours", "0", "--threshold", higher, cwd=copy)
    found = Library.open(copy).graph().path(source, target)
    assert isinstance(found, Gap)
    assert found.threshold == pytest.approx(threshold, abs=1e-6)


def test_other_libraries_get_the_same_graph(linked: Path) -> None:
    needs_module("igraph")
    needs_module("scipy")
    graph = Library.open(linked).graph()
    plain, other, (matrix, ids) = graph.to_networkx(), graph.to_igraph(), graph.to_scipy()
    assert other.vs["name"] == ids == list(plain)
    edges = {frozenset(pair): score for *pair, score in plain.edges(data="score")}
    assert {frozenset(other.vs[edge.tuple]["name"]): edge["score"] for edge in other.es} == edges
    assert matrix.nnz == 2 * len(edges)
    assert matrix.shape == (len(ids), len(ids))


def test_mutual_neighbours_are_fewer(linked: Path, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(linked, tmp_path / "copy"))
    arguments = ("graph", "build", "--neighbours", "3", "--json")
    either = lookgraph(*arguments, cwd=copy).json["edges"]
    mutual = lookgraph(*arguments, "--mutual", cwd=copy).json
    assert 0 < mutual["edges"] < either
    library = Library.open(copy)
    near = {hit.id for hit in library.search(pictures(copy)[0], k=4, rank="cosine")}
    around = library.graph().around(pictures(copy)[0], depth=1)
    assert {hit.id for hit in around.pictures} <= near
    assert lookgraph("graph", "build", "--json", cwd=copy).json["edges"] == mutual["edges"]
    assert lookgraph(*arguments, "--either", cwd=copy).json["edges"] == either


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("show", "a.jpg", "--map"),
        ("show", "--map", "--threshold", "7"),
        ("bridges", "--threshold", "nan"),
        ("hubs", "-n", "0"),
        ("loners", "--html", "x.html", "--json"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(linked: Path, arguments: tuple[str, ...]) -> None:
    assert lookgraph("graph", *arguments, cwd=linked, code=2).err
