"""The table of networks."""

import re
import subprocess
import sys

import pytest

from lookgraph.errors import UsageError
from lookgraph.models.model import Published
from lookgraph.models.networks import BUILDERS
from lookgraph.models.registry import DEFAULT_MODEL, MODELS, find_model
from lookgraph.models.weights import files_of
from lookgraph.types import Metric, Precision, Space


def test_the_default_model_and_its_space() -> None:
    model = find_model(DEFAULT_MODEL)

    assert model.space() == Space(
        model="efficientnet-lite0",
        fingerprint="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        preprocessing=1,
        metric=Metric.COSINE,
        dimension=1280,
    )


def test_names_are_unique_and_every_architecture_has_its_builder() -> None:
    names = [model.name for model in MODELS]

    assert len(set(names)) == len(names)
    towers = {model.text.architecture for model in MODELS if model.text}
    assert {model.architecture for model in MODELS} | towers == set(BUILDERS)


def test_spaces_differ_by_metric_and_precision() -> None:
    model = find_model("resnet50")

    assert model.space().name == "resnet50-0676ba61-p1-cosine"
    assert model.space(Metric.L2).name == "resnet50-0676ba61-p1-l2"
    lower = model.space(precision=Precision.BFLOAT16)
    assert lower.name == "resnet50-0676ba61-p1-cosine-bfloat16"
    assert find_model("vgg16").space().name == "vgg16-64373286-p1-l2"
    assert len({row.space().name for row in MODELS}) == len(MODELS)


def test_names_in_torchvisions_addresses_are_the_heads_of_checksums() -> None:
    for model in MODELS:
        if isinstance(model.weights, Published) and "download.pytorch.org" in model.weights.url:
            head = model.weights.file.removesuffix(".pth").rpartition("-")[2]
            assert model.weights.digest.startswith(head)
            assert len(model.weights.digest) == 64


def test_files_are_told_apart_by_their_names_and_come_from_secure_servers() -> None:
    files = [file for model in MODELS for file in files_of(model)]

    assert len({one.file for one in files}) == len(set(files))
    assert all(one.url.startswith("https://") for one in files)
    assert all(re.fullmatch(r"[\w.-]+", one.file) for one in files)
    assert all(re.fullmatch("[0-9a-f]{32,64}", one.digest) for one in files)
    assert all(one.bytes > 0 for one in files)


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
