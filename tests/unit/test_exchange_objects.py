"""Graphs handed to NetworkX, igraph and SciPy, and asked there."""

import sys
from collections.abc import Callable, Sequence

import networkx
import numpy as np
import pytest

from lookgraph.errors import MissingExtraError
from lookgraph.exchange.graphs import Node
from lookgraph.exchange.objects import as_igraph, as_networkx, as_scipy
from lookgraph.graph.edges import Edges, no_edges
from lookgraph.types import Picture
from tests.conftest import needs_module

NODES = [
    Node(
        Picture(f"{i:064x}", "JPEG", 100 + i, 200, "2024-05-01T10:00:00" if i else None),
        f"ä/{i}.jpg",
    )
    for i in range(5)
]
IDS = [node.picture.id for node in NODES]
EDGES = Edges(
    np.array([0, 1, 0], np.int32),
    np.array([1, 2, 3], np.int32),
    np.array([0.1, -0.25, 0.0], np.float32),
)
SCORES = {(0, 1): float(np.float32(0.1)), (1, 2): -0.25, (0, 3): 0.0}
TOLD = {
    "path": "ä/0.jpg",
    "format": "JPEG",
    "width": 100,
    "height": 200,
    "taken": "",
}


def test_networkx() -> None:
    graph = as_networkx(NODES, EDGES)
    assert type(graph) is networkx.Graph
    assert list(graph.nodes) == IDS
    assert graph.nodes[IDS[0]] == TOLD
    assert graph.nodes[IDS[4]]["taken"] == "2024-05-01T10:00:00"
    assert {frozenset(edge[:2]): edge[2] for edge in graph.edges(data=True)} == {
        frozenset(IDS[end] for end in ends): {"score": score} for ends, score in SCORES.items()
    }
    components = networkx.connected_components(graph)
    assert sorted(map(len, components)) == [1, 4]


def test_networkx_writes_what_it_is_given() -> None:
    graph = as_networkx(NODES, EDGES)
    again = networkx.parse_graphml("\n".join(networkx.generate_graphml(graph)))
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
    assert networkx.utils.edges_equal(again.edges(data=True), graph.edges(data=True))


def test_igraph() -> None:
    igraph = needs_module("igraph")
    graph = as_igraph(NODES, EDGES)
    assert type(graph) is igraph.Graph
    assert not graph.is_directed()
    assert graph.vs["name"] == IDS
    assert graph.vs[0].attributes() == {"name": IDS[0], **TOLD}
    assert {edge.tuple: edge["score"] for edge in graph.es} == SCORES
    assert sorted(graph.connected_components().sizes()) == [1, 4]
    assert graph.vs.find(name=IDS[1]).degree() == 2


def test_scipy() -> None:
    sparse = needs_module("scipy.sparse")
    matrix, ids = as_scipy(NODES, EDGES)
    assert isinstance(matrix, sparse.csr_array)
    assert ids == IDS
    assert matrix.shape == (5, 5)
    assert matrix.dtype == np.float32
    assert matrix.nnz == 6
    wanted = np.zeros((5, 5), np.float32)
    for (one, other), score in SCORES.items():
        wanted[one, other] = wanted[other, one] = score
    assert np.array_equal(matrix.toarray(), wanted)
    count, _ = needs_module("scipy.sparse.csgraph").connected_components(matrix)
    assert count == 2


@pytest.mark.parametrize("nodes", [[], NODES])
def test_a_graph_without_edges(nodes: Sequence[Node]) -> None:
    needs_module("igraph")
    needs_module("scipy")
    graph = as_igraph(nodes, no_edges())
    assert (graph.vcount(), graph.ecount()) == (len(nodes), 0)
    assert set(graph.vs.attributes()) == {"name", *TOLD}
    assert len(as_networkx(nodes, no_edges())) == len(nodes)
    matrix, ids = as_scipy(nodes, no_edges())
    assert (matrix.shape, matrix.nnz, len(ids)) == ((len(nodes),) * 2, 0, len(nodes))


@pytest.mark.parametrize(
    ("function", "module", "package"),
    [
        (as_networkx, "networkx", "networkx"),
        (as_igraph, "igraph", "igraph"),
        (as_scipy, "scipy.sparse", "scipy"),
    ],
)
def test_a_library_that_is_not_installed(
    function: Callable[[Sequence[Node], Edges], object],
    module: str,
    package: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=f"pip install {package}$"):
        function(NODES, EDGES)
