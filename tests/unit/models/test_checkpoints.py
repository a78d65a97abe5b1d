"""Files of weights: the first bytes tell the formats apart, and anything else is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookgraph.models.checkpoints import CheckpointError, read_checkpoint
from lookgraph.models.model import Model
from lookgraph.models.weights import locate_weights

from .damage import is_read, refusal
from .reference import FILE, digest


def test_every_tensor_of_the_real_checkpoint_is_what_torch_reads(model: Model) -> None:
    with np.load(FILE) as reference:
        expected = dict(zip(reference["names"], reference["digests"], strict=True))

    tensors = read_checkpoint(locate_weights(model))

    assert {name: digest(tensor) for name, tensor in tensors.items()} == expected


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    for file in (tmp_path / "nothing.pth", tmp_path):
        with pytest.raises(CheckpointError, match="cannot read the checkpoint") as caught:
            read_checkpoint(file)
        assert str(file) in str(caught.value)


REFUSED = {
    "nothing": (b"", "it is empty"),
    "a web page": (b"<!DOCTYPE html>", "begins with b'<!DOCTYPE', and so is neither torch's"),
    "ONNX": (b"\x08\x07\x12\x07pytorch", "neither torch's format, nor HDF5, nor safetensors"),
    "a brace": (b"{", "neither torch's format"),
    "a zip archive that is empty": (b"PK\x05\x06" + bytes(18), "neither torch's format"),
    "the beginning of a zip archive": (b"PK\x03\x04" + bytes(60), "without its end"),
    "the beginning of a pickle": (b"\x80\x02", "the data end"),
    "the beginning of safetensors": (bytes(8) + b"{", "not JSON"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses_what_is_no_checkpoint_and_says_what_it_is_not(kind: str, tmp_path: Path) -> None:
    data, reason = REFUSED[kind]

    assert reason in refusal(data, tmp_path)


BEGINNINGS = (b"", b"PK\x03\x04", b"\x80", b"\x80\x02", b"\x20" + bytes(7) + b"{")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(BEGINNINGS), st.binary(max_size=300))
def test_any_bytes_are_refused(tmp_path: Path, beginning: bytes, junk: bytes) -> None:
    assert not is_read(beginning + junk, tmp_path)
