"""torch's legacy format, which ``torch.save`` wrote before version 1.6.

Five pickles one after the other (a magic number, the format's version, a description of the
system, the state, the keys of the storages), then for each key the number of elements as a
64-bit integer and the elements themselves, little-endian (``_legacy_save`` in torch's source).
"""

import struct

from lookgraph.models.checkpoints.pickles import Data, RefusedError, read_pickle
from lookgraph.models.checkpoints.torch_tensors import Storage, admitted, arrays, state_of
from lookgraph.types import Array

SIGNATURE = b"\x80"
"""What a pickle begins with."""

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001


def read(data: Data) -> dict[str, Array]:
    """The tensors of a state by name: views of the data.

    Raises:
        RefusedError: it is anything else.
    """
    storages: dict[str, Storage] = {}
    value, position = read_pickle(data, _header(data), admitted(storages))
    keys, position = read_pickle(data, position)
    offsets = _offsets(data, position, keys, storages)
    return arrays(state_of(value), lambda storage: storage.elements(data, offsets[storage.key]))


def _header(data: Data) -> int:
    """Check the first three pickles; the position after them."""
    magic, position = read_pickle(data, 0)
    if magic != MAGIC:
        raise RefusedError("no magic number of torch's legacy format")
    version, position = read_pickle(data, position)
    if version != VERSION:
        raise RefusedError(f"a format version other than {VERSION}")
    system, position = read_pickle(data, position)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise RefusedError("numbers that are not little-endian")
    return position


def _offsets(
    data: Data, position: int, keys: object, storages: dict[str, Storage]
) -> dict[str, int]:
    """Where in the file the elements of each storage begin."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise RefusedError("no list of the storages' keys")
    if len(keys) != len(storages) or set(keys) != storages.keys():
        raise RefusedError("other storages than the state refers to")
    offsets: dict[str, int] = {}
    for key in keys:
        storage = storages[key]
        begin = position + 8
        position = begin + storage.nbytes
        if position > len(data):
            raise RefusedError(f"too few bytes for the storage {key[:80]!r}")
        if struct.unpack_from("<q", data, begin - 8)[0] != storage.count:
            raise RefusedError(f"two sizes of the storage {key[:80]!r}")
        offsets[key] = begin
    if position != len(data):
        raise RefusedError("bytes after the last storage")
    return offsets
