"""Which network made some embeddings, and whether it is the one that somebody says."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lookgraph.errors import ExchangeError, UsageError, WeightsError
from lookgraph.ingest.decode import UnusableError, decode
from lookgraph.models.embedder import Embedder, open_embedder
from lookgraph.models.model import Model
from lookgraph.models.registry import MODELS, find_model
from lookgraph.types import Array

_USUAL = {2048: "resnet50", 4096: "vgg16"}
"""The networks of the recipes, by their dimensions."""

_ALIKE = 0.99
"""So much like what was kept must most pictures be when they are embedded again."""


def network_of(embeddings: Sequence[Array | None]) -> Model | None:
    """The network of a recipe, by the dimension that most of some embeddings have.

    Args:
        embeddings: each of shape (d,), or None where something is none.

    Returns:
        the network; None if there are no embeddings.

    Raises:
        UsageError: neither recipe has such a dimension; says which networks have.
    """
    found = Counter(len(one) for one in embeddings if one is not None)
    if not found:
        return None
    ((dimension, _),) = found.most_common(1)
    if dimension in _USUAL:
        return find_model(_USUAL[dimension])
    names = [row.name for row in MODELS if row.dimension == dimension]
    raise UsageError(
        f"The embeddings have {dimension:,} numbers. Say which network made them: --model MODEL. "
        + (
            f"So many have those of {', '.join(names)}."
            if names
            else "No network of `lookgraph models` gives so many: name its ONNX file."
        )
    )


def check_network(model: Model, probes: Sequence[tuple[Path, Array]]) -> bool:
    """Be sure that a network makes such embeddings; most of the probes decide.

    Args:
        model: the network.
        probes: files, and what was kept of them, shape (d,).

    Returns:
        whether it was found out: its weights must be here.

    Raises:
        ExchangeError: it does not.
    """
    try:
        embedder = open_embedder(model, model.space(), callers=1)
    except WeightsError:
        return False
    likeness = [_likeness(embedder, file, kept) for file, kept in probes]
    told = sorted(one for one in likeness if one is not None)
    if not told:
        return False
    if told[len(told) // 2] < _ALIKE:
        scores = ", ".join(f"{one:.2f}" for one in told)
        raise ExchangeError(
            f"The embeddings are not those of {model.name} with the weights "
            f"{model.weights.fingerprint[:8]}: embedded again, {len(told)} pictures have the "
            f"cosines {scores} to them. Name the network that made them, --model MODEL or "
            "--model FILE.onnx, or take them as they are: --unchecked. Or are these other pictures "
            "than they were?"
        )
    return True


def _likeness(embedder: Embedder, path: Path, kept: Array) -> float | None:
    """The cosine of what was kept of a file and what the network makes of it now."""
    try:
        with path.open("rb") as file:
            image = decode(file, embedder.decode_side).image
    except (UnusableError, OSError):
        return None
    made = embedder.embed([embedder.prepare(image)])[0].astype(np.float64)
    return float(made @ kept / np.linalg.norm(made) / np.linalg.norm(kept))
