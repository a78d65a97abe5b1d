"""The similarity graph as what other Python libraries work with.

Edges name their ends by their places among the nodes. They have no direction.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from lookgraph.errors import LookgraphError, MissingExtraError
from lookgraph.exchange.graphs import ATTRIBUTES, Node
from lookgraph.graph.edges import Edges

if TYPE_CHECKING:
    import igraph
    import networkx
    from scipy.sparse import csr_array


def as_networkx(nodes: Sequence[Node], edges: Edges) -> "networkx.Graph":
    """A graph of NetworkX.

    Each node is the SHA-256 of a picture, with the attributes path (its first), format, width,
    height and taken ("" if nobody knows when). Each edge has the attribute score.

    Args:
        nodes: the pictures.
        edges: between them.

    Raises:
        MissingExtraError: NetworkX is not installed.
    """
    graph = _module("networkx", "networkx").Graph()
    ids = _ids(nodes)
    graph.add_nodes_from(
        (id_, dict(zip(ATTRIBUTES, node.values, strict=True)))
        for id_, node in zip(ids, nodes, strict=True)
    )
    ends = zip(edges.first.tolist(), edges.second.tolist(), edges.scores.tolist(), strict=True)
    graph.add_weighted_edges_from(
        ((ids[one], ids[other], score) for one, other, score in ends), weight="score"
    )
    return graph


def as_igraph(nodes: Sequence[Node], edges: Edges) -> "igraph.Graph":
    """A graph of igraph.

    The vertices are in the order of the nodes. Each has the attributes name (the SHA-256 of the
    picture), path (its first), format, width, height and taken ("" if nobody knows when). Each edge
    has the attribute score.

    Args:
        nodes: the pictures.
        edges: between them.

    Raises:
        MissingExtraError: igraph is not installed.
    """
    columns = zip(*(node.values for node in nodes), strict=True) if nodes else [()] * 5
    attributes = dict(zip(ATTRIBUTES, map(list, columns), strict=True))
    return _module("igraph", "igraph").Graph(
        n=len(nodes),
        edges=np.stack([edges.first, edges.second], axis=1),
        vertex_attrs={"name": _ids(nodes), **attributes},
        edge_attrs={"score": edges.scores.tolist()},
    )


def as_scipy(nodes: Sequence[Node], edges: Edges) -> "tuple[csr_array, list[str]]":
    """A sparse matrix of SciPy.

    Args:
        nodes: the pictures.
        edges: between them.

    Returns:
        the scores, float32, shape (n, n), each edge in both of its places; a score of 0 is stored
        too. And which picture each row and column is: its SHA-256.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    places = (
        np.concatenate([edges.first, edges.second]),
        np.concatenate([edges.second, edges.first]),
    )
    matrix = _module("scipy.sparse", "scipy").csr_array(
        (np.concatenate([edges.scores, edges.scores]), places), shape=(len(nodes), len(nodes))
    )
    return matrix, _ids(nodes)


def _ids(nodes: Sequence[Node]) -> list[str]:
    return [node.picture.id for node in nodes]


class _MissingPackageError(MissingExtraError):
    """A package that no extra of ours brings, as who asks for its objects has it."""

    def __init__(self, package: str) -> None:
        LookgraphError.__init__(
            self, f"There is no {package} to hand a graph to. Install it: pip install {package}"
        )
        self.extra = package


def _module(name: str, package: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise _MissingPackageError(package) from None
