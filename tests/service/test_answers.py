"""What the service answers is what the command line answers."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs_module

for needed in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
    needs_module(needed)

from PIL import Image  # noqa: E402

from lookgraph import Library  # noqa: E402
from tests.e2e.commands import fill, lookgraph, spread  # noqa: E402
from tests.service.running import Running, serving  # noqa: E402

ABSENT = "f" * 64


@pytest.fixture(scope="module")
def shelf(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 photographs with their graph, one of them twice."""
    folder = fill(tmp_path_factory.mktemp("served") / "shelf", spread(photographs, 60))
    first = sorted(folder.rglob("*.jpg"))[0]
    shutil.copy(first, folder / "copy.jpg")
    lookgraph("index", folder)
    lookgraph("graph", "build", "--neighbours", "5", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def service(shelf: Path) -> Iterator[Running]:
    with serving(shelf) as running:
        yield running


def told(service: Running, path: str, **asked: Any) -> Any:
    answer = service.get(f"/v1/{path}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(shelf: Path) -> list[str]:
    with Library.open(shelf) as library:
        return list(dict.fromkeys(e.picture.id for e in library.pictures(most=1000) if e.picture))


def without_file(hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hits as the command line has them, but for what only this machine may know."""
    shown = []
    for hit in hits:
        its = {"distance": None, "rank_score": None, **hit}
        its.pop("file")
        its["copies"] = list(its["copies"])
        shown.append(its)
    return shown


@pytest.mark.parametrize("rank", ["graph", "cosine"])
def test_look_alikes_of_a_picture_by_its_id(shelf: Path, service: Running, rank: str) -> None:
    id_ = ids(shelf)[7]
    expected = lookgraph("search", id_, "-k", "5", "--rank", rank, "--json", cwd=shelf).json
    found = told(service, "search", id=id_, k=5, rank=rank)
    assert found["hits"] == without_file(expected["hits"])
    assert (found["space"], found["rank"]) == (expected["space"], expected["rank"])


def test_look_alikes_of_a_picture_that_is_sent(
    shelf: Path, service: Running, photographs: Path, tmp_path: Path
) -> None:
    file = sorted(photographs.rglob("*.jpg"))[333]
    rotated = tmp_path / "asked.png"
    Image.open(file).rotate(7).save(rotated)
    expected = lookgraph("search", rotated, "--library", shelf, "-k", "4", "--json").json
    answer = service.post("/v1/search", params={"k": 4}, files=[("picture", rotated.read_bytes())])
    assert answer.status_code == 200, answer.text
    hits = answer.json()["hits"]
    assert [hit["id"] for hit in hits] == [hit["id"] for hit in expected["hits"]]
    assert [hit["score"] for hit in hits] == pytest.approx(
        [hit["score"] for hit in expected["hits"]], abs=1e-3
    )


def test_a_part_several_pictures_and_filters(shelf: Path, service: Running) -> None:
    one, other, away = ids(shelf)[3:6]
    options = ("--crop", "0,0,100,100", "--not", away, "--min-size", "150", "-k", "3", "--json")
    expected = lookgraph("search", one, other, *options, cwd=shelf).json
    found = told(
        service, "search", id=[one, other], without=away, crop="0,0,100,100", min_side=150, k=3
    )
    assert [hit["id"] for hit in found["hits"]] == [hit["id"] for hit in expected["hits"]]
    assert [hit["score"] for hit in found["hits"]] == pytest.approx(
        [hit["score"] for hit in expected["hits"]], abs=1e-4
    )
    over = told(service, "search", id=one, min_score=0.5)
    expected = lookgraph("search", one, "--min-score", "0.5", "--json", cwd=shelf).json
    assert over["hits"] == without_file(expected["hits"])


def test_pictures_a_page_at_a_time(shelf: Path, service: Running) -> None:
    seen: list[str] = []
    page = told(service, "images", limit=7)
    while page["next"]:
        assert len(page["files"]) == 7
        seen += [file["path"] for file in page["files"]]
        page = told(service, "images", limit=7, after=page["next"])
    seen += [file["path"] for file in page["files"]]
    files = [str(file.relative_to(shelf)) for file in shelf.rglob("*.jpg")]
    assert seen == sorted(files)
    folder = next(path for path in seen if "/" in path).rpartition("/")[0]
    below = told(service, "images", under=folder)["files"]
    assert [file["path"] for file in below] == [
        path for path in seen if path.startswith(folder + "/")
    ]


def test_what_is_known_of_a_picture_and_its_thumbnail(shelf: Path, service: Running) -> None:
    twice = next(
        file["id"] for file in told(service, "images")["files"] if file["path"] == "copy.jpg"
    )
    image = told(service, f"images/{twice}")
    assert len(image["paths"]) == 2
    answer = service.get(f"/v1/images/{twice}/thumbnail", params={"side": 160})
    assert answer.headers["content-type"] == "image/jpeg"
    small = Image.open(io.BytesIO(answer.content))
    assert max(small.size) == 160
    again = service.get(f"/v1/images/{twice}/thumbnail", params={"side": 160})
    assert again.content == answer.content
    assert (shelf / ".lookgraph" / "thumbnails" / "160" / twice[:2] / f"{twice}.jpg").exists()
    for path in (f"images/{ABSENT}", f"images/{ABSENT}/thumbnail"):
        assert service.get(f"/v1/{path}").status_code == 404
    assert service.get(f"/v1/images/{twice}/thumbnail", params={"side": 161}).status_code == 422
    assert service.get(f"/v1/images/{twice}/original").status_code == 403


def test_originals_are_given_out_where_that_was_allowed(shelf: Path) -> None:
    with serving(shelf, "--originals") as service:
        id_ = ids(shelf)[0]
        path = told(service, f"images/{id_}")["paths"][0]
        answer = service.get(f"/v1/images/{id_}/original")
        assert answer.content == (shelf / path).read_bytes()
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_graph_answers(shelf: Path, service: Running) -> None:
    first, *_, last = ids(shelf)
    around = told(service, f"images/{first}/neighbours", depth=1)
    expected = lookgraph("graph", "show", first, "--depth", "1", "--json", cwd=shelf).json
    assert [hit["id"] for hit in around["pictures"]] == [hit["id"] for hit in expected["pictures"]]
    way = told(service, "path", source=first, target=last)
    chain = lookgraph("path", first, last, "--json", cwd=shelf).json
    assert [hit["id"] for hit in way["steps"]] == [hit["id"] for hit in chain["steps"]]
    assert way["leads"]
    groups = told(service, "groups", threshold=0.6)
    listed = lookgraph("groups", "--threshold", "0.6", "--json", cwd=shelf).json
    assert [[hit["path"] for hit in group["pictures"]] for group in groups["groups"]] == [
        [hit["path"] for hit in group["pictures"]] for group in listed["groups"]
    ]
    assert (
        told(service, "groups", threshold=0.6, start=1, limit=1)["groups"]
        == (groups["groups"][1:2])
    )


def test_duplicates_and_verdicts(shelf: Path, service: Running) -> None:
    found = told(service, "duplicates")
    listed = lookgraph("duplicates", "--json", cwd=shelf).json
    assert found["groups"] == listed["groups"]
    one, other = sorted(ids(shelf)[10:12])
    said = service.request(
        "PUT", "/v1/verdicts", json={"first": one, "second": other, "kind": "different"}
    )
    assert said.status_code == 200, said.text
    assert told(service, "verdicts")["verdicts"] == [said.json()]
    assert service.request("DELETE", f"/v1/verdicts/{other}/{one}").json() == said.json()
    assert told(service, "verdicts")["verdicts"] == []
    assert service.request("DELETE", f"/v1/verdicts/{other}/{one}").status_code == 422


def test_indexing_from_there_tells_how_far_it_is(photographs: Path, tmp_path: Path) -> None:
    chosen = spread(photographs, 30)
    shelf = fill(tmp_path / "shelf", chosen[:5])
    lookgraph("index", shelf)
    with serving(shelf) as service:
        for place, file in enumerate(chosen[5:]):
            shutil.copy(file, shelf / f"more-{place}.jpg")
        started = service.post("/v1/jobs", json={})
        assert started.status_code == 202
        job = started.json()["id"]
        with service.client() as client, client.stream("GET", f"/v1/jobs/{job}/events") as stream:
            events = [line for line in stream.iter_lines() if line]
        last = json.loads(events[-1].removeprefix("data: "))
        assert events[-2] == "event: done"
        assert last["report"]["embedded"] == 25
        assert told(service, f"jobs/{job}") == last
        assert told(service, "status")["pictures"] == 30
        assert service.get(f"/v1/jobs/{'0' * 16}").status_code == 404


def test_how_the_service_is(service: Running, shelf: Path) -> None:
    assert told(service, "health") == {"status": "ok"}
    assert told(service, "ready") == {"status": "ok"}
    status = told(service, "status")
    assert (status["pictures"], status["files"]) == (60, 61)
    assert status["spaces"][0]["graph"]["pictures"] == 60
    told(service, "search", id=ids(shelf)[0])
    counted = service.get("/v1/metrics").text
    assert 'lookgraph_requests_total{route="/v1/search",status="200"}' in counted
