"""Databases as people fill them by the recipe, read into libraries, against what they hold."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lookgraph import Library
from lookgraph.errors import ExchangeError, LibraryError, UsageError
from lookgraph.models.registry import find_model
from lookgraph.types import Array
from tests.conftest import needs_module
from tests.pictures import as_bytes, drawn, exif, save

needs_module("neo4j")

from lookgraph.exchange.recipe import Imported, read_recipe  # noqa: E402 - these load the driver
from lookgraph.stores.neo4j.client.address import parse  # noqa: E402
from lookgraph.stores.neo4j.client.connection import Connection  # noqa: E402
from lookgraph.stores.neo4j.recipe import Recipe  # noqa: E402

if TYPE_CHECKING:
    from tests.neo4j_server.database import Neo4jDatabase

COUNT = 12
LITE0 = "efficientnet-lite0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures, one of which lies on its side and has a date."""
    folder = tmp_path / "photos"
    for seed in range(COUNT - 1):
        save(drawn(seed), folder / "shop" / f"{seed}.png")
    save(drawn(99, 300, 200), folder / "dated.jpg", "JPEG", exif=exif(6, "2021:05:04 13:14:15"))
    return folder


def files_of(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.*g"))


def made_up(count: int, dimension: int = 2048, seed: int = 0) -> Array:
    """Embeddings in double precision, of any length, as a network gives them: not below 0."""
    return np.abs(np.random.default_rng(seed).standard_normal((count, dimension))) * 3


def create(database: "Neo4jDatabase", **properties: object) -> None:
    """A node, as the recipe makes it: one transaction each."""
    database.run("CREATE (n:Image) SET n = $properties", properties=properties)


def fill(database: "Neo4jDatabase", paths: list[str], embeddings: Array) -> None:
    for path, embedding in zip(paths, embeddings, strict=True):
        create(database, path=path, embeddings=embedding.tolist())


def read(
    database: "Neo4jDatabase",
    folder: Path,
    model: str | None = None,
    names: str = "",
    **wishes: Any,
) -> Imported:
    library = Library.open(folder)
    connection = Connection(parse(database.address + names), database.password)
    network = find_model(model) if model else None
    try:
        return read_recipe(library.store, Recipe(connection), library.root, network, **wishes)
    finally:
        connection.close()


def kept(folder: Path) -> dict[str, Array]:
    """The embedding of each file of a library."""
    library = Library.open(folder)
    found = library.store.embedded(library.space())
    return {entry.path: one.embedding for one in found for entry in one.entries}


def assert_kept(folder: Path, wanted: dict[str, Array]) -> None:
    """Of just these files, with the directions of these embeddings to half precision."""
    found = kept(folder)
    assert found.keys() == wanted.keys()
    for path, embedding in wanted.items():
        direction = embedding / np.linalg.norm(embedding)
        np.testing.assert_allclose(found[path], direction, rtol=1e-3, atol=1e-7)


def test_pictures_and_embeddings_become_a_library(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    paths, embeddings = files_of(folder), made_up(COUNT)
    fill(neo4j_database, paths, embeddings)
    neo4j_database.run("CREATE (:Product {path: 'shop/0.png', embeddings: [1.0, 2.0]}), (:Shop)")
    found = read(neo4j_database, folder)
    assert (found.space.model, found.space.dimension) == ("resnet50", 2048)
    assert (found.files, found.left_out, found.disagreeing) == (COUNT, (), 0)
    assert_kept(folder, dict(zip(paths, embeddings, strict=True)))


def test_files_are_known_as_indexing_knows_them_and_are_not_embedded_again(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    """The weights of ResNet50 are not even here, so that nothing could be embedded."""
    fill(neo4j_database, files_of(folder), made_up(COUNT))
    shutil.copytree(folder, indexed := folder.parent / "indexed")
    Library.open(indexed).index()
    read(neo4j_database, folder)
    for path in files_of(folder):
        entry = Library.open(folder).store.entry(path)
        assert entry
        assert entry.stamp.mtime_ns == (folder / path).stat().st_mtime_ns
        other = Library.open(indexed).store.entry(path)
        assert other
        assert entry.picture == other.picture
    report = Library.open(folder).index()
    assert (report.embedded, report.unchanged, report.recognised) == (0, COUNT, 0)


def test_searches_and_the_graph_work_at_once(neo4j_database: "Neo4jDatabase", folder: Path) -> None:
    paths, embeddings = files_of(folder), made_up(COUNT)
    fill(neo4j_database, paths, embeddings)
    read(neo4j_database, folder)
    directions = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    cosines = directions @ directions[3]
    library = Library.open(folder)
    hits = library.search(folder / paths[3], k=5, rank="cosine")
    assert [hit.path for hit in hits] == [paths[i] for i in np.argsort(-cosines)[:5]]
    np.testing.assert_allclose(
        [hit.score for hit in hits], np.sort(cosines)[::-1][:5], rtol=0, atol=1e-4
    )
    status = library.graph().build(neighbours=0, threshold=-1.0)
    assert status.edges == COUNT * (COUNT - 1) // 2


def test_what_is_of_no_use_is_left_out_with_the_reason_and_the_rest_goes_on(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    paths, embeddings = files_of(folder), made_up(COUNT)
    good = slice(0, 6)
    fill(neo4j_database, paths[good], embeddings[good])
    create(neo4j_database, path=paths[6])
    create(neo4j_database, path=paths[7], embeddings=made_up(1, 100)[0].tolist())
    create(neo4j_database, path=paths[8], embeddings=[0.0] * 2048)
    create(neo4j_database, path=paths[9], embeddings=[float("nan")] + [1.0] * 2047)
    create(neo4j_database, path=paths[10], embeddings=[float("inf")] + [1.0] * 2047)
    create(neo4j_database, path=paths[11], embeddings="0.1 0.2")
    create(neo4j_database, path="shop/gone.png", embeddings=embeddings[0].tolist())
    create(neo4j_database, path="../../etc/passwd", embeddings=embeddings[0].tolist())
    create(neo4j_database, path=12, embeddings=embeddings[0].tolist())
    create(neo4j_database, embeddings=embeddings[0].tolist())
    (folder / "broken.jpg").write_bytes(as_bytes(drawn(50), "JPEG")[:400])
    create(neo4j_database, path="broken.jpg", embeddings=embeddings[0].tolist())
    found = read(neo4j_database, folder)
    assert found.files == 6
    assert_kept(folder, dict(zip(paths[good], embeddings[good], strict=True)))
    reasons = {one.path: one.reason for one in found.left_out}
    assert len(found.left_out) == 11
    assert reasons[paths[6]] == reasons[paths[11]]
    assert "no embedding that is a list of numbers" in reasons[paths[6]]
    assert "100 numbers, and those of resnet50 have 2,048" in reasons[paths[7]]
    assert all("zero or not finite" in reasons[paths[i]] for i in (8, 9, 10))
    assert "no such file" in reasons["shop/gone.png"]
    assert "leads out of" in reasons["../../etc/passwd"]
    assert "decoded" in reasons["broken.jpg"]
    assert [one.reason for one in found.left_out if not one.path] == ["it has no path"] * 2


def test_paths_of_other_machines_are_followed_from_their_ends(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    paths, embeddings = files_of(folder), made_up(COUNT)
    kinds = ("images/{}", "/home/me/images/{}", "../images/{}", str(folder) + "/{}")
    told = [kinds[i % 4].format(path) for i, path in enumerate(paths)]
    told[5] = "C:\\images\\" + paths[5].replace("/", "\\")
    fill(neo4j_database, told, embeddings)
    found = read(neo4j_database, folder)
    assert (found.files, found.left_out) == (COUNT, ())
    assert_kept(folder, dict(zip(paths, embeddings, strict=True)))
    assert found.dropped["home/me/images"] == 2
    assert found.dropped["images"] == 7


def last_numbered(database: "Neo4jDatabase", path: str) -> Array:
    """Of the embeddings at a path that are not all zeros, that of the node with the highest number.

    Mostly the last that was made; but a server gives numbers of deleted nodes again.
    """
    found = database.run(
        "MATCH (n:Image {path: $path}) WHERE any(x IN n.embeddings WHERE x <> 0)"
        " RETURN elementId(n) AS key, n.embeddings AS embedding",
        path=path,
    )
    last = max(found, key=lambda one: int(one["key"].rpartition(":")[2]))
    return np.array(last["embedding"])


def test_of_nodes_with_one_path_the_later_embedding_is_taken_and_said(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    paths, embeddings = files_of(folder), made_up(COUNT)
    other = made_up(3, seed=1)
    fill(neo4j_database, paths[:1], other[:1])  # another one, before
    fill(neo4j_database, paths, embeddings)
    fill(neo4j_database, paths[1:2], embeddings[1:2].astype(np.float32))  # the same, rounded
    fill(neo4j_database, paths[2:3], other[2:])  # another one, after
    create(neo4j_database, path=paths[3], embeddings=[0.0] * 2048)  # none, after
    found = read(neo4j_database, folder)
    assert (found.files, found.disagreeing, found.left_out) == (COUNT, 2, ())
    assert_kept(folder, {path: last_numbered(neo4j_database, path) for path in paths})


def test_of_different_paths_that_may_mean_a_file_none_is_guessed(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    embeddings = made_up(3)
    fill(neo4j_database, ["x/dated.jpg", "y/dated.jpg", "x/shop/1.png"], embeddings)
    fill(neo4j_database, ["y/shop/1.png"], embeddings[2:])  # they agree: it does not matter
    found = read(neo4j_database, folder)
    assert_kept(folder, {"shop/1.png": embeddings[2]})
    assert [(one.path, one.reason.split(",")[0]) for one in found.left_out] == [
        ("dated.jpg", "several nodes with different paths may mean it")
    ]


def test_files_with_the_same_bytes_share_an_embedding(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    shutil.copy(folder / "dated.jpg", folder / "copy.jpg")
    fill(neo4j_database, ["copy.jpg", "dated.jpg"], made_up(2))
    assert read(neo4j_database, folder).files == 2
    assert_kept(folder, {"copy.jpg": made_up(2)[0], "dated.jpg": made_up(2)[0]})
    assert Library.open(folder).status().pictures == 1


def test_reading_again_changes_nothing_and_takes_what_is_new(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    paths, embeddings = files_of(folder), made_up(COUNT)
    fill(neo4j_database, paths[:5], embeddings[:5])
    read(neo4j_database, folder)
    fill(neo4j_database, paths[5:], embeddings[5:])
    neo4j_database.run(
        "MATCH (n:Image {path: $path}) SET n.embeddings = $other",
        path=paths[0], other=made_up(1, seed=5)[0].tolist(),
    )  # fmt: skip
    assert read(neo4j_database, folder).files == COUNT
    assert_kept(folder, dict(zip(paths, embeddings, strict=True)))  # what was there stays


def test_other_names_stand_in_the_address(neo4j_database: "Neo4jDatabase", folder: Path) -> None:
    paths, embeddings = files_of(folder), made_up(COUNT)
    for path, embedding in zip(paths, embeddings, strict=True):
        neo4j_database.run(
            "CREATE (:Photo {file: $path, vector: $vector})", path=path, vector=embedding.tolist()
        )
    assert read(neo4j_database, folder, names="?label=Photo&path=file&embeddings=vector").files
    assert_kept(folder, dict(zip(paths, embeddings, strict=True)))


def test_nothing_in_the_database_is_changed(neo4j_database: "Neo4jDatabase", folder: Path) -> None:
    fill(neo4j_database, files_of(folder), made_up(COUNT))
    everything = (
        "MATCH (n) RETURN elementId(n) AS id, labels(n) AS labels, properties(n) AS told"
        " ORDER BY id"
    )
    before = [one.data() for one in neo4j_database.run(everything)]
    read(neo4j_database, folder)
    assert [one.data() for one in neo4j_database.run(everything)] == before
    assert neo4j_database.run("SHOW INDEXES WHERE type <> 'LOOKUP'") == []


@pytest.mark.parametrize("vectors", ["none", "other"])
def test_a_database_without_such_nodes_is_a_clear_error(
    neo4j_database: "Neo4jDatabase", folder: Path, vectors: str
) -> None:
    if vectors == "other":
        create(neo4j_database, path="shop/1.png", vector=[1.0])
    with pytest.raises(ExchangeError, match=r"no nodes .*:Image .*embeddings, path.*"):
        read(neo4j_database, folder)
    assert not Library.open(folder).store.exists()


def test_a_folder_without_the_files_is_a_clear_error(
    neo4j_database: "Neo4jDatabase", folder: Path, tmp_path: Path
) -> None:
    fill(neo4j_database, files_of(folder)[:2], made_up(2))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ExchangeError, match="None of the 2 nodes has a path that leads to a file"):
        read(neo4j_database, tmp_path / "empty")
    assert not Library.open(tmp_path / "empty").store.exists()


@pytest.mark.parametrize(("dimension", "told"), [(1280, LITE0), (77, "name its ONNX file")])
def test_of_other_dimensions_the_network_must_be_said(
    neo4j_database: "Neo4jDatabase", folder: Path, dimension: int, told: str
) -> None:
    fill(neo4j_database, files_of(folder), made_up(COUNT, dimension))
    with pytest.raises(UsageError, match=f"have {dimension:,} numbers.*--model.*{told}"):
        read(neo4j_database, folder)


def test_of_4096_numbers_the_network_is_vgg16_and_the_numbers_stay(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    paths, embeddings = files_of(folder)[:3], made_up(3, 4096)
    fill(neo4j_database, paths, embeddings)
    assert read(neo4j_database, folder).space.name.endswith("-l2")
    for path, embedding in zip(paths, embeddings, strict=True):
        np.testing.assert_allclose(kept(folder)[path], embedding, rtol=1e-3, atol=1e-7)


def test_embeddings_are_checked_where_the_network_is_here(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    shutil.copytree(folder, indexed := folder.parent / "indexed")
    Library.open(indexed).index()
    real = kept(indexed)
    fill(neo4j_database, list(real), np.stack(list(real.values())) * 7.5)
    found = read(neo4j_database, folder, LITE0)
    assert (found.is_checked, found.files) == (True, COUNT)
    assert_kept(folder, real)
    assert read(neo4j_database, folder, LITE0, unchecked=True).is_checked is False


def test_embeddings_of_another_network_are_refused_unless_one_insists(
    neo4j_database: "Neo4jDatabase", folder: Path
) -> None:
    paths, embeddings = files_of(folder), made_up(COUNT, 1280)
    fill(neo4j_database, paths, embeddings)
    with pytest.raises(ExchangeError, match=r"not those of efficientnet-lite0.*--unchecked"):
        read(neo4j_database, folder, LITE0)
    assert not Library.open(folder).store.exists()
    assert read(neo4j_database, folder, LITE0, unchecked=True).files == COUNT
    assert_kept(folder, dict(zip(paths, embeddings, strict=True)))


def test_a_wrong_password_is_a_clear_error(neo4j_database: "Neo4jDatabase", folder: Path) -> None:
    connection = Connection(parse(neo4j_database.address), "wrong")
    with pytest.raises(LibraryError, match="password"):
        read_recipe(Library.open(folder).store, Recipe(connection), folder, None)


@pytest.mark.slow
def test_a_restart_in_between_loses_nothing(neo4j_database: "Neo4jDatabase", folder: Path) -> None:
    """The pages are asked for again where the server was gone."""
    paths, embeddings = files_of(folder), made_up(COUNT)
    fill(neo4j_database, paths, embeddings)
    connection = Connection(parse(neo4j_database.address), neo4j_database.password)
    recipe = Recipe(connection)
    assert len(recipe.nodes()) == COUNT
    neo4j_database.server.restart()
    found = read_recipe(Library.open(folder).store, recipe, folder, None)
    connection.close()
    assert found.files == COUNT
    assert_kept(folder, dict(zip(paths, embeddings, strict=True)))
