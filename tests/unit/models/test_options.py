"""What somebody says of their network is understood, or refused with the key and the place."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookgraph.errors import UsageError
from lookgraph.models.adopt.options import KEYS, Options, read_options
from lookgraph.models.model import Filter
from lookgraph.types import Metric

ALL = """
size = [256, 128]
layout = "nhwc"
resize = "crop"
shorter_side = 300
filter = "opencv-linear"
mean = [103.939, 116.779, 123]
deviation = 1
scale = 255
channels = "bgr"
input = "images"
output = "495"
pool = "mean"
metric = "inner-product"
name = "Ours"
licence = "Apache-2.0"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


def beside(file: Path, text: str | bytes) -> None:
    file.with_suffix(".toml").write_bytes(text.encode() if isinstance(text, str) else text)


def test_without_a_word_there_are_the_defaults(file: Path) -> None:
    options = read_options(file)

    assert options == Options()
    assert (options.filter, options.metric, options.scale) == (Filter.BILINEAR, Metric.COSINE, 1)


def test_every_key_is_read_from_the_file_beside(file: Path) -> None:
    beside(file, ALL)

    assert read_options(file) == Options(
        size=(256, 128),
        layout="nhwc",
        resize="crop",
        shorter_side=300,
        filter=Filter.OPENCV_LINEAR,
        mean=(103.939, 116.779, 123.0),
        deviation=(1.0, 1.0, 1.0),
        scale=255,
        channels="bgr",
        input="images",
        output="495",
        pool="mean",
        metric=Metric.INNER_PRODUCT,
        name="Ours",
        licence="Apache-2.0",
    )
    assert {line.split(" = ")[0] for line in ALL.split("\n") if line} == set(KEYS)


def test_every_key_is_read_from_settings(file: Path) -> None:
    beside(file, ALL)
    expected = read_options(file)
    beside(file, "")

    assert read_options(file, ALL.strip().split("\n")) == expected
    assert read_options(file, ALL.replace('"', "").strip().split("\n")) == expected


def test_a_setting_goes_before_the_file_and_the_last_before_the_first(file: Path) -> None:
    beside(file, 'size = 224\nmetric = "l2"')

    options = read_options(file, ["size=96", "size=64"])

    assert (options.size, options.metric) == ((64, 64), Metric.L2)


def test_a_setting_replaces_a_wrong_value_in_the_file(file: Path) -> None:
    beside(file, 'size = "large"')

    assert read_options(file, ["size=96"]).size == (96, 96)


WRONG = [
    ("size = 0", "from 1 to 4096"),
    ("size = 4097", "from 1 to 4096"),
    ("size = 224.0", "from 1 to 4096"),
    ("size = true", "from 1 to 4096"),
    ("size = [224]", "height, width"),
    ("size = [224, 224, 3]", "height, width"),
    ("size = [224, -1]", "height, width"),
    ('size = "224"', "height, width"),
    ("shorter_side = 0", "from 1 to 4096"),
    ('layout = "hwc"', '"nchw" or "nhwc"'),
    ("layout = 3", '"nchw" or "nhwc"'),
    ('resize = "pad"', '"crop" or "squash"'),
    ('filter = "nearest"', '"bicubic" or "bilinear" or "opencv-linear"'),
    ('metric = "euclid"', '"cosine" or "l2" or "inner-product"'),
    ('channels = "RGB"', '"rgb" or "bgr"'),
    ('pool = "max"', '"first" or "mean"'),
    ("mean = [0.5, 0.5]", "a number or three"),
    ("mean = [0.5, 0.5, nan]", "a number or three"),
    ("mean = inf", "a number or three"),
    ("mean = [true, false, true]", "a number or three"),
    ("mean = 1e9", "a number or three"),
    ("deviation = 0", "more than zero"),
    ("deviation = [1, 1, 0.0]", "more than zero"),
    ("deviation = [1, 1, -1]", "more than zero"),
    ("scale = 0", "over zero"),
    ('scale = "255"', "over zero"),
    ('name = ""', "a text"),
    ("name = 5", "a text"),
    ('name = "a\\u0000b"', "a text"),
    ('input = ["a"]', "a text"),
]


@pytest.mark.parametrize(("line", "wanted"), WRONG)
def test_a_wrong_value_is_refused_with_key_and_file(file: Path, line: str, wanted: str) -> None:
    beside(file, line)

    with pytest.raises(UsageError) as refused:
        read_options(file)

    key, _, _ = line.partition(" ")
    assert str(refused.value).startswith(f"{file.with_suffix('.toml')}: {key} must be ")
    assert wanted in str(refused.value)


def test_a_wrong_setting_is_quoted(file: Path) -> None:
    with pytest.raises(UsageError, match=r"^'size=big': size must be .* not 'big'$"):
        read_options(file, ["size=big"])


@pytest.mark.parametrize("table", ["std = 1", "[model]\nsize = 3", '"a.b" = 2', "Size = 224"])
def test_an_unknown_key_is_refused_with_those_that_there_are(file: Path, table: str) -> None:
    beside(file, table)

    with pytest.raises(UsageError, match=r"model\.toml: there is no .*; there is: size, layout"):
        read_options(file)


def test_an_unknown_setting_is_refused(file: Path) -> None:
    with pytest.raises(UsageError, match=r"^'std=1': there is no 'std'; there is: size"):
        read_options(file, ["std=1"])


def test_a_setting_without_a_value_is_refused(file: Path) -> None:
    with pytest.raises(UsageError, match="'size' should be KEY=VALUE; the keys are: size"):
        read_options(file, ["size"])


def test_a_setting_with_a_line_break_sets_no_other_key(file: Path) -> None:
    with pytest.raises(UsageError, match="name must be"):
        read_options(file, ["name=a\nsize = 3"])
    with pytest.raises(UsageError, match="mean must be"):
        read_options(file, ["mean=1\ndeviation = 3"])


@pytest.mark.parametrize(
    ("settings_", "what"),
    [
        (["mean=0.5"], "mean and deviation go together"),
        (["deviation=0.5"], "mean and deviation go together"),
        (["scale=255"], "scale is that of mean and deviation"),
        (["resize=squash", "shorter_side=256"], "shorter_side is for"),
    ],
)
def test_halves_are_refused(file: Path, settings_: list[str], what: str) -> None:
    with pytest.raises(UsageError, match=rf"model\.onnx: {what}"):
        read_options(file, settings_)


@pytest.mark.parametrize(
    "data",
    [b"size 224", b"size = [", b"\xff\xfe", b"a = " + b"[" * 5000, b"a = " + b"9" * 5000],
    ids=["no equals", "cut", "no UTF-8", "deep", "long"],
)
def test_a_file_that_is_no_toml_is_refused(file: Path, data: bytes) -> None:
    beside(file, data)

    with pytest.raises(UsageError, match=r"model\.toml is no TOML"):
        read_options(file)


def test_a_file_that_is_too_large_or_a_folder_is_refused(file: Path) -> None:
    beside(file, b"#" * 70_000)
    with pytest.raises(UsageError, match=r"model\.toml is too large"):
        read_options(file)

    file.with_suffix(".toml").unlink()
    file.with_suffix(".toml").mkdir()
    with pytest.raises(UsageError, match=r"cannot read .*model\.toml: Is a directory"):
        read_options(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from([*KEYS, "x"]), st.text(max_size=12)), max_size=3))
def test_whatever_is_set_is_understood_or_refused(file: Path, pairs: list[tuple[str, str]]) -> None:
    try:
        options = read_options(file, [f"{key}={value}" for key, value in pairs])
    except UsageError:
        return
    assert isinstance(options, Options)
    assert options.name is None or options.name.isprintable()
