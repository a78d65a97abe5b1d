"""The service does what its description says, whatever it is asked."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import needs_module

for needed in ("fastapi", "uvicorn", "prometheus_client", "httpx", "schemathesis"):
    needs_module(needed)

import schemathesis  # noqa: E402
from hypothesis import HealthCheck, given, settings  # noqa: E402
from schemathesis.core.result import Ok  # noqa: E402
from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402

from tests.e2e.commands import lookgraph  # noqa: E402
from tests.pictures import drawn, save  # noqa: E402
from tests.service.running import Running, serving  # noqa: E402


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("described") / "pictures"
    for seed in range(6):
        save(drawn(seed), folder / f"{seed}.png")
    lookgraph("index", folder)
    lookgraph("graph", "build", "--neighbours", "3", cwd=folder)
    with serving(folder, "--originals") as running:
        yield running


NOT_HELD: list[Any] = [
    positive_data_acceptance,  # a picture may not be there, though its id could be one
]


@pytest.mark.slow
def test_every_answer_is_as_described(service: Running) -> None:
    described = schemathesis.openapi.from_url(f"{service.url}/v1/openapi.json")
    count = 0
    for found in described.exclude(path_regex="/events$").get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
        @given(case=operation.as_strategy())
        def answers(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(excluded_checks=NOT_HELD)

        answers()
        count += 1
    assert count == 20


def test_pages_of_documentation_load_nothing_from_other_hosts(service: Running) -> None:
    for path in ("/docs", "/redoc", "/v1/docs", "/v1/redoc"):
        assert service.get(path).status_code == 404


def test_the_description_has_examples_and_problems(service: Running) -> None:
    described = service.get("/v1/openapi.json").json()
    assert described["info"]["title"] == "Lookgraph"
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            assert told["summary"], (path, method)
            assert "application/problem+json" in told["responses"]["default"]["content"]
    assert described["components"]["schemas"]["Hit"]["properties"]["path"]["examples"]
