"""Built networks, kept between runs so that a search need not build one."""

import os
import zlib
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from lookgraph.config import cache_folder
from lookgraph.errors import ModelError
from lookgraph.models.registry import Model
from lookgraph.models.weights import locate_weights

BUILD = 1
"""Raise it whenever `networks` builds another network from the same weights. It stands here
because importing `networks` loads onnx, which a run that finds its network does without."""

_PART = 1 << 18
"""Bytes to read at once: memory for all of a network takes longer to get than its checksum."""


def network_file(model: Model) -> Path:
    """The network of a row, as a file for ONNX Runtime; built and kept if it is not there yet.

    The file's name ends in the CRC-32 of its bytes, so one rename puts both in place, and a
    damaged file is noticed, in some 8 ms for 13 MB, and built again. The checksum is against
    accidents: who can write to the folder can also write to the installed packages.

    Raises:
        WeightsError: the weights are missing or wrong.
        CheckpointError: they are not what the network is built from.
        ModelError: the folder cannot be written.
    """
    folder = cache_folder() / "networks"
    prefix = f"{model.space.name}-b{BUILD}-"
    for file in sorted(folder.glob(f"{prefix}*.onnx")):
        if _is_whole(file):
            return file
    data = _build(model)
    file = folder / f"{prefix}{zlib.crc32(data):08x}.onnx"
    try:
        _keep(file, data)
    except OSError as error:
        raise ModelError(
            f"cannot write the network to {folder}: {error.strerror}. "
            "Set LOOKGRAPH_CACHE to a folder that can be written"
        ) from error
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


def _build(model: Model) -> bytes:
    from lookgraph.models.checkpoints import read_checkpoint
    from lookgraph.models.networks import build_network

    network = build_network(read_checkpoint(locate_weights(model)), model)
    return bytes(network.SerializeToString())


def _keep(file: Path, data: bytes) -> None:
    """Write aside and rename: whoever looks sees all of the file or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f"{file.name}.{uuid4().hex}.tmp")
    try:
        with aside.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(file)
    finally:
        with suppress(OSError):
            aside.unlink()
