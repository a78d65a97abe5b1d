"""What the commands about the graph do on the server of a library in Neo4j."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from lookgraph.errors import UsageError
from lookgraph.interfaces.cli.console import Command, counted, say

if TYPE_CHECKING:
    from lookgraph.graphs import LibraryGraph
    from lookgraph.graphs.results import Groups
    from lookgraph.stores.base import GraphStatus
    from lookgraph.stores.neo4j.client.connection import Connection

GDS = "gds"


def with_option(words: str) -> Callable[[Command], Command]:
    """Add ``--with``, with what it is in words."""
    return click.option(
        "--with",
        "engine",
        type=click.Choice(["lookgraph", GDS]),
        default="lookgraph",
        show_default=True,
        help=words,
    )


def build_by_gds(graph: "LibraryGraph", neighbours: int | None) -> "GraphStatus":
    """Make the graph with neighbours that ``gds.knn`` finds.

    Args:
        graph: of a library in Neo4j.
        neighbours: how many of each picture; None for as many as there are, or 20.
    """
    from lookgraph.interfaces.cli.progress import shares

    connection = _connection(graph, "--with gds")
    from lookgraph.stores.neo4j.gds_graph import build_graph

    with shares("Making the graph") as progress:
        build_graph(connection, graph.space, neighbours, progress)
    status = graph.status()
    assert status
    return status


def communities_by_gds(
    graph: "LibraryGraph", threshold: float | None, smallest: int, resolution: float
) -> "Groups":
    """Communities that ``gds.leiden`` finds, as people have judged them.

    Args:
        graph: of a library in Neo4j.
        threshold: the least score of edges that count; None for all.
        smallest: communities of fewer pictures are left out.
        resolution: over 0; the higher, the smaller are communities.
    """
    connection = _connection(graph, "--with gds")
    from lookgraph.graphs.divided import divided
    from lookgraph.stores.neo4j.gds import communities

    started = time.perf_counter()
    found = communities(connection, graph.space, threshold, resolution)
    return divided(
        graph.store,
        graph.space,
        found,
        threshold=threshold,
        smallest=smallest,
        started=started,
    )


def write_back(graph: "LibraryGraph", found: "Groups") -> None:
    """Keep the numbers of groups as a property of their pictures in the database.

    Args:
        graph: of a library in Neo4j.
        found: its groups, or its communities, which have another property.
    """
    connection = _connection(graph, "--write")
    from lookgraph.stores.neo4j.written_back import write_groups

    names = connection.address.names
    property_ = names.community if found.are_communities else names.group
    groups = [[hit.id for hit in group.pictures] for group in found]
    written = write_groups(connection, property_, groups)
    say(
        f"Wrote {property_} of {counted(written.set, 'picture')}, removed it from "
        f"{written.removed:,}; of {written.unchanged:,} it was right."
    )


def _connection(graph: "LibraryGraph", option: str) -> "Connection":
    from lookgraph.places import Engine, engine_of

    if engine_of(graph.store.place) is not Engine.NEO4J:
        raise UsageError(
            f"{option} needs a library or a mirror in Neo4j, and this one is in "
            f"{graph.store.place}: --library neo4j://USER@HOST/DATABASE. "
            "`lookgraph export neo4j://USER@HOST/DATABASE` makes a mirror."
        )
    from lookgraph.stores.neo4j.store import Neo4jStore

    assert isinstance(graph.store, Neo4jStore)
    return graph.store.connection
