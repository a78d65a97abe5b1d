"""The default network, built once for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lookgraph.models.cache import network_file
from lookgraph.models.embedder import Embedder
from lookgraph.models.model import Model
from lookgraph.models.registry import DEFAULT_MODEL, find_model
from lookgraph.models.runtimes.onnx_runtime import OnnxRuntime


@pytest.fixture(scope="session")
def model() -> Model:
    return find_model(DEFAULT_MODEL)


@pytest.fixture(scope="session")
def network(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOKGRAPH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield network_file(model)


@pytest.fixture(scope="session")
def embedder(model: Model, network: Path) -> Embedder:
    return Embedder(model, model.space(), OnnxRuntime(network, threads=1))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of this test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LOOKGRAPH_CACHE", str(folder))
    return folder
