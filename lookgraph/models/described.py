"""What a library keeps of a network that the registry does not know, as JSON."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lookgraph.errors import ModelError
from lookgraph.models.model import Adoption, Carried, Filter, Model, Own, Preparation
from lookgraph.models.registry import MODELS
from lookgraph.types import Metric


def as_text(model: Model) -> str | None:
    """What `from_text` reads; None for a network of the registry, whose name is enough."""
    if not isinstance(model.weights, Own):
        return None
    weights = {"file": str(model.weights.path), "fingerprint": model.weights.fingerprint}
    if model.adoption is None:
        return json.dumps({"name": model.name, "weights": weights})
    told = asdict(replace(model, weights=_NOWHERE))
    return json.dumps({**told, "weights": weights})


_NOWHERE = Carried(package="", module="", file="", sha256="")


def from_text(text: str) -> Model:
    """The network that a library's space is of.

    Raises:
        ModelError: the text is none of ours: the library is damaged or of a newer Lookgraph.
    """
    try:
        return _model(json.loads(text))
    except (ValueError, TypeError, KeyError, StopIteration, RecursionError) as error:
        raise ModelError(
            f"What the library says of its network cannot be understood ({error}). "
            "Name the network: --model"
        ) from None


def _model(told: dict[str, Any]) -> Model:
    weights = Own(Path(told["weights"]["file"]), str(told["weights"]["fingerprint"]))
    if "adoption" not in told:
        row = next(row for row in MODELS if row.name == told["name"])
        return replace(row, weights=weights, check=())
    how = told["preparation"]
    preparation = Preparation(
        **{
            **how,
            "filter": Filter(how["filter"]),
            "mean": _three(how["mean"]),
            "deviation": _three(how["deviation"]),
        }
    )
    return Model(
        name=str(told["name"]),
        summary=str(told["summary"]),
        architecture=str(told["architecture"]),
        dimension=int(told["dimension"]),
        metric=Metric(told["metric"]),
        preparation=preparation,
        licence=str(told["licence"]),
        weights=weights,
        adoption=Adoption(**told["adoption"]),
    )


def _three(numbers: list[float]) -> tuple[float, float, float]:
    first, second, third = (float(number) for number in numbers)
    return first, second, third
