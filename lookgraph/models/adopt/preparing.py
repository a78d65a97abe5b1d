"""How pictures are prepared for somebody's network."""

from lookgraph.errors import UsageError
from lookgraph.models.adopt.options import Options
from lookgraph.models.model import Filter, Preparation, Three

_VERSION = 1
_IMAGENET_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
_IMAGENET_DEVIATION = (0.229 * 255, 0.224 * 255, 0.225 * 255)
_USUAL_MARGIN = 256 / 224
_FINENESS = 4
"""JPEGs keep so many times the pixels that are needed, as for the registry's larger networks."""
_WHOLE = 1 << 30


def preparation(options: Options, height: int, width: int, *, of_bytes: bool) -> Preparation:
    """The way to an input.

    Args:
        options: what somebody says of it.
        height: of the input.
        width: likewise.
        of_bytes: whether it takes the pixels' values as they are, as uint8.

    Raises:
        UsageError: the options contradict the input.
    """
    longer = max(height, width)
    shorter_side = _shorter_side(options, height, width)
    mean, deviation = _plain(options) if of_bytes else _normalising(options)
    needed = _FINENESS * (shorter_side or longer)
    return Preparation(
        version=_VERSION,
        height=height,
        width=width,
        shorter_side=shorter_side,
        filter=options.filter,
        # Four pixels decide about each there, so these must be the picture's own.
        decode_side=_WHOLE if options.filter is Filter.OPENCV_LINEAR else needed,
        bgr=options.channels == "bgr",
        mean=mean,
        deviation=deviation,
    )


def _shorter_side(options: Options, height: int, width: int) -> int | None:
    cropped = options.resize == "crop" or options.shorter_side or height == width
    if options.resize == "squash" or not cropped:
        return None
    shorter_side = options.shorter_side or round(max(height, width) * _USUAL_MARGIN)
    if shorter_side < max(height, width):
        raise UsageError(
            f"the middle of a picture whose shorter side is {shorter_side} does not fill an input "
            f'of {height} x {width}: a larger shorter_side, or resize = "squash"'
        )
    return shorter_side


def _plain(options: Options) -> tuple[Three, Three]:
    if options.mean or options.deviation:
        raise UsageError("its input takes bytes (uint8): mean and deviation have no place")
    return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def _normalising(options: Options) -> tuple[Three, Three]:
    """Mean and deviation of values from 0 to 255, in the network's order."""
    if options.mean is None or options.deviation is None:
        mean, deviation = _IMAGENET_MEAN, _IMAGENET_DEVIATION
        return (
            (_turned(mean), _turned(deviation)) if options.channels == "bgr" else (mean, deviation)
        )
    return _scaled(options.mean, options.scale), _scaled(options.deviation, options.scale)


def _turned(three: Three) -> Three:
    return three[2], three[1], three[0]


def _scaled(three: Three, scale: float) -> Three:
    first, second, third = (value * 255 / scale for value in three)
    return first, second, third
