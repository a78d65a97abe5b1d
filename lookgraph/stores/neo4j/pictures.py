"""Writing pictures and files, inside of a transaction that all of it is part of."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from neo4j import ManagedTransaction

from lookgraph.stores.keys import key_of, path_of, shown
from lookgraph.stores.neo4j.client.numbers import Numbers
from lookgraph.stores.neo4j.names import Names
from lookgraph.stores.neo4j.records import SHOWS
from lookgraph.types import Entry, Picture, Vector

_AT_ONCE = 10_000
"""Files in one statement."""

_CREATED = 200
"""Pictures in one statement: the next ones are packed while the server works on these."""


@dataclass(frozen=True, slots=True)
class Known:
    """What of a commit is in the database already.

    Attributes:
        ids: of pictures that have nodes, whether they have files or not.
        paths: of files.
    """

    ids: Collection[str]
    paths: Collection[str]


class PictureWriter:
    """Writes what pictures and files are."""

    def __init__(self, transaction: ManagedTransaction, names: Names) -> None:
        """Nothing is written yet.

        Args:
            transaction: that all of it is part of.
            names: what things are called.
        """
        self._transaction = transaction
        self._names = names

    def write(
        self,
        entries: Sequence[Entry],
        known: Known,
        embeddings: Mapping[str, Vector],
        property_: str,
    ) -> None:
        """Make or renew the nodes of files and of their pictures.

        Args:
            entries: the files, each path once.
            known: what has nodes.
            embeddings: of the pictures that have none yet, by id, in the order of storing.
            property_: that holds them.
        """
        first = self._reserve(len(embeddings))
        rows = {id_: first + place for place, id_ in enumerate(embeddings)}
        pictures = {entry.picture.id: entry.picture for entry in entries if entry.picture}
        new = {id_: its for id_, its in pictures.items() if id_ not in known.ids}
        old = {id_: its for id_, its in pictures.items() if id_ in known.ids}
        taken_off = self._take_off([its.path for its in entries if its.path in known.paths])
        at_once: list[Entry] = []
        others: list[Entry] = []
        for entry in entries:
            alone = entry.picture and entry.picture.id in new and entry.path not in known.paths
            (at_once if alone else others).append(entry)
        self._create(new, at_once, rows, embeddings, property_)
        self._renew(old, rows)
        self._embed({id_: embeddings[id_] for id_ in old if id_ in embeddings}, property_)
        self._write_files(others)
        self._name(taken_off | {entry.picture.id for entry in others if entry.picture})

    def forget(self, paths: Iterable[str]) -> None:
        """Remove the nodes of files; what no other file holds is no picture for Cypher then."""
        gone = list(paths)
        for start in range(0, len(gone), _AT_ONCE):
            part = gone[start : start + _AT_ONCE]
            taken_off = self._take_off(part)
            self._drop_files([key_of(path) for path in part])
            self._name(taken_off)

    def _reserve(self, count: int) -> int:
        """The first of so many numbers in the order of storing."""
        (first,) = self._transaction.run(
            f"MATCH (l:`{self._names.own('Library')}` {{name: 'library'}})"
            " WITH l, l.rows AS first SET l.rows = first + $count RETURN first",
            count=count,
        ).single(strict=True)
        return int(first)

    def _create(
        self,
        pictures: Mapping[str, Picture],
        entries: Iterable[Entry],
        rows: Mapping[str, int],
        embeddings: Mapping[str, Vector],
        property_: str,
    ) -> None:
        """Make the nodes of pictures and of files together: of these there are many."""
        names = self._names
        files: dict[str, list[Entry]] = {id_: [] for id_ in pictures}
        for entry in entries:
            if entry.picture:
                files[entry.picture.id].append(entry)
        query = (
            "UNWIND range(0, size($told) - 1) AS place"
            f" CREATE (n:`{names.label}`:`{names.own()}`) SET n = $told[place]"
            f" FOREACH (file IN $files[place] | CREATE (f:`{names.own('File')}`)-[:{SHOWS}]->(n)"
            " SET f = file)"
            " WITH n, place"
            " CALL db.create.setNodeVectorProperty(n, $property, $embeddings[place])"
        )
        ids, asked = list(pictures), []
        for start in range(0, len(ids), _CREATED):
            part = ids[start : start + _CREATED]
            told = self._transaction.run(
                query,
                told=[
                    {
                        **self._told(pictures[id_]),
                        **self._named([entry.path for entry in files[id_]]),
                        "row": rows[id_],
                    }
                    for id_ in part
                ],
                files=[[_told_of(entry) for entry in files[id_]] for id_ in part],
                embeddings=[_kept(embeddings[id_]) for id_ in part],
                property=property_,
            )
            asked.append(told)
        for told in asked:
            told.consume()

    def _renew(self, pictures: Mapping[str, Picture], rows: Mapping[str, int]) -> None:
        names = self._names
        self._transaction.run(
            f"UNWIND $told AS told MATCH (n:`{names.own()}` {{`{names.id}`: told.id}})"
            f" SET n:`{names.label}`, n += told.properties, n.row = coalesce(n.row, told.row)",
            told=[
                {"id": id_, "properties": self._told(picture), "row": rows.get(id_)}
                for id_, picture in pictures.items()
            ],
        ).consume()

    def _embed(self, embeddings: Mapping[str, Vector], property_: str) -> None:
        names = self._names
        self._transaction.run(
            "UNWIND range(0, size($ids) - 1) AS place"
            f" MATCH (n:`{names.own()}` {{`{names.id}`: $ids[place]}})"
            " CALL db.create.setNodeVectorProperty(n, $property, $embeddings[place])",
            ids=list(embeddings),
            embeddings=[_kept(embedding) for embedding in embeddings.values()],
            property=property_,
        ).consume()

    def _write_files(self, entries: Sequence[Entry]) -> None:
        names = self._names
        told = [_told_of(entry) for entry in entries]
        ids = [entry.picture.id if entry.picture else None for entry in entries]
        self._transaction.run(
            "UNWIND range(0, size($told) - 1) AS place"
            f" MERGE (f:`{names.own('File')}` {{key: $told[place].key}}) SET f += $told[place]"
            f" WITH f, place MATCH (n:`{names.own()}` {{`{names.id}`: $ids[place]}})"
            f" CREATE (f)-[:{SHOWS}]->(n)",
            told=told,
            ids=ids,
        ).consume()

    def _take_off(self, paths: Iterable[str]) -> set[str]:
        """Part files from their pictures; the ids of these."""
        names = self._names
        found = self._transaction.run(
            f"UNWIND $keys AS key MATCH (:`{names.own('File')}` {{key: key}})-[r:{SHOWS}]->"
            f"(n:`{names.own()}`) DELETE r RETURN DISTINCT n.`{names.id}` AS id",
            keys=[key_of(path) for path in paths],
        )
        return {str(record["id"]) for record in found}

    def _drop_files(self, keys: Sequence[str]) -> None:
        file = self._names.own("File")
        self._transaction.run(
            f"UNWIND $keys AS key MATCH (f:`{file}` {{key: key}}) WHERE NOT EXISTS {{ (f)--() }}"
            " DELETE f",
            keys=keys,
        ).consume()
        self._transaction.run(  # those that somebody has related to something else
            f"UNWIND $keys AS key MATCH (f:`{file}` {{key: key}})"
            f" REMOVE f:`{file}`, f.key, f.size, f.mtime_ns, f.skip, f.reason",
            keys=keys,
        ).consume()

    def _name(self, ids: Collection[str]) -> None:
        """Give pictures the paths of their files; what has none is a picture no more."""
        if not ids:
            return
        names = self._names
        found = self._transaction.run(
            f"UNWIND $ids AS id MATCH (n:`{names.own()}` {{`{names.id}`: id}})"
            f" RETURN id, [(f:`{names.own('File')}`)-[:{SHOWS}]->(n) | f.key] AS keys",
            ids=sorted(ids),
        )
        told, bare = [], []
        for id_, keys in found:
            if keys:
                told.append({"id": id_, "properties": self._named([path_of(key) for key in keys])})
            else:
                bare.append(id_)
        self._transaction.run(
            f"UNWIND $told AS told MATCH (n:`{names.own()}` {{`{names.id}`: told.id}})"
            " SET n += told.properties",
            told=told,
        ).consume()
        self._transaction.run(
            f"UNWIND $ids AS id MATCH (n:`{names.own()}` {{`{names.id}`: id}})"
            f" REMOVE n:`{names.label}`, n.`{names.path}`, n.`{names.copies}`",
            ids=bare,
        ).consume()

    def _told(self, picture: Picture) -> dict[str, object]:
        """What a picture is, as properties."""
        names = self._names
        return {
            names.id: picture.id,
            names.format: picture.format,
            names.width: picture.width,
            names.height: picture.height,
            names.taken: picture.taken,
        }

    def _named(self, paths: Iterable[str]) -> dict[str, object]:
        """Where a picture lies, as properties."""
        ordered = [shown(path) for path in sorted(paths, key=key_of)]
        return {self._names.path: next(iter(ordered), None), self._names.copies: ordered[1:]}


def _told_of(entry: Entry) -> dict[str, object]:
    """What a file is, as properties."""
    return {
        "key": key_of(entry.path),
        "size": entry.stamp.size,
        "mtime_ns": entry.stamp.mtime_ns,
        "skip": str(entry.skip.kind) if entry.skip else None,
        "reason": entry.skip.reason if entry.skip else None,
    }


def _kept(embedding: Vector) -> Numbers:
    """An embedding as it is kept: of float16 precision."""
    return Numbers.of(embedding.astype(np.float16))
