"""What somebody says of their ONNX network: a TOML file beside it, and settings that go before it.

For ``model.onnx`` that is ``model.toml``. Every key may be left out:

=============  =================================================================================
size           of the network's input: a number, or [height, width]; only where the graph leaves
               it open
layout         "nchw" or "nhwc"; only where the graph leaves it open
resize         "crop": the shorter side becomes ``shorter_side``, then the middle is cut out.
               "squash": all of the picture becomes ``size``. Default: "crop" for a square input,
               "squash" for any other
shorter_side   default: 256/224 of the input's longer side
filter         "bilinear" (default) and "bicubic" are Pillow's, with antialiasing, as in
               torchvision and transformers; "opencv-linear" is ``cv2.resize``'s default
mean           a number, or one for each channel in the network's order; with ``deviation``
deviation      likewise: the network gets (value - mean) / deviation. Default of both: ImageNet's
               (0.485, 0.456, 0.406 and 0.229, 0.224, 0.225), as most published networks want.
               A network that wants values from 0 to 1: mean = 0, deviation = 1. One that takes
               bytes (uint8) gets them as they are
scale          the largest value of a pixel that mean and deviation are meant for: 1 (default, as
               in PyTorch) or 255
channels       "rgb" (default) or "bgr": the network's order
input          the name of the input for pictures; the output must need no other
output         the name of the output, or of any value in the network. Default: the only one, or
               the only one that is called image_embeds, image_embedding(s), embedding(s) or
               pooler_output
pool           for an output with several vectors a picture: "first" of (n, tokens, d), or "mean"
               of (n, tokens, d) or (n, d, height, width), or of (n, height, width, d) where
               the input, too, has its channels last
metric         "cosine" (default), "l2" or "inner-product"
name           what the network is called; default: the file's name
licence        of the weights
=============  =================================================================================
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from lookgraph.errors import UsageError
from lookgraph.models.adopt.values import Told, Values
from lookgraph.models.model import Filter, Three
from lookgraph.types import Metric

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Options:
    """What somebody says of their network; see the module's text. None: nothing was said."""

    size: tuple[int, int] | None = None
    layout: Literal["nchw", "nhwc"] | None = None
    resize: Literal["crop", "squash"] | None = None
    shorter_side: int | None = None
    filter: Filter = Filter.BILINEAR
    mean: Three | None = None
    deviation: Three | None = None
    scale: float = 1.0
    channels: Literal["rgb", "bgr"] = "rgb"
    input: str | None = None
    output: str | None = None
    pool: Literal["first", "mean"] | None = None
    metric: Metric = Metric.COSINE
    name: str | None = None
    licence: str = ""


KEYS = tuple(field.name for field in fields(Options))
_TEXTS = frozenset({"input", "output", "name", "licence"})


def read_options(file: Path, settings: Sequence[str] = ()) -> Options:
    """What is said of a network.

    Args:
        file: the network, ``model.onnx``; ``model.toml`` beside it is read if it is there.
        settings: ``KEY=VALUE``, with the value as in TOML; texts need no quotes. They go before
            the file.

    Raises:
        UsageError: the file cannot be read, or a key or a value is not what it should be.
    """
    beside = file.with_suffix(".toml")
    told = {key: Told(str(beside), value) for key, value in _table(beside).items()}
    told.update(_setting(setting) for setting in settings)
    for key, one in told.items():
        if key not in KEYS:
            raise UsageError(f"{one.where}: there is no {key[:80]!r}; there is: {', '.join(KEYS)}")
    return _checked(_options(Values(told)), file)


def _table(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{file} is too large: it should be a few lines")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # ValueError: also for what is no UTF-8
        raise UsageError(f"{file} is no TOML: {error}") from error


def _setting(setting: str) -> tuple[str, Told]:
    key, equals, text = setting.partition("=")
    key, text = key.strip(), text.strip()
    if not equals:
        raise UsageError(f"{setting!r} should be KEY=VALUE; the keys are: {', '.join(KEYS)}")
    value: object = text
    with suppress(ValueError, RecursionError):
        table = tomllib.loads(f"value = {text}")
        # An output may be called 495. A line break in the text would add further keys.
        if len(table) == 1 and (isinstance(table["value"], str) or key not in _TEXTS):
            value = table["value"]
    return key, Told(repr(setting), value)


def _options(values: Values) -> Options:
    return Options(
        size=values.size("size"),
        layout=values.word("layout", ("nchw", "nhwc")),
        resize=values.word("resize", ("crop", "squash")),
        shorter_side=values.side("shorter_side"),
        filter=values.word("filter", tuple(Filter)) or Filter.BILINEAR,
        mean=values.three("mean"),
        deviation=values.divisors("deviation"),
        scale=values.divisor("scale") or 1.0,
        channels=values.word("channels", ("rgb", "bgr")) or "rgb",
        input=values.text("input"),
        output=values.text("output"),
        pool=values.word("pool", ("first", "mean")),
        metric=values.word("metric", tuple(Metric)) or Metric.COSINE,
        name=values.text("name"),
        licence=values.text("licence") or "",
    )


def _checked(options: Options, file: Path) -> Options:
    """Refuse what goes unheard or would only be half of what was meant."""
    if (options.mean is None) != (options.deviation is None):
        raise UsageError(f"{file}: mean and deviation go together (no deviation: deviation = 1)")
    if options.scale != 1 and options.mean is None:
        raise UsageError(f"{file}: scale is that of mean and deviation: give these, too")
    if options.shorter_side and options.resize == "squash":
        raise UsageError(f'{file}: shorter_side is for resize = "crop", not for "squash"')
    return options
