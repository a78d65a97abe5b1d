"""Read what a mirror holds from its database."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from neo4j import ManagedTransaction

from lookgraph.stores.contents import (
    Contents,
    FileFacts,
    PictureFacts,
    SpaceContents,
    VerdictFacts,
)
from lookgraph.stores.neo4j.client.connection import Connection
from lookgraph.stores.neo4j.mirror.mirrored import LibraryFacts, Mirrored, MirroredSpace, SpaceFacts
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import SHOWS, reading
from lookgraph.stores.neo4j.relations import Relations, read_relations
from lookgraph.stores.neo4j.verdicts import EITHER, KINDS

_SAMPLED = 16
"""Numbers of each embedding that are compared with the library's: others differ in all of them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What tells quickly whether a mirror is as it was left.

    Attributes:
        generation: of the library; 0 until something has been written.
        mirror_of: the id of the library that it is a mirror of.
        state: a word that its last export has left; None while one is under way or broke off.
        counts: of its nodes and relations.
    """

    generation: int
    mirror_of: str | None
    state: str | None
    counts: tuple[int, ...]


def look(connection: Connection) -> Seen:
    """Look at what is there, from outside."""
    names = connection.address.names
    return connection.read_in(lambda transaction: look_in(transaction, names))


def look_in(transaction: ManagedTransaction, names: Names) -> Seen:
    """Look at a library's node, and count what the server has counted already."""
    read = reading(transaction)
    (library,) = read(
        f"MATCH (l:`{names.own('Library')}` {{name: 'library'}})"
        f" OPTIONAL MATCH (s:`{names.own('Space')}`)"
        " RETURN l.generation AS generation, l.mirror_of AS of, l.mirror_state AS state,"
        " collect(s.relation) AS relations"
    )
    # Of these labels alone: other libraries in the database have relations of the same types.
    own, file = names.own(), names.own("File")
    relations = [*KINDS, *sorted(library["relations"])]
    counted = [
        *(f"MATCH (n:`{label}`) RETURN count(n) AS count" for label in (own, file)),
        f"MATCH (:`{file}`)-[r:{SHOWS}]->() RETURN count(r) AS count",
        *(f"MATCH (:`{own}`)-[r:`{one}`]->() RETURN count(r) AS count" for one in relations),
    ]
    counts = tuple(int(record["count"]) for record in read(" UNION ALL ".join(counted)))
    return Seen(int(library["generation"]), library["of"], library["state"], counts)


def read_mirrored(connection: Connection, contents: Contents) -> Mirrored:
    """All that a mirror holds.

    Args:
        connection: to its database.
        contents: of the library: embeddings are compared with those here.
    """
    names = connection.address.names
    (library,) = connection.read(
        f"MATCH (l:`{names.own('Library')}` {{name: 'library'}}) RETURN properties(l) AS told"
    )[0]
    spaces = [
        _space_facts(record["told"])
        for record in connection.read(
            f"MATCH (s:`{names.own('Space')}`) RETURN properties(s) AS told ORDER BY s.number"
        )
    ]
    rows, pictures = _pictures(connection)
    return Mirrored(
        LibraryFacts(
            library.get("root"),
            tuple(library.get("include") or ()),
            tuple(library.get("exclude") or ()),
        ),
        max([int(library["rows"]), *(row + 1 for row in rows.values())]),
        rows,
        pictures,
        _files(connection),
        _verdicts(connection),
        tuple(_space(connection, contents, facts) for facts in spaces),
    )


def _space_facts(told: Mapping[str, Any]) -> SpaceFacts:
    known: dict[str, Any] = {one.name: told.get(one.name) for one in fields(SpaceFacts)}
    return SpaceFacts(**known)


def _pictures(connection: Connection) -> tuple[dict[str, int], dict[str, str]]:
    names = connection.address.names
    rows, pictures = {}, {}
    with connection.stream(
        f"MATCH (n:`{names.own()}`) WHERE n.row IS NOT NULL RETURN n.`{names.id}`, n.row,"
        f" n:`{names.label}`, n.`{names.format}`, n.`{names.width}`, n.`{names.height}`,"
        f" n.`{names.taken}`"
    ) as answer:
        for id_, row, is_shown, *facts in answer:
            rows[id_] = row
            if is_shown:
                pictures[id_] = PictureFacts(*facts).text
    return rows, pictures


def _files(connection: Connection) -> dict[str, str]:
    names = connection.address.names
    with connection.stream(
        f"MATCH (f:`{names.own('File')}`) OPTIONAL MATCH (f)-[:{SHOWS}]->(n:`{names.own()}`)"
        f" RETURN f.key, n.`{names.id}`, f.size, f.mtime_ns, f.skip, f.reason"
    ) as answer:
        return {key: FileFacts(*facts).text for key, *facts in answer}


def _verdicts(connection: Connection) -> dict[tuple[str, str], VerdictFacts]:
    names = connection.address.names
    with connection.stream(
        f"MATCH (a:`{names.own()}`)-[r:{EITHER}]->(b:`{names.own()}`)"
        " WHERE r.said IS NOT NULL"
        f" RETURN a.`{names.id}`, b.`{names.id}`, type(r), r.said"
    ) as answer:
        return {
            (first, second): VerdictFacts(str(KINDS[type_]), said)
            for first, second, type_, said in answer
        }


def _space(connection: Connection, contents: Contents, facts: SpaceFacts) -> MirroredSpace:
    found = read_relations(connection, facts.relation)
    made: Relations = found.relations[found.made]
    held = next((one for one in contents.spaces if one.space.name == facts.name), None)
    return MirroredSpace(
        facts, _sums(connection, facts, held), _norms(connection, facts), made.upward()
    )


def _norms(connection: Connection, facts: SpaceFacts) -> dict[str, float]:
    names = connection.address.names
    with connection.stream(
        f"MATCH (n:`{names.own()}`) WHERE n.`{facts.norm}` IS NOT NULL"
        f" RETURN n.`{names.id}`, n.`{facts.norm}`"
    ) as answer:
        return {id_: norm for id_, norm in answer}  # noqa: C416 - records, not pairs


def _sums(connection: Connection, facts: SpaceFacts, held: SpaceContents | None) -> dict[str, int]:
    """The library's checksums of those embeddings that are the library's."""
    names, dimension = connection.address.names, facts.dimension
    places = np.unique(np.linspace(0, dimension - 1, _SAMPLED).astype(np.int64))
    ids, sampled = [], []
    with connection.stream(
        f"MATCH (n:`{names.own()}`) WITH n.`{names.id}` AS id, n.`{facts.property}` AS numbers"
        " WHERE numbers IS NOT NULL"
        " RETURN id, CASE WHEN size(numbers) = $dimension THEN [i IN $places | numbers[i]] END",
        places=places,
        dimension=dimension,
    ) as answer:
        for id_, numbers in answer:
            ids.append(id_)
            sampled.append(numbers or [np.nan] * len(places))
    sums = dict.fromkeys(ids, -1)
    if held is None:
        return sums
    rows = dict(zip(held.ids, held.numbers.tolist(), strict=True))
    checked = dict(zip(held.ids, held.sums.tolist(), strict=True))
    known = [place for place, id_ in enumerate(ids) if id_ in rows]
    ours = held.rows[np.array([rows[ids[place]] for place in known], np.int64)][:, places]
    theirs = np.array(sampled, np.float64).reshape(-1, len(places))[known]
    for place in np.array(known)[(ours == theirs).all(axis=1)].tolist() if known else ():
        sums[ids[place]] = checked[ids[place]]
    return sums
