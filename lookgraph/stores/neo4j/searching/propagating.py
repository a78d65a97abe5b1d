"""Rank scores by the relations that are in the database.

Of each picture the ten best relations speak, of either direction and whoever has made them. How
near these are to the query is compared by the server. The embeddings themselves are only read where
a norm is not known: where the picture has none, or somebody speaks or is silent who did not when it
was computed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lookgraph.ranking.judged import Judged
from lookgraph.ranking.propagation import NEIGHBOURS
from lookgraph.ranking.speakers import Speakers, lengths, sums, weights_of
from lookgraph.stores.neo4j.client.server import Server
from lookgraph.stores.neo4j.searching.looking import Look
from lookgraph.stores.neo4j.searching.ways import exact_way
from lookgraph.types import Array, Integers, Neighbour, Vector


@dataclass(frozen=True, slots=True)
class Propagation:
    """What it takes to rank pictures for one query, as `lookgraph.ranking.propagation` does.

    Attributes:
        look: at the query.
        server: what compares.
        judged: what people have said.
        itself: the row that is the query, where it is one.
        known: embeddings that have been read; more are put into it.
    """

    look: Look
    server: Server
    judged: Judged
    itself: int | None
    known: dict[int, Array]

    def scores(self, nearest: list[Neighbour], rows: Integers) -> Array:
        """The rank scores of some rows, shape (len(rows),).

        Args:
            nearest: what is nearest to the query and speaks for it.
            rows: at least one.
        """
        speakers, whole, is_known = self._as_stored(rows)
        changed = ~is_known & (speakers.weights > 0).any(axis=1)
        if self.judged:
            speakers, of_said = speakers.as_said(rows, self.judged)
            changed |= of_said
        if self.itself is not None:
            speakers, spoke = speakers.without(self.itself)
            changed |= spoke
        if changed.any():
            its = Speakers(speakers.numbers[changed], speakers.weights[changed])
            whole[changed] = self._lengths(rows[changed], its)
        heard = np.where(speakers.weights > 0, speakers.numbers, -1)
        wanted, places = np.unique(np.concatenate([rows, heard.reshape(-1)]), return_inverse=True)
        near = self._near(self._expanded(nearest), wanted)[places.reshape(-1)]
        own, others = near[: len(rows)], near[len(rows) :].reshape(heard.shape)
        total = own + (speakers.weights * others).sum(axis=1)
        return np.asarray(total / np.maximum(whole, np.finfo(np.float32).tiny))

    def embeddings(self, rows: Iterable[int]) -> dict[int, Array]:
        """The embeddings of some rows, each read once; those that are gone are left out."""
        wanted = list(rows)
        lacking = [row for row in wanted if row not in self.known]
        if lacking:
            self.known.update(self.look.embeddings(lacking))
        return {row: self.known[row] for row in wanted if row in self.known}

    def _as_stored(self, rows: Integers) -> tuple[Speakers, Array, Array]:
        """Who speaks for each row, its length together with them, and whether that is known."""
        names, stored = self.look.names, self.look.stored
        found = self.look.read(
            f"UNWIND $rows AS row MATCH (n:`{names.own()}` {{row: row}})"
            f" RETURN row, n.`{stored.norm}` AS norm, COLLECT {{"
            f" MATCH (n)-[r:`{stored.relation}`]-(m:`{names.own()}`)"
            f" WITH m.row AS other, max(toFloatOrNull(r.`{names.score}`)) AS score,"
            " size([made IN collect(r.made) WHERE made = true]) > 0 AS made"
            " WHERE score = score AND other <> n.row"  # neither null nor NaN
            " RETURN [other, score, made] ORDER BY score DESC, other LIMIT $most"
            " } AS speakers",
            rows=rows,
            most=NEIGHBOURS,
        )
        told = {one["row"]: one for one in found}
        numbers = np.full((len(rows), NEIGHBOURS), -1)
        scores = np.zeros(numbers.shape, np.float32)
        whole, is_known = np.ones(len(rows), np.float32), np.zeros(len(rows), np.bool_)
        for place, row in enumerate(rows.tolist()):
            if row not in told:
                continue
            speakers = told[row]["speakers"]
            norm = told[row]["norm"]
            numbers[place, : len(speakers)] = [other for other, _, _ in speakers]
            scores[place, : len(speakers)] = [min(score, 1.0) for _, score, _ in speakers]
            if norm and all(made for _, _, made in speakers):
                whole[place], is_known[place] = norm, True
        return Speakers(numbers, weights_of(scores)), whole, is_known

    def _lengths(self, rows: Integers, speakers: Speakers) -> Vector:
        """The length of each row together with those that speak for it, from the embeddings."""
        heard = np.where(speakers.weights > 0, speakers.numbers, rows[:, np.newaxis])
        wanted, places = np.unique(np.concatenate([rows, heard.reshape(-1)]), return_inverse=True)
        places = places.reshape(-1)
        numbers = places[len(rows) :].reshape(heard.shape)
        its = Speakers(numbers, speakers.weights)
        return lengths(self._matrix(wanted), places[: len(rows)], its)

    def _matrix(self, rows: Integers) -> Array:
        """The embeddings of some rows, float16, shape (len(rows), d); zeros where one is gone."""
        found = self.embeddings(rows.tolist())
        matrix = np.zeros((len(rows), len(self.look.query)), np.float16)
        for place, row in enumerate(rows.tolist()):
            if row in found:
                matrix[place] = found[row]
        return matrix

    def _expanded(self, nearest: list[Neighbour]) -> Vector:
        """The query together with those that speak for it, of length 1."""
        numbers = np.array([[one.row for one in nearest]], np.int64)
        speakers = Speakers(numbers, weights_of(np.array([[one.score for one in nearest]])))
        asking = np.array([-1 if self.itself is None else self.itself])
        if self.judged:
            speakers, _ = speakers.as_said(asking, self.judged)
        if self.itself is not None:
            speakers, _ = speakers.without(self.itself)
        heard = np.flatnonzero(speakers.weights[0] > 0)
        rows = self._matrix(speakers.numbers[0, heard])
        places = Speakers(np.arange(len(heard))[np.newaxis], speakers.weights[:, heard])
        query = self.look.query
        whole = query / np.linalg.norm(query) + sums(rows, places)[0]
        return np.asarray(whole / np.linalg.norm(whole), np.float32)

    def _near(self, query: Vector, rows: Integers) -> Array:
        """The cosines of some rows to a query, shape (len(rows),); 0 where one is gone."""
        found = {row: float(its @ query) for row, its in self.known.items()}
        lacking = np.array([row for row in rows.tolist() if row >= 0 and row not in found])
        near = exact_way(self.server, self.look.stored).near
        if len(lacking) and near is None:
            self.embeddings(lacking.tolist())
            return self._near(query, rows)
        if len(lacking):
            told = self.look.read(
                f"MATCH (n:`{self.look.names.own()}`) WHERE n.row IN $rows"
                f" AND n.`{self.look.stored.property}` IS NOT NULL"
                f" RETURN n.row AS row, 2 * {near} - 1 AS near",
                rows=lacking,
                query=query.astype(np.float64),
            )
            found |= {row: cosine for row, cosine in told if cosine is not None}
        return np.array([found.get(row, 0.0) for row in rows.tolist()])
