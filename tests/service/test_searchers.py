"""Searches in processes of their own: what they answer, and what becomes of them."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import pairwise
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs_module

for needed in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
    needs_module(needed)

from lookgraph import Library, Selection  # noqa: E402
from lookgraph.interfaces.rest.questions import Asked, answer, embedded  # noqa: E402
from lookgraph.interfaces.rest.searchers import Searchers  # noqa: E402
from lookgraph.interfaces.rest.shapes import Found  # noqa: E402
from tests.e2e.commands import lookgraph, until  # noqa: E402
from tests.pictures import as_bytes, drawn, save  # noqa: E402
from tests.service.running import serving  # noqa: E402

_PATIENCE_SECONDS = 30


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched") / "shelf"
    for seed in range(12):
        save(drawn(seed), folder / "in" / f"{seed}.png")
    lookgraph("index", folder)
    return folder


@pytest.fixture(scope="module")
def ids(shelf: Path) -> list[str]:
    with Library.open(shelf) as library:
        return [entry.picture.id for entry in library.pictures() if entry.picture]


def asked(
    *ids: str, without: tuple[str, ...] = (), least: float | None = None, k: int = 5
) -> Asked:
    return Asked(ids, (), without, None, k, least, None, "auto", 0.95, Selection())


def searching(
    shelf: Path, count: int, test: Callable[[Searchers], Coroutine[Any, Any, None]]
) -> None:
    """Run a test with processes that are ready."""

    async def run() -> None:
        searchers = Searchers(count, shelf / ".lookgraph")
        async with searchers.running():
            await ready(searchers)
            await test(searchers)

    asyncio.run(run())
    assert not processes()


async def ready(searchers: Searchers) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not searchers.ready:
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def processes() -> list[Any]:
    return [one for one in active_children() if one.name == "lookgraph-searcher"]


def test_they_answer_what_the_library_answers(shelf: Path, ids: list[str]) -> None:
    questions = [
        asked(ids[0]), asked(ids[1], ids[2], k=3), asked(ids[3], without=(ids[4],)),
        asked(ids[5], least=0.5),
    ]  # fmt: skip

    async def test(searchers: Searchers) -> None:
        with Library.open(shelf) as library:
            for question, told in zip(
                questions, await asyncio.gather(*map(searchers.answer, questions)), strict=True
            ):
                found = Found.model_validate_json(told)
                assert found.hits[0].id in (*question.ids, ids[0])
                right = Found.model_validate_json(answer(library, question))
                assert found.model_copy(update={"took_ms": right.took_ms}) == right

    searching(shelf, 2, test)


def test_they_answer_what_was_embedded_for_them(shelf: Path, ids: list[str]) -> None:
    bare = asked(without=(ids[4],), k=7)
    part = replace(asked(ids[3]), crop=(5, 5, 40, 40))
    sent = as_bytes(drawn(777), "PNG")

    async def test(searchers: Searchers) -> None:
        with Library.open(shelf) as library:
            for question, files in ((bare, (sent,)), (part, ()), (part, (sent, sent))):
                query = embedded(library, question, files)
                told = await searchers.answer(replace(question, query=query))
                found = Found.model_validate_json(told)
                right = Found.model_validate_json(answer(library, question, files))
                assert len(found.hits) == question.k
                assert found.model_copy(update={"took_ms": right.took_ms}) == right

    searching(shelf, 1, test)


def test_what_they_cannot_answer_is_left_to_who_asks(shelf: Path, ids: list[str]) -> None:
    async def test(searchers: Searchers) -> None:
        assert await searchers.answer(asked("f" * 64)) == b""
        assert await searchers.answer(asked(ids[0])) != b""

    searching(shelf, 1, test)

    async def before() -> None:
        assert await Searchers(1, shelf / ".lookgraph").answer(asked(ids[0])) == b""

    asyncio.run(before())


def test_one_that_is_killed_has_a_successor(shelf: Path, ids: list[str]) -> None:
    async def test(searchers: Searchers) -> None:
        (process,) = processes()
        os.kill(process.pid, signal.SIGSTOP)  # so that all three wait
        waiting = [asyncio.create_task(searchers.answer(asked(id_))) for id_ in ids[:3]]
        await asyncio.sleep(0.1)
        waiting[2].cancel()
        os.kill(process.pid, signal.SIGKILL)
        assert await asyncio.wait_for(asyncio.gather(*waiting[:2]), _PATIENCE_SECONDS) == [b"", b""]
        await ready(searchers)
        (successor,) = processes()
        assert successor.pid != process.pid
        assert await searchers.answer(asked(ids[0])) != b""

    searching(shelf, 1, test)


def test_who_gives_up_gets_nobody_elses_answer(shelf: Path, ids: list[str]) -> None:
    async def test(searchers: Searchers) -> None:
        for id_, other in pairwise(ids):
            late = asyncio.create_task(searchers.answer(asked(id_)))
            await asyncio.sleep(0)
            late.cancel()
            told = Found.model_validate_json(await searchers.answer(asked(other)))
            assert told.hits[0].id == other

    searching(shelf, 1, test)


def test_where_none_can_start_the_library_is_asked(tmp_path: Path) -> None:
    async def run() -> None:
        searchers = Searchers(1, tmp_path / "nothing")
        async with searchers.running():
            end = time.monotonic() + _PATIENCE_SECONDS
            while processes() or time.monotonic() < end - _PATIENCE_SECONDS + 0.2:
                assert time.monotonic() < end
                await asyncio.sleep(0.05)
            assert await searchers.answer(asked("f" * 64)) == b""
            assert not processes()  # it is not tried for ever

    asyncio.run(run())


def test_what_is_indexed_is_found_and_nobody_outlives_the_service(
    shelf: Path, ids: list[str]
) -> None:
    with serving(shelf) as service:
        until(lambda: len(children(service.process.pid)) > 0)
        own = children(service.process.pid)
        save(drawn(99), shelf / "in" / "more.png")
        assert service.post("/v1/jobs", json={}).status_code == 202
        until(lambda: service.get("/v1/jobs").json()["jobs"][0]["state"] == "done")
        hits = service.get("/v1/search", params={"id": ids[0], "k": 50}).json()["hits"]
        assert "in/more.png" in {hit["path"] for hit in hits}
        service.process.terminate()
        service.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in own))


def children(pid: int) -> list[int]:
    """The processes that a process has started; Linux alone tells of them."""
    if not Path("/proc/self/task").exists():
        pytest.skip("there is no /proc here")
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(one) for file in found for one in file.read_text().split()]
