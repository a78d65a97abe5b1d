"""What cannot be used, damaged and hostile files end in a sentence, and nothing else is read."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from lookgraph.errors import ModelError
from lookgraph.models.adopt import adopt, describe
from lookgraph.models.adopt.options import Options
from tests.conftest import PROJECT

from .own_networks import SIDES, kept_apart, network, point_elsewhere
from .test_adopt import saved

Change = Callable[[onnx.ModelProto], None]


def outcome(file: Path, options: Options | None = None) -> str:
    """What is said of a file that must be refused."""
    with pytest.raises(ModelError) as refused:
        adopt(describe(file, options or Options()), file)
    text = str(refused.value)
    assert text.startswith(f"{file}: ")
    return text.removeprefix(f"{file}: ")


# Files


@pytest.mark.parametrize(
    "data",
    [b"", b"no network", b"\x89PNG\r\n\x1a\n" * 9, b"\x00" * 99, b"\x3a" + b"\xff" * 9 + b"\x01"],
)
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(data)

    assert outcome(file).startswith("it is no ONNX file")


def test_a_file_that_is_not_there_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    os.mkfifo(tmp_path / "pipe.onnx")

    for name in ("folder.onnx", "pipe.onnx"):
        assert outcome(tmp_path / name) == f"{name} is no file"
    said = "nothing.onnx cannot be read: No such file or directory"
    assert outcome(tmp_path / "nothing.onnx") == said


def test_a_file_beyond_protobufs_limit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    with file.open("wb") as stream:
        stream.truncate(1 << 31)

    assert outcome(file) == "it is larger than 2 GiB"


@pytest.mark.parametrize("name", ["flat", "weight", "linear", "x", "MatMul"])
def test_names_that_are_no_text_are_refused(tmp_path: Path, name: str) -> None:
    """Protobuf gives bytes for them, where all else is str."""
    file = saved(network(), tmp_path)
    file.write_bytes(file.read_bytes().replace(name.encode(), b"\xff" * len(name)))

    assert outcome(file) == "it is no ONNX file, or damaged: a name in it is no text"


def test_a_location_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = kept_apart(network(), tmp_path)
    file.write_bytes(file.read_bytes().replace(b"model.data", b"model.dat\xff"))

    assert outcome(file) == "it is no ONNX file, or damaged: a name in it is no text"


def test_an_old_opset_and_none_are_refused(tmp_path: Path) -> None:
    model = network()
    model.opset_import[0].version = 6
    assert outcome(saved(model, tmp_path)) == "its opset is 6; 7 and later are understood"
    del model.opset_import[:]
    assert outcome(saved(model, tmp_path)) == "its opset is 0; 7 and later are understood"


# Weights in other files


def test_weights_beside_the_network_are_taken_in(tmp_path: Path) -> None:
    whole = saved(network(), tmp_path, "whole.onnx")
    apart = kept_apart(network(), tmp_path)
    assert (tmp_path / "model.data").stat().st_size > 72 * 5 * 4 - 1

    made = adopt(describe(apart, Options()), apart)
    (tmp_path / "model.data").unlink()

    ours = adopt(describe(whole, Options()), whole)
    pictures = np.random.default_rng(1).integers(0, 256, (2, *SIDES, 3), np.uint8)
    for one in (made, ours):
        assert not any(tensor.external_data for tensor in one.graph.initializer)
    first, second = (
        onnxruntime.InferenceSession(one.SerializeToString()).run(None, {"pictures": pictures})[0]
        for one in (made, ours)
    )
    np.testing.assert_array_equal(first, second)


def test_other_weights_beside_the_network_change_the_fingerprint(tmp_path: Path) -> None:
    file = kept_apart(network(), tmp_path)
    before = describe(file, Options())
    data = bytearray((tmp_path / "model.data").read_bytes())
    data[1] ^= 1
    (tmp_path / "model.data").write_bytes(data)

    assert describe(file, Options()).weights.fingerprint != before.weights.fingerprint
    with pytest.raises(ModelError, match="has changed since"):
        adopt(before, file)


def test_a_network_and_its_weights_may_be_links_into_one_folder(tmp_path: Path) -> None:
    """As Hugging Face's cache keeps them."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    kept_apart(network(), tmp_path / "blobs")
    for name, blob in (("model.onnx", "model.onnx"), ("model.data", "model.data")):
        (tmp_path / "snapshot" / name).symlink_to(tmp_path / "blobs" / blob)

    assert describe(tmp_path / "snapshot" / "model.onnx", Options()).dimension == 5


@pytest.mark.parametrize(
    "location",
    ["/etc/passwd", "../secret", "sub/../../secret", "sub/inner", "..", ".", "a\\b", "C:x", "a\0b"],
)
def test_weights_elsewhere_are_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for secret in (tmp_path / "secret", folder / "sub" / "inner"):
        secret.write_bytes(bytes(72 * 5 * 4))
    file = kept_apart(network(), folder)
    point_elsewhere(file, location=location, offset="", length="")

    assert "only a name in its folder will do" in outcome(file)


def test_weights_through_a_link_that_leads_out_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(4096))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "round").symlink_to(folder / "round")
    file = kept_apart(network(), folder)

    point_elsewhere(file, location="link")
    assert outcome(file) == "its weights are to be in 'link', which leads out of its folder"
    point_elsewhere(file, location="round")
    assert outcome(file) == "its weights should be beside it, in 'round'"


def test_weights_in_what_is_no_file_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    file = kept_apart(network(), tmp_path)

    for name in ("pipe", "folder"):
        point_elsewhere(file, location=name, offset="0", length="0")
        assert outcome(file) == f"{name} is no file"
    point_elsewhere(file, location="nothing")
    assert outcome(file) == "its weights should be beside it, in 'nothing'"


@pytest.mark.parametrize(
    "told",
    [
        {"offset": "-1"}, {"length": "-5"}, {"length": "99999999999"}, {"offset": str(1 << 70)},
        {"offset": "1e3"}, {"length": "x"}, {"offset": "9" * 5000},
    ],
)  # fmt: skip
def test_weights_beyond_their_file_are_refused(tmp_path: Path, told: dict[str, str]) -> None:
    file = kept_apart(network(), tmp_path)
    point_elsewhere(file, **told)

    said = outcome(file)
    assert "beyond the end of model.data" in said or "cannot be understood" in said


def test_weights_of_more_than_two_gibibytes_are_refused_before_they_are_read(
    tmp_path: Path,
) -> None:
    file = kept_apart(network(), tmp_path)
    with (tmp_path / "model.data").open("r+b") as stream:
        stream.truncate(1 << 32)
    point_elsewhere(file, offset="", length="")

    assert outcome(file) == "it is larger than 2 GiB with its weights"


def test_tensors_inside_of_nodes_and_functions_are_looked_at_as_well(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(16))
    outside = TensorProto(
        name="s", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL
    )
    outside.external_data.add(key="location", value="../secret")
    constant = helper.make_node("Constant", [], ["c"], value=outside)
    (tmp_path / "folder").mkdir()

    in_node, in_function = network(), network()
    in_node.graph.node.append(constant)
    in_function.functions.append(
        helper.make_function("own", "F", [], ["c"], [constant], [helper.make_opsetid("", 17)])
    )
    for model in (in_node, in_function):
        assert "'../secret': only a name" in outcome(saved(model, tmp_path / "folder"))


# Graphs


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[-1].op_type = "Nonsense"


def unknown_domain(model: onnx.ModelProto) -> None:
    model.graph.node[-1].domain = "somebody.elses"


def cycle(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Add", ["linear", "y"], ["both"]))
    model.graph.node[3].input[0] = "both"


def missing_weights(model: onnx.ModelProto) -> None:
    del model.graph.initializer[0]


def huge_claim(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [72, 1 << 40]


def another_shape(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 7


def not_finite(model: onnx.ModelProto) -> None:
    change_weights(model, np.full((72, 5), np.nan, np.float32))


def zeros(model: onnx.ModelProto) -> None:
    change_weights(model, np.zeros((72, 5), np.float32))


def the_same(model: onnx.ModelProto) -> None:
    zeros(model)
    model.graph.initializer.append(numpy_helper.from_array(np.ones((), np.float32), "one"))
    model.graph.node[-1].output[0] = "zeros"
    model.graph.node.append(helper.make_node("Add", ["zeros", "one"], ["y"]))


def change_weights(model: onnx.ModelProto, value: Any) -> None:
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(value, "weight"))


def one_picture_only(model: onnx.ModelProto) -> None:
    """The classic of exports: a batch of 1 was written into a Reshape."""
    change = numpy_helper.from_array(np.array([1, 5], np.int64), "made")
    model.graph.initializer[1].CopyFrom(change)


def all_in_one(model: onnx.ModelProto) -> None:
    change = numpy_helper.from_array(np.array([1, -1], np.int64), "made")
    model.graph.initializer[1].CopyFrom(change)


def trained(model: onnx.ModelProto) -> None:
    """The mean over the batch is taken away, as batch normalisation does while it is trained."""
    model.graph.node[-1].output[0] = "raw"
    mean = helper.make_node("ReduceMean", ["raw"], ["mean"], axes=[0], keepdims=1)
    scaled = helper.make_node("Sub", ["raw", "mean"], ["centred"])
    root = helper.make_node("Softmax", ["centred"], ["y"], axis=1)
    model.graph.node.extend([mean, scaled, root])


def all_the_memory(model: onnx.ModelProto) -> None:
    """More than any processor can address, so that it fails at once."""
    model.graph.initializer.append(numpy_helper.from_array(np.array([1 << 60], np.int64), "many"))
    model.graph.node.append(helper.make_node("ConstantOfShape", ["many"], ["zeros"]))
    model.graph.node.append(helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["y", "sum"], ["more"]))
    model.graph.output[0].name = "more"


def of_the_future(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 999


def itself(model: onnx.ModelProto) -> None:
    call = helper.make_node("F", ["a"], ["b"], domain="own")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [call], opsets))


def laughs(model: onnx.ModelProto) -> None:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    for level in range(40):
        calls = [
            helper.make_node(f"F{level + 1}", ["a"], ["t"], domain="own"),
            helper.make_node(f"F{level + 1}", ["t"], ["b"], domain="own"),
        ]
        model.functions.append(
            helper.make_function("own", f"F{level}", ["a"], ["b"], calls, opsets)
        )
    model.graph.node.append(helper.make_node("F0", ["y"], ["z"], domain="own"))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (unknown_operator, "ONNX Runtime cannot load it: .*Nonsense"),
        (unknown_domain, "ONNX Runtime cannot load it: .*somebody.elses"),
        (cycle, "ONNX Runtime cannot load it: .*acyclic"),
        (missing_weights, "ONNX Runtime cannot load it: .*weight"),
        (huge_claim, "ONNX Runtime cannot load it: "),
        (another_shape, r"it gives the shape \(2, 5\) where \(2, 7\) should be"),
        (not_finite, "it gives numbers that are not finite"),
        (zeros, "it gives nothing but zeros"),
        (the_same, "it gives the same for different pictures"),
        (one_picture_only, "it failed on 2: .* export it with a batch of 1"),
        (all_in_one, r"it gives the shape \(1, 10\) where \(2, 5\) .* with a batch of 1"),
        (trained, ".*depends on the pictures beside it: was it exported while"),
        (all_the_memory, "(it failed on|ONNX Runtime cannot load it)"),
        (of_the_future, "ONNX Runtime cannot load it: .*999"),
        (itself, "its function F calls itself"),
        (laughs, "it has more than 1,000,000 operators"),
    ],
)
def test_a_network_that_does_not_do_what_it_should_is_refused(
    tmp_path: Path, change: Change, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    model = network()
    change(model)
    file = saved(model, tmp_path)

    with pytest.raises(ModelError, match=rf"model\.onnx: {what}"):
        adopt(describe(file, Options()), file)
    assert capfd.readouterr() == ("", "")


def test_a_network_that_cannot_be_run_to_see_its_dimension_is_refused(tmp_path: Path) -> None:
    model = network(stated=None)
    cycle(model)

    with pytest.raises(ModelError, match=r"ONNX Runtime cannot load it: .*acyclic"):
        describe(saved(model, tmp_path), Options())


def test_names_in_messages_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    model = network(names=("x\x1b[2J", "y"), shape=("n", 1, 6, 4))

    assert outcome(saved(model, tmp_path)).startswith("its input 'x\\x1b[2J' float (?, 1, 6, 4)")


def test_an_output_without_an_input_is_refused(tmp_path: Path) -> None:
    model = network()
    model.graph.node[-1].input[0] = "weight"

    assert "needs these inputs: none" in outcome(saved(model, tmp_path))


FUZZ = """
import random, sys
from pathlib import Path
from lookgraph.errors import LookgraphError
from lookgraph.models.adopt import adopt, describe
from lookgraph.models.adopt.options import Options

file, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
whole, draw, taken = file.read_bytes(), random.Random(seed), 0
for _ in range(count):
    data = bytearray(whole)
    for _ in range(draw.randint(1, 6)):
        value = draw.choice((draw.randrange(256), 0, 255, 1 << draw.randrange(8)))
        data[draw.randrange(len(data))] = value
    if draw.random() < 0.2:
        del data[draw.randrange(len(data)):]
    elif draw.random() < 0.2:
        at = draw.randrange(len(data))
        data[at:at] = data[at // 2:at]
    file.write_bytes(data)
    try:
        adopt(describe(file, Options()), file)
        taken += 1
    except LookgraphError as error:
        assert str(error).startswith(str(file)), error
print(taken)
"""


@pytest.mark.slow
@pytest.mark.parametrize("opset", [11, 17, 21])
def test_damaged_networks_are_refused_or_used_and_the_process_lives(
    tmp_path: Path, opset: int
) -> None:
    """In a process of its own: ONNX Runtime could take it down."""
    model = network(opset=opset, shape=("n", 3, 2, 2), made=(2,), stated=None)
    change_weights(model, np.arange(24, dtype=np.float32).reshape(12, 2))
    file = saved(model, tmp_path)

    done = subprocess.run(
        [sys.executable, "-c", FUZZ, str(file), "300", str(opset)],
        capture_output=True, text=True, check=False, timeout=120, cwd=PROJECT,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2000:]
    assert 0 < int(done.stdout) < 300
