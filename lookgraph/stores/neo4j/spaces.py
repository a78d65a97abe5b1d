"""Writing what spaces are: what their embeddings, relations and indexes are called, and how."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import count

from neo4j import ManagedTransaction

from lookgraph.stores.base import GraphWanted
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.client.lock import Turn
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import StoredSpace
from lookgraph.stores.neo4j.relations import delete_all_relations
from lookgraph.stores.neo4j.schema import vector_index
from lookgraph.types import IndexKind, Space

_AT_ONCE = 2000
"""Embeddings that are dropped in one transaction."""


def named_space(names: Names, space: Space, others: Sequence[StoredSpace]) -> StoredSpace:
    """A new space, with names that nothing else has.

    Args:
        names: what things are called.
        space: what it is.
        others: the spaces that are there.
    """
    properties = {getattr(names, field.name) for field in fields(names)}
    properties -= {names.embeddings}
    properties |= {name for its in others for name in (its.property, its.norm)}
    relations = {its.relation.upper() for its in others}
    number = max((its.number for its in others), default=0) + 1
    for suffix in _suffixes(space.model):
        made = StoredSpace(
            space,
            number,
            property=names.embeddings + suffix,
            relation=names.relation + suffix.upper(),
            norm="graph_norm" + suffix,
        )
        is_free = made.relation.upper() not in relations
        if is_free and not properties & {made.property, made.norm}:
            return made
    raise AssertionError("there is always another number")


def _suffixes(model: str) -> Iterator[str]:
    """Nothing for the first space, then the network's name, then that with numbers."""
    name = "_" + re.sub(r"\W", "_", model)
    yield ""
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def write_space(transaction: ManagedTransaction, names: Names, stored: StoredSpace) -> None:
    """Keep a new space."""
    space = stored.space
    transaction.run(
        f"CREATE (s:`{names.own('Space')}`) SET s = $told",
        told={
            "name": space.name,
            "number": stored.number,
            "model": space.model,
            "fingerprint": space.fingerprint,
            "preprocessing": space.preprocessing,
            "metric": str(space.metric),
            "dimension": space.dimension,
            "precision": str(space.precision),
            "property": stored.property,
            "relation": stored.relation,
            "norm": stored.norm,
            "index": str(stored.index),
        },
    ).consume()


def write_network(
    transaction: ManagedTransaction, names: Names, space: Space, network: str | None
) -> None:
    """Keep what a space's network is, in words of others."""
    _set(transaction, names, space, {"network": network})


def write_index_kind(
    transaction: ManagedTransaction, names: Names, space: Space, kind: IndexKind
) -> None:
    """Keep how a space is to be searched."""
    _set(transaction, names, space, {"index": str(kind)})


def begin_graph(transaction: ManagedTransaction, names: Names, space: Space) -> None:
    """Keep that the graph of a space is being changed: until it is done, nothing builds upon it."""
    _set(transaction, names, space, {"graph_generation": None})


def finish_graph(
    transaction: ManagedTransaction, names: Names, space: Space, wanted: GraphWanted, edges: int
) -> None:
    """Keep what the graph of a space was made as, and that it is of the library as it is now."""
    told = {
        "graph_neighbours": wanted.neighbours,
        "graph_threshold": wanted.threshold,
        "graph_most": wanted.most,
        "graph_mutual": wanted.mutual,
        "graph_edges": edges,
    }
    _set(transaction, names, space, told)
    transaction.run(
        f"MATCH (s:`{names.own('Space')}` {{name: $name}})"
        f" MATCH (l:`{names.own('Library')}` {{name: 'library'}})"
        " SET s.graph_generation = l.generation",
        name=space.name,
    ).consume()


def _set(
    transaction: ManagedTransaction, names: Names, space: Space, told: Mapping[str, object]
) -> None:
    transaction.run(
        f"MATCH (s:`{names.own('Space')}` {{name: $name}}) SET s += $told",
        name=space.name,
        told=told,
    ).consume()


def own_index(names: Names, property_: str) -> str:
    """What the vector index of a space is called, if Lookgraph has made it."""
    return f"lookgraph_{names.label}_{property_}"


def drop_space(connection: Connection, turn: Turn, stored: StoredSpace) -> None:
    """Remove a space with its embeddings, its relations and its index, if they are ours.

    If this is interrupted, the space is still there, and can be removed again.
    """
    names = connection.address.names
    index = vector_index(connection, stored.property)
    if index and index.name == own_index(names, stored.property):
        connection.run(f"DROP INDEX `{index.name}` IF EXISTS")
    delete_all_relations(connection, turn, stored.relation, lambda _: None)
    drop_properties(turn, names, stored, "true")
    turn.apply(lambda transaction: _forget_space(transaction, names, stored.space))


def _forget_space(transaction: ManagedTransaction, names: Names, space: Space) -> None:
    transaction.run(
        f"MATCH (s:`{names.own('Space')}` {{name: $name}}) DETACH DELETE s", name=space.name
    ).consume()


def drop_properties(turn: Turn, names: Names, stored: StoredSpace, condition: str) -> None:
    """Remove what pictures hold of a space, where a condition about the node ``n`` is true."""
    for property_ in (stored.norm, stored.property):
        until_none(
            turn,
            f"MATCH (n:`{names.own()}`) WHERE n.`{property_}` IS NOT NULL AND {condition}"
            f" WITH n LIMIT {_AT_ONCE} REMOVE n.`{property_}` RETURN count(n) AS done",
        )


def until_none(turn: Turn, query: str) -> None:
    """Repeat a change of some things, each time in a transaction, until there are no more."""
    done: list[int] = []

    def change(transaction: ManagedTransaction) -> None:
        (count_,) = transaction.run(query).single(strict=True)
        done.append(int(count_))

    turn.apply(change)
    while done[-1]:
        turn.apply(change)
