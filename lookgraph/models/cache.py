"""Built networks, kept between runs so that a search need not build one."""

import zlib
from pathlib import Path
from typing import Literal, TypeAlias

from lookgraph.config import cache_folder
from lookgraph.errors import ModelError
from lookgraph.models.kept import keep
from lookgraph.models.model import Model, Own
from lookgraph.models.weights import locate_weights

BUILD = 1
"""Raise it whenever `networks` builds another network from the same weights. It stands here
because importing `networks` loads onnx, which a run that finds its network does without."""

_PART = 1 << 18
"""Bytes to read at once: memory for all of a network takes longer to get than its checksum."""


Part: TypeAlias = Literal["pictures", "text"]
"""The half of a network that takes pictures, or the one that takes texts."""


def network_file(model: Model, part: Part = "pictures") -> Path:
    """A network as an ONNX file; built and kept if it is not there yet.

    The file's name ends in the CRC-32 of its bytes, so one rename puts both in place, and a
    damaged file is noticed, in some 8 ms for 13 MB, and built again. The checksum is against
    accidents: who can write to the folder can also write to the installed packages.

    Raises:
        WeightsError: the weights are missing or wrong.
        CheckpointError: they are not what the network is built from.
        ModelError: the folder cannot be written, or somebody's ONNX network cannot be adopted.
    """
    folder = cache_folder() / "networks"
    prefix = f"{model.space().name}{'-text' * (part == 'text')}-b{BUILD}-"
    for file in sorted(folder.glob(f"{prefix}*.onnx")):
        if _is_whole(file):
            return file
    data = _build(model, part)
    file = folder / f"{prefix}{zlib.crc32(data):08x}.onnx"
    try:
        keep(file, data)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return file


def _unwritable(folder: Path, error: OSError) -> ModelError:
    return ModelError(
        f"cannot write the network to {folder}: {error.strerror}. "
        "Set LOOKGRAPH_CACHE to a folder that can be written"
    )


def received(name: str, data: bytes) -> Path:
    """Keep a network that another machine has built or quantised; where it is here, do nothing.

    Args:
        name: of the file there.
        data: all that is in it.

    Raises:
        ModelError: the folder cannot be written.
    """
    file = cache_folder() / "networks" / "received" / f"{zlib.crc32(data):08x}-{name}"
    try:
        if not file.exists() or file.stat().st_size != len(data):
            keep(file, data)
    except OSError as error:
        raise _unwritable(file.parent, error) from error
    return file


def _is_whole(file: Path) -> bool:
    checksum = 0
    try:
        with file.open("rb") as stream:
            while part := stream.read(_PART):
                checksum = zlib.crc32(part, checksum)
    except OSError:
        return False
    return file.stem.endswith(f"-{checksum:08x}")


def _build(model: Model, part: Part) -> bytes:
    if model.adoption and isinstance(model.weights, Own):
        from lookgraph.models.adopt import adopt

        return bytes(adopt(model, model.weights.path).SerializeToString())
    from lookgraph.models.checkpoints import read_checkpoint
    from lookgraph.models.networks import build_network

    state = read_checkpoint(locate_weights(model))
    architecture = model.text.architecture if part == "text" and model.text else model.architecture
    return bytes(build_network(state, model, architecture).SerializeToString())
