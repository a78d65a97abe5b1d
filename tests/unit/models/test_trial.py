"""The measured trial: once, kept, and the fastest is chosen."""

import json
from pathlib import Path

import pytest

from lookgraph.errors import ModelError
from lookgraph.models.runtimes import trial as module
from lookgraph.models.runtimes.base import Candidate, Choice
from lookgraph.models.runtimes.openvino_runtime import OpenVinoRuntime
from lookgraph.models.runtimes.trial import (
    Chosen,
    Trial,
    choose,
    decide,
    load,
    read_trial,
)
from lookgraph.types import Precision
from tests.conftest import needs_module
from tests.unit.models.small_network import write_network

ONNX = Candidate("onnxruntime", "cpu")
ONNX_GPU = Candidate("onnxruntime", "gpu")
OPENVINO = Candidate("openvino", "cpu")
CPU = Choice(device="cpu")
FLOAT32 = Precision.FLOAT32
MANY = 1000


@pytest.fixture
def small(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_SECONDS", 0.05)
    cache.mkdir()
    return write_network(cache / "small.onnx")


def kept(cache: Path) -> list[Path]:
    return sorted(cache.glob("trials/*"))


def test_the_fastest_is_chosen_and_the_reason_says_so() -> None:
    trial = Trial(2, "2026-11-21", {ONNX: 220.3, OPENVINO: 1234.6, ONNX_GPU: 0.0})
    assert decide(trial, Choice()) == Chosen(
        OPENVINO,
        "openvino: 1,235 a second against onnxruntime's 220; onnxruntime on the GPU does not work "
        "here (measured 2026-11-21)",
        ((OPENVINO, 1234.6), (ONNX, 220.3), (ONNX_GPU, 0.0)),
    )
    assert decide(trial, Choice(runtime="onnxruntime")).candidate == ONNX
    assert decide(trial, Choice(device="gpu")).candidate == ONNX_GPU
    only = decide(trial, Choice(runtime="openvino"))
    assert only.reason == "openvino: 1,235 a second (measured 2026-11-21)"


def test_the_trial_measures_every_candidate_and_is_made_once(cache: Path, small: Path) -> None:
    needs_module("openvino")
    first = choose(small, FLOAT32, 2, CPU, MANY)
    assert {candidate for candidate, _ in first.rates} == {ONNX, OPENVINO}
    assert all(rate > 100 for _, rate in first.rates)
    assert first.candidate == max(first.rates, key=lambda pair: pair[1])[0]
    (file,) = kept(cache)
    before = file.stat()
    assert choose(small, FLOAT32, 2, CPU, MANY) == first
    assert choose(small, FLOAT32, 2, CPU, 3) == first, "it holds for a few pictures, too"
    assert kept(cache) == [file]
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_for_other_callers_it_is_made_again(cache: Path, small: Path) -> None:
    needs_module("openvino")
    choose(small, FLOAT32, 2, CPU, MANY)
    (file,) = kept(cache)
    choose(small, FLOAT32, 3, CPU, MANY)
    assert kept(cache) == [file]
    again = read_trial(file)
    assert again is not None
    assert again.callers == 3


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b"\xff", b"nan", b'{"callers": 2, "day": "soon", "rates": []}',
     b'{"callers": 2, "day": "2026-11-21", "rates": [{"runtime": "openvino", "device": "cpu"}]}',
     b'{"callers": 2, "day": "2026-11-21", "rates": [{"runtime": "torch", "device": "cpu", '
     b'"rate": 1e9}]}', b"[" * 100_000],
)  # fmt: skip
def test_a_damaged_trial_is_made_again(cache: Path, small: Path, content: bytes) -> None:
    needs_module("openvino")
    choose(small, FLOAT32, 2, CPU, MANY)
    (file,) = kept(cache)
    whole = file.read_bytes()
    file.write_bytes(content)
    assert choose(small, FLOAT32, 2, CPU, 3).candidate == ONNX
    choose(small, FLOAT32, 2, CPU, MANY)
    assert json.loads(file.read_bytes()).keys() == json.loads(whole).keys()
    trial = read_trial(file)
    assert trial is not None
    assert trial.rates.keys() == {ONNX, OPENVINO}


@pytest.mark.parametrize(("callers", "pictures"), [(1, 1), (2, 1), (2, 999)])
def test_for_a_few_pictures_no_trial_is_made(
    cache: Path, small: Path, callers: int, pictures: int
) -> None:
    needs_module("openvino")
    chosen = choose(small, FLOAT32, callers, CPU, pictures)
    assert chosen == Chosen(ONNX, "onnxruntime: it starts fast, and nothing is measured yet")
    assert kept(cache) == []


def test_a_query_starts_fast_whatever_was_measured(cache: Path, small: Path) -> None:
    needs_module("openvino")
    choose(small, FLOAT32, 2, CPU, MANY)
    assert choose(small, FLOAT32, 1, CPU, 1).candidate == ONNX
    asked_for = Choice("openvino", "cpu")
    assert choose(small, FLOAT32, 1, asked_for, 1).candidate == OPENVINO


def test_one_core_has_its_trial_too(cache: Path, small: Path) -> None:
    needs_module("openvino")
    assert len(choose(small, FLOAT32, 1, CPU, MANY).rates) == 2
    assert len(kept(cache)) == 1


def test_with_one_candidate_there_is_no_trial(cache: Path, small: Path) -> None:
    chosen = choose(small, FLOAT32, 2, Choice("onnxruntime", "cpu"), MANY)
    assert chosen.candidate == ONNX
    assert chosen.rates == ()
    assert kept(cache) == []


def test_each_precision_has_a_trial_of_its_own(cache: Path, small: Path) -> None:
    needs_module("openvino")
    choose(small, FLOAT32, 2, CPU, MANY)
    choose(small, Precision.INT8, 2, CPU, MANY)
    assert len(kept(cache)) == 2


def test_what_cannot_be_loaded_does_not_win(cache: Path, small: Path) -> None:
    needs_module("openvino")
    small.write_bytes(b"no network")
    chosen = choose(small, FLOAT32, 2, CPU, MANY)
    assert [rate for _, rate in chosen.rates] == [0, 0]
    with pytest.raises(ModelError, match="cannot load"):
        load(chosen.candidate, small, FLOAT32, 2)


def test_where_the_cache_cannot_be_written_it_is_still_made(cache: Path, small: Path) -> None:
    needs_module("openvino")
    (cache / "trials").write_text("a file where the folder should be")
    assert len(choose(small, FLOAT32, 2, CPU, MANY).rates) == 2


def test_what_is_chosen_is_loaded(small: Path) -> None:
    needs_module("openvino")
    assert isinstance(load(OPENVINO, small, FLOAT32, 2), OpenVinoRuntime)
