"""Whether a lower precision finds the same neighbours as float32: only then it is offered."""

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from lookgraph.config import cache_folder
from lookgraph.errors import ModelError, UsageError
from lookgraph.models.cache import network_file
from lookgraph.models.kept import keep
from lookgraph.models.model import Model
from lookgraph.models.preprocess import fit
from lookgraph.models.processor import this_processor
from lookgraph.models.quantise import int8_file, keep_int8
from lookgraph.models.runtimes.base import Choice, Runtime
from lookgraph.models.runtimes.trial import candidates, load, versions
from lookgraph.types import Array, Matrix, Metric, Pixels, Precision, Space

LEAST = 0.99
"""Of float32's ten nearest, how many a lower precision must keep."""

_NEAREST = 10
_PICTURES = 360
_PARTS = 6
"""In a mixture."""
_CHECK = 1
"""Raise it whenever the check becomes another."""
_BATCH = 4


def top_agreement(exact: Matrix, other: Matrix, metric: Metric, k: int = _NEAREST) -> float:
    """How many of each picture's k nearest stay the same, from 0 to 1, the mean of all pictures.

    Args:
        exact: the embeddings of some pictures, shape (n, d), n > k,
        other: and what is to be compared with them, shape (n, d).
        metric: how two embeddings are compared.
        k: how many neighbours count; the picture itself is left out.
    """
    first, second = _nearest(exact, metric, k), _nearest(other, metric, k)
    same = [len(np.intersect1d(a, b)) for a, b in zip(first, second, strict=True)]
    return float(np.mean(same)) / k


def _nearest(embeddings: Matrix, metric: Metric, k: int) -> Array:
    """The numbers of the k nearest of each row, shape (n, k), in no order."""
    rows = embeddings.astype(np.float64)
    if metric is Metric.COSINE:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    scores = rows @ rows.T
    if metric is Metric.L2:  # |a - b|² = |a|² + |b|² - 2ab, of which |a|² is the same in a row
        scores = 2 * scores - np.square(rows).sum(axis=1)
    np.fill_diagonal(scores, -np.inf)
    return np.argpartition(-scores, k - 1, axis=1)[:, :k]


def mixtures(pictures: Sequence[Pixels], count: int) -> list[Pixels]:
    """Parts of pictures, six laid over each other in each.

    Drawn pictures lie in groups, whose members are easily told from the rest, so that a precision
    keeps more of their neighbours than of photographs'. Mixtures fill the space between. Six parts
    make them harder than photographs, so that what is admitted here keeps as much of those; with
    two, the third line would have been admitted. Measured with EfficientNet-Lite0, the share of
    the ten nearest that stay:

    ======================================  ============  =========  ============  ============
    .                                       1,688         360        360 mixtures  360 mixtures
    .                                       photographs   drawn      of two        of six
    ======================================  ============  =========  ============  ============
    bfloat16                                0.943         0.983      0.937         0.889
    bfloat16 from the 8th of 16 blocks      0.984         .          0.988         0.972
    bfloat16 from the 11th                  0.987         .          0.994         0.978
    bfloat16 from the 14th                  0.992         .          0.994         0.991
    int8                                    0.860         0.953      0.849         0.699
    int8 in the last convolution only       0.991         .          0.995         0.990
    ======================================  ============  =========  ============  ============

    Args:
        pictures: prepared, of one shape (height, width, 3).
        count: how many to make. They are the same every time.
    """
    random = np.random.default_rng(0)
    made = []
    for _ in range(count):
        shares = random.uniform(0.3, 0.7, _PARTS)
        parts = [
            _part(pictures[int(random.integers(len(pictures)))], random) for _ in range(_PARTS)
        ]
        mixed = np.tensordot(shares / shares.sum(), np.stack(parts).astype(np.float64), axes=1)
        made.append(mixed.round().astype(np.uint8))
    return made


def _part(picture: Pixels, random: np.random.Generator) -> Pixels:
    """A part of a picture, 0.4 to 0.9 of its sides, as large as all of it; half are mirrored."""
    height, width = picture.shape[:2]
    share = random.uniform(0.4, 0.9)
    across, down = share * width, share * height
    left, top = random.uniform(0, width - across), random.uniform(0, height - down)
    box = (left, top, left + across, top + down)
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC, box)
    part = np.asarray(resized)
    return part[:, ::-1] if random.random() < 0.5 else part


def admit(model: Model, space: Space, drawn: Callable[[], Iterable[Image.Image]]) -> float:
    """Whether a network may be used at a precision on this machine. The answer is kept.

    For int8 this also makes the network, calibrated on the drawn pictures.

    Args:
        model: the network,
        space: and one of its spaces, with the precision and the metric.
        drawn: gives some hundred different pictures in mode RGB; called only if there is no
            answer yet, which takes as long as embedding 720 pictures.

    Returns:
        The share of float32's ten nearest neighbours that it keeps, from 0.99 to 1.

    Raises:
        UsageError: it keeps fewer.
        ModelError: nothing here computes at that precision, or the network cannot be built.
        MissingExtraError: a runtime that is not installed would.
    """
    if space.precision is Precision.FLOAT32:
        return 1.0
    network = network_file(model)
    file = _file(network, space)
    agreement = _read(file)
    if agreement is None or (agreement >= LEAST and _is_missing(network, space.precision)):
        agreement = _measure(model, space, network, list(drawn()))
        with suppress(OSError):  # where the cache cannot be written, it is measured again
            keep(file, json.dumps({"agreement": agreement}).encode())
    if agreement < LEAST:
        raise UsageError(
            f"{model.name} in {space.precision} keeps {100 * agreement:.1f} % of float32's ten "
            f"nearest, and at least {100 * LEAST:.0f} % is asked: use float32"
        )
    return agreement


def _measure(model: Model, space: Space, network: Path, drawn: list[Image.Image]) -> float:
    """The least agreement of all that can execute the network at this precision."""
    found = candidates(space.precision, Choice())
    prepared = [fit(image, model.preparation) for image in drawn]
    pictures = mixtures(prepared, _PICTURES)
    (exact, *_) = candidates(Precision.FLOAT32, Choice(runtime="onnxruntime", device="cpu"))
    wanted = _embed(load(exact, network, Precision.FLOAT32, 1), pictures)
    if space.precision is Precision.INT8:
        # Mixtures have less contrast than pictures, and so narrower ranges.
        network = keep_int8(network, prepared[::2])
    return min(
        top_agreement(
            wanted,
            _embed(load(candidate, network, space.precision, 1), pictures),
            space.metric,
        )
        for candidate in found
    )


def _embed(runtime: Runtime, pictures: list[Pixels]) -> Matrix:
    starts = range(0, len(pictures), _BATCH)
    return np.concatenate([runtime.run(np.stack(pictures[i : i + _BATCH])) for i in starts])


def _is_missing(network: Path, precision: Precision) -> bool:
    if precision is not Precision.INT8:
        return False
    try:
        int8_file(network)
    except ModelError:
        return True
    return False


def _file(network: Path, space: Space) -> Path:
    here = [space.name, str(_CHECK), this_processor().name, *map(" ".join, versions().items())]
    machine = zlib.crc32("\n".join(here).encode())
    return cache_folder() / "precisions" / f"{network.stem}-{space.precision}-{machine:08x}.json"


def _read(file: Path) -> float | None:
    """What was kept; None if there is nothing that is whole."""
    try:
        agreement = float(json.loads(file.read_bytes())["agreement"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return agreement if 0 <= agreement <= 1 else None
