"""Safe readers of files of weights, without the frameworks that wrote them.

They admit tensors in plain containers and nothing else. Nothing in a file is executed, every
offset and size is checked against the file, and no number in it can reserve memory: any file ends
in its tensors or in `CheckpointError`.
"""

import os
from mmap import ACCESS_READ, mmap
from pathlib import Path

from lookgraph.errors import CheckpointError
from lookgraph.models.checkpoints import keras_hdf5, legacy, safetensors_file, torch_zip
from lookgraph.models.checkpoints.pickles import RefusedError
from lookgraph.types import Array

__all__ = ["CheckpointError", "read_checkpoint"]


def read_checkpoint(file: Path) -> dict[str, Array]:
    """Read a state: its tensors by name.

    Args:
        file: a state dict as ``torch.save`` writes it, in the zip format or the legacy one; a
            TorchScript archive; weights of Keras in HDF5; or safetensors. The first bytes tell
            which. It must stay as it is for as long as the tensors are in use.

    Returns:
        The tensors, read-only and not always aligned or contiguous: views of one map of the file,
        so those that share bytes cost nothing. Only bfloat16, which NumPy lacks, is copied and
        comes as float32, which holds the same numbers.

    Raises:
        CheckpointError: the file cannot be read or is anything else; nothing in it was executed.
        MissingExtraError: it is HDF5, and h5py is not installed.
    """
    try:
        return _read(file)
    except OSError as error:
        raise CheckpointError(f"cannot read the checkpoint {file}: {error.strerror}") from error
    except RefusedError as error:
        raise CheckpointError(
            f"{file} is not a checkpoint that can be read safely: {error}"
        ) from error


def _read(file: Path) -> dict[str, Array]:
    with file.open("rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            raise RefusedError("it is empty")
        data = mmap(stream.fileno(), 0, access=ACCESS_READ)
    head = data[:9]
    if head.startswith(torch_zip.SIGNATURE):
        return torch_zip.read(data)
    if head.startswith(keras_hdf5.SIGNATURE):
        return keras_hdf5.read(data, file)
    # Before the legacy format, whose first byte may be that of the header's length.
    if head[8:] == safetensors_file.OPENING:
        return safetensors_file.read(data)
    if head.startswith(legacy.SIGNATURE):
        return legacy.read(data)
    raise RefusedError(
        f"it begins with {head!r}, and so is neither torch's format, nor HDF5, nor safetensors"
    )
