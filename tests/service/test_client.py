"""What `lookgraph.Client` gives is what `lookgraph.Library` gives."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import needs_module

for needed in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
    needs_module(needed)

from PIL import Image  # noqa: E402

from lookgraph import Client, Library, Selection  # noqa: E402
from lookgraph.errors import (  # noqa: E402
    GraphNotFoundError,
    LibraryFormatError,
    PictureError,
    ServerError,
    UsageError,
)
from lookgraph.types import Hit  # noqa: E402
from tests.e2e.commands import fill, lookgraph, spread  # noqa: E402
from tests.service.running import Running, serving  # noqa: E402


@pytest.fixture(scope="module")
def shelf(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fill(tmp_path_factory.mktemp("asked") / "shelf", spread(photographs, 40))
    lookgraph("index", folder)
    lookgraph("graph", "build", "--neighbours", "4", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def service(shelf: Path) -> Iterator[Running]:
    with serving(shelf, "--originals") as running:
        yield running


@pytest.fixture
def client(service: Running) -> Iterator[Client]:
    with Client(service.url) as client:
        yield client


@pytest.fixture
def library(shelf: Path) -> Iterator[Library]:
    with Library.open(shelf) as library:
        yield library


def here(hits: Sequence[Hit]) -> list[Hit]:
    """Hits without where their files are, which a client cannot know."""
    return [replace(hit, file="") for hit in hits]


def id_at(library: Library, place: int) -> str:
    picture = library.pictures(most=1000)[place].picture
    assert picture
    return picture.id


def test_searches(client: Client, library: Library, shelf: Path) -> None:
    one, other, away = (id_at(library, place) for place in (3, 9, 20))
    for asked, wishes in (
        ((one,), {"k": 5}),
        ((one,), {"k": 5, "rank": "cosine", "recall": 1.0}),
        ((one, other), {"without": away, "k": 3}),
        ((one,), {"among": Selection(min_side=500), "k": 4}),
    ):
        expected = library.search(*asked, **wishes)
        found = client.search(*asked, **wishes)
        assert here(found) == here(expected)
        assert (found.space, found.ranked_by, found.k) == (
            expected.space, expected.ranked_by, expected.k,
        )  # fmt: skip
        assert found.question.pictures[0].id == one
    over = client.search_over(one, score=0.5)
    assert here(over) == here(library.search_over(one, score=0.5))
    with Client(client.search(one)[0].file.partition("/v1/")[0]) as again:
        assert again.search(one)[0].id == one


def test_pictures_in_any_form(
    client: Client, library: Library, photographs: Path, tmp_path: Path
) -> None:
    file = tmp_path / "asked.png"
    image = Image.open(sorted(photographs.rglob("*.jpg"))[501]).rotate(5)
    image.save(file)
    expected = library.search(file, k=4)
    for picture in (file, str(file), file.read_bytes(), image, np.asarray(image)):
        found = client.search(picture, k=4)
        assert [hit.id for hit in found] == [hit.id for hit in expected]
        assert [hit.score for hit in found] == pytest.approx(
            [hit.score for hit in expected], abs=1e-3
        )


def test_the_graph(client: Client, library: Library) -> None:
    one, other = id_at(library, 0), id_at(library, 30)
    around, expected = client.graph().around(one, depth=1), library.graph().around(one, depth=1)
    assert here(around.pictures) == here(expected.pictures)
    assert (around.depths, around.edges) == (expected.depths, expected.edges)
    way, chain = client.graph().path(one, other), library.graph().path(one, other)
    assert type(way) is type(chain)
    assert here(list(way)) == here(list(chain))  # type: ignore[arg-type]
    groups, listed = client.graph().groups(0.5), library.graph().groups(0.5)
    assert [here(group.pictures) for group in groups] == [here(group.pictures) for group in listed]
    assert (groups.threshold, groups.others) == (listed.threshold, listed.others)


def test_files_and_thumbnails(client: Client, library: Library) -> None:
    first = client.pictures(most=25)
    assert first + client.pictures(after=first[-1].path) == library.pictures(most=1000)
    id_ = id_at(library, 5)
    assert client.thumbnail(id_, 160) == library.thumbnail(id_, 160)
    assert client.thumbnail("f" * 64) is None


def test_verdicts(client: Client, library: Library, shelf: Path) -> None:
    one, other = shelf / library.pictures(most=50)[1].path, id_at(library, 40 - 1)
    said = client.different(one, other)
    assert client.verdicts() == (said,) == tuple(its.verdict for its in library.verdicts())
    assert client.withdraw(other, one.read_bytes()) == said
    assert client.verdicts() == ()


def test_duplicates(client: Client, library: Library, shelf: Path) -> None:
    wanted, least = ["same", "alike"], 0.6
    found = client.duplicates(tiers=wanted, threshold=least)
    expected = library.duplicates(tiers=wanted, threshold=least)
    assert len(found) > 1
    assert replace(found, took_ms=0) == replace(expected, took_ms=0)
    (shelf / "link.jpg").symlink_to(library.pictures(most=1)[0].path)
    try:
        lookgraph("index", shelf)
        (group,) = client.duplicates(tiers=["identical"])
        assert (group.tier, group.others[0].copy.is_link) == ("identical", True)
        assert group.others[0].copy.path == "link.jpg"
    finally:
        (shelf / "link.jpg").unlink()
        lookgraph("index", shelf)
    with pytest.raises(UsageError, match="no tier"):
        client.duplicates(tiers=["more or less"])


def test_errors_are_the_librarys(client: Client, service: Running, tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="nor the id"):
        client.search("f" * 64)
    with pytest.raises(PictureError):
        client.search(b"no picture")
    with pytest.raises(PictureError, match="cannot be read"):
        client.search(tmp_path / "nothing.jpg")
    with pytest.raises(LibraryFormatError):
        client.search("0" * 64, model="resnet50")
    with pytest.raises(UsageError, match="at most"):
        client.search("0" * 64, k=10**6)
    with pytest.raises(UsageError, match="is no address"):
        Client("127.0.0.1:8765")
    with (
        Client("http://127.0.0.1:9") as nobody,
        pytest.raises(ServerError, match="lookgraph serve"),
    ):
        nobody.verdicts()


def test_indexing_and_a_library_without_a_graph(photographs: Path, tmp_path: Path) -> None:
    chosen = spread(photographs, 12)
    shelf = fill(tmp_path / "shelf", chosen[:4])
    lookgraph("index", shelf)
    env = {"LOOKGRAPH_TOKEN": "secret"}
    with serving(shelf, env=env) as service, Client(service.url, "secret") as client:
        for file in chosen[4:]:
            shutil.copy(file, shelf)
        told: list[tuple[int, int]] = []
        report = client.index(progress=lambda done, total: told.append((done, total)))
        assert report.embedded == 8
        assert told[-1] == (8, 8)
        assert len(client.pictures()) == 12
        with pytest.raises(GraphNotFoundError, match="graph build"):
            client.graph().groups()
        with Client(service.url, "wrong") as stranger, pytest.raises(UsageError, match="token"):
            stranger.verdicts()
