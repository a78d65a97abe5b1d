"""Change what a mirror holds, inside of transactions. Each statement may find its work done."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields

import numpy as np
from neo4j import ManagedTransaction

from lookgraph.stores.contents import FileFacts, PictureFacts, VerdictFacts
from lookgraph.stores.keys import path_of, shown
from lookgraph.stores.neo4j.client.numbers import Numbers
from lookgraph.stores.neo4j.mirror.changes import Unit
from lookgraph.stores.neo4j.mirror.mirrored import LibraryFacts, SpaceFacts
from lookgraph.stores.neo4j.mirror.wanted import Wanted
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import SHOWS, StoredSpace
from lookgraph.stores.neo4j.verdicts import EITHER, RELATIONS


class MirrorWriter:
    """Writes what a mirror should hold."""

    def __init__(self, transaction: ManagedTransaction, names: Names) -> None:
        """Nothing is written yet.

        Args:
            transaction: that all of it is part of.
            names: what things are called.
        """
        self._transaction = transaction
        self._names = names
        self._node = f"(n:`{names.own()}` {{`{names.id}`: told.id}})"

    def _run(self, query: str, **values: object) -> None:
        self._transaction.run(query, values).consume()

    def begin(self, mirror_of: str, facts: LibraryFacts, next_row: int) -> None:
        """Say whose mirror it is, and that it is being changed."""
        self._run(
            f"MATCH (l:`{self._names.own('Library')}` {{name: 'library'}})"
            " SET l.mirror_of = $of, l.mirror_state = null, l.rows = $rows, l += $told",
            of=mirror_of,
            rows=next_row,
            told=facts._asdict(),
        )

    def end(self, state: str) -> None:
        """Say that it is what it should be."""
        self._run(
            f"MATCH (l:`{self._names.own('Library')}` {{name: 'library'}})"
            " SET l.mirror_state = $state",
            state=state,
        )

    def space(self, facts: SpaceFacts) -> None:
        """Write the node of a space."""
        self._run(
            f"MERGE (s:`{self._names.own('Space')}` {{name: $name}}) SET s += $told",
            name=facts.name,
            told=asdict(facts),
        )

    def graph_done(self, facts: SpaceFacts) -> None:
        """Say that a space's graph is of the library as it is now."""
        self._run(
            f"MATCH (s:`{self._names.own('Space')}` {{name: $name}})"
            f" MATCH (l:`{self._names.own('Library')}` {{name: 'library'}})"
            " SET s.graph_generation ="
            " CASE WHEN s.graph_neighbours IS NULL THEN null ELSE l.generation END",
            name=facts.name,
        )

    def units(self, wanted: Wanted, units: Sequence[Unit]) -> None:
        """Write pictures, their embeddings, and files."""
        with ThreadPoolExecutor(1) as beside:  # while the server writes all but the embeddings
            told = beside.submit(_embeddings, wanted, units)
            self._pictures(wanted, [unit.id for unit in units if unit.id is not None])
            self._unrelate([key for unit in units for key in unit.known])
            keys = [key for unit in units for key in unit.keys]
            self._files({key: FileFacts.of(wanted.mirrored.files[key]) for key in keys})
        for property_, of in told.result().items():
            self._embed(property_, of)

    def _pictures(self, wanted: Wanted, ids: Sequence[str]) -> None:
        self._run(
            f"UNWIND $told AS told MERGE {self._node} SET n:`{self._names.label}`, n += told.facts",
            told=[{"id": id_, "facts": self._facts(wanted, id_)} for id_ in ids],
        )

    def _facts(self, wanted: Wanted, id_: str) -> dict[str, object]:
        names, picture = self._names, PictureFacts.of(wanted.mirrored.pictures[id_])
        first, *others = (shown(path_of(key)) for key in wanted.keys_of[id_])
        return {
            names.path: first,
            names.copies: others,
            names.format: picture.format,
            names.width: picture.width,
            names.height: picture.height,
            names.taken: picture.taken,
            "row": wanted.mirrored.rows[id_],
        }

    def _embed(self, property_: str, told: Sequence[Mapping[str, object]]) -> None:
        self._run(
            f"UNWIND $told AS told MATCH {self._node}"
            " CALL db.create.setNodeVectorProperty(n, $property, told.numbers)",
            property=property_,
            told=told,
        )

    def _unrelate(self, keys: Sequence[str]) -> None:
        """What files have shown, they need not show now."""
        if keys:
            self._run(
                f"UNWIND $keys AS key MATCH (:`{self._names.own('File')}` {{key: key}})"
                f"-[r:{SHOWS}]->() DELETE r",
                keys=keys,
            )

    def _files(self, files: Mapping[str, FileFacts]) -> None:
        file = self._names.own("File")
        self._run(
            f"UNWIND $told AS told MERGE (f:`{file}` {{key: told.key}}) SET f += told.facts"
            f" WITH f, told WHERE told.id IS NOT NULL MATCH {self._node}"
            f" CREATE (f)-[:{SHOWS}]->(n)",
            told=[
                {
                    "key": key,
                    "id": facts.id,
                    "facts": {
                        "size": facts.size,
                        "mtime_ns": facts.mtime_ns,
                        "skip": facts.skip,
                        "reason": facts.reason,
                    },
                }
                for key, facts in files.items()
            ],
        )

    def remove_files(self, keys: Sequence[str]) -> None:
        """Remove the nodes of files. Those that somebody has related to something are bared."""
        file = f"(f:`{self._names.own('File')}` {{key: key}})"
        self._unrelate(keys)
        self._run(
            f"UNWIND $keys AS key MATCH {file} WHERE NOT EXISTS {{ (f)--() }} DELETE f", keys=keys
        )
        self._run(
            f"UNWIND $keys AS key MATCH {file} REMOVE f:`{self._names.own('File')}`, f.key,"
            " f.size, f.mtime_ns, f.skip, f.reason",
            keys=keys,
        )

    def remove_pictures(self, ids: Sequence[str], spaces: Sequence[StoredSpace]) -> None:
        """Remove the nodes of pictures. Those that have other relations keep their id alone."""
        names = self._names
        told = [{"id": id_} for id_ in ids]
        for space in spaces:
            self._run(
                f"UNWIND $told AS told MATCH {self._node}-[r:`{space.relation}` {{made: true}}]-()"
                " DELETE r",
                told=told,
            )
        self._sweep(told)
        known = {getattr(names, field.name) for field in fields(names)}
        known -= {names.label, names.relation, names.score, names.id}
        known |= {"row"} | {name for space in spaces for name in (space.property, space.norm)}
        self._run(
            f"UNWIND $told AS told MATCH {self._node} REMOVE n:`{names.label}`, "
            + ", ".join(f"n.`{name}`" for name in sorted(known)),
            told=told,
        )

    def _sweep(self, told: Sequence[Mapping[str, str]], condition: str = "true") -> None:
        """Delete nodes that nothing is related to."""
        self._run(
            f"UNWIND $told AS told MATCH {self._node} WHERE {condition} AND NOT EXISTS"
            " { (n)--() } DELETE n",
            told=told,
        )

    def remove_embeddings(self, property_: str, ids: Sequence[str]) -> None:
        """Remove embeddings of pictures that stay."""
        told = [{"id": id_} for id_ in ids]
        self._run(f"UNWIND $told AS told MATCH {self._node} REMOVE n.`{property_}`", told=told)

    def norms(self, property_: str, norms: Sequence[tuple[str, float | None]]) -> None:
        """Keep what ranking keeps of pictures; None for nothing."""
        self._run(
            "UNWIND range(0, size($ids) - 1) AS i"
            f" MATCH (n:`{self._names.own()}` {{`{self._names.id}`: $ids[i]}})"
            f" SET n.`{property_}` = CASE WHEN isNaN($norms[i]) THEN null ELSE $norms[i] END",
            ids=[id_ for id_, _ in norms],
            norms=np.array([np.nan if norm is None else norm for _, norm in norms], np.float64),
        )

    def unsay(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Forget what was said of pairs of pictures."""
        own, id_ = self._names.own(), self._names.id
        self._run(
            f"UNWIND $pairs AS pair MATCH (:`{own}` {{`{id_}`: pair[0]}})"
            f"-[r:{EITHER}]->(:`{own}` {{`{id_}`: pair[1]}})"
            " WHERE r.said IS NOT NULL DELETE r",
            pairs=[list(pair) for pair in pairs],
        )
        told = [{"id": id_} for id_ in _each(pairs)]
        self._sweep(told, "n.row IS NULL")

    def say(self, verdicts: Sequence[tuple[tuple[str, str], VerdictFacts]]) -> None:
        """Keep what was said of pairs of pictures that nothing is said of."""
        own, id_ = self._names.own(), self._names.id
        for kind, relation in RELATIONS.items():
            self._run(
                f"UNWIND $told AS told MERGE (a:`{own}` {{`{id_}`: told.first}})"
                f" MERGE (b:`{own}` {{`{id_}`: told.second}})"
                f" CREATE (a)-[:{relation} {{said: told.said}}]->(b)",
                told=[
                    {"first": first, "second": second, "said": facts.said}
                    for (first, second), facts in verdicts
                    if facts.kind == kind
                ],
            )


def _embeddings(wanted: Wanted, units: Sequence[Unit]) -> dict[str, list[dict[str, object]]]:
    """The embeddings that are written, by the property that pictures have them in."""
    told: dict[str, list[dict[str, object]]] = {}
    for place, space in enumerate(wanted.mirrored.spaces):
        ids = [unit.id for unit in units if unit.id is not None and place in unit.spaces]
        if ids:
            told[space.facts.property] = [
                {"id": id_, "numbers": Numbers.of(wanted.embedding(place, id_))} for id_ in ids
            ]
    return told


def _each(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    return iter(sorted({id_ for pair in pairs for id_ in pair}))
