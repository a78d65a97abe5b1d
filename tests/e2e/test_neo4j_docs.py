"""The page about Neo4j: its statements against oracles, and its commands, in a real database.

Oracles know the pictures' paths and embeddings, and compute all else in NumPy and NetworkX.
"""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest

from lookgraph import Library, catalogue
from lookgraph.types import Array
from tests.conftest import PROJECT, needs_module
from tests.e2e.commands import Done, lookgraph
from tests.neo4j_server import Neo4jServer

if TYPE_CHECKING:
    from tests.neo4j_server.database import Neo4jDatabase

pytestmark = pytest.mark.slow

PAGE = (PROJECT / "docs" / "neo4j.md").read_text(encoding="utf-8")
ADDRESS = "neo4j://neo4j@localhost/neo4j"
"""What stands for an address on the page."""

STEP, COUNT, NEIGHBOURS = 6, 60, 3
CYPHER = re.findall(r"^```cypher\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

Rows: TypeAlias = list[dict[str, Any]]


@dataclass(frozen=True)
class World:
    """A library in a database, as the oracles know it.

    Attributes:
        database: where it is.
        folder: of its pictures.
        paths: of the pictures, in the order in which they were stored.
        rows: their embeddings, as they were stored, float64, shape (n, d).
        groups: the paths in each that `lookgraph groups` told.
    """

    database: "Neo4jDatabase"
    folder: Path
    paths: list[str]
    rows: Array
    groups: list[list[str]]

    def run(self, cypher: str, **values: object) -> Rows:
        return [record.data() for record in self.database.run(cypher, **values)]

    @property
    def cosines(self) -> Array:
        rows = self.rows / np.linalg.norm(self.rows, axis=1, keepdims=True)
        return np.asarray(rows @ rows.T)

    @property
    def scores(self) -> dict[tuple[str, str], float]:
        """Of the pairs of which one is among the nearest of the other, in both orders."""
        cosines = self.cosines
        np.fill_diagonal(cosines, -np.inf)
        found = {}
        for i, near in enumerate(np.argsort(-cosines, axis=1)[:, :NEIGHBOURS].tolist()):
            for j in near:
                score = float(np.float32(cosines[i, j]))
                found[self.paths[i], self.paths[j]] = found[self.paths[j], self.paths[i]] = score
        return found

    def likeness(self, query: Array) -> Array:
        """Of all pictures to a query."""
        rows = self.rows / np.linalg.norm(self.rows, axis=1, keepdims=True)
        return np.asarray(rows @ query / np.linalg.norm(query))


def product(path: str) -> str:
    return path.partition("/")[0]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawings in folders by product, of which some are much alike. Not to be changed."""
    folder = tmp_path_factory.mktemp("docs") / "photos"
    for number, (name, image) in enumerate(catalogue.pictures()):
        if number % STEP == 0:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            image.save(folder / name)
    return folder


@pytest.fixture(scope="module")
def world(
    neo4j_server: Neo4jServer, photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """These pictures in a database, with a graph of the nearest few."""
    from lookgraph.stores.neo4j import Neo4jStore
    from tests.neo4j_server.database import emptied

    folder = Path(shutil.copytree(photos, tmp_path_factory.mktemp("world") / "photos"))
    with emptied(neo4j_server) as database:
        library = Library.open(folder, at=database.address, password=database.password)
        library.index(index="hnsw")
        library.graph().build(neighbours=NEIGHBOURS)
        found = list(library.store.embedded(library.space()))
        paths = [one.entries[0].path for one in found]
        rows = np.stack([one.embedding for one in found]).astype(np.float64)
        told = as_lookgraph(database, "groups", "--threshold", "0.8", "--write", "--json",
                            "--library", database.address).json["groups"]  # fmt: skip
        groups = [[hit["path"] for hit in group["pictures"]] for group in told]
        assert isinstance(library.store, Neo4jStore)
        library.store.connection.close()
        yield World(database, folder, paths, rows, groups)


def as_lookgraph(database: "Neo4jDatabase", *arguments: str | Path, **wishes: Any) -> Done:
    """Run the command with the database's password."""
    return lookgraph(*arguments, env={"LOOKGRAPH_NEO4J_PASSWORD": database.password}, **wishes)


Check: TypeAlias = Callable[[World, str], None]
CHECKS: dict[str, Check] = {}
"""By a part of a statement that no other has: what it must answer."""


def answers(part: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        CHECKS[part] = check
        return check

    return keep


def test_every_statement_of_the_page_has_an_oracle() -> None:
    assert len(CYPHER) == len(CHECKS) >= 12
    for part in CHECKS:
        assert sum(part in cypher for cypher in CYPHER) == 1, part
    for cypher in CYPHER:
        assert sum(part in cypher for part in CHECKS) == 1, cypher


@pytest.mark.parametrize("cypher", CYPHER)
def test_a_statement_answers_what_the_oracle_does(world: World, cypher: str) -> None:
    (check,) = (check for part, check in CHECKS.items() if part in cypher)
    check(world, cypher)


def assert_scores(told: list[float], wanted: list[float], atol: float = 1e-12) -> None:
    np.testing.assert_allclose(told, wanted, rtol=0, atol=atol)


def best_first(found: dict[str, float], most: int = 10) -> dict[str, float]:
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return dict(ordered[:most])


# The recipe's


@answers("ORDER BY similarity DESC\nLIMIT $top_k\nRETURN a.id AS image_id, a.embeddings AS "
         "embeddings, a.path as image_path, similarity;")  # fmt: skip
def recipe_top(world: World, cypher: str) -> None:
    found = world.run(cypher.rstrip().rstrip(";"), query_embeddings=world.rows[5].tolist(), top_k=7)
    order = np.argsort(-world.cosines[5])[:7]
    assert [one["image_path"] for one in found] == [world.paths[i] for i in order]
    assert_scores([one["similarity"] for one in found], list(world.cosines[5][order]), 1e-6)
    np.testing.assert_allclose(found[0]["embeddings"], world.rows[5], rtol=0, atol=1e-7)


@answers("CREATE (n1)-[:SIMILAR_TO {score: similarity}]->(n2)")
def recipe_pairs(world: World, cypher: str) -> None:
    """What it would make is looked at, and taken back."""
    with (
        world.database.driver.session(database="neo4j") as session,
        session.begin_transaction() as transaction,
    ):
        transaction.run(cypher.rstrip().rstrip(";")).consume()
        found = transaction.run(
            "MATCH (a)-[r:SIMILAR_TO]->(b) WHERE r.made IS NULL RETURN a.path, b.path, r.score"
        ).values()
        transaction.rollback()
    first, second = np.nonzero(np.triu(world.cosines, 1) > 0.8)
    wanted = {
        frozenset((world.paths[i], world.paths[j])): world.cosines[i, j]
        for i, j in zip(first, second, strict=True)
    }
    told = {frozenset((one, other)): score for one, other, score in found}
    assert len(found) == len(told) == len(wanted) > 0
    assert told.keys() == wanted.keys()
    assert_scores([told[pair] for pair in wanted], list(wanted.values()), 1e-6)


@answers("similarity, r;")
def recipe_relations(world: World, cypher: str) -> None:
    found = world.run(cypher.rstrip().rstrip(";"), query_embeddings=world.rows[5].tolist(), top_k=9)
    order = {path: place for place, path in enumerate(world.paths)}
    likeness = dict(zip(world.paths, world.cosines[5].tolist(), strict=True))
    of_each = [likeness[one] for one, other in world.scores if order[one] < order[other]]
    assert_scores([one["similarity"] for one in found], sorted(of_each, reverse=True)[:9], 1e-6)
    for one in found:
        assert_scores([one["similarity"]], [likeness[one["image_path"]]], 1e-6)
        assert one["r"][1] == "SIMILAR_TO"


# Worth asking


@answers("MATCH (:Image {path: $path})-[r:SIMILAR_TO]-(other:Image)")
def like_this(world: World, cypher: str) -> None:
    for path in world.paths[::7]:
        found = {one["path"]: one["score"] for one in world.run(cypher, path=path)}
        wanted = {other: score for (one, other), score in world.scores.items() if one == path}
        assert list(found.items()) == list(best_first(wanted).items())


@answers("shortestPath((a)-[:SIMILAR_TO*]-(b))")
def ways(world: World, cypher: str) -> None:
    networkx = needs_module("networkx")
    graph = networkx.Graph()
    graph.add_nodes_from(world.paths)
    graph.add_edges_from(pair for pair, score in world.scores.items() if score >= 0.6)
    lengths = []
    pairs = [(i, j) for i in range(0, COUNT, 4) for j in range(i + 1, min(i + 6, COUNT))]
    for source, target in [(world.paths[i], world.paths[j]) for i, j in pairs]:
        found = world.run(cypher, **{"from": source, "to": target})
        if not networkx.has_path(graph, source, target):
            assert found == []
            continue
        (way,) = found
        assert (way["paths"][0], way["paths"][-1]) == (source, target)
        assert len(way["paths"]) == 1 + networkx.shortest_path_length(graph, source, target)
        steps = list(zip(way["paths"], way["paths"][1:], strict=False))
        assert [world.scores[step] for step in steps] == way["scores"]
        lengths.append(len(steps))
    assert 0 < len(lengths) < len(pairs)
    assert max(lengths) > 1


@answers("WHERE NOT EXISTS { (i)-[r:SIMILAR_TO]-(:Image) WHERE r.score >= 0.7 }")
def loners(world: World, cypher: str) -> None:
    linked = {one for (one, _), score in world.scores.items() if score >= 0.7}
    found = [one["path"] for one in world.run(cypher)]
    assert found == sorted(set(world.paths) - linked)
    assert 0 < len(found) < COUNT


@answers("COUNT { (i)-[:SIMILAR_TO]-(:Image) } AS others")
def hubs(world: World, cypher: str) -> None:
    degree = Counter(one for one, _ in world.scores)
    found = {one["path"]: one["others"] for one in world.run(cypher)}
    assert list(found.items()) == list(best_first(dict(degree)).items())


@answers("a.path STARTS WITH $one AND b.path STARTS WITH $other")
def shared(world: World, cypher: str) -> None:
    names = sorted({product(path) for path in world.paths})
    total = 0
    for one in names:
        for other in names:
            if one == other:
                continue
            found = world.run(cypher, one=f"{one}/", other=f"{other}/")
            wanted = {
                pair: score
                for pair, score in world.scores.items()
                if (product(pair[0]), product(pair[1])) == (one, other) and score >= 0.75
            }
            told = {(line["first"], line["second"]): line["score"] for line in found}
            assert len(found) == len(told)
            assert told == wanted
            total += len(wanted)
    assert total


# Products and customers


@answers("MERGE (p)-[:SHOWN_IN]->(i)")
def products(world: World, cypher: str) -> None:
    world.run(cypher)
    world.run(cypher)  # and no more of them
    found = world.run("MATCH (p:Product)-[:SHOWN_IN]->(i:Image) RETURN p.name, i.path")
    assert sorted((one["p.name"], one["i.path"]) for one in found) == sorted(
        (product(path), path) for path in world.paths
    )
    assert len(world.run("MATCH (p:Product) RETURN p")) == len(set(map(product, world.paths)))


@answers("count(r) AS relations, max(r.score) AS best")
def alike_products(world: World, cypher: str) -> None:
    pairs: dict[tuple[str, str], list[float]] = {}
    for (one, other), score in world.scores.items():
        if product(one) < product(other):
            pairs.setdefault((product(one), product(other)), []).append(score)
    wanted = sorted((-len(its), -max(its), *names) for names, its in pairs.items())
    found = world.run(cypher)
    assert [
        (-one["relations"], -one["best"], one["product"], one["other"]) for one in found
    ] == wanted[:10]
    assert found


@answers("i.group AS number, p.name AS product, count(*) AS pictures")
def products_in_groups(world: World, cypher: str) -> None:
    found = world.run(cypher)
    assert len(found) == len(world.groups) > 1
    assert sum(len(group) for group in world.groups) < COUNT
    for number, (told, group) in enumerate(zip(found, world.groups, strict=True)):
        counted = Counter(map(product, group))
        assert told["number"] == number
        assert told["products"] == list(best_first(dict(counted), COUNT))
        assert told["pictures"] == len(group)


@answers("-[:LIKES]->(:Image)-[r:SIMILAR_TO]-(other:Image)")
def favourites(world: World, cypher: str) -> None:
    liked = set(world.paths[10:18])
    world.run(
        "MERGE (c:Customer {name: 'Ada'}) WITH c MATCH (i:Image) WHERE i.path IN $liked"
        " MERGE (c)-[:LIKES]->(i)",
        liked=sorted(liked),
    )
    wanted: dict[str, list[float]] = {}
    for (one, other), score in world.scores.items():
        if one in liked and other not in liked:
            wanted.setdefault(other, []).append(score)
    found = world.run(cypher, customer="Ada")
    order = best_first({path: sum(scores) for path, scores in wanted.items()})
    assert [one["path"] for one in found] == list(order)
    assert [one["liked"] for one in found] == [len(wanted[path]) for path in order]
    assert_scores([one["score"] for one in found], list(order.values()))
    assert world.run(cypher, customer="Bob") == []


def best_products(world: World, likeness: Array, k: int) -> dict[str, float]:
    best: dict[str, float] = {}
    for path, score in zip(world.paths, likeness.tolist(), strict=True):
        best[product(path)] = max(best.get(product(path), -1.0), score)
    return best_first(best, k)


@answers("max(vector.similarity.cosine(i.embeddings, $query)) AS near")
def products_like(world: World, cypher: str) -> None:
    file = world.folder.parent / "products.cypher"
    file.write_text(cypher)
    done = as_lookgraph(
        world.database, "search", world.folder / world.paths[21], "--cypher", file, "-k", "4",
        "--json", "--library", world.database.address,
    )  # fmt: skip
    wanted = best_products(world, world.cosines[21], 4)
    rows = done.json["rows"]
    assert [one["product"] for one in rows] == list(wanted)
    # The picture is embedded anew, and was stored in half precision.
    assert_scores([one["score"] for one in rows], list(wanted.values()), 1e-3)


@answers("CALL db.index.vector.queryNodes('lookgraph_Image_embeddings'")
def products_like_by_index(world: World, cypher: str) -> None:
    query = world.rows[21]
    found = world.run(cypher, query=query.tolist(), k=4)
    # Of 60 pictures, 40 are named: the best four products are among them.
    wanted = best_products(world, world.likeness(query), 4)
    assert [one["product"] for one in found] == list(wanted)
    assert_scores([one["score"] for one in found], list(wanted.values()), 1e-5)


# Commands

FENCED = [
    line
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    if not language
    for line in block.splitlines()
]
TABLE = [
    command
    for line in PAGE.splitlines()
    if line.startswith("|")
    for command in re.findall(r"`(lookgraph [^`]*)`", line)
]
SPOKEN = [
    command
    for line in re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL).splitlines()
    if not line.startswith("|")
    for command in re.findall(r"`(lookgraph [^`]*)`", line)
]
"""In the text: some are whole commands, with an address, and others only name one."""

OTHERS = ("export NEO4J_PASSWORD=…", "docker compose up --wait")
"""What is none of our commands."""


def test_all_that_is_typed_is_known() -> None:
    assert [line for line in FENCED if not line.startswith("lookgraph ")] == list(OTHERS)
    assert len(TABLE) >= 8


def test_every_command_of_the_page_runs(
    neo4j_database: "Neo4jDatabase", photos: Path, tmp_path: Path
) -> None:
    place = Place(neo4j_database, Path(shutil.copytree(photos, tmp_path / "photos")))
    place.prepare()
    in_store = [one for one in TABLE if "import" not in one]
    for command in [*in_store, *FENCED, *(one for one in SPOKEN if ADDRESS in one)]:
        if command not in OTHERS:
            place.run(command)
    # What is left: a store and a mirror of the same pictures, each with its graph.
    (counts,) = neo4j_database.run(
        "RETURN COUNT { (:Image:LookgraphImage) } AS stored, COUNT { (:Mirrored) } AS mirrored,"
        " COUNT { (:Image)-[:SIMILAR_TO]->(:Image) } AS related,"
        " COUNT { (:Mirrored)-[:SIMILAR_TO]->(:Mirrored) } AS also,"
        " COUNT { (n:Image) WHERE n.community IS NOT NULL } AS divided"
    )
    assert (counts["stored"], counts["mirrored"]) == (COUNT, COUNT)
    assert min(counts["related"], counts["also"], counts["divided"]) > 0


def test_every_command_that_is_spoken_of_exists() -> None:
    for command in SPOKEN:
        if ADDRESS not in command:
            words = [word for word in command.split()[1:] if word.isalpha() and word.islower()]
            assert b"Usage" in lookgraph(*words, "--help").out


@dataclass(frozen=True)
class Place:
    """Where the page's commands are run, and what stands there for what they name."""

    database: "Neo4jDatabase"
    photos: Path

    def prepare(self) -> None:
        """A database that was filled by the recipe, a query, and a statement in a file."""
        here = self.photos.parent
        shutil.copytree(self.photos, here / "filled")
        shutil.copy(next(iter(sorted(self.photos.rglob("*.jpg")))), here / "dress.jpg")
        (statement,) = (one for one in CYPHER if "cosine(i.embeddings, $query)" in one)
        (here / "products.cypher").write_text(statement)
        generator = np.random.default_rng(0)
        for file in sorted(self.photos.rglob("*.jpg")):
            self.database.run(
                "CREATE (:Filled {path: $path, embeddings: $embeddings})",
                path=f"images/{file.relative_to(self.photos).as_posix()}",
                embeddings=generator.random(2048).tolist(),
            )

    def run(self, command: str) -> None:
        words = [self._meant(word, command) for word in command.split()[1:]]
        done = as_lookgraph(self.database, *words, cwd=self.photos.parent)
        assert self.database.password not in f"{done.err}{done.out!r}"

    def _meant(self, word: str, command: str) -> str:
        kind = command.split()[1]
        label = {"export": "?label=Mirrored", "import": "?label=Filled"}.get(kind, "")
        meant = {
            ADDRESS: self.database.address + label,
            "resnet50": "efficientnet-lite0",
            "photos": "filled" if kind == "import" else "photos",
        }
        return meant.get(word, word)
