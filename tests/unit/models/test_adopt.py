"""Somebody's network computes in our contract what it computes by itself on prepared pictures."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lookgraph.errors import ModelError, UsageError
from lookgraph.models.adopt import adopt, describe
from lookgraph.models.adopt.options import Options
from lookgraph.models.checkpoints import read_checkpoint
from lookgraph.models.model import Adoption, Filter, Model, Own, Preparation
from lookgraph.models.networks import build_network
from lookgraph.models.probe import probe_picture
from lookgraph.models.registry import DEFAULT_MODEL, find_model
from lookgraph.models.weights import locate_weights
from lookgraph.types import Metric

from .own_networks import IR_VERSIONS, SIDES, Floats, computed, network

PICTURES = np.random.default_rng(3).integers(0, 256, (2, *SIDES, 3), np.uint8)
MEAN = np.array([0.485, 0.456, 0.406])
DEVIATION = np.array([0.229, 0.224, 0.225])
PLAIN = Options(mean=(0, 0, 0), deviation=(1, 1, 1))
"""The network wants values from 0 to 1."""


def saved(model: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Path:
    file = folder / name
    file.write_bytes(model.SerializeToString())
    return file


def run(model: onnx.ModelProto, pictures: NDArray[np.uint8] = PICTURES) -> NDArray[np.float32]:
    onnx.checker.check_model(model)
    (given,), (made,) = model.graph.input, model.graph.output
    assert (given.name, made.name) == ("pictures", "embeddings")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (embeddings,) = session.run(None, {"pictures": pictures})
    assert embeddings.dtype == np.float32
    return cast(NDArray[np.float32], embeddings)


def adopted(model: onnx.ModelProto, folder: Path, options: Options) -> NDArray[np.float32]:
    """The embeddings of `PICTURES` by an adopted network."""
    file = saved(model, folder)
    described = describe(file, options)
    embeddings = run(adopt(described, file))
    assert embeddings.shape == (2, described.dimension)
    return embeddings


def normalised(pictures: NDArray[np.uint8] = PICTURES) -> Floats:
    """(n, 3, height, width) as the networks of torchvision want it."""
    return cast(Floats, ((pictures / 255 - MEAN) / DEVIATION).transpose(0, 3, 1, 2))


def close(found: NDArray[np.float32], expected: Floats, tolerance: float = 1e-5) -> None:
    """To so much of the largest number: the sums are of 72 products."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


# What goes in


def test_without_options_pictures_are_normalised_as_torchvision_does(tmp_path: Path) -> None:
    close(adopted(network(), tmp_path, Options()), computed(normalised()))


def test_channels_may_be_last(tmp_path: Path) -> None:
    found = adopted(network(shape=("n", *SIDES, 3)), tmp_path, Options())

    close(found, computed((PICTURES / 255 - MEAN) / DEVIATION))


@pytest.mark.parametrize("last", [False, True])
def test_mean_and_deviation_are_in_the_networks_order(tmp_path: Path, last: bool) -> None:
    options = Options(
        channels="bgr", mean=(103.939, 116.779, 123.68), deviation=(1, 2, 3), scale=255
    )
    expected = (PICTURES[..., ::-1] - [103.939, 116.779, 123.68]) / [1, 2, 3]
    shape = ("n", *SIDES, 3) if last else ("n", 3, *SIDES)

    found = adopted(network(shape=shape), tmp_path, options)

    close(found, computed(expected if last else expected.transpose(0, 3, 1, 2)))


def test_a_network_that_wants_blue_first_gets_imagenets_numbers_for_blue_first(
    tmp_path: Path,
) -> None:
    found = adopted(network(), tmp_path, Options(channels="bgr"))

    close(found, computed(normalised()[:, ::-1]))


def test_one_number_may_stand_for_three_and_values_from_0_to_1(tmp_path: Path) -> None:
    found = adopted(network(), tmp_path, PLAIN)

    close(found, computed((PICTURES / 255).transpose(0, 3, 1, 2)))


def test_values_from_0_to_255_go_in_as_they_are(tmp_path: Path) -> None:
    found = adopted(network(), tmp_path, replace(PLAIN, scale=255))

    close(found, computed(PICTURES.transpose(0, 3, 1, 2)))


@pytest.mark.parametrize(
    ("kind", "tolerance"), [(TensorProto.FLOAT16, 5e-3), (TensorProto.DOUBLE, 1e-5)]
)
def test_other_numbers_than_float32_go_in_and_come_out(
    tmp_path: Path, kind: int, tolerance: float
) -> None:
    close(adopted(network(kind=kind), tmp_path, Options()), computed(normalised()), tolerance)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_a_network_of_bytes_gets_bytes(tmp_path: Path, last: bool, channels: str) -> None:
    options = Options(channels="bgr" if channels == "bgr" else "rgb")
    shape = ("n", *SIDES, 3) if last else ("n", 3, *SIDES)
    pictures = PICTURES if channels == "rgb" else PICTURES[..., ::-1]

    found = adopted(network(shape=shape, kind=TensorProto.UINT8), tmp_path, options)

    close(found, computed(pictures if last else pictures.transpose(0, 3, 1, 2)))


@pytest.mark.parametrize("opset", IR_VERSIONS)
@pytest.mark.parametrize(
    ("made", "pool"), [((5,), None), ((5, 1, 1), None), ((4, 5), "mean"), ((4, 5), "first")]
)
def test_opsets_and_ir_versions(
    tmp_path: Path, opset: int, made: tuple[int, ...], pool: Any
) -> None:
    options = Options(channels="bgr", pool=pool)
    values = computed(normalised()[:, ::-1], made)
    expected = {None: values.reshape(2, -1), "mean": values.mean(1), "first": values[:, 0]}

    close(adopted(network(opset=opset, made=made), tmp_path, options), expected[pool])


# What comes out


@pytest.mark.parametrize("stated", [(), ("n", "a", "b"), ("n", None, 5), None])
@pytest.mark.parametrize("pool", ["first", "mean"])
def test_tokens_are_pooled(tmp_path: Path, stated: Any, pool: Any) -> None:
    values = computed(normalised(), (4, 5))

    found = adopted(network(made=(4, 5), stated=stated), tmp_path, Options(pool=pool))

    close(found, values[:, 0] if pool == "first" else values.mean(axis=1))


@pytest.mark.parametrize("stated", [(), ("n", None, "h", "w"), ("n", 5, "h", "w"), None])
def test_a_map_is_pooled(tmp_path: Path, stated: Any) -> None:
    found = adopted(network(made=(5, 2, 3), stated=stated), tmp_path, Options(pool="mean"))

    close(found, computed(normalised(), (5, 2, 3)).mean(axis=(2, 3)))


def test_a_map_has_its_channels_where_the_input_has_them(tmp_path: Path) -> None:
    model = network(shape=("n", *SIDES, 3), made=(2, 3, 5))

    found = adopted(model, tmp_path, replace(PLAIN, pool="mean"))

    close(found, computed(PICTURES / 255, (2, 3, 5)).mean(axis=(1, 2)))


@pytest.mark.parametrize("made", [(5,), (5, 1, 1), (1, 1, 5), (1, 5)])
@pytest.mark.parametrize("stated", [(), "open", None])
def test_one_vector_needs_no_pool(tmp_path: Path, made: tuple[int, ...], stated: Any) -> None:
    shown = [None] * (1 + len(made)) if stated == "open" else stated

    found = adopted(network(made=made, stated=shown), tmp_path, Options())

    close(found, computed(normalised(), made).reshape(2, 5))


def test_bfloat16_and_half_precision_come_out_as_float32(tmp_path: Path) -> None:
    for kind in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
        model = network()
        model.graph.node.append(helper.make_node("Cast", ["y"], ["short"], to=kind))
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info("short", kind, ["n", 5]))

        close(adopted(model, tmp_path, Options()), computed(normalised()), 1e-2)


def several_outputs(*names: str) -> onnx.ModelProto:
    """Each gives one more than the one before it."""
    model = network()
    model.graph.initializer.append(numpy_helper.from_array(np.ones((), np.float32), "one"))
    del model.graph.output[:]
    below = "y"
    for name in names:
        model.graph.node.append(helper.make_node("Add", [below, "one"], [name]))
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 5]))
        below = name
    return model


def test_of_several_outputs_the_named_one_is_taken(tmp_path: Path) -> None:
    model = several_outputs("a", "b", "c")

    close(adopted(model, tmp_path, Options(output="b")), computed(normalised()) + 2)


def test_a_value_inside_may_be_named_as_the_output(tmp_path: Path) -> None:
    model = several_outputs("a", "b", "c")

    close(adopted(model, tmp_path, Options(output="linear")), computed(normalised()))


@pytest.mark.parametrize("usual", ["image_embeds", "pooler_output", "embeddings"])
def test_of_several_outputs_the_only_conventional_one_is_taken(tmp_path: Path, usual: str) -> None:
    model = several_outputs("logits", "last_hidden_state", usual)

    close(adopted(model, tmp_path, Options()), computed(normalised()) + 3)


@pytest.mark.parametrize("names", [("a", "b"), ("image_embeds", "a", "pooler_output")])
def test_of_several_outputs_one_must_be_named(tmp_path: Path, names: tuple[str, ...]) -> None:
    file = saved(several_outputs(*names), tmp_path)

    with pytest.raises(
        UsageError,
        match=rf"model\.onnx: say which .* \(option output\): {names[0]} float \(\?, 5\), ",
    ):
        describe(file, Options())


def test_what_the_output_does_not_need_is_left_out(tmp_path: Path) -> None:
    """As in CLIP's export: a tower for texts, with an input of its own."""
    model = two_towers()
    file = saved(model, tmp_path)

    described = describe(file, Options(output="y"))
    made = adopt(described, file)

    close(run(made), computed(normalised()))
    assert {tensor.name for tensor in made.graph.initializer}.isdisjoint({"table"})
    assert "Gather" not in {node.op_type for node in made.graph.node}


def two_towers() -> onnx.ModelProto:
    model = network()
    model.graph.initializer.append(numpy_helper.from_array(np.eye(5, dtype=np.float32), "table"))
    model.graph.input.insert(
        0, helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n"])
    )
    model.graph.node.extend(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["text_embeds"], axis=0),
            helper.make_node("Mul", ["y", "text_embeds"], ["logits"]),
        ]
    )
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 5])
        for name in ("text_embeds", "logits")
    )
    return model


def test_an_output_that_needs_more_than_pictures_is_refused(tmp_path: Path) -> None:
    file = saved(two_towers(), tmp_path)

    with pytest.raises(ModelError, match=r"needs these inputs: input_ids int64 \(\?\), x float"):
        describe(file, Options(output="logits"))


def test_an_input_may_be_named(tmp_path: Path) -> None:
    close(adopted(network(), tmp_path, Options(input="x")), computed(normalised()))
    with pytest.raises(UsageError, match=r"needs no input 'z'; it needs: x float \(\?, 3, 6, 4\)"):
        describe(tmp_path / "model.onnx", Options(input="z"))


# Names, graphs inside, batches


@pytest.mark.parametrize(
    "names",
    [("pictures", "embeddings"), ("embeddings", "pictures"), ("lookgraph.mean", "lookgraph.1")],
)
def test_the_networks_names_may_be_ours(tmp_path: Path, names: tuple[str, str]) -> None:
    close(adopted(network(names=names), tmp_path, Options()), computed(normalised()))


@pytest.mark.parametrize("name", ["y", "embeddings", "lookgraph.values"])
def test_graphs_inside_the_graph_see_the_same_values(tmp_path: Path, name: str) -> None:
    """A branch that takes a value of the graph around it, which no node outside takes."""
    model = network(names=("pictures", name))
    branches = {
        f"{which}_branch": helper.make_graph(
            [helper.make_node(operator, [name], [f"inner.{which}"])],
            which,
            [],
            [helper.make_tensor_value_info(f"inner.{which}", TensorProto.FLOAT, None)],
        )
        for which, operator in (("then", "Neg"), ("else", "Identity"))
    }
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(helper.make_node("If", ["yes"], ["chosen"], **branches))
    model.graph.output[0].name = "chosen"

    close(adopted(model, tmp_path, Options()), -computed(normalised()))


def test_functions_of_the_network_are_kept(tmp_path: Path) -> None:
    opsets = [helper.make_opsetid("", 17)]
    body = [helper.make_node("Neg", ["a"], ["b"])]
    model = network()
    model.functions.append(helper.make_function("own", "Turn", ["a"], ["b"], body, opsets))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node.append(helper.make_node("Turn", ["y"], ["turned"], domain="own"))
    model.graph.output[0].name = "turned"

    close(adopted(model, tmp_path, Options()), -computed(normalised()))


@pytest.mark.parametrize("batch", [1, 3])
def test_a_fixed_batch_stays_fixed(tmp_path: Path, batch: int) -> None:
    file = saved(network(shape=(batch, 3, *SIDES)), tmp_path)
    pictures = np.resize(PICTURES, (batch, *SIDES, 3))

    made = adopt(describe(file, Options()), file)

    for value in (made.graph.input[0], made.graph.output[0]):
        assert value.type.tensor_type.shape.dim[0].dim_value == batch
    close(run(made, pictures), computed(normalised(pictures)))


def test_any_number_of_pictures_goes_in_where_the_batch_is_open(tmp_path: Path) -> None:
    file = saved(network(), tmp_path)
    made = adopt(describe(file, Options()), file)

    for count in (1, 5):
        pictures = np.resize(PICTURES, (count, *SIDES, 3))
        close(run(made, pictures), computed(normalised(pictures)))


# What is read from the graph, what is said


def test_a_network_is_described(tmp_path: Path) -> None:
    file = saved(network(shape=("n", 3, 224, 224), made=(5,)), tmp_path, "My Net (v2).onnx")
    options = Options(metric=Metric.L2, licence="MIT", filter=Filter.BICUBIC)

    model = describe(file, options)

    assert model == Model(
        name="my-net-v2",
        summary="an ONNX network of one's own: My Net (v2).onnx",
        architecture="onnx",
        dimension=5,
        metric=Metric.L2,
        preparation=Preparation(
            version=1,
            height=224,
            width=224,
            shorter_side=256,
            filter=Filter.BICUBIC,
            decode_side=1024,
            bgr=False,
            mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
            deviation=(0.229 * 255, 0.224 * 255, 0.225 * 255),
        ),
        licence="MIT",
        weights=Own(file, model.weights.fingerprint),
        adoption=Adoption(input="x", channels_last=False, output="y", pool=None),
    )


@pytest.mark.parametrize(
    ("options", "shorter_side", "decode_side"),
    [
        (Options(), None, 4 * 256),
        (Options(resize="squash"), None, 4 * 256),
        (Options(resize="crop"), 293, 4 * 293),
        (Options(shorter_side=256), 256, 4 * 256),
        (Options(filter=Filter.OPENCV_LINEAR), None, 1 << 30),
    ],
)
def test_a_picture_is_squashed_or_cut_to_what_is_no_square(
    tmp_path: Path, options: Options, shorter_side: int | None, decode_side: int
) -> None:
    file = saved(network(shape=("n", 3, 256, 128)), tmp_path)

    how = describe(file, options).preparation

    assert (how.height, how.width) == (256, 128)
    assert (how.shorter_side, how.decode_side) == (shorter_side, decode_side)


def test_a_middle_that_does_not_fill_the_input_is_refused(tmp_path: Path) -> None:
    file = saved(network(shape=("n", 3, 256, 128)), tmp_path)

    with pytest.raises(
        UsageError, match=r"shorter side is 200 does not fill an input of 256 x 128"
    ):
        describe(file, Options(shorter_side=200))


@pytest.mark.parametrize("shape", [("n", 3, "h", "w"), ("n", 3, 6, None), (None,) * 4, None])
def test_an_open_size_must_be_said(tmp_path: Path, shape: Any) -> None:
    file = saved(network(shape=shape), tmp_path)

    with pytest.raises(UsageError, match=r"of any size: say which \(option size\)"):
        describe(file, Options(layout="nchw"))

    options = Options(layout="nchw", size=SIDES)
    close(run(adopt(describe(file, options), file)), computed(normalised()))


def test_a_size_against_the_graph_is_refused(tmp_path: Path) -> None:
    for shape in (("n", 3, 6, 4), ("n", 3, 6, None)):
        file = saved(network(shape=shape), tmp_path)
        with pytest.raises(UsageError, match=r"x float \(\?, 3, 6, .\) is not of the size 5 x 4"):
            describe(file, Options(size=(5, 4)))


@pytest.mark.parametrize(
    ("shape", "size", "last"),
    [
        (("n", "c", 6, 4), None, False),
        (("n", 6, 4, "c"), None, True),
        (("n", 3, "h", "w"), SIDES, False),
        (("n", "h", "w", 3), SIDES, True),
    ],
)
def test_the_layout_is_read_from_the_graph(
    tmp_path: Path, shape: Any, size: Any, last: bool
) -> None:
    file = saved(network(shape=shape), tmp_path)

    adoption = describe(file, Options(size=size)).adoption

    assert adoption
    assert adoption.channels_last is last


@pytest.mark.parametrize("shape", [(None,) * 4, ("n", 3, 3, 3), ("n", None, 6, None)])
def test_an_open_layout_must_be_said(tmp_path: Path, shape: Any) -> None:
    file = saved(network(shape=shape), tmp_path)

    with pytest.raises(UsageError, match="does not say where the channels are: option layout"):
        describe(file, Options())


def test_a_layout_against_the_graph_is_refused(tmp_path: Path) -> None:
    file = saved(network(), tmp_path)

    with pytest.raises(UsageError, match=r"its input x float \(\?, 3, 6, 4\) is not nhwc"):
        describe(file, Options(layout="nhwc"))


@pytest.mark.parametrize(
    ("shape", "kind", "what"),
    [
        (("n", 1, 6, 4), TensorProto.FLOAT, "has no three channels"),
        (("n", 72), TensorProto.FLOAT, "is for no pictures"),
        (
            ("n", 3, 6, 4),
            TensorProto.INT64,
            r"int64 \(\?, 3, 6, 4\) is none of these: float, float16",
        ),
        (("n", 3, 5000, 5000), TensorProto.FLOAT, "is too large"),
        ((1 << 40, 3, 6, 4), TensorProto.FLOAT, "is too large"),
    ],
)
def test_an_input_that_takes_no_pictures_is_refused(
    tmp_path: Path, shape: Any, kind: int, what: str
) -> None:
    model = network(shape=shape)
    model.graph.input[0].type.tensor_type.elem_type = kind

    with pytest.raises(ModelError, match=what):
        describe(saved(model, tmp_path), Options())


def test_a_network_of_bytes_wants_no_mean(tmp_path: Path) -> None:
    file = saved(network(kind=TensorProto.UINT8), tmp_path)

    with pytest.raises(UsageError, match=r"takes bytes \(uint8\): mean and deviation"):
        describe(file, PLAIN)


@pytest.mark.parametrize(
    ("made", "pool", "what"),
    [
        ((4, 5), None, r"\(n, 4, 5\), more than one vector a picture: say .*option pool"),
        ((5, 2, 2), None, r"\(n, 5, 2, 2\), more than one vector"),
        ((5, 2, 2), "first", r'\(n, 5, 2, 2\), of which pool = "first" makes nothing'),
        ((5,), "mean", r'\(n, 5\), of which pool = "mean" makes nothing'),
        ((), None, r"\(n\): that is no embedding"),
    ],
)
@pytest.mark.parametrize("stated", [(), None])
def test_an_output_that_is_no_embedding_is_refused(
    tmp_path: Path, made: tuple[int, ...], pool: Any, what: str, stated: Any
) -> None:
    file = saved(network(made=made, stated=stated), tmp_path)

    with pytest.raises(UsageError, match=what):
        describe(file, Options(pool=pool))


def test_a_name_of_the_registry_is_not_taken(tmp_path: Path) -> None:
    file = saved(network(), tmp_path, "resnet50.onnx")

    assert describe(file, Options()).name == "resnet50-own"
    assert describe(file, Options(name="VGG16")).name == "vgg16-own"
    assert describe(file, Options(name="../../etc/passwd")).name == "etc-passwd"
    assert describe(file, Options(name="..")).name == "network"
    assert len(describe(file, Options(name="a" * 200)).name) <= 64


# Fingerprints


def test_what_changes_embeddings_changes_the_fingerprint(tmp_path: Path) -> None:
    file = saved(network(), tmp_path)
    square = saved(network(shape=("n", 3, 6, 6)), tmp_path, "square.onnx")

    def of(options: Options, file: Path = file) -> str:
        return describe(file, options).weights.fingerprint

    fingerprints = [
        of(Options()),
        of(PLAIN),
        of(replace(PLAIN, scale=255)),
        of(Options(channels="bgr")),
        of(Options(resize="crop")),
        of(Options(shorter_side=8, resize="crop")),
        of(Options(filter=Filter.BICUBIC)),
        of(Options(output="flat")),
        of(Options(), square),
        of(Options(), saved(network(opset=18), tmp_path, "other.onnx")),
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    assert all(len(bytes.fromhex(one)) == 32 for one in fingerprints)


def test_what_changes_no_embedding_does_not_change_the_fingerprint(tmp_path: Path) -> None:
    file = saved(network(), tmp_path)
    plain = describe(file, Options()).weights.fingerprint

    for options in (
        Options(input="x", output="y", layout="nchw", size=SIDES, resize="squash"),
        Options(metric=Metric.L2, name="other", licence="MIT"),
        Options(mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225)),
    ):
        assert describe(file, options).weights.fingerprint == plain
    elsewhere = saved(network(), tmp_path, "elsewhere.onnx")
    assert describe(elsewhere, Options()).weights.fingerprint == plain


def test_a_file_that_has_changed_is_not_taken_for_what_it_was(tmp_path: Path) -> None:
    file = saved(network(), tmp_path)
    described = describe(file, Options())
    saved(network(opset=18), tmp_path)

    with pytest.raises(ModelError, match=r"model\.onnx: it has changed since"):
        adopt(described, file)


# A network of ours, as somebody else would have exported it


def test_our_own_network_without_its_preparation_gives_what_it_gives_with_it(
    tmp_path: Path,
) -> None:
    ours = find_model(DEFAULT_MODEL)
    built = build_network(read_checkpoint(locate_weights(ours)), ours)
    pictures = np.stack([probe_picture(), 255 - probe_picture()])
    expected = run(built, pictures)
    core = onnx.ModelProto()
    core.CopyFrom(built)
    (last,) = (node for node in core.graph.node if node.op_type == "Div")
    position = list(core.graph.node).index(last)
    del core.graph.node[: position + 1], core.graph.input[:]
    given = helper.make_tensor_value_info(last.output[0], TensorProto.FLOAT, ["n", 3, 224, 224])
    core.graph.input.append(given)
    file = saved(core, tmp_path)
    options = Options(
        filter=ours.preparation.filter, mean=(127,) * 3, deviation=(128,) * 3, scale=255
    )

    model = describe(file, options)

    assert model.dimension == ours.dimension
    assert replace(model.preparation, decode_side=0) == replace(ours.preparation, decode_side=0)
    np.testing.assert_allclose(run(adopt(model, file), pictures), expected, rtol=0, atol=1e-5)
