"""Graphs as files, read back by NetworkX and by Python's own readers."""

import csv
import json
from pathlib import Path

import networkx
import pytest

from lookgraph.errors import ExchangeError, StorageError
from lookgraph.exchange.graphs import Link, Node, write_graph
from lookgraph.types import Picture

PATHS = (
    'a & b/<"quoted">.jpg',
    "line\nbreak\tand tab.jpg",
    "caf\u00e9 \U0001f600.png",
    "\udcff.jpg",
)
NODES = [
    Node(Picture(f"{i:064x}", "JPEG", 100 + i, 200, "2024-05-01T10:00:00" if i else None), path)
    for i, path in enumerate(PATHS)
]
LINKS = [Link(0, 1, 0.1), Link(1, 2, -0.25), Link(0, 3, 0.8999999761581421)]


def shown(path: str) -> str:
    """Lone surrogates, which are bytes that are no UTF-8, cannot be written."""
    return path.replace("\udcff", "\ufffd")


def check(graph: networkx.Graph, weight: str) -> None:
    assert not graph.is_directed()
    assert list(graph.nodes) == [node.picture.id for node in NODES]
    for node in NODES:
        told = graph.nodes[node.picture.id]
        assert told["path"] == shown(node.path)
        assert (told["width"], told["height"]) == (node.picture.width, 200)
        assert told.get("taken", "") in ("", None) or told["taken"] == node.picture.taken
        assert (told.get("taken") or None) == node.picture.taken
    edges = {frozenset(edge[:2]): edge[2][weight] for edge in graph.edges(data=True)}
    assert edges == {
        frozenset((NODES[link.first].picture.id, NODES[link.second].picture.id)): link.score
        for link in LINKS
    }


def test_graphml(tmp_path: Path) -> None:
    write_graph(NODES, LINKS, tmp_path / "graph.graphml")
    check(networkx.read_graphml(tmp_path / "graph.graphml"), "score")


def test_gexf(tmp_path: Path) -> None:
    write_graph(NODES, LINKS, tmp_path / "graph.gexf")
    check(networkx.read_gexf(tmp_path / "graph.gexf"), "weight")


def test_json(tmp_path: Path) -> None:
    write_graph(NODES, LINKS, tmp_path / "graph.json")
    told = json.loads((tmp_path / "graph.json").read_text())
    graph = networkx.node_link_graph(told, edges="links")
    for node in NODES:  # JSON's own escapes hold lone surrogates
        graph.nodes[node.picture.id]["path"] = shown(graph.nodes[node.picture.id]["path"])
    check(graph, "score")


def test_csv(tmp_path: Path) -> None:
    write_graph(NODES, LINKS, tmp_path / "graph.CSV")
    with (tmp_path / "graph.CSV").open(newline="", encoding="utf-8") as file:
        heading, *lines = csv.reader(file)
    assert heading == ["path_1", "path_2", "id_1", "id_2", "score"]
    assert lines == [
        [
            shown(NODES[link.first].path),
            shown(NODES[link.second].path),
            NODES[link.first].picture.id,
            NODES[link.second].picture.id,
            repr(link.score),
        ]
        for link in LINKS
    ]


@pytest.mark.parametrize("suffix", [".graphml", ".gexf", ".json", ".csv"])
def test_an_empty_graph(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"graph{suffix}"
    write_graph([], [], file)
    if suffix == ".graphml":
        assert len(networkx.read_graphml(file)) == 0
    if suffix == ".gexf":
        assert len(networkx.read_gexf(file)) == 0
    if suffix == ".json":
        assert json.loads(file.read_text())["nodes"] == []


def test_other_names_and_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match=r"\.graphml, \.gexf, \.csv, \.json"):
        write_graph(NODES, LINKS, tmp_path / "graph.txt")
    with pytest.raises(StorageError, match="cannot be written"):
        write_graph(NODES, LINKS, tmp_path / "missing" / "graph.csv")
    assert list(tmp_path.iterdir()) == []
